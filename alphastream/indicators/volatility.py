"""Rolling volatility of log prices: from closes, and from what happened inside the bars."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.core.validation import require_integer, require_number
from alphastream.estimators.fold import COUNT, Fold, State
from alphastream.estimators.rolling.zscore import HEAD, zscore_kernel
from alphastream.indicators.sliding import block_size, push_sum

LAST, RETURNS = 1, 2
BLOCK = 1
PARKINSON, GARMAN_KLASS = 0, 1


@dataclass(frozen=True, slots=True, eq=False)
class VolatilityRows:
    """``volatility`` has shape (T,): standard deviation of log returns, 0.01 is about 1 %; NaN until it is defined."""

    volatility: Floats


@dataclass(frozen=True, slots=True)
class CloseToClose(Fold[VolatilityRows]):
    """Volatility of the log returns from close to close.

    volatility = √(r · Σ (u - ū)² / (n - 1)) over the newest n log returns u = ln(close_t / close_{t-1}), r being
    ``rows_per_unit``. First at valid row n + 1. A row with NaN or inf gives NaN and is passed over; so is
    a return from or to a price that is not above 0.

    Parameters
    ----------
    window : bars n, at least 2.
    rows_per_unit : rows in the time the volatility is meant for: 252 with daily bars for a year, 1 for a bar.

    Notes
    -----
    Source: Hull, J. (2018), Options, Futures, and Other Derivatives, ch. 15.

    Examples
    --------
    >>> CloseToClose(window=2).run([1.0, 2.0, 2.0])[0].volatility.round(4).tolist()
    [nan, nan, 0.4901]
    """

    inputs: ClassVar[tuple[str, ...]] = ("close",)
    row_type: ClassVar[type[VolatilityRows]] = VolatilityRows

    window: int = 20
    rows_per_unit: float = 1.0

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=2)
        require_number("rows_per_unit", self.rows_per_unit, above=0.0)

    @property
    def min_observations(self) -> int:
        """Valid rows before it is defined."""
        return self.window + 1

    def run(self, close: ArrayLike, state: State | None = None) -> tuple[VolatilityRows, State]:
        """Fold T closes, (T,), into rows and the next state."""
        return self._fold(state, close)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, RETURNS + HEAD + self.window))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        (close,) = columns
        returns = np.empty((1, *close.shape))
        _return_kernel(close, values, returns)
        table, inner = np.empty((3, *close.shape)), values[:, RETURNS:].copy()
        zscore_kernel(returns[0], inner, table)
        values[:, RETURNS:] = inner
        out[0] = table[2] * np.sqrt(self.rows_per_unit)


@dataclass(frozen=True, slots=True)
class Parkinson(Fold[VolatilityRows]):
    """Volatility from the ranges of bars, after Parkinson.

    volatility = √(r · Σ ln(high / low)² / (4 n ln 2)) over the newest n bars. It knows no gaps between bars and no
    drift. A row with NaN, inf or a price not above 0 gives NaN and is passed over.

    Parameters
    ----------
    window : bars n, at least 2.
    rows_per_unit : rows in the time the volatility is meant for: 252 with daily bars for a year, 1 for a bar.

    Notes
    -----
    Source: Parkinson, M. (1980), The Journal of Business 53(1).

    Examples
    --------
    >>> Parkinson(window=2).run(high=[2.0, 2.0], low=[1.0, 1.0])[0].volatility.round(4).tolist()
    [nan, 0.4163]
    """

    inputs: ClassVar[tuple[str, ...]] = (
        "high",
        "low",
    )
    row_type: ClassVar[type[VolatilityRows]] = VolatilityRows

    window: int = 20
    rows_per_unit: float = 1.0

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=2)
        require_number("rows_per_unit", self.rows_per_unit, above=0.0)

    @property
    def min_observations(self) -> int:
        """Valid rows before it is defined."""
        return self.window

    def run(self, high: ArrayLike, low: ArrayLike, state: State | None = None) -> tuple[VolatilityRows, State]:
        """Fold T bars, (T,) each, into rows and the next state."""
        return self._fold(state, high, low)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, BLOCK + block_size(self.window)))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        high, low = columns
        _range_kernel(high, high, low, low, self.window, PARKINSON, values, out)
        out[0] *= np.sqrt(self.rows_per_unit)


@dataclass(frozen=True, slots=True)
class GarmanKlass(Fold[VolatilityRows]):
    """Volatility from open, high, low and close, after Garman and Klass.

    volatility = √(r · mean of ln(high / low)² / 2 - (2 ln 2 - 1) ln(close / open)²) over the newest n bars. It knows
    no gaps between bars and no drift. A row with NaN, inf or a price not above 0 gives NaN and is passed
    over.

    Parameters
    ----------
    window : bars n, at least 2.
    rows_per_unit : rows in the time the volatility is meant for: 252 with daily bars for a year, 1 for a bar.

    Notes
    -----
    Source: Garman, M. and Klass, M. (1980), The Journal of Business 53(1), equation 20.

    Examples
    --------
    >>> bars = {"open": [1.0, 1.0], "high": [2.0, 2.0], "low": [1.0, 1.0], "close": [1.0, 1.0]}
    >>> GarmanKlass(window=2).run(**bars)[0].volatility.round(4).tolist()
    [nan, 0.4901]
    """

    inputs: ClassVar[tuple[str, ...]] = (
        "open",
        "high",
        "low",
        "close",
    )
    row_type: ClassVar[type[VolatilityRows]] = VolatilityRows

    window: int = 20
    rows_per_unit: float = 1.0

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=2)
        require_number("rows_per_unit", self.rows_per_unit, above=0.0)

    @property
    def min_observations(self) -> int:
        """Valid rows before it is defined."""
        return self.window

    def run(
        self,
        open: ArrayLike,  # noqa: A002  # the column's name everywhere
        high: ArrayLike,
        low: ArrayLike,
        close: ArrayLike,
        state: State | None = None,
    ) -> tuple[VolatilityRows, State]:
        """Fold T bars, (T,) each, into rows and the next state."""
        return self._fold(state, open, high, low, close)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, BLOCK + block_size(self.window)))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        first, high, low, close = columns
        _range_kernel(first, high, low, close, self.window, GARMAN_KLASS, values, out)
        out[0] *= np.sqrt(self.rows_per_unit)


@dataclass(frozen=True, slots=True)
class YangZhang(Fold[VolatilityRows]):
    """Volatility from bars with gaps between them and with drift, after Yang and Zhang.

    volatility² = r · (V_o + k · V_c + (1 - k) · V_rs) over the newest n bars that have one before them: V_o the
    variance (n - 1) of ln(open_t / close_{t-1}), V_c of ln(close / open), V_rs the mean of ln(h/c) ln(h/o) + ln(l/c)
    ln(l/o), k = 0.34 / (1.34 + (n + 1) / (n - 1)). First at valid row n + 1. A row with NaN, inf or a price
    not above 0 gives NaN and is passed over.

    Parameters
    ----------
    window : bars n, at least 2.
    rows_per_unit : rows in the time the volatility is meant for: 252 with daily bars for a year, 1 for a bar.

    Notes
    -----
    Source: Yang, D. and Zhang, Q. (2000), The Journal of Business 73(3).

    Examples
    --------
    >>> bars = {"open": [1.0, 1.0, 1.0], "high": [2.0, 2.0, 2.0], "low": [1.0, 1.0, 1.0], "close": [1.0, 1.0, 1.0]}
    >>> YangZhang(window=2).run(**bars)[0].volatility.round(4).tolist()
    [nan, nan, 0.6654]
    """

    inputs: ClassVar[tuple[str, ...]] = (
        "open",
        "high",
        "low",
        "close",
    )
    row_type: ClassVar[type[VolatilityRows]] = VolatilityRows

    window: int = 20
    rows_per_unit: float = 1.0

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=2)
        require_number("rows_per_unit", self.rows_per_unit, above=0.0)

    @property
    def min_observations(self) -> int:
        """Valid rows before it is defined."""
        return self.window + 1

    def run(
        self,
        open: ArrayLike,  # noqa: A002  # the column's name everywhere
        high: ArrayLike,
        low: ArrayLike,
        close: ArrayLike,
        state: State | None = None,
    ) -> tuple[VolatilityRows, State]:
        """Fold T bars, (T,) each, into rows and the next state."""
        return self._fold(state, open, high, low, close)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, RETURNS + 2 * (HEAD + self.window) + block_size(self.window)))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        first, high, low, close = columns
        side = HEAD + self.window
        parts = np.empty((2, *close.shape))
        tail = values[:, RETURNS + 2 * side :].copy()
        _gap_kernel(first, high, low, close, self.window, values, tail, parts, out)
        values[:, RETURNS + 2 * side :] = tail
        share = 0.34 / (1.34 + (self.window + 1) / (self.window - 1))
        variance = (1.0 - share) * out[0]
        for place, weight in ((0, 1.0), (1, share)):
            begin = RETURNS + place * side
            table, inner = np.empty((3, *close.shape)), values[:, begin : begin + side].copy()
            zscore_kernel(parts[place], inner, table)
            values[:, begin : begin + side] = inner
            variance += weight * table[2] ** 2
        out[0] = np.sqrt(variance * self.rows_per_unit)


@kernel
def _return_kernel(close: Floats, states: Floats, out: Floats) -> None:
    for pair in range(states.shape[0]):
        state = states[pair]
        for t in range(close.shape[1]):
            new = close[pair, t]
            out[0, pair, t] = np.nan
            if not np.isfinite(new):
                continue
            if state[COUNT] > 0.0 and new > 0.0 and state[LAST] > 0.0:
                out[0, pair, t] = np.log(new / state[LAST])
            state[LAST] = new
            state[COUNT] += 1.0


@kernel
def _range_kernel(
    open_: Floats, high: Floats, low: Floats, close: Floats, window: int, kind: int, states: Floats, out: Floats
) -> None:
    for pair in range(states.shape[0]):
        state = states[pair]
        block = state[BLOCK:]
        for t in range(close.shape[1]):
            first, top, bottom, last = open_[pair, t], high[pair, t], low[pair, t], close[pair, t]
            out[0, pair, t] = np.nan
            if not (np.isfinite(first) and np.isfinite(top) and np.isfinite(bottom) and np.isfinite(last)):
                continue
            if min(first, top, bottom, last) <= 0.0:  # the log of two negative prices is a number that means nothing
                continue
            height = np.log(top / bottom)
            if kind == PARKINSON:
                term = height * height / (4.0 * np.log(2.0))
            else:
                body = np.log(last / first)
                term = 0.5 * height * height - (2.0 * np.log(2.0) - 1.0) * body * body
            total = push_sum(block, term)
            state[COUNT] += 1.0
            if state[COUNT] >= window:
                out[0, pair, t] = np.sqrt(total / window)


@kernel
def _gap_kernel(
    open_: Floats,
    high: Floats,
    low: Floats,
    close: Floats,
    window: int,
    states: Floats,
    blocks: Floats,
    parts: Floats,
    out: Floats,
) -> None:
    for pair in range(states.shape[0]):
        state, block = states[pair], blocks[pair]
        for t in range(close.shape[1]):
            first, top, bottom, last = open_[pair, t], high[pair, t], low[pair, t], close[pair, t]
            out[0, pair, t] = parts[0, pair, t] = parts[1, pair, t] = np.nan
            if not (np.isfinite(first) and np.isfinite(top) and np.isfinite(bottom) and np.isfinite(last)):
                continue
            if min(first, top, bottom, last) <= 0.0:  # the log of two negative prices is a number that means nothing
                continue
            if state[COUNT] > 0.0:
                parts[0, pair, t] = np.log(first / state[LAST])
                parts[1, pair, t] = np.log(last / first)
                up, down = np.log(top / last) * np.log(top / first), np.log(bottom / last) * np.log(bottom / first)
                total = push_sum(block, up + down)
                if state[COUNT] >= window:
                    out[0, pair, t] = total / window
            state[LAST] = last
            state[COUNT] += 1.0
