"""What a tape holds of one symbol in memory: the newest ticks, the ids it has seen, and the values it answers with.

Ids decide what is new and what is missing; time never does. Pure: no thread, no file, no clock. The owner holds a lock
around every call and hands over the time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from alphastream.core.units import SECOND
from alphastream.errors import ParameterError
from alphastream.events import Tick
from alphastream.tape.columns import TickColumns, empty
from alphastream.tape.id_ranges import IdRuns

_FIRST_ROWS: Final = 1_024
_SPARE: Final = 3  # a third of the ring is room for what comes, so that moving costs a few copies a tick
_NEW, _REFILLED, _DUPLICATE, _BACKWARDS, _SUSPECT = range(5)
MOST_SKIPPED: Final = 1_000_000  # ids that may be missing before a tick without a second one to confirm it
_CONTRADICTION_NS: Final = SECOND  # an id is of one trade: its time may not differ by more
_SUSPECT_FOR_NS: Final = 10 * SECOND
_MOST_SUSPECTS: Final = 1_000
_NONE: Final = empty()


class Gap(NamedTuple):
    """A range of missing trade ids, both ends inclusive."""

    first_id: int
    last_id: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the store holds of one symbol: from where to where, and whether all of it.

    ``first_ns`` and ``last_ns`` are the trade times of the ticks with the smallest and the largest id. ``epoch`` counts
    how many times the venue's ids have begun anew: all of this is since the last time. ``missing`` is None where the
    venue's ids prove nothing: then nobody knows.
    """

    first_id: int
    last_id: int
    first_ns: int
    last_ns: int
    ticks: int
    missing: int | None
    epoch: int = 0

    @property
    def complete(self) -> bool:
        """True when no id between the first and the last is missing; where that cannot be known it is not claimed."""
        return self.missing == 0

    @property
    def is_known(self) -> bool:
        """True where the ids say whether any is missing."""
        return self.missing is not None

    def counting(self, ticks: int) -> "Coverage":
        """Return the same with another count of ticks."""
        return replace(self, ticks=ticks)


class TickBatch(Sequence[Tick]):
    """Ticks in order of arrival, with the place to go on from; as columns, or one by one.

    Parameters
    ----------
    symbol, columns : whose ticks, and what they are.
    cursor : pass it to the next ``since``.
    missed : ticks that left the ring between the cursor asked for and the first one here.
    """

    def __init__(self, symbol: str, columns: TickColumns, cursor: int, missed: int) -> None:
        self.symbol, self.columns = symbol, columns
        self.cursor, self.missed = cursor, missed

    @cached_property
    def _ticks(self) -> list[Tick]:
        return self.columns.ticks(self.symbol)

    def __len__(self) -> int:
        return len(self.columns)

    @overload
    def __getitem__(self, at: int) -> Tick: ...
    @overload
    def __getitem__(self, at: slice) -> list[Tick]: ...
    def __getitem__(self, at: int | slice) -> Tick | list[Tick]:
        return self._ticks[at]


class Series(NamedTuple):
    """Trades of one symbol whose ids go on from each other. The next epoch begins where the venue counts anew."""

    symbol: str
    epoch: int


class Admission(NamedTuple):
    """What became of ticks that came: columns of the new ones and of those that were given up and have come again."""

    series: Series
    new: TickColumns
    refilled: TickColumns
    backwards: TickColumns
    duplicates: int


