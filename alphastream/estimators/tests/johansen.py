"""Johansen's test: how many stationary combinations do several series have?"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.types import Floats
from alphastream.core.validation import require_integer
from alphastream.errors import ParameterError
from alphastream.estimators.tests.mackinnon import Trend, trend_terms
from alphastream.estimators.tests.observations import MINIMUM_ROWS, require

Level = Literal["90%", "95%", "99%"]
_LEVELS: tuple[Level, ...] = ("90%", "95%", "99%")
_MAX_SERIES = 12

# MacKinnon, Haug and Michelis (1999), "Numerical distribution functions of likelihood ratio tests for cointegration",
# J. of Applied Econometrics 14, as LeSage's toolbox and statsmodels (coint_tables.py) print them.
# Axes: terms (n, c, ct), series less the rank under the null (1 to 12), level (90, 95, 99 %).
# fmt: off
_TRACE = np.array([
    [
        [2.9762, 4.1296, 6.9406], [10.4741, 12.3212, 16.3640], [21.7781, 24.2761, 29.5147],
        [37.0339, 40.1749, 46.5716], [56.2839, 60.0627, 67.6367], [79.5329, 83.9383, 92.7136],
        [106.7351, 111.7797, 121.7375], [137.9954, 143.6691, 154.7977], [173.2292, 179.5199, 191.8122],
        [212.4721, 219.4051, 232.8291], [255.6732, 263.2603, 277.9962], [302.9054, 311.1288, 326.9716],
    ],
    [
        [2.7055, 3.8415, 6.6349], [13.4294, 15.4943, 19.9349], [27.0669, 29.7961, 35.4628],
        [44.4929, 47.8545, 54.6815], [65.8202, 69.8189, 77.8202], [91.1090, 95.7542, 104.9637],
        [120.3673, 125.6185, 135.9825], [153.6341, 159.5290, 171.0905], [190.8714, 197.3772, 210.0366],
        [232.1030, 239.2468, 253.2526], [277.3740, 285.1402, 300.2821], [326.5354, 334.9795, 351.2150],
    ],
    [
        [2.7055, 3.8415, 6.6349], [16.1619, 18.3985, 23.1485], [32.0645, 35.0116, 41.0815],
        [51.6492, 55.2459, 62.5202], [75.1027, 79.3422, 87.7748], [102.4674, 107.3429, 116.9829],
        [133.7852, 139.2780, 150.0778], [169.0618, 175.1584, 187.1891], [208.3582, 215.1268, 228.2226],
        [251.6293, 259.0267, 273.3838], [298.8836, 306.8988, 322.4264], [350.1125, 358.7190, 375.3203],
    ],
])
_MAX_EIGEN = np.array([
    [
        [2.9762, 4.1296, 6.9406], [9.4748, 11.2246, 15.0923], [15.7175, 17.7961, 22.2519],
        [21.8370, 24.1592, 29.0609], [27.9160, 30.4428, 35.7359], [33.9271, 36.6301, 42.2333],
        [39.9085, 42.7679, 48.6606], [45.8930, 48.8795, 55.0335], [51.8528, 54.9629, 61.3449],
        [57.7954, 61.0404, 67.6415], [63.7248, 67.0756, 73.8856], [69.6513, 73.0946, 80.0937],
    ],
    [
        [2.7055, 3.8415, 6.6349], [12.2971, 14.2639, 18.5200], [18.8928, 21.1314, 25.8650],
        [25.1236, 27.5858, 32.7172], [31.2379, 33.8777, 39.3693], [37.2786, 40.0763, 45.8662],
        [43.2947, 46.2299, 52.3069], [49.2855, 52.3622, 58.6634], [55.2412, 58.4332, 64.9960],
        [61.2041, 64.5040, 71.2525], [67.1307, 70.5392, 77.4877], [73.0563, 76.5734, 83.7105],
    ],
    [
        [2.7055, 3.8415, 6.6349], [15.0006, 17.1481, 21.7465], [21.8731, 24.2522, 29.2631],
        [28.2398, 30.8151, 36.1930], [34.4202, 37.1646, 42.8612], [40.5244, 43.4183, 49.4095],
        [46.5583, 49.5875, 55.8171], [52.5858, 55.7302, 62.1741], [58.5316, 61.8051, 68.5030],
        [64.5292, 67.9040, 74.7434], [70.4630, 73.9355, 81.0678], [76.4081, 79.9878, 87.2395],
    ],
])
# The same paper's case II: a constant inside the relation, no drift. For one to four series less the rank; 18,000 walks
# of 800 rows exceed those at 5 % in 5.0 to 5.4 %.
_RESTRICTED_TRACE = np.array([
    [7.5567, 9.1645, 12.7608], [17.9804, 20.2618, 25.0781], [32.2684, 35.1928, 41.1950], [50.5254, 54.0790, 61.2669],
])
_RESTRICTED_MAX_EIGEN = np.array([
    [7.5567, 9.1645, 12.7608], [13.9059, 15.8921, 20.1612], [20.0493, 22.2996, 27.0678], [26.1204, 28.5881, 33.7329],
])
# fmt: on


@dataclass(frozen=True, slots=True, eq=False)
class JohansenResult:
    """Outcome of a Johansen test of N series; row r of each array belongs to the null "rank is at most r".

    Parameters
    ----------
    trace : (N,) statistics against any higher rank.
    trace_critical_values : (N, 3) at 90, 95 and 99 %.
    max_eigen : (N,) statistics against rank r + 1.
    max_eigen_critical_values : (N, 3) at 90, 95 and 99 %.
    eigenvalues : (N,) squared canonical correlations, largest first.
    eigenvectors : (N, N), column r weighs the series into the r-th combination; its first weight is not negative.
    lags : lagged differences in the model.
    n_obs : rows of the regressions.
    trend : deterministic terms, "n", "c" or "ct".
    restricted : whether the constant stood inside the relation only.
    """

    trace: Floats
    trace_critical_values: Floats
    max_eigen: Floats
    max_eigen_critical_values: Floats
    eigenvalues: Floats
    eigenvectors: Floats
    lags: int
    n_obs: int
    trend: Trend
    restricted: bool = False

    def rank(self, level: Level = "95%", by: Literal["trace", "max_eigen"] = "trace") -> int:
        """Number of cointegrating combinations: the first null that is not rejected, N where all are."""
        if level not in _LEVELS or by not in ("trace", "max_eigen"):
            raise ParameterError(f"no critical values for {by!r} at {level!r}: use 'trace' or 'max_eigen' at {_LEVELS}")
        statistics, critical = (
            (self.trace, self.trace_critical_values)
            if by == "trace"
            else (self.max_eigen, self.max_eigen_critical_values)
        )
        kept = statistics <= critical[:, _LEVELS.index(level)]
        return int(kept.argmax()) if kept.any() else kept.size


def johansen(
    data: ArrayLike, trend: Trend | Literal[-1, 0, 1] = "c", lags: int = 1, *, restricted: bool = False
) -> JohansenResult:
    """Johansen's trace and maximum eigenvalue tests.

    A constant outside the relation is a drift of the series; one inside gives the relation a level and the series no
    drift. Each has values that hold for its own case only. Of 500 rows of two independent walks the trace with a free
    constant calls 10 % cointegrated at 5 % where there is no drift and 5 % where there is one of .1 standard deviations
    a row, the one with a restricted constant 5 and 45 %. Both presume one variance: where it falls to a sixteenth
    half-way they call 54 and 42 % cointegrated.

    Parameters
    ----------
    data : (T, N) prices or log prices, 2 ≤ N ≤ 12, oldest first.
    trend : "n", "c" or "ct", or the order of the time polynomial, −1, 0 or 1.
    lags : lagged differences, k_ar_diff in statsmodels.
    restricted : the constant stands inside the relation only, with ``trend`` "c" and up to four series.

    Raises
    ------
    NotEnoughObservations
        Under 30 rows, or fewer than two for each coefficient of an equation.
    ParameterError
        When the shape is wrong, a row is NaN or infinite, a series is constant, or series are collinear.

    Notes
    -----
    Equal to statsmodels' coint_johansen for lags ≥ 1. Without lags that function regresses on the level after the
    change, this one on the level before it, as the model says.

    Source: Johansen (1995), Likelihood-Based Inference in Cointegrated Vector Autoregressive Models, chapter 6.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> x = np.cumsum(rng.normal(size=500))
    >>> johansen(np.column_stack([2 * x + rng.normal(size=500), x])).rank()
    1
    """
    name = _trend_name(trend)
    order = trend_terms(name)
    require_integer("lags", lags, minimum=0)
    levels, scale = _scaled(data, order, lags)
    if restricted and (order != 1 or levels.shape[1] > len(_RESTRICTED_TRACE)):
        raise ParameterError(
            f"restricted=True with trend {name!r} and {levels.shape[1]} series: "
            f"needs trend 'c' and at most {len(_RESTRICTED_TRACE)} series, whose critical values are known"
        )
    changes = np.diff(levels, axis=0)
    n_obs, n_series = changes.shape[0] - lags, levels.shape[1]
    lagged = [changes[lags - lag : changes.shape[0] - lag] for lag in range(1, lags + 1)]
    constant = [np.ones((n_obs, 1))] if order > 0 else []
    short_run = np.hstack([np.empty((n_obs, 0)), *([] if restricted else constant), *lagged])
    before = np.hstack([levels[lags:-1], *(constant if restricted else [])])
    change_left = _orthonormal(_residual(changes[lags:], short_run), "changes")
    level_left = _orthonormal(_residual(before, short_run), "levels")
    # the squared canonical correlations of changes and levels are the eigenvalues of S11⁻¹ S10 S00⁻¹ S01
    _, correlations, directions = np.linalg.svd(change_left[0].T @ level_left[0], full_matrices=False)
    eigenvalues = np.minimum(correlations**2, 1.0 - np.finfo(np.float64).eps)
    vectors = np.linalg.solve(level_left[1], directions.T)[:n_series] * np.sqrt(n_obs) / scale[:, None]
    parts = -n_obs * np.log1p(-eigenvalues)
    remaining = np.arange(n_series, 0, -1) - 1
    trace, max_eigen = (_RESTRICTED_TRACE, _RESTRICTED_MAX_EIGEN) if restricted else (_TRACE[order], _MAX_EIGEN[order])
    return JohansenResult(
        trace=_frozen(np.cumsum(parts[::-1])[::-1]),
        trace_critical_values=_frozen(trace[remaining]),
        max_eigen=_frozen(parts),
        max_eigen_critical_values=_frozen(max_eigen[remaining]),
        eigenvalues=_frozen(eigenvalues),
        eigenvectors=_frozen(vectors * np.where(vectors[0] < 0.0, -1.0, 1.0)),
        lags=int(lags),
        n_obs=n_obs,
        trend=name,
        restricted=restricted,
    )


def _trend_name(trend: str | int) -> Trend:
    orders: dict[str | int, Trend] = {-1: "n", 0: "c", 1: "ct", "n": "n", "c": "c", "ct": "ct"}
    if trend not in orders:
        raise ParameterError(f"trend is {trend!r}: use 'n', 'c' or 'ct', or the order of the polynomial: -1, 0 or 1")
    return orders[trend]


def _scaled(data: ArrayLike, order: int, lags: int) -> tuple[Floats, Floats]:
    """The levels without their deterministic terms, each series divided by its size; and these sizes."""
    levels = np.array(data, dtype=np.float64)
    if levels.ndim != 2 or not 2 <= levels.shape[1] <= _MAX_SERIES:
        raise ParameterError(f"data has shape {levels.shape}: needs (T, N) with 2 to {_MAX_SERIES} series")
    rows, n_series = levels.shape
    bad = np.argwhere(~np.isfinite(levels))
    if bad.size:
        row, column = bad[0]
        raise ParameterError(f"row {row} of series {column} is {levels[row, column]}: drop or fill this row first")
    require("Johansen test", max(MINIMUM_ROWS, lags + 1 + 2 * (n_series * (lags + 1) + order)), rows)
    constant = np.flatnonzero(np.ptp(levels, axis=0) == 0.0)
    if constant.size:
        raise ParameterError(f"series {constant[0]} is constant: there is nothing to test")
    if order > 0:
        levels -= levels.mean(axis=0)
        levels -= levels.mean(axis=0)
    if order > 1:
        time = np.linspace(-1.0, 1.0, rows)
        levels -= np.outer(time, time @ levels / (time @ time))
    scale = np.abs(levels).max(axis=0)
    return levels / scale, scale


def _residual(target: Floats, regressors: Floats) -> Floats:
    basis = np.linalg.qr(regressors)[0]
    return target - basis @ (basis.T @ target)


def _orthonormal(columns: Floats, what: str) -> tuple[Floats, Floats]:
    basis, triangle = np.linalg.qr(columns)
    if np.any(np.abs(np.diag(triangle)) <= 1e-11 * np.linalg.norm(triangle, axis=0).max()):
        raise ParameterError(f"the {what} of the series are perfectly collinear: one is a combination of the others")
    return basis, triangle


def _frozen(array: Floats) -> Floats:
    array = np.ascontiguousarray(array)
    array.flags.writeable = False
    return array
