"""The SQLite file behind the tape: its schema, and how ticks go in and come out.

The sqlite3 module gives up the interpreter lock at every row it inserts or yields. Beside one busy Python thread each
return may cost a switch interval (down to 72 rows/s were measured, with a free core for both). So rows go in by the
thousand to a statement and come out as one row of text a page.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np

from alphastream.errors import ParameterError, StorageError
from alphastream.events import Tick
from alphastream.tape.id_ranges import IdRuns
from alphastream.tape.ring import INT64_MAX, TickColumns

_LOCK_WAIT_S = 1.0  # SQLite waits this long for another process's write lock
_PRUNE_ROWS = 20_000  # rows one transaction deletes at most, so that a long absence does not stall the tape
_ROWS_A_STATEMENT = 1_000  # seven values each: SQLite binds at most 32,766
_ROWS_A_PAGE = 50_000
_IDLE_READERS = 4
_APPLICATION_ID = 0x414C5053  # "ALPS": tells a tick store from any other SQLite file
_SCHEMA_VERSION = 1
_SCHEMA = f"""
BEGIN;
CREATE TABLE symbols(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE ticks(
    symbol_id INTEGER NOT NULL, trade_id INTEGER NOT NULL, price REAL NOT NULL, quantity REAL NOT NULL,
    time_ns INTEGER NOT NULL, receive_ns INTEGER NOT NULL, buyer_is_maker INTEGER NOT NULL,
    PRIMARY KEY(symbol_id, trade_id)) WITHOUT ROWID;
CREATE INDEX ticks_by_time ON ticks(symbol_id, time_ns);
CREATE TABLE runs(
    symbol_id INTEGER NOT NULL, first_id INTEGER NOT NULL, last_id INTEGER NOT NULL,
    PRIMARY KEY(symbol_id, first_id)) WITHOUT ROWID;
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {_SCHEMA_VERSION};
COMMIT;
"""
# 18 significant digits name every double without loss; SQLite's own cast to text stops at 15.
_PAGE = """
SELECT count(*), group_concat(trade_id), group_concat(printf('%!.18g', price)),
       group_concat(printf('%!.18g', quantity)), group_concat(time_ns), group_concat(receive_ns),
       group_concat(buyer_is_maker)
FROM (SELECT * FROM ticks WHERE symbol_id = (SELECT id FROM symbols WHERE name = :symbol) AND {})
"""
_PAGE_BY_TIME = _PAGE.format(
    "(time_ns, trade_id) > (:time_ns, :trade_id) AND time_ns < :end_ns ORDER BY time_ns, trade_id LIMIT :rows"
)
_PAGE_BACKWARDS = _PAGE.format("trade_id < :trade_id ORDER BY trade_id DESC LIMIT :rows")
_OLDEST_KEPT = """
WITH head AS (SELECT trade_id, time_ns FROM ticks WHERE symbol_id = ? ORDER BY trade_id LIMIT ?)
SELECT trade_id, time_ns FROM head WHERE time_ns >= ? OR trade_id = (SELECT max(trade_id) FROM head)
ORDER BY trade_id LIMIT 1
"""


class TickFile:
    """The SQLite file. One thread writes; readers borrow connections of their own and never block it.

    Raises
    ------
    StorageError : the file is no tick store or is damaged, cannot be read, or was closed.
    sqlite3.Error : from ``write`` only; nothing of that transaction stays, ``explain`` says why.
    """

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self._path = path
        self._pool_lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        self._symbol_ids: dict[str, int] = {}
        self.runs: dict[str, IdRuns] = {}  # of the durable ticks
        self._writer: sqlite3.Connection | None = None
        try:
            self._writer = None if read_only else self._open_writer()
            with self._reading() as connection:
                self._verify(connection)
                self._load(connection)
        except (sqlite3.Error, ParameterError) as error:
            self.close()
            raise StorageError(self.explain(error)) from error
        except StorageError:
            self.close()
            raise

    def write(self, ticks: list[Tick], cutoffs: dict[str, int]) -> dict[str, tuple[int, int]]:
        """Make ticks durable, with the runs they complete and the deletion of what is too old, in one transaction.

        Parameters
        ----------
        cutoffs : time in ns a symbol before which ticks may go.

        Returns
        -------
        the id and time of the first tick kept, for each symbol of ``cutoffs``.
        """
        assert self._writer is not None, "a file opened to read was given ticks"
        groups: dict[str, list[Tick]] = {}
        for tick in ticks:
            groups.setdefault(tick.symbol, []).append(tick)
        symbol_ids, all_runs, oldest = self._symbol_ids.copy(), self.runs.copy(), dict[str, tuple[int, int]]()
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            for symbol, group in groups.items():
                if symbol not in symbol_ids:
                    symbol_ids[symbol] = _insert_symbol(self._writer, symbol)
                symbol_id, before = symbol_ids[symbol], all_runs.get(symbol, IdRuns())
                runs = before.copy()
                _insert_ticks(self._writer, symbol_id, sorted(group, key=lambda tick: tick.id))
                for tick in group:
                    runs.add(tick.id)
                if symbol in cutoffs:
                    oldest[symbol] = _delete_old(self._writer, symbol_id, cutoffs[symbol])
                    runs.drop_below(oldest[symbol][0])
                _save_runs(self._writer, symbol_id, before, runs)
                all_runs[symbol] = runs
            self._writer.execute("COMMIT")
        finally:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
        self._symbol_ids, self.runs = symbol_ids, all_runs
        return oldest

    def window(self, symbol: str, start_ns: int, end_ns: int) -> list[TickColumns]:
        """Pages of durable ticks with start_ns <= time < end_ns, by ascending time."""
        pages: list[TickColumns] = []
        at = {"time_ns": start_ns, "trade_id": -1}
        with self._reading() as connection:
            while page := _read_page(connection, _PAGE_BY_TIME, symbol=symbol, end_ns=end_ns, **at):
                pages.append(page)
                if len(page) < _ROWS_A_PAGE:
                    break
                last_ns = int(page.time_ns.max())
                at = {"time_ns": last_ns, "trade_id": int(page.id[page.time_ns == last_ns].max())}
        return pages

    def newest(self, symbol: str, count: int) -> list[Tick]:
        """The ``count`` ticks with the largest ids, ascending."""
        pages: list[TickColumns] = []
        below, left = INT64_MAX, count
        with self._reading() as connection:
            while left and (
                page := _read_page(
                    connection, _PAGE_BACKWARDS, symbol=symbol, trade_id=below, rows=min(left, _ROWS_A_PAGE)
                )
            ):
                pages.append(page)
                below, left = int(page.id.min()), left - len(page)
        return TickColumns.merged(pages).ticks(symbol) if pages else []

    def first_ns(self, symbol: str) -> int:
        """Trade time of the tick with the smallest id."""
        with self._reading() as connection:
            first: tuple[int] = connection.execute(
                "SELECT time_ns FROM ticks WHERE symbol_id = ? ORDER BY trade_id LIMIT 1", (self._symbol_ids[symbol],)
            ).fetchone()
        return first[0]

    def close(self) -> None:
        """Close every connection; one that a reader has borrowed closes when it comes back."""
        with self._pool_lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
        if self._writer is not None:
            self._writer.close()  # the last one to leave folds the -wal file into the store

    def _connect(self, mode: Literal["ro", "rwc"]) -> sqlite3.Connection:
        return sqlite3.connect(
            f"{self._path.resolve().as_uri()}?mode={mode}",
            uri=True,
            timeout=_LOCK_WAIT_S,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=16,
        )

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection that sees one state of the file from beginning to end."""
        with self._pool_lock:
            if self._closed:
                raise StorageError(f"{self._path} was closed: open a new TickStore to read it")
            connection = self._idle.pop() if self._idle else None
        try:
            connection = connection or self._connect("ro")
            connection.execute("BEGIN")
            yield connection
        except sqlite3.Error as error:
            raise StorageError(self.explain(error)) from error
        finally:
            if connection is not None:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                with self._pool_lock:
                    keep = not self._closed and len(self._idle) < _IDLE_READERS
                    if keep:
                        self._idle.append(connection)
                if not keep:
                    connection.close()

    def _open_writer(self) -> sqlite3.Connection:
        connection = self._connect("rwc")
        try:
            if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] > 0:
                self._verify(connection)  # before anything in a foreign file is touched
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            if mode != "wal":
                raise StorageError(f"{self._path} cannot use write-ahead logging here: name a file on a local disk")
            connection.execute("PRAGMA synchronous = NORMAL")
            if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
                connection.executescript(_SCHEMA)
        except BaseException:
            connection.close()
            raise
        return connection

    def _verify(self, connection: sqlite3.Connection) -> None:
        owner = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if owner == 0 and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
            raise StorageError(f"{self._path} is empty: nothing was recorded into it yet, try again in a moment")
        if owner != _APPLICATION_ID:
            raise StorageError(
                f"{self._path} is an SQLite file of another program, not a tick store: name another file"
            )
        if version != _SCHEMA_VERSION:
            raise StorageError(
                f"{self._path} has schema version {version}, this program knows {_SCHEMA_VERSION}: "
                "use the newer program that wrote it, or name another file"
            )

    def _load(self, connection: sqlite3.Connection) -> None:
        self._symbol_ids = dict(connection.execute("SELECT name, id FROM symbols").fetchall())
        for name, symbol_id in self._symbol_ids.items():
            pairs = connection.execute(
                "SELECT first_id, last_id FROM runs WHERE symbol_id = ? ORDER BY first_id", (symbol_id,)
            ).fetchall()
            self.runs[name] = IdRuns(pairs)

    def explain(self, error: Exception) -> str:
        """What happened to this file, and what to do."""
        if isinstance(error, sqlite3.OperationalError):
            return f"{self._path}: {error}: check that the path exists, may be written and has room"
        return f"{self._path} is not a readable tick store ({error}): move it away or name another file"


