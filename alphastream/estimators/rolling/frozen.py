"""A hedge ratio that is fitted, held, and fitted again: what a test of a fixed ratio speaks of."""

from dataclasses import dataclass
from math import sqrt
from typing import ClassVar, Final

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.core.validation import require_integer
from alphastream.estimators.fold import COUNT, Fold, State

# Places in a state: where the next row goes in the rings, the centre and slope of the line that is held and the
# standard deviation of its residuals; the rings of the last `train` x and y follow the head.
NEXT, SLOPE, CENTRE_X, CENTRE_Y, STD, HEAD = 1, 2, 3, 4, 5, 6

ROUNDING: Final = 1e-13  # of a price; residuals smaller than that are no spread


@dataclass(frozen=True, slots=True, eq=False)
class FrozenRows:
    """Rows out of sample; each field has shape (T,) and is NaN until the first line is held.

    Parameters
    ----------
    hedge_ratio : slope of the line that is held at t, fitted on rows before t.
    intercept : its intercept.
    spread : y_t − intercept − hedge_ratio·x_t.
    std : standard deviation of the residuals in training, about their mean of 0 (n − 2).
    zscore : spread / std; NaN where the training residuals do not move.
    """

    hedge_ratio: Floats
    intercept: Floats
    spread: Floats
    std: Floats
    zscore: Floats


@dataclass(frozen=True, slots=True)
class FrozenHedge(Fold[FrozenRows]):
    """Fit y on x by least squares over ``train`` rows, hold the line for ``hold`` rows, fit again, and so on.

    The spread of the rows in between is that of one fixed ratio: the object that a cointegration test looks at is the
    one that is traded. The line of a row was fitted on rows before it. A row with NaN or inf gives NaN and does not
    count. Where x is constant over a training the line is undefined until the next fit.

    Parameters
    ----------
    train : rows of a fit, at least 3.
    hold : rows that each fit serves, at least 1; None for as many as it was fitted on.

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 4.0, 3.0, 5.0, 6.0])
    >>> rows, state = FrozenHedge(train=3, hold=2).run(x, 2.0 * x + [0.0, 0.1, 0.0, 0.3, 0.4, 0.0])
    >>> rows.hedge_ratio.round(3).tolist()
    [nan, nan, nan, 1.993, 1.993, 2.05]
    """

    inputs: ClassVar[tuple[str, ...]] = ("x", "y")
    row_type: ClassVar[type[FrozenRows]] = FrozenRows

    train: int
    hold: int | None = None

    def __post_init__(self) -> None:
        require_integer("train", self.train, minimum=3)
        if self.hold is not None:
            require_integer("hold", self.hold, minimum=1)

    @property
    def min_observations(self) -> int:
        """Valid rows before the outputs are defined: the training, and the first row after it."""
        return self.train + 1

    def run(self, x: ArrayLike, y: ArrayLike, state: State | None = None) -> tuple[FrozenRows, State]:
        """Fold T rows of the hedge leg x and the dependent leg y, (T,) each, into rows and the next state."""
        return self._fold(state, x, y)

    def _begin(self, pairs: int) -> Floats:
        values = np.zeros((pairs, HEAD + 2 * self.train))
        values[:, SLOPE : STD + 1] = np.nan
        return values

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        x, y = columns
        _frozen_kernel(x, y, values, out, self.train if self.hold is None else self.hold)


@kernel
def _fit(xs: Floats, ys: Floats, state: Floats) -> None:
    """Hold the least squares line of the rings, in the order in which they lie."""
    mean_x = mean_y = xx = xy = yy = 0.0
    for row in range(xs.size):
        mean_x += (xs[row] - mean_x) / (row + 1)
        mean_y += (ys[row] - mean_y) / (row + 1)
    for row in range(xs.size):
        xx += (xs[row] - mean_x) ** 2
        xy += (xs[row] - mean_x) * (ys[row] - mean_y)
    slope = xy / xx if xx > 0.0 else np.nan
    for row in range(xs.size):
        yy += (ys[row] - mean_y - slope * (xs[row] - mean_x)) ** 2
    state[SLOPE], state[CENTRE_X], state[CENTRE_Y], state[STD] = slope, mean_x, mean_y, sqrt(yy / (xs.size - 2))


@kernel
def _frozen_kernel(x: Floats, y: Floats, states: Floats, out: Floats, hold: int) -> None:
    train = (states.shape[1] - HEAD) // 2
    for pair in range(states.shape[0]):
        state, row = states[pair], out[:, pair]
        xs, ys = state[HEAD : HEAD + train], state[HEAD + train :]
        for t in range(x.shape[1]):
            new_x, new_y = x[pair, t], y[pair, t]
            if not (np.isfinite(new_x) and np.isfinite(new_y)):
                row[:, t] = np.nan
                continue
            slope, centre_x, centre_y, std = state[SLOPE], state[CENTRE_X], state[CENTRE_Y], state[STD]
            spread = (new_y - centre_y) - slope * (new_x - centre_x)
            moves = std > ROUNDING * (abs(new_y) + abs(slope * new_x))
            row[0, t], row[1, t], row[2, t], row[3, t] = slope, centre_y - slope * centre_x, spread, std
            row[4, t] = spread / std if moves else np.nan
            at = int(state[NEXT])
            xs[at], ys[at] = new_x, new_y
            state[NEXT] = at + 1 if at + 1 < train else 0
            state[COUNT] += 1.0
            served = int(state[COUNT]) - train
            if served >= 0 and served % hold == 0:
                _fit(xs, ys, state)
