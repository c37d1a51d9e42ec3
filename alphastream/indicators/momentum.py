"""Change over some rows: lag, momentum, rate of change; and lines that cross."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.core.validation import require_integer
from alphastream.estimators.fold import COUNT, Fold, State
from alphastream.indicators.sliding import push_lag

BLOCK = 1
ABOVE = 1


@dataclass(frozen=True, slots=True, eq=False)
class LagRows:
    """``lagged`` has shape (T,): the value so many valid rows before, NaN until there is one."""

    lagged: Floats


@dataclass(frozen=True, slots=True)
class Lag(Fold[LagRows]):
    """The value some rows ago.

    lagged_t = x_{t-n}, counted in valid rows. A row with NaN or inf gives NaN and is passed
    over.

    Parameters
    ----------
    rows : how many rows ago, n, at least 1.

    Examples
    --------
    >>> Lag(rows=2).run([1.0, 2.0, 4.0])[0].lagged.tolist()
    [nan, nan, 1.0]
    """

    inputs: ClassVar[tuple[str, ...]] = ("value",)
    row_type: ClassVar[type[LagRows]] = LagRows

    rows: int = 1

    def __post_init__(self) -> None:
        require_integer("rows", self.rows, minimum=1)

    @property
    def min_observations(self) -> int:
        """Valid rows before it is defined."""
        return self.rows + 1

    def run(self, value: ArrayLike, state: State | None = None) -> tuple[LagRows, State]:
        """Fold T values, (T,), into rows and the next state."""
        return self._fold(state, value)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, BLOCK + 1 + self.rows))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        (value,) = columns
        _lag_kernel(value, self.rows, values, out)


@dataclass(frozen=True, slots=True, eq=False)
class MomentumRows:
    """``momentum`` has shape (T,): in the value's unit, NaN for the first window valid rows."""

    momentum: Floats


@dataclass(frozen=True, slots=True)
class Momentum(Fold[MomentumRows]):
    """Change over ``window`` rows.

    momentum_t = x_t - x_{t-n}, first at valid row n + 1. A row with NaN or inf gives NaN and is passed
    over.

    Parameters
    ----------
    window : rows n that the change spans, at least 1.

    Notes
    -----
    Source: TA-Lib, MOM.

    Examples
    --------
    >>> Momentum(window=2).run([1.0, 2.0, 4.0])[0].momentum.tolist()
    [nan, nan, 3.0]
    """

    inputs: ClassVar[tuple[str, ...]] = ("value",)
    row_type: ClassVar[type[MomentumRows]] = MomentumRows

    window: int = 10

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=1)

    @property
    def min_observations(self) -> int:
        """Valid rows before it is defined."""
        return self.window + 1

    def run(self, value: ArrayLike, state: State | None = None) -> tuple[MomentumRows, State]:
        """Fold T values, (T,), into rows and the next state."""
        return self._fold(state, value)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, BLOCK + 1 + self.window))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        (value,) = columns
        _lag_kernel(value, self.window, values, out)
        out[0] = value - out[0]


@dataclass(frozen=True, slots=True, eq=False)
class ROCRows:
    """``roc`` has shape (T,): in percent; NaN for the first window valid rows, and where the value before is 0."""

    roc: Floats


