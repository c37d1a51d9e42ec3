"""What the estimators have in common that look at the newest rows of two legs."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.types import Floats
from alphastream.core.validation import require_integer
from alphastream.estimators.fold import COUNT, Fold, RowsT, State

LAST = 1  # place in a state of the newest outputs, after the number of rows


@dataclass(frozen=True, slots=True)
class PairWindow(Fold[RowsT]):
    """Base of the estimators over a sliding window of valid rows of x and y."""

    inputs: ClassVar[tuple[str, ...]] = ("x", "y")
    minimum: ClassVar[int] = 2
    """Rows of the smallest window."""

    window: int

    def __post_init__(self) -> None:
        require_integer("window", self.window, minimum=self.minimum)

    @property
    def min_observations(self) -> int:
        """Valid rows before the outputs are defined."""
        return self.window

    def run(self, x: ArrayLike, y: ArrayLike, state: State | None = None) -> tuple[RowsT, State]:
        """Fold T rows of the hedge leg x and the dependent leg y, (T,) each, into rows and the next state."""
        return self._fold(state, x, y)


@dataclass(frozen=True, slots=True)
class PairBuffer(PairWindow[RowsT]):
    """Base of those that need the rows themselves.

    A state holds the number of valid rows and the newest outputs, ``head`` numbers in all, and then the window.

    Parameters
    ----------
    keeps_last : a row with NaN or inf shows the outputs of the last valid row instead of NaN.
    """

    head: ClassVar[int] = 2

    keeps_last: bool = field(default=False, kw_only=True)

    def _windows(self, legs: Floats, state: Floats) -> Floats:
        """Outputs (fields, n) of the rows after the first ``window`` columns of ``legs`` (2, window + n)."""
        raise NotImplementedError

    def _begin(self, pairs: int) -> Floats:
        values = np.full((pairs, self.head + 2 * self.window), np.nan)
        values[:, COUNT] = 0.0
        return values

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        rows = np.stack(columns, axis=1)
        if rows.shape[2] == 0:
            return
        held = values[:, self.head :].reshape(len(values), 2, self.window)
        if np.isfinite(rows).all():  # as nearly always: the windows of all pairs move on together
            legs = np.concatenate((held, rows), axis=2)
            for pair, state in enumerate(values):
                out[:, pair] = self._windows(legs[pair], state)
            values[:, COUNT] += rows.shape[2]
            values[:, LAST : self.head] = out[:, :, -1].T
            values[:, self.head :] = legs[:, :, -self.window :].reshape(len(values), -1)
            return
        for pair, state in enumerate(values):
            valid = np.isfinite(rows[pair]).all(axis=0)
            last = state[LAST : self.head, np.newaxis].copy()
            own = np.concatenate((held[pair], rows[pair][:, valid]), axis=1)
            known = np.concatenate((last, self._windows(own, state)), axis=1)
            out[:, pair] = known[:, np.cumsum(valid)]
            if not self.keeps_last:
                out[:, pair, ~valid] = np.nan
            state[COUNT] += own.shape[1] - self.window
            state[LAST : self.head] = known[:, -1]
            state[self.head :] = own[:, -self.window :].ravel()
