"""An indicator of one's own: how many rows in a row a series has risen or fallen."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.estimators.fold import COUNT, Fold, State

LAST, RUN, SIZE = 1, 2, 3


@dataclass(frozen=True, slots=True, eq=False)
class StreakRows:
    """``streak`` has shape (T,): rises in a row, below 0 falls, 0 where nothing changed; NaN in the first row."""

    streak: Floats


@dataclass(frozen=True, slots=True)
class Streak(Fold[StreakRows]):
    """How many rows in a row a series has risen (above 0) or fallen (below 0).

    A row with NaN or inf gives NaN and is passed over.

    Examples
    --------
    >>> rows, state = Streak().run([1.0, 2.0, 3.0, 2.0])
    >>> rows.streak.tolist()
    [nan, 1.0, 2.0, -1.0]
    """

    inputs: ClassVar[tuple[str, ...]] = ("value",)
    row_type: ClassVar[type[StreakRows]] = StreakRows

    @property
    def min_observations(self) -> int:
        """Two rows make a change."""
        return 2

    def run(self, value: ArrayLike, state: State | None = None) -> tuple[StreakRows, State]:
        """Fold T values, (T,), into streaks and the next state."""
        return self._fold(state, value)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, SIZE))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        (value,) = columns
        _streak_kernel(value, values, out)


@kernel
def _streak_kernel(value: Floats, states: Floats, out: Floats) -> None:
    for pair in range(states.shape[0]):
        state = states[pair]
        for t in range(value.shape[1]):
            new = value[pair, t]
            if not np.isfinite(new):
                out[0, pair, t] = np.nan
                continue
            if state[COUNT] > 0.0:
                way = np.sign(new - state[LAST])
                state[RUN] = state[RUN] + way if way * state[RUN] > 0.0 else way
            out[0, pair, t] = state[RUN] if state[COUNT] > 0.0 else np.nan
            state[LAST] = new
            state[COUNT] += 1.0
