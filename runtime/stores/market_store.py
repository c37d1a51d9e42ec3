"""Sampled books, quotes, mark prices and funding of one venue in an SQLite file of their own, beside the ticks."""

import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from alphastream.books.blocks import Columns
from alphastream.books.health import MarketStoreHealth
from alphastream.errors import ParameterError, StorageError
from alphastream.feeds.market import FundingPayment
from alphastream.history import market_rows
from alphastream.history.market_rows import KINDS, Block
from alphastream.history.places import Place
from alphastream.tape_files.schema import Origin
from runtime import threads
from runtime.backoff import Backoff
from runtime.stores import market_salvage, names, salvage
from runtime.stores.connections import ERRORS, explain, is_damage
from runtime.stores.market_reader import KIND, MarketReader
from runtime.stores.market_sealer import MarketSealer
from runtime.stores.thread_jobs import ThreadJobs
from runtime.writer_lock import WriterLock

log = logging.getLogger(__name__)

_RETRY_S: Final = (0.2, 10.0)
_MOST_PENDING: Final = 500_000  # samples, while the file cannot be written
_PRUNE_EVERY_S: Final = 60.0
_PRUNED: Final = 200  # blocks in one transaction
_CHECKED: Final = 20  # blocks of before that are read in one turn
_NOTICES: Final = 8
_CLOSE_TRIES: Final = 3
_CLOSE_SEALING_S: Final = 5.0  # how long close() waits for files that are being written


def market_path(tape: Path) -> Path:
    """Return the file for books and quotes of the venue and host whose ticks are in ``tape``."""
    return tape.parent / "books" / tape.name


