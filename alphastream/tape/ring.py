"""What a tape holds of one symbol in memory: the newest ticks, the ids it has seen, and the values it answers with.

Ids decide what is new and what is missing; time never does. Pure: no thread, no file, no clock. The owner holds a lock
around every call and hands over the time.
"""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice, repeat
from typing import Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from alphastream.errors import ParameterError
from alphastream.events import Tick
from alphastream.tape.id_ranges import IdRuns

INT64_MAX = 2**63 - 1


class Gap(NamedTuple):
    """A range of missing trade ids, both ends inclusive."""

    first_id: int
    last_id: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the store holds of one symbol: from where to where, and whether all of it.

    ``first_ns`` and ``last_ns`` are the trade times of the ticks with the smallest and the largest id.
    """

    first_id: int
    last_id: int
    first_ns: int
    last_ns: int
    ticks: int
    missing: int

    @property
    def complete(self) -> bool:
        """True when no id between the first and the last is missing."""
        return self.missing == 0


class TickBatch(list[Tick]):
    """Ticks in order of arrival, with the place to go on from.

    Parameters
    ----------
    cursor : pass it to the next ``since``.
    missed : ticks that left the ring between the cursor asked for and the first one here.
    """

    def __init__(self, ticks: Iterable[Tick], cursor: int, missed: int) -> None:
        super().__init__(ticks)
        self.cursor = cursor
        self.missed = missed


@dataclass(frozen=True, slots=True, eq=False)
class TickColumns:
    """Ticks of one symbol as arrays of one length, in ascending order of id."""

    id: npt.NDArray[np.int64]
    price: npt.NDArray[np.float64]
    quantity: npt.NDArray[np.float64]
    time_ns: npt.NDArray[np.int64]
    receive_ns: npt.NDArray[np.int64]
    buyer_is_maker: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.id)

    def ticks(self, symbol: str) -> list[Tick]:
        """Build one Tick a row."""
        return list(map(Tick, repeat(symbol), *(column.tolist() for column in self._arrays())))

    def _arrays(self) -> tuple[npt.NDArray[np.generic], ...]:
        return self.id, self.price, self.quantity, self.time_ns, self.receive_ns, self.buyer_is_maker

    @classmethod
    def of(cls, ticks: list[Tick]) -> Self:
        """Return the columns of ticks, in the order given."""
        return cls(
            np.array([t.id for t in ticks], dtype=np.int64),
            np.array([t.price for t in ticks], dtype=np.float64),
            np.array([t.quantity for t in ticks], dtype=np.float64),
            np.array([t.time_ns for t in ticks], dtype=np.int64),
            np.array([t.receive_ns for t in ticks], dtype=np.int64),
            np.array([t.buyer_is_maker for t in ticks], dtype=np.bool_),
        )

    @classmethod
    def merged(cls, parts: list[Self]) -> Self:
        """Return all rows of the parts by ascending id, an id that two parts hold once; at least one part."""
        order = np.unique(np.concatenate([part.id for part in parts]), return_index=True)[1]
        return cls(*(np.concatenate(arrays)[order] for arrays in zip(*(p._arrays() for p in parts), strict=True)))


class SymbolRing:
    """One symbol in memory: its newest ticks and the ids it has seen. Not thread-safe: the owner holds a lock.

    Parameters
    ----------
    symbol : whose ticks these are.
    ring_ticks : newest ticks to hold.
    retention_ns : how far behind the newest tick the file keeps them; None keeps all.
    """

    def __init__(self, symbol: str, ring_ticks: int, retention_ns: int | None = None) -> None:
        self.symbol = symbol
        self.seen = IdRuns()
        self.lost = IdRuns()  # seen, but given up before it was durable
        self.newest: Tick | None = None  # by id: a late gap filler is not the last trade
        self.first_ns = 0
        self._retention_ns = retention_ns
        self._ticks: deque[Tick] = deque(maxlen=ring_ticks)
        self._arrived = 0  # sequence number of the newest tick in the ring

    def restore(self, runs: IdRuns, newest: list[Tick], first_ns: int) -> None:
        """Take over what the file held when it was opened."""
        self.seen, self.first_ns = runs, first_ns
        self._ticks.extend(newest)
        self._arrived = len(self._ticks)
        self.newest = newest[-1] if newest else None

    def admit(self, tick: Tick, now_ns: int) -> Literal["new", "refilled", "duplicate", "backwards"]:
        """Decide by its id what a tick is, and put a new one into the ring.

        An id below the first known one is older history only if its time says so too and retention keeps it;
        otherwise the venue has begun to count anew, and taking it would claim a gap of billions. "refilled" is an id
        that was given up before it was durable and has come again: readers have seen it.
        """
        newest, first_id = self.newest, self.seen.first
        if newest is None or first_id is None:
            self.first_ns = tick.time_ns
        elif tick.id < first_id:
            if not self.oldest_kept_ns(now_ns) <= tick.time_ns <= self.first_ns:
                return "backwards"
            self.first_ns = tick.time_ns
        if not self.seen.add(tick.id):
            return "refilled" if self.lost and self.lost.discard(tick.id) else "duplicate"
        if newest is None or tick.id > newest.id:
            self.newest = tick
        self._ticks.append(tick)
        self._arrived += 1
        return "new"

    def since(self, cursor: int | None) -> TickBatch:
        """What was admitted after the cursor; ParameterError for a cursor that was never given out."""
        held = len(self._ticks)
        behind = held if cursor is None else self._arrived - cursor
        if behind < 0 or (cursor is not None and cursor < 0):
            raise ParameterError(
                f"cursor {cursor} was never given out for {self.symbol} (newest is {self._arrived}): a cursor is good "
                "for one opened store, begin with None"
            )
        ticks = list(islice(reversed(self._ticks), behind))
        ticks.reverse()
        return TickBatch(ticks, self._arrived, max(0, behind - held))

    def oldest_kept_ns(self, now_ns: int) -> int:
        """The time before which retention deletes. A tick from the future does not widen what it deletes."""
        if self._retention_ns is None or self.newest is None:
            return 0
        return min(self.newest.time_ns, now_ns) - self._retention_ns

    def drop_below(self, first_id: int, first_ns: int) -> None:
        """Follow a deletion of old ticks from the file. The ring keeps what it has."""
        self.seen.drop_below(first_id)
        self.lost.drop_below(first_id)
        self.first_ns = first_ns

    def gaps(self) -> list[Gap]:
        """Ids never seen and ids given up, adjacent ones joined."""
        gaps: list[Gap] = []
        for first, last in sorted(self.seen.gaps() + self.lost.pairs()):
            if gaps and gaps[-1].last_id + 1 == first:
                gaps[-1] = Gap(gaps[-1].first_id, last)
            else:
                gaps.append(Gap(first, last))
        return gaps

    def coverage(self) -> Coverage | None:
        """From where to where the ids go and how many are missing; None before the first tick."""
        first_id = self.seen.first
        if self.newest is None or first_id is None:
            return None
        lost = len(self.lost)
        return Coverage(
            first_id,
            self.newest.id,
            self.first_ns,
            self.newest.time_ns,
            len(self.seen) - lost,
            self.seen.missing + lost,
        )


def is_sound(tick: Tick) -> bool:
    """True for numbers that a trade can have and that the file can hold; NaN compares false."""
    return (
        0.0 < tick.price < math.inf
        and 0.0 < tick.quantity < math.inf
        and 0 <= tick.id <= INT64_MAX
        and 0 <= tick.time_ns <= INT64_MAX
        and 0 <= tick.receive_ns <= INT64_MAX
    )
