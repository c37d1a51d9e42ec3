"""Rolling robust regression."""

from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.compilation import kernel, summation
from alphastream.core.types import Floats
from alphastream.core.validation import require_integer, require_number
from alphastream.estimators.fold import COUNT, Fold, State
from alphastream.estimators.rolling.moments import HedgeRows

# Places in a state; the rings of the last `window` x and y follow the head.
NEXT = 1
SLOPE, CENTRE_X, CENTRE_Y = 2, 3, 4  # line of the last fit, through a point on it
HEAD = 5

MAD_TO_SIGMA = 0.6744897501960817  # median of |r| for a standard normal r: 0.6745, unrounded as in statsmodels
NEWTON_STEPS, REWEIGHTED_STEPS = 10, 500
CLOSE, ROUNDING = 1e-13, 4e-15  # of the scale, and of the line itself: a step that moves it by less is the last


@dataclass(frozen=True, slots=True)
class RollingHuber(Fold[HedgeRows]):
    """Huber's M-estimator of the line of y on x over a sliding window: outliers pull, but no harder than k·σ.

    The line solves Σ ψ(r_i/σ)·(1, x_i) = 0 with ψ(u) = max(−k, min(k, u)) and σ = median|r|/0.6745, for the
    residuals r of the line itself. It is the line at which reweighted least squares come to rest; a row depends on its
    window alone. A row with NaN or inf in x or y gives NaN and does not enter the window; where x is constant the row
    is NaN. A single wild x is not an outlier to it but leverage: the line runs through it.

    Parameters
    ----------
    window : rows of a fit, at least 2.
    k : residuals beyond k·σ lose weight, > 0; 1.345 keeps 95 % of least squares' efficiency on normal noise.

    References
    ----------
    Huber (1981), Robust Statistics, 7.7 and 7.8; R's MASS::rlm and statsmodels' RLM(HuberT) compute the same.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(9.0)
    >>> y = 1.0 + 2.0 * x + np.array([0.1, -0.1, 0.2, -0.2, 500.0, 0.1, -0.1, 0.1, -0.1])
    >>> rows, state = RollingHuber(window=9).run(x, y)
    >>> bool(abs(rows.hedge_ratio[-1] - 2.0) < 0.02)
    True
    """

    inputs: ClassVar[tuple[str, ...]] = ("x", "y")
    row_type: ClassVar[type[HedgeRows]] = HedgeRows

    window: int
    k: float = 1.345

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=2)
        require_number("k", self.k, above=0.0)

    @property
    def min_observations(self) -> int:
        """Valid rows before the outputs are defined."""
        return self.window

    def run(self, x: ArrayLike, y: ArrayLike, state: State | None = None) -> tuple[HedgeRows, State]:
        """Fold T rows of the hedge leg x and the dependent leg y, (T,) each, into rows and the next state."""
        return self._fold(state, x, y)

    def _begin(self, pairs: int) -> Floats:
        values = np.zeros((pairs, HEAD + 2 * self.window))
        values[:, SLOPE : CENTRE_Y + 1] = np.nan
        return values

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        x, y = columns
        _huber_kernel(x, y, values, out, float(self.k))


