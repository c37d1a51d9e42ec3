"""Rolling least squares."""

from dataclasses import dataclass
from typing import ClassVar

from numpy.typing import ArrayLike

from alphastream.estimators.fold import Floats, Fold, State, require_integer
from alphastream.estimators.moments import OLS, HedgeRows, begin, pair_kernel


@dataclass(frozen=True, slots=True)
class RollingOLS(Fold[HedgeRows]):
    """Least squares of y on x with an intercept, over a sliding window.

    A row with NaN or inf in x or y gives NaN and does not enter the window. Where x is constant over the window
    there is no slope: the row is NaN.

    Parameters
    ----------
    window : rows of a fit, at least 2.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([1.0, 2.0, 4.0, 8.0])
    >>> rows, state = RollingOLS(window=3).run(x, 3.0 + 2.0 * x)
    >>> rows.hedge_ratio.round(12).tolist()
    [nan, nan, 2.0, 2.0]
    """

    inputs: ClassVar[tuple[str, ...]] = ("x", "y")
    row_type: ClassVar[type[HedgeRows]] = HedgeRows

    window: int

    def __post_init__(self) -> None:
        require_integer("window", self.window, least=2)

    @property
    def needed(self) -> int:
        """Valid rows before the outputs are defined."""
        return self.window

    def run(self, x: ArrayLike, y: ArrayLike, state: State | None = None) -> tuple[HedgeRows, State]:
        """Fold T rows of the hedge leg x and the dependent leg y, (T,) each, into rows and the next state."""
        return self._fold(state, x, y)

    def _begin(self, pairs: int) -> Floats:
        return begin(pairs, self.window)

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        x, y = columns
        pair_kernel(x, y, values, out, OLS)
