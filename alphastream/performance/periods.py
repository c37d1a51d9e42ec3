"""Returns of calendar hours, days, months and years, and figures over a window that moves."""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alphastream.core.types import Floats, Ints
from alphastream.core.validation import require_integer
from alphastream.performance.inputs import column, positive, sample, times
from alphastream.performance.metrics import ROUNDING

Period: TypeAlias = Literal["h", "D", "M", "Y"]


@dataclass(frozen=True, slots=True, eq=False)
class PeriodReturns:
    """Returns of P periods in which a row ended, oldest first; those without any row are not there.

    Parameters
    ----------
    period : (P,) datetime64 of the unit asked for, in UTC.
    returns : (P,) equity at a period's last row over that at the last row before it, less 1; NaN from the row on at
        which nothing was left.
    last_row : (P,) place of the last row of each.
    """

    period: NDArray[np.datetime64]
    returns: Floats
    last_row: Ints

    def __len__(self) -> int:
        return len(self.returns)


def period_returns(
    time_ns: ArrayLike, equity: ArrayLike, period: Period, capital: float | None = None
) -> PeriodReturns:
    """Returns of UTC hours, days, months or years. A row that ends at midnight belongs to the day that ends there.

    Multiplied, 1 + returns give equity at the end over capital.

    Parameters
    ----------
    time_ns, equity : (T,) ends of the rows, and what there was.
    capital : equity before the first row; None: that of the first row.

    Examples
    --------
    >>> day = 86_400 * 10**9
    >>> found = period_returns([day, 2 * day, 40 * day], [100.0, 110.0, 99.0], "M")
    >>> found.period.astype(str).tolist(), found.returns.round(2).tolist()
    (['1970-01', '1970-02'], [0.1, -0.1])
    """
    when = times(time_ns)
    curve = column("equity", equity, rows=when.size)
    of_row = (when - 1).astype("datetime64[ns]").astype(f"datetime64[{period}]")
    last = np.append(np.flatnonzero(of_row[1:] != of_row[:-1]), when.size - 1)
    ends = curve[last]
    before = np.append(float(curve[0]) if capital is None else positive("capital", capital), ends[:-1])
    alive = np.logical_and.accumulate(before > 0.0)
    found = np.full(len(last), np.nan)
    found[alive] = ends[alive] / before[alive] - 1.0
    return PeriodReturns(of_row[last], found, last.astype(np.int64))


def rolling_moments(row_returns: ArrayLike, window: int) -> tuple[Floats, Floats]:
    """Mean and sample deviation of the newest ``window`` returns at each row, (T,) each; NaN before there are so many,
    and where one of them is not a number. A deviation that is only rounding is 0.

    Sums run over the whole series less its mean, so cost does not depend on the window.
    """
    require_integer("window", window, minimum=2)
    found = sample(row_returns)
    mean, std = np.full(found.size, np.nan), np.full(found.size, np.nan)
    if found.size < window:
        return mean, std
    known = np.isfinite(found)
    middle = float(found[known].mean()) if known.any() else 0.0
    away = np.where(known, found - middle, 0.0)

    def sums(values: Floats) -> Floats:
        total = np.concatenate(([0.0], np.cumsum(values)))
        return total[window:] - total[:-window]

    first, second = sums(away), sums(away * away)
    spread = np.maximum(second - first * first / window, 0.0)
    deviation = np.sqrt(spread / (window - 1))
    least = np.sqrt(np.finfo(np.float64).eps) * float(np.abs(away).max()) + ROUNDING * abs(middle)
    whole = sums(known.astype(np.float64)) == window
    mean[window - 1 :] = np.where(whole, middle + first / window, np.nan)
    std[window - 1 :] = np.where(whole, np.where(deviation <= least, 0.0, deviation), np.nan)
    return mean, std


def rolling_sharpe(row_returns: ArrayLike, window: int, rows_per_year: float = 1.0) -> Floats:
    """Plain Sharpe ratio of the newest ``window`` returns, times √rows_per_year, (T,); NaN where it is not defined."""
    year = positive("rows_per_year", rows_per_year)
    mean, std = rolling_moments(row_returns, window)
    out = np.full(mean.size, np.nan)
    np.divide(mean, std, out=out, where=std > 0.0)
    return out * math.sqrt(year)


def rolling_volatility(row_returns: ArrayLike, window: int, rows_per_year: float = 1.0) -> Floats:
    """Sample deviation of the newest ``window`` returns, times √rows_per_year, (T,)."""
    year = positive("rows_per_year", rows_per_year)
    return rolling_moments(row_returns, window)[1] * math.sqrt(year)
