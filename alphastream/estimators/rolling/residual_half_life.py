"""Half-life of a pair's spread under one fixed ratio a window."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.estimators.rolling.pair_window import PairBuffer
from alphastream.estimators.tests.half_life import HalfLifeRows, rows_to_half
from alphastream.estimators.tests.observations import ROUNDING


@dataclass(frozen=True, slots=True)
class ResidualHalfLife(PairBuffer[HalfLifeRows]):
    """Half-life of the residual of y on x, both fitted over the same sliding window.

    It belongs to the very residual that ``RollingEngleGranger`` tests over the same rows. A fit takes part of a slow
    deviation for its own level, so the half-life comes out too short where it is not small against the window: of a
    true 13.5 rows a window of 60 shows 4.2, one of 500 shows 11 (medians of 12 simulated pairs).

    A row with NaN or inf in x or y does not enter the window. NaN there, and where x is constant over the window
    or y is a linear function of x up to rounding.

    Parameters
    ----------
    window : rows, at least 4.
    keeps_last : a row with NaN or inf shows the last half-life instead of NaN.

    Examples
    --------
    >>> deviation = 0.5 ** (np.arange(40.0) / 5)
    >>> x = np.cos(np.arange(40.0) * np.pi)
    >>> rows, state = ResidualHalfLife(window=40).run(x, 2 * x + deviation)
    >>> 4.5 < rows.half_life[-1] < 5.5
    np.True_
    """

    row_type: ClassVar[type[HalfLifeRows]] = HalfLifeRows
    minimum: ClassVar[int] = 4

    def _windows(self, legs: Floats, state: Floats) -> Floats:
        return _persistences(legs, self.window)[None]

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        PairBuffer._advance(self, columns, values, out)
        out[:] = rows_to_half(out)  # once for all pairs


@kernel
def _persistences(legs: Floats, window: int) -> Floats:
    """``_persistence`` of each window that ends after the first ``window`` columns of ``legs``."""
    fresh = legs.shape[1] - window
    found = np.empty(fresh)
    residual = np.empty(window)
    for row in range(fresh):
        begin, end = row + 1, row + 1 + window
        found[row] = _persistence(legs[0, begin:end], legs[1, begin:end], residual)
    return found


@kernel
def _persistence(x: Floats, y: Floats, residual: Floats) -> float:
    """Slope of e on e(−1) and a constant, e the least-squares residual of y on x; NaN where it is undefined."""
    size = x.size
    x_level = y_level = x_largest = y_largest = 0.0
    for i in range(size):  # distances from the first row: squares of prices of 1e5 would lose their last digits
        x_level += (x[i] - x[0]) / size
        y_level += (y[i] - y[0]) / size
        x_largest, y_largest = max(x_largest, abs(x[i])), max(y_largest, abs(y[i]))
    xx = xy = 0.0
    for i in range(size):
        x_left = x[i] - x[0] - x_level
        xx += x_left * x_left
        xy += x_left * (y[i] - y[0] - y_level)
    if not xx > size * (ROUNDING * x_largest) ** 2:  # also where a row is NaN: the window is not full
        return math.nan
    ratio = xy / xx
    square = before = after = 0.0
    for i in range(size):
        residual[i] = y[i] - y[0] - y_level - ratio * (x[i] - x[0] - x_level)
        square += residual[i] * residual[i]
        before += residual[i] / (size - 1) if i < size - 1 else 0.0
        after += residual[i] / (size - 1) if i > 0 else 0.0
    if not square > size * (ROUNDING * (y_largest + abs(ratio) * x_largest)) ** 2:
        return math.nan
    spread = shared = 0.0
    for i in range(1, size):
        spread += (residual[i - 1] - before) ** 2
        shared += (residual[i - 1] - before) * (residual[i] - after)
    return shared / spread if spread > 0.0 else math.nan
