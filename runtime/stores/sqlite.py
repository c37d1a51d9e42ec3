"""The SQLite file behind the tape: which instruments it holds, their blocks, and the ids that are there."""

import logging
import sqlite3
import time
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal

import numpy as np

from alphastream.core.units import SECOND
from alphastream.errors import ParameterError, StorageError
from alphastream.tape.columns import TickColumns, empty
from alphastream.tape.id_ranges import IdRuns
from alphastream.tape.ring import Series
from runtime.stores import block_rows, instrument_rows, salvage, schema
from runtime.stores.block_rows import BLOCK_TICKS, Keys
from runtime.stores.connections import ERRORS, Connections, explain, is_damage
from runtime.stores.migration import migrate
from runtime.stores.schema import Origin

log = logging.getLogger(__name__)

_PRUNE_BLOCKS: Final = 100  # one transaction deletes at most, so that a long absence does not stall the tape
_BLOCKS_AT_ONCE: Final = 50  # in memory, while all of an instrument are looked through
SMALL_BLOCKS: Final = 32  # of one instrument are put together
_SMALL_TICKS: Final = BLOCK_TICKS // 2
_LONGEST_BLOCK_NS: Final = 3_600 * SECOND  # retention deletes whole blocks
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
        self._connections.writer = None if self._read_only else self._open_writer()
        with self._connections.reading() as connection:
            schema.verify(connection, self._path)
            self._load(connection)

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
                if series.symbol in cutoffs and (kept := _delete_old(connection, instrument, cutoffs[series.symbol])):
                    oldest[series] = kept
                    runs.drop_below(kept[0])
                    connection.execute(
                        "DELETE FROM lost WHERE instrument_id = ? AND last_id < ?", (instrument, kept[0])
                    )
                _save_pairs(connection, "runs", instrument, self.runs.get(series, IdRuns()), runs)
                all_runs[series] = runs
        self._instruments, self.runs = instruments, all_runs
        return oldest

    def merge(self, series: Series) -> None:
        """Put small blocks that follow each other together."""
        instrument = self._instruments[series]
        with self._connections.writing() as connection:
            for group in _mergeable(block_rows.keys_of(connection, instrument)):
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
                all_runs[series], unreadable = _read_ids(connection, instrument)
                if unreadable:
                    block_rows.set_aside(connection, instrument, unreadable)
                lost[series] = self.runs[series].without(all_runs[series])
                _save_pairs(connection, "runs", instrument, self.runs[series], all_runs[series])
                before = self.lost.get(series, IdRuns())
                absent = before.without(all_runs[series]).union(lost[series])
                _save_pairs(connection, "lost", instrument, before, absent)
                all_lost[series] = absent
                log.error(
                    "damaged blocks were set aside: path=%s symbol=%s epoch=%d blocks=%d ticks=%d, to be fetched again",
                    *(self._path, *series, len(unreadable), len(lost[series])),
                )
        self.runs, self.lost = all_runs, all_lost
        self._damaged -= damaged
        self.damaged += sum(map(len, lost.values()))
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
        gone = sum(map(len, lost.values()))
        self.damaged += gone
        self._tell(
            f"{self._path} was damaged: {found.ticks} ticks in {found.blocks} sound blocks were salvaged, {gone} are "
            f"lost and to be fetched again, the damaged file is {kept.name if kept is not None else 'gone'}"
        )
        return lost

    def _tell(self, what: str) -> None:
        log.error("%s", what)
        self.notices.append(f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} UTC: {what}")

    def close(self) -> None:
        """Close every connection; one that a reader has borrowed closes when it comes back."""
        self._connections.close()

    def _open_writer(self) -> sqlite3.Connection:
        connection = self._connections.connect("rwc")
        try:
            is_new = schema.is_empty(connection)
            if not is_new and schema.version_of(connection, self._path) == schema.OLD_VERSION:
                connection.close()
                self._migrate()
                connection = self._connections.connect("rwc")
            if not is_new:
                schema.verify(connection, self._path)  # before anything in a foreign file is touched
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            if mode != "wal":
                raise StorageError(f"{self._path} cannot use write-ahead logging here: name a file on a local disk")
            connection.execute("PRAGMA synchronous = NORMAL")
            if schema.is_empty(connection):
                connection.executescript(schema.SQL)
            if self.origin is not None:
                schema.claim(connection, self._path, self.origin)
        except BaseException:
            connection.close()
            raise
        return connection

    def _migrate(self) -> None:
        try:
            migrate(self._path, self.origin.venue if self.origin is not None else "")
        except (sqlite3.OperationalError, OSError) as error:
            raise StorageError(
                f"{self._path} could not be rewritten for this program ({error}): it is as it was; make room or rights "
                "for a second file beside it"
            ) from error

    def _load(self, connection: sqlite3.Connection) -> None:
        self.origin = schema.origin_of(connection)
        self.runs, self.lost, self._damaged, self._unchecked = {}, {}, set(), []
        self._load_instruments(connection)
        for series, instrument in self._instruments.items():
            self.runs[series] = runs = _load_pairs(connection, "runs", instrument)
            self.lost[series] = _load_pairs(connection, "lost", instrument)
            blocks = block_rows.keys_of(connection, instrument)
            if sum(block.ticks for block in blocks) != len(runs) or (blocks and blocks[0].first_id != runs.first):
                self._damaged.add(series)
            self._unchecked += [(series, block) for block in blocks]

    def _load_instruments(self, connection: sqlite3.Connection) -> None:
        self._instruments = instrument_rows.load(connection)

    def explain(self, error: Exception) -> str:
        """What happened to this file, and what to do."""
        return explain(self._path, error)


