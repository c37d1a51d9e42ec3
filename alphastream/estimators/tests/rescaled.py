"""Engle-Granger where volatility changes: legs without spikes, over one common scale, and a wild bootstrap of them.

MacKinnon's p-values are those of increments whose variance is the same in every row. Where it falls to a sixteenth
half-way, 18 to 20 % of independent walks of 500 rows are called cointegrated at 5 %. Here

1. a jump of one row that comes back takes the value of the row before it (``without_spikes``);
2. both legs' increments are divided by the local scale of y − b·x and summed up again (``rescaled_legs``): a linear
   relation between the legs stays what it is, and what is left of it has one variance;
3. lags are chosen by AIC, and are as many at least as it takes for a bounce between bid and ask to fade
   (``bounce_lags``);
4. the rescaled legs are tested, by MacKinnon's surface where tests are many (``rescaled_kernel``), and by a wild
   bootstrap where one is shown (``wild_pvalue``): the increments of both legs of a row keep or change their sign
   together, which keeps their variances and correlation and takes everything else away.

Sources: Beare (2018), "Unit root testing with unstable volatility", J. of Time Series Analysis 39, for the rescaling;
Cavaliere and Taylor (2008), "Bootstrap unit root tests for time series with nonstationary volatility", Econometric
Theory 24; Schwert (1989), "Tests for unit roots: a Monte Carlo investigation", J. of Business and Economic Statistics
7, for what a moving average does to them; Besag and Clifford (1991), "Sequential Monte Carlo p-values", Biometrika 78.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.estimators.tests.engle_granger import EngleGrangerResult, engle_granger
from alphastream.estimators.tests.lag_search import (
    bounce_lags,
    choose_lags,
    differences,
    fill_gram,
    lagged_level_statistic,
    lasting_share,
    subtract,
)
from alphastream.estimators.tests.lags import ResidualTest, dot, engle_granger_kernel, largest, mean, remove_trend
from alphastream.estimators.tests.mackinnon import tau_pvalue
from alphastream.estimators.tests.observations import ROUNDING, default_max_lags

SCALE_HALF_LIFE: Final = 20.0  # rows over which the local scale is measured, to each side
SHORT_WINDOW: Final = 200  # rows below which a scale over 5 rows keeps MacKinnon's size better
SHORT_HALF_LIFE: Final = 5.0
REPLICATIONS: Final = 199
EXCEEDANCES: Final = 20  # replications as far left as the statistic after which no more are drawn: p is above a tenth
MOST_LAGS: Final = 12  # in which a bounce may fade: where it takes more, walks pass for pairs again
ENOUGH_SHARE: Final = 0.04  # a share that lasts with which eight lags do

_SPIKE = 8.0  # standard deviations that a jump exceeds
_COMES_BACK = 0.7  # the share of a jump that the next row takes back at least; its inverse at most
_SMALLEST_SCALE = 1e-2  # of the overall one, where nothing moves


@kernel
def without_spikes(series: Floats) -> Floats:
    """(T,) series in which a row that jumps away and back at once has the value of the row before it.

    A jump is one of more than 8 standard deviations, as the mean absolute change implies them for normal changes (a
    median would be zero where most ticks are). The newest row stays: nobody knows yet whether it comes back.
    """
    clean = series.copy()
    total = 0.0
    for t in range(1, series.size):
        total += abs(series[t] - series[t - 1])
    bound = _SPIKE * math.sqrt(0.5 * math.pi) * total / (series.size - 1)
    for t in range(1, series.size - 1):
        jump = series[t] - clean[t - 1]
        back = (series[t] - series[t + 1]) / jump if abs(jump) > bound else 0.0
        if back >= _COMES_BACK and back <= 1.0 / _COMES_BACK:
            clean[t] = clean[t - 1]
    return clean


@kernel
def local_scale(change: Floats, half_life: float) -> Floats:
    """Root of the two-sided exponential mean of squares, (T,); at least a hundredth of the overall root mean square."""
    size = change.size
    decay = math.pow(2.0, -1.0 / half_life)
    before, weight = np.empty(size), np.empty(size)  # of the rows before each row; after it the weights are mirrored
    squares = weights = 0.0
    for t in range(size):
        before[t], weight[t] = squares, weights
        squares = decay * (squares + change[t] * change[t])
        weights = decay * (weights + 1.0)
    floor = _SMALLEST_SCALE * _SMALLEST_SCALE * dot(change, change) / size
    scale = np.empty(size)
    squares = 0.0
    for t in range(size - 1, -1, -1):
        squares = decay * squares + change[t] * change[t]
        scale[t] = math.sqrt(max((before[t] + squares) / (weight[t] + weight[size - 1 - t] + 1.0), floor))
    return scale


@kernel
def rescaled_legs(y: Floats, x: Floats, half_life: float) -> tuple[Floats, Floats, bool]:
    """Sums of both legs' increments over the local scale of those of y − b·x, and whether there is any such scale.

    Parameters
    ----------
    y, x : (T,) without deterministic terms beside a constant.
    half_life : of the scale, in rows.
    """
    y_left, _, _ = remove_trend(y, 1)
    x_left, _, _ = remove_trend(x, 1)
    size = y.size
    x_square = dot(x_left, x_left)
    if not x_square > size * (ROUNDING * largest(x)) ** 2:
        return y_left, x_left, False
    ratio = dot(x_left, y_left) / x_square
    residual = np.empty(size)
    subtract(y_left, ratio, x_left, residual)
    rounding = ROUNDING * (largest(y) + abs(ratio) * largest(x))
    if not dot(residual, residual) > size * rounding * rounding:
        return y_left, x_left, False
    change = np.empty(size - 1)
    differences(residual, change)
    scale = local_scale(change, half_life)
    y_sum = x_sum = y_last = x_last = 0.0
    for t in range(1, size):
        y_sum += (y[t] - y[t - 1]) / scale[t - 1]
        x_sum += (x[t] - x[t - 1]) / scale[t - 1]
        y_left[t - 1], x_left[t - 1], y_last, x_last = y_last, x_last, y_sum, x_sum
    y_left[size - 1], x_left[size - 1] = y_last, x_last
    return y_left, x_left, True


@kernel
def lasting_share_of_spread(y: Floats, x: Floats) -> float:
    """``lasting_share`` of what least squares of y on x leaves."""
    size = y.size
    y_mean, x_mean = mean(y), mean(x)
    shared = square = 0.0
    for t in range(size):
        shared += (x[t] - x_mean) * (y[t] - y_mean)
        square += (x[t] - x_mean) * (x[t] - x_mean)
    residual, change = np.empty(size), np.empty(size - 1)
    subtract(y, shared / square, x, residual)
    differences(residual, change)
    return lasting_share(residual, change)


@kernel
def faded_test(y: Floats, x: Floats, max_lags: int, share: float) -> ResidualTest:
    """Engle-Granger with a constant and AIC's lags, or those in which a bounce fades where they are more.

    With AIC alone a bounce of one step between bid and ask passes for cointegration in 10 to 14 % of walks of 500 rows
    with a correlation of .9 and in 20 % with one of .97; with these lags in 6 to 8 %. Of pairs with a half-life of ten
    rows it finds 96 % where nothing bounces, as AIC does; 94 % under a bounce of one step of a row.

    Parameters
    ----------
    y, x : (T,) rescaled legs.
    max_lags : the most of either.
    share : ``lasting_share_of_spread``.
    """
    test = engle_granger_kernel(y, x, 1, max_lags, 1)
    least = bounce_lags(share, max_lags)
    if test.n_obs > 0 and least > test.lags:
        return engle_granger_kernel(y, x, 1, least, 0)
    return test


@kernel
def rescaled_kernel(y: Floats, x: Floats, max_lags: int, half_life: float) -> ResidualTest:
    """Engle-Granger with a constant of the rescaled legs, y on x: steps 1 to 3 above and ``engle_granger_kernel``.

    Parameters
    ----------
    y, x : (T,) legs as given.
    max_lags : the longest lag tried.
    half_life : of the scale, in rows.

    Returns
    -------
    The statistic is NaN where ``engle_granger_kernel`` of the legs themselves has none. The ratio is that of the
    rescaled legs, the intercept is in units of the scale.
    """
    y_scaled, x_scaled, varies = rescaled_legs(without_spikes(y), without_spikes(x), half_life)
    if not varies:
        return ResidualTest(math.nan, 0, 0, math.nan, math.nan, math.nan)
    return faded_test(y_scaled, x_scaled, max_lags, lasting_share_of_spread(y_scaled, x_scaled))


@kernel
def sign_seed(series: Floats) -> np.uint64:
    """Where the random signs of a series begin: a hash of the directions in which it moves.

    The same rows give the same signs at any scale, other rows give others: with the same ones for all rows the error of
    199 replications would not average out, and each verdict would have the same wrong size.
    """
    seed = np.uint64(0xCBF29CE484222325)  # FNV-1a
    for t in range(1, series.size):
        up = np.uint64(1) if series[t] > series[t - 1] else np.uint64(0)
        seed = (seed ^ up) * np.uint64(0x100000001B3)
    return seed


@kernel
def draw_signs(state: np.uint64, signs: Floats) -> np.uint64:
    """Fill (n,) with ±1 and return the state after them (splitmix64, a bit a sign)."""
    for first in range(0, signs.size, 64):
        state = state + np.uint64(0x9E3779B97F4A7C15)
        bits = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        bits = bits ^ (bits >> np.uint64(31))
        for t in range(first, min(first + 64, signs.size)):
            signs[t] = 1.0 - 2.0 * float((bits >> np.uint64(t - first)) & np.uint64(1))
    return state


@kernel
def wild_pvalue(
    y: Floats, x: Floats, statistic: float, max_lags: int, criterion: int, replications: int, exceedances: int
) -> tuple[float, int]:
    """p-value of an Engle-Granger statistic among those of the legs with random signs, and how many were drawn.

    Parameters
    ----------
    y, x : (T,) the legs that ``statistic`` is of; here they come rescaled.
    statistic : Engle-Granger's with a constant.
    max_lags, criterion : of the lags of each replication, which has no bounce: the signs take it away.
    replications : drawn at most, B.
    exceedances : replications at or left of the statistic after which drawing stops, k of them among the first n:
        the p-value is then k/n, and valid still (Besag and Clifford 1991). Without a stop it is (1 + k)/(B + 1).
    """
    if math.isnan(statistic):
        return math.nan, 0
    size = y.size
    y_walk, x_walk, residual, change = np.empty(size), np.empty(size), np.empty(size), np.empty(size - 1)
    products = np.empty(max_lags + 1)
    gram, normal = np.empty((max_lags + 2, max_lags + 2)), np.empty((max_lags + 2, max_lags + 2))
    found = 0
    state, signs = sign_seed(y), np.empty(size - 1)
    for draw in range(replications):
        state = draw_signs(state, signs)
        y_sum = x_sum = 0.0
        y_walk[0] = x_walk[0] = 0.0
        for t in range(1, size):
            y_sum += signs[t - 1] * (y[t] - y[t - 1])
            x_sum += signs[t - 1] * (x[t] - x[t - 1])
            y_walk[t], x_walk[t] = y_sum, x_sum
        y_mean, x_mean = mean(y_walk), mean(x_walk)
        for t in range(size):
            y_walk[t] -= y_mean
            x_walk[t] -= x_mean
        subtract(y_walk, dot(x_walk, y_walk) / dot(x_walk, x_walk), x_walk, residual)
        differences(residual, change)
        fill_gram(residual, change, max_lags, products, gram)
        lags = max_lags
        if criterion != 0:
            lags = choose_lags(gram, max_lags, size - 1 - max_lags, criterion, normal)
        drawn = lagged_level_statistic(residual, change, gram, max_lags, lags, normal) if lags >= 0 else math.nan
        if math.isnan(drawn):  # too collinear for the quick way
            drawn = engle_granger_kernel(y_walk, x_walk, 1, max_lags, criterion).statistic
        found += not drawn > statistic
        if found == exceedances:
            return found / (draw + 1.0), draw + 1
    return (1.0 + found) / (replications + 1.0), replications


class HiddenByBounceError(ParameterError):
    """Bid-ask bounce, ticks or old prices hide what lasts of a spread from a test of these rows.

    Parameters
    ----------
    share : variance of a change that lasts over that of a change of one row.

    Attributes
    ----------
    longer : how many times as long bars would have to be.
    """

    def __init__(self, share: float) -> None:
        self.share = share
        smallest = max(share, 0.1 * ENOUGH_SHARE)
        self.longer = ENOUGH_SHARE * (1.0 - smallest) / (smallest * (1.0 - ENOUGH_SHARE))
        super().__init__(
            f"bid-ask bounce or old prices make {1.0 - share:.1%} of the variance of the spread's changes and hide "
            f"what lasts: use bars {math.ceil(self.longer)} times as long, in which {ENOUGH_SHARE:.0%} would last"
        )

    def __reduce__(self) -> tuple[type["HiddenByBounceError"], tuple[float]]:
        return type(self), (self.share,)


@dataclass(frozen=True, slots=True)
class WildResult:
    """Outcome of ``engle_granger_wild``.

    Parameters
    ----------
    statistic : Engle-Granger's of the rescaled legs, with ``lags`` over ``n_obs`` rows.
    pvalue : among ``replications`` statistics of legs with random signs.
    rescaled_pvalue : MacKinnon's for ``statistic``.
    plain : the test of the legs as given, whose p-value presumes one variance in all rows.
    hedge_ratio, intercept : of least squares over the legs without spikes.
    """

    statistic: float
    pvalue: float
    rescaled_pvalue: float
    lags: int
    n_obs: int
    replications: int
    hedge_ratio: float
    intercept: float
    plain: EngleGrangerResult


def engle_granger_wild(y: ArrayLike, x: ArrayLike, replications: int = REPLICATIONS) -> WildResult:
    """Engle-Granger test with a constant that keeps its size where volatility changes and single ticks are bad.

    Parameters
    ----------
    y, x : (T,) prices or log prices of the dependent and of the hedge leg, aligned, oldest first; rows in which a leg
        did not trade left out.
    replications : of the bootstrap, at most; the smallest p-value is 1/(replications + 1).

    Returns
    -------
    The same rows give the same p-value: the random signs follow from them.

    Raises
    ------
    NotEnoughObservations, ParameterError
        As ``engle_granger``.
    HiddenByBounceError
        Where a bounce between bid and ask takes more than 12 lags to fade.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(3)
    >>> x = np.cumsum(rng.normal(size=500))
    >>> spread = np.convolve(rng.normal(size=519), 0.9 ** np.arange(20), "valid")
    >>> result = engle_granger_wild(5 + 2 * x + spread, x)
    >>> result.pvalue, round(result.hedge_ratio, 1)
    (0.005, 2.0)
    """
    plain = engle_granger(y, x)
    y_rows, x_rows = (without_spikes(np.array(leg, dtype=np.float64)) for leg in (y, x))
    max_lags = default_max_lags(y_rows.size, 0)
    fit = engle_granger_kernel(y_rows, x_rows, 1, 0, 0)
    y_scaled, x_scaled, varies = rescaled_legs(y_rows, x_rows, SCALE_HALF_LIFE)
    if not varies:
        raise ParameterError("without rows that jump and come back at once the legs leave no spread to test")
    share = lasting_share_of_spread(y_scaled, x_scaled)
    most = min(MOST_LAGS, max_lags)
    if bounce_lags(share, most + 1) > most:
        raise HiddenByBounceError(share)
    test = faded_test(y_scaled, x_scaled, max_lags, share)
    if math.isnan(test.statistic):
        raise ParameterError("over its own scale the spread is a formula, not noise: there is nothing to test")
    pvalue, drawn = wild_pvalue(y_scaled, x_scaled, test.statistic, max_lags, 1, replications, EXCEEDANCES)
    return WildResult(
        statistic=test.statistic,
        pvalue=pvalue,
        rescaled_pvalue=tau_pvalue(test.statistic, 1, 2),
        lags=test.lags,
        n_obs=test.n_obs,
        replications=drawn,
        hedge_ratio=fit.hedge_ratio,
        intercept=fit.intercept,
        plain=plain,
    )


def scale_half_life(rows: int) -> float:
    """Rows over which ``rescaled_kernel`` measures the scale in a window, so that MacKinnon's size holds best."""
    return SHORT_HALF_LIFE if rows < SHORT_WINDOW else SCALE_HALF_LIFE


def warm_up() -> None:
    """Compile the kernels of this file, or load them from the cache; takes seconds the first time on a machine."""
    time = np.arange(40.0)
    y, x = np.cumsum(np.sin(time * time)), np.cumsum(np.cos(time * time))
    engle_granger_wild(y, x)
    rescaled_kernel(y, x, 2, SHORT_HALF_LIFE)
