"""Rolling total least squares."""

from dataclasses import dataclass
from typing import ClassVar

from alphastream.estimators.rolling.moments import TLS, HedgeRows, PairMoments


@dataclass(frozen=True, slots=True)
class RollingTLS(PairMoments[HedgeRows]):
    """Total least squares line of y and x over a sliding window: both legs carry noise of the same variance.

    The hedge ratio is [s_yy − s_xx + √((s_yy − s_xx)² + 4 s_xy²)] / (2 s_xy), the first principal axis. Swapping
    the legs inverts it, which least squares does not. It depends on the units of the legs: feed log prices, or
    prices of like size. A row with NaN or inf gives NaN and does not enter the window; a window with constant x,
    or without a slope (uncorrelated legs, y the wilder one) gives NaN.

    Parameters
    ----------
    window : rows of a fit, at least 2.

    References
    ----------
    Golub and Van Loan (1980), An analysis of the total least squares problem, SIAM J. Numer. Anal. 17(6).

    Examples
    --------
    >>> rows, state = RollingTLS(window=3).run([0.0, 1.0, 2.0], [0.0, 2.0, 4.0])
    >>> float(rows.hedge_ratio[-1].round(12))
    2.0
    """

    row_type: ClassVar[type[HedgeRows]] = HedgeRows
    formula: ClassVar[int] = TLS
