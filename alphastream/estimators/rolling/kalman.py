"""A hedge ratio that wanders: Kalman filter of a regression whose coefficients are random walks."""

from dataclasses import dataclass
from math import log, pi, sqrt
from typing import ClassVar, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.core.validation import aligned, require_integer, require_number
from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.estimators.fold import COUNT, Fold, State

Start = Literal["zero", "diffuse", "ols"]

# Places in a state. The covariance is that of the prediction for the next row.
PHASE = 1
INTERCEPT, SLOPE, P_AA, P_AB, P_BB, DETERMINANT = 2, 3, 4, 5, 6, 7
MEAN_X, MEAN_Y, S_XX, S_XY = 8, 9, 10, 11  # rows of the burn-in, for the OLS start
LEVEL_X, LEVEL, LEVEL_VAR = 12, 13, 14  # what a diffuse start knows before x has moved: y where x = LEVEL_X
LARGEST_X = 15  # |x| so far
SIZE = 16

EMPTY, LEVELLED, BURNING, RUNNING = 0.0, 1.0, 2.0, 3.0
FIRST_PHASE: dict[str, float] = {"zero": RUNNING, "diffuse": EMPTY, "ols": BURNING}
MIN_ROWS_OF_A_FIT = 10
JUDGED_ROWS, MOST_NOISE = 30, 1e4  # steps of the ratio that are so small in the noise show after its square of rows


@dataclass(frozen=True, slots=True, eq=False)
class KalmanRows:
    """Rows of a Kalman filter; each field has shape (T,) and is NaN while the start is under way.

    Parameters
    ----------
    hedge_ratio : filtered slope, given rows up to t.
    intercept : filtered intercept, given rows up to t.
    spread : y_t − intercept_t − hedge_ratio_t·x_t, in sample: to look at.
    forecast_error : the innovation e_t = y_t − intercept_{t−1} − hedge_ratio_{t−1}·x_t, out of sample: to trade.
    innovation_var : Q_t, the variance the filter expected of e_t.
    zscore : e_t / √Q_t.
    loglik : log-likelihood of the row, −½(ln 2πQ_t + e_t²/Q_t); the sum over rows is that of the series.
    """

    hedge_ratio: Floats
    intercept: Floats
    spread: Floats
    forecast_error: Floats
    innovation_var: Floats
    zscore: Floats
    loglik: Floats


