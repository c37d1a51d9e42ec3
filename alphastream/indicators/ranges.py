"""True range and its average."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.core.validation import require_integer
from alphastream.estimators.fold import COUNT, Fold, State
from alphastream.indicators.smoothing import SMOOTHER, push_smoothed

CLOSE, AVERAGE = 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class TrueRangeRows:
    """``true_range`` has shape (T,), in the price's unit; NaN in the first valid row."""

    true_range: Floats


@dataclass(frozen=True, slots=True)
class TrueRange(Fold[TrueRangeRows]):
    """Range of a bar with the gap to the close before it.

    true_range_t = max(high_t, close_{t-1}) - min(low_t, close_{t-1}), first at the second valid row. A row with NaN
    or inf gives NaN and is passed over.

    Notes
    -----
    Source: Wilder, J. W. (1978), New Concepts in Technical Trading Systems; TA-Lib, TRANGE.

    Examples
    --------
    >>> rows, state = TrueRange().run(high=[3.0, 9.0], low=[1.0, 7.0], close=[2.0, 8.0])
    >>> rows.true_range.tolist()
    [nan, 7.0]
    """

    inputs: ClassVar[tuple[str, ...]] = ("high", "low", "close")
    row_type: ClassVar[type[TrueRangeRows]] = TrueRangeRows

    @property
    def min_observations(self) -> int:
        """Two rows make a true range."""
        return 2

    def run(
        self, high: ArrayLike, low: ArrayLike, close: ArrayLike, state: State | None = None
    ) -> tuple[TrueRangeRows, State]:
        """Fold T bars, (T,) each, into rows and the next state."""
        return self._fold(state, high, low, close)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, AVERAGE + SMOOTHER))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        high, low, close = columns
        _range_kernel(high, low, close, 1, values, out)


@dataclass(frozen=True, slots=True, eq=False)
class ATRRows:
    """``atr`` has shape (T,), in the price's unit; NaN for the first window valid rows."""

    atr: Floats


@dataclass(frozen=True, slots=True)
class ATR(Fold[ATRRows]):
    """Average true range: how far the price moves in a bar, gaps included.

    Wilder's average of the true range: the mean of the first n, then atr_t = atr_{t-1} + (true_range_t - atr_{t-1}) /
    n. First at valid row n + 1. A row with NaN or inf gives NaN and is passed over.

    Parameters
    ----------
    window : true ranges n, at least 2.

    Notes
    -----
    Source: Wilder, J. W. (1978), New Concepts in Technical Trading Systems; TA-Lib, ATR.

    Examples
    --------
    >>> rows, state = ATR(window=2).run(high=[3.0, 9.0, 9.0], low=[1.0, 7.0, 6.0], close=[2.0, 8.0, 7.0])
    >>> rows.atr.tolist()
    [nan, nan, 5.0]
    """

    inputs: ClassVar[tuple[str, ...]] = ("high", "low", "close")
    row_type: ClassVar[type[ATRRows]] = ATRRows

    window: int = 14

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=2)

    @property
    def min_observations(self) -> int:
        """Valid rows before the average is defined: one more than true ranges."""
        return self.window + 1

    def run(
        self, high: ArrayLike, low: ArrayLike, close: ArrayLike, state: State | None = None
    ) -> tuple[ATRRows, State]:
        """Fold T bars, (T,) each, into rows and the next state."""
        return self._fold(state, high, low, close)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, AVERAGE + SMOOTHER))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        high, low, close = columns
        _range_kernel(high, low, close, self.window, values, out)


@kernel
def true_range(high: float, low: float, before: float) -> float:
    """Range of a bar with the gap to the close before it."""
    return max(high, before) - min(low, before)


@kernel
def _range_kernel(high: Floats, low: Floats, close: Floats, window: int, states: Floats, out: Floats) -> None:
    alpha = 1.0 / window
    for pair in range(states.shape[0]):
        state = states[pair]
        average = state[AVERAGE:]
        for t in range(close.shape[1]):
            top, bottom, last = high[pair, t], low[pair, t], close[pair, t]
            out[0, pair, t] = np.nan
            if not (np.isfinite(top) and np.isfinite(bottom) and np.isfinite(last)):
                continue
            if state[COUNT] > 0.0:
                smoothed = push_smoothed(average, true_range(top, bottom, state[CLOSE]), window, alpha)
                if state[COUNT] >= window:
                    out[0, pair, t] = smoothed
            state[CLOSE] = last
            state[COUNT] += 1.0
