"""The form of a rule: what to watch, on which pair, at which level, and who is notified."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, get_args

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from alphastream.alerts import (
    MAX_COOL_DOWN_S,
    MAX_NAME,
    MEASURES,
    ONE_LOOK,
    SHARED,
    WITHOUT_PAIR,
    Rule,
    When,
    clear_within,
    is_one_look,
    measure_name,
    measure_of,
)
from alphastream.core.units import SECOND
from alphastream.errors import AlphaStreamError
from alphastream.graph import Price, interval_name
from alphastream.instruments import in_words
from alphastream.microstructure import CAVEATS
from alphastream.pairs import ALARM_DAYS, MODELS, PairSpec
from alphastream.registry import find
from config import Settings
from views.shared.controls import HELP, INTERVALS_S, Z_OF_WALKS
from views.shared.escaping import in_markdown
from views.shared.form_controls import Offered, require
from views.shared.instruments import asked, label
from views.shared.rights import change_button

ABOUT: Final[Mapping[str, str]] = {
    "zscore": f"Means little while a leg is old or the pair is not cointegrated: add rules for both. {Z_OF_WALKS}",
    "correlation": "Of bar returns over the window. Legs that trade rarely look less correlated than they are.",
    "half_life": "Of one ratio fixed over the newest 250 to 500 bars in which both legs traded; ∞ where it does "
    "not revert. Means nothing while the p-value is high.",
    "evidence": "Stays valid while you watch. On legs that nothing holds together, a level of 20 days is met by chance "
    "on one day in 20 at most. Rules on it share that budget. Looks only at bars in which both legs traded.",
    "ended": "Begins once a relation was shown, and stays valid while you watch. While deviations come back with a "
    "half-life of 50 bars or less, a level of 20 days is met by chance on one day in 20 at most. Rules on it share "
    "that budget.",
    "evidence_p": "Of all bars since this app began to compute the pair. It never rises: below 0.05 it stays, which "
    "happens to 5 % at most of pairs that nothing holds together, however long you watch.",
    "pvalue": "Engle-Granger on one ratio fixed over the newest 250 to 500 bars in which both legs traded: one look. "
    "Its bootstrap shows nothing below 0.005.",
    "half_life_window": "Of one ratio fixed over the window, but at least 250 bars in which both legs traded.",
    "pvalue_window": "Engle-Granger over the window, but at least 250 bars in which both legs traded: one look.",
    "position": "−1 short the spread, 0 flat, 1 long; outside ±0.5 fires on every new position. Not a fill.",
    "age_y": "Measured to now, not to a bar: also while nothing trades.",
    "age_x": "Measured to now, not to a bar: also while nothing trades.",
    **{f"vpin_{leg}": CAVEATS for leg in ("y", "x")},
    **{
        f"{name}_{leg}": "Needs a book of this leg: without one, as in the recording, the rule waits and says so."
        for name in ("quoted_spread", "book_imbalance", "depth")
        for leg in ("y", "x")
    },
    "feed": "Since the newest trade of any symbol, whatever the reason. Watches the live feed also while a recording "
    "is shown.",
    "arbitrage": "Per cent of the value, after the costs that the arbitrage page assumes, as far as it holds whatever "
    "the error of the clocks. Of live venues only, five looks a second.",
}
# What a form begins with: when, level, clear.
_OF_FLOW: Final[Mapping[str, tuple[When, float, float]]] = {
    "flow_imbalance": ("outside", 0.5, 0.2),
    "signed_volume": ("outside", 1_000.0, 100.0),
    "vpin": ("above", 0.6, 0.4),
    "price_impact": ("above", 1.0, 0.5),
    "quoted_spread": ("above", 5.0, 2.0),
    "book_imbalance": ("outside", 0.9, 0.5),
    "depth": ("below", 100_000.0, 200_000.0),
}
BEGIN: Final[Mapping[str, tuple[When, float, float]]] = {
    "zscore": ("outside", 2.0, 1.0),
    "position": ("outside", 0.5, 0.0),
    "correlation": ("below", 0.3, 0.5),
    "half_life": ("above", 100.0, 60.0),
    "half_life_window": ("above", 100.0, 60.0),
    "evidence": ("above", ALARM_DAYS, 1.0),
    "ended": ("above", ALARM_DAYS, 1.0),
    "evidence_p": ("below", 0.05, 1.0),
    "pvalue": ("below", 0.01, 0.5),
    "pvalue_window": ("below", 0.001, 0.5),
    "age_y": ("above", 10.0, 2.0),
    "age_x": ("above", 10.0, 2.0),
    **{f"{name}_{leg}": begin for leg in ("y", "x") for name, begin in _OF_FLOW.items()},
    "feed": ("above", 30.0, 5.0),
    "arbitrage": ("above", 0.05, 0.0),
}
_OTHERS: Final[tuple[When, float, float]] = ("above", 1.0, 0.0)
_CLEAR: Final = (
    "Hysteresis: after firing, the value has to come back this far before the rule can fire again. Moves with the "
    "level where it would lie beyond it."
)
_COOL_DOWN: Final = (
    "At most one alert in this time. Where the value is still beyond the level afterwards, it fires then."
)
_WHEN: Final[Mapping[When, str]] = {"above": "at or above", "below": "at or below", "outside": "outside ±"}


@dataclass(frozen=True, slots=True)
class Choices:
    """What a form offers.

    Parameters
    ----------
    symbols : legs; others may be typed.
    venue : of symbols that are written without one.
    hooks : names of the webhooks there are.
    last_price : newest price of a symbol, None where it has not traded.
    assets : that are quoted at two venues or more.
    """

    symbols: Sequence[str]
    venue: str
    hooks: Sequence[str]
    last_price: Callable[[str], float | None]
    assets: Sequence[str] = ()


def rule_form(before: Rule | None, choices: Choices, settings: Settings, begin: PairSpec | None = None) -> Rule | None:
    """Ask for a rule.

    Parameters
    ----------
    before : the rule that is edited; None for a new one.
    begin : the pair that a new one begins with; None for the settings'.

    Returns
    -------
    The rule once its button was pressed and it is sound; None, and a sentence where it is not, otherwise.
    """
    place = f"rule-{before.id if before is not None else st.session_state.get('alerts_added', 0)}"
    row = _row()
    first = before.measure if before is not None else "zscore"
    known = list(dict.fromkeys((*MEASURES, first)))
    measure = _choose(row, "Watch", known, first, f"{place}-measure", 300, format_func=measure_name)
    title = before.name if before is not None else measure_name(measure)
    name = row.text_input("Name", title, MAX_NAME, key=f"{place}-{measure}-name", width=300)
    if measure in ABOUT:
        st.caption(ABOUT[measure])
    try:
        spec = None if measure in WITHOUT_PAIR else _pair(before, place, measure, choices, settings, begin)
        home, parameters = _own(before, place, measure)
        asset, for_s = _edge(before, place, choices.assets) if measure == "arbitrage" else ("", 0.0)
        when, level, clear, cool_down_s = _levels(before, place, measure, spec, choices)
        channels = _channels(before, place, choices.hooks)
        told = is_one_look(measure) and _told(before, f"{place}-{measure}")
        if not change_button("Save" if before is not None else "Add rule", type="primary", key=f"{place}-save"):
            return None
        rule_id, on = (before.id, before.on) if before is not None else (secrets.token_hex(4), True)
        return Rule(
            rule_id,
            name.strip(),
            measure,
            when,
            level,
            clear,
            spec,
            cool_down_s,
            on,
            channels,
            told,
            asset,
            for_s,
            home,
            parameters,
        )
    except AlphaStreamError as error:
        st.error(in_markdown(in_words(error, choices.venue)), icon=":material/error:", title="This rule is not valid")
        return None


def _own(before: Rule | None, place: str, measure: str) -> tuple[str, dict[str, Any]]:
    """File and parameters of a measure that somebody registered; of AlphaStream's own nothing."""
    if measure_of(measure).kind not in ("own", "absent"):
        return "", {}
    entry = find("alerts", measure)
    if entry.about:
        st.caption(in_markdown(f"{entry.about} ({entry.home})"))
    begin = before.parameters if before is not None and before.measure == measure else {}
    made = require(entry.made, Offered(begin=begin, in_address=False), f"{place}-{measure}")
    return entry.home, {item.name: getattr(made, item.name) for item in fields(made) if item.init}


