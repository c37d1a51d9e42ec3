"""Does a combination of several legs return? A wild bootstrap of it, for weights from the same rows or from others.

The steps are those of ``rescaled`` for pairs: legs without spikes, over the local scale of what least squares leaves of
the first leg, as many lags as let a bounce fade, and random signs that all legs of a row share. Where the weights are
estimated they are estimated again on every replication, so that p needs no table for the number of legs.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.estimators.basket_fit import centre_all, orthonormalise, take_out
from alphastream.estimators.tests.lag_search import (
    bounce_lags,
    choose_lags,
    differences,
    fill_gram,
    lagged_level_statistic,
    lasting_share,
)
from alphastream.estimators.tests.lags import dickey_fuller, dot, largest
from alphastream.estimators.tests.observations import (
    MINIMUM_ROWS,
    ROUNDING,
    default_max_lags,
    one_series,
    require,
)
from alphastream.estimators.tests.rescaled import (
    EXCEEDANCES,
    MOST_LAGS,
    REPLICATIONS,
    SCALE_HALF_LIFE,
    HiddenByBounceError,
    draw_signs,
    local_scale,
    sign_seed,
    without_spikes,
)

MOST_LEGS = 10


class _Found(NamedTuple):
    """What ``_test`` returns; the statistic is NaN where there is nothing to test, the share too where it hides all."""

    statistic: float
    lags: int
    share: float


@dataclass(frozen=True, slots=True)
class BasketWildResult:
    """Outcome of ``basket_wild`` or ``spread_wild``.

    Parameters
    ----------
    statistic : t-ratio of the level of what is left of the rescaled first leg, with ``lags`` over ``n_obs`` rows.
    pvalue : among ``replications`` statistics of legs with random signs.
    """

    statistic: float
    pvalue: float
    lags: int
    n_obs: int
    replications: int


@kernel
def _left(levels: Floats, work: Floats, triangle: Floats) -> bool:
    """What least squares leaves of the first of (N, T) legs, in the first row of ``work``; false where singular."""
    for leg in range(levels.shape[0]):
        for t in range(levels.shape[1]):
            work[leg, t] = levels[leg, t]
    centre_all(work)
    if levels.shape[0] > 1:
        if not orthonormalise(work[1:], triangle):
            return False
        take_out(work[:1], work[1:])
    return True


@kernel
def rescaled(levels: Floats, half_life: float) -> tuple[Floats, bool]:
    """Sums of all legs' increments over the local scale of those of what is left of the first; whether there is any."""
    legs, rows = levels.shape
    work, triangle = np.empty((legs, rows)), np.empty((legs, legs))
    sums = np.zeros((legs, rows))
    size = 0.0
    for leg in range(legs):
        size = max(size, largest(levels[leg]))
    if not _left(levels, work, triangle[1:, 1:]) or not dot(work[0], work[0]) > rows * (ROUNDING * size) ** 2:
        return sums, False
    change = np.empty(rows - 1)
    differences(work[0], change)
    scale = local_scale(change, half_life)
    for leg in range(legs):
        for t in range(1, rows):
            sums[leg, t] = sums[leg, t - 1] + (levels[leg, t] - levels[leg, t - 1]) / scale[t - 1]
    return sums, True


@kernel
def _test(levels: Floats, max_lags: int) -> _Found:
    """The statistic of rescaled legs, with AIC's lags or those in which a bounce fades where they are more."""
    legs, rows = levels.shape
    work, triangle, change = np.empty((legs, rows)), np.empty((legs, legs)), np.empty(rows - 1)
    if not _left(levels, work, triangle[1:, 1:]):
        return _Found(math.nan, 0, 1.0)
    differences(work[0], change)
    share = lasting_share(work[0], change)
    statistic, lags, _ = dickey_fuller(work[0], 0, max_lags, 1)
    least = bounce_lags(share, max_lags)
    if least > lags:
        statistic, lags, _ = dickey_fuller(work[0], 0, least, 0)
    return _Found(statistic, lags, share)


@kernel
def _pvalue(levels: Floats, statistic: float, max_lags: int, replications: int, exceedances: int) -> tuple[float, int]:
    """As ``wild_pvalue`` of two legs: p among legs with random signs, and how many were drawn."""
    legs, rows = levels.shape
    walks, work, triangle = np.zeros((legs, rows)), np.empty((legs, rows)), np.empty((legs, legs))
    change, products = np.empty(rows - 1), np.empty(max_lags + 1)
    gram, normal = np.empty((max_lags + 2, max_lags + 2)), np.empty((max_lags + 2, max_lags + 2))
    state, signs = sign_seed(levels[0]), np.empty(rows - 1)
    found = 0
    for draw in range(replications):
        state = draw_signs(state, signs)
        for leg in range(legs):
            for t in range(1, rows):
                walks[leg, t] = walks[leg, t - 1] + signs[t - 1] * (levels[leg, t] - levels[leg, t - 1])
        drawn = math.nan
        if _left(walks, work, triangle[1:, 1:]):
            differences(work[0], change)
            fill_gram(work[0], change, max_lags, products, gram)
            lags = choose_lags(gram, max_lags, rows - 1 - max_lags, 1, normal)
            if lags >= 0:
                drawn = lagged_level_statistic(work[0], change, gram, max_lags, lags, normal)
            if math.isnan(drawn):  # too collinear for the quick way
                drawn = dickey_fuller(work[0], 0, max_lags, 1)[0]
        found += not drawn > statistic
        if found == exceedances:
            return found / (draw + 1.0), draw + 1
    return (1.0 + found) / (replications + 1.0), replications