@dataclass(frozen=True, slots=True)
class KalmanHedge(Fold[KalmanRows]):
    """Filter y_t = intercept_t + hedge_ratio_t·x_t + noise, where both coefficients are random walks.

    It filters and never smooths: row t knows nothing of later rows. A row with NaN or inf in x or y gives NaN and
    leaves the state as it was. The variances are in units of y² (and y²/x² for the slope): give the legs a like
    scale first, or fit them. A ratio that begins at 0 without doubt and whose steps are lost in the noise is refused:
    it would stay there for hundreds of millions of rows.

    Parameters
    ----------
    delta : variance of a step of the hedge ratio, ≥ 0, and of the intercept too unless intercept_delta is given.
    obs_var : variance of the noise in y, > 0.
    start : "zero" takes intercept and hedge ratio to be 0 before the first row, without doubt. "diffuse" knows
        nothing and waits until x has shown two values. "ols" begins with the least squares line of the burn-in,
        its covariance obs_var·(X'X)⁻¹, and waits on if x did not move.
    burn_in : valid rows at the beginning whose outputs are NaN; at least 3 for "ols".
    intercept_delta : variance of a step of the intercept, ≥ 0; None for the same as delta.

    Raises
    ------
    ParameterError
        With start="zero" and delta > 0, from the 30th row on: √obs_var is more than 10,000 times √delta·|x| of the
        largest x so far.

    References
    ----------
    Chan (2013), Algorithmic Trading, chapter 3: the model and, with start="zero", its figures. Durbin and Koopman
    (2012), Time Series Analysis by State Space Methods, 4.3 (filter), 5.2 (exact diffuse start), 7.2 (likelihood).

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(1.0, 6.0)
    >>> rows, state = KalmanHedge(delta=1e-4, obs_var=1e-3, start="diffuse").run(x, 1.0 + 2.0 * x)
    >>> rows.hedge_ratio.round(9).tolist()
    [nan, nan, 2.0, 2.0, 2.0]
    """

    inputs: ClassVar[tuple[str, ...]] = ("x", "y")
    row_type: ClassVar[type[KalmanRows]] = KalmanRows

    delta: float = 1e-4
    obs_var: float = 1e-3
    start: Start = "zero"
    burn_in: int = 0
    intercept_delta: float | None = None

    def __post_init__(self) -> None:
        require_number("delta", self.delta, minimum=0.0)
        require_number("obs_var", self.obs_var, above=0.0)
        if self.intercept_delta is not None:
            require_number("intercept_delta", self.intercept_delta, minimum=0.0)
        if self.start not in get_args(Start):
            raise ParameterError(f"start is {self.start!r}, needs one of {', '.join(get_args(Start))}")
        require_integer("burn_in", self.burn_in, minimum=3 if self.start == "ols" else 0)

    @property
    def min_observations(self) -> int:
        """Valid rows before the outputs are defined."""
        return max(self.burn_in, 2) if self.start == "diffuse" else self.burn_in

    def run(self, x: ArrayLike, y: ArrayLike, state: State | None = None) -> tuple[KalmanRows, State]:
        """Fold T rows of the hedge leg x and the dependent leg y, (T,) each, into rows and the next state."""
        return self._fold(state, x, y)

    @classmethod
    def fit(cls, x: ArrayLike, y: ArrayLike, start: Start = "diffuse", burn_in: int = 0) -> "KalmanHedge":
        """Choose delta, intercept_delta and obs_var by maximum likelihood.

        Every variance is proportional to obs_var, so its best value given the two ratios is the mean of e²/Q at
        obs_var = 1; only the ratios are searched for.

        Parameters
        ----------
        x, y : hedge leg and dependent leg, (T,) each; rows with NaN or inf are left out.
        start, burn_in : of the model that is fitted and returned.

        Raises
        ------
        ParameterError
            x or y is constant.
        NotEnoughObservations
            Fewer than 10 rows beyond the burn-in.
        """
        from scipy.optimize import minimize  # slow to import, and only a fit needs it

        x, y = _fit_rows(x, y, needed=burn_in + MIN_ROWS_OF_A_FIT)
        slope_scale = 1.0 / float(np.mean(x * x))

        def model(log_ratios: Floats, obs_var: float = 1.0) -> "KalmanHedge":
            intercept, slope = np.exp(np.clip(log_ratios, -60.0, 60.0)) * obs_var
            return cls(float(slope) * slope_scale, obs_var, start, burn_in, float(intercept))

        def best(log_ratios: Floats) -> tuple[float, float]:
            """Return -2/n times the log-likelihood, but for a constant, and the obs_var it takes."""
            rows, _ = model(log_ratios).run(x, y)
            obs_var = max(float(np.nanmean(rows.zscore**2)), np.finfo(np.float64).tiny)
            return log(obs_var) + float(np.nanmean(np.log(rows.innovation_var))), obs_var

        # the likelihood may have two tops: the intercept wanders, or the hedge ratio does
        starts = [np.array(ratios) for ratios in ((-5.0, -5.0), (-12.0, -5.0), (-5.0, -12.0))]
        options = {"xatol": 1e-6, "fatol": 1e-10}
        found = [minimize(lambda v: best(v)[0], begin, method="Nelder-Mead", options=options) for begin in starts]
        log_ratios = min(found, key=lambda each: float(each.fun)).x
        return model(log_ratios, best(log_ratios)[1])

    def _begin(self, pairs: int) -> Floats:
        values = np.zeros((pairs, SIZE))
        values[:, PHASE] = FIRST_PHASE[self.start]
        return values

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        x, y = columns
        q_a = self.delta if self.intercept_delta is None else self.intercept_delta
        _kalman_kernel(x, y, values, out, float(q_a), float(self.delta), float(self.obs_var), int(self.burn_in))
        if self.start == "zero" and self.delta > 0.0:
            self._require_steps_that_show(values)

    def _require_steps_that_show(self, values: Floats) -> None:
        noise, judged = sqrt(self.obs_var), values[values[:, COUNT] >= JUDGED_ROWS]
        lost = judged[sqrt(self.delta) * judged[:, LARGEST_X] * MOST_NOISE < noise]
        if len(lost):
            largest = float(lost[0, LARGEST_X])
            raise ParameterError(
                f"x has not been beyond ±{largest:.3g} in {int(lost[0, COUNT])} rows: a step of the hedge ratio "
                f"(delta {self.delta!r}) moves y by {sqrt(self.delta) * largest:.3g}, the noise (obs_var "
                f"{self.obs_var!r}) by {noise:.3g}, and the ratio would stay at its start of 0. Give variances in the "
                "units of the legs, or take KalmanHedge.fit(x, y), Standardised or DiscountedRegression"
            )


def _fit_rows(x: ArrayLike, y: ArrayLike, needed: int) -> tuple[Floats, Floats]:
    """Return the valid rows of x and y, or raise what keeps a model from being fitted to them."""
    columns = aligned(("x", "y"), (x, y), ndim=1)
    valid = np.isfinite(columns[0][0]) & np.isfinite(columns[1][0])
    x_rows, y_rows = columns[0][0, valid], columns[1][0, valid]
    if x_rows.size < needed:
        raise NotEnoughObservations("KalmanHedge.fit", needed=needed, have=int(x_rows.size))
    for name, values in (("x", x_rows), ("y", y_rows)):
        if np.ptp(values) == 0.0:
            raise ParameterError(f"{name} is constant, a hedge ratio needs it to vary: choose another leg or window")
    return x_rows, y_rows


@kernel
def _predict(state: Floats, q_a: float, q_b: float) -> None:
    """Let the coefficients take a step: P ← P + diag(q_a, q_b)."""
    state[DETERMINANT] += q_a * state[P_BB] + q_b * state[P_AA] + q_a * q_b
    state[P_AA] += q_a
    state[P_BB] += q_b


