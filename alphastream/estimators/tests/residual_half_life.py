"""Half-life of a pair's spread without the bias of small samples, and the interval that covers it.

Least squares takes part of a slow deviation for the level and for the hedge ratio, and what is left returns sooner: of
a true half-life of 50 rows, 500 rows show 25. The error is that of the persistence φ, whose distribution near a unit
root depends on the rows and on φ. At the distance √T·arccos φ from the unit root it hardly depends on the rows any
more, so that one table of three quantiles serves all lengths.

The estimate shown is the φ whose median estimate is the one that was seen, the ends of the interval those whose upper
and lower quantile it is (Andrews 1993; a grid of Hansen 1999 without the bootstrap).

Sources: Andrews (1993), "Exactly median-unbiased estimation of first order autoregressive/unit root models",
Econometrica 61; Hansen (1999), "The grid bootstrap and the autoregressive model", Review of Economics and Statistics
81.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.estimators.tests.half_life import HalfLifeResult, rows_to_half
from alphastream.estimators.tests.observations import MINIMUM_ROWS, ROUNDING, one_series

QUANTILES: Final = (0.025, 0.5, 0.975)
CONFIDENCE: Final = QUANTILES[2] - QUANTILES[0]

# Distances, and how far quantiles of the estimated distance lie from them; ``calibration.half_life_bias`` prints them.
DISTANCES: Final = np.array([0, 0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 45, 1e6])
# fmt: off
_BIAS: Final = np.array([
    [1.18, 3.99, 6.93], [0.74, 3.51, 6.43], [0.41, 3.06, 5.96], [0.16, 2.65, 5.53], [-0.04, 2.29, 5.12],
    [-0.24, 1.98, 4.78], [-0.40, 1.72, 4.45], [-0.67, 1.32, 3.91], [-0.87, 1.05, 3.55], [-1.02, 0.86, 3.28],
    [-1.14, 0.74, 3.06], [-1.23, 0.64, 2.91], [-1.37, 0.50, 2.68], [-1.47, 0.40, 2.53], [-1.58, 0.32, 2.40],
    [-1.69, 0.23, 2.26], [-1.74, 0.18, 2.20], [-1.78, 0.15, 2.13], [-1.83, 0.11, 2.09], [-1.96, 0.00, 1.96],
])
# fmt: on


@kernel
def residual_persistence(x: Floats, y: Floats, residual: Floats) -> float:
    """Slope of e on e(−1) and a constant, e the least-squares residual of y on x; NaN where it is undefined."""
    size = x.size
    x_level = y_level = x_largest = y_largest = 0.0
    for i in range(size):  # distances from the first row: squares of prices of 1e5 would lose their last digits
        x_level += (x[i] - x[0]) / size
        y_level += (y[i] - y[0]) / size
        x_largest, y_largest = max(x_largest, abs(x[i])), max(y_largest, abs(y[i]))
    xx = xy = 0.0
    for i in range(size):
        x_left = x[i] - x[0] - x_level
        xx += x_left * x_left
        xy += x_left * (y[i] - y[0] - y_level)
    if not xx > size * (ROUNDING * x_largest) ** 2:  # also where a row is NaN: the window is not full
        return math.nan
    ratio = xy / xx
    square = before = after = 0.0
    for i in range(size):
        residual[i] = y[i] - y[0] - y_level - ratio * (x[i] - x[0] - x_level)
        square += residual[i] * residual[i]
        before += residual[i] / (size - 1) if i < size - 1 else 0.0
        after += residual[i] / (size - 1) if i > 0 else 0.0
    if not square > size * (ROUNDING * (y_largest + abs(ratio) * x_largest)) ** 2:
        return math.nan
    spread = shared = 0.0
    for i in range(1, size):
        spread += (residual[i - 1] - before) ** 2
        shared += (residual[i - 1] - before) * (residual[i] - after)
    return shared / spread if spread > 0.0 else math.nan


def distance(persistence: ArrayLike, rows: ArrayLike) -> Floats:
    """√T·arccos φ: how far a persistence is from a unit root, in units in which estimates spread alike."""
    phi = np.clip(np.asarray(persistence, dtype=np.float64), -1.0, 1.0)  # NaN stays NaN
    return np.sqrt(rows) * np.arccos(phi)


def corrected_half_life(persistence: ArrayLike, rows: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Median-unbiased half-lives and the ends of their 95 % intervals, in rows.

    Parameters
    ----------
    persistence : slopes of e on e(−1) and a constant, e the least-squares residual of y on x and a constant.
    rows : T, that the residuals have; one number or one for each.

    Returns
    -------
    Half-life, low and high, shaped like ``persistence``. ``inf`` where nothing shows that deviations go, NaN for NaN.
    """
    seen = distance(persistence, rows)
    high, middle, low = (np.interp(seen, DISTANCES + bias, DISTANCES) for bias in _BIAS.T)  # a low quantile: a far φ
    root = np.sqrt(rows)

    def half(at: Floats) -> Floats:
        return rows_to_half(np.cos(np.minimum(at / root, math.pi)))

    return half(middle), half(high), half(low)


def residual_half_life(y: ArrayLike, x: ArrayLike) -> HalfLifeResult:
    """Half-life of what a fixed ratio leaves of y on x, freed of its bias, with its 95 % interval.

    Of true half-lives of 10, 25, 50 and 100 rows, 500 rows show 10.0, 25.4, 53 and 108 in the median (least squares
    alone 9, 17, 25 and 34), and the interval covers them in 94 to 96 % of simulated pairs. Where what moves the
    deviation moves x as well it covers less, and the half-life is too long: 93 % at a correlation of .5, 82 to 95 % at
    .9. Where prices bounce between bid and ask a deviation looks shorter than it is: take longer bars.

    Parameters
    ----------
    y, x : (T,) prices or log prices of the dependent and of the hedge leg, aligned, oldest first.

    Returns
    -------
    ``lambda_`` and ``standard_error`` are those of least squares. ``high`` is often ``inf``, and so is ``half_life``
    where the estimate is as likely under a random walk as not.

    Raises
    ------
    NotEnoughObservations
        Under 30 rows.
    ParameterError
        When the lengths differ, a row is NaN or infinite, x is constant, or y is a linear function of x.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> x = np.cumsum(rng.normal(size=500))
    >>> deviation = np.zeros(500)
    >>> for row in range(1, 500):
    ...     deviation[row] = 0.5 ** (1 / 20) * deviation[row - 1] + rng.normal()
    >>> found = residual_half_life(x + deviation, x)
    >>> found.low < 20 < found.high
    True
    """
    y_rows, x_rows = one_series("y", y), one_series("x", x)
    if y_rows.size != x_rows.size:
        raise ParameterError(f"y has {y_rows.size} rows and x has {x_rows.size}: align the legs first")
    if y_rows.size < MINIMUM_ROWS:
        raise NotEnoughObservations("half-life", MINIMUM_ROWS, y_rows.size)
    residual = np.empty(y_rows.size)
    phi = residual_persistence(x_rows, y_rows, residual)
    if math.isnan(phi):
        raise ParameterError("x is constant, or the legs are perfectly collinear: there is no spread that could return")
    now, low, high = (float(each) for each in corrected_half_life(phi, y_rows.size))
    before = residual[:-1] - residual[:-1].mean()
    left = (residual[1:] - residual[1:].mean()) - phi * before
    return HalfLifeResult(
        half_life=now,
        low=low,
        high=high,
        lambda_=phi - 1.0,
        standard_error=math.sqrt(float(left @ left) / (left.size - 2) / float(before @ before)),
        confidence=CONFIDENCE,
        n_obs=left.size,
    )
