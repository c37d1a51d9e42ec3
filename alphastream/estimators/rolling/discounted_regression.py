"""A hedge ratio and a z-score that forget at a constant pace: discounted regression with a scale in two factors."""

from dataclasses import dataclass
from math import exp, sqrt
from typing import ClassVar, Final

import numpy as np

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.estimators.fold import COUNT
from alphastream.estimators.rolling.pair_window import PairWindow

# Places in a state: the newest row; discounted moments of the ratio (weight, means, sums of squares and products), of
# the level (weight, means), of the increments (weight, variance) and of the squared errors in units of it (weight,
# mean); and how many increments in a row were capped.
LAST_X, LAST_Y = 1, 2
RATIO_WEIGHT, RATIO_X, RATIO_Y, RATIO_XX, RATIO_XY = 3, 4, 5, 6, 7
LEVEL_WEIGHT, LEVEL_X, LEVEL_Y = 8, 9, 10
STEP_WEIGHT, STEP_VAR = 11, 12
FACTOR_WEIGHT, FACTOR = 13, 14
CAPPED, SIZE = 15, 16

RATIO_WINDOWS: Final = 2.0  # memory of the ratio and of the factor, in windows; the level and the increments have one
CAP: Final = 16.0  # a squared increment or error counts for at most so many times its average
FREE_ROWS: Final = 30  # the averages have to be found first
SPIKE: Final = 64.0  # an increment whose square is so many times the average moves neither level nor ratio
GLITCH_ROWS: Final = 2  # a bad tick makes two large increments, there and back; a third in a row is the market
ROUNDING: Final = 1e-13  # of a price; what is less than that is no deviation

SETTLING_WINDOWS: Final = 9
"""Windows of z-scores after which it no longer matters where they began: of random walks over windows of 100, two
filters begun 10,000 rows apart differ by .65 on average in rows 100 to 200 of the younger, by .40, .16 and .06 up to
rows 400, 800 and 1,000, by .027 in the 200 rows after that, and by .003 from row 1,500 (200 runs)."""


@dataclass(frozen=True, slots=True, eq=False)
class DiscountedRows:
    """Rows of a discounted regression; each field has shape (T,) and is NaN in the first window.

    Parameters
    ----------
    hedge_ratio : slope, given rows up to t.
    intercept : given rows up to t.
    spread : y_t − intercept_t − hedge_ratio_t·x_t, in sample: to look at.
    forecast_error : e_t = y_t − intercept_{t−1} − hedge_ratio_{t−1}·x_t, out of sample: to trade.
    innovation_std : √Q_t, the standard deviation expected of e_t, given rows up to t − 1.
    zscore : e_t / √Q_t; NaN where the spread does not move.
    """

    hedge_ratio: Floats
    intercept: Floats
    spread: Floats
    forecast_error: Floats
    innovation_std: Floats
    zscore: Floats


@dataclass(frozen=True, slots=True)
class DiscountedRegression(PairWindow[DiscountedRows]):
    """Regression of y on x in which the past fades, and its forecast error in standard deviations.

    A dynamic linear model with discounting: what a row says loses a share of its weight with every row after it, so
    that the z-score has the same spread after an hour and after a week, whenever the filter began. Level and
    volatility have a memory of ``window`` rows, the hedge ratio one of two windows (half-lives of ln 2 times that).

    With b the slope of the discounted moments C, n the discounted means and λ the discount of a row, all of row t − 1:
    e = (y − n_y) − b(x − n_x), Q = k·v·[1 + 1/(λN) + (x − n_x)²/(λ C_xx)]. v is the discounted variance of the
    spread's increments Δy − bΔx, which follows volatility; k is the discounted mean of e² over the rest of Q, which
    turns the variance of a step into that of a distance from the level. A squared increment counts for at most 16 v
    and a row whose increment is beyond 64 v moves neither level nor ratio, unless the two before it were capped too:
    a bad tick is two large increments, there and back, and leaves no trace. e² counts for at most 16 Q.

    Free of the scale of either leg and of shifts, in memory of fixed size. A row with NaN or inf gives NaN and does
    not count.

    Parameters
    ----------
    window : memory of level and volatility in rows, at least 2.

    References
    ----------
    West and Harrison (1997), Bayesian Forecasting and Dynamic Models, 2nd edition: 2.4 and 6.3 (component
    discounting), 10.8 (discounted variance).

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 4.0, 3.0, 5.0]) * 1e-8
    >>> rows, state = DiscountedRegression(window=4).run(x, 3e12 * x + 7.0)
    >>> rows.hedge_ratio.round(-3).tolist()
    [nan, nan, nan, 3000000000000.0, 3000000000000.0]
    """

    row_type: ClassVar[type[DiscountedRows]] = DiscountedRows

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, SIZE))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        x, y = columns
        _discounted_kernel(x, y, values, out, self.window)


