"""Where the newest value stands among those of its window: rank, percentile, deviation; and below its peak."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.core.validation import require_integer, require_number
from alphastream.errors import ParameterError
from alphastream.estimators.fold import COUNT, Fold, State
from alphastream.estimators.rolling.zscore import HEAD, zscore_kernel
from alphastream.indicators.sliding import block_size, push_max

NEXT, RING = 1, 2
PEAK = 1


@dataclass(frozen=True, slots=True, eq=False)
class StdRows:
    """``std`` has shape (T,): in the value's unit, NaN while the window fills."""

    std: Floats


@dataclass(frozen=True, slots=True)
class RollingStd(Fold[StdRows]):
    """Sample standard deviation of the newest ``window`` values.

    std_t = √(Σ (x - x̄)² / (n - 1)), first at the n-th valid row. TA-Lib's STDDEV divides by n. A row with NaN or inf
    gives NaN and is passed over.

    Parameters
    ----------
    window : rows n, at least 2; the row itself is the last of them.

    Examples
    --------
    >>> RollingStd(window=2).run([1.0, 1.0, 3.0])[0].std.round(3).tolist()
    [nan, 0.0, 1.414]
    """

    inputs: ClassVar[tuple[str, ...]] = ("value",)
    row_type: ClassVar[type[StdRows]] = StdRows

    window: int = 20

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=2)

    @property
    def min_observations(self) -> int:
        """Valid rows before it is defined."""
        return self.window

    def run(self, value: ArrayLike, state: State | None = None) -> tuple[StdRows, State]:
        """Fold T values, (T,), into rows and the next state."""
        return self._fold(state, value)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, HEAD + self.window))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        (value,) = columns
        table = np.empty((3, *value.shape))
        zscore_kernel(value, values, table)
        out[0] = table[2]


@dataclass(frozen=True, slots=True, eq=False)
class RankRows:
    """``rank`` has shape (T,): above 0, at most 1; NaN while the window fills."""

    rank: Floats


@dataclass(frozen=True, slots=True)
class Rank(Fold[RankRows]):
    """Rank of the newest value in its window, as a share of the window.

    rank_t = (number below x_t + (number equal to x_t + 1) / 2) / n, x_t itself among the equal ones: 1 is the
    highest, (n + 1) / 2n the middle. First at the n-th valid row; a row costs time in proportion to the window. A row
    with NaN or inf gives NaN and is passed over.

    Parameters
    ----------
    window : rows n, at least 2; the row itself is the last of them.

    Notes
    -----
    Source: as pandas' rolling rank with ``pct`` and average ties.

    Examples
    --------
    >>> Rank(window=2).run([1.0, 3.0, 2.0])[0].rank.tolist()
    [nan, 1.0, 0.5]
    """

    inputs: ClassVar[tuple[str, ...]] = ("value",)
    row_type: ClassVar[type[RankRows]] = RankRows

    window: int = 100

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=2)

    @property
    def min_observations(self) -> int:
        """Valid rows before it is defined."""
        return self.window

    def run(self, value: ArrayLike, state: State | None = None) -> tuple[RankRows, State]:
        """Fold T values, (T,), into rows and the next state."""
        return self._fold(state, value)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, RING + self.window))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        (value,) = columns
        _rank_kernel(value, values, out)


@dataclass(frozen=True, slots=True, eq=False)
class PercentileRows:
    """``percentile`` has shape (T,): in the value's unit, NaN while the window fills."""

    percentile: Floats


@dataclass(frozen=True, slots=True)
class Percentile(Fold[PercentileRows]):
    """Percentile of the newest ``window`` values: the value below which a share of them lies.

    Between the two nearest values of the sorted window it is interpolated; 50 is the median. First at the n-th valid
    row; a row costs time in proportion to the window. A row with NaN or inf gives NaN and is passed
    over.

    Parameters
    ----------
    window : rows n, at least 2; the row itself is the last of them.
    percent : 0 to 100.

    Notes
    -----
    Source: Hyndman and Fan (1996), The American Statistician 50(4), definition 7: as numpy.percentile.

    Examples
    --------
    >>> Percentile(window=3, percent=50.0).run([1.0, 3.0, 2.0])[0].percentile.tolist()
    [nan, nan, 2.0]
    """

    inputs: ClassVar[tuple[str, ...]] = ("value",)
    row_type: ClassVar[type[PercentileRows]] = PercentileRows

    window: int = 100
    percent: float = 50.0

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=2)
        require_number("percent", self.percent, minimum=0.0)
        if self.percent > 100.0:
            raise ParameterError(f"percent is {self.percent!r}, needs a number from 0 to 100")

    @property
    def min_observations(self) -> int:
        """Valid rows before it is defined."""
        return self.window

    def run(self, value: ArrayLike, state: State | None = None) -> tuple[PercentileRows, State]:
        """Fold T values, (T,), into rows and the next state."""
        return self._fold(state, value)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, RING + 2 * self.window))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        (value,) = columns
        _percentile_kernel(value, self.percent, values, out)


