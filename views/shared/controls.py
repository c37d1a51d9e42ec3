"""The controls of a pair, the same on every page. Each writes itself into the address, so a link restores a page.

A preset is a set of defaults: the address holds its name and what differs from it. So ``?preset=Scalp`` opens it, and
``?preset=Scalp&window=60`` opens it with another window.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast

import streamlit as st

from alphastream.cointegration import USUAL_INTERVALS_S
from alphastream.core.units import SECOND
from alphastream.errors import AlphaStreamError
from alphastream.graph import Price, interval_name
from alphastream.instruments import bare, in_words
from alphastream.pairs import MODELS, Model, PairSpec
from config import Settings
from pipelines import Pipeline
from views.shared.escaping import in_markdown
from views.shared.fill_cost import derived, fill_cost_control
from views.shared.instruments import as_shown, asked, label
from views.shared.links import understood
from views.shared.rights import why_not

WINDOWS, ENTRIES, EXITS = (20, 500), (0.05, 6.0), (-6.0, 5.0)  # what their fields take
INTERVALS_S: Final = USUAL_INTERVALS_S
SHOWN_BARS: Final = (150, 300, 600, 1_200, 2_000)
PRICES: Final[tuple[Price, ...]] = ("log", "price")

OWN_DEFAULTS: Final = "Standard"


@dataclass(frozen=True, slots=True)
class Preset:
    """Where the controls stand at first; ``interval_s`` in seconds, the rest as in ``PairSpec``."""

    interval_s: int
    window: int
    entry: float
    exit: float
    model: Model = "ols"
    price: Price = "log"


PRESETS: Final[Mapping[str, Preset]] = {
    "Scalp": Preset(interval_s=1, window=120, entry=2.5, exit=0.5),
    "Intraday": Preset(interval_s=60, window=240, entry=2.0, exit=0.5),
    "Swing": Preset(interval_s=300, window=290, entry=2.0, exit=0.0, model="huber"),
}
"""Two minutes of seconds, four hours of minutes, a day of five minutes; the longer the bars, the more one of them may
be an outlier, and the closer to the mean a trade may wait."""

LAST_PAIR: Final = "last_pair"
"""Key of the pair that this visitor looked at last, for pages that begin with it."""
OLD_MODELS: Final[Mapping[str, Model]] = {"Kalman": "kalman"}
"""Names of models in links of before; what stands in an address is what the control shows."""

Z_OF_WALKS: Final = (
    "Large z come by chance. On random walks with nothing to revert to, windows of 100 bars: OLS and Huber have a "
    "standard deviation of 1.24 and |z| ≥ 2 on 10 % of the bars, TLS 1.34 and 9 %; Kalman (discounted) 1.0 and 4 %; "
    "Frozen OLS is beyond 2 on half of them."
)
"""What the z-scores of the models are where there is nothing, said where thresholds are chosen."""

HELP: Final = {
    "preset": "Sets bar, model, window, thresholds and prices at once. Standard: as this server is set up. Scalp: 1 s "
    "bars, OLS over 120, 2.5 in, 0.5 out. Intraday: 1 min, OLS over 240, 2 in, 0.5 out. Swing: 5 min, Huber over 290, "
    "2 in, 0 out. Starting points, not advice; what you change afterwards stays changed.",
    "y": "Dependent leg. A long spread buys it.",
    "x": "Hedge leg. A long spread sells hedge ratio times as much of it.",
    "interval": "Length of a bar. A row exists for every bar in which a leg traded.",
    "only_interval": "Length of a bar: that of the rows, which cannot be divided.",
    "model": "How the hedge ratio is estimated. OLS: least squares over the window. Huber: least squares that outliers "
    "cannot bend. TLS: errors in both legs. Kalman (discounted): intercept and ratio drift, filtered bar by bar as "
    "older bars fade; the z-score is the surprise of each bar. Frozen OLS: fitted over a window, then held for as many "
    "bars and fitted again; only here is the spread that is traded the one that a cointegration test looks at.",
    "window": "Bars an estimate looks back. The z-score of OLS, Huber and TLS needs a second window of spreads. "
    "Kalman: how fast older bars fade; its z-score is defined after one window and acted upon after ten, because until "
    "then it depends on where the bars began. Frozen OLS: bars of a fit, and bars that it is held.",
    "entry": f"A position opens when |z| reaches this on a closed bar. {Z_OF_WALKS}",
    "exit": "It closes when |z| falls to this, or z crosses to the other side. Below 0: when z is that far on the "
    "other side; at minus the entry it turns there and is never flat.",
    "price": "Estimate on log prices (ratio of notionals) or on prices (ratio of units).",
}


def pair_controls(
    symbols: Sequence[str],
    settings: Settings,
    *,
    venue: str = "",
    shortest_s: int = 1,
    open_list: bool = False,
    cost: bool = False,
) -> PairSpec | None:
    """Ask for a pair and a model.

    Parameters
    ----------
    symbols : what can be chosen.
    venue : of symbols that are written without one; "" where names have none.
    shortest_s : no shorter bars are offered.
    open_list : whether names that are not in the list may be typed.
    cost : whether the page needs what trading costs; it reads ``chosen_fill_cost``.

    Returns
    -------
    The request, or None (and a sentence on the page) while the choice is not a pair.
    """
    widths = [1.0, 1.2, 1.2, 0.8, 0.9, 1.4, 0.95, 0.95, 0.8, 0.95]
    fold_controls("Pair, bars and thresholds")
    place = st.container(key="pair_controls")  # the key is a class for the style sheet
    columns = iter(place.columns(widths if cost else widths[:-1], vertical_alignment="bottom", gap="xsmall"))
    lengths = [length for length in INTERVALS_S if length >= shortest_s] or [shortest_s]
    intervals = {interval_name(length * SECOND): length for length in lengths}
    models = {name: model for model, name in MODELS.items()}
    own = Preset(settings.interval_s, settings.window_bars, settings.entry_z, settings.exit_z)
    presets = {OWN_DEFAULTS: own} | {name: each for name, each in PRESETS.items() if each.interval_s in lengths}

    def choose(label: str, options: Sequence[str], default: int, key: str, **more: Any) -> str | None:
        # Options are what is shown: that is also what stands in the address.
        column = next(columns)
        if not more.get("accept_new_options"):
            drop_unknown(key, options)
        chosen = column.selectbox(label, options, default, key=key, help=HELP[key], bind="query-params", **more)
        return None if chosen is None else str(chosen)

    def number(label: str, low: float, high: float, default: float, key: str, step: float = 0.25) -> float:
        column = next(columns)
        return column.number_input(label, low, high, default, step, key=key, help=HELP[key], bind="query-params")

    begin = presets[str(choose("Preset", list(presets), 0, "preset", on_change=_take_preset, args=(presets,)))]
    first = lengths.index(begin.interval_s) if begin.interval_s in lengths else 0
    offered = [label(symbol, venue) for symbol in symbols]
    take_names(("y", "x"), lambda text: as_shown(text, venue), None if open_list else offered)
    y = choose("Dependent leg (y)", offered, min(1, len(offered) - 1), "y", accept_new_options=open_list)
    x = choose("Hedge leg (x)", offered, 0, "x", accept_new_options=open_list)
    # Bars of a day alone are no choice that another page should begin with.
    interval = choose("Bar", list(intervals), first, "interval" if len(intervals) > 1 else "only_interval")
    take_old_model()
    model = choose("Model", list(models), list(models.values()).index(begin.model), "model")
    window = next(columns).slider(
        "Window (bars)", *WINDOWS, begin.window, 1, key="window", help=HELP["window"], bind="query-params"
    )
    entry = number("Entry |z|", *ENTRIES, begin.entry, "entry")
    exit_ = number("Exit |z|", *EXITS, begin.exit, "exit")
    price = choose("Prices", PRICES, PRICES.index(begin.price), "price")
    if cost:
        place.caption(derived(fill_cost_control(next(columns))))
    try:
        y, x = (asked(leg or "", venue) for leg in (y, x))
    except AlphaStreamError as error:
        st.warning(in_markdown(sentence(error)), icon=":material/rule:")
        return None
    if y == x or not y or not x:
        both = in_markdown(label(y, venue)) or "empty"
        st.warning(f"Both legs are {both}: choose two different symbols.", icon=":material/call_split:")
        return None
    if exit_ >= entry:
        st.warning(f"Exit {exit_:g} is not inside entry {entry:g}: bring it nearer to zero.", icon=":material/rule:")
        return None
    if exit_ < -entry:
        st.warning(
            f"Exit {exit_:g} is beyond {-entry:g}, where a position turns: bring it nearer to zero.",
            icon=":material/rule:",
        )
        return None
    length_ns = intervals[str(interval)] * SECOND
    spec = PairSpec(y, x, length_ns, models[str(model)], int(window), cast(Price, price), float(entry), float(exit_))
    st.session_state[LAST_PAIR] = spec
    return spec


def fold_controls(words: str) -> None:
    """On a phone, what opens the controls below it (``page.css``): they would fill the first screen."""
    with st.container(key="controls_fold"), st.expander(words):
        st.caption("They stand in the address as well.")


def _take_preset(presets: Mapping[str, Preset]) -> None:
    """Move the controls to where the preset that was just chosen has them."""
    preset = presets[st.session_state["preset"]]
    values = {
        "interval": interval_name(preset.interval_s * SECOND),
        "model": MODELS[preset.model],
        "window": preset.window,
        "entry": preset.entry,
        "exit": preset.exit,
        "price": preset.price,
    }
    for key, value in values.items():
        st.session_state[key] = value


def standing_pair(settings: Settings, y: str, x: str) -> PairSpec:
    """Two legs with the bars, the model and the thresholds of the pair that was looked at last; else the settings'.

    For pages that have no such controls themselves.
    """
    last = st.session_state.get(LAST_PAIR)
    if isinstance(last, PairSpec):
        return replace(last, y=y, x=x)
    return PairSpec(
        y,
        x,
        settings.interval_s * SECOND,
        window=settings.window_bars,
        entry=settings.entry_z,
        exit=settings.exit_z,
    )


def take_names(keys: Iterable[str], shown: Callable[[str], str], offered: Collection[str] | None = None) -> None:
    """Spell names in controls that are about to be drawn as their options are spelt.

    What a control begins with stands in the address, and only what it offers is taken from there. So the page begins
    again with another address where that spells a name otherwise.

    Parameters
    ----------
    keys : of controls, each for a name or for a list of names.
    shown : gives the spelling of what stands in an address, or was typed.
    offered : the only names that the controls take; None where others may be typed.
    """
    respelt = {}
    for key in keys:
        if (held := st.session_state.get(key)) is not None:
            spelt = shown(held) if isinstance(held, str) else [shown(text) for text in held]
            if spelt != held and (offered is None or spelt in offered):
                st.session_state[key] = spelt
            continue
        given = st.query_params.get_all(key)
        names = [shown(text) for text in given]
        if names != given and (offered is None or set(names) <= set(offered)):
            respelt[key] = names
    if respelt:
        st.query_params.update(respelt)
        st.rerun()


def drop_unknown(key: str, options: Collection[str]) -> None:
    """Let go of what was chosen on a page with other symbols or bars; the control that is about to be drawn begins."""
    if key in st.session_state and st.session_state[key] not in options:
        del st.session_state[key]


def take_old_model() -> None:
    """Set the model's control, which is about to be drawn, where a link of before has another name for its choice."""
    old = OLD_MODELS.get(st.query_params.get("model", ""))
    if old is not None and "model" not in st.session_state:
        st.session_state["model"] = MODELS[old]
        understood("model")


