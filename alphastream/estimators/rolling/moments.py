"""The compiled window over pairs: rolling sums, and the three estimators that are formulas of them.

Sums run about an anchor, a recent row: each row adds the new pair and takes the oldest out. Rounding would still pile
up, so they are made afresh, about a new anchor, every ``window`` rows, and whenever a window's sum of squares falls
far under the largest that went through the sums. The second rule forgets a bad tick of 1e9 when it leaves the window,
and finds exact zeros on a flat stretch. Both rules look only at the state, so that no split of the rows matters.
"""

from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

import numpy as np

from alphastream.core.compilation import kernel, summation
from alphastream.core.types import Floats
from alphastream.estimators.fold import COUNT, RowsT
from alphastream.estimators.rolling.pair_window import PairWindow

OLS, TLS, CORRELATION = 0, 1, 2

# Places in a state; the rings of the last `window` x and y follow the head.
NEXT = 1  # place in the rings for the next row
AGE = 2  # rows since the sums were made afresh
ANCHOR_X, ANCHOR_Y = 3, 4
SUM_X, SUM_Y, SUM_XX, SUM_XY, SUM_YY = 5, 6, 7, 8, 9  # of differences to the anchor
PEAK_XX, PEAK_YY = 10, 11  # the largest SUM_XX and SUM_YY since they were fresh
SLOPE, CENTRE_X, CENTRE_Y = 12, 13, 14  # line of the last fit, through its centre
HEAD = 15

MIN_ROWS_BETWEEN = 64  # small windows need not be summed afresh at every turn
LOST_DIGITS = 1e-3  # afresh under this fraction of the peak: at most three digits are lost to cancellation


@dataclass(frozen=True, slots=True, eq=False)
class HedgeRows:
    """Rows of a rolling regression of y on x; each field has shape (T,) and is NaN while the window fills.

    Parameters
    ----------
    hedge_ratio : slope of the fit of the window that ends at t.
    intercept : its intercept.
    spread : y_t − intercept_t − hedge_ratio_t·x_t, in sample: to look at.
    forecast_error : y_t − intercept_{t−1} − hedge_ratio_{t−1}·x_t, out of sample: to trade.
    """

    hedge_ratio: Floats
    intercept: Floats
    spread: Floats
    forecast_error: Floats


def begin(pairs: int, window: int) -> Floats:
    """Values of a state with an empty window and no fit."""
    values = np.zeros((pairs, HEAD + 2 * window))
    values[:, SLOPE : CENTRE_Y + 1] = np.nan
    return values


@summation
def _sum(xs: Floats, ys: Floats, anchor_x: float, anchor_y: float) -> tuple[float, float, float, float, float]:
    x = y = xx = xy = yy = 0.0
    for i in range(xs.size):
        dx = xs[i] - anchor_x
        dy = ys[i] - anchor_y
        x += dx
        y += dy
        xx += dx * dx
        xy += dx * dy
        yy += dy * dy
    return x, y, xx, xy, yy


@kernel
def _tls_slope(xx: float, xy: float, yy: float) -> float:
    """[s_yy − s_xx + √((s_yy − s_xx)² + 4 s_xy²)] / (2 s_xy), in the form that does not cancel."""
    difference = yy - xx
    root = sqrt(difference * difference + 4.0 * xy * xy)
    if difference < 0.0:
        return 2.0 * xy / (root - difference)
    return (difference + root) / (2.0 * xy) if xy != 0.0 else np.nan


@kernel
def _correlation(xx: float, xy: float, yy: float) -> float:
    if not (xx > 0.0 and yy > 0.0):
        return np.nan
    return min(1.0, max(-1.0, xy / (sqrt(xx) * sqrt(yy))))


