"""The row of numbers above the charts. Each says what it is, and what it is not."""

import math
from collections.abc import Mapping

import numpy as np

from alphastream.events import Tick
from alphastream.feeds import Instrument
from alphastream.feeds.feed import Health
from alphastream.graph import interval_name
from alphastream.pairs import PairAnalytics, PairSpec
from views.live_figure import Card, Tone
from views.series import price_decimals

STALE_S = 10.0  # a leg without a trade for so long is marked
SIGNIFICANT = 0.05

_HELP = {
    "zscore": "Distance of the spread from its mean, in standard deviations, on the last closed bar. "
    "Do not trust it while a leg is old or the pair is not cointegrated.",
    "spread": "y − (intercept + hedge ratio · x) on the last closed bar; for the Kalman filter, what it did not "
    "expect.",
    "hedge": "How much of x moves like one of y. On log prices: notional against notional; on prices: units.",
    "signal": "From closed bars only, with the thresholds above. A signal is not a fill: it can be traded on the next "
    "bar at the earliest, and costs are not in it.",
    "cointegration": "Engle-Granger test of one fixed ratio over the newest closed bars, with MacKinnon's p-value. "
    "Below 0.05 speaks for a stationary spread. A test on the moving ratio above would call chance a pattern.",
    "half_life": "Bars until half of a deviation of the fixed-ratio spread has gone. Only means something where that "
    "spread is stationary.",
    "correlation": "Correlation of bar returns over the window. Legs that trade rarely look less "
    "correlated than they are.",
}


def feed_card(health: Health, is_replay: bool) -> Card:
    """How the feed is: a state of the connection, not of the page."""
    tone: Tone = "ok" if health.state == "live" and not is_replay else "warn"
    value = "replay" if is_replay and health.state == "live" else health.state
    sub = "recorded trades" if is_replay else health.feed
    return _card("feed", "Feed", value, sub, tone, health.reason)


def pair_cards(
    answer: PairAnalytics | None, spec: PairSpec, instruments: Mapping[str, Instrument], now_ns: int
) -> list[Card]:
    """Cards of a live pair, in reading order; dashes while nothing is known."""
    return [
        _leg("y", spec.y, answer.last_y if answer else None, instruments, now_ns),
        _leg("x", spec.x, answer.last_x if answer else None, instruments, now_ns),
        *result_cards(answer, spec),
    ]


def result_cards(answer: PairAnalytics | None, spec: PairSpec) -> list[Card]:
    """Cards of what was computed, without the last trades."""
    correlation = _number(_closed(answer, "correlation"), 3)
    return [
        _signal(answer, spec),
        _zscore(answer, spec),
        _card("spread", "Spread", _number(_closed(answer, "spread")), title=_HELP["spread"]),
        _hedge(answer, spec),
        _cointegration(answer),
        _half_life(answer, spec),
        _card("correlation", "Correlation of returns", correlation, title=_HELP["correlation"]),
    ]


def _card(name: str, label: str, value: str, sub: str = "", tone: Tone = "neutral", title: str = "") -> Card:
    return {"id": name, "label": label, "value": value, "sub": sub, "tone": tone, "title": title}


def _leg(leg: str, symbol: str, tick: Tick | None, instruments: Mapping[str, Instrument], now_ns: int) -> Card:
    label = f"{symbol} last trade"
    if tick is None:
        return _card(f"price-{leg}", label, "–", "no trade yet", "warn")
    decimals = price_decimals(symbol, np.array([tick.price]), instruments)
    age_s = max(0.0, (now_ns - tick.time_ns) / 1e9)
    old = age_s > STALE_S
    side = "sold" if tick.buyer_is_maker else "bought"
    title = f"Trade {tick.id}, {tick.quantity:g} {side} by the taker. The age is counted from the trade's own time."
    return _card(
        f"price-{leg}", label, f"{tick.price:,.{decimals}f}", f"{_age(age_s)} ago", "warn" if old else "neutral", title
    )


