"""Weights of a basket of several legs over one window: four ways to find them, and what they leave.

Every way gives one combination of the legs' levels, scaled so that the first leg's weight is 1: the spread is the first
leg less what the others make of it, and a long spread holds the weights as they are. A combination in which the first
leg has no part cannot be scaled so; it is undefined.

- ``OLS``: least squares of the first leg on the others and a constant.
- ``JOHANSEN``: the first eigenvector of Johansen's test with a constant and one lagged difference (Johansen 1995,
  chapter 6): the levels that are most correlated with the changes that follow them.
- ``SPARSE``: the least predictable combination of few legs. Box and Tao measure a combination w'x of a first-order
  vector autoregression by the share of its variance that is predicted, w'M w / w'Γ w; the smallest returns fastest. A
  search that is told how many legs may have a weight begins with the first leg and adds the one that lowers the share
  most, one at a time (d'Aspremont's greedy search), the matrices being those of all legs.
- ``PCA``: the first leg less its projection on the first k principal components of the correlation matrix of changes,
  as Avellaneda and Lee take the residual of a share.

Sources: Johansen (1995), Likelihood-Based Inference in Cointegrated Vector Autoregressive Models; Box and Tao (1977),
"A canonical analysis of multiple time series", Biometrika 64; d'Aspremont (2011), "Identifying small mean-reverting
portfolios", Quantitative Finance 11; Avellaneda and Lee (2010), "Statistical arbitrage in the US equities market",
Quantitative Finance 10.
"""

import math
from typing import Final

import numpy as np

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.estimators.tests.lags import dot, mean

FIXED: Final = 0
OLS: Final = 1
JOHANSEN: Final = 2
SPARSE: Final = 3
PCA: Final = 4

_DEPENDENT: Final = 1e-11  # of a series' length: what is left of it beside the others is rounding
_NO_PART: Final = 1e-6  # of the largest weight, in standard deviations: the first leg is not in the combination
_SWEEPS: Final = 40


@kernel
def centre_all(series: Floats) -> None:
    """Take its mean from each series in place; twice, so that the rounding of large means goes as well."""
    for place in range(series.shape[0]):
        for _ in range(2):
            level = mean(series[place])
            for t in range(series.shape[1]):
                series[place, t] -= level


@kernel
def take_out(target: Floats, basis: Floats) -> None:
    """Project series off orthonormal ones in place."""
    for place in range(target.shape[0]):
        for _ in range(2):
            for other in range(basis.shape[0]):
                share = dot(basis[other], target[place])
                for t in range(target.shape[1]):
                    target[place, t] -= share * basis[other, t]


@kernel
def orthonormalise(series: Floats, triangle: Floats) -> bool:
    """Gram-Schmidt in place, twice; series = triangle' · result. False where one is a combination of those before."""
    triangle[:] = 0.0
    for place in range(series.shape[0]):
        whole = math.sqrt(dot(series[place], series[place]))
        for _ in range(2):
            for other in range(place):
                share = dot(series[other], series[place])
                triangle[other, place] += share
                for t in range(series.shape[1]):
                    series[place, t] -= share * series[other, t]
        left = math.sqrt(dot(series[place], series[place]))
        if not left > _DEPENDENT * whole:
            return False
        triangle[place, place] = left
        for t in range(series.shape[1]):
            series[place, t] /= left
    return True


@kernel
def _solve_upper(triangle: Floats, right: Floats, width: int) -> None:
    """Solve triangle · x = right in place; ``triangle`` is upper."""
    for i in range(width - 1, -1, -1):
        for j in range(i + 1, width):
            right[i] -= triangle[i, j] * right[j]
        right[i] /= triangle[i, i]


@kernel
def _eigen(matrix: Floats, vectors: Floats) -> None:
    """Jacobi's rotations: eigenvalues of a symmetric matrix on its diagonal, vectors as columns, both in place."""
    size = matrix.shape[0]
    vectors[:] = 0.0
    for i in range(size):
        vectors[i, i] = 1.0
    for _ in range(_SWEEPS):
        off = whole = 0.0
        for i in range(size):
            whole += matrix[i, i] * matrix[i, i]
            for j in range(i + 1, size):
                off += matrix[i, j] * matrix[i, j]
        if off <= 1e-34 * whole:
            return
        for p in range(size - 1):
            for q in range(p + 1, size):
                if matrix[p, q] == 0.0:
                    continue
                slant = 0.5 * (matrix[q, q] - matrix[p, p]) / matrix[p, q]
                tangent = 1.0 / (abs(slant) + math.sqrt(slant * slant + 1.0))
                tangent = tangent if slant >= 0.0 else -tangent
                cosine = 1.0 / math.sqrt(tangent * tangent + 1.0)
                sine = tangent * cosine
                for k in range(size):
                    left, right = matrix[k, p], matrix[k, q]
                    matrix[k, p], matrix[k, q] = cosine * left - sine * right, sine * left + cosine * right
                for k in range(size):
                    left, right = matrix[p, k], matrix[q, k]
                    matrix[p, k], matrix[q, k] = cosine * left - sine * right, sine * left + cosine * right
                    left, right = vectors[k, p], vectors[k, q]
                    vectors[k, p], vectors[k, q] = cosine * left - sine * right, sine * left + cosine * right


