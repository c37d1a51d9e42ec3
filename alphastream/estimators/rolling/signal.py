"""From a z-score to a position, with hysteresis."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import inf
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.core.validation import require_integer, require_number
from alphastream.errors import ParameterError
from alphastream.estimators.fold import COUNT, Fold, State

# Places in a state. HELD counts the rows since a position was opened; REST those of the cool-down that are left;
# BARRED is 1 from a stop until |z| has been inside the entry.
POSITION, HELD, REST, BARRED, SIZE = 1, 2, 3, 4, 5


@dataclass(frozen=True, slots=True, eq=False)
class SignalRows:
    """``position`` has shape (T,): +1 long the spread, −1 short, 0 flat. It is wanted from the next row on."""

    position: Floats


@dataclass(frozen=True, slots=True)
class ThresholdSignal(Fold[SignalRows]):
    """Bet on a spread's return to its mean.

    The rules of a row, the first that applies:

    1. A long with z ≤ −stop and a short with z ≥ stop are closed: the bet went wrong.
    2. Long where z ≤ −entry, short where z ≥ entry, from flat or from the other side; not beyond the stop, where a
       position would be closed again, and from flat not while the rest after a stop lasts.
    3. A position is closed where z is back at the exit or has jumped beyond it.
    4. A position that is ``time_stop`` rows old is closed, also where rule 2 would keep it.

    After rule 1 or 4 nothing is opened in the ``cool_down`` rows that follow, nor before |z| has been inside the
    entry once, that very row included. NaN keeps the position, and no count of rows includes its row.

    Parameters
    ----------
    entry : |z| that opens a position, > 0.
    exit : |z| that closes it, at most the entry; below 0 it waits until z is that far on the other side, at −entry it
        turns there and is never flat.
    stop : |z| on the side of the bet that gives it up, > entry; None for never.
    time_stop : rows after the one that opened a position, at least 1, until it is given up; None for never.
    cool_down : rows of rest after a stop of either kind.

    Examples
    --------
    >>> rows, state = ThresholdSignal(entry=2.0, exit=0.5).run([-1.0, -2.5, -1.0, -0.4, 2.0, -0.6])
    >>> rows.position.tolist()
    [0.0, 1.0, 1.0, 0.0, -1.0, 0.0]
    >>> rows, state = ThresholdSignal(entry=2.0, exit=0.5, stop=4.0).run([-2.5, -4.1, -3.0, -1.9, -2.0])
    >>> rows.position.tolist()
    [1.0, 0.0, 0.0, 0.0, 1.0]
    """

    inputs: ClassVar[tuple[str, ...]] = ("zscore",)
    row_type: ClassVar[type[SignalRows]] = SignalRows

    entry: float
    exit: float
    stop: float | None = None
    time_stop: int | None = None
    cool_down: int = 0

    def __post_init__(self) -> None:
        require_number("entry", self.entry, above=0.0)
        require_number("exit", self.exit, minimum=-self.entry)
        if self.entry < self.exit:
            raise ParameterError(f"entry is {self.entry!r}, needs to be ≥ exit, which is {self.exit!r}")
        if self.stop is not None:
            require_number("stop", self.stop, above=0.0)
            if self.stop <= self.entry:
                raise ParameterError(f"stop is {self.stop!r}, needs to be > entry, which is {self.entry!r}")
        if self.time_stop is not None:
            require_integer("time_stop", self.time_stop, minimum=1)
        require_integer("cool_down", self.cool_down, minimum=0)

    def __repr__(self) -> str:
        """The parameters that are not left out: a node's name is a column's name."""
        given = [(item.name, getattr(self, item.name)) for item in fields(self)]
        return f"ThresholdSignal({', '.join(f'{name}={value!r}' for name, value in given if _is_given(name, value))})"

    @property
    def min_observations(self) -> int:
        """No rows: a signal is flat until the first z-score comes."""
        return 0

    def run(self, zscore: ArrayLike, state: State | None = None) -> tuple[SignalRows, State]:
        """Fold T z-scores, (T,), into positions and the next state."""
        return self._fold(state, zscore)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, SIZE))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        (zscore,) = columns
        _signal_kernel(zscore, values, out, np.tile(self._numbers(), (len(values), 1)))

    def _numbers(self) -> Floats:
        """Parameters as the kernel takes them."""
        stop = inf if self.stop is None else self.stop
        time_stop = inf if self.time_stop is None else self.time_stop
        return np.array([self.entry, self.exit, stop, time_stop, self.cool_down], dtype=np.float64)


def positions_of(signals: Sequence[ThresholdSignal], zscore: ArrayLike) -> Floats:
    """Positions of several rules on one series of z-scores, (E, T): each as its own ``run`` gives them."""
    column = np.ascontiguousarray(zscore, dtype=np.float64).reshape(1, -1)
    out = np.empty((1, len(signals), column.shape[1]))
    _signal_kernel(column, np.zeros((len(signals), SIZE)), out, np.stack([signal._numbers() for signal in signals]))
    positions: Floats = out[0]
    return positions


def _is_given(name: str, value: float | None) -> bool:
    return name in ("entry", "exit") or (value is not None and value != 0)


@kernel
def _signal_kernel(
    zscore: Floats,
    states: Floats,
    out: Floats,
    rules: Floats,
) -> None:
    """One line of states for each rule; fewer lines of z-scores than rules serve in turn."""
    for pair in range(states.shape[0]):
        entry, leave, stop, time_stop, cool_down = rules[pair]
        series = zscore[pair % zscore.shape[0]]
        position, held = states[pair, POSITION], states[pair, HELD]
        rest, barred = states[pair, REST], states[pair, BARRED]
        count, positions = states[pair, COUNT], out[0, pair]
        t = -1
        while t + 1 < series.size:
            t += 1
            before = t  # most rows change nothing: they are passed over in loops that ask for no more than that
            if position != 0.0:
                while t < series.size and -stop < series[t] * position < -leave and held + 1.0 < time_stop:
                    positions[t] = position
                    held += 1.0
                    t += 1
            elif rest == 0.0 and barred == 0.0:
                while t < series.size and abs(series[t]) < entry:
                    positions[t] = 0.0
                    t += 1
            count += t - before
            if t == series.size:
                break
            z = series[t]
            if not np.isfinite(z):
                positions[t] = position
                continue
            count += 1.0
            wanted = position
            if position != 0.0:
                held += 1.0
                toward = z * position  # below −entry where the bet opens, above −exit where it is won
                if toward <= -stop:
                    wanted = 0.0
                    rest, barred = cool_down, 1.0
                elif toward >= entry and toward < stop:
                    wanted = -position
                elif toward > -entry and toward >= -leave:
                    wanted = 0.0
                elif held >= time_stop:
                    wanted = 0.0
                    rest = cool_down
                    barred = 1.0 if toward <= -entry else 0.0
                if wanted != position:
                    position, held = wanted, 0.0
            elif rest > 0.0:
                rest -= 1.0
                if abs(z) < entry:
                    barred = 0.0
            elif abs(z) < entry:
                barred = 0.0
            elif barred == 0.0 and abs(z) < stop:
                position, held = (1.0 if z < 0.0 else -1.0), 0.0
            positions[t] = position
        states[pair, COUNT], states[pair, POSITION], states[pair, HELD] = count, position, held
        states[pair, REST], states[pair, BARRED] = rest, barred