def is_followed(pipeline: Pipeline, symbol: str) -> bool:
    """Make sure that the feed carries a symbol that was typed in; say why where it cannot, or this visitor may not."""
    if symbol in pipeline.symbols:
        return True
    if reason := why_not():
        known = in_markdown(", ".join(label(name, pipeline.venue) for name in pipeline.symbols))
        title = f"{in_markdown(label(symbol, pipeline.venue))} is not followed here"
        st.error(f"{in_markdown(reason)} Followed are {known}.", icon=":material/lock:", title=title)
        return False
    try:
        pipeline.add_symbol(symbol)
    except AlphaStreamError as error:
        title = f"{in_markdown(label(symbol, pipeline.venue))} cannot be followed"
        st.error(in_markdown(in_words(error, pipeline.venue)), icon=":material/search_off:", title=title)
        return False
    return True


def number(
    row: Any,
    label: str,
    low: float,
    high: float,
    default: float,
    key: str,
    words: str,
    step: float,
    form: str | None = None,
    width: int = 120,
) -> float:
    """A field for a number in a row of controls."""
    value = row.number_input(
        label, low, high, default, step, form, key=key, help=words, bind="query-params", width=width
    )
    return float(default if value is None else value)


def sentence(error: AlphaStreamError, venue: str = "") -> str:
    """What an error says, as a sentence, or a question, of a page that shows this venue.

    A name that begins it keeps its case.
    """
    words = in_words(error, venue)
    first = words.partition(" ")[0]
    words = words if bare(first) != first else words[0].upper() + words[1:]
    return words if words.endswith("?") else f"{words}."
