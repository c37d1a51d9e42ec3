"""A series without its first values."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.types import Floats
from alphastream.core.validation import require_integer
from alphastream.estimators.fold import COUNT, Fold, State


@dataclass(frozen=True, slots=True, eq=False)
class SettledRows:
    """``value`` has shape (T,): the series, NaN until enough of it has been seen."""

    value: Floats


@dataclass(frozen=True, slots=True)
class Settled(Fold[SettledRows]):
    """Pass a series on from its ``rows``-th value: what an estimator says before still depends on where it began.

    A row with NaN or inf gives NaN and does not count.

    Parameters
    ----------
    rows : values to see, at least 1; the last of them is the first that is passed on.

    Examples
    --------
    >>> rows, state = Settled(rows=3).run([1.0, 2.0, 3.0, 4.0])
    >>> rows.value.tolist()
    [nan, nan, 3.0, 4.0]
    """

    inputs: ClassVar[tuple[str, ...]] = ("series",)
    row_type: ClassVar[type[SettledRows]] = SettledRows

    rows: int

    def __post_init__(self) -> None:
        require_integer("rows", self.rows, minimum=1)

    @property
    def min_observations(self) -> int:
        """Values before the first that is passed on, it included."""
        return self.rows

    def run(self, series: ArrayLike, state: State | None = None) -> tuple[SettledRows, State]:
        """Fold T values of a series, (T,), into rows and the next state."""
        return self._fold(state, series)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, 1))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        (series,) = columns
        valid = np.isfinite(series)
        seen = values[:, COUNT, np.newaxis] + np.cumsum(valid, axis=1)
        out[0] = np.where(valid & (seen >= self.rows), series + 0.0, np.nan)  # a negative zero becomes 0
        values[:, COUNT] += valid.sum(axis=1)
