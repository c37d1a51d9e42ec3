"""Watching pairs for a day: how often evidence is wrong where there is nothing, how soon it is there, and its end.

``python -m calibration.watched_days`` prints three tables: false alarms of a day at 1 s and at 1 min bars, rows until a
pair is shown, rows until the end of a relation is. ``--pairs`` sets how many of each are drawn; everything is seeded.
"""

import argparse
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np
from scipy.signal import lfilter

from alphastream.bars import PairRows
from alphastream.core.types import Floats
from alphastream.core.units import DAY, SECOND
from alphastream.estimators import State, run_many
from alphastream.monitoring import RelationMonitor, RelationRows, evidence_needed
from alphastream.monitoring.relation_monitor import BEST, DETECTOR, EVIDENCE, SINCE, STAKES
from alphastream.pairs import alarm_rows
from calibration.markets import FRESH, Market

DAYS: Final = {"1 s": SECOND, "1 min": 60 * SECOND}
LEVEL: Final = 0.05
AT_ONCE: Final = 20  # pairs in memory

NOTHING: Final[dict[str, Market]] = {
    **FRESH,
    "bounce 1 sd, ρ .9": Market(correlation=0.9, bounce=1.0),
    "y in .2 of bars, ρ .9": Market(correlation=0.9, y_trades=0.2),
    "y 0.5 trades a bar, ρ .97": Market(correlation=0.97, y_trades=0.5, x_trades=5.0, moments=20),
}
"""Legs that nothing holds together. One more condition, steps that resemble the one before, is drawn apart."""

RUNS: Final = "steps with AR +.1"


def both_legs(rows: PairRows) -> tuple[Floats, Floats]:
    """x and y, NaN where not both traded."""
    return np.where(rows.both_traded, rows.x, np.nan), np.where(rows.both_traded, rows.y, np.nan)


def drawn(condition: str, rng: np.random.Generator, bars: int) -> tuple[Floats, Floats]:
    """x and y of a pair that nothing holds together."""
    if condition != RUNS:
        x, y = both_legs(NOTHING[condition].rows(rng, bars))
        missing = np.full(bars - len(x), np.nan)  # bars in which no leg traded
        return np.concatenate((x, missing)), np.concatenate((y, missing))
    x, y = np.cumsum(lfilter([1.0], [1.0, -0.1], rng.standard_normal((2, bars))), axis=1)
    return x, y


def watched(condition: str, monitor: RelationMonitor, bars: int, pairs: int, seed: int) -> Iterator[RelationRows]:
    """Rows of pairs, some at a time, (T, P)."""
    rng = np.random.default_rng(seed)
    for first in range(0, pairs, AT_ONCE):
        legs = [drawn(condition, rng, bars) for _ in range(min(AT_ONCE, pairs - first))]
        rows, _ = run_many(monitor, *(np.column_stack([pair[leg] for pair in legs]) for leg in range(2)))
        yield rows


def false_alarms(condition: str, interval_ns: int, pairs: int, seed: int = 1) -> tuple[float, float]:
    """Shares of days with p since the start at 5 % or below, and with the detector at its level."""
    monitor, bars = RelationMonitor(alarm_rows(interval_ns)), DAY // interval_ns
    early: list[bool] = []
    alarms: list[bool] = []
    for rows in watched(condition, monitor, bars, pairs, seed):
        early += (np.nanmin(rows.pvalue, axis=0) <= LEVEL).tolist()
        alarms += (np.nanmax(rows.detector, axis=0) >= monitor.alarm_rows).tolist()
    return float(np.mean(early)), float(np.mean(alarms))


def first_row(column: Floats, level: float) -> float:
    """Row at which a column reaches a level; infinite where it never does."""
    hits = np.flatnonzero(column >= level)
    return float(hits[0]) if hits.size else math.inf


def delays(half_life: float, pairs: int, settled: int, bars: int = 12_000, seed: int = 2) -> dict[str, list[float]]:
    """Rows until a pair is shown, by evidence since the start and by the detector at both bar lengths.

    Parameters
    ----------
    settled : rows of the pair before the first that counts: with some, the filter knows the ratio when bets begin.
    """
    rng, monitor = np.random.default_rng(seed), RelationMonitor(alarm_rows(SECOND))
    found: dict[str, list[float]] = {name: [] for name in ("E ≥ 20", *DAYS)}
    for _ in range(pairs):
        x, y = both_legs(Market().rows(rng, settled + bars, half_life))
        _, state = monitor.run(x[:settled], y[:settled])
        rows, _ = monitor.run(x[settled:], y[settled:], state=_without_evidence(state))
        found["E ≥ 20"].append(first_row(rows.evidence, 1.0 / LEVEL))
        for name, interval_ns in DAYS.items():
            found[name].append(first_row(rows.detector, alarm_rows(interval_ns)))
    return found


