"""KPSS test: stationarity as the null, where Dickey-Fuller has it as the alternative."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.types import Floats
from alphastream.core.validation import require_integer
from alphastream.errors import ParameterError
from alphastream.estimators.tests.lags import remove_trend
from alphastream.estimators.tests.mackinnon import trend_terms
from alphastream.estimators.tests.observations import MINIMUM_ROWS, refuse_straight_line, require, varying_series

_LEVELS = ("10%", "5%", "2.5%", "1%")
_PROBABILITIES = (0.10, 0.05, 0.025, 0.01)
_CRITICAL = {"c": (0.347, 0.463, 0.574, 0.739), "ct": (0.119, 0.146, 0.176, 0.216)}  # table 1 of the paper


@dataclass(frozen=True, slots=True)
class KPSSResult:
    """Outcome of a KPSS test.

    Parameters
    ----------
    statistic : the larger, the less stationary.
    pvalue : interpolated in the paper's table, so within [0.01, 0.10].
    pvalue_bound : "at most" or "at least" where the statistic lies outside the table, else "equal".
    lags : of the long-run variance.
    n_obs : rows tested.
    critical_values : at "10%", "5%", "2.5%" and "1%".
    trend : "c" or "ct".
    null : what a large p-value fails to reject, in words.
    method : the test's name.
    """

    statistic: float
    pvalue: float
    pvalue_bound: Literal["at most", "equal", "at least"]
    lags: int
    n_obs: int
    critical_values: dict[str, float]
    trend: Literal["c", "ct"]
    null: str
    method: str


def kpss(series: ArrayLike, trend: Literal["c", "ct"] = "c", lags: int | None = None) -> KPSSResult:
    """KPSS test of stationarity around a constant or a trend.

    Parameters
    ----------
    series : (T,) levels, oldest first.
    trend : "c" for a constant level, "ct" for a linear trend.
    lags : of the Bartlett-weighted long-run variance; None for the data-driven rule of Hobijn et al.

    Raises
    ------
    NotEnoughObservations
        Under 30 rows, or no more rows than lags.
    ParameterError
        When a row is NaN or infinite, or the series is constant, or a straight line under "ct".

    Source: Kwiatkowski, Phillips, Schmidt and Shin (1992), J. of Econometrics 54, eq. 10 to 12; lags of Hobijn,
    Franses and Ooms (2004), Statistica Neerlandica 58.

    Examples
    --------
    >>> noise = np.random.default_rng(2).normal(size=500)
    >>> kpss(noise).pvalue >= 0.05, kpss(np.cumsum(noise)).pvalue
    (True, 0.01)
    """
    if trend not in _CRITICAL:
        raise ParameterError(f"trend is {trend!r}: KPSS knows 'c' (constant) and 'ct' (constant and linear trend)")
    levels = varying_series("series", series, "KPSS test", MINIMUM_ROWS)
    if trend == "ct":
        refuse_straight_line("series", levels)
    residual = remove_trend(levels / np.abs(levels).max(), trend_terms(trend))[0]
    if lags is None:
        lags = _automatic_lags(residual)
    require_integer("lags", lags, minimum=0)
    require("KPSS test", lags + 1, levels.size)
    partial = np.cumsum(residual)
    statistic = float(partial @ partial / levels.size**2 / long_run_variance(residual, lags))
    critical = _CRITICAL[trend]
    return KPSSResult(
        statistic=statistic,
        pvalue=float(np.interp(statistic, critical, _PROBABILITIES)),
        pvalue_bound="at least" if statistic < critical[0] else "at most" if statistic > critical[-1] else "equal",
        lags=int(lags),
        n_obs=levels.size,
        critical_values=dict(zip(_LEVELS, critical, strict=True)),
        trend=trend,
        null="the series is stationary around a " + ("constant" if trend == "c" else "linear trend"),
        method="KPSS",
    )


def long_run_variance(residual: Floats, lags: int) -> float:
    """Σ_{|k| ≤ lags} (1 − |k|/(lags + 1))·γ_k with γ_k = Σ u_t·u_{t−k} / T (Newey and West 1987)."""
    total = residual @ residual
    for lag in range(1, lags + 1):
        total += 2.0 * (1.0 - lag / (lags + 1.0)) * (residual[lag:] @ residual[:-lag])
    return float(total / residual.size)


def _automatic_lags(residual: Floats) -> int:
    n_obs = residual.size
    covariances = [residual[lag:] @ residual[: n_obs - lag] / n_obs for lag in range(int(n_obs ** (2.0 / 9.0)) + 1)]
    s0 = covariances[0] + 2.0 * sum(covariances[1:])
    s1 = 2.0 * sum(lag * covariance for lag, covariance in enumerate(covariances))
    lags = int(1.1447 * math.pow((s1 / s0) ** 2, 1.0 / 3.0) * math.pow(n_obs, 1.0 / 3.0))
    return min(lags, n_obs - 1)
