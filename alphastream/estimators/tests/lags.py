"""The augmented Dickey-Fuller regression and its lag search, compiled.

    Δe_t = ρ·e_{t−1} + deterministic terms + Σ_{i=1..k} φ_i·Δe_{t−i} + u_t

One Gram matrix of [e_{t−1}, deterministic terms, Δe_t, Δe_{t−1}, …, Δe_{t−p}] and one triangular factor hold the sum
of squared residuals of every lag length, because the models are nested: dropping the last lag adds the square of
one entry of the factor. The search compares all lengths on the same rows; the chosen one is then fitted again on
the rows that the longest one could not use, as statsmodels does.

Where the columns are so collinear that a Gram matrix would lose half of the digits, the factor comes from
orthogonalised columns instead (modified Gram-Schmidt).
"""

import math
from typing import NamedTuple

import numpy as np

from alphastream.core.compilation import kernel, summation
from alphastream.core.types import Floats, Ints
from alphastream.estimators.tests.observations import ROUNDING

_SAFE_PIVOT = 1e-6  # of a column's square: below, a Gram matrix has fewer than ten good digits left
_DEPENDENT = 1e-13  # of a column's length: below, what is left is rounding


@summation
def dot(a: Floats, b: Floats) -> float:
    """Σ a·b; equal rows give equal bits."""
    total = 0.0
    for i in range(a.size):
        total += a[i] * b[i]
    return float(total)


@kernel
def largest(a: Floats) -> float:
    """max |a|; rows of NaN are passed over."""
    found = 0.0
    for i in range(a.size):
        size = abs(a[i])
        found = size if size > found else found
    return found


@summation
def mean(a: Floats) -> float:
    """Arithmetic mean, summed in lanes as ``dot`` is."""
    total = 0.0
    for i in range(a.size):
        total += a[i]
    return total / a.size


@kernel
def design_base(series: Floats, terms: int) -> Floats:
    """Rows of the regressors that are not lags: the level e_{t−1}, then 1, then a trend over [−1, 1]."""
    rows = series.size - 1
    base = np.ones((terms + 1, rows))
    for row in range(rows):
        base[0, row] = series[row]
    if terms == 2:
        base[2] = np.linspace(-1.0, 1.0, rows)
    return base


@kernel
def lagged_gram(base: Floats, change: Floats, max_lags: int) -> Floats:
    """Gram matrix of [base, Δe_t, Δe_{t−1}, …, Δe_{t−p}] over the rows t ≥ p, in that order.

    The products of two lags differ only at the ends of the sample, so each of them is one shared sum plus what its
    own ends add. Nothing is ever subtracted: one huge change cannot cancel.
    """
    n_base, size, p = base.shape[0], change.size, max_lags
    width = n_base + p + 1
    gram = np.empty((width, width))
    for a in range(n_base):
        for b in range(a + 1):
            gram[a, b] = dot(base[a, p:], base[b, p:])
        for lag in range(p + 1):
            gram[n_base + lag, a] = dot(base[a, p:], change[p - lag : size - lag])
    for apart in range(p + 1):
        shared = dot(change[p : size - p + apart], change[p - apart : size - p])
        tail = 0.0
        for lag in range(p - apart, -1, -1):
            gram[n_base + lag + apart, n_base + lag] = shared + tail
            tail += change[size - lag] * change[size - lag - apart] if lag > 0 else 0.0
        head = 0.0
        for lag in range(1, p - apart + 1):
            head += change[p - lag] * change[p - lag - apart]
            gram[n_base + lag + apart, n_base + lag] += head
    for a in range(width):
        for b in range(a):
            gram[b, a] = gram[a, b]
    return gram


@kernel
def search_order(n_base: int, lags: int) -> Ints:
    """Columns of the nested models: base, lags 1 … k, then the target Δe_t; numbers as in ``lagged_gram``."""
    order = np.arange(n_base + lags + 1)
    for place in range(n_base, order.size - 1):  # in loops: array expressions take seconds to compile
        order[place] += 1
    order[-1] = n_base
    return order


@kernel
def level_last_order(n_base: int, lags: int) -> Ints:
    """The same columns, but with the level just before the target: its t-ratio is then one entry of the factor."""
    order = search_order(n_base, lags)
    for place in range(order.size - 2):
        order[place] = order[place + 1]
    order[-2] = 0
    return order