@kernel
def _start_diffuse(state: Floats, x: float, y: float, q_a: float, q_b: float, r: float) -> None:
    """Filter exactly from an infinite prior: first the level at one x, then, when x has moved, the line."""
    if state[PHASE] == EMPTY:
        state[LEVEL_X], state[LEVEL], state[LEVEL_VAR] = x, y, r
        state[PHASE] = LEVELLED
        return
    at, level = state[LEVEL_X], state[LEVEL]
    var = state[LEVEL_VAR] + q_a + q_b * at * at
    dx = x - at
    if dx == 0.0:
        gain = var / (var + r)
        state[LEVEL] = level + gain * (y - level)
        state[LEVEL_VAR] = gain * r
        return
    slope = (y - level) / dx
    slope_var = (var + r) / (dx * dx)
    state[INTERCEPT], state[SLOPE] = level - slope * at, slope
    state[P_AA] = var + 2.0 * at * var / dx + at * at * slope_var
    state[P_AB] = -var / dx - at * slope_var
    state[P_BB] = slope_var
    state[DETERMINANT] = var * r / (dx * dx)
    state[PHASE] = RUNNING
    _predict(state, q_a, q_b)


@kernel
def _start_ols(state: Floats, x: float, y: float, q_a: float, q_b: float, r: float, burn_in: int) -> None:
    """Gather the moments of the burn-in (Welford), and begin with its least squares line when it is over."""
    n = state[COUNT]
    dx, dy = x - state[MEAN_X], y - state[MEAN_Y]
    state[MEAN_X] += dx / n
    state[MEAN_Y] += dy / n
    state[S_XX] += dx * (x - state[MEAN_X])
    state[S_XY] += dx * (y - state[MEAN_Y])
    if n < burn_in or state[S_XX] <= 0.0:
        return
    mean, s_xx = state[MEAN_X], state[S_XX]
    state[SLOPE] = state[S_XY] / s_xx
    state[INTERCEPT] = state[MEAN_Y] - state[SLOPE] * mean
    state[P_AA] = r / n + r * mean * mean / s_xx
    state[P_AB] = -r * mean / s_xx
    state[P_BB] = r / s_xx
    state[DETERMINANT] = r * r / (n * s_xx)
    state[PHASE] = RUNNING
    _predict(state, q_a, q_b)


@kernel
def _kalman_kernel(
    x: Floats, y: Floats, states: Floats, out: Floats, q_a: float, q_b: float, r: float, burn_in: int
) -> None:
    for pair in range(states.shape[0]):
        _filter(x[pair], y[pair], states[pair], out[:, pair], q_a, q_b, r, burn_in)


@kernel
def _filter(xs: Floats, ys: Floats, state: Floats, out: Floats, q_a: float, q_b: float, r: float, burn_in: int) -> None:
    """Durbin and Koopman 4.3 with the covariance update written out.

    Carrying the determinant D of P beside its entries turns P − g g'/Q into sums of positive terms,
    P_aa = (x² D + P_aa r)/Q and so on, so that nothing cancels and P stays positive definite.
    """
    a, b = state[INTERCEPT], state[SLOPE]
    aa, ab, bb, det = state[P_AA], state[P_AB], state[P_BB], state[DETERMINANT]
    for t in range(xs.size):
        x, y = xs[t], ys[t]
        if not (np.isfinite(x) and np.isfinite(y)):
            out[:, t] = np.nan
            continue
        state[COUNT] += 1.0
        state[LARGEST_X] = max(state[LARGEST_X], abs(x))
        if state[PHASE] != RUNNING:
            out[:, t] = np.nan
            if state[PHASE] == BURNING:
                _start_ols(state, x, y, q_a, q_b, r, burn_in)
            else:
                _start_diffuse(state, x, y, q_a, q_b, r)
            a, b = state[INTERCEPT], state[SLOPE]
            aa, ab, bb, det = state[P_AA], state[P_AB], state[P_BB], state[DETERMINANT]
            continue
        e = y - a - b * x
        var = ((aa + r) + x * x * bb) + 2.0 * x * ab
        inverse = 1.0 / var
        a += (aa + x * ab) * (e * inverse)
        b += (ab + x * bb) * (e * inverse)
        aa, ab, bb = (x * x * det + aa * r) * inverse, (ab * r - x * det) * inverse, (det + bb * r) * inverse
        det = det * r * inverse + (q_a * bb + q_b * aa + q_a * q_b)
        aa += q_a
        bb += q_b
        if state[COUNT] <= burn_in:
            out[:, t] = np.nan
            continue
        z = e / sqrt(var)
        out[0, t], out[1, t], out[2, t] = b, a, y - a - b * x
        out[3, t], out[4, t], out[5, t] = e, var, z
        out[6, t] = -0.5 * (log(2.0 * pi * var) + z * z)
    state[INTERCEPT], state[SLOPE] = a, b
    state[P_AA], state[P_AB], state[P_BB], state[DETERMINANT] = aa, ab, bb, det
