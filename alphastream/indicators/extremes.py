"""The highest and lowest of the newest rows, and what is measured from them."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.core.validation import require_integer
from alphastream.estimators.fold import COUNT, Fold, State
from alphastream.indicators.sliding import block_size, push_max, push_sum

HIGHS = 1


@dataclass(frozen=True, slots=True, eq=False)
class MinRows:
    """``lowest`` has shape (T,): minimum of the window that ends at t, NaN while it fills."""

    lowest: Floats


@dataclass(frozen=True, slots=True)
class RollingMin(Fold[MinRows]):
    """Lowest of the newest ``window`` values.

    lowest_t = min(x_t, …, x_{t-n+1}), first at the n-th valid row. A row with NaN or inf gives NaN and is passed
    over.

    Parameters
    ----------
    window : rows n, at least 2; the row itself is the last of them.

    Notes
    -----
    Source: TA-Lib, MIN.

    Examples
    --------
    >>> RollingMin(window=2).run([3.0, 1.0, 2.0])[0].lowest.tolist()
    [nan, 1.0, 1.0]
    """

    inputs: ClassVar[tuple[str, ...]] = ("value",)
    row_type: ClassVar[type[MinRows]] = MinRows

    window: int = 20

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=2)

    @property
    def min_observations(self) -> int:
        """Valid rows before it is defined."""
        return self.window

    def run(self, value: ArrayLike, state: State | None = None) -> tuple[MinRows, State]:
        """Fold T values, (T,), into rows and the next state."""
        return self._fold(state, value)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, HIGHS + block_size(self.window)))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        (value,) = columns
        _max_kernel(value, -1.0, self.window, values, out)


@dataclass(frozen=True, slots=True, eq=False)
class MaxRows:
    """``highest`` has shape (T,): maximum of the window that ends at t, NaN while it fills."""

    highest: Floats


@dataclass(frozen=True, slots=True)
class RollingMax(Fold[MaxRows]):
    """Highest of the newest ``window`` values.

    highest_t = max(x_t, …, x_{t-n+1}), first at the n-th valid row. A row with NaN or inf gives NaN and is passed
    over.

    Parameters
    ----------
    window : rows n, at least 2; the row itself is the last of them.

    Notes
    -----
    Source: TA-Lib, MAX.

    Examples
    --------
    >>> RollingMax(window=2).run([3.0, 1.0, 2.0])[0].highest.tolist()
    [nan, 3.0, 2.0]
    """

    inputs: ClassVar[tuple[str, ...]] = ("value",)
    row_type: ClassVar[type[MaxRows]] = MaxRows

    window: int = 20

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=2)

    @property
    def min_observations(self) -> int:
        """Valid rows before it is defined."""
        return self.window

    def run(self, value: ArrayLike, state: State | None = None) -> tuple[MaxRows, State]:
        """Fold T values, (T,), into rows and the next state."""
        return self._fold(state, value)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, HIGHS + block_size(self.window)))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        (value,) = columns
        _max_kernel(value, 1.0, self.window, values, out)


@dataclass(frozen=True, slots=True, eq=False)
class WilliamsRRows:
    """``williams_r`` has shape (T,): -100 to 0, NaN while the window fills or where it is flat."""

    williams_r: Floats


@dataclass(frozen=True, slots=True)
class WilliamsR(Fold[WilliamsRRows]):
    """Williams %R: how far below the highest high of the window the close is, in percent of its range.

    williams_r = -100 · (H - close) / (H - L), with H and L the highest high and lowest low of the newest n bars.
    First at the n-th valid row. A row with NaN or inf gives NaN and is passed
    over.

    Parameters
    ----------
    window : rows n, at least 2; the row itself is the last of them.

    Notes
    -----
    Source: Williams, L. (1973); TA-Lib, WILLR, which says 0 for a flat window.

    Examples
    --------
    >>> WilliamsR(window=2).run(high=[4.0, 5.0], low=[1.0, 3.0], close=[2.0, 4.0])[0].williams_r.tolist()
    [nan, -25.0]
    """

    inputs: ClassVar[tuple[str, ...]] = (
        "high",
        "low",
        "close",
    )
    row_type: ClassVar[type[WilliamsRRows]] = WilliamsRRows

    window: int = 14

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=2)

    @property
    def min_observations(self) -> int:
        """Valid rows before it is defined."""
        return self.window

    def run(
        self, high: ArrayLike, low: ArrayLike, close: ArrayLike, state: State | None = None
    ) -> tuple[WilliamsRRows, State]:
        """Fold T bars, (T,) each, into rows and the next state."""
        return self._fold(state, high, low, close)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, HIGHS + 2 * block_size(self.window)))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        high, low, close = columns
        _position_kernel(high, low, close, self.window, values, out)


@dataclass(frozen=True, slots=True, eq=False)
class StochasticRows:
    """Each field has shape (T,) and is NaN until both are defined, and while a flat window is among those averaged.

    Parameters
    ----------
    k : %K, smoothed, 0 to 100.
    d : %D, the mean of the newest %K.
    """

    k: Floats
    d: Floats


@dataclass(frozen=True, slots=True)
class Stochastic(Fold[StochasticRows]):
    """Stochastic oscillator: where in the range of the window the close is, in percent.

    raw = 100 · (close - L) / (H - L), with H and L the highest high and lowest low of the newest n bars; k = simple
    average of ``smooth`` raw values, d = of ``signal`` values of k. Both begin at valid row n + smooth + signal - 2.
    A row with NaN or inf gives NaN and is passed over.

    Parameters
    ----------
    window : rows n, at least 2; the row itself is the last of them.
    smooth : raw values that %K averages; 1 is the fast oscillator.
    signal : values of %K that %D averages.

    Notes
    -----
    Source: Lane, G. (1984); TA-Lib, STOCH with simple averages, which takes 0 for a flat window.

    Examples
    --------
    >>> bars = {"high": [4.0, 5.0], "low": [1.0, 3.0], "close": [2.0, 4.0]}
    >>> Stochastic(window=2, smooth=1, signal=1).run(**bars)[0].k.tolist()
    [nan, 75.0]
    """

    inputs: ClassVar[tuple[str, ...]] = (
        "high",
        "low",
        "close",
    )
    row_type: ClassVar[type[StochasticRows]] = StochasticRows

    window: int = 14
    smooth: int = 3
    signal: int = 3

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=2)
        require_integer("smooth", self.smooth, minimum=1)
        require_integer("signal", self.signal, minimum=1)

    @property
    def min_observations(self) -> int:
        """Valid rows before it is defined."""
        return self.window + self.smooth + self.signal - 2

    def run(
        self, high: ArrayLike, low: ArrayLike, close: ArrayLike, state: State | None = None
    ) -> tuple[StochasticRows, State]:
        """Fold T bars, (T,) each, into rows and the next state."""
        return self._fold(state, high, low, close)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros(
            (pairs, HIGHS + 2 * block_size(self.window) + block_size(self.smooth) + block_size(self.signal))
        )

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        high, low, close = columns
        _stochastic_kernel(high, low, close, self.window, self.smooth, self.signal, values, out)


@kernel
def _max_kernel(value: Floats, sign: float, window: int, states: Floats, out: Floats) -> None:
    for pair in range(states.shape[0]):
        state = states[pair]
        block = state[HIGHS:]
        for t in range(value.shape[1]):
            new = value[pair, t]
            out[0, pair, t] = np.nan
            if np.isfinite(new):
                highest = push_max(block, sign * new)
                state[COUNT] += 1.0
                if state[COUNT] >= window:
                    out[0, pair, t] = sign * highest


@kernel
def _position_kernel(high: Floats, low: Floats, close: Floats, window: int, states: Floats, out: Floats) -> None:
    for pair in range(states.shape[0]):
        state = states[pair]
        half = (state.size - HIGHS) // 2
        highs, lows = state[HIGHS : HIGHS + half], state[HIGHS + half :]
        for t in range(close.shape[1]):
            top, bottom, last = high[pair, t], low[pair, t], close[pair, t]
            out[0, pair, t] = np.nan
            if not (np.isfinite(top) and np.isfinite(bottom) and np.isfinite(last)):
                continue
            highest, lowest = push_max(highs, top), -push_max(lows, -bottom)
            state[COUNT] += 1.0
            if state[COUNT] >= window and highest > lowest:
                out[0, pair, t] = -100.0 * ((highest - last) / (highest - lowest))


@kernel
def _stochastic_kernel(
    high: Floats, low: Floats, close: Floats, window: int, smooth: int, signal: int, states: Floats, out: Floats
) -> None:
    size = 2 + 2 * window
    for pair in range(states.shape[0]):
        state = states[pair]
        highs, lows = state[HIGHS : HIGHS + size], state[HIGHS + size : HIGHS + 2 * size]
        middle = HIGHS + 2 * size + 2 + 2 * smooth
        smoothing, signals = state[HIGHS + 2 * size : middle], state[middle:]
        for t in range(close.shape[1]):
            top, bottom, last = high[pair, t], low[pair, t], close[pair, t]
            out[:, pair, t] = np.nan
            if not (np.isfinite(top) and np.isfinite(bottom) and np.isfinite(last)):
                continue
            highest, lowest = push_max(highs, top), -push_max(lows, -bottom)
            state[COUNT] += 1.0
            if state[COUNT] < window:
                continue
            raw = 100.0 * ((last - lowest) / (highest - lowest)) if highest > lowest else np.nan
            k = push_sum(smoothing, raw) / smooth
            if state[COUNT] < window + smooth - 1:
                continue
            d = push_sum(signals, k) / signal
            if state[COUNT] >= window + smooth + signal - 2:
                out[0, pair, t] = k
                out[1, pair, t] = d