@kernel
def normal_matrix(gram: Floats, order: Ints) -> Floats:
    """The columns of a Gram matrix that ``order`` names, in that order."""
    chosen = np.empty((order.size, order.size))
    for i in range(order.size):
        for j in range(order.size):
            chosen[i, j] = gram[order[i], order[j]]
    return chosen


@kernel
def cholesky(gram: Floats) -> tuple[Floats, bool]:
    """Lower factor L, and whether its pivots left enough digits to trust it."""
    width = gram.shape[0]
    factor = np.zeros((width, width))
    for i in range(width):
        for j in range(i):
            total = gram[i, j]
            for k in range(j):
                total -= factor[i, k] * factor[j, k]
            factor[i, j] = total / factor[j, j]
        pivot = gram[i, i]
        for k in range(i):
            pivot -= factor[i, k] * factor[i, k]
        if not pivot > _SAFE_PIVOT * gram[i, i]:
            return factor, False
        factor[i, i] = math.sqrt(pivot)
    return factor, True


@kernel
def orthogonal_factor(columns: Floats) -> Floats:
    """The same lower factor from the columns themselves; (k, n), one regressor a row, overwritten.

    A column that depends on earlier ones gets a zero on the diagonal. Source: Björck (1967), "Solving linear least
    squares problems by Gram-Schmidt orthogonalization", BIT 7.
    """
    width = columns.shape[0]
    factor = np.zeros((width, width))
    for j in range(width):
        length = math.sqrt(dot(columns[j], columns[j]))
        for i in range(j):
            factor[j, i] = dot(columns[i], columns[j])
            for t in range(columns.shape[1]):
                columns[j, t] -= factor[j, i] * columns[i, t]
        left = math.sqrt(dot(columns[j], columns[j]))
        if left > _DEPENDENT * length:
            factor[j, j] = left
            for t in range(columns.shape[1]):
                columns[j, t] /= left
        else:
            columns[j] = 0.0
    return factor


@kernel
def design(base: Floats, change: Floats, start: int, order: Ints) -> Floats:
    """Columns of the regression over the rows t ≥ ``start``, (k, n), in an order as above."""
    n_base, size = base.shape[0], change.size
    columns = np.empty((order.size, size - start))
    for j in range(order.size):
        lag = order[j] - n_base
        column = base[order[j], start:] if lag < 0 else change[start - lag : size - lag]
        for t in range(size - start):
            columns[j, t] = column[t]
    return columns


@kernel
def best_lags(factor: Floats, n_base: int, n_rows: int, criterion: int) -> int:
    """The lag length that minimises AIC (code 1) or BIC (2), read off the factor of the longest; ties go short."""
    last = factor.shape[0] - 1
    penalty = 2.0 if criterion == 1 else math.log(n_rows)
    squares = factor[last, last] ** 2
    best, best_value = 0, math.inf
    for lags in range(last - n_base, -1, -1):
        value = n_rows * math.log(squares) + penalty * lags
        if value <= best_value:
            best, best_value = lags, value
        squares += factor[last, n_base + lags - 1] ** 2
    return best


@kernel
def level_statistic(gram: Floats, base: Floats, change: Floats, max_lags: int, lags: int) -> float:
    """t-ratio of e_{t−1} with ``lags`` lags over all rows that allow them; NaN where the fit is exact.

    ``gram`` is that of ``max_lags``; the rows it could not use are added to it.
    """
    order = level_last_order(base.shape[0], lags)
    normal = normal_matrix(gram, order)
    early = design(base[:, :max_lags], change[:max_lags], lags, order)
    for i in range(order.size):
        for j in range(order.size):
            normal[i, j] += dot(early[i], early[j])
    factor, sound = cholesky(normal)
    if not sound:
        factor = orthogonal_factor(design(base, change, lags, order))
    return _last_t_ratio(factor, change.size - lags)


