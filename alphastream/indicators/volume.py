"""Prices and volume together: on-balance volume, volume-weighted prices."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.core.validation import require_integer
from alphastream.estimators.fold import COUNT, Fold, State
from alphastream.indicators.sliding import block_size, push_sum

CLOSE, TOTAL, LOST = 1, 2, 3
BLOCKS = 1
SESSION, MONEY, TRADED = 1, 2, 3


@dataclass(frozen=True, slots=True, eq=False)
class OBVRows:
    """``obv`` has shape (T,): in the volume's unit, from the first valid row on."""

    obv: Floats


@dataclass(frozen=True, slots=True)
class OBV(Fold[OBVRows]):
    """On-balance volume: volume of bars that closed higher less that of bars that closed lower, since the beginning.

    obv_t = obv_{t-1} + volume_t · sign(close_t - close_{t-1}), and volume in the first valid row. Its level depends
    on where it began, its changes do not. What rounding loses is summed beside it (Neumaier), so that it does not
    drift. A row with NaN or inf gives NaN and is passed over.

    Notes
    -----
    Source: Granville, J. (1963), New Key to Stock Market Profits; TA-Lib, OBV.

    Examples
    --------
    >>> OBV().run(close=[1.0, 2.0, 2.0, 1.0], volume=[5.0, 3.0, 9.0, 2.0])[0].obv.tolist()
    [5.0, 8.0, 8.0, 6.0]
    """

    inputs: ClassVar[tuple[str, ...]] = (
        "close",
        "volume",
    )
    row_type: ClassVar[type[OBVRows]] = OBVRows

    @property
    def min_observations(self) -> int:
        """The first row has a value."""
        return 1

    def run(self, close: ArrayLike, volume: ArrayLike, state: State | None = None) -> tuple[OBVRows, State]:
        """Fold T bars, (T,) each, into rows and the next state."""
        return self._fold(state, close, volume)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, LOST + 1))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        close, volume = columns
        _obv_kernel(close, volume, values, out)


@dataclass(frozen=True, slots=True, eq=False)
class VWAPRows:
    """``vwap`` has shape (T,): in the price's unit; NaN while the window fills, and where nothing was traded in it."""

    vwap: Floats


@dataclass(frozen=True, slots=True)
class VWAP(Fold[VWAPRows]):
    """Mean price of a sliding window of bars, weighted by volume.

    vwap = Σ p · volume / Σ volume over the newest n bars, p = (high + low + close) / 3. First at the n-th valid row.
    A row with NaN or inf gives NaN and is passed over.

    Parameters
    ----------
    window : bars n, at least 1.

    Notes
    -----
    Source: Berkowitz, Logue and Noser (1988), The Journal of Finance 43(1), with a bar's typical price for its trades.

    Examples
    --------
    >>> bars = {"high": [1.0, 4.0], "low": [1.0, 4.0], "close": [1.0, 4.0], "volume": [2.0, 1.0]}
    >>> VWAP(window=2).run(**bars)[0].vwap.tolist()
    [nan, 2.0]
    """

    inputs: ClassVar[tuple[str, ...]] = (
        "high",
        "low",
        "close",
        "volume",
    )
    row_type: ClassVar[type[VWAPRows]] = VWAPRows

    window: int = 20

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=1)

    @property
    def min_observations(self) -> int:
        """Valid rows before it is defined."""
        return self.window

    def run(
        self, high: ArrayLike, low: ArrayLike, close: ArrayLike, volume: ArrayLike, state: State | None = None
    ) -> tuple[VWAPRows, State]:
        """Fold T bars, (T,) each, into rows and the next state."""
        return self._fold(state, high, low, close, volume)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, BLOCKS + 2 * block_size(self.window)))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        high, low, close, volume = columns
        _vwap_kernel(high, low, close, volume, self.window, values, out)