def _read_ids(connection: sqlite3.Connection, instrument: int) -> tuple[IdRuns, list[int]]:
    """Ids in an instrument's blocks, and the bodies that are not what was written."""
    held, unreadable = IdRuns(), list[int]()
    blocks = block_rows.keys_of(connection, instrument)
    for start in range(0, len(blocks), _BLOCKS_AT_ONCE):
        parts, damaged = block_rows.read(connection, instrument, blocks[start : start + _BLOCKS_AT_ONCE])
        ids = TickColumns.merged([*parts, empty()]).id
        if len(ids) and not held.extend(ids):
            held = held.union(IdRuns.of(ids))
        unreadable += damaged
    return held, unreadable


def _delete_old(connection: sqlite3.Connection, instrument: int, cutoff_ns: int) -> tuple[int, int] | None:
    """Delete blocks older than a time from the low end of the ids, but for the last one.

    Returns
    -------
    id and time of the first tick kept; None where nothing went.
    """
    blocks = block_rows.keys_of(connection, instrument, most=_PRUNE_BLOCKS + 1)
    young = next((n for n, block in enumerate(blocks) if block.last_ns >= cutoff_ns), len(blocks) - 1)
    floor = blocks[young].first_id
    old = [block for block in blocks if block.last_id < floor]
    if not old:
        return None
    block_rows.delete(connection, instrument, [block.body_id for block in old])
    first = next(block for block in blocks if block.last_id >= floor)
    parts, damaged = block_rows.read(connection, instrument, [first])
    return first.first_id, first.first_ns if damaged else int(parts[0].time_ns[0])


def _mergeable(blocks: list[Keys]) -> Iterator[list[Keys]]:
    """Groups of small blocks that follow each other and make one."""
    group: list[Keys] = []
    for block in [*blocks, None]:
        if block is not None and block.ticks < _SMALL_TICKS:
            whole = [*group, block]
            if sum(each.ticks for each in whole) <= BLOCK_TICKS and _span_ns(whole) <= _LONGEST_BLOCK_NS:
                group = whole
                continue
        if len(group) > 1:
            yield group
        group = [] if block is None or block.ticks >= _SMALL_TICKS else [block]


def _span_ns(blocks: list[Keys]) -> int:
    return max(block.last_ns for block in blocks) - min(block.first_ns for block in blocks)


def _load_pairs(connection: sqlite3.Connection, table: Literal["runs", "lost"], instrument: int) -> IdRuns:
    query = f"SELECT first_id, last_id FROM {table} WHERE instrument_id = ? ORDER BY first_id"
    try:
        return IdRuns(connection.execute(query, (instrument,)).fetchall())
    except (ParameterError, TypeError) as error:
        raise sqlite3.DatabaseError(f"{table} contradict each other: {error}") from error


def _save_pairs(
    connection: sqlite3.Connection, table: Literal["runs", "lost"], instrument: int, before: IdRuns, after: IdRuns
) -> None:
    """Write only the runs that changed."""
    old, new = dict(before.pairs()), dict(after.pairs())
    gone = [(instrument, first) for first in old.keys() - new.keys()]
    changed = [(instrument, first, last) for first, last in new.items() if old.get(first) != last]
    connection.executemany(f"DELETE FROM {table} WHERE instrument_id = ? AND first_id = ?", gone)
    connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)", changed)
