"""How many rows a year has at the pace of those seen so far."""

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats
from alphastream.estimators.fold import COUNT, Fold, State

YEAR_NS: Final = 365.25 * 86_400 * 10**9
HALF_LIFE_NS: Final = 30.0 * 86_400 * 10**9  # four weekends count, and last year's sessions do not
LAST, ROWS, TIME, SIZE = 1, 2, 3, 4


@dataclass(frozen=True, slots=True, eq=False)
class RowPaceRows:
    """``rows_per_year`` has shape (T,); NaN in the first row."""

    rows_per_year: Floats


@dataclass(frozen=True, slots=True)
class RowPace(Fold[RowPaceRows]):
    """Rows in 365.25 days at the pace so far, nights, weekends and bars without a trade included.

    Rows and the time they took are counted with weights that halve in 30 days. Until a night or a weekend has been
    seen, the pace is that of a session.

    A time that is NaN, inf or not after the last one gives NaN and is passed over.

    Examples
    --------
    Two rows of an hour, then one after a night of 22 hours: three rows a day.

    >>> hour = 3_600 * 10**9
    >>> rows, state = RowPace().run([0, hour, 2 * hour, 24 * hour])
    >>> (rows.rows_per_year / 365.25).round(1).tolist()
    [nan, 24.0, 24.0, 3.0]
    """

    inputs: ClassVar[tuple[str, ...]] = ("time_ns",)
    row_type: ClassVar[type[RowPaceRows]] = RowPaceRows

    @property
    def min_observations(self) -> int:
        """Two rows have a time between them."""
        return 2

    def run(self, time_ns: ArrayLike, state: State | None = None) -> tuple[RowPaceRows, State]:
        """Fold T times, (T,) in ns, into paces and the next state."""
        return self._fold(state, time_ns)

    def _begin(self, pairs: int) -> Floats:
        return np.zeros((pairs, SIZE))

    def _advance(self, columns: list[Floats], values: Floats, out: Floats) -> None:
        (time_ns,) = columns
        _pace_kernel(time_ns, values, out)


@kernel
def _pace_kernel(time_ns: Floats, states: Floats, out: Floats) -> None:
    for pair in range(states.shape[0]):
        state = states[pair]
        for t in range(time_ns.shape[1]):
            now = time_ns[pair, t]
            out[0, pair, t] = np.nan
            if not np.isfinite(now) or (state[COUNT] > 0.0 and now <= state[LAST]):
                continue
            if state[COUNT] > 0.0:
                gap = now - state[LAST]
                kept = 0.5 ** (gap / HALF_LIFE_NS)
                state[ROWS] = kept * state[ROWS] + 1.0
                state[TIME] = kept * state[TIME] + gap
                out[0, pair, t] = YEAR_NS * state[ROWS] / state[TIME]
            state[LAST] = now
            state[COUNT] += 1.0