@dataclass(frozen=True, slots=True, eq=False)
class DrawdownRows:
    """Each field has shape (T,) and is NaN until it is defined.

    Parameters
    ----------
    drawdown : value / peak - 1, 0 or below.
    peak : the highest value so far, or of the window.
    """

    drawdown: Floats
    peak: Floats


@dataclass(frozen=True, slots=True)
class Drawdown(Fold[DrawdownRows]):
    """Fall from the highest value, as a share of it.

    drawdown_t = x_t / peak_t - 1. Without a window the peak is the highest since the beginning, from the first valid
    row on; with one the highest of the newest n values, from the n-th on. NaN while the peak is not above 0. A row
    with NaN or inf gives NaN and is passed over.

    Parameters
    ----------
    window : rows n, at least 2, or None for all since the beginning.

    Notes
    -----
    Source: Magdon-Ismail and Atiya (2004), Maximum drawdown, Risk 17(10).

    Examples
    --------
    >>> Drawdown().run([100.0, 80.0, 120.0])[0].drawdown.round(3).tolist()
    [0.0, -0.2, 0.0]
    """

    inputs: ClassVar[tuple[str, ...]] = ("value",)
    row_type: ClassVar[type[DrawdownRows]] = DrawdownRows

    window: int | None = None

    def __post_init__(self) -> None:
        if self.window is not None:
            require_integer("window", self.window, minimum=2)

    @property
    def min_observations(self) -> int:
        """Valid rows before it is defined."""
        return 1 if self.window is None else self.window

    def run(self, value: ArrayLike, state: State | None = None) -> tuple[DrawdownRows, State]:
        """Fold T values, (T,), into rows and the next state."""
        return self._fold(state, value)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, PEAK + (1 if self.window is None else block_size(self.window))))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        (value,) = columns
        if self.window is None:
            _peak_kernel(value, values, out)
        else:
            _drawdown_kernel(value, self.window, values, out)


@kernel
def _rank_kernel(value: Floats, states: Floats, out: Floats) -> None:
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
            state[NEXT] = at + 1 if at + 1 < window else 0
            state[COUNT] += 1.0
            if state[COUNT] < window:
                continue
            below = equal = 0.0
            for place in range(window):
                if ring[place] < new:
                    below += 1.0
                elif ring[place] == new:
                    equal += 1.0
            out[0, pair, t] = (below + 0.5 * (equal + 1.0)) / window


@kernel
def _percentile_kernel(value: Floats, percent: float, states: Floats, out: Floats) -> None:
    for pair in range(states.shape[0]):
        state = states[pair]
        window = (state.size - RING) // 2
        ring, ordered = state[RING : RING + window], state[RING + window :]
        for t in range(value.shape[1]):
            new = value[pair, t]
            out[0, pair, t] = np.nan
            if not np.isfinite(new):
                continue
            at = int(state[NEXT])
            filled = int(min(state[COUNT], window))
            if filled == window:  # the oldest leaves the order
                place = int(np.searchsorted(ordered, ring[at]))
                for each in range(place, window - 1):
                    ordered[each] = ordered[each + 1]
                filled -= 1
            place = filled
            while place > 0 and ordered[place - 1] > new:
                ordered[place] = ordered[place - 1]
                place -= 1
            ordered[place] = new
            ring[at] = new
            state[NEXT] = at + 1 if at + 1 < window else 0
            state[COUNT] += 1.0
            if state[COUNT] >= window:
                where = percent / 100.0 * (window - 1)
                lower = min(int(where), window - 2)
                out[0, pair, t] = ordered[lower] + (where - lower) * (ordered[lower + 1] - ordered[lower])


@kernel
def _peak_kernel(value: Floats, states: Floats, out: Floats) -> None:
    for pair in range(states.shape[0]):
        state = states[pair]
        for t in range(value.shape[1]):
            new = value[pair, t]
            out[:, pair, t] = np.nan
            if np.isfinite(new):
                state[PEAK] = new if state[COUNT] == 0.0 else max(state[PEAK], new)
                state[COUNT] += 1.0
                if state[PEAK] > 0.0:
                    out[0, pair, t] = new / state[PEAK] - 1.0
                out[1, pair, t] = state[PEAK]


@kernel
def _drawdown_kernel(value: Floats, window: int, states: Floats, out: Floats) -> None:
    for pair in range(states.shape[0]):
        state = states[pair]
        block = state[PEAK:]
        for t in range(value.shape[1]):
            new = value[pair, t]
            out[:, pair, t] = np.nan
            if np.isfinite(new):
                peak = push_max(block, new)
                state[COUNT] += 1.0
                if state[COUNT] >= window:
                    if peak > 0.0:
                        out[0, pair, t] = new / peak - 1.0
                    out[1, pair, t] = peak
