"""The numbers above the charts. Each says what it is, what it is not, and when not to trust it."""

import math
from collections.abc import Mapping
from typing import Final, Literal, TypedDict, cast

import numpy as np

from alphastream.cointegration import SMALLEST_P
from alphastream.core.pvalues import pvalue_text
from alphastream.feeds import Instrument
from alphastream.feeds.feed import Health
from alphastream.graph import interval_name
from alphastream.instruments import in_words
from alphastream.monitoring import WARM_UP
from alphastream.pairs import SETTLING, PairAnalytics, PairSpec, alarm_rows
from alphastream.performance import signal_result
from alphastream.reports.metrics import utc
from views.component import Card, Tone
from views.shared.clock import UTC
from views.shared.clock import moment_text as zoned_text
from views.shared.head_words import waiting_text
from views.shared.instruments import labels
from views.shared.metrics import UNKNOWN, plain
from views.shared.series import SIGNIFICANT, price_decimals

SILENT_S: Final = 2.0  # a feed from which nothing has come for so long says nothing
STALE_S: Final = 10.0  # a leg without a trade for so long is marked
APART: Final = 0.25  # a moving ratio so far from the test's, as a share of the larger, is another spread
Leg = Literal["y", "x"]

_HELP: Final = {
    "zscore": "Distance of the spread from its mean, in standard deviations, on the last closed bar; below it that of "
    "the bar still forming. Do not trust it while a leg is old or the pair is not cointegrated.",
    "trigger": "How far z is now, forming bar included, from the next entry, or from the exit while a position is "
    "open; and what that distance is in bps of y's price. The mean and the ratio move as well, so the price that "
    "triggers is not fixed. Only a closed bar triggers.",
    "spread": "y − (intercept + hedge ratio · x) on the last closed bar; of Kalman (discounted) and Frozen OLS, "
    "with the line of the bars before it. Below it the distance from the mean in bps of y's price. Not comparable "
    "between models.",
    "hedge": "How much of x moves like one of y. On log prices: notional against notional; on prices: units. Do not "
    "trade a ratio that jumps from bar to bar: its window is too short.",
    "signal": "From closed bars only, with the thresholds above. A signal is not a fill: it can be traded on the next "
    "bar at the earliest, and costs are not in it.",
    "result": "The newest signal, in bps of y's notional: from the close of the bar that gave it to the last closed "
    "bar, both legs, with the hedge ratio of its beginning held. After cost: less four fills, two of each leg, "
    "at the cost set above. What the forming bar would make of it is provisional. Not fills: a signal can be traded in "
    "the next bar at the earliest.",
    "cointegration": "Engle-Granger test of one fixed ratio over the newest closed bars in which both legs traded. "
    "Below 0.05 speaks for a stationary spread. One pair in twenty passes by chance at any moment, and far more do at "
    "some time of a day: do not trust it for the best of many pairs, nor for the best of many looks. The line in the "
    "chart tests each of its own windows alone.",
    "evidence": "The chance that legs which nothing holds together ever look this much like a pair, however often one "
    "looks. It counts bars in which both legs traded, since the first bar that was computed, and never rises. "
    "Shown: the evidence of now comes up by chance on 5 % of days at most; of a relation that began later than the "
    "first bar it may be large while p is not small. Ended: so does the evidence that deviations "
    "no longer come back within 100 bars by half. Not in it: costs.",
    "half_life": "Time until half of a deviation of the tested spread has gone, at the pace of the tested bars, "
    "corrected for the bias of an estimated ratio. Only means something where that spread is stationary.",
    "correlation": "Correlation of bar returns over the window. Legs that trade rarely look less "
    "correlated than they are. High correlation is not cointegration.",
}


def feed_card(health: Health, is_replay: bool, venue: str = "") -> Card:
    """How the feed is: a state of the connection, not of the page."""
    tone: Tone = "ok" if health.state == "live" and not is_replay else "warn"
    value = "replay" if is_replay and health.state == "live" else health.state
    sub = "recorded trades" if is_replay else plain(health.feed)
    card = make_card("feed", "Feed", value, sub, tone, in_words(health.reason, venue))
    late = "silent" if value in ("live", "replay") else value
    return {**card, **of_moment(health.last_message_ns, SILENT_S, late), "lost": "lost"}


