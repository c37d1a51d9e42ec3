"""What an equity curve says: growth, how rough the way was, and how much of it may be chance."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.performance.inputs import column, positive, sample, solvent, times

YEAR_NS = int(365.25 * 86_400 * 10**9)
MIN_SPAN_NS = 7 * 86_400 * 10**9
"""Growth is not annualised over less than a week: 1 % in an hour would be 10^37 a year."""
ROUNDING = 1e-13
"""A deviation below this part of the largest return is rounding, not variation."""


@dataclass(frozen=True, slots=True)
class ReturnMoments:
    """What the statistics of a Sharpe ratio need of a series of returns.

    Parameters
    ----------
    rows : returns, each of one row.
    mean, std : of a row; the deviation is the sample's, n − 1.
    skew, kurtosis : m₃/m₂^1.5 and m₄/m₂² of the central moments; the kurtosis of a normal is 3.
    """

    rows: int
    mean: float
    std: float
    skew: float
    kurtosis: float

    @property
    def sharpe(self) -> float:
        """Sharpe ratio of a row, not annualised; NaN without variation."""
        return self.mean / self.std if self.std > 0.0 else math.nan

    def over_many_rows(self, factor: float) -> "ReturnMoments":
        """The same with the deviation that rows have together, as ``lo_sharpe`` found its factor; NaN leaves it."""
        return self if math.isnan(factor) else replace(self, std=self.std * factor)


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The deepest way down from a peak, and the longest.

    Parameters
    ----------
    depth : fraction of the peak that was lost, at most 0; below −1 is debt.
    peak_ns, trough_ns : last row at the peak, and the deepest row; None where equity never fell.
    recovered_ns : first row back at the peak; None where it never came back (or never fell).
    under_water_ns : longest time from a peak until equity was back at it, or until the last row.
    """

    depth: float
    peak_ns: int | None
    trough_ns: int | None
    recovered_ns: int | None
    under_water_ns: int


@dataclass(frozen=True, slots=True, eq=False)
class Exposure:
    """What was held at the end of each row, in the quote currency.

    Parameters
    ----------
    gross, net : long plus short, and long minus short, (T,).
    leverage : gross over equity, (T,); NaN where there is no equity.
    in_market : share of rows with a position, 0 to 1.
    """

    gross: Floats
    net: Floats
    leverage: Floats
    in_market: float


def returns(equity: ArrayLike) -> Floats:
    """Simple return of each row on the row before, (T − 1,).

    Raises ``Ruin`` where equity is 0 or below: what comes after has no return.

    Examples
    --------
    >>> returns([100.0, 110.0, 99.0]).round(4).tolist()
    [0.1, -0.1]
    """
    curve = solvent(equity)
    return curve[1:] / curve[:-1] - 1.0


def rows_per_year(time_ns: ArrayLike) -> float:
    """Returns in 365.25 days at the pace of these rows, gaps included; NaN with fewer than two rows."""
    when = times(time_ns)
    return (when.size - 1) * YEAR_NS / int(when[-1] - when[0]) if when.size > 1 else math.nan


def moments(row_returns: ArrayLike) -> ReturnMoments:
    """Moments of returns; NaN those that too few rows or no variation leave undefined."""
    found = sample(row_returns)
    mean, std = _mean_and_std(found)
    if not std > 0.0:
        return ReturnMoments(found.size, mean, std, math.nan, math.nan)
    away = (found - mean) / std
    second, third, fourth = (float(np.mean(away**power)) for power in (2, 3, 4))
    return ReturnMoments(found.size, mean, std, third / second**1.5, fourth / second**2)


def sharpe_ratio(row_returns: ArrayLike, rows_per_year: float = 1.0) -> float:
    """Mean over sample deviation, times √rows_per_year; NaN with fewer than two rows or without variation."""
    year = positive("rows_per_year", rows_per_year)
    mean, std = _mean_and_std(sample(row_returns))
    return mean / std * math.sqrt(year) if std > 0.0 else math.nan


def sharpe_error(sharpe: float, rows: int, skew: float = 0.0, kurtosis: float = 3.0) -> float:
    """Standard error of the Sharpe ratio of a row, √((1 − γ₃·SR + (γ₄ − 1)/4·SR²)/T).

    Rows are taken as independent and alike; positions that last make the true error larger. Without skew and
    kurtosis, normal returns are assumed. An annualised ratio has √rows_per_year times this error.

    Sources: A. W. Lo, "The statistics of Sharpe ratios", 2002, equation 9 (normal); E. Mertens, "Comments on variance
    of the IID estimator in Lo (2002)", 2002 (skew and kurtosis).
    """
    return math.sqrt(sharpe_spread(sharpe, skew, kurtosis) / rows) if rows > 0 else math.nan


