"""Augmented Dickey-Fuller test of a unit root in a series that was given, not estimated."""

import math
from dataclasses import dataclass

from numpy.typing import ArrayLike

from alphastream.errors import ParameterError
from alphastream.estimators.tests.lags import dickey_fuller, remove_trend
from alphastream.estimators.tests.mackinnon import Trend, critical_values, tau_pvalue, trend_terms
from alphastream.estimators.tests.observations import (
    MINIMUM_ROWS,
    AutoLag,
    criterion_code,
    lag_limit,
    refuse_straight_line,
    varying_series,
)


@dataclass(frozen=True, slots=True)
class UnitRootResult:
    """A test whose null is a unit root.

    Parameters
    ----------
    statistic : t-ratio of the lagged level; the further left, the less like a unit root.
    pvalue : MacKinnon's (1994) approximate p-value.
    lags : lagged differences in the regression, or, for Phillips-Perron, lags of the long-run variance.
    n_obs : rows of the regression.
    critical_values : at "1%", "5%" and "10%" in a sample of this size.
    trend : deterministic terms, "n", "c" or "ct".
    null : what a large p-value fails to reject, in words.
    method : the test's name.
    """

    statistic: float
    pvalue: float
    lags: int
    n_obs: int
    critical_values: dict[str, float]
    trend: Trend
    null: str
    method: str


def adf(series: ArrayLike, trend: Trend = "c", max_lags: int | None = None, autolag: AutoLag = "aic") -> UnitRootResult:
    """Augmented Dickey-Fuller test.

    Meant for a price, or a spread whose hedge ratio was fixed before these rows were seen. For the residual of a ratio
    that was estimated on them use ``engle_granger``: plain ADF calls some 15 % of the residuals of independent random
    walks stationary at 5 %.

    Parameters
    ----------
    series : (T,) levels, oldest first.
    trend : "n", "c" or "ct": none, a constant, a constant and a linear trend.
    max_lags : the longest lag tried; None for ⌈12·(T/100)^¼⌉.
    autolag : "aic", "bic", or None to use exactly ``max_lags``.

    Raises
    ------
    NotEnoughObservations
        Under 30 rows, or fewer than two for each coefficient.
    ParameterError
        When a row is NaN or infinite, the series is constant or a straight line, or the regression fits without error.

    Source: Dickey and Fuller (1979); Said and Dickey (1984); values of MacKinnon (1994, 2010).

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(1).normal(size=500)
    >>> adf(noise).pvalue < 0.01, adf(np.cumsum(noise)).pvalue > 0.1
    (True, True)
    """
    terms = trend_terms(trend)
    criterion = criterion_code(autolag)
    levels = varying_series("series", series, "ADF test", MINIMUM_ROWS)
    refuse_straight_line("series", levels)
    limit = lag_limit("ADF test", levels.size, terms, max_lags)
    statistic, lags, n_obs = dickey_fuller(remove_trend(levels, terms)[0], terms, limit, criterion)
    if math.isnan(statistic):
        raise ParameterError(
            f"the ADF regression with {lags} lags fits the series without error: it is a formula, not a noisy series"
        )
    return UnitRootResult(
        statistic=statistic,
        pvalue=tau_pvalue(statistic, terms, 1),
        lags=lags,
        n_obs=n_obs,
        critical_values=critical_values(trend, 1, n_obs),
        trend=trend,
        null="the series has a unit root: it wanders like a random walk",
        method="augmented Dickey-Fuller",
    )
