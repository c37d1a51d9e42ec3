"""The Engle-Granger test of many pairs in one compiled call.

The columns come detrended once for all of their pairs, and nothing is allocated in the loop over pairs
(``alphastream.estimators.tests.lag_search``). A pair whose normal matrix is too collinear for that comes back as NaN;
the caller hands it to ``engle_granger_kernel``, which has an orthogonal route.

A residual is linear in its two legs, so that its moments could come from matrix products shared by all pairs. They do
not: y − b·x is small beside its legs exactly where a pair is interesting, and its moments would then be differences of
large numbers. Summing over the residual itself never cancels, needs no BLAS, and costs less than the factor does.
"""

import math

import numpy as np

from alphastream.core.compilation import kernel, summation
from alphastream.core.types import Floats, Ints
from alphastream.estimators.tests.lag_search import (
    bounce_lags,
    choose_lags,
    differences,
    fill_gram,
    lagged_level_statistic,
    lasting_share,
    subtract,
)
from alphastream.estimators.tests.lags import dot, mean
from alphastream.estimators.tests.observations import ROUNDING
from alphastream.estimators.tests.rescaled import local_scale

STATISTIC, LAGS, HEDGE_RATIO, REVERSE = 0, 1, 2, 3  # places in a row of results; the reverse test's follow the first's
HALF_LIFE, CROSSINGS, SPREAD_STD = 0, 1, 2


@kernel
def engle_granger_pairs(
    columns: Floats,
    squares: Floats,
    peaks: Floats,
    y: Ints,
    x: Ints,
    max_lags: int,
    criterion: int,
    both: bool,
    half_life: float,
    out: Floats,
) -> None:
    """Test each pair of columns.

    Parameters
    ----------
    columns : (N, T) without their deterministic terms, T ≥ 2·(max_lags + 1).
    squares : (N,) sum of squares of each column.
    peaks : (N,) largest absolute value of each column before its terms were removed, in the same unit.
    y, x : (P,) the columns of each pair.
    max_lags, criterion : the longest lag tried; 0 takes it as it is, 1 is AIC, 2 BIC.
    both : test x on y as well.
    half_life : of the local scale that both legs' increments are divided by, in rows; 0 tests the legs as they are.
    out : (P, 3) or (P, 6) statistic, lags and hedge ratio of y on x, then of x on y. The hedge ratio is always that of
        the columns. The statistic is NaN where there is no test or where the caller has to make it.
    """
    size = columns.shape[1]
    residual, change = np.empty(size), np.empty(size - 1)
    scaled = np.empty((2, size if half_life > 0.0 else 0))
    products = np.empty(max_lags + 1)
    gram, normal = np.empty((max_lags + 2, max_lags + 2)), np.empty((max_lags + 2, max_lags + 2))
    for pair in range(y.size):
        for way in range(1 + both):
            leg, hedge = (y[pair], x[pair]) if way == 0 else (x[pair], y[pair])
            result = out[pair, REVERSE * way : REVERSE * (way + 1)]
            result[STATISTIC], result[LAGS], result[HEDGE_RATIO] = math.nan, 0.0, math.nan
            if not squares[hedge] > size * (ROUNDING * peaks[hedge]) ** 2:
                continue
            ratio = dot(columns[hedge], columns[leg]) / squares[hedge]
            subtract(columns[leg], ratio, columns[hedge], residual)
            rounding = ROUNDING * (peaks[leg] + abs(ratio) * peaks[hedge])
            result[HEDGE_RATIO] = ratio
            if not dot(residual, residual) > size * rounding * rounding:
                continue
            differences(residual, change)
            least = 0
            if half_life > 0.0:
                if not _rescale(columns[leg], columns[hedge], local_scale(change, half_life), scaled, residual):
                    continue
                differences(residual, change)
                least = bounce_lags(lasting_share(residual, change), max_lags) if criterion == 1 and max_lags > 0 else 0
            fill_gram(residual, change, max_lags, products, gram)
            lags = max_lags
            if criterion != 0:
                lags = choose_lags(gram, max_lags, size - 1 - max_lags, criterion, normal)
            if lags >= 0:
                lags = max(lags, least)
                result[LAGS] = lags
                result[STATISTIC] = lagged_level_statistic(residual, change, gram, max_lags, lags, normal)


@kernel
def _rescale(y: Floats, x: Floats, scale: Floats, scaled: Floats, residual: Floats) -> bool:
    """Residual of the legs' summed increments over ``scale``, (T − 1,); whether there is one above rounding."""
    y_sum = x_sum = y_total = x_total = 0.0
    scaled[0, 0] = scaled[1, 0] = 0.0
    for t in range(scale.size):
        weight = 1.0 / scale[t]
        y_sum += (y[t + 1] - y[t]) * weight
        x_sum += (x[t + 1] - x[t]) * weight
        scaled[0, t + 1], scaled[1, t + 1] = y_sum, x_sum
        y_total += y_sum
        x_total += x_sum
    y_mean, x_mean = y_total / residual.size, x_total / residual.size
    y_peak = x_peak = 0.0
    for t in range(residual.size):
        y_peak, x_peak = max(y_peak, abs(scaled[0, t])), max(x_peak, abs(scaled[1, t]))
        scaled[0, t] -= y_mean
        scaled[1, t] -= x_mean
    square = dot(scaled[1], scaled[1])
    if not square > residual.size * (ROUNDING * x_peak) ** 2:
        return False
    ratio = dot(scaled[1], scaled[0]) / square
    subtract(scaled[0], ratio, scaled[1], residual)
    rounding = ROUNDING * (y_peak + abs(ratio) * x_peak)
    return bool(dot(residual, residual) > residual.size * rounding * rounding)


@summation
def _persistence(spread: Floats) -> float:
    """Slope of s on s(−1) and a constant, which is 1 + λ of Δs on s(−1)."""
    level = mean(spread[:-1])
    products = squares = 0.0
    for t in range(spread.size - 1):
        products += (spread[t] - level) * spread[t + 1]
        squares += (spread[t] - level) ** 2
    return products / squares


@kernel
def _sign_changes(spread: Floats) -> int:
    changes = 0
    for t in range(1, spread.size):
        changes += (spread[t] > 0.0) ^ (spread[t - 1] > 0.0)
    return changes


@kernel
def spread_traits(columns: Floats, y: Ints, x: Ints, ratio: Floats, out: Floats) -> None:
    """Half-life, crossings of its mean and standard deviation of each spread y − ratio·x.

    Parameters
    ----------
    columns, y, x : as for ``engle_granger_pairs``.
    ratio : (P,) hedge ratios.
    out : (P, 3) half-life in rows as ``half_life`` defines it; sign changes of the spread less its mean; sample
        standard deviation. NaN where the ratio is.
    """
    size = columns.shape[1]
    spread = np.empty(size)
    for pair in range(y.size):
        if math.isnan(ratio[pair]):
            out[pair, HALF_LIFE] = out[pair, CROSSINGS] = out[pair, SPREAD_STD] = math.nan
            continue
        subtract(columns[y[pair]], ratio[pair], columns[x[pair]], spread)
        level = mean(spread)
        for t in range(size):
            spread[t] -= level
        persistence = _persistence(spread)
        if persistence >= 1.0:
            out[pair, HALF_LIFE] = math.inf
        else:
            out[pair, HALF_LIFE] = -math.log(2.0) / math.log(persistence) if persistence > 0.0 else 0.0
        out[pair, CROSSINGS] = _sign_changes(spread)
        out[pair, SPREAD_STD] = math.sqrt(dot(spread, spread) / (size - 1))
