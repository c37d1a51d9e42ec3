"""A recording that is played again and again: which rows of it belong together."""

from dataclasses import dataclass

import numpy as np

from alphastream.core.types import Ints


@dataclass(frozen=True, slots=True)
class Repetition:
    """A recording that is played again and again.

    Parameters
    ----------
    start_ns : when one of its laps began.
    period_ns : from one lap to the next.
    """

    start_ns: int
    period_ns: int

    def laps(self, time_ns: Ints) -> Ints:
        """The lap in which the trades just before each moment fall."""
        laps: Ints = (time_ns - 1 - self.start_ns) // self.period_ns
        return laps


def within_one_lap(repetition: Repetition, end_ns: Ints, look_back: int) -> Ints:
    """Rows, (T,), whose ``look_back`` newest rows, itself included, belong to one lap: 1 where they do, else 0.

    Rows with fewer before them look back as far as there are rows.
    """
    laps = repetition.laps(end_ns)
    first = np.maximum(np.arange(len(laps)) - look_back + 1, 0)
    same: Ints = (laps[first] == laps).astype(np.int64)
    return same