def sharpe_spread(sharpe: float, skew: float, kurtosis: float) -> float:
    """The part 1 − γ₃·SR + (γ₄ − 1)/4·SR² that all errors of a Sharpe ratio share; NaN if one of them is."""
    spread = 1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe * sharpe
    if kurtosis < (1.0 + skew * skew) * (1.0 - 1e-9):
        raise ParameterError(
            f"kurtosis is {kurtosis} with a skew of {skew}, which no returns have: it is at least 1 + skew²; "
            "give the plain kurtosis, 3 for a normal, not what is above 3"
        )
    return max(spread, 0.0) if spread == spread else math.nan


def sortino_ratio(row_returns: ArrayLike, rows_per_year: float = 1.0) -> float:
    """Mean over the downside deviation √(Σ min(r, 0)²/T), times √rows_per_year; NaN without a loss.

    Source: F. Sortino, R. van der Meer, "Downside risk", 1991, with a target of 0.
    """
    year, found = positive("rows_per_year", rows_per_year), sample(row_returns)
    downside = float(np.sqrt(np.mean(np.minimum(found, 0.0) ** 2))) if found.size > 1 else 0.0
    return float(np.mean(found)) / downside * math.sqrt(year) if downside > 0.0 else math.nan


def volatility(row_returns: ArrayLike, rows_per_year: float = 1.0) -> float:
    """Sample deviation times √rows_per_year; NaN with fewer than two rows."""
    return _mean_and_std(sample(row_returns))[1] * math.sqrt(positive("rows_per_year", rows_per_year))


def annual_growth(time_ns: ArrayLike, equity: ArrayLike) -> float:
    """Compound growth a year, 0.1 for 10 %; NaN over less than seven days. Raises ``Ruin`` as ``returns`` does."""
    when = times(time_ns)
    curve = solvent(equity, rows=when.size)
    span = int(when[-1] - when[0])
    if span < MIN_SPAN_NS:
        return math.nan
    with np.errstate(over="ignore"):
        return float(np.expm1(np.log(curve[-1] / curve[0]) * (YEAR_NS / span)))


def calmar_ratio(time_ns: ArrayLike, equity: ArrayLike) -> float:
    """Annual growth over the depth of the worst drawdown; NaN over less than seven days or without a drawdown."""
    depth = -float(drawdown(equity).min())
    return annual_growth(time_ns, equity) / depth if depth > 0.0 else math.nan


def drawdown(equity: ArrayLike) -> Floats:
    """Fraction of the highest equity so far that is lost, (T,), at most 0; needs a first equity above 0."""
    curve = column("equity", equity)
    positive("equity of the first row", float(curve[0]))
    return curve / np.maximum.accumulate(curve) - 1.0


def worst_drawdown(time_ns: ArrayLike, equity: ArrayLike) -> Drawdown:
    """Depth and times of the deepest drawdown, and the longest time under water."""
    when = times(time_ns)
    lost = drawdown(column("equity", equity, rows=when.size))
    at_peak = np.flatnonzero(lost == 0.0)
    ends = np.append(when[at_peak[1:]], when[-1])
    # Between peaks in neighbouring rows equity was never below one.
    below = np.append(np.diff(at_peak) > 1, at_peak[-1] < when.size - 1)
    longest = int(((ends - when[at_peak]) * below).max())
    trough = int(np.argmin(lost))
    if lost[trough] == 0.0:
        return Drawdown(0.0, None, None, None, longest)
    after = at_peak[at_peak > trough]
    return Drawdown(
        depth=float(lost[trough]),
        peak_ns=int(when[at_peak[at_peak < trough][-1]]),
        trough_ns=int(when[trough]),
        recovered_ns=int(when[after[0]]) if after.size else None,
        under_water_ns=longest,
    )


def exposure(positions: ArrayLike, marks: ArrayLike, equity: ArrayLike) -> Exposure:
    """Exposure of each row.

    Parameters
    ----------
    positions : (T, N) units held at the row's end.
    marks : (T, N) prices; NaN is allowed where nothing is held.
    equity : (T,).
    """
    held = np.asarray(positions, dtype=np.float64)
    prices, curve = np.asarray(marks, dtype=np.float64), column("equity", equity)
    if held.ndim != 2 or held.shape != prices.shape or len(held) != len(curve):
        raise ParameterError(
            f"positions {held.shape}, marks {prices.shape} and equity {curve.shape} do not fit: "
            "pass (T, N), (T, N) and (T,)"
        )
    value = np.where(held == 0.0, 0.0, held * prices)
    gross = np.abs(value).sum(axis=1)
    alive = np.where(curve > 0.0, curve, np.nan)
    return Exposure(gross, value.sum(axis=1), gross / alive, float(np.mean((held != 0.0).any(axis=1))))


def _mean_and_std(row_returns: Floats) -> tuple[float, float]:
    """Mean, NaN without rows; sample deviation, NaN with fewer than two, 0 where it is only rounding."""
    if row_returns.size < 2:
        return (float(row_returns[0]) if row_returns.size else math.nan), math.nan
    std = float(np.std(row_returns, ddof=1))
    if std <= ROUNDING * float(np.abs(row_returns).max()):
        std = 0.0
    return float(np.mean(row_returns)), std