@kernel
def _select(values: Floats, rank: int) -> float:
    """Order ``values`` so that those before ``rank`` are no larger than the one there, and return it (Hoare)."""
    low, high = 0, values.size - 1
    while low < high:
        pivot = values[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if rank <= j:
            high = j
        elif rank >= i:
            low = i
        else:
            break
    return float(values[rank])


@kernel
def _middle(values: Floats) -> tuple[float, float]:
    """Return the two values whose mean is the median; equal where their number is odd. Reorders ``values``."""
    half = values.size // 2
    upper = _select(values, half)
    if values.size % 2:
        return upper, upper
    lower = values[0]
    for i in range(1, half):
        lower = max(lower, values[i])
    return lower, upper


@kernel
def _solve(a11: float, a12: float, a21: float, a22: float, b1: float, b2: float) -> tuple[float, float]:
    determinant = a11 * a22 - a12 * a21
    return (b1 * a22 - a12 * b2) / determinant, (a11 * b2 - a21 * b1) / determinant


@summation
def _least_squares(dx: Floats, dy: Floats) -> tuple[float, float, float]:
    """Intercept and slope, NaN where dx does not vary, and the root mean square of dx."""
    n = dx.size
    sx = sy = sxx = sxy = 0.0
    for i in range(n):
        sx += dx[i]
        sy += dy[i]
        sxx += dx[i] * dx[i]
        sxy += dx[i] * dy[i]
    if not n * sxx - sx * sx > 0.0:
        return np.nan, np.nan, 0.0
    intercept, slope = _solve(n, sx, sx, sxx, sy, sxy)
    return intercept, slope, sqrt(sxx / n)


@summation
def _reweighted(dx: Floats, dy: Floats, r: Floats, bound: float) -> tuple[float, float]:
    """Least squares with weights min(1, bound/|r|)."""
    s = sx = sy = sxx = sxy = 0.0
    for i in range(dx.size):
        weight = bound / max(bound, abs(r[i]))
        s += weight
        sx += weight * dx[i]
        sy += weight * dy[i]
        sxx += weight * dx[i] * dx[i]
        sxy += weight * dx[i] * dy[i]
    return _solve(s, sx, sx, sxx, sy, sxy)


@summation
def _inliers(dx: Floats, dy: Floats, r: Floats, bound: float) -> tuple[float, float, float, float, float, float, float]:
    """Sums over the rows within the bound, 1, x, y, xx, xy, and over those beyond it, ±1 and ±x."""
    n = sx = sy = sxx = sxy = out = out_x = 0.0
    for i in range(dx.size):
        inside = 1.0 if abs(r[i]) <= bound else 0.0
        outside = np.copysign(1.0 - inside, r[i])
        n += inside
        sx += inside * dx[i]
        sy += inside * dy[i]
        sxx += inside * dx[i] * dx[i]
        sxy += inside * dx[i] * dy[i]
        out += outside
        out_x += outside * dx[i]
    return n, sx, sy, sxx, sxy, out, out_x


@kernel
def _middle_rows(dx: Floats, dy: Floats, r: Floats, lower: float, upper: float) -> tuple[float, float, float]:
    """Median of |r| as a function of the line: middle_y − middle_one·intercept − middle_x·slope."""
    one = x = y = 0.0
    share = 0.5
    wanted_lower, wanted_upper = True, True
    if dx.size % 2:
        share, wanted_upper = 1.0, False
    for i in range(dx.size):
        size = abs(r[i])
        if wanted_lower and size == lower:
            wanted_lower = False
        elif wanted_upper and size == upper:
            wanted_upper = False
        else:
            continue
        signed = np.copysign(share, r[i])
        one += signed
        x += signed * dx[i]
        y += signed * dy[i]
    return one, x, y


@kernel
def _newton(dx: Floats, dy: Floats, r: Floats, k: float, lower: float, upper: float) -> tuple[float, float]:
    """Solve the equations with outliers, signs and the rows in the middle of |r| as they are now.

    Then σ is linear in the line, and so are Σ_in r + kσ Σ_out ±1 = 0 and Σ_in r·x + kσ Σ_out ±x = 0.
    """
    ratio = k / MAD_TO_SIGMA
    n, sx, sy, sxx, sxy, out, out_x = _inliers(dx, dy, r, ratio * 0.5 * (lower + upper))
    one, x, y = _middle_rows(dx, dy, r, lower, upper)
    p, q = ratio * out, ratio * out_x
    return _solve(n + p * one, sx + p * x, sx + q * one, sxx + q * x, sy + p * y, sxy + q * y)


@kernel
def _residuals(dx: Floats, dy: Floats, r: Floats, sizes: Floats, intercept: float, slope: float) -> None:
    for i in range(dx.size):
        r[i] = dy[i] - intercept - slope * dx[i]
        sizes[i] = abs(r[i])


@kernel
def _fit(dx: Floats, dy: Floats, r: Floats, sizes: Floats, k: float) -> tuple[float, float]:
    """Intercept and slope of the window.

    Reweighting comes to rest in some twenty steps. Newton's steps reach the same line in three or four, and exactly:
    the equations are linear while no row changes sides. Where they run in circles, reweighting has the last word.
    """
    first_a, first_b, reach = _least_squares(dx, dy)
    a, b = first_a, first_b
    for step in range(NEWTON_STEPS + REWEIGHTED_STEPS):
        if step == NEWTON_STEPS:
            a, b = first_a, first_b
        _residuals(dx, dy, r, sizes, a, b)
        lower, upper = _middle(sizes)
        median = 0.5 * (lower + upper)
        if not median > 0.0:  # a perfect line through most rows, or no line at all
            return a, b
        if 0 < step < NEWTON_STEPS:
            new_a, new_b = _newton(dx, dy, r, k, lower, upper)
        else:
            new_a, new_b = _reweighted(dx, dy, r, k * median / MAD_TO_SIGMA)
        move = abs(new_a - a) + abs(new_b - b) * reach
        a, b = new_a, new_b
        if move <= CLOSE * median + ROUNDING * (abs(a) + abs(b) * reach):
            return a, b
    return a, b


@kernel
def _typical(values: Floats) -> float:
    """Median of three: an anchor that no single bad tick can be."""
    first, second, third = values[0], values[values.size // 2], values[values.size - 1]
    return float(max(min(first, second), min(max(first, second), third)))


@kernel
def _walk(x: Floats, y: Floats, state: Floats, out: Floats, k: float) -> None:
    window = (state.size - HEAD) // 2
    xs, ys = state[HEAD : HEAD + window], state[HEAD + window :]
    dx, dy, r, sizes = np.empty(window), np.empty(window), np.empty(window), np.empty(window)
    for t in range(x.size):
        if not (np.isfinite(x[t]) and np.isfinite(y[t])):
            out[:, t] = np.nan
            continue
        at = int(state[NEXT])
        xs[at], ys[at] = x[t], y[t]
        state[NEXT] = at + 1 if at + 1 < window else 0
        state[COUNT] += 1.0
        if state[COUNT] < window:
            out[:, t] = np.nan
            continue
        anchor_x, anchor_y = _typical(xs), _typical(ys)
        for i in range(window):
            dx[i], dy[i] = xs[i] - anchor_x, ys[i] - anchor_y
        intercept, slope = _fit(dx, dy, r, sizes, k)
        out[3, t] = (y[t] - state[CENTRE_Y]) - state[SLOPE] * (x[t] - state[CENTRE_X])
        state[SLOPE], state[CENTRE_X], state[CENTRE_Y] = slope, anchor_x, anchor_y + intercept
        out[0, t], out[1, t] = slope, state[CENTRE_Y] - slope * anchor_x
        out[2, t] = (y[t] - state[CENTRE_Y]) - slope * (x[t] - anchor_x)


@kernel
def _huber_kernel(x: Floats, y: Floats, states: Floats, out: Floats, k: float) -> None:
    for pair in range(states.shape[0]):
        _walk(x[pair], y[pair], states[pair], out[:, pair], k)
