"""What speaks for trading a pair now, and what does not: five checks and their count.

None of them promises a profit. They say whether the numbers on the page can be acted on at all.
"""

import math
from typing import Final

from alphastream.cointegration import SMALLEST_P
from alphastream.core.pvalues import pvalue_text
from alphastream.pairs import PairAnalytics, PairSpec
from views.component import Card, Tone
from views.shared.cards import make_card, move_bps, newest, newest_closed, of_moment
from views.shared.fill_cost import FILL_COST_BPS, hedge_notional, round_trip_bps
from views.shared.head_words import waiting_text
from views.shared.series import SIGNIFICANT

SHORTEST_HALF_LIFE: Final = 2.0
"""Bars. A signal is known when a bar has closed and filled in the next: what is half gone in a bar cannot be had."""

HALF_LIVES_A_WINDOW: Final = 4.0
"""After four half-lives 94 % of a deviation is gone: longer than that outlives the window the signal was made on."""

FRESH_S: Final = (2.0, 10.0)
"""Age allowed of the legs' last trades: the length of a bar, within these bounds."""

_HELP: Final = {
    "calibrated": "Whether all windows on the way to the z-score are full, and of Kalman (discounted) whether it has "
    "settled: before that it depends on where the bars began. Before that there is no signal.",
    "reverts": "Whether deviations come back, counted once: the evidence gathered while watching has shown a relation, "
    "the Engle-Granger test of one fixed ratio on the newest bars in which both legs traded is below 5 %, and the "
    "half-life of that spread is within limits. Under 2 bars it is gone before a fill; over a quarter of the window a "
    "trade outlives the estimate it was opened on. Legs that nothing holds together meet this on 5 % of days at most; "
    "the test alone they pass at some time of every day.",
    "edge": "Move of the spread from now to the exit, in bps of y's notional, against a round trip: four fills at "
    "the cost set above, those of x as large as the hedge ratio says. Not a "
    "forecast: the mean and the ratio move to meet the spread, so that less is left, and slippage comes on top.",
    "fresh": "Age of each leg's last trade, by the trades' own times. An old leg makes a spread that nobody can trade.",
    "feed": "Whether live trades arrive now. A recording or a reconnecting feed is nothing to trade on.",
}


def ready_cards(
    answer: PairAnalytics | None, spec: PairSpec, feed: Card, now_ns: int, fill_cost_bps: float = FILL_COST_BPS
) -> list[Card]:
    """The count, then the checks: ``ok`` where one is met, ``warn`` where not, ``flat`` where nobody can say.

    Parameters
    ----------
    feed : from ``feed_card``.
    fill_cost_bps : fee and half spread of one fill, in bps of its notional.
    """
    checks: list[Card] = [
        _calibrated(answer, waiting_text(answer, now_ns)),
        _reverts(answer, spec),
        _edge(answer, spec, round_trip_bps(fill_cost_bps, hedge_notional(answer, spec))),
        _fresh(answer, spec, now_ns),
        {**feed, **_check("feed", "Feed", feed["tone"] == "ok", feed["value"], feed["sub"], feed["title"])},
    ]
    met = [check for check in checks if check["tone"] == "ok"]
    missing = [check["label"].lower() for check in checks if check["tone"] != "ok"]
    tone: Tone = "ok" if not missing else "warn"
    sub = (
        "all checks met" if not missing else "missing: " + (", ".join(missing) if len(missing) < 3 else "see the list")
    )
    title = (
        "Checks that are met. They say whether the numbers can be acted on, not that a trade will pay. Legs that "
        "nothing holds together meet 'Reverts' on 5 % of days at most."
    )
    count = make_card("ready", "Ready", f"{len(met)} of {len(checks)}", sub, tone, title)
    count["lost"] = "unknown"
    return [{**card, "group": "ready"} for card in (count, *checks)]


def _check(name: str, label: str, met: bool | None, value: str, sub: str, more: str = "") -> Card:
    tone: Tone = "flat" if met is None else "ok" if met else "warn"
    key = name.replace("-", "_")
    return make_card(f"ready-{name}", label, value, sub, tone, " ".join(filter(None, (_HELP[key], more))))