class MarketStore(MarketReader):
    """Keeps samples as blocks of columns with checksums; ticks are elsewhere, so nothing here can hold them up.

    A thread of its own writes every ``flush_s``; a kill loses at most what came since. A block that is not what was
    written is set aside and left out of every answer. A file that SQLite cannot read is moved aside, and what is sound
    in it goes into a new one.

    Parameters
    ----------
    path : the file; its folder is made.
    origin : who fills it, as in TickStore.
    retention_ns : blocks whose samples are all older go, or move to the history, whole UTC days of them; funding
        payments stay. None keeps all.
    history : folder or URL of Parquet files that take old samples; they are read as if they were here.
    flush_s : longest time that samples wait for the file.
    read_only : read beside the process that writes; a file that is not there yet holds nothing.

    Raises
    ------
    StorageError : the file is of another kind or program, or another process writes it.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        origin: Origin | None = None,
        retention_ns: int | None = None,
        flush_s: float = 5.0,
        read_only: bool = False,
        history: str | Path | None = None,
    ) -> None:
        if retention_ns is not None and retention_ns <= 0:
            raise ParameterError(f"retention_ns is {retention_ns}: it must be greater than 0")
        super().__init__(Path(path), Place(history) if history is not None else None)
        self._origin, self._flush_s, self._retention_ns = origin, flush_s, retention_ns
        self._work = threading.Condition(self._lock)
        self._settled = threading.Condition(self._lock)
        self._jobs = ThreadJobs(self._work)
        self._sealer: MarketSealer | None = None
        self._unchecked: list[Block] = []
        self._written = self._lost = self._damaged = 0
        self._error: str | None = None
        self._notices: deque[str] = deque(maxlen=_NOTICES)
        self._is_closed, self._flushes = False, False
        self._pruned_s = 0.0
        self._held: WriterLock | None = None
        self._thread: threading.Thread | None = None
        if not read_only:
            self.claim()

    def claim(self) -> None:
        """Become the process that writes, once no other one does.

        Raises
        ------
        HeldError : another process writes; the message names it.
        StorageError : the file cannot be opened to write. The store goes on reading.
        """
        if self._thread is not None:
            return
        held = names.lock(self._path)
        try:
            self._open()
        except BaseException:
            held.release()
            raise
        self._held = held
        self._thread = threading.Thread(target=self._write_until_closed, name="market-writer", daemon=True)
        self._thread.start()
        if self._history is not None:
            settings = (self._path, self._history, self._retention_ns)
            self._sealer = MarketSealer(*settings, self._connections, self._jobs, self._held_numbers, self._meet)
            self._sealer.start()

    def _held_numbers(self) -> set[int]:
        """Numbers of the blocks that are held in memory."""
        with self._lock:
            return {tail.number for tail in self._tails}

    def _meet(self, damaged: Sequence[Block]) -> None:
        with self._lock:
            self._met.update(damaged)

    def seal(self, until_ns: int, progress: Callable[[int], None] | None = None) -> int:
        """Move what is older than a time to the history now; see MarketSealer."""
        with self._lock:
            self._require_writing()
        if self._sealer is None:
            raise StorageError(f"{self._path} was opened without a history: name a folder to seal into")
        return self._sealer.seal(until_ns, progress)

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    @property
    def follows(self) -> bool:
        """Whether another process writes the file, and this one only reads it."""
        return self._thread is None

    def _open(self) -> None:
        try:
            salvage.put_in_place(self._path)  # what a kill has left undone
            try:
                self._open_writer(keep_numbers=False)
            except ERRORS as error:
                if not is_damage(error):
                    raise
                self._salvage(error)
        except (*ERRORS, OSError) as error:
            raise StorageError(explain(self._path, error, KIND)) from error

    def _open_writer(self, *, keep_numbers: bool) -> None:
        connection = self._connections.connect("rwc")
        try:
            market_rows.prepare(connection, self._path, self._origin)
            self._unchecked = market_rows.keys(connection)
            with self._lock:
                numbers = market_rows.next_number(connection), market_rows.newest(connection)
                self._tails.begin(*numbers, keep_numbers=keep_numbers)
        except BaseException:
            connection.close()
            raise
        self._connections.writer = connection
        self._connections.named = names.look(self._path)

    def _salvage(self, why: Exception) -> None:
        """Go on with what is sound in the file."""
        self._connections.let_go()
        with self._connections.swapping():
            kept, found = market_salvage.replace_damaged(self._path)
        self._open_writer(keep_numbers=True)
        self._tell(
            f"{self._path} could not be read ({why}): {found.samples} samples in {found.blocks} sound blocks were "
            f"salvaged, the damaged file is {kept.name if kept is not None else 'gone'}"
        )

    def _tell(self, what: str) -> None:
        log.error("%s", what)
        self._notices.append(f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} UTC: {what}")

    def add(self, name: str, columns: Columns) -> None:
        """Take samples of an instrument in, those of one kind in the order of their arrival.

        Raises
        ------
        StorageError : the store is closed or only reads.
        """
        if len(columns):
            with self._lock:
                self._require_writing()
                self._tails.add(name, columns)
                if self._tails.pending > _MOST_PENDING:
                    self._lost += self._tails.drop(_MOST_PENDING)

    def add_funding(self, payments: Sequence[FundingPayment]) -> None:
        """Take payments in; those that are known already may come again. Raises as ``add``."""
        with self._lock:
            self._require_writing()
            self._payments += payments

    def _require_writing(self) -> None:
        if self._is_closed or self._thread is None:
            how = "was closed: open it anew" if self._is_closed else "was opened with read_only=True: open it without"
            raise StorageError(f"{self._path} {how} to add samples")

    @property
    def health(self) -> MarketStoreHealth:
        """How the store is doing now."""
        with self._lock:
            pending = self._tails.pending + len(self._payments)
            counts = (pending, self._written, self._lost, self._damaged)
            sealing = (self._sealer.sealed, self._sealer.error) if self._sealer is not None else (0, None)
            return MarketStoreHealth(*counts, self._error, tuple(self._notices), *sealing)

    def flush(self, timeout_s: float = 10.0) -> None:
        """Block until all that was added before is durable. Raises StorageError where that is not in time."""
        with self._lock:
            self._flushes = True
            self._work.notify()
            done = self._settled.wait_for(lambda: not (self._tails.pending or self._payments), timeout_s)
            if not done:
                raise StorageError(f"{self._path}: samples are not durable after {timeout_s} s: {self._error}")

    def close(self) -> None:
        """Write what is pending, stop the writer and release the file. Calling it again does nothing."""
        if self._sealer is not None:
            self._sealer.stop(_CLOSE_SEALING_S)
        with self._lock:
            self._is_closed = True
            self._work.notify()
        if self._thread is not None:
            self._thread.join()
        if self._sealer is not None:
            self._sealer.stop()  # what it waited for was refused
        self._connections.close()
        if self._held is not None:
            self._held.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write_until_closed(self) -> None:
        """Run the thread."""
        try:
            self._write_and_tend()
        finally:
            self._jobs.end()

    def _write_and_tend(self) -> None:
        backoff = Backoff(*_RETRY_S, jitter=0.0)
        tries, pause_s = 0, self._flush_s
        while True:
            with self._lock:
                self._work.wait_for(lambda: self._is_closed or self._flushes or self._may_run_jobs, pause_s)
                self._flushes = False
                is_last = self._is_closed
            try:
                self._write()
                self._tend()
                self._jobs.run()
            except (*ERRORS, StorageError, OSError) as error:
                self._fail(explain(self._path, error, KIND))
            except Exception as error:  # the edge of the thread: what follows would never become durable without it
                threads.begins_again()
                log.exception("writing books fails: path=%s", self._path)
                self._fail(f"{self._path}: a defect ({type(error).__name__}: {error})")
            else:
                backoff.reset()
                pause_s, self._error = self._flush_s, None
                if is_last:
                    return
                continue
            tries, pause_s = tries + is_last, backoff.next_s()
            if tries >= _CLOSE_TRIES:
                return

    @property
    def _may_run_jobs(self) -> bool:
        return self._error is None and self._jobs.waits

    def _fail(self, words: str) -> None:
        if words != self._error:
            log.error("writing books fails: %s; samples wait in memory", words)
        self._error = words

    def _write(self) -> None:
        """Make what waits durable, in one transaction."""
        if self._held is not None:
            self._held.keep()
        if self._connections.is_broken:
            self._salvage(sqlite3.DatabaseError("it is damaged"))
        elif self._connections.writer is None or names.look(self._path).file != self._connections.named.file:
            self._connections.let_go()
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._open()
            self._tell(f"{self._path} was taken away while it was open: samples go on in the file of that name")
        with self._lock:
            taken = [(tail, tail.samples, tail.columns()) for tail in self._tails if tail.durable < tail.samples]
            payments = list(self._payments)
        if taken or payments:
            with self._connections.writing() as connection:
                for tail, _, columns in taken:
                    market_rows.put(connection, tail.instrument, tail.number, columns)
                market_rows.put_funding(connection, payments)
        with self._lock:
            self._written += self._tails.written([(tail, samples) for tail, samples, _ in taken])
            del self._payments[: len(payments)]
            self._settled.notify_all()

    def _tend(self) -> None:
        """Look for damage, set aside what was found, delete what is too old."""
        kinds = {name: kind for kind, name in KINDS.items()}
        checked, self._unchecked = self._unchecked[-_CHECKED:], self._unchecked[:-_CHECKED]
        with self._lock:
            met, self._met = self._met, set()
        if checked or met:
            with self._connections.writing() as connection:
                for block in checked:
                    kind = kinds.get(block.kind)
                    if kind is None or market_rows.read(connection, [block], kind)[1]:
                        met.add(block)
                met = {
                    block
                    for block in met
                    if market_rows.keys(connection, "id IS ? AND checksum IS ?", block.id, block.checksum)
                }
                market_rows.set_aside(connection, sorted(met, key=repr))
            self._damaged += sum(block.samples for block in met if isinstance(block.samples, int))
        now_s = time.monotonic()
        if self._retention_ns is not None and self._history is None and now_s - self._pruned_s >= _PRUNE_EVERY_S:
            cutoff_ns = time.time_ns() - self._retention_ns
            with self._connections.writing() as connection:
                old = market_rows.keys(connection, "last_ns < ?", cutoff_ns)
                market_rows.delete(connection, old[:_PRUNED])
            self._pruned_s = now_s if len(old) <= _PRUNED else 0.0
