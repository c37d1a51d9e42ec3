"""Oscillators: commodity channel index, Aroon, money flow."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.core.validation import require_integer
from alphastream.estimators.fold import COUNT, Fold, State
from alphastream.indicators.sliding import block_size, push_sum

TYPICAL = 1  # the typical price before, of the money flow
NEXT, RING = 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class CCIRows:
    """``cci`` has shape (T,): mostly within ±100; NaN while the window fills or where it is flat."""

    cci: Floats


@dataclass(frozen=True, slots=True)
class CCI(Fold[CCIRows]):
    """Commodity channel index: distance of the typical price from its mean, in mean absolute deviations.

    cci_t = (p_t - m) / (0.015 · d), p = (high + low + close) / 3, m its mean over the newest n bars and d the mean of
    |p - m| there. First at the n-th valid row; a row costs time in proportion to the window. A row with NaN or inf
    gives NaN and is passed over.

    Parameters
    ----------
    window : rows n, at least 2; the row itself is the last of them.

    Notes
    -----
    Source: Lambert, D. (1980); TA-Lib, CCI, which says 0 for a flat window.

    Examples
    --------
    >>> CCI(window=2).run(high=[3.0, 6.0], low=[1.0, 2.0], close=[2.0, 4.0])[0].cci.round(3).tolist()
    [nan, 66.667]
    """

    inputs: ClassVar[tuple[str, ...]] = (
        "high",
        "low",
        "close",
    )
    row_type: ClassVar[type[CCIRows]] = CCIRows

    window: int = 14

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=2)

    @property
    def min_observations(self) -> int:
        """Valid rows before it is defined."""
        return self.window

    def run(
        self, high: ArrayLike, low: ArrayLike, close: ArrayLike, state: State | None = None
    ) -> tuple[CCIRows, State]:
        """Fold T bars, (T,) each, into rows and the next state."""
        return self._fold(state, high, low, close)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, RING + self.window))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        high, low, close = columns
        _cci_kernel(high, low, close, values, out)


@dataclass(frozen=True, slots=True, eq=False)
class AroonRows:
    """Each field has shape (T,) and is NaN while the window fills.

    Parameters
    ----------
    oscillator : up - down, -100 to 100.
    up : 100 where the newest bar is the highest, 0 where the oldest is.
    down : the same of lows.
    """

    oscillator: Floats
    up: Floats
    down: Floats


@dataclass(frozen=True, slots=True)
class Aroon(Fold[AroonRows]):
    """Aroon: how long ago the highest high and the lowest low were.

    up = 100 · (n - rows since the highest high) / n over the newest n + 1 bars, down of the lowest low; of equal ones
    the newest counts. First at valid row n + 1; a row costs time in proportion to the window. A row with NaN or inf
    gives NaN and is passed over.

    Parameters
    ----------
    window : rows n to look back, at least 2.

    Notes
    -----
    Source: Chande, T. (1995); TA-Lib, AROON and AROONOSC.

    Examples
    --------
    >>> Aroon(window=2).run(high=[1.0, 3.0, 2.0], low=[0.0, 1.0, 1.5])[0].up.tolist()
    [nan, nan, 50.0]
    """

    inputs: ClassVar[tuple[str, ...]] = (
        "high",
        "low",
    )
    row_type: ClassVar[type[AroonRows]] = AroonRows

    window: int = 14

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=2)

    @property
    def min_observations(self) -> int:
        """Valid rows before it is defined: one more than rows to look back."""
        return self.window + 1

    def run(self, high: ArrayLike, low: ArrayLike, state: State | None = None) -> tuple[AroonRows, State]:
        """Fold T bars, (T,) each, into rows and the next state."""
        return self._fold(state, high, low)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, RING + 2 * (self.window + 1)))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        high, low = columns
        _aroon_kernel(high, low, self.window, values, out)


@dataclass(frozen=True, slots=True, eq=False)
class MFIRows:
    """``mfi`` has shape (T,): 0 to 100; NaN for the first window valid rows, and where no money flowed."""

    mfi: Floats


@dataclass(frozen=True, slots=True)
class MFI(Fold[MFIRows]):
    """Money flow index: the share of the volume in money that came with a rising typical price.

    mfi = 100 · P / (P + N) over the newest n changes of p = (high + low + close) / 3, where P sums p · volume of bars
    in which p rose and N of those in which it fell. First at valid row n + 1. A row with NaN or inf gives NaN and is
    passed over.

    Parameters
    ----------
    window : changes n, at least 2.

    Notes
    -----
    Source: Quong, G. and Soudack, A. (1989); TA-Lib, MFI, which says 0 where nothing flowed.

    Examples
    --------
    >>> bars = {"high": [1.0, 2.0, 1.0], "low": [1.0, 2.0, 1.0], "close": [1.0, 2.0, 1.0], "volume": [5.0, 3.0, 2.0]}
    >>> MFI(window=2).run(**bars)[0].mfi.tolist()
    [nan, nan, 75.0]
    """

    inputs: ClassVar[tuple[str, ...]] = (
        "high",
        "low",
        "close",
        "volume",
    )
    row_type: ClassVar[type[MFIRows]] = MFIRows

    window: int = 14

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=2)

    @property
    def min_observations(self) -> int:
        """Valid rows before it is defined: one more than changes."""
        return self.window + 1

    def run(
        self, high: ArrayLike, low: ArrayLike, close: ArrayLike, volume: ArrayLike, state: State | None = None
    ) -> tuple[MFIRows, State]:
        """Fold T bars, (T,) each, into rows and the next state."""
        return self._fold(state, high, low, close, volume)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, TYPICAL + 1 + 2 * block_size(self.window)))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        high, low, close, volume = columns
        _mfi_kernel(high, low, close, volume, self.window, values, out)


@kernel
def _cci_kernel(high: Floats, low: Floats, close: Floats, states: Floats, out: Floats) -> None:
    for pair in range(states.shape[0]):
        state = states[pair]
        ring = state[RING:]
        window = ring.size
        for t in range(close.shape[1]):
            top, bottom, last = high[pair, t], low[pair, t], close[pair, t]
            out[0, pair, t] = np.nan
            if not (np.isfinite(top) and np.isfinite(bottom) and np.isfinite(last)):
                continue
            typical = (top + bottom + last) / 3.0
            at = int(state[NEXT])
            ring[at] = typical
            state[NEXT] = at + 1 if at + 1 < window else 0
            state[COUNT] += 1.0
            if state[COUNT] < window:
                continue
            total = 0.0  # of distances from the newest: prices of 1e5 that move by 0.01 keep their digits
            for place in range(window):
                total += ring[place] - typical
            mean = total / window
            spread = 0.0
            for place in range(window):
                spread += abs(ring[place] - typical - mean)
            if spread > 0.0:
                out[0, pair, t] = -mean / (0.015 * (spread / window))


@kernel
def _aroon_kernel(high: Floats, low: Floats, window: int, states: Floats, out: Floats) -> None:
    rows = window + 1
    for pair in range(states.shape[0]):
        state = states[pair]
        highs, lows = state[RING : RING + rows], state[RING + rows :]
        for t in range(high.shape[1]):
            top, bottom = high[pair, t], low[pair, t]
            out[:, pair, t] = np.nan
            if not (np.isfinite(top) and np.isfinite(bottom)):
                continue
            at = int(state[NEXT])
            highs[at] = top
            lows[at] = bottom
            state[NEXT] = at + 1 if at + 1 < rows else 0
            state[COUNT] += 1.0
            if state[COUNT] < rows:
                continue
            since_high = since_low = 0
            highest, lowest = top, bottom
            for back in range(1, rows):
                place = at - back if at >= back else at - back + rows
                if highs[place] > highest:
                    highest, since_high = highs[place], back
                if lows[place] < lowest:
                    lowest, since_low = lows[place], back
            up, down = 100.0 * (window - since_high) / window, 100.0 * (window - since_low) / window
            out[0, pair, t] = up - down
            out[1, pair, t] = up
            out[2, pair, t] = down


@kernel
def _mfi_kernel(
    high: Floats, low: Floats, close: Floats, volume: Floats, window: int, states: Floats, out: Floats
) -> None:
    size = 2 + 2 * window
    for pair in range(states.shape[0]):
        state = states[pair]
        rises, falls = state[TYPICAL + 1 : TYPICAL + 1 + size], state[TYPICAL + 1 + size :]
        for t in range(close.shape[1]):
            top, bottom, last, traded = high[pair, t], low[pair, t], close[pair, t], volume[pair, t]
            out[0, pair, t] = np.nan
            if not (np.isfinite(top) and np.isfinite(bottom) and np.isfinite(last) and np.isfinite(traded)):
                continue
            typical = (top + bottom + last) / 3.0
            if state[COUNT] > 0.0:
                flow = typical * traded
                rose = push_sum(rises, flow if typical > state[TYPICAL] else 0.0)
                fell = push_sum(falls, flow if typical < state[TYPICAL] else 0.0)
                if state[COUNT] >= window and rose + fell > 0.0:
                    out[0, pair, t] = 100.0 * (rose / (rose + fell))
            state[TYPICAL] = typical
            state[COUNT] += 1.0