@kernel
def _largest(matrix: Floats) -> int:
    """Place of the largest number on the diagonal."""
    best = 0
    for i in range(1, matrix.shape[0]):
        if matrix[i, i] > matrix[best, best]:
            best = i
    return best


@kernel
def _ols(levels: Floats, weights: Floats) -> None:
    others = levels[1:].copy()
    triangle = np.empty((others.shape[0], others.shape[0]))
    if not orthonormalise(others, triangle):
        weights[:] = math.nan
        return
    slopes = np.empty(others.shape[0])
    for place in range(others.shape[0]):
        slopes[place] = dot(others[place], levels[0])
    _solve_upper(triangle, slopes, slopes.size)
    weights[0] = 1.0
    for place in range(slopes.size):
        weights[place + 1] = -slopes[place]


@kernel
def _johansen(levels: Floats, weights: Floats) -> None:
    legs, rows = levels.shape
    changes = levels[:, 1:] - levels[:, :-1]
    now, short_run, before = changes[:, 1:].copy(), changes[:, :-1].copy(), levels[:, 1 : rows - 1].copy()
    triangle = np.empty((legs, legs))
    weights[:] = math.nan
    for part in (now, short_run, before):
        centre_all(part)
    if not orthonormalise(short_run, triangle):
        return
    take_out(now, short_run)
    take_out(before, short_run)
    if not (orthonormalise(now, triangle) and orthonormalise(before, triangle)):
        return
    shared, square, vectors = np.empty((legs, legs)), np.zeros((legs, legs)), np.empty((legs, legs))
    for i in range(legs):
        for j in range(legs):
            shared[i, j] = dot(now[i], before[j])
    for i in range(legs):
        for j in range(legs):
            for k in range(legs):
                square[i, j] += shared[k, i] * shared[k, j]
    _eigen(square, vectors)
    weights[:] = vectors[:, _largest(square)]
    _solve_upper(triangle, weights, legs)


@kernel
def box_tao_moments(levels: Floats, moments: Floats) -> bool:
    """Γ and what one's own past does not predict of it, both over standard deviations; False where that is undefined.

    Parameters
    ----------
    levels : (N, T), T − 1 rows of which are regressed on the row before them.
    moments : (3, N, N), written: variances unpredicted, variances, and on the diagonal of the third the deviations.
    """
    legs = levels.shape[0]
    now, before = levels[:, 1:].copy(), levels[:, :-1].copy()
    centre_all(now)
    centre_all(before)
    for i in range(legs):
        scale = math.sqrt(dot(now[i], now[i]))
        if not scale > 0.0:
            return False
        moments[2, i, i] = scale
        for t in range(now.shape[1]):
            now[i, t] /= scale
    for i in range(legs):
        for j in range(legs):
            moments[1, i, j] = dot(now[i], now[j])
    if not orthonormalise(before, np.empty((legs, legs))):
        return False
    take_out(now, before)
    for i in range(legs):
        for j in range(legs):
            moments[0, i, j] = dot(now[i], now[j])
    return True


@kernel
def least_predictable(moments: Floats, members: Floats, count: int, weights: Floats) -> float:
    """Share of its variance that is not predicted of the least predictable combination of some legs.

    NaN where the legs are combinations of each other.

    Parameters
    ----------
    members : places of the legs, the first ``count`` of which count.
    weights : (N,), written: those of the combination, 0 for legs that are not among them.
    """
    lower, left = np.zeros((count, count)), np.empty((count, count))
    for i in range(count):
        for j in range(i + 1):
            value = moments[1, int(members[i]), int(members[j])]
            for k in range(j):
                value -= lower[i, k] * lower[j, k]
            if i == j:
                if not value > 1e-14:
                    return math.nan
                lower[i, i] = math.sqrt(value)
            else:
                lower[i, j] = value / lower[j, j]
    for i in range(count):
        for j in range(count):
            left[i, j] = moments[0, int(members[i]), int(members[j])]
    for _ in range(2):  # L⁻¹ E, then (L⁻¹ (L⁻¹ E)')' : the matrix is symmetric
        for column in range(count):
            for i in range(count):
                for k in range(i):
                    left[i, column] -= lower[i, k] * left[k, column]
                left[i, column] /= lower[i, i]
        left = left.T.copy()
    for i in range(count):
        for j in range(i):
            left[i, j] = left[j, i] = 0.5 * (left[i, j] + left[j, i])
    vectors = np.empty((count, count))
    _eigen(left, vectors)
    best = _largest(left)
    found = vectors[:, best].copy()
    for i in range(count - 1, -1, -1):  # solve L' w = v
        for k in range(i + 1, count):
            found[i] -= lower[k, i] * found[k]
        found[i] /= lower[i, i]
    weights[:] = 0.0
    for i in range(count):
        place = int(members[i])
        weights[place] = found[i] / moments[2, place, place]
    return float(left[best, best])