def _told(before: Rule | None, place: str) -> bool:
    """Say how often a rule on a one-look p-value fires by chance, and ask whether that is known."""
    st.warning(ONE_LOOK, icon=":material/casino:", title="This rule will fire by chance")
    known = before is not None and before.told
    return st.checkbox("I know that it fires this often by chance", known, key=f"{place}-told")


def _row() -> DeltaGenerator:
    return st.container(horizontal=True, vertical_alignment="bottom")


def _choose(row: DeltaGenerator, label: str, options: list[Any], first: Any, key: str, width: int, **more: Any) -> Any:
    return row.selectbox(label, options, options.index(first), key=key, width=width, **more)


def _channels(before: Rule | None, place: str, hooks: Sequence[str]) -> tuple[str, ...]:
    """Where alerts go; a webhook that is no longer configured can be taken away."""
    held = list(before.channels) if before is not None else []
    known = list(dict.fromkeys((*hooks, *held)))
    empty = "Only this app" if known else "None configured, see below"
    return tuple(st.multiselect("Send to webhooks", known, held, key=f"{place}-hooks", placeholder=empty))


def _pair(
    before: Rule | None,
    place: str,
    measure: str,
    choices: Choices,
    settings: Settings,
    viewed: PairSpec | None,
) -> PairSpec:
    """The pair, its bars and its model; thresholds where the signal is watched."""
    begin = before.spec if before is not None else viewed
    if begin is None:
        x, y = (*choices.symbols, "x", "y")[:2]
        begin = PairSpec(
            y, x, settings.interval_s * SECOND, "ols", settings.window_bars, "log", settings.entry_z, settings.exit_z
        )
    legs = list(dict.fromkeys(label(leg, choices.venue) for leg in (*choices.symbols, begin.y, begin.x)))
    seconds = begin.interval_ns // SECOND
    lengths = sorted({*INTERVALS_S, seconds})
    row = _row()

    def choose(label: str, options: list[Any], first: Any, key: str, width: int, **more: Any) -> Any:
        return _choose(row, label, options, first, f"{place}-{key}", width, help=HELP[key], **more)

    def number(label: str, low: float, high: float, first: float, step: float, key: str) -> float:
        return row.number_input(label, low, high, first, step, key=f"{place}-{key}", help=HELP[key], width=140)

    y = choose("Dependent leg (y)", legs, label(begin.y, choices.venue), "y", 170, accept_new_options=True)
    x = choose("Hedge leg (x)", legs, label(begin.x, choices.venue), "x", 170, accept_new_options=True)
    length = choose("Bar", lengths, seconds, "interval", 100, format_func=lambda s: interval_name(s * SECOND))
    model = choose("Model", list(MODELS), begin.model, "model", 150, format_func=lambda name: MODELS[name])
    window = number("Window (bars)", 20, 500, min(max(begin.window, 20), 500), 5, "window")
    price = choose("Prices", list(get_args(Price)), begin.price, "price", 100)
    entry, exit_ = begin.entry, begin.exit
    if measure == "position":
        entry = number("Entry |z|", 0.5, 6.0, entry, 0.25, "entry")
        exit_ = number("Exit |z|", 0.0, 5.0, exit_, 0.25, "exit")
    y, x = (asked(leg or "", choices.venue) for leg in (y, x))
    return PairSpec(y, x, length * SECOND, model, int(window), price, entry, exit_)


