"""The lag search of a residual's regression without an allocation: for many tests of series of one length.

The arithmetic is that of ``lags``, arranged for throughput: the caller brings the arrays, and four lags share one pass
over a residual. Where the normal matrix is too collinear for that the statistic is NaN, and the caller goes to
``engle_granger_kernel``, which has an orthogonal route.
"""

import math
from typing import Final

from alphastream.core.compilation import kernel, summation
from alphastream.core.types import Floats
from alphastream.estimators.tests.lags import dot, mean

REVERSAL: Final = -0.2  # first autocorrelation of changes; where nothing bounces it is (φ − 1)/2: −.06 at 5 rows
LONGER: Final = 10  # rows of the longer change that a bounce has to be told from what lasts
AT_ONCE: Final = 2.5  # standard errors under which a first autocorrelation is that of white noise
FADED: Final = 0.1  # of a bounce, which the lags may leave

_SAFE_PIVOT = 1e-6  # of a column's square: below, a normal matrix has fewer than ten good digits left


@kernel
def subtract(y: Floats, ratio: float, x: Floats, out: Floats) -> None:
    """out = y − ratio·x."""
    for t in range(out.size):
        out[t] = y[t] - ratio * x[t]


@kernel
def differences(series: Floats, out: Floats) -> None:
    """out[t] = series[t + 1] − series[t]."""
    for t in range(out.size):
        out[t] = series[t + 1] - series[t]


@summation
def _four_products(a: Floats, b: Floats) -> tuple[float, float, float, float]:
    """Σ a[t]·b[t + 3 − i] for i = 0, 1, 2, 3; ``b`` has three rows more than ``a``."""
    b0, b1, b2, b3 = b[3:], b[2:-1], b[1:-2], b[:-3]
    s0 = s1 = s2 = s3 = 0.0
    for t in range(a.size):
        s0 += a[t] * b0[t]
        s1 += a[t] * b1[t]
        s2 += a[t] * b2[t]
        s3 += a[t] * b3[t]
    return s0, s1, s2, s3


@kernel
def _lagged_products(a: Floats, b: Floats, max_lags: int, stop: int, out: Floats) -> None:
    """out[h] = Σ a[t]·b[t − h] over max_lags ≤ t < stop, for h = 0 … max_lags."""
    middle = a[max_lags:stop]
    if max_lags < 3:
        for lag in range(max_lags + 1):
            out[lag] = dot(middle, b[max_lags - lag : stop - lag])
        return
    for block in range(0, max_lags + 1, 4):
        lag = min(block, max_lags - 3)
        sums = _four_products(middle, b[max_lags - lag - 3 : stop - lag])
        out[lag], out[lag + 1], out[lag + 2], out[lag + 3] = sums


@kernel
def _quiet_ends(a: Floats, width: int, middle: float) -> bool:
    """Whether no square of the first and the last ``width`` values outweighs ``middle``, the sum of those between."""
    worst = 0.0
    for i in range(width):
        worst = max(worst, a[i] * a[i], a[a.size - 1 - i] * a[a.size - 1 - i])
    return bool(worst <= middle)


@kernel
def fill_gram(level: Floats, change: Floats, max_lags: int, products: Floats, gram: Floats) -> None:
    """Upper triangle of the Gram matrix of [Δe_t, Δe_{t−1}, …, Δe_{t−p}, e_{t−1}] over the rows t ≥ p.

    The products of equally distant lags share the rows in the middle and add their own at the ends. Those of the level
    follow from them, but for terms at the ends of the sample that are taken away again: not where one of these is huge.
    """
    p, size = max_lags, change.size
    _lagged_products(change, change, p, size - p, products)
    middle = level[p : size - p]
    quiet = _quiet_ends(change, p, products[0]) and _quiet_ends(level[:size], p, dot(middle, middle))
    for apart in range(p + 1):
        tail = 0.0
        for lag in range(p, -1, -1):
            row = size - 1 - lag
            tail += change[row] * change[row - apart] if lag < p else 0.0
            if lag <= p - apart:
                gram[lag, lag + apart] = products[apart] + tail
        head = 0.0
        for lag in range(1, p - apart + 1):
            head += change[p - lag] * change[p - lag - apart]
            gram[lag, lag + apart] += head
    gram[p + 1, p + 1] = dot(level[p:size], level[p:size])
    if quiet:
        gram[0, p + 1] = dot(level[p:size], change[p:size])
        for lag in range(p):  # because e_t = e_{t−1} + Δe_{t−1}
            ends = level[p - 1] * change[p - 1 - lag] - level[size - 1] * change[size - 1 - lag]
            gram[lag + 1, p + 1] = gram[lag, p + 1] + gram[1, lag + 1] + ends
    else:
        _lagged_products(level, change, p, size, products)
        for lag in range(p + 1):
            gram[lag, p + 1] = products[lag]


