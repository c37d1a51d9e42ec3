"""Following a tick file that another process writes: what it commits comes into the rings of this one.

SQLite tells at the cost of a few microseconds whether anything was committed. Ids decide what is new: the same ticks in
another block, as after small ones were put together, are not shown again.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np

from alphastream.core.types import Ints
from alphastream.errors import AlphaStreamError
from alphastream.tape.columns import TickColumns, empty
from alphastream.tape.id_ranges import IdRuns
from alphastream.tape.ring import Series
from alphastream.tape_files import block_rows, instrument_rows, sealed_rows
from runtime import threads
from runtime.backoff import Backoff
from runtime.stores.connections import ERRORS
from runtime.stores.rings import SymbolRings

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 0.05
_RETRY_S: Final = (0.05, 1.0)  # first and longest pause after a look that failed
_LOCK_WAIT_S: Final = 1.0
_BLOCKS_AT_ONCE: Final = 50  # in memory


class TapeFollower:
    """Brings what another process commits to a tick file into rings, on a thread of its own.

    Parameters
    ----------
    path : the file.
    rings : where ticks, runs of ids and gaps go; they hold what ``shown`` says.
    lock : guards the rings.
    shown : ids by series that the rings have been given.
    on_ticks : called in this thread after new ticks became visible.
    on_change : called in this thread when the file is another one, or holds another instrument.

    Attributes
    ----------
    error : why the newest look failed, None while following works.
    """

    def __init__(
        self,
        path: Path,
        rings: SymbolRings,
        lock: threading.Lock,
        shown: Mapping[Series, IdRuns],
        on_ticks: Callable[[], None],
        on_change: Callable[[], None],
    ) -> None:
        self._path, self._rings, self._lock = path, rings, lock
        self._on_ticks, self._on_change = on_ticks, on_change
        self._shown = {series: ids.copy() for series, ids in shown.items()}
        self._held: dict[Series, tuple[IdRuns, IdRuns]] = {}  # runs, and what was lost, at the last look
        self._first: dict[Series, tuple[int, int]] = {}  # id and time of the first tick
        self._connection: sqlite3.Connection | None = None
        self._file = _identity(path)
        self._version: int | None = None
        self._looking = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="tick-follower", daemon=True)
        self.error: str | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        with self._looking:
            self._let_go()

    def finish(self) -> None:
        """Take in what was committed since the last look, and stop. Raises as ``look``: the thread then goes on."""
        with self._looking:
            self.look()
            self._stopping.set()
        self.stop()

    def _follow(self) -> None:
        backoff = Backoff(*_RETRY_S, jitter=0.0)
        pause_s = LOOK_EVERY_S
        while not self._stopping.wait(pause_s):
            try:
                with self._looking:
                    if not self._stopping.is_set():
                        self.look()
            except (*ERRORS, OSError, AlphaStreamError) as error:
                self._fail(f"{self._path} cannot be followed: {error}", None)
            except Exception as error:  # noqa: BLE001 (the edge of the thread: nothing new would be seen without it)
                threads.begins_again()
                self._fail(f"{self._path} cannot be followed: a defect ({type(error).__name__}: {error})", error)
            else:
                self.error, pause_s = None, LOOK_EVERY_S
                backoff.reset()
                continue
            pause_s = backoff.next_s()

    def _fail(self, words: str, defect: Exception | None) -> None:
        with self._looking:
            self._let_go()
        if words != self.error:
            log.warning("%s", words, exc_info=defect)
        self.error = words

    def look(self) -> None:
        """Take in what was committed since the last look.

        Raises
        ------
        sqlite3.Error, OSError : the file is not there or cannot be read now; what was not taken in is at the next look.
        ParameterError : what it says of ids contradicts itself.
        """
        identity = _identity(self._path)
        if identity != self._file:
            self._let_go()
            self._on_change()
            self._file = identity
        if self._connection is None:
            self._connection = sqlite3.connect(
                f"{self._path.resolve().as_uri()}?mode=ro",
                uri=True,
                timeout=_LOCK_WAIT_S,
                isolation_level=None,
                check_same_thread=False,
            )
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        if version == self._version:
            return
        with _one_state(self._connection) as connection:
            is_news = self._take(connection)
        self._version = version
        if is_news:
            self._on_ticks()

    def _let_go(self) -> None:
        connection, self._connection, self._version = self._connection, None, None
        if connection is not None:
            connection.close()

    def _take(self, connection: sqlite3.Connection) -> bool:
        """Bring rings to the state of the file; whether readers see ticks that they have not seen."""
        instruments = instrument_rows.load(connection)
        held = _pairs(connection.execute("SELECT instrument_id, first_id, last_id FROM runs ORDER BY 1, 2"))
        absent = _pairs(connection.execute("SELECT instrument_id, first_id, last_id FROM lost ORDER BY 1, 2"))
        if instruments.keys() - self._shown.keys():
            self._on_change()
            self._shown = {**dict.fromkeys(instruments, IdRuns()), **self._shown}
        is_news = False
        for series, number in sorted(instruments.items()):
            runs, lost = IdRuns(held.get(number, ())), IdRuns(absent.get(number, ()))
            is_news |= self._take_series(connection, series, number, runs, lost)
        return is_news

    def _take_series(
        self, connection: sqlite3.Connection, series: Series, number: int, runs: IdRuns, absent: IdRuns
    ) -> bool:
        with self._lock:
            ring = self._rings.get(series.symbol)
            is_over = ring is not None and series.epoch < ring.series.epoch
        if is_over or not (runs or absent) or self._held.get(series) == (runs, absent):
            return False
        first_ns = self._first_ns(connection, series, number, runs)
        shown, is_news = self._shown.get(series, IdRuns()), False
        for ticks in _new_ticks(connection, number, runs.without(shown)):
            self._put(series, runs, absent, ticks, first_ns)
            shown = self._shown[series] = shown.union(IdRuns.of(ticks.id)) if self._rings.numbered else runs
            is_news = True
        self._put(series, runs, absent, empty(), first_ns)
        self._shown[series], self._held[series] = shown, (runs, absent)
        return is_news

    def _put(self, series: Series, runs: IdRuns, absent: IdRuns, ticks: TickColumns, first_ns: int) -> None:
        with self._lock:
            self._rings.restore(series, runs.copy(), absent.copy(), ticks, first_ns)

    def _first_ns(self, connection: sqlite3.Connection, series: Series, number: int, runs: IdRuns) -> int:
        """Trade time of the tick with the smallest id; 0 where that cannot be read."""
        first_id = runs.first or 0
        known = self._first.get(series)
        if known is None or known[0] != first_id:
            parts, _ = block_rows.read(
                connection, number, block_rows.keys_of(connection, number, "first_id = ?", first_id)
            )
            first_ns = int(parts[0].time_ns[0]) if parts else _sealed_ns(connection, number, first_id)
            known = self._first[series] = first_id, first_ns
        return known[1]


def _sealed_ns(connection: sqlite3.Connection, number: int, first_id: int) -> int:
    """When the sealed file begins whose first id that is; 0 where there is none."""
    return next((each.first_ns for each in sealed_rows.load(connection, number) if each.ends[0] == first_id), 0)


def _identity(path: Path) -> tuple[int, int]:
    """Which file has the name now; OSError where none has."""
    status = path.stat()
    return status.st_dev, status.st_ino


@contextmanager
def _one_state(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Lend a connection that sees one state of the file from beginning to end."""
    connection.execute("BEGIN")
    try:
        yield connection
    finally:
        connection.execute("ROLLBACK")