class SymbolRing:
    """One symbol in memory: its newest ticks and the ids it has seen. Not thread-safe: the owner holds a lock.

    Parameters
    ----------
    symbol : whose ticks these are.
    ring_ticks : newest ticks to hold.
    retention_ns : how far behind the newest tick the file keeps them; None keeps all.
    numbered : ids are contiguous where nothing is missing. Else they ascend and tell trades apart, no more: ``seen`` is
        one run from the first to the last, and what comes late is new where it is not held.
    """

    def __init__(self, symbol: str, ring_ticks: int, retention_ns: int | None = None, *, numbered: bool = True) -> None:
        self.symbol, self._numbered = symbol, numbered
        self.seen = IdRuns()
        self.lost = IdRuns()  # seen, but given up before it was durable
        self._absent = IdRuns()  # was in the file, and was not sound when it was opened
        self._newest_id, self._newest_ns = -1, 0
        self._newest_row: TickColumns | None = None  # the tick of that id; it is asked for less often than it changes
        self.first_ns = 0
        self._retention_ns = retention_ns
        self.suspects = _NONE  # of ids that contradict what is known, until a second one goes on from them
        self._suspected_ns = 0
        self._epoch = self._begun = 0  # and the sequence number of the last tick before it
        self._ring_ticks = ring_ticks
        self._columns = empty(min(ring_ticks, _FIRST_ROWS))  # what is held ends at _end, before it lie older ticks
        self._end = 0
        self._arrived = 0  # sequence number of the newest tick in the ring

    @property
    def newest(self) -> Tick | None:
        """The tick with the largest id: a late gap filler is not the last trade."""
        return None if self._newest_row is None else self._newest_row.ticks(self.symbol)[0]

    @property
    def series(self) -> Series:
        """What is admitted now."""
        return Series(self.symbol, self._epoch)

    def restore(self, runs: IdRuns, absent: IdRuns, newest: TickColumns, first_ns: int, epoch: int = 0) -> None:
        """Take over what the file holds, and what it should hold; again when another process has written to it.

        Parameters
        ----------
        newest : ticks of it that readers have not seen yet.
        """
        if epoch != self._epoch:
            self._begin_epoch()
        self.seen, self._absent, self.first_ns, self._epoch = runs, absent, first_ns, epoch
        self.lost = self.lost.without(self.lost.without(runs))  # what the file knows to be absent may come again
        self._put(newest)

    def follow(self, runs: IdRuns, newest: TickColumns, first_ns: int) -> None:
        """Count what a file holds that has taken the place of the one before, and show what is newer than all here."""
        first_id = self.seen.first
        if runs.first is not None and (first_id is None or runs.first < first_id):
            self.first_ns = first_ns
        self._put(newest.rows(newest.id > self._newest_id))
        self.seen, self.lost = self.seen.union(runs), self.lost.without(runs)
        if not self._numbered:
            self._span()

    def admit(self, ticks: TickColumns, now_ns: int) -> list[Admission]:
        """Decide by their ids what ticks are, and put new ones into the ring.

        "refilled" is an id that was given up before it was durable and has come again: readers have seen it.
        "backwards" is an id below the first known one whose time does not say that it is older history that retention
        keeps.

        One tick whose id cannot be right is set aside: an id that is known or below the first, at a later time, or one
        that would make more than ``MOST_SKIPPED`` missing. A second one that goes on from it within ten seconds makes
        both true: the venue counts anew and the next epoch begins, or so many are missing indeed. Otherwise they are
        given back as "backwards".
        """
        if not self._numbered:
            return [self._admit_unnumbered(ticks, now_ns)]
        last_id = self.seen.last
        if (last_id is None or int(ticks.id[-1]) - last_id <= MOST_SKIPPED) and self.seen.extend(ticks.id):
            if last_id is None:
                self.first_ns = int(ticks.time_ns[0])
            self._put(ticks, len(ticks) - 1)
            return [Admission(self.series, ticks, _NONE, _NONE, 0)]
        verdicts = np.array(
            [self._verdict(*row, now_ns) for row in zip(ticks.id.tolist(), ticks.time_ns.tolist(), strict=True)],
            dtype=np.int8,
        )
        new = ticks.rows(verdicts == _NEW)
        self._put(new)
        known = np.flatnonzero(verdicts == _DUPLICATE)
        verdicts[known[self._contradict(ticks.rows(known))]] = _SUSPECT
        admission = Admission(
            self.series,
            new,
            ticks.rows(verdicts == _REFILLED),
            ticks.rows(verdicts == _BACKWARDS),
            int((verdicts == _DUPLICATE).sum()),
        )
        suspects = ticks.rows(verdicts == _SUSPECT)
        return [admission, *self._judge(suspects, now_ns)] if len(suspects) else [admission]

    def _admit_unnumbered(self, ticks: TickColumns, now_ns: int) -> Admission:
        """Take what is newer than all, older than all, or between what is held and not among it."""
        came, ticks = len(ticks), TickColumns.merged([ticks])
        first_id, last_id = self.seen.first, self.seen.last
        again = np.array(
            [self.lost.discard(number) for number in ticks.id.tolist()] if self.lost else [False] * len(ticks)
        )
        if first_id is None or last_id is None:
            is_new = np.ones(len(ticks), dtype=np.bool_)
            self.first_ns = int(ticks.time_ns[0])
        else:
            is_new = ticks.id > last_id
            is_older = (ticks.id < first_id) & (ticks.time_ns >= self.oldest_kept_ns(now_ns))
            if not is_new.all():
                held = self._held().id
                oldest = max(int(held.min(initial=last_id)), first_id)
                is_new |= is_older | ((ticks.id > oldest) & ~np.isin(ticks.id, held))
            if is_older.any():
                self.first_ns = int(ticks.time_ns[0])
        is_new &= ~again
        new = ticks.rows(is_new)
        if len(new):
            ends = [int(new.id[0]), int(new.id[-1]), *(each for each in (first_id, last_id) if each is not None)]
            self.seen = IdRuns([(min(ends), max(ends))])
        self._put(new)
        refilled = ticks.rows(again)
        return Admission(self.series, new, refilled, _NONE, came - len(new) - len(refilled))

    def _span(self) -> None:
        if self.seen.first is not None and self.seen.last is not None:
            self.seen = IdRuns([(self.seen.first, self.seen.last)])

    def _verdict(self, number: int, time_ns: int, now_ns: int) -> int:
        first_id, last_id = self.seen.first, self.seen.last
        if first_id is None or last_id is None:
            self.first_ns = time_ns
        elif number < first_id:
            if time_ns > self.first_ns + _CONTRADICTION_NS:
                return _SUSPECT
            if not self.oldest_kept_ns(now_ns) <= time_ns <= self.first_ns:
                return _BACKWARDS
            self.first_ns = time_ns
        elif number > last_id + MOST_SKIPPED:
            is_late = self._newest_row is not None and time_ns < self._newest_ns - _CONTRADICTION_NS
            return _BACKWARDS if is_late else _SUSPECT
        if not self.seen.add(number):
            return _REFILLED if self.lost and self.lost.discard(number) else _DUPLICATE
        return _NEW

    def _contradict(self, known: TickColumns) -> npt.NDArray[np.bool_]:
        """Which ticks of known ids traded later than the tick that had the id before, or the next one that is held."""
        if not len(known) or self._newest_row is None:
            return np.zeros(len(known), dtype=np.bool_)
        held = self._held()
        held = held.rows(slice(max(0, len(held) - (self._arrived - self._begun)), None))
        if not len(held):
            return np.asarray(known.time_ns - self._newest_ns > _CONTRADICTION_NS)
        order = np.argsort(held.id, kind="stable")
        place = np.minimum(np.searchsorted(held.id, known.id, sorter=order), len(held) - 1)
        return np.asarray(known.time_ns - held.time_ns[order[place]] > _CONTRADICTION_NS)

    def _judge(self, suspects: TickColumns, now_ns: int) -> list[Admission]:
        """Hold suspects against those that wait: the admissions of those that go on from each other."""
        is_over = now_ns - self._suspected_ns > _SUSPECT_FOR_NS
        over, waiting = (self.suspects, _NONE) if is_over else (_NONE, self.suspects)
        found = TickColumns.merged([waiting, suspects])
        goes_on = (np.diff(found.id) == 1) & (np.diff(found.time_ns) >= 0)
        confirmed = np.append(goes_on, False) | np.append(False, goes_on)
        last_id = self.seen.last or 0
        anew = confirmed & (found.id <= last_id)
        taken = anew if anew.any() else confirmed
        rest = found.rows(~taken)
        cut = max(0, len(rest) - _MOST_SUSPECTS)
        self.suspects, self._suspected_ns = rest.rows(slice(cut, None)), now_ns
        admissions = [Admission(self.series, _NONE, _NONE, TickColumns.joined([over, rest.rows(slice(cut))]), 0)]
        if taken.any():
            if anew.any():
                self._begin_epoch()
            new = found.rows(taken)
            if self.seen.first is None:
                self.first_ns = int(new.time_ns[0])
            self.seen.extend(new.id)
            self._put(new)
            admissions.append(Admission(self.series, new, _NONE, _NONE, 0))
        return admissions

    def _begin_epoch(self) -> None:
        self._epoch, self._begun = self._epoch + 1, self._arrived
        self.seen, self.lost, self._absent = IdRuns(), IdRuns(), IdRuns()
        self._newest_id, self._newest_ns, self._newest_row = -1, 0, None

    def _put(self, ticks: TickColumns, newest: int | None = None) -> None:
        """Write ticks behind the others; of more than the ring holds, the last.

        Parameters
        ----------
        newest : the row with the largest id, where that is known.
        """
        if not len(ticks):
            return
        place = int(ticks.id.argmax()) if newest is None else newest
        newest_id = int(ticks.id[place])
        if newest_id > self._newest_id:
            self._newest_id, self._newest_ns = newest_id, int(ticks.time_ns[place])
            self._newest_row = ticks.rows(slice(place, place + 1))
        self._arrived += len(ticks)
        if len(ticks) > self._ring_ticks:
            ticks = ticks.rows(slice(len(ticks) - self._ring_ticks, None))
        if self._end + len(ticks) > len(self._columns):
            self._make_room(len(ticks))
        begin, self._end = self._end, self._end + len(ticks)
        for held, column in zip(self._columns.arrays(), ticks.arrays(), strict=True):
            held[begin : self._end] = column

    def _make_room(self, rows: int) -> None:
        """Move what the ring still holds to the beginning, of longer arrays while it is not full."""
        kept = self._held()
        longest = self._ring_ticks + max(self._ring_ticks // _SPARE, rows)
        columns = empty(max(min(2 * (len(kept) + rows), longest), len(kept) + rows))
        for held, column in zip(columns.arrays(), kept.arrays(), strict=True):
            held[: len(kept)] = column
        self._columns, self._end = columns, len(kept)

    def _held(self) -> TickColumns:
        return self._columns.rows(slice(max(0, self._end - self._ring_ticks), self._end))

    def since(self, cursor: int | None) -> TickBatch:
        """What was admitted after the cursor; ParameterError for a cursor that was never given out."""
        held = min(self._end, self._ring_ticks)
        behind = held if cursor is None else self._arrived - cursor
        if behind < 0 or (cursor is not None and cursor < 0):
            raise ParameterError(
                f"cursor {cursor} was never given out for {self.symbol} (newest is {self._arrived}): a cursor is good "
                "for one opened store, begin with None"
            )
        columns = self._columns.rows(slice(self._end - min(behind, held), self._end))
        return TickBatch(self.symbol, columns, self._arrived, max(0, behind - held))

    def oldest_kept_ns(self, now_ns: int) -> int:
        """The time before which retention deletes. A tick from the future does not widen what it deletes."""
        if self._retention_ns is None or self._newest_row is None:
            return 0
        return min(self._newest_ns, now_ns) - self._retention_ns

    def drop_below(self, first_id: int, first_ns: int) -> None:
        """Follow a deletion of old ticks from the file. The ring keeps what it has."""
        self.seen.drop_below(first_id)
        self.lost.drop_below(first_id)
        self._absent.drop_below(first_id)
        self.first_ns = first_ns

    def gaps(self) -> list[Gap]:
        """Ids never seen, given up, or lost by the file, adjacent ones joined; none where ids are not numbered."""
        return [Gap(*pair) for pair in self._missing().pairs()] if self._numbered else []

    def _missing(self) -> IdRuns:
        if not self._absent:
            return IdRuns(self.seen.gaps()).union(self.lost)
        known = self.seen.union(self._absent)
        return IdRuns(known.gaps()).union(self.lost).union(self._absent.without(self.seen))

    def coverage(self) -> Coverage | None:
        """From where to where the ids go and how many are missing; None before the first tick.

        Of ids that are not contiguous, ``ticks`` counts those in memory.
        """
        first_id = self.seen.first
        if self._newest_row is None or first_id is None:
            return None
        if not self._numbered:
            held = min(self._end, self._ring_ticks)
            return Coverage(first_id, self._newest_id, self.first_ns, self._newest_ns, held, None, self._epoch)
        return Coverage(
            first_id,
            self._newest_id,
            self.first_ns,
            self._newest_ns,
            len(self.seen) - len(self.lost),
            len(self._missing()) if self.lost or self._absent else self.seen.missing,
            self._epoch,
        )
