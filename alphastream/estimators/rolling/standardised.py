"""A Kalman filter whose result does not depend on the scale of prices."""

from dataclasses import dataclass, fields, replace
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.types import Floats
from alphastream.core.validation import require_integer
from alphastream.estimators.fold import State
from alphastream.estimators.rolling.kalman import KalmanHedge, KalmanRows


@dataclass(frozen=True, slots=True, eq=False)
class StandardisedState:
    """The rows of the calibration until they are enough; from then on scales and the filter's state.

    Parameters
    ----------
    x, y : (n,) read-only valid rows seen so far, n < window; empty once calibrated.
    scale : mean and standard deviation of x, then of y; None before.
    filter : the model with the level of its variances fitted; None before.
    inner : state of the filter; None before.
    """

    x: Floats
    y: Floats
    scale: tuple[float, float, float, float] | None = None
    filter: KalmanHedge | None = None
    inner: State | None = None


_EMPTY = StandardisedState(np.empty(0), np.empty(0))


@dataclass(frozen=True, slots=True)
class Standardised:
    """Calibrate on the first rows: put each leg to mean 0 and standard deviation 1, fit the level of the noise, begin
    with the least squares line, and filter on. Every output is given back in the units that came in.

    The variances of a Kalman filter are in the units of its legs: delta = 1e-4 is a lot for a leg of 60,000 and
    nothing for one of 1e-8. In standardised legs one choice of their ratio serves all. Their common level is fitted
    by maximum likelihood on the calibration, where it is the mean of e²/Q: without that a z-score of 2 would be no
    two standard deviations.

    Scale, centre and noise stay those of the calibration, so its z-score ages: as x leaves its first values the
    uncertainty of the ratio inflates Q, and the standard deviation of z on random walks falls from .75 to .20 after
    10,000 rows. For a z-score that does not, take ``DiscountedRegression``; this one is for short samples in which the
    textbook's filter is wanted.

    A row with NaN or inf gives NaN and does not count. Where a leg is constant over the calibration there is no
    scale: the calibration begins again.

    Parameters
    ----------
    model : variances of the filter in standardised legs, of which only the ratios matter; start and burn-in are
        replaced.
    window : rows of the calibration, at least 3.

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 4.0, 3.0, 5.0]) * 1e-8
    >>> rows, state = Standardised(KalmanHedge(), window=4).run(x, 3e12 * x + 7.0)
    >>> rows.hedge_ratio.round(-3).tolist()
    [nan, nan, nan, nan, 3000000000000.0]
    """

    inputs: ClassVar[tuple[str, ...]] = ("x", "y")
    row_type: ClassVar[type[KalmanRows]] = KalmanRows

    model: KalmanHedge
    window: int

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=3)

    @property
    def min_observations(self) -> int:
        """Valid rows before the outputs are defined."""
        return self.window

    def progress(self, state: StandardisedState | None) -> tuple[int, int]:
        """Valid rows seen, at most those needed, and rows needed."""
        if state is None:
            return 0, self.window
        return (self.window if state.scale is not None else len(state.x)), self.window

    def run(
        self, x: ArrayLike, y: ArrayLike, state: StandardisedState | None = None
    ) -> tuple[KalmanRows, StandardisedState]:
        """Fold T rows of the hedge leg x and the dependent leg y, (T,) each, into rows and the next state."""
        x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        state = _EMPTY if state is None else state
        used = 0
        while state.scale is None and used < len(x):
            used, state = self._calibrate(x, y, used, state)
        if state.scale is None or state.filter is None:
            rows, _ = self.model.run(x[:0], y[:0])
            return _padded(rows, used), state
        mean_x, std_x, mean_y, std_y = state.scale
        rows, inner = state.filter.run((x[used:] - mean_x) / std_x, (y[used:] - mean_y) / std_y, state=state.inner)
        return _padded(_rescaled(rows, state.scale), used), replace(state, inner=inner)

    def _fitted(self, x: Floats, y: Floats) -> KalmanHedge:
        """The model on standardised legs, with the level of its variances that makes e²/Q one on average.

        On the second half of the rows: a filter that knew nothing errs wildly on its first ones.
        """
        trial, _ = replace(self.model, start="diffuse", burn_in=len(x) // 2).run(x, y)
        squares = np.square(trial.zscore[np.isfinite(trial.zscore)])
        level = float(squares.mean()) if squares.size else 1.0
        level = level if np.isfinite(level) and level > 0.0 else 1.0
        step = self.model.intercept_delta
        return replace(
            self.model,
            delta=self.model.delta * level,
            obs_var=self.model.obs_var * level,
            intercept_delta=None if step is None else step * level,
            start="ols",
            burn_in=self.window,
        )

    def _calibrate(self, x: Floats, y: Floats, used: int, state: StandardisedState) -> tuple[int, StandardisedState]:
        """Take rows up to where the calibration is full, and on its last row fix the scale."""
        valid = np.flatnonzero(np.isfinite(x[used:]) & np.isfinite(y[used:]))[: self.window - len(state.x)]
        seen_x, seen_y = np.append(state.x, x[used:][valid]), np.append(state.y, y[used:][valid])
        if len(seen_x) < self.window:
            seen_x.flags.writeable = seen_y.flags.writeable = False
            return len(x), StandardisedState(seen_x, seen_y)
        used += int(valid[-1]) + 1
        scale = (float(seen_x.mean()), float(seen_x.std()), float(seen_y.mean()), float(seen_y.std()))
        if not (np.ptp(seen_x) > 0.0 and np.ptp(seen_y) > 0.0):
            return used, _EMPTY
        x, y = (seen_x - scale[0]) / scale[1], (seen_y - scale[2]) / scale[3]
        model = self._fitted(x, y)
        _, inner = model.run(x, y)
        return used, StandardisedState(_EMPTY.x, _EMPTY.y, scale, model, inner)


def _padded(rows: KalmanRows, before: int) -> KalmanRows:
    gap = np.full(before, np.nan)
    return KalmanRows(*(np.concatenate((gap, getattr(rows, item.name))) for item in fields(KalmanRows)))


def _rescaled(rows: KalmanRows, scale: tuple[float, float, float, float]) -> KalmanRows:
    """Undo the standardisation: y' = (y − m_y)/s_y and x' = (x − m_x)/s_x put into y' = a' + b'x' + e'."""
    mean_x, std_x, mean_y, std_y = scale
    slope = rows.hedge_ratio * (std_y / std_x)
    return KalmanRows(
        hedge_ratio=slope,
        intercept=mean_y + std_y * rows.intercept - slope * mean_x,
        spread=rows.spread * std_y,
        forecast_error=rows.forecast_error * std_y,
        innovation_var=rows.innovation_var * std_y**2,
        zscore=rows.zscore,
        loglik=rows.loglik - np.log(std_y),
    )
