"""Bands around a price: Bollinger's."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.types import Floats
from alphastream.core.validation import require_integer, require_number
from alphastream.estimators.fold import Fold, State
from alphastream.estimators.rolling.zscore import HEAD, zscore_kernel


@dataclass(frozen=True, slots=True, eq=False)
class BandRows:
    """Each field has shape (T,), is in the value's unit, and is NaN until the bands are defined.

    Parameters
    ----------
    middle : what the bands stand around.
    upper, lower : the bands.
    """

    middle: Floats
    upper: Floats
    lower: Floats


@dataclass(frozen=True, slots=True)
class BollingerBands(Fold[BandRows]):
    """Mean of a sliding window, and bands some standard deviations away.

    middle = mean of the newest n values, upper and lower = middle ± deviations · s, where s is their population
    standard deviation (divided by n). First at the n-th valid row. A row with NaN or inf gives NaN and is passed
    over. On a flat window the three are equal.

    Parameters
    ----------
    window : rows n, at least 2.
    deviations : half the width in standard deviations, > 0.

    Notes
    -----
    Source: Bollinger, J. (2001), Bollinger on Bollinger Bands; TA-Lib, BBANDS with the simple average. TA-Lib takes
    the variance as mean of squares less square of the mean, which loses digits where prices move little; this one
    does not.

    Examples
    --------
    >>> rows, state = BollingerBands(window=2, deviations=2.0).run([1.0, 3.0, 5.0])
    >>> rows.middle.tolist(), rows.upper.round(9).tolist()
    ([nan, 2.0, 4.0], [nan, 4.0, 6.0])
    """

    inputs: ClassVar[tuple[str, ...]] = ("value",)
    row_type: ClassVar[type[BandRows]] = BandRows

    window: int = 20
    deviations: float = 2.0

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=2)
        require_number("deviations", self.deviations, above=0.0)

    @property
    def min_observations(self) -> int:
        """Valid rows before the bands are defined."""
        return self.window

    def run(self, value: ArrayLike, state: State | None = None) -> tuple[BandRows, State]:
        """Fold T values, (T,), into bands and the next state."""
        return self._fold(state, value)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, HEAD + self.window))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        (value,) = columns
        zscore_kernel(value, values, out)
        middle = out[1].copy()
        width = out[2] * (self.deviations * np.sqrt((self.window - 1) / self.window))  # of n - 1 to of n
        out[0], out[1], out[2] = middle, middle + width, middle - width
