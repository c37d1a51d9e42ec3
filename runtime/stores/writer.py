"""The writer of a store: the ticks that wait for the file, and the thread that makes them durable."""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path

import numpy as np

from alphastream.core.durations import DurationHistogram
from alphastream.errors import StorageError
from alphastream.tape.columns import TickColumns
from alphastream.tape.id_ranges import IdRuns
from alphastream.tape.ring import Series
from runtime import threads
from runtime.backoff import Backoff
from runtime.stores.block_upkeep import SMALL_BLOCKS
from runtime.stores.connections import ERRORS
from runtime.stores.rings import SymbolRings
from runtime.stores.sqlite import TickFile
from runtime.stores.thread_jobs import ThreadJobs

log = logging.getLogger(__name__)

_MOST_TICKS = 100_000  # in one transaction: the more wait, the fewer times the interpreter lock is asked for a tick
_RETRY_S = (0.1, 2.0)  # first and longest pause after a failed write
_TEND_S = 1.0  # between looks at what is to be tended, while no tick comes
_CLOSE_WRITES_S = 1.0  # how long close() lets a failing write try again


Batch = tuple[Series, TickColumns]


class TickWriter:
    """Writes ticks in batches, on a thread of its own, and tries again while that fails.

    Parameters
    ----------
    path, file : where ticks go; the path is for messages.
    rings : they follow what the file deletes and what has to be given up.
    guard : raises StorageError where another process may write now; called about once a second.
    lock : guards rings and queue. Methods that say so are called by its holder.
    batch_ticks, flush_s, max_pending : as in TickStore.

    Attributes
    ----------
    written, lost : ticks made durable, and given up.
    error : why the newest write failed, None while writing works.
    lag : how long ticks waited for the file, those that were given up not among them.
    jobs : what others have the thread do between two batches.
    """

    def __init__(
        self,
        path: Path,
        file: TickFile,
        rings: SymbolRings,
        lock: threading.Lock,
        guard: Callable[[], None],
        *,
        batch_ticks: int,
        flush_s: float,
        max_pending: int,
    ) -> None:
        self._path, self._file, self._rings, self._lock = path, file, rings, lock
        self._guard, self._looked_s = guard, 0.0
        self._batch_ticks, self._flush_s, self._max_pending = batch_ticks, flush_s, max_pending
        self._work = threading.Condition(lock)  # the thread waits for ticks
        self._settled_some = threading.Condition(lock)  # flush and append wait for the thread
        self._queue: deque[Batch] = deque()
        self._queued = 0  # ticks in there
        self._in_flight: list[Batch] = []  # in the transaction that runs now
        self._flying = 0  # ticks in there
        self._marks: deque[tuple[int, float]] = deque()  # offered so far and when: the age of what is pending
        self._offered = self._flush_to = self._settled = 0
        self.lag = DurationHistogram()
        self._small: Counter[Series] = Counter()  # blocks written since the last merge
        self._unchecked = True
        self.jobs = ThreadJobs(self._work)
        self.tending_error: str | None = None
        self.written = self.lost = 0
        self.error: str | None = None
        self._closed_at: float | None = None
        self._thread = threading.Thread(target=self._write_until_closed, name="tick-writer", daemon=True)

    def start(self) -> None:
        """Start the thread. A writer that was never started has nothing to write: its store only reads."""
        self._thread.start()

    @property
    def closed(self) -> bool:
        """True once ``close`` was called."""
        return self._closed_at is not None

    @property
    def pending(self) -> int:
        """Ticks that are not durable yet. For the lock's holder."""
        return self._queued + self._flying

    @property
    def lag_s(self) -> float:
        """How long the oldest pending tick has waited. For the lock's holder."""
        return time.monotonic() - self._marks[0][1] if self._marks else 0.0

    def waiting(self, symbol: str) -> list[Batch]:
        """What is not durable yet of a symbol, in order of arrival. For the lock's holder."""
        return [batch for batch in (*self._in_flight, *self._queue) if batch[0].symbol == symbol]

    def offer(self, series: Series, ticks: TickColumns) -> None:
        """Take ticks to be written. For the lock's holder, who then calls ``wait_for_room`` without it."""
        if not len(ticks):
            return
        was_empty = not self._queue
        self._queue.append((series, ticks))
        self._queued += len(ticks)
        if was_empty or self._is_batch_due():
            self._work.notify()
        self._offered += len(ticks)
        self._marks.append((self._offered, time.monotonic()))

    def wait_for_room(self) -> None:
        """Wait for the thread while it works; give up the oldest pending ticks while it cannot."""
        if self.pending <= self._max_pending:  # without the lock: the caller has just had it
            return
        with self._lock:
            while (over := self.pending - self._max_pending) > 0:
                if self.error is None or not self._queue:
                    if self.closed:
                        return
                    self._settled_some.wait()
                    continue
                for series, ticks in self._take(over):
                    self._rings.give_up(series, IdRuns.of(np.unique(ticks.id)))
                    self.lost += len(ticks)
                self._settle(durable=False)

    def flush(self, timeout_s: float) -> None:
        """Block until every tick offered before is durable; see TickStore."""
        with self._lock:
            target = self._flush_to = self._offered
            self._work.notify()
            done = self._settled_some.wait_for(lambda: self.written + self.lost >= target, timeout_s)
            if not done:
                reason = self.error or "the disk is slower than the tape, allow more time"
                raise StorageError(f"{self._path}: {self.pending} ticks are not durable after {timeout_s} s: {reason}")
            given_up = self._rings.given_up
            if given_up:
                raise StorageError(
                    f"{self._path}: {given_up} ticks were given up while the file could not be written, or were found "
                    "damaged in it: gaps() lists their ids, append them again"
                )

    def close(self) -> bool:
        """Write what is pending and stop the thread; whether this was the first call."""
        with self._lock:
            if self.closed:
                return False
            self._closed_at = time.monotonic()
            self._work.notify()
            self._settled_some.notify_all()
        if self._thread.is_alive():
            self._thread.join()
        return True

    def tend(self) -> None:
        """Have damage that a reader has met set aside."""
        with self._lock:
            self._work.notify()

    def _write_until_closed(self) -> None:
        """Run the thread: one transaction a batch, and pauses while writing fails."""
        backoff = Backoff(*_RETRY_S, jitter=0.0)
        try:
            while (batch := self._next_batch()) is not None:
                if (not batch or self._write(batch)) and self._tend():
                    self.jobs.run()
                    backoff.reset()
                elif not self._may_retry(backoff.next_s()):
                    return
            self._repair_at_last()
        except Exception as error:  # a thread ends here: say so, and let append and flush say so too
            log.exception("tick writer ended: path=%s", self._path)
            self._finish(self._in_flight, {}, f"the writer thread ended: {error!r}")
        finally:
            self.jobs.end()

    def _take(self, most: int) -> list[Batch]:
        """Take the oldest ticks off the queue. For the lock's holder."""
        taken: list[Batch] = []
        while self._queue and most > 0:
            series, ticks = self._queue.popleft()
            if len(ticks) > most:
                self._queue.appendleft((series, ticks.rows(slice(most, None))))
                ticks = ticks.rows(slice(most))
            taken.append((series, ticks))
            most -= len(ticks)
            self._queued -= len(ticks)
        return taken

    def _next_batch(self) -> list[Batch] | None:
        """Wait for ticks, then for enough of them or long enough; None when the store was closed and all is written."""
        with self._lock:
            self._work.wait_for(lambda: self._queue or self.jobs.waits or self.closed or self._is_damaged, _TEND_S)
            if self._queue:
                self._work.wait_for(self._is_batch_due, self._flush_s)
            if not self._queue and self.closed:
                return None
            self._flying = min(self._queued, _MOST_TICKS)
            self._in_flight = self._take(_MOST_TICKS)
            return self._in_flight

    @property
    def _is_damaged(self) -> bool:
        return self._file.has_damage or self._file.is_broken

    def _tend(self) -> bool:
        """While little waits: set damage aside, look for damage, put small blocks together. False when that failed."""
        if self._queued >= self._batch_ticks or self.closed:
            return True
        try:
            self._repair()
            if self._file.has_damage:
                self._give_up(self._file.set_damage_aside())
            self._unchecked = self._unchecked and self._file.check_some()
            for series in [series for series, count in self._small.items() if count >= SMALL_BLOCKS]:
                self._file.merge(series)
                self._small[series] = 0
        except (*ERRORS, StorageError) as error:
            if self.tending_error is None:
                log.error("the tick file is not tended, it grows: %s", self._file.explain(error))
            self.tending_error = self._file.explain(error)
            return False
        self.tending_error = None
        return True

    def _repair(self) -> None:
        """Keep the file's name, and replace a file that cannot be read by what is sound in it."""
        now_s = time.monotonic()
        if self._file.is_broken or now_s - self._looked_s >= _TEND_S:
            self._guard()
            self._looked_s = now_s
            if (lost := self._file.look_after()) is not None:
                self._follow(lost)
        if self._file.is_broken:
            self._follow(self._file.salvage())

    def _repair_at_last(self) -> None:
        """What was deleted a moment before the store was closed is written anew as well."""
        self._looked_s = 0.0
        try:
            self._repair()
        except (*ERRORS, StorageError) as error:
            log.error("the tick file may not be what was written: %s", self._file.explain(error))

    def _follow(self, lost: dict[Series, IdRuns]) -> None:
        """Go on with another file."""
        self._small.clear()
        self._unchecked = True
        try:
            found = self._file.newest_of_each(self._rings.ring_ticks)
        finally:  # what is lost is told also where that cannot be read
            self._give_up(lost)
        with self._lock:
            for series, (newest, first_ns) in found.items():
                self._rings.follow(series, self._file.runs[series], self._file.lost[series], newest, first_ns)

    def _give_up(self, lost: dict[Series, IdRuns]) -> None:
        with self._lock:
            for series, ids in lost.items():
                self._rings.give_up(series, ids)

    def _is_batch_due(self) -> bool:
        wanted = self._flush_to > self.written + self.lost or self.closed
        return wanted or self._queued >= self._batch_ticks

    def _write(self, batch: list[Batch]) -> bool:
        """Write one batch; False when that failed and the batch is pending again."""
        groups: dict[Series, list[TickColumns]] = {}
        for series, ticks in batch:
            groups.setdefault(series, []).append(ticks)
        try:
            self._repair()
            with self._lock:
                cutoffs = self._rings.cutoffs({series.symbol for series in groups})
            oldest = self._file.write({series: TickColumns.joined(parts) for series, parts in groups.items()}, cutoffs)
        except (*ERRORS, StorageError) as error:
            self._finish(batch, {}, self._file.explain(error))
            return False
        except Exception as error:  # the edge of the thread: what follows would never become durable without it
            threads.begins_again()
            reason = f"{self._path}: a defect ({type(error).__name__}: {error})"
            if self.error != reason:
                log.exception("writing ticks fails: path=%s", self._path)
            self._finish(batch, {}, reason)
            return False
        self._finish(batch, oldest, None)
        self._small.update(groups.keys())
        return True

    def _finish(self, batch: list[Batch], oldest: dict[Series, tuple[int, int]], error: str | None) -> None:
        with self._lock:
            if error is None:
                self.written += self._flying
            else:
                self._queue.extendleft(reversed(batch))
                self._queued += self._flying
            self._in_flight, self._flying = [], 0
            self._rings.drop_below(oldest)
            before, self.error = self.error, error
            self._settle(durable=error is None)
        if error is not None and error != before:
            log.error("writing ticks fails: %s; pending ticks wait in memory", error)
        elif error is None and before is not None:
            log.info("writing ticks works again: path=%s", self._path)

    def _settle(self, *, durable: bool) -> None:
        now_s, settled = time.monotonic(), self.written + self.lost
        lags, counts = [], []
        while self._marks and self._marks[0][0] <= settled:
            offered, at_s = self._marks.popleft()
            lags.append(now_s - at_s)
            counts.append(offered - self._settled)
            self._settled = offered
        if durable and lags:
            self.lag.add(lags, counts)
        self._settled_some.notify_all()

    def _may_retry(self, pause_s: float) -> bool:
        """Pause, shorter when the store is being closed; False when closing has waited long enough."""
        with self._lock:
            self._work.wait_for(lambda: self.closed, pause_s)
            return self._closed_at is None or time.monotonic() < self._closed_at + _CLOSE_WRITES_S
