"""Thresholds that follow from cost, in words and as a table. No Streamlit."""

import math
from typing import Final

import pandas as pd

from alphastream.backtest import ThresholdTrials
from alphastream.pairs import PairSpec
from alphastream.strategies import PairThresholds, Thresholds

PRESENT, TURNING, WAITING = "as set", "turn at the other entry", "leave at the mean"
PER_BARS: Final = 1_000

CAVEAT: Final = (
    "Expected of a spread that goes on just as it was fitted, decided and filled at the ends of bars, its costs fees "
    "and half spreads alone. In simulations six tenths to all of it came out of sample at a half-life of 8 bars, "
    "half at 25, where only fits that look too fast pass the test. After a break, or on a walk that looked like a "
    "pair, every round trip loses its costs. A rule that turns is always in the market."
)


def bps_of(fit_price: str, y: float) -> float:
    """Bps of y's notional that one unit of a spread is: of logs or of prices."""
    return 1e4 if fit_price == "log" else 1e4 / y


def rules_of(fit: PairThresholds, spec: PairSpec) -> list[tuple[str, float, float, Thresholds]]:
    """Name, entry and exit as z-scores, and what is expected: the rule as it is set, then what follows from cost."""
    return [
        (PRESENT, spec.entry, spec.exit, fit.present),
        (TURNING, *fit.zscores(fit.turning), fit.turning),
        (WAITING, *fit.zscores(fit.waiting), fit.waiting),
    ]


def rules_frame(fit: PairThresholds, spec: PairSpec, unit_bps: float) -> pd.DataFrame:
    """One line a rule; results in bps of y's notional after costs."""
    lines = [
        {
            "rule": name,
            "entry": entry,
            "exit": leave,
            "round_trip_bars": expected.round_trip,
            "net_bps": expected.profit * unit_bps,
            "net_bps_rate": expected.rate * unit_bps * PER_BARS,
        }
        for name, entry, leave, expected in rules_of(fit, spec)
    ]
    return pd.DataFrame(lines)


def trials_frame(found: ThresholdTrials, spec: PairSpec, unit_bps: float) -> pd.DataFrame:
    """The same with what came of each rule on the bars that the fit has not seen."""
    frame = rules_frame(found.fit, spec, unit_bps)
    frame["net"] = [trial.profit for trial in found.trials]
    frame["trades"] = [trial.run.trades for trial in found.trials]
    frame["sharpe"] = [trial.run.sharpe.sharpe for trial in found.trials]
    frame["sharpe_error"] = [trial.run.sharpe.error for trial in found.trials]
    return frame


def fit_sentence(fit: PairThresholds, unit_bps: float) -> str:
    """What the thresholds come from, with its numbers."""
    process, verdict = fit.process, fit.verdict
    half_life = ""
    if not math.isnan(verdict.half_life_bars):
        interval = f"95% interval {verdict.half_life_low:.3g} to {verdict.half_life_high:.3g}"
        half_life = f"has a half-life of {verdict.half_life_bars:.3g} bars ({interval}) and ".replace("inf", "∞")
    words = (
        f"Newest {fit.rows} bars in which both legs traded: the spread of one fixed ratio {half_life}deviates by "
        f"{process.deviation * unit_bps:.3g} bps. One z of this model stands for {fit.unit * unit_bps:.3g} bps of it "
        f"(correlation {fit.correlation:.2f}); a round trip costs {fit.cost * unit_bps:.3g} bps of y's notional."
    )
    ends = [
        f"±{fit.zscores(end)[0]:g}, expected {end.rate * unit_bps * PER_BARS:.3g} bps / {PER_BARS:,} bars"
        for end in (fit.fast, fit.slow)
        if end is not None
    ]
    return f"{words} At the ends of the interval the entry to turn at is {' and '.join(ends)}." if ends else words