@kernel
def _discounted_kernel(x: Floats, y: Floats, states: Floats, out: Floats, window: int) -> None:
    for pair in range(states.shape[0]):
        _walk(x[pair], y[pair], states[pair], out[:, pair], window)


@kernel
def _walk(xs: Floats, ys: Floats, state: Floats, out: Floats, window: int) -> None:
    quick, slow = exp(-1.0 / window), exp(-1.0 / (RATIO_WINDOWS * window))  # weight that a row keeps
    # Plain variables, stored at the end: the loop is faster than with the numbers kept in the array.
    count, last_x, last_y, capped = int(state[COUNT]), state[LAST_X], state[LAST_Y], state[CAPPED]
    weight, mean_x, mean_y = state[RATIO_WEIGHT], state[RATIO_X], state[RATIO_Y]
    xx, xy = state[RATIO_XX], state[RATIO_XY]
    level_weight, level_x, level_y = state[LEVEL_WEIGHT], state[LEVEL_X], state[LEVEL_Y]
    step_weight, step_var = state[STEP_WEIGHT], state[STEP_VAR]
    factor_weight, factor = state[FACTOR_WEIGHT], state[FACTOR]
    for t in range(xs.size):
        x, y = xs[t], ys[t]
        if not (np.isfinite(x) and np.isfinite(y)):
            out[:, t] = np.nan
            continue
        error = std = z = np.nan
        spike = False
        if xx > 0.0:
            slope = xy / xx
            away = x - level_x
            if abs(away) <= ROUNDING * abs(x):
                away = 0.0
            error = (y - level_y) - slope * away
            leverage = 1.0 + 1.0 / (quick * level_weight) + away * away / (slow * xx)
            step = (y - last_y) - slope * (x - last_x)
            unit = step_var * leverage
            least = ROUNDING * (abs(y) + abs(slope * x))  # what rounding alone moves
            moves = factor * unit > least * least
            if moves:
                std = sqrt(factor * unit)
                z = error / std
            square = step * step
            large = step_var > 0.0 and count >= FREE_ROWS and square > CAP * step_var
            capped = capped + 1.0 if large else 0.0
            if large and capped <= GLITCH_ROWS:
                spike = square > SPIKE * step_var
                square = CAP * step_var
            step_weight = quick * step_weight + 1.0
            step_var += (square - step_var) / step_weight
            if unit > least * least:
                ratio = error * error / unit
                if count >= FREE_ROWS and factor > 0.0:
                    ratio = min(ratio, CAP * factor)
                factor_weight = slow * factor_weight + 1.0
                factor += (ratio - factor) / factor_weight
        if not spike:
            weight = slow * weight + 1.0
            dx, dy = x - mean_x, y - mean_y
            mean_x += dx / weight
            mean_y += dy / weight
            xx = slow * xx + dx * (x - mean_x)
            xy = slow * xy + dx * (y - mean_y)
            level_weight = quick * level_weight + 1.0
            level_x += (x - level_x) / level_weight
            level_y += (y - level_y) / level_weight
        last_x, last_y = x, y
        count += 1
        if count < window:
            out[:, t] = np.nan
            continue
        slope = xy / xx if xx > 0.0 else np.nan
        out[0, t], out[1, t] = slope, level_y - slope * level_x
        out[2, t] = (y - level_y) - slope * (x - level_x)
        out[3, t], out[4, t], out[5, t] = error, std, z
    state[COUNT], state[LAST_X], state[LAST_Y], state[CAPPED] = count, last_x, last_y, capped
    state[RATIO_WEIGHT], state[RATIO_X], state[RATIO_Y] = weight, mean_x, mean_y
    state[RATIO_XX], state[RATIO_XY] = xx, xy
    state[LEVEL_WEIGHT], state[LEVEL_X], state[LEVEL_Y] = level_weight, level_x, level_y
    state[STEP_WEIGHT], state[STEP_VAR] = step_weight, step_var
    state[FACTOR_WEIGHT], state[FACTOR] = factor_weight, factor