@dataclass(frozen=True, slots=True)
class SessionVWAP(Fold[VWAPRows]):
    """Mean price since the session began, weighted by volume.

    vwap = Σ p · volume / Σ volume over the bars of the session so far, p = (high + low + close) / 3. A bar that ends
    where a session begins belongs to the one before. A row with NaN or inf gives NaN and is passed
    over.

    Parameters
    ----------
    session_ns : length of a session in nanoseconds; a day.
    begin_ns : when sessions begin, in nanoseconds after 1970-01-01 00:00 UTC: 48_600_000_000_000 is 13:30 UTC.

    Notes
    -----
    Source: as VWAP. ``time_ns`` is when a bar ends, UTC.

    Examples
    --------
    >>> price = [1.0, 4.0, 5.0]
    >>> rows, _ = SessionVWAP(session_ns=10).run([5.0, 10.0, 11.0], price, price, price, volume=[2.0, 1.0, 1.0])
    >>> rows.vwap.tolist()
    [1.0, 2.0, 5.0]
    """

    inputs: ClassVar[tuple[str, ...]] = (
        "time_ns",
        "high",
        "low",
        "close",
        "volume",
    )
    row_type: ClassVar[type[VWAPRows]] = VWAPRows

    session_ns: int = 86_400_000_000_000
    begin_ns: int = 0

    def __post_init__(self) -> None:
        require_integer("session_ns", self.session_ns, minimum=1)
        require_integer("begin_ns", self.begin_ns, minimum=0)

    @property
    def min_observations(self) -> int:
        """The first row has a value."""
        return 1

    def run(
        self,
        time_ns: ArrayLike,
        high: ArrayLike,
        low: ArrayLike,
        close: ArrayLike,
        volume: ArrayLike,
        state: State | None = None,
    ) -> tuple[VWAPRows, State]:
        """Fold T bars, (T,) each, into rows and the next state."""
        return self._fold(state, time_ns, high, low, close, volume)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, TRADED + 1))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        time_ns, high, low, close, volume = columns
        _session_kernel(time_ns, high, low, close, volume, self.session_ns, self.begin_ns, values, out)


@kernel
def _obv_kernel(close: Floats, volume: Floats, states: Floats, out: Floats) -> None:
    for pair in range(states.shape[0]):
        state = states[pair]
        for t in range(close.shape[1]):
            last, traded = close[pair, t], volume[pair, t]
            out[0, pair, t] = np.nan
            if not (np.isfinite(last) and np.isfinite(traded)):
                continue
            if state[COUNT] > 0.0 and last <= state[CLOSE]:
                traded = -traded if last < state[CLOSE] else 0.0
            total = state[TOTAL] + traded
            if abs(state[TOTAL]) >= abs(traded):
                state[LOST] += (state[TOTAL] - total) + traded
            else:
                state[LOST] += (traded - total) + state[TOTAL]
            state[TOTAL] = total
            state[CLOSE] = last
            state[COUNT] += 1.0
            out[0, pair, t] = total + state[LOST]


@kernel
def _vwap_kernel(
    high: Floats, low: Floats, close: Floats, volume: Floats, window: int, states: Floats, out: Floats
) -> None:
    for pair in range(states.shape[0]):
        state = states[pair]
        half = (state.size - BLOCKS) // 2
        moneys, volumes = state[BLOCKS : BLOCKS + half], state[BLOCKS + half :]
        for t in range(close.shape[1]):
            top, bottom, last, traded = high[pair, t], low[pair, t], close[pair, t], volume[pair, t]
            out[0, pair, t] = np.nan
            if not (np.isfinite(top) and np.isfinite(bottom) and np.isfinite(last) and np.isfinite(traded)):
                continue
            money = push_sum(moneys, (top + bottom + last) / 3.0 * traded)
            total = push_sum(volumes, traded)
            state[COUNT] += 1.0
            if state[COUNT] >= window and total > 0.0:
                out[0, pair, t] = money / total


@kernel
def _session_kernel(
    time_ns: Floats,
    high: Floats,
    low: Floats,
    close: Floats,
    volume: Floats,
    session_ns: int,
    begin_ns: int,
    states: Floats,
    out: Floats,
) -> None:
    for pair in range(states.shape[0]):
        state = states[pair]
        for t in range(close.shape[1]):
            end, top, bottom = time_ns[pair, t], high[pair, t], low[pair, t]
            last, traded = close[pair, t], volume[pair, t]
            out[0, pair, t] = np.nan
            if not (np.isfinite(top) and np.isfinite(bottom) and np.isfinite(last) and np.isfinite(traded)):
                continue
            if not np.isfinite(end):
                continue
            session = np.ceil((end - begin_ns) / session_ns)
            if session != state[SESSION]:
                state[SESSION] = session
                state[MONEY] = state[TRADED] = 0.0
            state[MONEY] += (top + bottom + last) / 3.0 * traded
            state[TRADED] += traded
            state[COUNT] += 1.0
            if state[TRADED] > 0.0:
                out[0, pair, t] = state[MONEY] / state[TRADED]