@kernel
def _last_t_ratio(factor: Floats, n_rows: int) -> float:
    target = factor.shape[0] - 1
    rank = 0
    for j in range(target):
        rank += factor[j, j] > 0.0
    if factor[target, target] == 0.0 or factor[target - 1, target - 1] == 0.0 or n_rows <= rank:
        return math.nan
    return float(factor[target, target - 1] * math.sqrt(n_rows - rank) / factor[target, target])


@kernel
def dickey_fuller(series: Floats, terms: int, max_lags: int, criterion: int) -> tuple[float, int, int]:
    """Augmented Dickey-Fuller t-ratio.

    Parameters
    ----------
    series : (T,), T ≥ 2·(max_lags + terms + 1). Centre it before where ``terms`` > 0.
    terms : deterministic terms, 0, 1 or 2.
    max_lags : longest lag tried, or the lag itself.
    criterion : 0 fixed, 1 AIC, 2 BIC.

    Returns
    -------
    The t-ratio (NaN where the regression fits exactly), the lags, and the rows of the regression.
    """
    scaled = series / largest(series)
    base = design_base(scaled, terms)
    change = scaled[1:] - scaled[:-1]
    gram = lagged_gram(base, change, max_lags)
    lags = max_lags
    if criterion != 0:
        order = search_order(terms + 1, max_lags)
        factor, sound = cholesky(normal_matrix(gram, order))
        if not sound:
            factor = orthogonal_factor(design(base, change, max_lags, order))
        lags = best_lags(factor, terms + 1, change.size - max_lags, criterion)
    return level_statistic(gram, base, change, max_lags, lags), lags, change.size - lags


@kernel
def remove_trend(series: Floats, terms: int) -> tuple[Floats, float, float]:
    """What is left of a series after its deterministic terms, with their coefficients.

    Returns
    -------
    (T,) residual, the intercept at row 0, and the slope a row.
    """
    if terms == 0:
        return series.copy(), 0.0, 0.0
    level = mean(series)
    left = series - level
    correction = mean(left)  # the mean of prices of 1e5 is itself rounded: take it out of what is left once more
    left -= correction
    level += correction
    if terms == 1:
        return left, level, 0.0
    middle = 0.5 * (series.size - 1)
    time = np.arange(0.0, series.size) - middle
    slope = dot(time, left) / dot(time, time)
    return left - slope * time, level - slope * middle, slope


class ResidualTest(NamedTuple):
    """What ``engle_granger_kernel`` returns.

    Parameters
    ----------
    statistic : t-ratio of the residual's level; NaN where there is nothing to test.
    lags, n_obs : of the residual's regression; ``n_obs`` is 0 where there was none.
    hedge_ratio, intercept, trend_slope : of the first regression; the intercept at row 0, the slope a row.
    """

    statistic: float
    lags: int
    n_obs: int
    hedge_ratio: float
    intercept: float
    trend_slope: float


@kernel
def engle_granger_kernel(y: Floats, x: Floats, terms: int, max_lags: int, criterion: int) -> ResidualTest:
    """Both steps for one pair, compiled; ``terms``, ``max_lags`` and ``criterion`` as for ``dickey_fuller``.

    The statistic is NaN where a row is not finite, or where y is a linear function of x and the deterministic terms up
    to the rounding of the prices themselves; the hedge ratio as well where x is one of the deterministic terms alone.
    """
    y_left, y_level, y_slope = remove_trend(y, terms)
    x_left, x_level, x_slope = remove_trend(x, terms)
    x_square = dot(x_left, x_left)
    if not x_square > x.size * (ROUNDING * largest(x)) ** 2:
        return ResidualTest(math.nan, 0, 0, math.nan, math.nan, math.nan)
    hedge_ratio = dot(x_left, y_left) / x_square
    residual = y_left - hedge_ratio * x_left
    rounding = ROUNDING * (largest(y) + abs(hedge_ratio) * largest(x))
    intercept, trend_slope = y_level - hedge_ratio * x_level, y_slope - hedge_ratio * x_slope
    if not dot(residual, residual) > y.size * rounding * rounding:
        return ResidualTest(math.nan, 0, 0, hedge_ratio, intercept, trend_slope)
    statistic, lags, n_obs = dickey_fuller(residual, 0, max_lags, criterion)
    return ResidualTest(statistic, lags, n_obs, hedge_ratio, intercept, trend_slope)