def _insert_symbol(connection: sqlite3.Connection, symbol: str) -> int:
    connection.execute("INSERT INTO symbols(name) VALUES (?)", (symbol,))
    (symbol_id,) = connection.execute("SELECT id FROM symbols WHERE name = ?", (symbol,)).fetchone()
    return int(symbol_id)


def _insert_ticks(connection: sqlite3.Connection, symbol_id: int, ticks: list[Tick]) -> None:
    for start in range(0, len(ticks), _ROWS_A_STATEMENT):
        part = ticks[start : start + _ROWS_A_STATEMENT]
        rows = ",".join(["(?,?,?,?,?,?,?)"] * len(part))
        values = chain.from_iterable(
            (symbol_id, t.id, t.price, t.quantity, t.time_ns, t.receive_ns, t.buyer_is_maker) for t in part
        )
        # Not INSERT OR IGNORE, which would drop a row with a NULL in silence as well.
        connection.execute(
            f"INSERT INTO ticks VALUES {rows} ON CONFLICT(symbol_id, trade_id) DO NOTHING", tuple(values)
        )


def _delete_old(connection: sqlite3.Connection, symbol_id: int, cutoff_ns: int) -> tuple[int, int]:
    """Delete from the low end of the ids up to the first tick that is young enough; return its id and time."""
    oldest: tuple[int, int] = connection.execute(_OLDEST_KEPT, (symbol_id, _PRUNE_ROWS + 1, cutoff_ns)).fetchone()
    connection.execute("DELETE FROM ticks WHERE symbol_id = ? AND trade_id < ?", (symbol_id, oldest[0]))
    return oldest


