"""Coverage of the confidence set of a lead: ``python -m calibration.lead_lag``; four minutes on one core.

Two prices observe one walk, the second one a lag later, each at times of its own. Counted is how often the 95 % set
holds the true lag, how often a leader is named, and the median width of the set.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from alphastream.arbitrage import lead_lag
from alphastream.core.types import Floats, Ints
from alphastream.core.units import MS, SECOND
from calibration.table import SEED, table

RUNS: Final = 200
MAX_LAG_MS, STEP_MS = 300, 5
_PAD = 2_000  # ms before and after


@dataclass(frozen=True, slots=True)
class Quoted:
    """Two prices of one walk.

    Parameters
    ----------
    lag_ms : the second price shows the walk so much later; negative where it shows it earlier.
    first, second : observations a second, at Poisson times.
    correlation : of the moves of what both show.
    noise : of each observation, in standard deviations of the walk between two observations.
    bursts : volatility changes from second to second, by a factor of 2.2 (one standard deviation).
    jitter_ms : each stamp is off by up to this, at random; the error that is stated.
    skew_ms : the second clock is ahead by this; within the error that is stated.
    seconds : length.
    """

    lag_ms: int
    first: float = 20.0
    second: float = 20.0
    correlation: float = 1.0
    noise: float = 0.0
    bursts: bool = False
    jitter_ms: int = 0
    skew_ms: int = 0
    seconds: int = 300

    def draw(self, rng: np.random.Generator) -> tuple[Ints, Floats, Ints, Floats]:
        """Times and prices of both."""
        steps = self.seconds * 1_000 + 2 * _PAD
        size = np.exp(np.repeat(0.8 * rng.standard_normal(steps // 1_000), 1_000)) if self.bursts else np.ones(steps)
        one, other = (np.cumsum(rng.standard_normal(steps) * size) for _ in range(2))
        follows = self.correlation * one + np.sqrt(1.0 - self.correlation**2) * other
        a = self._observed(rng, one, self.first, 0)
        b = self._observed(rng, follows, self.second, self.lag_ms)
        return a[0], a[1], b[0] + self.skew_ms * MS, b[1]

    def _observed(self, rng: np.random.Generator, walk: Floats, rate: float, lag_ms: int) -> tuple[Ints, Floats]:
        times = np.sort(rng.integers(0, self.seconds * SECOND, rng.poisson(rate * self.seconds)))
        noise = self.noise * np.sqrt(1_000.0 / rate) * rng.standard_normal(times.size)
        prices = np.exp(1e-6 * (walk[times // MS + _PAD - lag_ms] + noise))
        jitter = self.jitter_ms * MS
        stamps = times + (rng.integers(-jitter, jitter + 1, times.size) if jitter else 0)
        return np.maximum.accumulate(stamps), prices

    @property
    def error_ms(self) -> int:
        """Of both clocks together, as it is stated."""
        return 2 * self.jitter_ms + abs(self.skew_ms)


CONDITIONS: Final = {
    "50 ms, 20 a second each": Quoted(50),
    "53 ms, between two lags of the grid": Quoted(53),
    "−20 ms, 100 and 20 a second": Quoted(-20, first=100.0),
    "50 ms, 5 a second each": Quoted(50, first=5.0, second=5.0),
    "50 ms, noise 0.5": Quoted(50, noise=0.5),
    "50 ms, correlation 0.7, noise 0.5": Quoted(50, correlation=0.7, noise=0.5),
    "50 ms, bursts": Quoted(50, bursts=True),
    "50 ms, clock 15 ms ahead, stamps ± 5 ms, stated": Quoted(50, jitter_ms=5, skew_ms=15),
    "0 ms": Quoted(0),
    "0 ms, bursts, noise 0.5": Quoted(0, bursts=True, noise=0.5),
    "0 ms, clock 15 ms ahead, stamps ± 5 ms, stated": Quoted(0, jitter_ms=5, skew_ms=15),
    "nothing in common": Quoted(0, correlation=0.0),
    "nothing in common, bursts": Quoted(0, correlation=0.0, bursts=True),
}


@dataclass(frozen=True, slots=True)
class Coverage:
    """Shares of runs, and the median width of the set.

    Parameters
    ----------
    covered : the set holds the true lag.
    named, wrong : a leader is named; it is not the true one.
    width_ms : median.
    """

    covered: float
    named: float
    wrong: float
    width_ms: float


def coverage(condition: Quoted, runs: int, seed: int = SEED) -> Coverage:
    """Count over simulated prices."""
    found = []
    truth = "first" if condition.lag_ms > 0 else "second" if condition.lag_ms < 0 else None
    for run in range(runs):
        prices = condition.draw(np.random.default_rng((seed, run)))
        answer = lead_lag(
            *prices, max_lag_ns=MAX_LAG_MS * MS, step_ns=STEP_MS * MS, error_ns=condition.error_ms * MS, seed=run
        )
        named = answer.leader is not None
        covered = answer.low_ns <= condition.lag_ms * MS <= answer.high_ns
        found.append((covered, named, named and answer.leader != truth, (answer.high_ns - answer.low_ns) / MS))
    shares = np.array(found, np.float64)
    covered, named, wrong = shares[:, :3].mean(axis=0).tolist()
    return Coverage(covered, named, wrong, float(np.median(shares[:, 3])))


def rows(runs: int) -> Iterator[list[str]]:
    """One row a condition, in percent and ms."""
    for name, condition in CONDITIONS.items():
        each = coverage(condition, runs)
        shares = (f"{100.0 * share:.1f}" for share in (each.covered, each.named, each.wrong))
        yield [name, *shares, f"{each.width_ms:.0f}"]


def lead_table(runs: int = RUNS) -> str:
    """The table, in Markdown."""
    return table(["true lag", "set holds it, %", "leader named, %", "wrongly, %", "median width, ms"], rows(runs))


if __name__ == "__main__":
    sys.stdout.write(lead_table() + "\n")
