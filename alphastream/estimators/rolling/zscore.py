"""Rolling z-score."""

from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.compilation import kernel, summation
from alphastream.core.types import Floats
from alphastream.core.validation import require_integer
from alphastream.estimators.fold import COUNT, Fold, State

# Places in a state; the ring of the last `window` values follows the head. The sums are those of moments.py in one
# dimension, with the same two rules for making them afresh.
NEXT, AGE, ANCHOR, SUM, SQUARES, PEAK, HEAD = 1, 2, 3, 4, 5, 6, 7
MIN_ROWS_BETWEEN = 64
LOST_DIGITS = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class ZScoreRows:
    """Each field has shape (T,) and is NaN while the window fills.

    Parameters
    ----------
    zscore : (spread_t − mean_t) / std_t; NaN where std_t is 0.
    mean : of the window that ends at t.
    std : sample standard deviation (n − 1) of that window.
    """

    zscore: Floats
    mean: Floats
    std: Floats


@dataclass(frozen=True, slots=True)
class ZScore(Fold[ZScoreRows]):
    """Distance of a spread from its mean over a sliding window, in sample standard deviations.

    A row with NaN or inf gives NaN and does not enter the window. A constant window has no z-score: NaN, not 0.

    Parameters
    ----------
    window : rows, at least 2; the row itself is the last of them.

    Examples
    --------
    >>> rows, state = ZScore(window=3).run([1.0, 2.0, 3.0])
    >>> rows.zscore.tolist()
    [nan, nan, 1.0]
    """

    inputs: ClassVar[tuple[str, ...]] = ("spread",)
    row_type: ClassVar[type[ZScoreRows]] = ZScoreRows

    window: int

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=2)

    @property
    def min_observations(self) -> int:
        """Valid rows before the outputs are defined."""
        return self.window

    def run(self, spread: ArrayLike, state: State | None = None) -> tuple[ZScoreRows, State]:
        """Fold T values of a spread, (T,), into rows and the next state."""
        return self._fold(state, spread)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, HEAD + self.window))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        (spread,) = columns
        zscore_kernel(spread, values, out)


@summation
def _sum(ring: Floats, anchor: float) -> tuple[float, float]:
    total = squares = 0.0
    for i in range(ring.size):
        difference = ring[i] - anchor
        total += difference
        squares += difference * difference
    return total, squares


@kernel
def _walk(spread: Floats, state: Floats, out: Floats) -> None:
    ring = state[HEAD:]
    window = ring.size
    share, most_rows_between = 1.0 / window, max(window, MIN_ROWS_BETWEEN)
    count, at, age = int(state[COUNT]), int(state[NEXT]), int(state[AGE])
    anchor, total, squares, peak = state[ANCHOR], state[SUM], state[SQUARES], state[PEAK]
    for t in range(spread.size):
        value = spread[t]
        if not np.isfinite(value):
            out[:, t] = np.nan
            continue
        old = ring[at] - anchor
        ring[at] = value
        at = at + 1 if at + 1 < window else 0
        count += 1
        if count < window:
            out[:, t] = np.nan
            continue
        new = value - anchor
        total += new - old
        squares += new * new - old * old
        peak = max(peak, squares)
        age += 1
        mean = total * share
        centred = squares - total * mean
        # "not ≥" and not "<": sums that overflowed are NaN and must be made afresh as well
        if not centred >= LOST_DIGITS * peak or age >= most_rows_between or count == window:
            anchor, age = value, 0
            total, squares = _sum(ring, anchor)
            peak = squares
            mean = total * share
            centred = squares - total * mean
        out[0, t] = value - anchor - mean
        out[1, t] = anchor + mean
        out[2, t] = centred
    state[COUNT], state[NEXT], state[AGE] = count, at, age
    state[ANCHOR], state[SUM], state[SQUARES], state[PEAK] = anchor, total, squares, peak


@kernel
def _standardise(away: Floats, squares: Floats, window: int) -> None:
    """Distances to the mean and sums of squares about it become z-scores and deviations, many rows at a time."""
    for t in range(away.size):
        std = sqrt((0.0 if squares[t] < 0.0 else squares[t]) / (window - 1))
        squares[t] = std
        away[t] = away[t] / std if std > 0.0 else np.nan


@kernel
def zscore_kernel(spread: Floats, states: Floats, out: Floats) -> None:
    for pair in range(states.shape[0]):
        _walk(spread[pair], states[pair], out[:, pair])
        _standardise(out[0, pair], out[2, pair], states.shape[1] - HEAD)