@kernel
def grow(moments: Floats, first: int, kept: int, members: Floats, weights: Floats) -> int:
    """Legs of the least predictable combination, the first one given, each further the best beside those before.

    Parameters
    ----------
    members : (≥ kept,), written: the places in the order in which they were added.
    weights : (N,), written: those of the last combination.

    Returns
    -------
    How many legs were found; fewer than ``kept`` where what is left is a combination of them.
    """
    members[0] = first
    weights[:] = math.nan
    trial = np.empty(weights.size)
    count = 1
    while count < kept:
        best, best_value = -1, -1.0
        for place in range(weights.size):
            used = False
            for i in range(count):
                used = used or int(members[i]) == place
            if used:
                continue
            members[count] = place
            value = least_predictable(moments, members, count + 1, trial)
            if value > best_value:
                best, best_value = place, value
        if best < 0:
            return count
        members[count] = best
        count += 1
    least_predictable(moments, members, count, weights)
    return count


@kernel
def drop_legs(moments: Floats, kept: int, members: Floats) -> int:
    """Take legs out, one at a time, each the one without which the others' combination is least predictable.

    Parameters
    ----------
    kept : legs to be left, the first of all among them.
    members : (N,), written: all places, those that were dropped behind the others, the last to go first.

    Returns
    -------
    N, or 0 where legs are combinations of each other.
    """
    legs = members.size
    weights, trial = np.empty(legs), np.empty(legs)
    for place in range(legs):
        members[place] = place
    for count in range(legs, kept, -1):
        worst, best_value = -1, -1.0
        for gone in range(1, count):
            at = 0
            for i in range(count):
                if i != gone:
                    trial[at] = members[i]
                    at += 1
            value = least_predictable(moments, trial, count - 1, weights)
            if value > best_value:
                worst, best_value = gone, value
        if worst < 0:
            return 0
        dropped = members[worst]
        for i in range(worst, count - 1):
            members[i] = members[i + 1]
        members[count - 1] = dropped
    return legs


@kernel
def _sparse(levels: Floats, kept: int, weights: Floats) -> None:
    legs = levels.shape[0]
    moments, members = np.zeros((3, legs, legs)), np.empty(legs)
    if not box_tao_moments(levels, moments) or grow(moments, 0, kept, members, weights) < kept:
        weights[:] = math.nan


@kernel
def _pca(levels: Floats, components: int, weights: Floats) -> None:
    legs = levels.shape[0]
    changes = levels[:, 1:] - levels[:, :-1]
    centre_all(changes)
    scale = np.empty(legs)
    for i in range(legs):
        scale[i] = math.sqrt(dot(changes[i], changes[i]))
        if not scale[i] > 0.0:
            weights[:] = math.nan
            return
        for t in range(changes.shape[1]):
            changes[i, t] /= scale[i]
    correlation, vectors = np.empty((legs, legs)), np.empty((legs, legs))
    for i in range(legs):
        for j in range(legs):
            correlation[i, j] = dot(changes[i], changes[j])
    _eigen(correlation, vectors)
    weights[:] = 0.0
    weights[0] = 1.0
    for _ in range(components):
        best = _largest(correlation)
        correlation[best, best] = -1.0
        for i in range(legs):
            weights[i] -= vectors[0, best] * vectors[i, best] * scale[0] / scale[i]


@kernel
def fit_basket(levels: Floats, method: int, option: int, weights: Floats, centre: Floats) -> float:
    """Weights over a window, and the standard deviation of what they leave.

    Parameters
    ----------
    levels : (N, T) finite, oldest first.
    method : a constant of this module; with ``FIXED`` the weights are given and stay.
    option : legs kept of ``SPARSE``, components of ``PCA``.
    weights : (N,), written: the first is 1, all NaN where there is no such combination.
    centre : (N,), written: means of the levels.

    Returns
    -------
    Standard deviation of Σ w·(level − centre), over T less the numbers that were estimated; NaN without weights.
    """
    legs, rows = levels.shape
    centred = levels.copy()
    centre_all(centred)
    for place in range(legs):
        centre[place] = mean(levels[place])
    if method == OLS:
        _ols(centred, weights)
    elif method == JOHANSEN:
        _johansen(centred, weights)
    elif method == SPARSE:
        _sparse(centred, option, weights)
    elif method == PCA:
        _pca(centred, option, weights)
    part = 0.0
    for place in range(legs):
        part = max(part, abs(weights[place]) * math.sqrt(dot(centred[place], centred[place])))
    if not abs(weights[0]) * math.sqrt(dot(centred[0], centred[0])) > _NO_PART * part:
        weights[:] = math.nan
        return math.nan
    first = weights[0]
    square = 0.0
    for place in range(legs):
        weights[place] /= first
    for t in range(rows):
        left = 0.0
        for place in range(legs):
            left += weights[place] * centred[place, t]
        square += left * left
    return math.sqrt(square / (rows - (1 if method == FIXED else legs)))
