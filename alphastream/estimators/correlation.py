"""Rolling correlation."""

from dataclasses import dataclass
from typing import ClassVar

from numpy.typing import ArrayLike

from alphastream.estimators.fold import Floats, Fold, State, require_integer
from alphastream.estimators.moments import CORRELATION, begin, pair_kernel


@dataclass(frozen=True, slots=True, eq=False)
class CorrelationRows:
    """``correlation`` has shape (T,), lies in [−1, 1] and is NaN while the window fills."""

    correlation: Floats


@dataclass(frozen=True, slots=True)
class RollingCorrelation(Fold[CorrelationRows]):
    """Pearson's correlation of x and y over a sliding window.

    A row with NaN or inf in x or y gives NaN and does not enter the window. NaN where x or y is constant over it.

    Parameters
    ----------
    window : rows, at least 2.

    Examples
    --------
    >>> rows, state = RollingCorrelation(window=3).run([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 5.0])
    >>> rows.correlation.round(3).tolist()
    [nan, nan, 1.0, 0.5]
    """

    inputs: ClassVar[tuple[str, ...]] = ("x", "y")
    row_type: ClassVar[type[CorrelationRows]] = CorrelationRows

    window: int

    def __post_init__(self) -> None:
        require_integer("window", self.window, least=2)

    @property
    def needed(self) -> int:
        """Valid rows before the outputs are defined."""
        return self.window

    def run(self, x: ArrayLike, y: ArrayLike, state: State | None = None) -> tuple[CorrelationRows, State]:
        """Fold T rows of x and y, (T,) each, into rows and the next state."""
        return self._fold(state, x, y)

    def _begin(self, pairs: int) -> Floats:
        return begin(pairs, self.window)

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        x, y = columns
        pair_kernel(x, y, values, out, CORRELATION)
