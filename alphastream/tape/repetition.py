"""A recording that is played again and again: which rows of it belong together."""

from dataclasses import dataclass
from itertools import pairwise

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

    def longest_lap(self, start_ns: int, end_ns: int) -> tuple[int, int]:
        """The longest part of a time that lies within one lap, the newest of those: in it no trade comes twice.

        >>> Repetition(0, 100).longest_lap(30, 90), Repetition(0, 100).longest_lap(30, 520)
        ((30, 90), (400, 500))
        """
        first, last = ((time_ns - self.start_ns) // self.period_ns for time_ns in (start_ns, end_ns - 1))
        seams = [self.start_ns + lap * self.period_ns for lap in range(max(first + 1, last - 1), last + 1)]
        edges = [start_ns, *seams, end_ns] if last - first <= 2 else [*seams, end_ns]
        return max(pairwise(edges), key=lambda part: (part[1] - part[0], part[1]))


def within_one_lap(repetition: Repetition, end_ns: Ints, look_back: int) -> Ints:
    """Rows, (T,), whose ``look_back`` newest rows, itself included, belong to one lap: 1 where they do, else 0.

    Rows with fewer before them look back as far as there are rows.
    """
    laps = repetition.laps(end_ns)
    first = np.maximum(np.arange(len(laps)) - look_back + 1, 0)
    same: Ints = (laps[first] == laps).astype(np.int64)
    return same