class Moment(TypedDict):
    """The fields of a card that ages."""

    at: str
    limit: str
    late: str


def of_moment(time_ns: int, limit_s: float, late: str) -> Moment:
    """What a card needs whose age the browser counts.

    Parameters
    ----------
    time_ns : the moment it is of, UTC ns; 0 where there is none.
    limit_s : past it the value reads ``late``.
    """
    return {"at": f"{time_ns / 1e6:.0f}" if time_ns else "", "limit": f"{limit_s * 1e3:g}", "late": late}


def pair_cards(
    answer: PairAnalytics | None,
    spec: PairSpec,
    instruments: Mapping[str, Instrument],
    now_ns: int,
    compiling: str = "",
    *,
    venue: str = "",
    fill_cost_bps: float = 0.0,
    zone: str = UTC,
) -> list[Card]:
    """Cards of a live pair, in reading order; empty values while no answer is there.

    Parameters
    ----------
    compiling : how far the models are that are still being compiled, from ``progress_text``.
    venue : whose symbols are printed bare.
    fill_cost_bps : fee and half spread of one fill, in bps of its notional.
    zone : of the times on them.
    """
    signal, zscore, *others = result_cards(answer, spec, compiling, venue=venue, waiting=waiting_text(answer, now_ns))
    names = labels((spec.y, spec.x), venue)
    cards = [
        _leg("y", spec.y, names[spec.y], answer, instruments, now_ns),
        _leg("x", spec.x, names[spec.x], answer, instruments, now_ns),
        signal,
        _result(answer, spec, fill_cost_bps, zone),
        zscore,
        _trigger(answer, spec),
        *others,
    ]
    return cards if answer is not None else [{**card, "value": "", "tone": "neutral"} for card in cards]


def result_cards(
    answer: PairAnalytics | None, spec: PairSpec, compiling: str = "", *, venue: str = "", waiting: str = ""
) -> list[Card]:
    """Cards of what was computed, without the last trades; ``waiting`` says what a calibration waits for."""
    correlation, window = newest_closed(answer, "correlation"), window_text(answer, spec)
    return [
        _signal(answer, spec, labels((spec.y, spec.x), venue), compiling, waiting),
        _zscore(answer, spec),
        _spread(answer, spec),
        _hedge(answer, spec),
        _cointegration(answer),
        half_life_card(answer),
        make_card("correlation", "Return correlation", _signed(correlation, 3), window, title=_HELP["correlation"]),
    ]


def make_card(name: str, label: str, value: str, sub: str = "", tone: Tone = "neutral", title: str = "") -> Card:
    """A card of the first group."""
    return {"id": name, "label": label, "value": value, "sub": sub, "tone": tone, "title": title, "group": ""}


def newest_closed(answer: PairAnalytics | None, column: str) -> float:
    """Value of a column on the last closed bar; NaN where there is none."""
    if answer is None or not len(answer.closed[column]):
        return math.nan
    return float(answer.closed[column][-1])


def newest(answer: PairAnalytics | None, column: str) -> float:
    """Value of a column now: on the bar still forming, or else on the last closed one."""
    if answer is not None and len(answer.forming[column]) and math.isfinite(answer.forming[column][-1]):
        return float(answer.forming[column][-1])
    return newest_closed(answer, column)


def move_bps(answer: PairAnalytics | None, spec: PairSpec, deviations: float) -> float:
    """A move of the spread by so many of its standard deviations, in bps of the notional of y."""
    width = deviations * newest(answer, "spread_std")
    return width * 1e4 if spec.price == "log" else width / newest(answer, "y") * 1e4