def _levels(
    before: Rule | None, place: str, measure: str, spec: PairSpec | None, choices: Choices
) -> tuple[When, float, float, float]:
    """When it fires, when it may fire again, and the cool-down in seconds."""
    place = f"{place}-{measure}"  # another measure begins with other levels
    same = before if before is not None and before.measure == measure else None
    begin = (same.when, same.level, same.clear) if same is not None else BEGIN.get(measure, _OTHERS)
    if same is None and spec is not None and measure in ("price_y", "price_x"):
        symbol = spec.y if measure == "price_y" else spec.x
        place = f"{place}-{symbol}"
        begin = st.session_state.setdefault(f"{place}-begin", _near(choices.last_price(symbol)))
    when, level, clear = begin
    cool_down_s = before.cool_down_s if before is not None else 60.0
    unit = f", {measure_of(measure).unit}" if measure_of(measure).unit else ""
    row = _row()

    def number(label: str, first: float, key: str, width: int, **more: Any) -> float:
        return float(row.number_input(f"{label}{unit}", value=first, key=f"{place}-{key}", width=width, **more))

    ways: list[When] = ["above"] if measure in SHARED else list(_WHEN)
    follow = {"on_change": _move_clear, "args": (place, begin)}  # it goes with the level that it belongs to
    chosen = _choose(row, "Fires", ways, when, f"{place}-when", 150, format_func=lambda key: _WHEN[key], **follow)
    level = number("Level", level, "level", 150, step=None, format="%.8g", **follow)
    clear = number("Re-arms at", clear, "clear", 220, step=None, format="%.8g", help=_CLEAR)
    unit = ", s"
    cool_down_s = number(
        "Cool-down",
        cool_down_s,
        "cool",
        150,
        min_value=0.0,
        max_value=MAX_COOL_DOWN_S,
        step=10.0,
        format="%.0f",
        help=_COOL_DOWN,
    )
    return chosen, level, clear, cool_down_s


def _move_clear(place: str, begin: tuple[When, float, float]) -> None:
    """Move where a rule re-arms to the right side of the level that was just chosen."""
    state = st.session_state
    when, level, clear = (state.get(f"{place}-{name}") for name in ("when", "level", "clear"))
    if when is not None and level is not None and clear is not None:
        state[f"{place}-clear"] = float(f"{clear_within(when, float(level), float(clear), begin[1:]):.8g}")


def _edge(before: Rule | None, place: str, assets: Sequence[str]) -> tuple[str, float]:
    """The asset, empty for any, and how many seconds the edge has to last."""
    same = before if before is not None and before.measure == "arbitrage" else None
    first = same.asset if same is not None else ""
    row = _row()
    names = list(dict.fromkeys(("", *assets, first)))
    asset = _choose(row, "Asset", names, first, f"{place}-asset", 170, format_func=lambda name: name or "any")
    lasts = same.for_s if same is not None else 1.0
    key = f"{place}-for"
    return str(asset), float(row.number_input("For at least, s", 0.0, MAX_COOL_DOWN_S, lasts, 1.0, key=key, width=150))


def _near(price: float | None) -> tuple[When, float, float]:
    """A per cent above the newest price."""
    return _OTHERS if price is None else ("above", float(f"{price * 1.01:.6g}"), float(f"{price:.6g}"))