@dataclass(frozen=True, slots=True)
class ROC(Fold[ROCRows]):
    """Rate of change over ``window`` rows, in percent.

    roc_t = 100 · (x_t / x_{t-n} - 1), first at valid row n + 1. A row with NaN or inf gives NaN and is passed
    over.

    Parameters
    ----------
    window : rows n that the change spans, at least 1.

    Notes
    -----
    Source: TA-Lib, ROC, which says 0 where the value before is 0.

    Examples
    --------
    >>> ROC(window=2).run([1.0, 2.0, 4.0])[0].roc.tolist()
    [nan, nan, 300.0]
    """

    inputs: ClassVar[tuple[str, ...]] = ("value",)
    row_type: ClassVar[type[ROCRows]] = ROCRows

    window: int = 10

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=1)

    @property
    def min_observations(self) -> int:
        """Valid rows before it is defined."""
        return self.window + 1

    def run(self, value: ArrayLike, state: State | None = None) -> tuple[ROCRows, State]:
        """Fold T values, (T,), into rows and the next state."""
        return self._fold(state, value)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, BLOCK + 1 + self.window))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        (value,) = columns
        _lag_kernel(value, self.window, values, out)
        before = np.where(out[0] != 0.0, out[0], np.nan)
        out[0] = 100.0 * (value / before - 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class CrossRows:
    """``crossed`` has shape (T,): 1.0 in a row in which the lines crossed, else 0.0; NaN in the first valid row."""

    crossed: Floats


@dataclass(frozen=True, slots=True)
class CrossOver(Fold[CrossRows]):
    """Where a value rises above a line.

    crossed_t = 1 where value_t > line_t and value ≤ line in the valid row before. A row with NaN or inf gives NaN and
    is passed over.

    Examples
    --------
    >>> CrossOver().run(value=[1.0, 3.0, 4.0], line=[2.0, 2.0, 2.0])[0].crossed.tolist()
    [nan, 1.0, 0.0]
    """

    inputs: ClassVar[tuple[str, ...]] = (
        "value",
        "line",
    )
    row_type: ClassVar[type[CrossRows]] = CrossRows

    @property
    def min_observations(self) -> int:
        """Two rows make a crossing."""
        return 2

    def run(self, value: ArrayLike, line: ArrayLike, state: State | None = None) -> tuple[CrossRows, State]:
        """Fold T values, (T,) each, into rows and the next state."""
        return self._fold(state, value, line)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, ABOVE + 1))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        value, line = columns
        _cross_kernel(value, line, values, out)


@dataclass(frozen=True, slots=True)
class CrossUnder(Fold[CrossRows]):
    """Where a value falls below a line.

    crossed_t = 1 where value_t < line_t and value ≥ line in the valid row before. A row with NaN or inf gives NaN and
    is passed over.

    Examples
    --------
    >>> CrossUnder().run(value=[3.0, 1.0, 0.0], line=[2.0, 2.0, 2.0])[0].crossed.tolist()
    [nan, 1.0, 0.0]
    """

    inputs: ClassVar[tuple[str, ...]] = (
        "value",
        "line",
    )
    row_type: ClassVar[type[CrossRows]] = CrossRows

    @property
    def min_observations(self) -> int:
        """Two rows make a crossing."""
        return 2

    def run(self, value: ArrayLike, line: ArrayLike, state: State | None = None) -> tuple[CrossRows, State]:
        """Fold T values, (T,) each, into rows and the next state."""
        return self._fold(state, value, line)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, ABOVE + 1))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        value, line = columns
        _cross_kernel(line, value, values, out)


@kernel
def _lag_kernel(value: Floats, rows: int, states: Floats, out: Floats) -> None:
    for pair in range(states.shape[0]):
        state = states[pair]
        block = state[BLOCK:]
        for t in range(value.shape[1]):
            new = value[pair, t]
            out[0, pair, t] = np.nan
            if np.isfinite(new):
                old = push_lag(block, new)
                if state[COUNT] >= rows:
                    out[0, pair, t] = old
                state[COUNT] += 1.0


@kernel
def _cross_kernel(upper: Floats, lower: Floats, states: Floats, out: Floats) -> None:
    for pair in range(states.shape[0]):
        state = states[pair]
        for t in range(upper.shape[1]):
            top, bottom = upper[pair, t], lower[pair, t]
            out[0, pair, t] = np.nan
            if not (np.isfinite(top) and np.isfinite(bottom)):
                continue
            above = 1.0 if top > bottom else 0.0
            if state[COUNT] > 0.0:
                out[0, pair, t] = above * (1.0 - state[ABOVE])
            state[ABOVE] = above
            state[COUNT] += 1.0