def age_text(seconds: float) -> str:
    """An age in at most five characters and its unit."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3_600:.0f} h"


def span_text(seconds: float) -> str:
    """A length of time: as an age, but days where it is two and more; infinity as its sign."""
    if seconds == math.inf:
        return "∞"
    return age_text(seconds) if seconds < 172_800 else f"{seconds / 86_400:.3g} days"


def window_text(answer: PairAnalytics | None, spec: PairSpec) -> str:
    """The window in bars and in the time that the newest so many of them span; silent stretches have no bars."""
    ends = answer.closed["time_ns"] if answer is not None else np.empty(0, dtype=np.int64)
    if len(ends) < spec.window:
        return f"{spec.window} bars"
    return f"{spec.window} bars, {span_text((int(ends[-1]) - int(ends[-spec.window]) + spec.interval_ns) / 1e9)}"


def _leg(
    leg: Leg,
    symbol: str,
    shown: str,
    answer: PairAnalytics | None,
    instruments: Mapping[str, Instrument],
    now_ns: int,
) -> Card:
    name, label = f"price-{leg}", f"{shown} last trade"
    tick = None if answer is None else answer.last_y if leg == "y" else answer.last_x
    if answer is None or tick is None:
        return make_card(name, label, UNKNOWN, "no trade yet", "warn", f"No trade of {shown} has arrived yet.")
    decimals = price_decimals(symbol, np.append(answer.closed[leg], tick.price), instruments)
    age_s = max(0.0, (now_ns - tick.time_ns) / 1e9)
    side = "sold" if tick.buyer_is_maker else "bought"
    title = (
        f"Trade {tick.id}, {tick.quantity:g} {side} by the taker. The age is counted from the trade's own time; from "
        f"{STALE_S:g} s on it is marked: look at such a price, do not count on a fill there."
    )
    tone: Tone = "warn" if age_s > STALE_S else "neutral"
    price = f"{tick.price:,.{decimals}f}"
    return {**make_card(name, label, price, "{age} ago", tone, title), **of_moment(tick.time_ns, STALE_S, price)}


def _signal(
    answer: PairAnalytics | None, spec: PairSpec, names: Mapping[str, str], compiling: str, waiting: str
) -> Card:
    if answer is not None and not answer.computed:
        words = f"models are being compiled: {compiling}" if compiling else "models are being loaded"
        return make_card("signal", "Signal", "Compiling", words, "warn", _HELP["signal"])
    step = answer.calibrating if answer else None
    if answer is None or step is not None:
        have, needed, what = (step.have, step.needed, step.what) if step else (0, spec.window, "hedge ratio")
        words = f"{what}, {waiting}" if waiting else f"{what}: bars so far of bars needed"
        return make_card("signal", "Signal", f"Calibrating {have}/{needed}", words, "warn", _HELP["signal"])
    position, z, ratio = (newest_closed(answer, name) for name in ("position", "zscore", "hedge_ratio"))
    if position == 0 or not math.isfinite(position):
        words = "as of the last closed bar" if math.isfinite(z) else "z-score undefined: the spread does not move"
        return make_card("signal", "Signal", "Flat", words, "flat", _HELP["signal"])
    side: Tone = "long" if position > 0 else "short"
    hedge = "short" if position * ratio > 0 else "long"
    unit = "notional of " if spec.price == "log" else ""
    words = f"{side} 1 {unit}{names[spec.y]}, {hedge} {abs(ratio):.4g} {unit}{names[spec.x]}"
    return make_card("signal", "Signal", f"{side.capitalize()} spread", words, side, _HELP["signal"])


def _result(answer: PairAnalytics | None, spec: PairSpec, fill_cost_bps: float, zone: str) -> Card:
    """What the newest signal is worth since it began."""

    def card(label: str, value: str, sub: str, tone: Tone = "neutral") -> Card:
        return make_card("result", label, value, sub, tone, _HELP["result"])

    found = None
    if answer is not None:
        rows = (answer.closed[name] for name in ("time_ns", "y", "x", "hedge_ratio", "position"))
        found = signal_result(*rows, log=spec.price == "log")
    if found is None or answer is None:
        return card("Result of the signal", UNKNOWN, "no signal so far")
    side: Tone = "long" if found.side > 0 else "short"
    tone = side
    began = moment_text(found.began_ns, answer, zone)
    if found.ended_ns is not None:
        label, more = f"Last: {side} {began} to {moment_text(found.ended_ns, answer, zone)}", "; closed"
        tone = "neutral"
    else:
        label = f"{side.capitalize()} since {began}"
        forming = math.nan
        if len(answer.forming["y"]):
            forming = found.gross_at(float(answer.forming["y"][-1]), float(answer.forming["x"][-1]))
        more = f"; forming {forming:+.1f}" if math.isfinite(forming) else ""
    if not found.whole:
        return card(label.replace("since", "since before"), UNKNOWN, "it began before the bars that are held")
    if not math.isfinite(found.gross_bps):
        return card(label, UNKNOWN, "a price or the ratio was not known")
    return card(
        label, f"{found.gross_bps:+.1f} bps gross", f"{found.net_bps(fill_cost_bps):+.1f} after cost{more}", tone
    )


def moment_text(time_ns: int, answer: PairAnalytics, zone: str = UTC) -> str:
    """A moment of an answer: the time of day, with its day where that is not the newest bar's; its zone but for UTC."""
    moment, newest = (utc(at).tz_convert(zone) for at in (time_ns, int(answer.closed["time_ns"][-1])))
    form = "%H:%M:%S" if moment.date() == newest.date() else "%m-%d %H:%M"
    return f"{moment:{form}}" if zone == UTC else zoned_text(time_ns, form, zone)


