"""Half-life of a pair's spread under one fixed ratio a window."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.estimators.rolling.pair_window import PairBuffer
from alphastream.estimators.tests.half_life import HalfLifeRows, rows_to_half
from alphastream.estimators.tests.residual_half_life import corrected_half_life, residual_persistence


@dataclass(frozen=True, slots=True)
class ResidualHalfLife(PairBuffer[HalfLifeRows]):
    """Half-life of the residual of y on x, both fitted over the same sliding window.

    It belongs to the residual of the fit that ``RollingEngleGranger`` makes over the same rows. A fit takes part of a
    slow deviation for its own level, so the half-life comes out too short where it is not small against the window: of
    a true 13.5 rows a window of 60 shows 4.2, one of 500 shows 11 (medians of 12 simulated pairs). ``corrected`` takes
    that out of the median.

    A row with NaN or inf in x or y does not enter the window. NaN there, and where x is constant over the window
    or y is a linear function of x up to rounding.

    Parameters
    ----------
    window : rows, at least 4.
    corrected : show ``corrected_half_life``.
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

    corrected: bool = False

    def _windows(self, legs: Floats, state: Floats) -> Floats:
        return _persistences(legs, self.window)[None]

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        PairBuffer._advance(self, columns, values, out)
        # once for all pairs
        out[:] = corrected_half_life(out, self.window)[0] if self.corrected else rows_to_half(out)


@kernel
def _persistences(legs: Floats, window: int) -> Floats:
    """``_persistence`` of each window that ends after the first ``window`` columns of ``legs``."""
    fresh = legs.shape[1] - window
    found = np.empty(fresh)
    residual = np.empty(window)
    for row in range(fresh):
        begin, end = row + 1, row + 1 + window
        found[row] = residual_persistence(legs[0, begin:end], legs[1, begin:end], residual)
    return found
