"""The SQLite file behind the tape: which instruments it holds, their blocks, and the ids that are there."""

import logging
import sqlite3
from collections.abc import Mapping

import numpy as np

from alphastream.tape.columns import TickColumns, empty
from alphastream.tape.id_ranges import IdRuns
from alphastream.tape.ring import Series
from alphastream.tape_files import block_rows, instrument_rows
from runtime.stores import block_upkeep, numbering, run_rows
from runtime.stores.kept_file import KeptFile, total

log = logging.getLogger(__name__)


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
                    new = _not_held(connection, instrument, ticks, runs)
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
                all_runs[series], unreadable = block_upkeep.read_ids(connection, instrument)
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
            before = self.runs.get(series, IdRuns())
            gone = before.without(held) if self.is_numbered else IdRuns()
            gone.drop_below(blocks[0].first_id if blocks else 0)  # the process that writes may have deleted the oldest
            self.runs[series], self.lost[series] = before.without(gone), self.lost.get(series, IdRuns()).union(gone)
            self._left_out.update(unreadable)
            self._damaged.discard(series)
            lost[series] = gone
        self.damaged += total(lost)
        return lost

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
            ticks = self._read(series, "last_ns >= ? AND first_ns < ?", start_ns, end_ns)
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
        return ticks.rows(slice(max(0, len(ticks) - count), None))

    def around(self, series: Series, trade_id: int) -> TickColumns:
        """The durable tick of an id and its neighbours in the file; empty where it is not held."""
        if series not in self._instruments:
            return empty()
        return self._read(series, "first_id <= ? AND last_id >= ?", trade_id, trade_id)

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
            return sum(block.ticks for block in block_rows.keys_of(connection, self._instruments[series]))

    def first_ns(self, series: Series) -> int:
        """Trade time of the tick with the smallest id; 0 where that cannot be read."""
        ticks = self._read(series, "first_id = ?", self.runs[series].first or 0)
        return int(ticks.time_ns[0]) if len(ticks) else 0

    def _read(self, series: Series, condition: str, *values: int) -> TickColumns:
        instrument = self._instruments[series]
        with self._connections.reading() as connection:
            blocks = block_rows.keys_of(connection, instrument, condition, *values)
            parts, damaged = block_rows.read(connection, instrument, blocks)
        if not self._left_out.issuperset(damaged):
            self._damaged.add(series)
        return TickColumns.merged([*parts, empty()])


def _not_held(connection: sqlite3.Connection, instrument: int, ticks: TickColumns, runs: IdRuns) -> TickColumns:
    """Return the ticks, by ascending id, that the blocks of an instrument do not hold."""
    new = TickColumns.merged([ticks])
    late = new.rows(new.id <= (runs.last if runs.last is not None else -1))
    if not len(late):
        return new
    ends = int(late.id[-1]), int(late.id[0])
    blocks = block_rows.keys_of(connection, instrument, "first_id <= ? AND last_id >= ?", *ends)
    parts, _ = block_rows.read(connection, instrument, blocks)
    held = TickColumns.merged([*parts, empty()]).id
    return new.rows(~np.isin(new.id, held))
