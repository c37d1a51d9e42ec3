"""Rolling correlation."""

from dataclasses import dataclass
from typing import ClassVar

from alphastream.core.types import Floats
from alphastream.estimators.rolling.moments import CORRELATION, PairMoments


@dataclass(frozen=True, slots=True, eq=False)
class CorrelationRows:
    """``correlation`` has shape (T,), lies in [−1, 1] and is NaN while the window fills."""

    correlation: Floats


@dataclass(frozen=True, slots=True)
class RollingCorrelation(PairMoments[CorrelationRows]):
    """Pearson's correlation of x and y over a sliding window.

    A row with NaN or inf in x or y gives NaN and does not enter the window. NaN where x or y is constant over it.

    Parameters
    ----------
    window : rows, at least 2.

    Examples
    --------
    >>> rows, state = RollingCorrelation(window=3).run([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 5.0])
    >>> rows.correlation.round(3).tolist()
    [nan, nan, 1.0, 0.5]
    """

    row_type: ClassVar[type[CorrelationRows]] = CorrelationRows
    formula: ClassVar[int] = CORRELATION
