"""Phillips-Perron test: a Dickey-Fuller test that corrects its statistic for autocorrelation instead of adding lags."""

import math

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.validation import require_integer
from alphastream.errors import ParameterError
from alphastream.estimators.tests.adf import UnitRootResult
from alphastream.estimators.tests.kpss import long_run_variance
from alphastream.estimators.tests.lags import remove_trend
from alphastream.estimators.tests.mackinnon import Trend, critical_values, tau_pvalue, trend_terms
from alphastream.estimators.tests.observations import MINIMUM_ROWS, ROUNDING, require, varying_series


def phillips_perron(series: ArrayLike, trend: Trend = "c", lags: int | None = None) -> UnitRootResult:
    """Phillips-Perron test, statistic Z_t.

    Parameters
    ----------
    series : (T,) levels, oldest first.
    trend : "n", "c" or "ct": none, a constant, a constant and a linear trend.
    lags : of the Bartlett-weighted long-run variance; None for ⌈12·(T/100)^¼⌉.

    Raises
    ------
    NotEnoughObservations
        Under 30 rows, or fewer than two more rows than lags.
    ParameterError
        When a row is NaN or infinite, the series is constant, or each row follows from the one before without error.

    Source: Phillips and Perron (1988), Biometrika 75; Hamilton (1994), Time Series Analysis, eq. 17.6.12; p-values of
    MacKinnon (1994), critical values of MacKinnon (2010).

    Examples
    --------
    >>> noise = np.random.default_rng(1).normal(size=500)
    >>> phillips_perron(noise).pvalue < 0.01, phillips_perron(np.cumsum(noise)).pvalue > 0.1
    (True, True)
    """
    terms = trend_terms(trend)
    levels = varying_series("series", series, "Phillips-Perron test", MINIMUM_ROWS)
    if lags is None:
        lags = math.ceil(12.0 * math.pow(levels.size / 100.0, 0.25))
    require_integer("lags", lags, minimum=0)
    require("Phillips-Perron test", lags + 2, levels.size)
    scaled = remove_trend(levels / np.abs(levels).max(), terms)[0]
    n_obs = scaled.size - 1
    # Frisch-Waugh: take the deterministic terms out of both sides, then regress on what is left of the level
    before = remove_trend(np.ascontiguousarray(scaled[:-1]), terms)[0]
    change = remove_trend(np.diff(scaled), terms)[0]
    square = before @ before
    slope = float(before @ change / square)
    residual = change - slope * before
    gamma = float(residual @ residual / n_obs)
    if math.sqrt(gamma) <= ROUNDING:
        raise ParameterError("each row of the series follows from the one before without error: nothing to test")
    long_run = long_run_variance(residual, lags)
    variance = gamma * n_obs / (n_obs - terms - 1)
    t_ratio = slope / math.sqrt(variance / square)
    # the slope's standard error over √variance is 1/√square
    statistic = math.sqrt(gamma / long_run) * t_ratio - 0.5 * (long_run - gamma) * n_obs / math.sqrt(long_run * square)
    return UnitRootResult(
        statistic=statistic,
        pvalue=tau_pvalue(statistic, terms, 1),
        lags=int(lags),
        n_obs=n_obs,
        critical_values=critical_values(trend, 1, n_obs),
        trend=trend,
        null="the series has a unit root: it wanders like a random walk",
        method="Phillips-Perron Z_t",
    )
