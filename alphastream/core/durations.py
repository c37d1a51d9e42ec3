"""How often something took how long: counts in logarithmic buckets, in memory that does not grow."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

BOUNDS_S: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
"""Upper bounds of the buckets, inclusive, in seconds; one more bucket holds all that took longer."""

_BOUNDS_S: Final = np.array(BOUNDS_S)
_FEW: Final = 64  # fewer are counted as soon one by one, and without letting go of the interpreter's lock


@dataclass(frozen=True, slots=True)
class Durations:
    """Counts of durations at one moment.

    Parameters
    ----------
    counts : in each bucket of ``BOUNDS_S``, and of the longer ones; one value more than there are bounds.
    sum_s : of all durations, in seconds; negative ones, which two clocks can make, among them.
    """

    counts: tuple[int, ...] = (0,) * (len(BOUNDS_S) + 1)
    sum_s: float = 0.0

    @property
    def total(self) -> int:
        """How many were counted."""
        return sum(self.counts)

    def at_most_s(self, share: float) -> float | None:
        """Return the smallest bound that a share of all durations kept, in seconds.

        None before the first duration; infinity where the longest bucket is reached.

        >>> Durations((0, 98, 0, 2, *[0] * 13)).at_most_s(0.5)
        0.002
        """
        wanted, seen = share * self.total, 0
        if not self.total:
            return None
        for bound, count in zip((*BOUNDS_S, float("inf")), self.counts, strict=True):
            seen += count
            if seen >= wanted:
                return bound
        return float("inf")

    def __add__(self, other: "Durations") -> "Durations":
        counts = tuple(one + more for one, more in zip(self.counts, other.counts, strict=True))
        return Durations(counts, self.sum_s + other.sum_s)


class DurationHistogram:
    """Counts durations. One thread adds; any may take a snapshot."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS_S) + 1)
        self._sum_s = 0.0

    def add(self, seconds: npt.ArrayLike, weights: Sequence[int] | None = None) -> None:
        """Count durations.

        Parameters
        ----------
        seconds : (n,) finite values; one below 0 counts in the lowest bucket.
        weights : (n,) how many things took each; one where none are given.
        """
        values = np.atleast_1d(np.asarray(seconds, dtype=np.float64))
        if weights is None and len(values) < _FEW:
            few = values.tolist()
            for value in few:
                self._counts[bisect_left(BOUNDS_S, value)] += 1
            self._sum_s += sum(few)
            return
        places = np.searchsorted(_BOUNDS_S, values, side="left")
        counts = np.bincount(places, weights, minlength=len(self._counts))
        self._counts = [one + int(more) for one, more in zip(self._counts, counts.tolist(), strict=True)]
        self._sum_s += float(values.sum() if weights is None else values @ weights)

    def snapshot(self) -> Durations:
        """The counts as they are now."""
        return Durations(tuple(self._counts), self._sum_s)