def _signal(answer: PairAnalytics | None, spec: PairSpec) -> Card:
    step = answer.calibrating if answer else None
    if answer is None or step is not None:
        have, needed, what = (step.have, step.needed, step.what) if step else (0, spec.window, "hedge ratio")
        return _card(
            "signal",
            "Signal",
            f"Calibrating {have}/{needed}",
            f"{what}: bars so far of bars needed",
            "warn",
            _HELP["signal"],
        )
    position, z, ratio = (_closed(answer, name) for name in ("position", "zscore", "hedge_ratio"))
    if position == 0 or not math.isfinite(position):
        away = (
            f"{spec.entry - abs(z):.2f} std from an entry"
            if math.isfinite(z)
            else "z-score undefined: the spread does not move"
        )
        return _card("signal", "Signal", "Flat", away, "flat", _HELP["signal"])
    side: Tone = "long" if position > 0 else "short"
    sell = "short" if side == "long" else "long"
    amount = f"{ratio:.4g} notional of" if spec.price == "log" else f"{ratio:.4g}"
    words = f"{side} 1 {'notional of ' if spec.price == 'log' else ''}{spec.y}, {sell} {amount} {spec.x}"
    return _card("signal", "Signal", f"{side.capitalize()} spread", words, side, _HELP["signal"])


def _zscore(answer: PairAnalytics | None, spec: PairSpec) -> Card:
    z = _closed(answer, "zscore")
    step = answer.calibrating if answer else None
    if step is not None:
        return _card("zscore", "z-score", "–", f"calibrating {step.have}/{step.needed}", title=_HELP["zscore"])
    forming = float(answer.forming["zscore"][-1]) if answer and len(answer.forming["zscore"]) else math.nan
    sub = f"forming {forming:+.2f}" if math.isfinite(forming) else f"entry ±{spec.entry:g}"
    tone: Tone = "neutral" if not abs(z) >= spec.entry else "short" if z > 0 else "long"
    return _card("zscore", "z-score", f"{z:+.2f}" if math.isfinite(z) else "–", sub, tone, _HELP["zscore"])


def _hedge(answer: PairAnalytics | None, spec: PairSpec) -> Card:
    unit = "notional per notional" if spec.price == "log" else "units per unit"
    return _card("hedge", "Hedge ratio", _number(_closed(answer, "hedge_ratio")), unit, title=_HELP["hedge"])


def _cointegration(answer: PairAnalytics | None) -> Card:
    label = "Engle-Granger p"
    if answer is None:
        return _card("cointegration", label, "–", title=_HELP["cointegration"])
    test = answer.cointegration
    if test.refusal is not None:
        return _card("cointegration", label, "–", test.refusal, title=_HELP["cointegration"])
    found = test.pvalue < SIGNIFICANT
    tone: Tone = "ok" if found else "flat"
    verdict = "cointegrated at 5 %" if found else "not cointegrated at 5 %"
    return _card(
        "cointegration",
        label,
        f"{test.pvalue:.3f}",
        f"{verdict}; {test.rows} bars, {test.lags} lags",
        tone,
        _HELP["cointegration"],
    )


def _half_life(answer: PairAnalytics | None, spec: PairSpec) -> Card:
    test = answer.cointegration if answer else None
    bars = test.half_life_bars if test else math.nan
    if not math.isfinite(bars):
        value, sub = ("∞", "does not revert") if bars == math.inf else ("–", "")
    elif test is not None and test.pvalue >= SIGNIFICANT:
        value, sub = f"{bars:.1f} bars", "means little: not cointegrated"
    else:
        value, sub = f"{bars:.1f} bars", f"of {interval_name(spec.interval_ns)}, fixed ratio"
    return _card("half-life", "Half-life", value, sub, title=_HELP["half_life"])


def _closed(answer: PairAnalytics | None, column: str) -> float:
    if answer is None or not len(answer.closed[column]):
        return math.nan
    return float(answer.closed[column][-1])


def _number(value: float, decimals: int | None = None) -> str:
    if not math.isfinite(value):
        return "–"
    return f"{value:+.{decimals}f}" if decimals is not None else f"{value:.5g}"


def _age(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3_600:.0f} h"