def _without_evidence(state: State) -> State:
    """The state with the filter as it is and no bet won or lost yet."""
    values = state.values.copy()
    values[:, BEST : EVIDENCE + STAKES] = 1.0
    values[:, DETECTOR : SINCE + 1] = 0.0
    return replace(state, values=values)


def ends(market: Market, half_life: float, interval_ns: int, pairs: int, seed: int = 3) -> tuple[float, list[float]]:
    """Share of days of a relation on which its end is announced; rows until it is after a break.

    The relation holds for a day, or for 20,000 rows where that is longer, and then both legs walk.
    """
    rng, monitor = np.random.default_rng(seed), RelationMonitor(alarm_rows(interval_ns))
    bars, after, alarms = max(DAY // interval_ns, 20_000), 10_000, 0
    waits: list[float] = []
    for _ in range(pairs):
        held = both_legs(market.rows(rng, bars, half_life))
        free = both_legs(market.rows(rng, after))
        x, y = (_joined(one, other) for one, other in zip(held, free, strict=True))
        rows, _ = monitor.run(x, y)
        false = bool(np.nanmax(rows.ended[:bars]) >= monitor.alarm_rows)
        alarms += false
        if not false and rows.relation[bars - 1] == 1.0:
            waits.append(first_row(rows.ended[bars:], monitor.alarm_rows))
    return alarms / pairs * (DAY // interval_ns) / bars, waits


def _joined(one: Floats, other: Floats) -> Floats:
    """Prices that go on where others ended; NaN stay."""
    return np.concatenate((one, one[np.isfinite(one)][-1] + other - other[np.isfinite(other)][0]))


def spread_of(waits: list[float]) -> str:
    """Median and 90th percentile; never for those that did not come."""
    if not waits:
        return "none shown"
    low, high = (float(np.quantile(waits, share, method="higher")) for share in (0.5, 0.9))
    return f"{low:,.0f} ({high:,.0f})".replace("inf", "never")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pairs", type=int, default=1_000, help="pairs a condition for false alarms")
    parser.add_argument("--bars", choices=DAYS, action="append", help="only this bar length for false alarms")
    chosen = parser.parse_args()
    few = max(10, chosen.pairs // 10)
    error = 100 * math.sqrt(LEVEL * (1 - LEVEL) / chosen.pairs)
    print(f"False alarms in a day, % of {chosen.pairs} pairs that nothing holds together (error {error:.1f})")
    print(f"{'':28}{'p since start ≤ .05':>24}{'detector':>16}")
    for condition in (*NOTHING, RUNS):
        for name in chosen.bars or DAYS:
            early, alarms = false_alarms(condition, DAYS[name], chosen.pairs)
            print(f"{condition:28}{name:>8}{100 * early:>16.1f}{100 * alarms:>16.1f}", flush=True)
    print(f"\nRows until a pair is shown, median (90 %), {few} pairs")
    print(f"{'half-life':12}{'':22}{'E ≥ 20':>18}{'detector, 1 min':>18}{'detector, 1 s':>18}")
    for half_life in (5.0, 10.0, 20.0, 40.0):
        for settled, words in ((0, "from the first row"), (2_000, "from a settled filter")):
            found = delays(half_life, few, settled)
            cells = "".join(f"{spread_of(found[name]):>18}" for name in ("E ≥ 20", "1 min", "1 s"))
            print(f"{half_life:<12g}{words:22}{cells}", flush=True)
    print(f"\nEnd of a relation: false alarms a day, %, and rows until it is told, median (90 %), {few} pairs")
    for interval in chosen.bars or DAYS:
        for name, market in {"Gaussian": Market(), "GARCH, t4": Market(volatility="garch")}.items():
            for half_life in (5.0, 10.0, 25.0, 50.0):
                rate, waits = ends(market, half_life, DAYS[interval], few)
                print(f"{name:12}{half_life:>6g}{interval:>8}{100 * rate:>8.1f}{spread_of(waits):>18}", flush=True)
    needed = evidence_needed(LEVEL, 10, 0)
    print(f"\nTen rules share 5 %: each needs {needed:g} days of evidence while none has fired.")


if __name__ == "__main__":
    main()