def _zscore(answer: PairAnalytics | None, spec: PairSpec) -> Card:
    z = newest_closed(answer, "zscore")
    step = answer.calibrating if answer else None
    if answer is not None and not answer.computed:
        return make_card("zscore", "z-score", UNKNOWN, "being compiled", title=_HELP["zscore"])
    if step is not None:
        settling = step.what == SETTLING
        sub = f"{'settling' if settling else 'calibrating'} {step.have}/{step.needed}"
        value = _signed(z, 2) if settling else UNKNOWN
        return make_card("zscore", "z-score", value, sub, title=_HELP["zscore"])
    forming = float(answer.forming["zscore"][-1]) if answer and len(answer.forming["zscore"]) else math.nan
    sub = f"closed bar; forming {forming:+.2f}" if math.isfinite(forming) else f"closed bar; entry ±{spec.entry:g}"
    tone: Tone = "neutral" if not abs(z) >= spec.entry else "short" if z > 0 else "long"
    return make_card("zscore", "z-score", _signed(z, 2), sub, tone, _HELP["zscore"])


def _trigger(answer: PairAnalytics | None, spec: PairSpec) -> Card:
    """How far z is from what changes the position next."""

    def card(value: str, sub: str, tone: Tone = "neutral") -> Card:
        return make_card("trigger", "Distance to trigger", value, sub, tone, _HELP["trigger"])

    z, position = newest(answer, "zscore"), newest_closed(answer, "position")
    if not math.isfinite(z):
        return card(UNKNOWN, "no z-score yet")
    if answer is not None and answer.calibrating is not None:
        return card(UNKNOWN, "none before the z-score is settled")
    side: Tone = "short" if z > 0 else "long"
    if position == 1 or position == -1:
        away, goal = -position * z - spec.exit, f"exit at {-position * spec.exit:+g}"
        goal = goal if spec.exit else "exit at 0"
    else:
        away, goal = spec.entry - abs(z), f"{side} at {math.copysign(spec.entry, z):+g}"
    if away <= 0:
        return card("reached", f"{goal}, if the bar closes here", side if not position else "neutral")
    return card(f"{away:.2f} std", f"{goal}, {move_bps(answer, spec, away):.1f} bps away")


def _spread(answer: PairAnalytics | None, spec: PairSpec) -> Card:
    spread, mean, std = (newest_closed(answer, name) for name in ("spread", "spread_mean", "spread_std"))
    decimals = int(np.clip(2 - math.floor(math.log10(std)), 0, 10)) if std > 0 else 5
    away = move_bps(answer, spec, (spread - mean) / std) if std > 0 else math.nan
    sub = f"{away:+.1f} bps from its mean" if math.isfinite(away) else ""
    return make_card("spread", "Spread", _signed(spread, decimals), sub, title=_HELP["spread"])


def _hedge(answer: PairAnalytics | None, spec: PairSpec) -> Card:
    ratio = newest_closed(answer, "hedge_ratio")
    sub = "notional per notional" if spec.price == "log" else "units per unit"
    value, title = UNKNOWN, _HELP["hedge"]
    if math.isfinite(ratio):
        value = f"{ratio:.{4 - min(0, math.floor(math.log10(abs(ratio) or 1.0)))}f}"
    if answer is not None and math.isfinite(answer.cointegration.hedge_ratio):
        sub = f"{'notional' if spec.price == 'log' else 'units'}; test's fixed {answer.cointegration.hedge_ratio:.4g}"
        title = f"{title} The test's ratio is one for all of its {answer.cointegration.rows} bars; this one moves."
    return make_card("hedge", "Hedge ratio", value, sub, title=title)


