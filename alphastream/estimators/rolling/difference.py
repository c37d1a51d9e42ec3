"""Change from one row to the next."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.estimators.fold import COUNT, Fold, State

LAST, SIZE = 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class DifferenceRows:
    """``change`` has shape (T,): value less the last value before it; NaN in the first row."""

    change: Floats


@dataclass(frozen=True, slots=True)
class Difference(Fold[DifferenceRows]):
    """First difference of a series: of log prices, the log return.

    A row with NaN or inf gives NaN and is passed over: the next row is compared with the one before it.

    Examples
    --------
    >>> rows, state = Difference().run([1.0, 3.0, 2.0])
    >>> rows.change.tolist()
    [nan, 2.0, -1.0]
    """

    inputs: ClassVar[tuple[str, ...]] = ("value",)
    row_type: ClassVar[type[DifferenceRows]] = DifferenceRows

    @property
    def min_observations(self) -> int:
        """Two rows make a difference."""
        return 2

    def run(self, value: ArrayLike, state: State | None = None) -> tuple[DifferenceRows, State]:
        """Fold T values, (T,), into changes and the next state."""
        return self._fold(state, value)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, SIZE))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        (value,) = columns
        _difference_kernel(value, values, out)


@kernel
def _difference_kernel(value: Floats, states: Floats, out: Floats) -> None:
    for pair in range(states.shape[0]):
        state = states[pair]
        for t in range(value.shape[1]):
            new = value[pair, t]
            out[0, pair, t] = new - state[LAST] if state[COUNT] > 0.0 and np.isfinite(new) else np.nan
            if not np.isfinite(new):
                continue
            state[LAST] = new
            state[COUNT] += 1.0
