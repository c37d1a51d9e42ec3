"""From a z-score to a position, with hysteresis."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from alphastream.errors import ParameterError
from alphastream.estimators.fold import COUNT, Floats, Fold, State, kernel, require_number

POSITION, SIZE = 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class SignalRows:
    """``position`` has shape (T,): +1 long the spread, −1 short, 0 flat. It is wanted from the next row on."""

    position: Floats


@dataclass(frozen=True, slots=True)
class ThresholdSignal(Fold[SignalRows]):
    """Bet on a spread's return to its mean.

    Long where z ≤ −entry, short where z ≥ entry. A position is closed where z comes back within ±exit or jumps
    beyond it to the other side, and turned where it jumps as far as the other entry. NaN keeps the position.

    Parameters
    ----------
    entry : z-score that opens a position, > exit.
    exit : z-score that closes it, ≥ 0.

    Examples
    --------
    >>> rows, state = ThresholdSignal(entry=2.0, exit=0.5).run([-1.0, -2.5, -1.0, -0.4, 2.0, -0.6])
    >>> rows.position.tolist()
    [0.0, 1.0, 1.0, 0.0, -1.0, 0.0]
    """

    inputs: ClassVar[tuple[str, ...]] = ("zscore",)
    row_type: ClassVar[type[SignalRows]] = SignalRows

    entry: float
    exit: float

    def __post_init__(self) -> None:
        require_number("exit", self.exit, least=0.0)
        require_number("entry", self.entry, above=0.0)
        if self.entry <= self.exit:
            raise ParameterError(f"entry is {self.entry!r}, needs to be > exit, which is {self.exit!r}")

    @property
    def needed(self) -> int:
        """No rows: a signal is flat until the first z-score comes."""
        return 0

    def run(self, zscore: ArrayLike, state: State | None = None) -> tuple[SignalRows, State]:
        """Fold T z-scores, (T,), into positions and the next state."""
        return self._fold(state, zscore)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, SIZE))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        (zscore,) = columns
        _signal_kernel(zscore, values, out, float(self.entry), float(self.exit))


@kernel
def _signal_kernel(zscore: Floats, states: Floats, out: Floats, entry: float, leave: float) -> None:
    for pair in range(states.shape[0]):
        position = states[pair, POSITION]
        for t in range(zscore.shape[1]):
            z = zscore[pair, t]
            if np.isfinite(z):
                states[pair, COUNT] += 1.0
                if z <= -entry:
                    position = 1.0
                elif z >= entry:
                    position = -1.0
                elif (position > 0.0 and z >= -leave) or (position < 0.0 and z <= leave):
                    position = 0.0
            out[0, pair, t] = position
        states[pair, POSITION] = position
