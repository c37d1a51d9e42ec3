"""Bands from ranges: Donchian's and Keltner's."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.core.validation import require_integer, require_number
from alphastream.estimators.fold import COUNT, Fold, State
from alphastream.indicators.bands import BandRows
from alphastream.indicators.ranges import true_range
from alphastream.indicators.sliding import block_size, push_max
from alphastream.indicators.smoothing import SMOOTHER, push_smoothed

HIGHS = 1
CLOSE, MIDDLE = 1, 2


@dataclass(frozen=True, slots=True)
class Donchian(Fold[BandRows]):
    """Highest high and lowest low of a sliding window of bars.

    upper = max of the newest n highs, lower = min of the lows, middle their mean. First at the n-th valid row. The
    bar itself is among them: to see it break the channel, compare with the row before (``Lag``). A row with NaN or
    inf gives NaN and is passed over.

    Parameters
    ----------
    window : rows n, at least 2; the row itself is the last of them.

    Notes
    -----
    Source: Donchian, R. (1960), High Finance in Copper, Financial Analysts Journal 16(6).

    Examples
    --------
    >>> Donchian(window=2).run(high=[3.0, 5.0, 4.0], low=[1.0, 2.0, 3.0])[0].upper.tolist()
    [nan, 5.0, 5.0]
    """

    inputs: ClassVar[tuple[str, ...]] = (
        "high",
        "low",
    )
    row_type: ClassVar[type[BandRows]] = BandRows

    window: int = 20

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=2)

    @property
    def min_observations(self) -> int:
        """Valid rows before it is defined."""
        return self.window

    def run(self, high: ArrayLike, low: ArrayLike, state: State | None = None) -> tuple[BandRows, State]:
        """Fold T bars, (T,) each, into rows and the next state."""
        return self._fold(state, high, low)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, HIGHS + 2 * block_size(self.window)))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        high, low = columns
        _donchian_kernel(high, low, self.window, values, out)


@dataclass(frozen=True, slots=True)
class Keltner(Fold[BandRows]):
    """Exponential average of the close, and bands some average true ranges away.

    middle = EMA(close, n), upper and lower = middle ± multiplier · ATR(m), seeded as ``EMA`` and ``ATR`` are. First
    at the valid row at which both are defined. A row with NaN or inf gives NaN and is passed
    over.

    Parameters
    ----------
    window : rows n of the average, at least 2.
    range_window : true ranges m, at least 2.
    multiplier : half the width in average true ranges, > 0.

    Notes
    -----
    Source: Raschke, L. B. and Connors, L. A. (1995), Street Smarts.

    Examples
    --------
    >>> bars = {"high": [2.0, 3.0, 4.0], "low": [1.0, 2.0, 3.0], "close": [1.5, 2.5, 3.5]}
    >>> Keltner(window=2, range_window=2).run(**bars)[0].upper.tolist()
    [nan, nan, 6.0]
    """

    inputs: ClassVar[tuple[str, ...]] = (
        "high",
        "low",
        "close",
    )
    row_type: ClassVar[type[BandRows]] = BandRows

    window: int = 20
    range_window: int = 10
    multiplier: float = 2.0

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=2)
        require_integer("range_window", self.range_window, minimum=2)
        require_number("multiplier", self.multiplier, above=0.0)

    @property
    def min_observations(self) -> int:
        """Valid rows before it is defined."""
        return max(self.window, self.range_window + 1)

    def run(
        self, high: ArrayLike, low: ArrayLike, close: ArrayLike, state: State | None = None
    ) -> tuple[BandRows, State]:
        """Fold T bars, (T,) each, into rows and the next state."""
        return self._fold(state, high, low, close)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, MIDDLE + 2 * SMOOTHER))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        high, low, close = columns
        _keltner_kernel(high, low, close, self.window, self.range_window, self.multiplier, values, out)


@kernel
def _donchian_kernel(high: Floats, low: Floats, window: int, states: Floats, out: Floats) -> None:
    for pair in range(states.shape[0]):
        state = states[pair]
        half = (state.size - HIGHS) // 2
        highs, lows = state[HIGHS : HIGHS + half], state[HIGHS + half :]
        for t in range(high.shape[1]):
            top, bottom = high[pair, t], low[pair, t]
            out[:, pair, t] = np.nan
            if not (np.isfinite(top) and np.isfinite(bottom)):
                continue
            highest, lowest = push_max(highs, top), -push_max(lows, -bottom)
            state[COUNT] += 1.0
            if state[COUNT] >= window:
                out[0, pair, t] = 0.5 * (highest + lowest)
                out[1, pair, t] = highest
                out[2, pair, t] = lowest


@kernel
def _keltner_kernel(
    high: Floats,
    low: Floats,
    close: Floats,
    window: int,
    range_window: int,
    multiplier: float,
    states: Floats,
    out: Floats,
) -> None:
    needed = max(window, range_window + 1)
    for pair in range(states.shape[0]):
        state = states[pair]
        middles, ranges = state[MIDDLE : MIDDLE + SMOOTHER], state[MIDDLE + SMOOTHER :]
        for t in range(close.shape[1]):
            top, bottom, last = high[pair, t], low[pair, t], close[pair, t]
            out[:, pair, t] = np.nan
            if not (np.isfinite(top) and np.isfinite(bottom) and np.isfinite(last)):
                continue
            middle = push_smoothed(middles, last, window, 2.0 / (window + 1.0))
            if state[COUNT] > 0.0:
                reach = push_smoothed(ranges, true_range(top, bottom, state[CLOSE]), range_window, 1.0 / range_window)
                if state[COUNT] >= needed - 1:
                    out[0, pair, t] = middle
                    out[1, pair, t] = middle + multiplier * reach
                    out[2, pair, t] = middle - multiplier * reach
            state[CLOSE] = last
            state[COUNT] += 1.0
