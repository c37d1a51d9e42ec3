"""Variance ratio: does the variance of a q-row change grow faster or slower than q times that of one row?"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.types import Floats
from alphastream.core.validation import require_integer
from alphastream.estimators.tests.observations import MINIMUM_ROWS, refuse_straight_line, varying_series


@dataclass(frozen=True, slots=True)
class VarianceRatioResult:
    """Outcome of a variance ratio test.

    Parameters
    ----------
    ratio : 1 for a random walk, under 1 for a series that reverts, over 1 for one that trends.
    statistic : the ratio's distance from 1 in standard errors; standard normal under the null.
    pvalue : two-sided.
    lag : rows of the longer change.
    n_obs : changes used.
    robust : whether the standard error allows for changing volatility.
    null : what a large p-value fails to reject, in words.
    method : the test's name.
    """

    ratio: float
    statistic: float
    pvalue: float
    lag: int
    n_obs: int
    robust: bool
    null: str
    method: str


def variance_ratio(series: ArrayLike, lag: int = 2, robust: bool = True) -> VarianceRatioResult:
    """Variance ratio test of Lo and MacKinlay: overlapping changes, unbiased variances, with drift.

    Parameters
    ----------
    series : (T,) levels, oldest first: log prices, or a spread.
    lag : q ≥ 2, rows of the longer change.
    robust : allow the variance of changes to move over time (their statistic z*), as that of prices does.

    Raises
    ------
    NotEnoughObservations
        Under 30 rows, or under twice ``lag``.
    ParameterError
        When a row is NaN or infinite, the series is constant or a straight line.

    Source: Lo and MacKinlay (1988), Review of Financial Studies 1; Campbell, Lo and MacKinlay (1997), The Econometrics
    of Financial Markets, eq. 2.4.34 to 2.4.44.

    Examples
    --------
    >>> noise = np.random.default_rng(1).normal(size=2000)
    >>> round(variance_ratio(noise, lag=2).ratio, 1), variance_ratio(np.cumsum(noise), lag=2).pvalue > 0.05
    (0.5, True)
    """
    require_integer("lag", lag, minimum=2)
    levels = varying_series("series", series, "variance ratio test", max(MINIMUM_ROWS, 2 * lag))
    refuse_straight_line("series", levels)
    scaled = (levels - levels[0]) / np.ptp(levels)
    n_obs = scaled.size - 1
    drift = scaled[-1] / n_obs
    changes = np.diff(scaled) - drift
    long_changes = scaled[lag:] - scaled[:-lag] - lag * drift
    variance = changes @ changes / (n_obs - 1)
    long_variance = long_changes @ long_changes / (lag * (n_obs - lag + 1) * (1.0 - lag / n_obs))
    ratio = float(long_variance / variance)
    statistic = math.sqrt(n_obs) * (ratio - 1.0) / math.sqrt(_ratio_variance(changes, lag, robust))
    return VarianceRatioResult(
        ratio=ratio,
        statistic=statistic,
        pvalue=math.erfc(abs(statistic) / math.sqrt(2.0)),
        lag=lag,
        n_obs=n_obs,
        robust=robust,
        null="changes are uncorrelated: the series is a random walk",
        method="variance ratio of Lo and MacKinlay",
    )


def _ratio_variance(changes: Floats, lag: int, robust: bool) -> float:
    """Variance of √n·(ratio − 1) under the null; eq. 2.4.39, robust 2.4.43."""
    if not robust:
        return 2.0 * (2.0 * lag - 1.0) * (lag - 1.0) / (3.0 * lag)
    squares = changes * changes
    total = squares.sum() ** 2
    theta = 0.0
    for k in range(1, lag):
        theta += 4.0 * (1.0 - k / lag) ** 2 * changes.size * float(squares[k:] @ squares[:-k]) / total
    return float(theta)
