"""The tape: a ring of the newest ticks a symbol in memory, in front of one SQLite file that survives a crash.

Writing: ``append`` puts a tick into the ring, where readers see it at once; one thread makes it durable a moment later.
Reading: ``since`` follows the ring, ``window`` and ``columns`` read file and memory together.

Here live the threads, the queue and the health; what is pure lives in ``alphastream.tape.ring``, the file in
``runtime.stores.sqlite``.
"""

import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

from alphastream.errors import AlphaStreamError, ParameterError, StorageError
from alphastream.events import Tick
from alphastream.tape.ring import INT64_MAX, Coverage, Gap, SymbolRing, TickBatch, TickColumns, is_sound
from runtime.stores.sqlite import TickFile
from runtime.writer_lock import WriterLock

__all__ = ["Coverage", "Gap", "StoreHealth", "TickBatch", "TickColumns", "TickStore"]

log = logging.getLogger(__name__)

_APPEND_CHUNK = 1_000  # ticks admitted under one hold of the lock
_RETRY_S = (0.1, 2.0)  # first and longest pause after a failed write
_CLOSE_WRITES_S = 1.0  # how long close() lets a failing write try again


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """How the store is doing; counts are since it was opened.

    Parameters
    ----------
    pending : ticks that readers see and the file does not hold yet.
    written : ticks made durable.
    duplicates : ticks dropped because their id was known.
    rejected : ticks refused: unusable numbers, or an id that ran backwards.
    lost : ticks given up because the file could not be written for too long; ``gaps`` lists their ids.
    last_error : why the newest write failed, None while writing works.
    durable_lag_s : how long the oldest pending tick has waited, in seconds.
    """

    pending: int
    written: int
    duplicates: int
    rejected: int
    lost: int
    last_error: str | None
    durable_lag_s: float