def basket_wild(legs: ArrayLike, replications: int = REPLICATIONS) -> BasketWildResult:
    """Test of no cointegration of the first leg with the others, which keeps its size where volatility changes.

    The weights are those of least squares on these rows, whatever a basket is traded with: a statement about the legs.
    Of 2,000 samples of 500 rows of independent walks it rejects at 5 % in 5.1, 5.6 and 5.1 % with three, five and eight
    legs; in 6.0, 4.9 and 4.4 % where the standard deviation falls to a quarter half-way. A spread with a half-life of
    10 rows it finds in 89, 73 and 50 %: each further leg hides some of it.

    Parameters
    ----------
    legs : (T, N) prices or log prices, the first leg first, oldest row first, 2 ≤ N ≤ 10; rows in which a leg did not
        trade left out.
    replications : of the bootstrap, at most; the smallest p-value is 1/(replications + 1).

    Raises
    ------
    NotEnoughObservations
        Fewer than 30 rows, or than 10 for each leg.
    ParameterError
        When the shape is wrong, a row is NaN or infinite, or one leg is a combination of others.
    HiddenByBounceError
        Where a bounce between bid and ask takes more than 12 lags to fade.

    Examples
    --------
    >>> rng = np.random.default_rng(2)
    >>> b, c = np.cumsum(rng.normal(size=(2, 500)), axis=1)
    >>> spread = np.convolve(rng.normal(size=519), 0.9 ** np.arange(20), "valid")
    >>> basket_wild(np.column_stack([2 * b - c + spread, b, c])).pvalue
    0.005
    """
    levels = np.array(legs, dtype=np.float64)
    if levels.ndim != 2 or not 2 <= levels.shape[1] <= MOST_LEGS:
        raise ParameterError(f"legs has shape {levels.shape}: needs (T, N) with 2 to {MOST_LEGS} legs")
    require("test of a basket", max(MINIMUM_ROWS, 10 * levels.shape[1]), len(levels))
    return _bootstrapped(levels, replications)


def spread_wild(spread: ArrayLike, replications: int = REPLICATIONS) -> BasketWildResult:
    """Test whether a spread wanders whose weights were chosen on other rows than these.

    On the rows that its weights were estimated from it would reject far too often: take ``basket_wild`` there. Of 2,000
    walks of 500 rows it rejects at 5 % in 4.9 %, in 4.7 % where the standard deviation falls to a quarter half-way.

    Parameters
    ----------
    spread : (T,), oldest first.
    replications : as of ``basket_wild``.

    Raises
    ------
    NotEnoughObservations, ParameterError, HiddenByBounceError
        As of ``basket_wild``.

    Examples
    --------
    >>> rng = np.random.default_rng(2)
    >>> spread_wild(np.convolve(rng.normal(size=519), 0.9 ** np.arange(20), "valid")).pvalue
    0.005
    """
    levels = one_series("spread", spread)[:, np.newaxis]
    require("test of a spread", MINIMUM_ROWS, len(levels))
    return _bootstrapped(levels, replications)


def _bootstrapped(levels: Floats, replications: int) -> BasketWildResult:
    rows = len(levels)
    clean = np.array([without_spikes(one_series(f"leg {leg + 1}", column)) for leg, column in enumerate(levels.T)])
    max_lags = default_max_lags(rows, levels.shape[1] - 1)
    scaled, varies = rescaled(clean, SCALE_HALF_LIFE)
    if not varies:
        raise ParameterError("one leg is a combination of the others up to rounding, or never moves: nothing to test")
    found = _test(scaled, max_lags)
    most = min(MOST_LAGS, max_lags)
    if bounce_lags(found.share, most + 1) > most:
        raise HiddenByBounceError(found.share)
    if math.isnan(found.statistic):
        raise ParameterError("over its own scale the spread is a formula, not noise: there is nothing to test")
    pvalue, drawn = _pvalue(scaled, found.statistic, max_lags, replications, EXCEEDANCES)
    return BasketWildResult(found.statistic, pvalue, found.lags, rows - 1 - found.lags, drawn)


def warm_up() -> None:
    """Compile the kernels of this file, or load them from the cache; takes seconds the first time on a machine."""
    time = np.arange(40.0)
    table = np.column_stack([np.cumsum(np.sin(time * time * k)) for k in (1.0, 2.0, 3.0)])
    basket_wild(table)
    spread_wild(table[:, 0])
