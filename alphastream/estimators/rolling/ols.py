"""Rolling least squares."""

from dataclasses import dataclass
from typing import ClassVar

from alphastream.estimators.rolling.moments import OLS, HedgeRows, PairMoments


@dataclass(frozen=True, slots=True)
class RollingOLS(PairMoments[HedgeRows]):
    """Least squares of y on x with an intercept, over a sliding window.

    A row with NaN or inf in x or y gives NaN and does not enter the window. Where x is constant over the window
    there is no slope: the row is NaN.

    Parameters
    ----------
    window : rows of a fit, at least 2.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([1.0, 2.0, 4.0, 8.0])
    >>> rows, state = RollingOLS(window=3).run(x, 3.0 + 2.0 * x)
    >>> rows.hedge_ratio.round(12).tolist()
    [nan, nan, 2.0, 2.0]
    """

    row_type: ClassVar[type[HedgeRows]] = HedgeRows
    formula: ClassVar[int] = OLS
