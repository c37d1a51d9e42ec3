"""Engle-Granger test: is there a hedge ratio, estimated on these rows, that leaves a stationary residual?"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.estimators.tests.adf import UnitRootResult, adf
from alphastream.estimators.tests.lags import engle_granger_kernel
from alphastream.estimators.tests.mackinnon import Trend, critical_values, tau_pvalue, trend_terms
from alphastream.estimators.tests.observations import MINIMUM_ROWS, AutoLag, criterion_code, lag_limit, varying_series

NO_COINTEGRATION = "no cointegration: y less any fixed multiple of x wanders like a random walk"

RatioOrigin = Literal["fixed", "estimated", "time-varying"]
"""Where a spread's hedge ratio came from: chosen beforehand, fitted once on the same rows, or moving with them."""


@dataclass(frozen=True, slots=True)
class EngleGrangerResult(UnitRootResult):
    """Outcome of an Engle-Granger test of y on x: the unit-root test of its residual, and the fit that left it.

    ``pvalue`` and ``critical_values`` are MacKinnon's for two variables.

    Parameters
    ----------
    hedge_ratio : units of x against one of y.
    intercept : level of the spread, at row 0 where there is a trend; 0 without a constant.
    trend_slope : drift of the spread per row; 0 unless ``trend`` is "ct".
    """

    hedge_ratio: float
    intercept: float
    trend_slope: float


@dataclass(frozen=True, slots=True)
class BothDirections:
    """The two Engle-Granger tests of a pair; they differ in finite samples, and neither direction is privileged.

    Parameters
    ----------
    y_on_x : the first series as the dependent leg.
    x_on_y : the second series as the dependent leg.
    """

    y_on_x: EngleGrangerResult
    x_on_y: EngleGrangerResult


def engle_granger(
    y: ArrayLike, x: ArrayLike, trend: Trend = "c", max_lags: int | None = None, autolag: AutoLag = "aic"
) -> EngleGrangerResult:
    """Engle-Granger test of no cointegration, y on x.

    Least squares of y on x and the deterministic terms, then an ADF test without deterministic terms of the residual,
    judged by MacKinnon's surface for two variables.

    Parameters
    ----------
    y, x : (T,) prices or log prices of the dependent and of the hedge leg, aligned, oldest first.
    trend : "n", "c" or "ct": what stands beside x in the first regression.
    max_lags : the longest lag tried; None for ⌈12·(T/100)^¼⌉.
    autolag : "aic", "bic", or None to use exactly ``max_lags``.

    Raises
    ------
    NotEnoughObservations
        Under 30 rows, or fewer than two for each coefficient.
    ParameterError
        When the lengths differ, a row is NaN or infinite, a leg is constant, or y is a linear function of x up to
        rounding (two names of one thing: its spread is zero, and no test of it means anything).

    Source: Engle and Granger (1987), Econometrica 55; MacKinnon (1994, 2010).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(3)
    >>> x = np.cumsum(rng.normal(size=500))
    >>> result = engle_granger(5 + 2 * x + rng.normal(size=500), x)
    >>> result.pvalue < 0.01, round(result.hedge_ratio, 1)
    (True, 2.0)
    """
    terms = trend_terms(trend)
    criterion = criterion_code(autolag)
    y_rows, x_rows = _legs(y, x)
    limit = lag_limit("Engle-Granger test", y_rows.size, 0, max_lags)
    test = engle_granger_kernel(y_rows, x_rows, terms, limit, criterion)
    if math.isnan(test.hedge_ratio):
        raise ParameterError("x is a straight line: under trend='ct' nothing of it is left to hedge with")
    if test.n_obs == 0:
        raise ParameterError(
            f"y is {test.hedge_ratio:g}·x and deterministic terms up to rounding in all {y_rows.size} rows: "
            "the legs are perfectly collinear and leave no spread to test"
        )
    if math.isnan(test.statistic):
        raise ParameterError(
            f"the residual's ADF regression with {test.lags} lags fits without error: a formula, not a noisy spread"
        )
    return EngleGrangerResult(
        statistic=test.statistic,
        pvalue=tau_pvalue(test.statistic, terms, 2),
        lags=test.lags,
        n_obs=test.n_obs,
        critical_values=critical_values(trend, 2, y_rows.size - 1),  # T − 1 as in Stata's egranger and statsmodels
        hedge_ratio=test.hedge_ratio,
        intercept=test.intercept,
        trend_slope=test.trend_slope,
        trend=trend,
        null=NO_COINTEGRATION,
        method="Engle-Granger",
    )


