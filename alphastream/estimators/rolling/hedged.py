"""What a hedged position is worth: the spread with its intercept left in."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.estimators.fold import COUNT, Fold, State


@dataclass(frozen=True, slots=True, eq=False)
class HedgedRows:
    """``value`` has shape (T,): y less hedge_ratio times x."""

    value: Floats


@dataclass(frozen=True, slots=True)
class HedgedValue(Fold[HedgedRows]):
    """Value of one unit of y against hedge_ratio units of x. A row with NaN or inf gives NaN.

    Examples
    --------
    >>> rows, state = HedgedValue().run(x=[10.0, 11.0], y=[25.0, 26.0], hedge_ratio=[2.0, 2.0])
    >>> rows.value.tolist()
    [5.0, 4.0]
    """

    inputs: ClassVar[tuple[str, ...]] = ("x", "y", "hedge_ratio")
    row_type: ClassVar[type[HedgedRows]] = HedgedRows

    @property
    def min_observations(self) -> int:
        """A row stands for itself."""
        return 1

    def run(
        self, x: ArrayLike, y: ArrayLike, hedge_ratio: ArrayLike, state: State | None = None
    ) -> tuple[HedgedRows, State]:
        """Fold T rows of both legs and the ratio, (T,) each, into values and the next state."""
        return self._fold(state, x, y, hedge_ratio)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, 1))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        x, y, hedge_ratio = columns
        _hedged_kernel(x, y, hedge_ratio, values, out)


@kernel
def _hedged_kernel(x: Floats, y: Floats, hedge_ratio: Floats, states: Floats, out: Floats) -> None:
    for pair in range(states.shape[0]):
        for t in range(x.shape[1]):
            value = y[pair, t] - hedge_ratio[pair, t] * x[pair, t]
            finite = np.isfinite(value)
            states[pair, COUNT] += 1.0 if finite else 0.0
            out[0, pair, t] = value if finite else np.nan