def _save_runs(connection: sqlite3.Connection, symbol_id: int, before: IdRuns, after: IdRuns) -> None:
    """Write only the runs that changed."""
    old, new = dict(before.pairs()), dict(after.pairs())
    gone = [(symbol_id, first) for first in old.keys() - new.keys()]
    changed = [(symbol_id, first, last) for first, last in new.items() if old.get(first) != last]
    connection.executemany("DELETE FROM runs WHERE symbol_id = ? AND first_id = ?", gone)
    connection.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?)", changed)


def _read_page(connection: sqlite3.Connection, query: str, **values: int | str) -> TickColumns:
    count, ids, *rest = connection.execute(query, {"rows": _ROWS_A_PAGE} | values).fetchone()
    if count == 0:
        return TickColumns.of([])
    prices, quantities, times, receive_times, sides = rest
    return TickColumns(
        np.fromstring(ids, dtype=np.int64, sep=","),
        np.fromstring(prices, dtype=np.float64, sep=","),
        np.fromstring(quantities, dtype=np.float64, sep=","),
        np.fromstring(times, dtype=np.int64, sep=","),
        np.fromstring(receive_times, dtype=np.int64, sep=","),
        np.fromstring(sides, dtype=np.int8, sep=",").astype(np.bool_),
    )