def _pairs(rows: Iterable[tuple[int, int, int]]) -> dict[int, list[tuple[int, int]]]:
    """Runs of ids by the number of their instrument."""
    found: dict[int, list[tuple[int, int]]] = {}
    for number, first, last in rows:
        found.setdefault(number, []).append((first, last))
    return found


def _new_ticks(connection: sqlite3.Connection, number: int, new: IdRuns) -> Iterator[TickColumns]:
    """The ticks of these ids, some blocks at a time; those of damaged blocks are left out."""
    if not new:
        return
    firsts, lasts = (np.array(side, dtype=np.int64) for side in zip(*new.pairs(), strict=True))
    left = len(new)
    query = "SELECT max(first_id) FROM blocks WHERE instrument_id = ? AND first_id <= ?"
    (near,) = connection.execute(query, (number, new.first)).fetchone()
    # Blocks hardly ever overlap: then the nearest that begins before these ids is the first that may hold some.
    for condition in ("first_id >= ?", "first_id < ?"):
        blocks = block_rows.keys_of(connection, number, condition, near or 0) if left else []
        blocks = [block for block in blocks if _overlaps(block, firsts, lasts)]
        for start in range(0, len(blocks), _BLOCKS_AT_ONCE):
            parts, _ = block_rows.read(connection, number, blocks[start : start + _BLOCKS_AT_ONCE])
            ticks = TickColumns.merged([*parts, empty()])
            place = np.searchsorted(firsts, ticks.id, side="right") - 1
            ticks = ticks.rows((place >= 0) & (ticks.id <= lasts[place]))
            left -= len(ticks)
            if len(ticks):
                yield ticks


def _overlaps(block: block_rows.Keys, firsts: Ints, lasts: Ints) -> bool:
    """Whether a block may hold an id of these runs."""
    place = int(np.searchsorted(firsts, block.last_id, side="right")) - 1
    return place >= 0 and bool(lasts[place] >= block.first_id)