def engle_granger_both(
    y: ArrayLike, x: ArrayLike, trend: Trend = "c", max_lags: int | None = None, autolag: AutoLag = "aic"
) -> BothDirections:
    """``engle_granger`` of y on x and of x on y; arguments and errors are the same."""
    return BothDirections(
        y_on_x=engle_granger(y, x, trend, max_lags, autolag), x_on_y=engle_granger(x, y, trend, max_lags, autolag)
    )


def _legs(y: ArrayLike, x: ArrayLike) -> tuple[Floats, Floats]:
    y_rows = varying_series("y", y, "Engle-Granger test", MINIMUM_ROWS)
    x_rows = varying_series("x", x, "Engle-Granger test", MINIMUM_ROWS)
    if y_rows.size != x_rows.size:
        raise ParameterError(f"y has {y_rows.size} rows and x has {x_rows.size}: align the legs first")
    return y_rows, x_rows


def residual_test(
    spread: ArrayLike,
    ratio: RatioOrigin,
    trend: Trend = "c",
    max_lags: int | None = None,
    autolag: AutoLag = "aic",
) -> UnitRootResult:
    """The unit-root test a spread may be judged by, which depends on where its hedge ratio came from.

    Parameters
    ----------
    spread : (T,) y less hedge ratio times x.
    ratio : "fixed" when it was chosen before these rows: plain ADF. "estimated" when one least-squares fit on these
        same rows gave it: no deterministic terms are left to remove, and the critical values are those of
        Engle-Granger. "time-varying" (rolling, Kalman): refused.
    trend : deterministic terms, of the test for a fixed ratio, of the first regression for an estimated one.
    max_lags, autolag : as for ``adf``.

    Raises
    ------
    ParameterError
        For a time-varying ratio. It follows y so closely that its residual always looks stationary: plain ADF then
        rejects for 98 to 100 % of independent random walks.
    """
    if ratio == "time-varying":
        raise ParameterError(
            "a p-value for the residual of a time-varying hedge ratio would mean nothing: the ratio bends until the "
            "residual looks stationary, even for independent random walks. "
            "Run engle_granger(y, x) on the same window instead: it tests one ratio for all of its rows"
        )
    if ratio == "fixed":
        return adf(spread, trend, max_lags, autolag)
    if ratio != "estimated":
        raise ParameterError(f"ratio is {ratio!r}: use 'fixed', 'estimated' or 'time-varying'")
    terms = trend_terms(trend)
    plain = adf(spread, "n", max_lags, autolag)
    return UnitRootResult(
        statistic=plain.statistic,
        pvalue=tau_pvalue(plain.statistic, terms, 2),
        lags=plain.lags,
        n_obs=plain.n_obs,
        critical_values=critical_values(trend, 2, np.size(spread) - 1),
        trend=trend,
        null=NO_COINTEGRATION,
        method="Engle-Granger",
    )


def warm_up() -> None:
    """Compile the kernels of this file, or load them from the cache; takes seconds the first time on a machine."""
    time = np.arange(40.0)
    trends: tuple[Trend, ...] = ("n", "c", "ct")
    for trend in trends:
        engle_granger(np.sin(time * time), np.cos(time * time), trend, 2)
        adf(np.sin(time * time), trend, 2)