@kernel
def factorise(normal: Floats, width: int) -> bool:
    """Upper factor in place of the upper triangle; whether its pivots left enough digits to trust it.

    Four rows at a time: rows this short cost more to begin than to go through.
    """
    for first in range(0, width, 4):
        stop = min(first + 4, width)
        for j in range(first, stop):
            row = normal[j]
            whole = row[j]
            for i in range(j):
                whole += normal[i, j] * normal[i, j]
            if not row[j] > _SAFE_PIVOT * whole:
                return False
            scale = 1.0 / math.sqrt(row[j])
            for k in range(j, width):
                row[k] *= scale
            for i in range(j + 1, stop):
                share, lower = row[i], normal[i]
                for k in range(i, width):
                    lower[k] -= share * row[k]
        if stop == width:
            break
        a, b, c, d = normal[first], normal[first + 1], normal[first + 2], normal[first + 3]
        for i in range(stop, width):
            lower = normal[i]
            for k in range(i, width):
                lower[k] -= a[i] * a[k] + b[i] * b[k] + c[i] * c[k] + d[i] * d[k]
    return True


@kernel
def choose_lags(gram: Floats, max_lags: int, n_rows: int, criterion: int, normal: Floats) -> int:
    """Lags that minimise AIC (1) or BIC (2), all lengths on the same rows; −1 where the factor is unsafe."""
    last = max_lags + 1
    normal[0, 0], normal[0, last], normal[last, last] = gram[last, last], gram[0, last], gram[0, 0]
    for i in range(1, last):
        normal[0, i], normal[i, last] = gram[i, last], gram[0, i]
        for j in range(i, last):
            normal[i, j] = gram[i, j]
    if not factorise(normal, max_lags + 2):
        return -1
    penalty = 2.0 if criterion == 1 else math.log(n_rows)
    squares = normal[last, last] ** 2
    best, best_value = 0, math.inf
    for lags in range(max_lags, -1, -1):
        value = n_rows * math.log(squares) + penalty * lags
        if value <= best_value:
            best, best_value = lags, value
        squares += normal[lags, last] ** 2
    return best


@kernel
def lagged_level_statistic(
    level: Floats, change: Floats, gram: Floats, max_lags: int, lags: int, normal: Floats
) -> float:
    """t-ratio of e_{t−1} with ``lags`` lags over all rows that allow them; NaN where the factor is unsafe."""
    for i in range(lags):
        for j in range(i, lags):
            normal[i, j] = gram[i + 1, j + 1]
        normal[i, lags], normal[i, lags + 1] = gram[i + 1, max_lags + 1], gram[0, i + 1]
    normal[lags, lags], normal[lags, lags + 1] = gram[max_lags + 1, max_lags + 1], gram[0, max_lags + 1]
    normal[lags + 1, lags + 1] = gram[0, 0]
    for t in range(lags, max_lags):  # rows the longest lag could not use
        for i in range(lags):
            for j in range(i, lags):
                normal[i, j] += change[t - 1 - i] * change[t - 1 - j]
            normal[i, lags] += change[t - 1 - i] * level[t]
            normal[i, lags + 1] += change[t - 1 - i] * change[t]
        normal[lags, lags] += level[t] * level[t]
        normal[lags, lags + 1] += level[t] * change[t]
        normal[lags + 1, lags + 1] += change[t] * change[t]
    if not factorise(normal, lags + 2):
        return math.nan
    freedom = change.size - lags - (lags + 1)
    return float(normal[lags, lags + 1] * math.sqrt(freedom) / normal[lags + 1, lags + 1])


@kernel
def lasting_share(residual: Floats, change: Floats) -> float:
    """Variance of a change that lasts over that of a change of one row, in [0, 1]; 1 where nothing has to fade.

    That is where changes do not reverse, and where the residual is white noise: what returns at once leaves nothing
    that a bounce could hide. Walks of 500 rows with a correlation of .9 seen through a bounce of two steps look so in
    one of 400.

    Where prices bounce between bid and ask, are rounded or are old, most of a change is taken back by the next one:
    the residual is a walk, or a spread that returns, seen with an error. With q from the variance of changes of 10
    rows, 10·q + (1 − q) times that of one row.

    Parameters
    ----------
    residual, change : (T,) and (T − 1,), T > 10.
    """
    square = dot(change, change)
    if dot(change[1:], change[:-1]) >= REVERSAL * square:
        return 1.0
    level = mean(residual)
    shared = around = 0.0
    for t in range(1, residual.size):
        shared += (residual[t] - level) * (residual[t - 1] - level)
        around += (residual[t] - level) ** 2
    if shared * math.sqrt(residual.size) < AT_ONCE * around:
        return 1.0
    longer = 0.0
    for t in range(LONGER, residual.size):
        longer += (residual[t] - residual[t - LONGER]) ** 2
    ratio = longer / (residual.size - LONGER) / (square / change.size)
    return min(max((ratio - 1.0) / (LONGER - 1.0), 0.0), 1.0)


@kernel
def bounce_lags(share: float, most: int) -> int:
    """Lags until a bounce has faded to a tenth; ``most`` where it takes more, 0 where changes do not reverse.

    Such changes are a moving average with coefficient −θ, of which lag k of an autoregression has θ^k: the share that
    lasts is (1 − θ)²/(1 + θ²). AIC takes too few lags there, and a bounce passes for a spread that returns.

    Parameters
    ----------
    share : ``lasting_share``.
    """
    if share >= 1.0:
        return 0
    kept = 1.0 - share
    theta = (1.0 - math.sqrt(1.0 - kept * kept)) / kept
    if theta >= math.pow(FADED, 1.0 / most):
        return most
    return math.ceil(math.log(FADED) / math.log(theta))
