"""A run beside something else that one could have held."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.performance.inputs import positive, sample
from alphastream.performance.metrics import ROUNDING


@dataclass(frozen=True, slots=True)
class BenchmarkComparison:
    """Returns against those of a benchmark in the same periods; NaN where undefined.

    Parameters
    ----------
    rows : periods in which both have a return.
    beta : covariance over the variance of the benchmark.
    alpha : mean return less beta times that of the benchmark, a year, not compounded.
    correlation : of the returns.
    tracking_error : sample deviation of the difference of the returns, a year.
    information_ratio : mean of that difference over its deviation, a year.
    beta_error, alpha_error : standard errors of least squares, as if what is left over were independent and alike;
        NaN with fewer than three periods.
    """

    rows: int
    beta: float
    alpha: float
    correlation: float
    tracking_error: float
    information_ratio: float
    beta_error: float = math.nan
    alpha_error: float = math.nan


def against_benchmark(
    row_returns: ArrayLike, benchmark_returns: ArrayLike, rows_per_year: float = 1.0
) -> BenchmarkComparison:
    """Alpha, beta and correlation by least squares, without a riskless rate.

    Parameters
    ----------
    row_returns, benchmark_returns : (T,) of the same periods; those in which one is NaN are left out.
    rows_per_year : pace of the periods.

    Source: M. C. Jensen, "The performance of mutual funds in the period 1945–1964", 1968, equation 8, with a riskless
    rate of 0.

    Examples
    --------
    >>> found = against_benchmark([0.03, -0.01, 0.05], [0.01, -0.01, 0.02])
    >>> round(found.beta, 4), round(found.alpha, 4), round(found.correlation, 4)
    (2.0, 0.01, 1.0)
    """
    year, own, other = positive("rows_per_year", rows_per_year), sample(row_returns), sample(benchmark_returns)
    if own.shape != other.shape:
        raise ParameterError(f"{own.size} returns and {other.size} of the benchmark: give both of the same periods")
    both = np.isfinite(own) & np.isfinite(other)
    own, other = own[both], other[both]
    if own.size < 2:
        return BenchmarkComparison(own.size, *(math.nan,) * 5)
    own_away, other_away, ahead = own - own.mean(), other - other.mean(), own - other
    shared, own_spread, spread = (
        float(own_away @ other_away),
        float(own_away @ own_away),
        float(other_away @ other_away),
    )
    moves = spread > own.size * (ROUNDING * float(np.abs(other).max())) ** 2
    own_moves = own_spread > own.size * (ROUNDING * float(np.abs(own).max())) ** 2
    beta = shared / spread if moves else math.nan
    error = float(np.std(ahead, ddof=1))
    error = 0.0 if error <= ROUNDING * float(np.abs(other).max()) else error
    left_over = own_away - beta * other_away
    unexplained = math.sqrt(float(left_over @ left_over) / (own.size - 2)) if own.size > 2 else math.nan
    apart = math.sqrt(1.0 / own.size + float(other.mean()) ** 2 / spread) if moves else math.nan
    return BenchmarkComparison(
        rows=own.size,
        beta=beta,
        alpha=(float(own.mean()) - beta * float(other.mean())) * year,
        correlation=shared / math.sqrt(own_spread * spread) if moves and own_moves else math.nan,
        tracking_error=error * math.sqrt(year),
        information_ratio=float(ahead.mean()) / error * math.sqrt(year) if error > 0.0 else math.nan,
        beta_error=unexplained / math.sqrt(spread) if moves else math.nan,
        alpha_error=unexplained * apart * year,
    )


def held_equally(marks: ArrayLike) -> Floats:
    """What 1 became that was put into N symbols in equal parts and left there, (T,).

    Each part is cash until the first price of its symbol, and keeps its newest price where one is missing.

    Parameters
    ----------
    marks : (T, N) prices above 0, NaN where there is none yet.

    Examples
    --------
    >>> held_equally([[10.0, float("nan")], [11.0, 4.0], [12.0, 5.0]]).round(3).tolist()
    [1.0, 1.05, 1.225]
    """
    prices = np.asarray(marks, dtype=np.float64)
    if prices.ndim != 2 or not prices.size:
        raise ParameterError(f"marks have shape {prices.shape}: give (T, N), at least one of each")
    if (prices <= 0.0).any() or np.isinf(prices).any():
        row = int(np.flatnonzero(((prices <= 0.0) | np.isinf(prices)).any(axis=1))[0])
        raise ParameterError(f"a price at row {row} is not above 0 and finite: give prices, no returns")
    known = np.isfinite(prices)
    newest = np.maximum.accumulate(np.where(known, np.arange(len(prices))[:, None], -1), axis=0)
    first = np.argmax(known, axis=0)
    columns = np.arange(prices.shape[1])
    grown = prices[np.maximum(newest, 0), columns] / prices[first, columns]
    found: Floats = np.where(newest >= 0, grown, 1.0).mean(axis=1)
    return found
