"""The SQLite file behind the tape: which instruments it holds, their blocks, and the ids that are there."""

import logging
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from alphastream.errors import StorageError
from alphastream.history.layout import DAY_NS
from alphastream.tape.columns import TickColumns, empty
from alphastream.tape.id_ranges import IdRuns
from alphastream.tape.ring import Series
from alphastream.tape_files import block_rows, instrument_rows, schema, sealed_rows
from alphastream.tape_files.block_rows import Keys
from alphastream.tape_files.sealed_rows import SealedFile
from runtime.stores import block_upkeep, numbering, run_rows
from runtime.stores.kept_file import KeptFile, total

log = logging.getLogger(__name__)

_SEALED_TICKS: Final = 1_000_000  # of one file


class Sealable(NamedTuple):
    """Ticks that may go to a file of the history.

    Parameters
    ----------
    blocks : where they stand now, all of which go.
    ticks : those that go, by ascending id.
    rest : those in the same blocks that stay.
    """

    series: Series
    blocks: tuple[Keys, ...]
    ticks: TickColumns
    rest: TickColumns


class TickFile(KeptFile):
    """The SQLite file. One thread writes; readers borrow connections of their own and never block it.

    Raises
    ------
    StorageError : the file is no tick store, cannot be read, or was closed.
    ERRORS : from what writes only; nothing of that transaction stays, ``explain`` says why.
    """

    def write(self, groups: Mapping[Series, TickColumns], cutoffs: Mapping[str, int]) -> dict[Series, tuple[int, int]]:
        """Make ticks durable, with the runs they complete and the deletion of what is too old, in one transaction.

        Parameters
        ----------
        groups : ticks of each series, in any order; ids that the file holds already are left out.
        cutoffs : time in ns a symbol before which ticks may go.

        Returns
        -------
        the id and time of the first tick kept, for each series of which something was deleted.
        """
        oldest: dict[Series, tuple[int, int]] = {}
        with self._connections.writing() as connection:
            instruments, all_runs = self._instruments.copy(), self.runs.copy()
            for series, ticks in groups.items():
                if series not in instruments:
                    instruments[series] = instrument_rows.insert(connection, series)
                instrument, runs = instruments[series], all_runs.get(series, IdRuns()).copy()
                new = ticks
                if not self.is_numbered:
                    new = self._not_held(connection, instrument, ticks, runs)
                    ends = (
                        IdRuns.joined((number, number) for number in new.id[[0, -1]].tolist()) if len(new) else IdRuns()
                    )
                    runs = numbering.span(runs.union(ends))
                elif not runs.extend(ticks.id):
                    new = ticks.rows(np.argsort(ticks.id, kind="stable"))
                    new = new.rows(np.array([runs.add(number) for number in new.id.tolist()], dtype=np.bool_))
                block_rows.insert(connection, instrument, new)
                if series.symbol in cutoffs and (
                    kept := block_upkeep.delete_old(connection, instrument, cutoffs[series.symbol])
                ):
                    oldest[series] = kept
                    runs.drop_below(kept[0])
                    connection.execute(
                        "DELETE FROM lost WHERE instrument_id = ? AND last_id < ?", (instrument, kept[0])
                    )
                    sealed_rows.delete(connection, instrument, kept[0])
                run_rows.save(connection, "runs", instrument, self.runs.get(series, IdRuns()), runs)
                all_runs[series] = runs
        self._instruments, self.runs = instruments, all_runs
        return oldest

    def merge(self, series: Series) -> None:
        """Put small blocks that follow each other together."""
        instrument = self._instruments[series]
        with self._connections.writing() as connection:
            for group in block_upkeep.mergeable(block_rows.keys_of(connection, instrument)):
                parts, damaged = block_rows.read(connection, instrument, group)
                if damaged:
                    self._damaged.add(series)
                    continue
                block_rows.delete(connection, instrument, [block.body_id for block in group])
                block_rows.insert(connection, instrument, TickColumns.merged(parts))

    @property
    def has_damage(self) -> bool:
        """Whether a block is not what was written, and is to be set aside."""
        return bool(self._damaged)

    def check_some(self, most: int = 20) -> bool:
        """Read a few blocks that were there when the file was opened; whether others are left to be read."""
        checked, self._unchecked = self._unchecked[-most:], self._unchecked[:-most]
        for series, block in checked:
            self._read(series, "body_id = ?", block.body_id)
        return bool(self._unchecked)

    def set_damage_aside(self) -> dict[Series, IdRuns]:
        """Move blocks that cannot be read out of the way; return by series the ids that the file has no more.

        Raises ``sqlite3.DatabaseError`` where more than blocks is damaged: then the file is to be salvaged.
        """
        lost: dict[Series, IdRuns] = {}
        damaged = self._damaged.copy()
        all_runs, all_lost = self.runs.copy(), self.lost.copy()
        with self._connections.writing() as connection:
            if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                raise sqlite3.DatabaseError("its pages contradict each other")  # sound blocks may be out of reach
            for series in damaged:
                instrument = self._instruments[series]
                held, unreadable = block_upkeep.read_ids(connection, instrument)
                all_runs[series] = _with_sealed(held, sealed_rows.load(connection, instrument))
                if unreadable:
                    if not self.is_numbered:
                        self.damaged += block_upkeep.ticks_in(connection, instrument, unreadable)
                    block_rows.set_aside(connection, instrument, unreadable)
                lost[series] = self.runs[series].without(all_runs[series])
                if not self.is_numbered:
                    all_runs[series], lost[series] = numbering.span(all_runs[series]), IdRuns()
                run_rows.save(connection, "runs", instrument, self.runs[series], all_runs[series])
                before = self.lost.get(series, IdRuns())
                absent = before.without(all_runs[series]).union(lost[series])
                run_rows.save(connection, "lost", instrument, before, absent)
                all_lost[series] = absent
                log.error(
                    "damaged blocks were set aside: path=%s symbol=%s epoch=%d blocks=%d ticks=%d, to be fetched again",
                    *(self._path, *series, len(unreadable), len(lost[series])),
                )
        self.runs, self.lost = all_runs, all_lost
        self._damaged -= damaged
        self.damaged += total(lost)
        return lost

    def leave_damage_out(self) -> dict[Series, IdRuns]:
        """Tell what cannot be read where the file is only read: nothing is moved.

        Returns
        -------
        ids that are not there any more and were when it was opened, by series; those met before are left out.
        """
        lost: dict[Series, IdRuns] = {}
        for series in self._damaged.copy():
            with self._connections.reading() as connection:
                blocks = block_rows.keys_of(connection, self._instruments[series], most=1)
                held, unreadable = block_upkeep.read_ids(connection, self._instruments[series])
                held = _with_sealed(held, sealed_rows.load(connection, self._instruments[series]))
            before = self.runs.get(series, IdRuns())
            gone = before.without(held) if self.is_numbered else IdRuns()
            gone.drop_below(blocks[0].first_id if blocks else 0)  # the process that writes may have deleted the oldest
            self.runs[series], self.lost[series] = before.without(gone), self.lost.get(series, IdRuns()).union(gone)
            self._left_out.update(unreadable)
            self._damaged.discard(series)
            lost[series] = gone
        self.damaged += total(lost)
        return lost

    def series(self) -> list[Series]:
        """Every series that the file has had ticks of."""
        return sorted(self._instruments.copy())

    def series_of(self, symbol: str) -> list[Series]:
        """The series of a symbol, oldest first."""
        return sorted(series for series in self._instruments.copy() if series.symbol == symbol)

    def window(self, symbol: str, start_ns: int, end_ns: int) -> dict[Series, TickColumns]:
        """Durable ticks with start_ns <= time < end_ns, by series and ascending id."""
        if self._read_only:
            with self._connections.reading() as connection:
                self._load_instruments(connection)  # the process that writes may have added some
        found = {}
        for series in self.series_of(symbol):
            ticks = self._read(series, "last_ns >= ? AND first_ns < ?", start_ns, end_ns, times=(start_ns, end_ns))
            found[series] = ticks.rows((ticks.time_ns >= start_ns) & (ticks.time_ns < end_ns))
        return found

    def newest(self, series: Series, count: int) -> TickColumns:
        """The ``count`` ticks with the largest ids, ascending."""
        with self._connections.reading() as connection:
            blocks = block_rows.keys_of(connection, self._instruments[series])
        total, first_id = 0, 0
        for block in reversed(blocks):
            total, first_id = total + block.ticks, block.first_id
            if total >= count:
                break
        ticks = self._read(series, "last_id >= ?", first_id)
        if len(ticks) < count:
            ticks = TickColumns.merged([self._newest_sealed(series, count - len(ticks)), ticks])
        return ticks.rows(slice(max(0, len(ticks) - count), None))

    def around(self, series: Series, trade_id: int) -> TickColumns:
        """The durable tick of an id, perhaps with its neighbours in the file; empty where it is not held."""
        if series not in self._instruments:
            return empty()
        ticks = self._read(series, "first_id <= ? AND last_id >= ?", trade_id, trade_id)
        if len(ticks):
            return ticks
        holding = [each for each in self._sealed(series) if trade_id in each.ids]
        return TickColumns.merged([*(self._cold.of_id(each, trade_id) for each in holding), empty()])

    def newest_of_each(self, count: int) -> dict[Series, tuple[TickColumns, int]]:
        """The newest ticks of the last series of each symbol, and the time of its first tick."""
        last = {series.symbol: series for series in sorted(self.runs)}
        return {
            series: (self.newest(series, count), self.first_ns(series))
            for series in last.values()
            if self.runs[series] or self.lost[series]
        }

    def count(self, series: Series) -> int:
        """How many ticks the blocks of a series hold, by their keys."""
        if series not in self._instruments:
            return 0
        with self._connections.reading() as connection:
            blocks = block_rows.keys_of(connection, self._instruments[series])
            sealed = sealed_rows.load(connection, self._instruments[series])
            return sum(block.ticks for block in blocks) + sum(each.ticks for each in sealed)

    def first_ns(self, series: Series) -> int:
        """Trade time of the tick with the smallest id; 0 where that cannot be read."""
        first = self.runs[series].first or 0
        ticks = self._read(series, "first_id = ?", first)
        if len(ticks):
            return int(ticks.time_ns[0])
        return next((each.first_ns for each in self._sealed(series) if each.ends[0] == first), 0)

    def _read(self, series: Series, condition: str, *values: int, times: tuple[int, int] | None = None) -> TickColumns:
        """Read blocks and, where times are given, what was sealed of these times: both as they are at one moment."""
        instrument = self._instruments[series]
        sealed: list[SealedFile] = []
        is_hot = times is None or (self._sealed_until_ns is not None and times[0] >= self._sealed_until_ns)
        with self._connections.reading() as connection:
            if times is not None and not is_hot:
                every = sealed_rows.load(connection, instrument)
                sealed = [each for each in every if each.last_ns >= times[0] and each.first_ns < times[1]]
            blocks = block_rows.keys_of(connection, instrument, condition, *values)
            parts, damaged = block_rows.read(connection, instrument, blocks)
        if not self._left_out.issuperset(damaged):
            self._damaged.add(series)
        parts += [self._cold.read(each, *times) for each in sealed if times is not None]
        return TickColumns.merged([*parts, empty()])

    def _sealed(self, series: Series) -> list[SealedFile]:
        with self._connections.reading() as connection:
            return sealed_rows.load(connection, self._instruments[series])

    def _newest_sealed(self, series: Series, count: int) -> TickColumns:
        parts: list[TickColumns] = [empty()]
        for each in sorted(self._sealed(series), key=lambda each: each.ends[1], reverse=True):
            if sum(map(len, parts)) >= count or (found := self._cold.if_readable(each)) is None:
                break  # nothing older than what cannot be read: a reader would take the hole for a quiet time
            parts.append(found)
        return TickColumns.merged(parts)

    def _not_held(
        self, connection: sqlite3.Connection, instrument: int, ticks: TickColumns, runs: IdRuns
    ) -> TickColumns:
        """Return the ticks, by ascending id, that neither blocks nor sealed files of an instrument hold."""
        new = TickColumns.merged([ticks])
        late = new.rows(new.id <= (runs.last if runs.last is not None else -1))
        if not len(late):
            return new
        ends = int(late.id[-1]), int(late.id[0])
        blocks = block_rows.keys_of(connection, instrument, "first_id <= ? AND last_id >= ?", *ends)
        parts, _ = block_rows.read(connection, instrument, blocks)
        for each in sealed_rows.load(connection, instrument):
            if each.ends[0] <= ends[0] and each.ends[1] >= ends[1]:
                found = self._cold.if_readable(each)
                parts += [] if found is None else [found]  # without it a tick is kept twice, which readers see once
        held = TickColumns.merged([*parts, empty()]).id
        return new.rows(~np.isin(new.id, held))

    def sealable(self, series: Series, until_ns: int) -> Sealable | None:
        """Return the oldest ticks before a time that may go to a file of the history: at most those of one UTC day."""
        instrument = self._instruments[series]
        with self._connections.reading() as connection:
            blocks = block_rows.keys_of(connection, instrument, "first_ns < ?", until_ns)
            if not blocks:
                return None
            day_end = (min(block.first_ns for block in blocks) // DAY_NS + 1) * DAY_NS
            end_ns = min(day_end, until_ns)
            taken: list[Keys] = []
            count = 0
            for block in blocks:
                if block.first_ns < end_ns and (not taken or count + block.ticks <= _SEALED_TICKS):
                    taken.append(block)
                    count += block.ticks
            parts, damaged = block_rows.read(connection, instrument, taken)
        if damaged:
            self._damaged.add(series)
            return None
        ticks = TickColumns.merged(parts)
        return Sealable(series, tuple(taken), ticks.rows(ticks.time_ns < end_ns), ticks.rows(ticks.time_ns >= end_ns))

    def announce(self, files: Sequence[str]) -> None:
        """Note that files are about to be written. From then on an older program refuses this one."""
        with self._connections.writing() as connection:
            schema.make_room_for_sealed(connection)
            sealed_rows.announce(connection, files)

    def unfinished(self) -> list[str]:
        """Files that were announced and do not count: what a kill has left behind."""
        with self._connections.reading() as connection:
            return sealed_rows.announced(connection)

    def forget(self, files: Sequence[str]) -> None:
        """Take announcements back, once the files are gone."""
        with self._connections.writing() as connection:
            sealed_rows.forget(connection, files)

    def seal(self, what: Sealable, file: str) -> None:
        """Have a file count and delete its ticks here, in one transaction.

        Raises
        ------
        StorageError : the blocks are not those any more that the ticks were read from.
        """
        series, blocks, ticks, rest = what
        instrument = self._instruments[series]
        ids = IdRuns.of(np.unique(ticks.id))
        ids = ids if self.is_numbered else numbering.span(ids)
        times = int(ticks.time_ns.min()), int(ticks.time_ns.max())
        if self._sealed_until_ns is not None:  # before: a reader of this moment asks once too often, never too seldom
            self._sealed_until_ns = max(self._sealed_until_ns, times[1] + 1)
        with self._connections.writing() as connection:
            wanted = ",".join(str(block.body_id) for block in blocks)
            now = block_rows.keys_of(connection, instrument, f"body_id IN ({wanted})")
            if sorted(now) != sorted(blocks):
                raise StorageError(f"{self._path} has changed while {file} was written: it is written anew")
            block_rows.delete(connection, instrument, [block.body_id for block in blocks])
            block_rows.insert(connection, instrument, rest)
            sealed_rows.insert(connection, [SealedFile(instrument, file, *times, len(ticks), ids)])
            sealed_rows.forget(connection, [file])


def _with_sealed(held: IdRuns, sealed: Sequence[SealedFile]) -> IdRuns:
    for each in sealed:
        held = held.union(each.ids)
    return held