class TickStore:
    """The complete tape of many symbols, safe to use from many threads.

    Ticks are told apart by (symbol, id). A tick that was appended is in the ring at once, and in the file after
    ``flush_s`` or ``batch_ticks``, whichever comes first. A killed process loses only what was pending; a power cut
    may take the last transactions as well. Either way ``gaps`` names the loss once a newer tick has come.

    Parameters
    ----------
    path : file to keep; made with its folders when it does not exist.
    ring_ticks : newest ticks a symbol that stay in memory.
    batch_ticks : ticks that one transaction writes at most.
    flush_s : longest wait of a tick for its transaction, in seconds.
    retention_ns : ticks older than this before the newest of their symbol are deleted now and then; None keeps all.
    max_pending : ticks that may wait for the file. While the file can be written ``append`` waits for room; while it
        cannot, the oldest are given up and listed by ``gaps``.
    on_ticks : called in the appending thread after new ticks became visible.
    read_only : read beside the process that writes. Ring, gaps and coverage are those of the moment of opening;
        ``window`` and ``columns`` read the file as it is.

    Raises
    ------
    StorageError : the file is no tick store, is damaged, or another process writes it.
    ParameterError : a size is not positive.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        ring_ticks: int = 50_000,
        batch_ticks: int = 5_000,
        flush_s: float = 0.25,
        retention_ns: int | None = None,
        max_pending: int = 200_000,
        on_ticks: Callable[[], None] | None = None,
        read_only: bool = False,
    ) -> None:
        sizes = {"ring_ticks": ring_ticks, "batch_ticks": batch_ticks, "flush_s": flush_s, "max_pending": max_pending}
        for name, value in (sizes | ({} if retention_ns is None else {"retention_ns": retention_ns})).items():
            if not value > 0:
                raise ParameterError(f"{name} is {value}: it must be greater than 0")
        self._path = Path(path)
        self._ring_ticks, self._batch_ticks, self._flush_s = ring_ticks, batch_ticks, flush_s
        self._retention_ns, self._max_pending, self._on_ticks = retention_ns, max_pending, on_ticks
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)  # the writer waits for ticks
        self._settled_some = threading.Condition(self._lock)  # flush and append wait for the writer
        self._pending: deque[Tick] = deque()
        self._in_flight: list[Tick] = []  # in the transaction that runs now
        self._marks: deque[tuple[int, float]] = deque()  # accepted so far and when: the age of what is pending
        self._accepted = self._written = self._lost = self._flush_to = 0
        self._duplicates = self._rejected = 0
        self._warned: set[str] = set()  # symbols whose ids ran backwards
        self._error: str | None = None
        self._closed_at: float | None = None
        self._resources = ExitStack()
        self._writer: threading.Thread | None = None  # none in a store opened to read
        self._open(read_only)

    def _open(self, read_only: bool) -> None:
        if not read_only:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                lock = WriterLock(self._path, "name another file, or open it with read_only=True")
                self._resources.callback(lock.release)
            except OSError as error:
                raise StorageError(f"{self._path}: {error}: name a file in a folder that may be written") from error
        try:
            self._file = TickFile(self._path, read_only=read_only)
            self._resources.callback(self._file.close)
            self._rings = {symbol: self._restored(symbol) for symbol in self._file.runs}
        except (LookupError, TypeError, ValueError) as error:  # rows that contradict each other
            self._resources.close()
            if isinstance(error, AlphaStreamError):
                raise
            raise StorageError(
                f"{self._path} is damaged ({type(error).__name__}: {error}): move it away or name another file"
            ) from error
        except BaseException:
            self._resources.close()
            raise
        if not read_only:
            self._writer = threading.Thread(target=self._write_until_closed, name="tick-writer", daemon=True)
            self._writer.start()

    def _restored(self, symbol: str) -> SymbolRing:
        ring = self._new_ring(symbol)
        newest = self._file.newest(symbol, self._ring_ticks)
        ring.restore(self._file.runs[symbol].copy(), newest, self._file.first_ns(symbol))
        return ring

    def _new_ring(self, symbol: str) -> SymbolRing:
        return SymbolRing(symbol, self._ring_ticks, self._retention_ns)

    def append(self, ticks: Iterable[Tick]) -> int:
        """Take ticks in and return how many were accepted; the rest were known already or unusable.

        Refused, counted in ``health`` and logged once a symbol: an id that ran backwards. Refused and counted: a price
        or quantity that is not finite and positive, an id or time outside int64.

        Raises
        ------
        StorageError : the store is closed or was opened to read.
        """
        accepted = 0
        stream = iter(ticks)
        while chunk := list(islice(stream, min(_APPEND_CHUNK, self._max_pending))):
            with self._lock:
                self._require_open_for_writing()
                taken, visible = self._admit(chunk)
            accepted += taken
            if visible and self._on_ticks is not None:
                self._on_ticks()
            self._bound_pending()
        return accepted

    def _require_open_for_writing(self) -> None:
        if self._closed_at is not None:
            raise StorageError(f"{self._path} was closed: open a new TickStore to append")
        if self._writer is None:
            raise StorageError(f"{self._path} was opened with read_only=True: open it without to append")

    def _admit(self, chunk: list[Tick]) -> tuple[int, bool]:
        sound = [tick for tick in chunk if is_sound(tick)]
        self._rejected += len(chunk) - len(sound)
        taken, visible, now_ns = 0, False, time.time_ns()
        for tick in sound:
            ring = self._rings.get(tick.symbol)
            if ring is None:
                ring = self._rings[tick.symbol] = self._new_ring(tick.symbol)
            verdict = ring.admit(tick, now_ns)
            if verdict == "duplicate":
                self._duplicates += 1
            elif verdict == "backwards":
                self._reject_backwards(ring, tick)
            else:
                self._pending.append(tick)
                taken += 1
                visible = visible or verdict == "new"
        if taken:
            if len(self._pending) == taken or self._is_batch_due():
                self._work.notify()
            self._accepted += taken
            self._marks.append((self._accepted, time.monotonic()))
        return taken, visible

    def _reject_backwards(self, ring: SymbolRing, tick: Tick) -> None:
        self._rejected += 1
        if ring.symbol not in self._warned:
            self._warned.add(ring.symbol)
            log.warning(
                "id ran backwards, such ticks are refused: symbol=%s id=%d time_ns=%d first_id=%s first_ns=%d",
                *(ring.symbol, tick.id, tick.time_ns, ring.seen.first, ring.first_ns),
            )

    def _bound_pending(self) -> None:
        """Wait for the writer while it works; give up the oldest pending ticks while it cannot."""
        with self._lock:
            while (over := len(self._pending) + len(self._in_flight) - self._max_pending) > 0:
                if self._error is None or not self._pending:
                    if self._closed_at is not None:
                        return
                    self._settled_some.wait()
                    continue
                for _ in range(min(over, len(self._pending))):
                    tick = self._pending.popleft()
                    self._rings[tick.symbol].lost.add(tick.id)
                    self._lost += 1
                self._settle()

    def since(self, symbol: str, cursor: int | None = None) -> TickBatch:
        """What became visible after the cursor, in order of arrival; a late gap filler comes when it came.

        Parameters
        ----------
        cursor : ``cursor`` of the batch before. None begins with the oldest tick of the ring; so does 0, which counts
            as missed what the ring has dropped since the store was opened.

        Raises
        ------
        ParameterError : a cursor that this store has not given out.
        """
        with self._lock:
            return (self._rings.get(symbol) or SymbolRing(symbol, 1)).since(cursor)

    def window(self, symbol: str, start_ns: int, end_ns: int) -> list[Tick]:
        """Ticks with start_ns <= time_ns < end_ns in ascending order of id, durable or not; empty when there are none.

        Raises
        ------
        StorageError : the file cannot be read, or the store is closed.
        """
        return self.columns(symbol, start_ns, end_ns).ticks(symbol)

    def columns(self, symbol: str, start_ns: int, end_ns: int) -> TickColumns:
        """Return the same ticks as ``window`` as arrays."""
        start_ns, end_ns = max(start_ns, 0), min(end_ns, INT64_MAX)
        with self._lock:  # before the file: a tick that becomes durable in between is then seen twice, never not
            waiting = [*self._in_flight, *self._pending]
        in_memory = [t for t in waiting if t.symbol == symbol and start_ns <= t.time_ns < end_ns]
        return TickColumns.merged([*self._file.window(symbol, start_ns, end_ns), TickColumns.of(in_memory)])

    def gaps(self, symbol: str) -> list[Gap]:
        """Missing id ranges between the first and the last known id, ascending; empty for an unknown symbol."""
        with self._lock:
            ring = self._rings.get(symbol)
            return ring.gaps() if ring is not None else []

    def coverage(self, symbol: str) -> Coverage | None:
        """From where to where the tape goes and how much is missing; None for an unknown symbol."""
        with self._lock:
            ring = self._rings.get(symbol)
            return ring.coverage() if ring is not None else None

    def last(self, symbol: str) -> Tick | None:
        """The tick with the largest id; None for an unknown symbol."""
        with self._lock:
            ring = self._rings.get(symbol)
            return ring.newest if ring is not None else None

    def symbols(self) -> list[str]:
        """Every symbol that has a tick, sorted."""
        with self._lock:
            return sorted(symbol for symbol, ring in self._rings.items() if ring.newest is not None)

    @property
    def health(self) -> StoreHealth:
        """How the store is doing now."""
        with self._lock:
            return StoreHealth(
                pending=len(self._pending) + len(self._in_flight),
                written=self._written,
                duplicates=self._duplicates,
                rejected=self._rejected,
                lost=self._lost,
                last_error=self._error,
                durable_lag_s=time.monotonic() - self._marks[0][1] if self._marks else 0.0,
            )

    def flush(self, timeout_s: float = 10.0) -> None:
        """Block until every tick appended before is durable.

        Raises
        ------
        StorageError : not within ``timeout_s``, or some had to be given up and were not appended again since.
        """
        with self._lock:
            target = self._flush_to = self._accepted
            self._work.notify()
            done = self._settled_some.wait_for(lambda: self._written + self._lost >= target, timeout_s)
            if not done:
                pending = len(self._pending) + len(self._in_flight)
                reason = self._error or "the disk is slower than the tape, allow more time"
                raise StorageError(f"{self._path}: {pending} ticks are not durable after {timeout_s} s: {reason}")
            given_up = sum(len(ring.lost) for ring in self._rings.values())
            if given_up:
                raise StorageError(
                    f"{self._path}: {given_up} ticks were given up while the file could not be written: "
                    "gaps() lists their ids, append them again"
                )

    def close(self) -> None:
        """Write what is pending, stop the writer and release the file. Calling it again does nothing.

        Raises
        ------
        StorageError : ticks are left that could not be written. The store is closed all the same.
        """
        with self._lock:
            if self._closed_at is not None:
                return
            self._closed_at = time.monotonic()
            self._work.notify()
            self._settled_some.notify_all()
        if self._writer is not None:
            self._writer.join()
        self._resources.close()
        if self._pending:
            raise StorageError(f"{self._path}: {len(self._pending)} ticks were not written: {self._error}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write_until_closed(self) -> None:
        """Run the writer thread: one transaction a batch, and pauses while writing fails."""
        shortest, longest = _RETRY_S
        pause_s = shortest
        try:
            while (batch := self._next_batch()) is not None:
                if not batch or self._write(batch):
                    pause_s = shortest
                elif self._may_retry(pause_s):
                    pause_s = min(2 * pause_s, longest)
                else:
                    return
        except Exception as error:  # a thread ends here: say so, and let append and flush say so too
            log.exception("tick writer ended: path=%s", self._path)
            self._finish(self._in_flight, {}, f"the writer thread ended: {error!r}")

    def _next_batch(self) -> list[Tick] | None:
        """Wait for ticks, then for enough of them or long enough; None when the store was closed and all is written."""
        with self._lock:
            self._work.wait_for(lambda: self._pending or self._closed_at is not None)
            self._work.wait_for(self._is_batch_due, self._flush_s)
            if not self._pending and self._closed_at is not None:
                return None
            self._in_flight = [self._pending.popleft() for _ in range(min(len(self._pending), self._batch_ticks))]
            return self._in_flight

    def _is_batch_due(self) -> bool:
        wanted = self._flush_to > self._written + self._lost or self._closed_at is not None
        return wanted or len(self._pending) >= self._batch_ticks

    def _write(self, batch: list[Tick]) -> bool:
        """Write one batch; False when that failed and the batch is pending again."""
        try:
            with self._lock:
                cutoffs = self._cutoffs({tick.symbol for tick in batch})
            kept = self._file.write(batch, cutoffs)
        except sqlite3.Error as error:
            self._finish(batch, {}, self._file.explain(error))
            return False
        except Exception as error:  # the edge of the thread: what follows would never become durable without it
            reason = f"{self._path}: a defect ({type(error).__name__}: {error})"
            if self._error != reason:
                log.exception("writing ticks fails: path=%s", self._path)
            self._finish(batch, {}, reason)
            return False
        self._finish(batch, kept, None)
        return True

    def _cutoffs(self, symbols: set[str]) -> dict[str, int]:
        """Where retention is due: a twentieth of it at a time, at most a minute, so that not every batch deletes."""
        if self._retention_ns is None:
            return {}
        now_ns, slack_ns = time.time_ns(), min(self._retention_ns // 20, 60 * 10**9)
        cutoffs = {symbol: self._rings[symbol].oldest_kept_ns(now_ns) for symbol in symbols}
        return {
            symbol: cutoff for symbol, cutoff in cutoffs.items() if self._rings[symbol].first_ns < cutoff - slack_ns
        }

    def _finish(self, batch: list[Tick], kept: dict[str, tuple[int, int]], error: str | None) -> None:
        with self._lock:
            self._in_flight = []
            if error is None:
                self._written += len(batch)
            else:
                self._pending.extendleft(reversed(batch))
            for symbol, (first_id, first_ns) in kept.items():
                self._rings[symbol].drop_below(first_id, first_ns)
            before, self._error = self._error, error
            self._settle()
        if error is not None and error != before:
            log.error("writing ticks fails: %s; pending ticks wait in memory", error)
        elif error is None and before is not None:
            log.info("writing ticks works again: path=%s", self._path)

    def _settle(self) -> None:
        settled = self._written + self._lost
        while self._marks and self._marks[0][0] <= settled:
            self._marks.popleft()
        self._settled_some.notify_all()

    def _may_retry(self, pause_s: float) -> bool:
        """Pause, shorter when the store is being closed; False when closing has waited long enough."""
        with self._lock:
            self._work.wait_for(lambda: self._closed_at is not None, pause_s)
            return self._closed_at is None or time.monotonic() < self._closed_at + _CLOSE_WRITES_S