@kernel
def _walk(x: Floats, y: Floats, state: Floats, out: Floats, formula: int) -> None:
    window = (state.size - HEAD) // 2
    share, most_rows_between = 1.0 / window, max(window, MIN_ROWS_BETWEEN)
    xs, ys = state[HEAD : HEAD + window], state[HEAD + window :]
    # Plain variables, stored at the end: the loop is four times as fast as with the sums kept in the array.
    count, at, age = int(state[COUNT]), int(state[NEXT]), int(state[AGE])
    anchor_x, anchor_y = state[ANCHOR_X], state[ANCHOR_Y]
    sum_x, sum_y = state[SUM_X], state[SUM_Y]
    sum_xx, sum_xy, sum_yy = state[SUM_XX], state[SUM_XY], state[SUM_YY]
    peak_xx, peak_yy = state[PEAK_XX], state[PEAK_YY]
    slope, centre_x, centre_y = state[SLOPE], state[CENTRE_X], state[CENTRE_Y]
    for t in range(x.size):
        new_x, new_y = x[t], y[t]
        if not (np.isfinite(new_x) and np.isfinite(new_y)):
            out[:, t] = np.nan
            continue
        old_dx, old_dy = xs[at] - anchor_x, ys[at] - anchor_y
        xs[at], ys[at] = new_x, new_y
        at = at + 1 if at + 1 < window else 0
        count += 1
        if count < window:
            out[:, t] = np.nan
            continue
        dx, dy = new_x - anchor_x, new_y - anchor_y
        sum_x += dx - old_dx
        sum_y += dy - old_dy
        sum_xx += dx * dx - old_dx * old_dx
        sum_xy += dx * dy - old_dx * old_dy
        sum_yy += dy * dy - old_dy * old_dy
        peak_xx, peak_yy = max(peak_xx, sum_xx), max(peak_yy, sum_yy)
        age += 1
        mean_dx, mean_dy = sum_x * share, sum_y * share
        xx, yy = sum_xx - sum_x * mean_dx, sum_yy - sum_y * mean_dy
        # "not ≥" and not "<": sums that overflowed are NaN and must be made afresh as well
        exact = xx >= LOST_DIGITS * peak_xx and yy >= LOST_DIGITS * peak_yy
        if not exact or age >= most_rows_between or count == window:
            anchor_x, anchor_y, age = new_x, new_y, 0
            sum_x, sum_y, sum_xx, sum_xy, sum_yy = _sum(xs, ys, anchor_x, anchor_y)
            peak_xx, peak_yy = sum_xx, sum_yy
            mean_dx, mean_dy = sum_x * share, sum_y * share
            xx, yy = sum_xx - sum_x * mean_dx, sum_yy - sum_y * mean_dy
        xy = sum_xy - sum_x * mean_dy
        if formula == CORRELATION:
            out[0, t] = _correlation(xx, xy, yy)
            continue
        out[3, t] = (new_y - centre_y) - slope * (new_x - centre_x)
        slope = xy / xx if formula == OLS else _tls_slope(xx, xy, yy)  # a flat x gives 0/0, which is NaN
        centre_x, centre_y = anchor_x + mean_dx, anchor_y + mean_dy
        out[0, t], out[1, t] = slope, centre_y - slope * centre_x
        out[2, t] = (new_y - centre_y) - slope * (new_x - centre_x)
    state[COUNT], state[NEXT], state[AGE] = count, at, age
    state[ANCHOR_X], state[ANCHOR_Y] = anchor_x, anchor_y
    state[SUM_X], state[SUM_Y] = sum_x, sum_y
    state[SUM_XX], state[SUM_XY], state[SUM_YY] = sum_xx, sum_xy, sum_yy
    state[PEAK_XX], state[PEAK_YY] = peak_xx, peak_yy
    state[SLOPE], state[CENTRE_X], state[CENTRE_Y] = slope, centre_x, centre_y


@kernel
def pair_kernel(x: Floats, y: Floats, states: Floats, out: Floats, formula: int) -> None:
    """Walk x and y (P, T); ``formula`` says which rows are wanted: OLS, TLS or CORRELATION."""
    for pair in range(states.shape[0]):
        _walk(x[pair], y[pair], states[pair], out[:, pair], formula)


@dataclass(frozen=True, slots=True)
class PairMoments(PairWindow[RowsT]):
    """Base of the estimators that are a formula of the window's sums."""

    formula: ClassVar[int]

    def _begin(self, pairs: int) -> Floats:
        return begin(pairs, self.window)

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        x, y = columns
        pair_kernel(x, y, values, out, self.formula)