def _calibrated(answer: PairAnalytics | None, waiting: str) -> Card:
    step = answer.calibrating if answer is not None else None
    if answer is not None and not answer.computed:
        return _check("calibrated", "Calibrated", False, "not yet", "models being compiled")
    if answer is None or step is not None:
        sub = f"{step.what} {step.have}/{step.needed}" if step is not None else "no answer yet"
        if step is not None and waiting:
            sub = f"{step.have}/{step.needed}, {waiting}"
        return _check("calibrated", "Calibrated", False, "not yet", sub)
    return _check("calibrated", "Calibrated", True, "yes", "all windows full")


def _reverts(answer: PairAnalytics | None, spec: PairSpec) -> Card:
    """The test, the half-life of its spread and the evidence so far: all read the same deviations, so one check."""
    test = answer.cointegration if answer is not None else None
    if test is None or not math.isfinite(test.pvalue):
        return _check("reverts", "Reverts", None, "unknown", "no test yet", (test.refusal or "") if test else "")
    bars, longest = test.half_life_bars, spec.window / HALF_LIVES_A_WINDOW
    if test.pvalue >= SIGNIFICANT:
        word = "not shown"
    elif not SHORTEST_HALF_LIFE <= bars <= longest:
        word = "too fast" if bars < SHORTEST_HALF_LIFE else "too slow"
    else:
        word = "yes" if newest_closed(answer, "relation") > 0.0 else "one look"
    sub = f"p {pvalue_text(test.pvalue, SMALLEST_P)}, half-life {bars:.1f} bars".replace("inf", "∞")
    more = "The test passes, and the evidence does not yet: one look in twenty passes by chance. " * (
        word == "one look"
    )
    more += f"Limits: {SIGNIFICANT:g}, and {SHORTEST_HALF_LIFE:g} to {longest:g} bars."
    return _check("reverts", "Reverts", word == "yes", word, sub, more)


def edge_bps(answer: PairAnalytics | None, spec: PairSpec) -> float:
    """Move of the spread from now to the exit, in bps of the notional of y; NaN while nobody can say."""
    z = newest(answer, "zscore")
    return move_bps(answer, spec, max(0.0, abs(z) - spec.exit)) if math.isfinite(z) else math.nan


def fresh_limit_s(spec: PairSpec) -> float:
    """The age in seconds up to which a leg's last trade counts as fresh."""
    return min(max(spec.interval_ns / 1e9, FRESH_S[0]), FRESH_S[1])


def _edge(answer: PairAnalytics | None, spec: PairSpec, cost_bps: float) -> Card:
    now = edge_bps(answer, spec)
    if not math.isfinite(now):
        return _check("edge", "Edge", None, "unknown", f"cost {cost_bps:.3g} bps")
    at_entry = move_bps(answer, spec, spec.entry - spec.exit)
    word = "above cost" if now > cost_bps else "below cost"
    more = f"A trade opened at the entry of ±{spec.entry:g} would have {at_entry:.1f} bps."
    return _check("edge", "Edge", now > cost_bps, word, f"{now:.1f} bps, cost {cost_bps:.3g}", more)


def _fresh(answer: PairAnalytics | None, spec: PairSpec, now_ns: int) -> Card:
    limit_s = fresh_limit_s(spec)
    ticks = (answer.last_y, answer.last_x) if answer is not None else (None, None)
    ages = [max(0.0, (now_ns - tick.time_ns) / 1e9) for tick in ticks if tick is not None]
    if len(ages) < 2:
        return _check("fresh", "Legs", None, "unknown", f"limit {limit_s:g} s")
    met = max(ages) <= limit_s
    card = _check("fresh", "Legs", met, "fresh" if met else "old", f"{{age}}, limit {limit_s:g} s")
    return {**card, **of_moment(min(tick.time_ns for tick in ticks if tick), limit_s, "old"), "lost": "old"}
