"""The SQLite file behind the tape: which instruments it holds, their blocks, and the ids that are there."""

import logging
import os
import sqlite3
import time
from collections import deque
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

import numpy as np

from alphastream.errors import StorageError
from alphastream.tape.columns import TickColumns, empty
from alphastream.tape.id_ranges import IdRuns
from alphastream.tape.ring import Series
from runtime.stores import block_rows, block_upkeep, instrument_rows, names, run_rows, salvage, schema
from runtime.stores.block_rows import Keys
from runtime.stores.connections import ERRORS, Connections, explain, is_damage
from runtime.stores.opening import open_writer
from runtime.stores.schema import Origin

log = logging.getLogger(__name__)

_NOTICES: Final = 8
_SALVAGE_PAUSE_S: Final = 60.0  # a disk that fails is not to be filled with copies of damaged files


class TickFile:
    """The SQLite file. One thread writes; readers borrow connections of their own and never block it.

    Attributes
    ----------
    origin : who fills the file; None where nobody has said so.
    runs : ids of the durable ticks, by series.
    lost : ids of damaged blocks that were set aside and have not come again, by series.
    damaged : ticks that were found altered or lost in the file since it was opened.
    notices : what has happened to the file, the newest last.

    Raises
    ------
    StorageError : the file is no tick store, cannot be read, or was closed.
    ERRORS : from what writes only; nothing of that transaction stays, ``explain`` says why.
    """

    def __init__(self, path: Path, origin: Origin | None = None, *, read_only: bool) -> None:
        self._path, self.origin, self._read_only = path, origin, read_only
        self._connections = Connections(path)
        self._damaged: set[Series] = set()  # those whose blocks and runs are not what was written
        self._unchecked: list[tuple[Series, Keys]] = []  # blocks that nobody has read since the file was opened
        self._instruments: dict[Series, int] = {}
        self._salvaged_s: float | None = None
        self.runs: dict[Series, IdRuns] = {}
        self.lost: dict[Series, IdRuns] = {}
        self.damaged = 0
        self.notices: deque[str] = deque(maxlen=_NOTICES)
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        """Open the file, salvaged where it has to be."""
        try:
            if not self._read_only:
                salvage.put_in_place(self._path)  # what a kill has left undone
                if salvage.has_only_a_log(self._path):
                    self.salvage()
                    return
            self._open()
        except (*ERRORS, StorageError, OSError) as error:
            if not self._may_be_salvaged(error):
                raise StorageError(self.explain(error)) from error
            self.salvage()

    def _may_be_salvaged(self, error: Exception) -> bool:
        if self._read_only or not (self.is_broken or is_damage(error)):
            return False
        try:
            return salvage.may_be_salvaged(self._path)
        except OSError:  # what was to be opened says more
            return False

    def _open(self) -> None:
        if not self._read_only:
            self._connections.writer = open_writer(lambda: self._connections.connect("rwc"), self._path, self.origin)
            self._connections.named = names.look(self._path)
        with self._connections.reading() as connection:
            schema.verify(connection, self._path)
            self._load(connection)
        self._connections.named = names.look(self._path)

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
                if not runs.extend(ticks.id):
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
        """Move blocks that cannot be read out of the way; return by series the ids that the file has no more."""
        lost: dict[Series, IdRuns] = {}
        damaged = self._damaged.copy()
        all_runs, all_lost = self.runs.copy(), self.lost.copy()
        with self._connections.writing() as connection:
            for series in damaged:
                instrument = self._instruments[series]
                all_runs[series], unreadable = block_upkeep.read_ids(connection, instrument)
                if unreadable:
                    block_rows.set_aside(connection, instrument, unreadable)
                lost[series] = self.runs[series].without(all_runs[series])
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
        self.damaged += _total(lost)
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

    def first_ns(self, series: Series) -> int:
        """Trade time of the tick with the smallest id; 0 where that cannot be read."""
        ticks = self._read(series, "first_id = ?", self.runs[series].first or 0)
        return int(ticks.time_ns[0]) if len(ticks) else 0

    def _read(self, series: Series, condition: str, *values: int) -> TickColumns:
        instrument = self._instruments[series]
        with self._connections.reading() as connection:
            blocks = block_rows.keys_of(connection, instrument, condition, *values)
            parts, damaged = block_rows.read(connection, instrument, blocks)
        if damaged:
            self._damaged.add(series)
        return TickColumns.merged([*parts, empty()])

    @property
    def is_broken(self) -> bool:
        """Whether SQLite cannot read the file as it is, so that it has to be salvaged."""
        return self._connections.is_broken

    def salvage(self) -> dict[Series, IdRuns]:
        """Replace a damaged file by one that holds what is sound in it; return by series the ids that are gone.

        Raises
        ------
        StorageError : that failed, or has only just been done. The file is as it was.
        """
        now_s = time.monotonic()
        if self._salvaged_s is not None and now_s - self._salvaged_s < _SALVAGE_PAUSE_S:
            raise StorageError(
                f"{self._path} is damaged again, {now_s - self._salvaged_s:.0f} s later: look at the disk"
            )
        self._connections.is_broken = True
        before = self.runs
        try:
            self._connections.let_go()
            found = salvage.salvage(self._path, self._instruments)
            with self._connections.swapping():
                kept = salvage.put_in_place(self._path)
            self._salvaged_s = now_s
            self._open()
        except (*ERRORS, OSError) as error:
            self._connections.is_broken = True
            raise StorageError(
                f"{self._path} is damaged and cannot be salvaged: {error}: make room beside it"
            ) from error
        none = IdRuns()
        lost = {series: ids.without(self.runs.get(series, none)) for series, ids in before.items()} or found.lost
        gone = _total(lost)
        self.damaged += gone
        self._tell(
            f"{self._path} was damaged: {found.ticks} ticks in {found.blocks} sound blocks were salvaged, {gone} are "
            f"lost and to be fetched again, the damaged file is {kept.name if kept is not None else 'gone'}"
        )
        return lost

    def look_after(self) -> dict[Series, IdRuns] | None:
        """See to it that the name is that of the file which is open.

        A file that was deleted, or whose log was, is written anew from what is open. One that was replaced by another
        tick file is given up for that; by anything else, that is moved aside.

        Returns
        -------
        where another file was opened, the ids by series that it has not; else None.

        Raises
        ------
        StorageError : it was not possible. What is open is as it was.
        """
        now, before = names.look(self._path), self._connections.named
        if now == before or self._connections.writer is None:
            return None
        try:
            if now.file in (None, before.file):
                self._restore()
                gone = "the file" if now.file is None else "the write-ahead log"
                self._tell(
                    f"{gone} of {self._path} was taken away while it was open: it was written anew, nothing is lost"
                )
                return {}
            if now.log == before.log:
                names.remove_log(self._path)
            if self._is_tick_file():
                return self._adopt()
            kept = salvage.set_aside(self._path)
            self._restore()
        except (*ERRORS, OSError) as error:
            raise StorageError(f"{self._path} has lost its name and cannot be written anew: {error}") from error
        self._tell(
            f"{self._path} was replaced by what is no readable tick file of its kind: that is {kept.name} now, and the "
            "tape was written anew, nothing is lost"
        )
        return {}

    def _restore(self) -> None:
        """Give the name to a copy of what is open."""
        writer = self._connections.writer
        assert writer is not None, "a file opened to read is not restored"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        copy = self._path.with_name(f"{self._path.name}.restoring")
        copy.unlink(missing_ok=True)
        try:
            with closing(sqlite3.connect(copy)) as target:
                writer.backup(target)
            self._connections.let_go()
            with self._connections.swapping():
                names.remove_log(self._path)
                os.replace(copy, self._path)
        finally:
            copy.unlink(missing_ok=True)
        self._open()

    def _is_tick_file(self) -> bool:
        """Whether the file that has the name now is one that this store could have written."""
        try:
            with closing(self._connections.connect("rwc")) as connection:
                schema.verify(connection, self._path)
                instrument_rows.load(connection)
                is_sound: bool = connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
                return is_sound and schema.origin_of(connection) in (None, self.origin)
        except (*ERRORS, StorageError):
            return False

    def _adopt(self) -> dict[Series, IdRuns]:
        before = self.runs
        self._connections.let_go()
        with self._connections.swapping():
            pass
        self._open()
        none = IdRuns()
        lost = {series: ids.without(self.runs.get(series, none)) for series, ids in before.items()}
        self._tell(
            f"{self._path} was replaced by another tick file while it was open: the tape goes on in that, with "
            f"{_total(self.runs)} ticks, {_total(lost)} that it has not are to be fetched again"
        )
        return lost

    def _tell(self, what: str) -> None:
        log.error("%s", what)
        self.notices.append(f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} UTC: {what}")

    def close(self) -> None:
        """Close every connection; one that a reader has borrowed closes when it comes back."""
        self._connections.close()

    def _load(self, connection: sqlite3.Connection) -> None:
        self.origin = schema.origin_of(connection)
        self.runs, self.lost, self._damaged, self._unchecked = {}, {}, set(), []
        self._load_instruments(connection)
        for series, instrument in self._instruments.items():
            self.runs[series] = runs = run_rows.load(connection, "runs", instrument)
            self.lost[series] = run_rows.load(connection, "lost", instrument)
            blocks = block_rows.keys_of(connection, instrument)
            if sum(block.ticks for block in blocks) != len(runs) or (blocks and blocks[0].first_id != runs.first):
                self._damaged.add(series)
            self._unchecked += [(series, block) for block in blocks]

    def _load_instruments(self, connection: sqlite3.Connection) -> None:
        self._instruments = instrument_rows.load(connection)

    def explain(self, error: Exception) -> str:
        """What happened to this file, and what to do."""
        return explain(self._path, error)


def _total(ids: Mapping[Series, IdRuns]) -> int:
    return sum(map(len, ids.values()))
