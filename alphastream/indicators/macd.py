"""Moving average convergence and divergence."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.core.validation import require_integer
from alphastream.errors import ParameterError
from alphastream.estimators.fold import COUNT, Fold, State
from alphastream.indicators.smoothing import SMOOTHER, push_smoothed

FAST = 1
SLOW = FAST + SMOOTHER
SIGNAL = SLOW + SMOOTHER


@dataclass(frozen=True, slots=True, eq=False)
class MACDRows:
    """Each field has shape (T,) and is NaN for the first slow + signal - 2 valid rows.

    Parameters
    ----------
    macd : fast average less slow average, in the value's unit.
    signal : exponential average of ``macd``.
    histogram : macd - signal.
    """

    macd: Floats
    signal: Floats
    histogram: Floats


@dataclass(frozen=True, slots=True)
class MACD(Fold[MACDRows]):
    """Difference of a fast and a slow exponential average, and its own average.

    macd = EMA(fast) - EMA(slow), signal = EMA(macd, signal), histogram = macd - signal. Both averages begin at valid
    row ``slow``, the fast one with the mean of its newest ``fast`` values there; the signal begins with the mean of
    its first ``signal`` values. All three are NaN before. A row with NaN or inf gives NaN and is passed over.

    Parameters
    ----------
    fast, slow : rows of the two averages, at least 2; fast < slow.
    signal : rows of the average of their difference, at least 2.

    Raises
    ------
    ParameterError
        When ``fast`` is not below ``slow``.

    Notes
    -----
    Source: Appel, G. (1979), The Moving Average Convergence-Divergence Trading Method; TA-Lib, MACD, with its seeds.

    Examples
    --------
    >>> rows, state = MACD(fast=2, slow=3, signal=2).run([1.0, 2.0, 3.0, 4.0, 6.0])
    >>> rows.macd.round(3).tolist()
    [nan, nan, nan, 0.5, 0.667]
    """

    inputs: ClassVar[tuple[str, ...]] = ("value",)
    row_type: ClassVar[type[MACDRows]] = MACDRows

    fast: int = 12
    slow: int = 26
    signal: int = 9

    def __post_init__(self) -> None:
        require_integer("fast", self.fast, minimum=2)
        require_integer("slow", self.slow, minimum=2)
        require_integer("signal", self.signal, minimum=2)
        if self.fast >= self.slow:
            raise ParameterError(f"fast is {self.fast} and slow {self.slow}: fast needs to be fewer rows than slow")

    @property
    def min_observations(self) -> int:
        """Valid rows before all three are defined."""
        return self.slow + self.signal - 1

    def run(self, value: ArrayLike, state: State | None = None) -> tuple[MACDRows, State]:
        """Fold T values, (T,), into rows and the next state."""
        return self._fold(state, value)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, SIGNAL + SMOOTHER))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        (value,) = columns
        _macd_kernel(value, self.fast, self.slow, self.signal, values, out)


@kernel
def _macd_kernel(value: Floats, fast: int, slow: int, signal: int, states: Floats, out: Floats) -> None:
    fast_alpha, slow_alpha, signal_alpha = 2.0 / (fast + 1.0), 2.0 / (slow + 1.0), 2.0 / (signal + 1.0)
    for pair in range(states.shape[0]):
        state = states[pair]
        quick, calm, average = state[FAST:SLOW], state[SLOW:SIGNAL], state[SIGNAL:]
        for t in range(value.shape[1]):
            new = value[pair, t]
            out[:, pair, t] = np.nan
            if not np.isfinite(new):
                continue
            state[COUNT] += 1.0
            slow_mean = push_smoothed(calm, new, slow, slow_alpha)
            if state[COUNT] <= slow - fast:  # so that the fast average begins where the slow one does
                continue
            fast_mean = push_smoothed(quick, new, fast, fast_alpha)
            if state[COUNT] < slow:
                continue
            difference = fast_mean - slow_mean
            mean = push_smoothed(average, difference, signal, signal_alpha)
            if state[COUNT] >= slow + signal - 1:
                out[0, pair, t] = difference
                out[1, pair, t] = mean
                out[2, pair, t] = difference - mean
