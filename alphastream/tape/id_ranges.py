"""A set of integer ids kept as sorted contiguous runs, so that what is missing can be named.

A venue numbers its trades without holes. A million of them in a row are one pair of numbers here, and every hole is
the space between two pairs.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Self

import numpy as np
from numpy.typing import NDArray

from alphastream.core.types import Ints
from alphastream.errors import ParameterError


class IdRuns:
    """Ids as runs [first, last], both inclusive, in ascending order and never touching each other.

    Appending the next id takes constant time, anything else a bisection (and a list insertion when a new run opens).
    Not thread-safe: the owner holds a lock.

    Parameters
    ----------
    pairs : runs as ``pairs()`` gave them. ParameterError if one is reversed or not beyond the one before.

    Examples
    --------
    >>> runs = IdRuns([(1, 3), (7, 8)])
    >>> runs.gaps(), runs.missing, len(runs)
    ([(4, 6)], 3, 5)
    >>> runs.add(5), runs.add(5), runs.gaps()
    (True, False, [(4, 4), (6, 6)])
    >>> runs.extend(np.array([9, 10, 20])), runs.pairs()[-2:]
    (True, [(7, 10), (20, 20)])
    """

    __slots__ = ("_count", "_firsts", "_lasts")

    def __init__(self, pairs: Iterable[tuple[int, int]] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        self._count = 0
        for first, last in pairs:
            if last < first or (self._lasts and first <= self._lasts[-1] + 1):
                before = (self._firsts[-1], self._lasts[-1]) if self._lasts else None
                raise ParameterError(
                    f"run ({first}, {last}) after {before}: runs need first <= last, ascending order and a hole between"
                )
            self._firsts.append(first)
            self._lasts.append(last)
            self._count += last - first + 1

    @classmethod
    def of(cls, ids: Ints) -> Self:
        """Take ids, (n,), in strictly ascending order; ParameterError for others."""
        runs = cls()
        if len(ids) and not runs.extend(ids):
            raise ParameterError(f"{len(ids)} ids are not in ascending order: sort them, each once")
        return runs

    @classmethod
    def joined(cls, pairs: Iterable[tuple[int, int]]) -> Self:
        """Take runs in any order, that may touch or lie over each other; ParameterError for a reversed one.

        Examples
        --------
        >>> IdRuns.joined([(7, 9), (1, 3), (2, 4), (5, 5)])
        IdRuns([(1, 5), (7, 9)])
        """
        joined: list[tuple[int, int]] = []
        for first, last in sorted(pairs):
            if joined and first <= joined[-1][1] + 1:
                joined[-1] = (joined[-1][0], max(joined[-1][1], last))
            else:
                joined.append((first, last))
        return cls(joined)

    @property
    def first(self) -> int | None:
        """The smallest id, None when empty."""
        return self._firsts[0] if self._firsts else None

    @property
    def last(self) -> int | None:
        """The largest id, None when empty."""
        return self._lasts[-1] if self._lasts else None

    @property
    def missing(self) -> int:
        """How many ids between the first and the last are not here."""
        return self._lasts[-1] - self._firsts[0] + 1 - self._count if self._firsts else 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, wanted: object) -> bool:
        if not isinstance(wanted, int):
            return False
        at = bisect_right(self._firsts, wanted) - 1
        return at >= 0 and wanted <= self._lasts[at]

    def __iter__(self) -> Iterator[int]:
        for first, last in zip(self._firsts, self._lasts, strict=True):
            yield from range(first, last + 1)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, IdRuns):
            return NotImplemented
        return self._firsts == other._firsts and self._lasts == other._lasts

    __hash__ = None  # type: ignore[assignment]  # mutable, like a set

    def __repr__(self) -> str:
        return f"IdRuns({self.pairs()})"

    def extend(self, ids: Ints) -> bool:
        """Take in strictly ascending ids, (n,), beyond the last one; False, and nothing done, for any others."""
        last = self._lasts[-1] if self._lasts else -2
        if not len(ids) or ids[0] <= last or not (ids[1:] > ids[:-1]).all():
            return False
        firsts, lasts = [int(ids[0])], [int(ids[-1])]
        if lasts[0] - firsts[0] >= len(ids):  # some are left out
            ends = np.flatnonzero(ids[1:] - ids[:-1] != 1)
            firsts += ids[ends + 1].tolist()
            lasts = ids[ends].tolist() + lasts
        if firsts[0] == last + 1:
            self._lasts.pop()
            firsts = firsts[1:]
        self._firsts += firsts
        self._lasts += lasts
        self._count += len(ids)
        return True

    def add(self, new: int) -> bool:
        """Take an id in; False when it is already here."""
        firsts, lasts = self._firsts, self._lasts
        if lasts and new == lasts[-1] + 1:
            lasts[-1] = new
            self._count += 1
            return True
        at = bisect_right(firsts, new)  # the run before is at - 1, the run after is at
        if at and new <= lasts[at - 1]:
            return False
        joins_before = at > 0 and lasts[at - 1] == new - 1
        joins_after = at < len(firsts) and firsts[at] == new + 1
        if joins_before and joins_after:
            lasts[at - 1] = lasts[at]
            del firsts[at], lasts[at]
        elif joins_before:
            lasts[at - 1] = new
        elif joins_after:
            firsts[at] = new
        else:
            firsts.insert(at, new)
            lasts.insert(at, new)
        self._count += 1
        return True

    def discard(self, old: int) -> bool:
        """Take an id out; False when it is not here."""
        firsts, lasts = self._firsts, self._lasts
        at = bisect_right(firsts, old) - 1
        if at < 0 or old > lasts[at]:
            return False
        first, last = firsts[at], lasts[at]
        parts = [(a, b) for a, b in ((first, old - 1), (old + 1, last)) if a <= b]
        firsts[at : at + 1] = [a for a, _ in parts]
        lasts[at : at + 1] = [b for _, b in parts]
        self._count -= 1
        return True

    def drop_below(self, floor: int) -> int:
        """Forget every id below ``floor`` and return how many. The known range then begins at the first one kept."""
        at = bisect_right(self._lasts, floor - 1)
        dropped = sum(self._lasts[i] - self._firsts[i] + 1 for i in range(at))
        del self._firsts[:at], self._lasts[:at]
        if self._firsts and self._firsts[0] < floor:
            dropped += floor - self._firsts[0]
            self._firsts[0] = floor
        self._count -= dropped
        return dropped

    def gaps(self) -> list[tuple[int, int]]:
        """The missing ranges between the first and the last id, ascending, both ends inclusive."""
        return [(last + 1, first - 1) for last, first in zip(self._lasts, self._firsts[1:], strict=False)]

    def among(self, ids: Ints) -> NDArray[np.bool_]:
        """Return which of the ids, shape (n,), are here, in any order.

        Examples
        --------
        >>> IdRuns([(1, 3), (7, 8)]).among(np.array([8, 5, 1])).tolist()
        [True, False, True]
        """
        if not self._firsts:
            return np.zeros(len(ids), dtype=np.bool_)
        firsts, lasts = np.array(self._firsts), np.array(self._lasts)
        at = np.searchsorted(firsts, ids, side="right") - 1
        return np.asarray((at >= 0) & (ids <= lasts[at]))

    def pairs(self) -> list[tuple[int, int]]:
        """The runs as (first, last), ascending: what the constructor takes."""
        return list(zip(self._firsts, self._lasts, strict=True))

    def union(self, others: "IdRuns") -> "IdRuns":
        """Return the ids that are here or among the others."""
        return IdRuns.joined([*self.pairs(), *others.pairs()])

    def without(self, others: "IdRuns") -> "IdRuns":
        """Return the ids that are here and not among the others."""
        left: list[tuple[int, int]] = []
        for first, last in self.pairs():
            at = bisect_right(others._lasts, first - 1)
            while at < len(others._firsts) and others._firsts[at] <= last:
                if others._firsts[at] > first:
                    left.append((first, others._firsts[at] - 1))
                first = others._lasts[at] + 1
                at += 1
            if first <= last:
                left.append((first, last))
        return IdRuns(left)

    def copy(self) -> "IdRuns":
        """Return an independent set of the same ids."""
        twin = IdRuns()
        twin._firsts, twin._lasts, twin._count = self._firsts.copy(), self._lasts.copy(), self._count
        return twin
