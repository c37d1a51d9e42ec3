"""Moving averages: simple, exponential, linearly weighted."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.core.validation import require_integer
from alphastream.estimators.fold import COUNT, Fold, State
from alphastream.indicators.sliding import block_size, push_sum
from alphastream.indicators.smoothing import SMOOTHER, push_smoothed

BLOCK = 1
NEXT, RING = 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class SMARows:
    """``sma`` has shape (T,): mean of the window that ends at t, NaN while the window fills."""

    sma: Floats


@dataclass(frozen=True, slots=True)
class SMA(Fold[SMARows]):
    """Simple moving average: the mean of the newest ``window`` values.

    sma_t = (x_t + … + x_{t-n+1}) / n, first at the n-th valid row. A row with NaN or inf gives NaN and is passed over.

    Parameters
    ----------
    window : rows n, at least 2; the row itself is the last of them.

    Notes
    -----
    Source: TA-Lib, SMA. TA-Lib keeps one running sum; this one does not drift.

    Examples
    --------
    >>> rows, state = SMA(window=3).run([1.0, 2.0, 3.0, 7.0])
    >>> rows.sma.tolist()
    [nan, nan, 2.0, 4.0]
    """

    inputs: ClassVar[tuple[str, ...]] = ("value",)
    row_type: ClassVar[type[SMARows]] = SMARows

    window: int = 20

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=2)

    @property
    def min_observations(self) -> int:
        """Valid rows before the average is defined."""
        return self.window

    def run(self, value: ArrayLike, state: State | None = None) -> tuple[SMARows, State]:
        """Fold T values, (T,), into averages and the next state."""
        return self._fold(state, value)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, BLOCK + block_size(self.window)))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        (value,) = columns
        _sma_kernel(value, self.window, values, out)


@dataclass(frozen=True, slots=True, eq=False)
class EMARows:
    """``ema`` has shape (T,) and is NaN for the first window - 1 valid rows."""

    ema: Floats


@dataclass(frozen=True, slots=True)
class EMA(Fold[EMARows]):
    """Exponential moving average with the smoothing 2 / (n + 1).

    ema_t = ema_{t-1} + 2 / (n + 1) · (x_t - ema_{t-1}). It begins at the n-th valid row with the mean of the first n.
    A row with NaN or inf gives NaN and is passed over.

    Parameters
    ----------
    window : rows n, at least 2; after n rows of another level 86 % of the way there is gone.

    Notes
    -----
    Source: TA-Lib, EMA, in its default compatibility (seeded by the simple average).

    Examples
    --------
    >>> rows, state = EMA(window=3).run([1.0, 2.0, 3.0, 7.0])
    >>> rows.ema.tolist()
    [nan, nan, 2.0, 4.5]
    """

    inputs: ClassVar[tuple[str, ...]] = ("value",)
    row_type: ClassVar[type[EMARows]] = EMARows

    window: int = 20

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=2)

    @property
    def min_observations(self) -> int:
        """Valid rows before the average is defined."""
        return self.window

    def run(self, value: ArrayLike, state: State | None = None) -> tuple[EMARows, State]:
        """Fold T values, (T,), into averages and the next state."""
        return self._fold(state, value)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, BLOCK + SMOOTHER))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        (value,) = columns
        _ema_kernel(value, self.window, values, out)


@dataclass(frozen=True, slots=True, eq=False)
class WMARows:
    """``wma`` has shape (T,) and is NaN while the window fills."""

    wma: Floats


@dataclass(frozen=True, slots=True)
class WMA(Fold[WMARows]):
    """Linearly weighted moving average: the newest row counts n, the oldest 1.

    wma_t = (n · x_t + (n - 1) · x_{t-1} + … + x_{t-n+1}) / (n · (n + 1) / 2). A row with NaN or inf gives NaN and is
    passed over. A row costs time in proportion to the window.

    Parameters
    ----------
    window : rows n, at least 2.

    Notes
    -----
    Source: TA-Lib, WMA.

    Examples
    --------
    >>> rows, state = WMA(window=3).run([1.0, 2.0, 3.0, 7.0])
    >>> rows.wma.round(3).tolist()
    [nan, nan, 2.333, 4.833]
    """

    inputs: ClassVar[tuple[str, ...]] = ("value",)
    row_type: ClassVar[type[WMARows]] = WMARows

    window: int = 20

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=2)

    @property
    def min_observations(self) -> int:
        """Valid rows before the average is defined."""
        return self.window

    def run(self, value: ArrayLike, state: State | None = None) -> tuple[WMARows, State]:
        """Fold T values, (T,), into averages and the next state."""
        return self._fold(state, value)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, RING + self.window))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        (value,) = columns
        _wma_kernel(value, values, out)


@kernel
def _sma_kernel(value: Floats, window: int, states: Floats, out: Floats) -> None:
    for pair in range(states.shape[0]):
        state = states[pair]
        block = state[BLOCK:]
        for t in range(value.shape[1]):
            new = value[pair, t]
            out[0, pair, t] = np.nan
            if np.isfinite(new):
                total = push_sum(block, new)
                state[COUNT] += 1.0
                if state[COUNT] >= window:
                    out[0, pair, t] = total / window


@kernel
def _ema_kernel(value: Floats, window: int, states: Floats, out: Floats) -> None:
    alpha = 2.0 / (window + 1.0)
    for pair in range(states.shape[0]):
        state = states[pair]
        smoother = state[BLOCK:]
        for t in range(value.shape[1]):
            new = value[pair, t]
            out[0, pair, t] = np.nan
            if np.isfinite(new):
                smoothed = push_smoothed(smoother, new, window, alpha)
                state[COUNT] += 1.0
                if state[COUNT] >= window:
                    out[0, pair, t] = smoothed


@kernel
def _wma_kernel(value: Floats, states: Floats, out: Floats) -> None:
    for pair in range(states.shape[0]):
        state = states[pair]
        ring = state[RING:]
        window = ring.size
        for t in range(value.shape[1]):
            new = value[pair, t]
            out[0, pair, t] = np.nan
            if not np.isfinite(new):
                continue
            at = int(state[NEXT])
            ring[at] = new
            at = at + 1 if at + 1 < window else 0
            state[NEXT] = at
            state[COUNT] += 1.0
            if state[COUNT] < window:
                continue
            total, weight = 0.0, 1.0
            for place in range(at, window):
                total += weight * ring[place]
                weight += 1.0
            for place in range(at):
                total += weight * ring[place]
                weight += 1.0
            out[0, pair, t] = total / (0.5 * window * (window + 1.0))
