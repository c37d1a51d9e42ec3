"""Relative strength index."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.core.validation import require_integer
from alphastream.estimators.fold import COUNT, Fold, State
from alphastream.indicators.smoothing import SMOOTHER, push_smoothed

LAST, GAINS = 1, 2
LOSSES = GAINS + SMOOTHER


@dataclass(frozen=True, slots=True, eq=False)
class RSIRows:
    """``rsi`` has shape (T,), 0 to 100; NaN for the first window valid rows, and while the value never moved."""

    rsi: Floats


@dataclass(frozen=True, slots=True)
class RSI(Fold[RSIRows]):
    """Relative strength index: the share of the rises in all movement, smoothed.

    rsi_t = 100 · G_t / (G_t + L_t), where G and L are Wilder's averages of rises and of falls: the mean of the first
    n changes, then G_t = G_{t-1} + (gain_t - G_{t-1}) / n. First at valid row n + 1. A row with NaN or inf gives NaN
    and is passed over.

    Parameters
    ----------
    window : changes n, at least 2.

    Notes
    -----
    Source: Wilder, J. W. (1978), New Concepts in Technical Trading Systems; TA-Lib, RSI, which says 0 where nothing
    ever moved.

    Examples
    --------
    >>> rows, state = RSI(window=2).run([1.0, 2.0, 3.0, 2.0])
    >>> rows.rsi.tolist()
    [nan, nan, 100.0, 50.0]
    """

    inputs: ClassVar[tuple[str, ...]] = ("value",)
    row_type: ClassVar[type[RSIRows]] = RSIRows

    window: int = 14

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=2)

    @property
    def min_observations(self) -> int:
        """Valid rows before the index is defined: one more than changes."""
        return self.window + 1

    def run(self, value: ArrayLike, state: State | None = None) -> tuple[RSIRows, State]:
        """Fold T values, (T,), into rows and the next state."""
        return self._fold(state, value)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, LOSSES + SMOOTHER))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        (value,) = columns
        _rsi_kernel(value, self.window, values, out)


@kernel
def _rsi_kernel(value: Floats, window: int, states: Floats, out: Floats) -> None:
    alpha = 1.0 / window
    for pair in range(states.shape[0]):
        state = states[pair]
        gains, losses = state[GAINS:LOSSES], state[LOSSES:]
        for t in range(value.shape[1]):
            new = value[pair, t]
            out[0, pair, t] = np.nan
            if not np.isfinite(new):
                continue
            if state[COUNT] > 0.0:
                change = new - state[LAST]
                gain = push_smoothed(gains, max(change, 0.0), window, alpha)
                loss = push_smoothed(losses, max(-change, 0.0), window, alpha)
                if state[COUNT] >= window and gain + loss > 0.0:
                    out[0, pair, t] = 100.0 * (gain / (gain + loss))
            state[LAST] = new
            state[COUNT] += 1.0