def _cointegration(answer: PairAnalytics | None) -> Card:
    name, label = "cointegration", "Engle-Granger p"
    if answer is None:
        return make_card(name, label, UNKNOWN, title=_HELP["cointegration"])
    test = answer.cointegration
    if test.refusal is not None:
        longer = test.suggested_interval_ns
        sub = f"try bars of {interval_name(longer)}" if longer is not None else "no result yet"
        return make_card(name, label, UNKNOWN, sub, title=f"{test.refusal.rstrip('.')}. {_HELP['cointegration']}")
    title = (
        f"{test.rows} bars over {span_text(test.span_s)}, {test.lags} lags; MacKinnon's p, which presumes a steady "
        f"volatility, is {pvalue_text(test.mackinnon_pvalue)}. {_HELP['cointegration']}"
    )
    ratio = newest_closed(answer, "hedge_ratio")
    if not test.pvalue < SIGNIFICANT:
        verdict, tone = f"not cointegrated, {test.rows} bars", "flat"
    elif math.isfinite(ratio) and abs(ratio - test.hedge_ratio) > APART * max(abs(ratio), abs(test.hedge_ratio)):
        verdict, tone = f"at a ratio of {test.hedge_ratio:.3g}, not {ratio:.3g}", "warn"
        title = (
            f"Cointegrated at the test's fixed ratio of {test.hedge_ratio:.4g}, which is not the {ratio:.4g} that the "
            f"spread of the chart has now: what was tested is not what would be traded. {title}"
        )
    else:
        verdict, tone = f"cointegrated, {test.rows} bars", "ok"
    return make_card(name, label, pvalue_text(test.pvalue, SMALLEST_P), verdict, cast(Tone, tone), title)


def evidence_card(answer: PairAnalytics | None) -> Card:
    """What watching has shown since the first row: the p-value that stays valid, and whether a relation was shown."""
    name, label = "evidence", "p since start"
    pvalue, bars = newest_closed(answer, "evidence_p"), newest_closed(answer, "evidence_rows")
    if answer is None or not math.isfinite(pvalue):
        sub = f"needs {WARM_UP} bars with trades of both"
        return make_card(name, label, UNKNOWN, sub, title=_HELP["evidence"])
    state, tone = "relation not shown", "flat"
    if newest_closed(answer, "relation") > 0.0:
        state, tone = "relation shown" if pvalue < SIGNIFICANT else "a relation began later", "ok"
    elif newest_closed(answer, "ended") >= alarm_rows(answer.spec.interval_ns):
        state, tone = "relation ended", "warn"
    return make_card(
        name, label, pvalue_text(pvalue), f"{state}, {bars:,.0f} bars", cast(Tone, tone), _HELP["evidence"]
    )


def half_life_card(answer: PairAnalytics | None) -> Card:
    """How long a deviation of the tested spread lasts, or why nobody can say."""
    test = answer.cointegration if answer else None
    bars = test.half_life_bars if test else math.nan
    if test is None or math.isnan(bars):
        value, sub = UNKNOWN, "no result yet"
    elif bars == math.inf:
        value, sub = "∞", "does not revert"
    else:
        value = span_text(test.half_life_s) if math.isfinite(test.row_s) else f"{bars:.1f} bars"
        low, high = (f"{end:.1f}" if math.isfinite(end) else "∞" for end in (test.half_life_low, test.half_life_high))
        sub = f"{bars:.1f} bars, 95 %: {low} to {high}" if not math.isnan(test.half_life_low) else f"{bars:.1f} bars"
        if test.pvalue >= SIGNIFICANT:
            sub = "no guide: not cointegrated"
    return make_card("half-life", "Half-life", value, sub, title=_HELP["half_life"])


def _signed(value: float, decimals: int) -> str:
    return f"{value:+.{decimals}f}" if math.isfinite(value) else UNKNOWN
