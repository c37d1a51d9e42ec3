"""Sends what is recorded to a sink. The tape is the spool: what could not be sent is read from it again.

While the sink takes what comes, trades go out as they become visible. At the start, and when the sink was away for
longer than the ring in memory reaches back, what it lacks is found by ids and read from the tape, files included.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from alphastream.core.units import SECOND
from alphastream.errors import AlphaStreamError
from alphastream.instruments import InstrumentId
from alphastream.sinks.batches import split
from alphastream.sinks.protocols import Sink
from alphastream.tape.columns import TickColumns
from alphastream.tape.id_ranges import IdRuns
from alphastream.tape.ring import Coverage, Gap, TickBatch
from runtime import threads
from runtime.backoff import Backoff
from runtime.bus.published import Published

log = logging.getLogger(__name__)

EVERY_S: Final = 0.05
SAVE_EVERY_S: Final = 1.0
RETRY_S: Final = (0.5, 10.0)
FLUSH_S: Final = 20.0
STOP_S: Final = 5.0
TICKS_AT_ONCE: Final = 50_000  # read from the tape, and acknowledged before the next
SLICE_NS: Final = 600 * SECOND  # where ids do not count
OVERLAP_NS: Final = 600 * SECOND  # sent again at a start where ids do not tell what was sent


class SpooledTape(Protocol):
    """What is read of a TickStore."""

    @property
    def path(self) -> Path: ...
    def symbols(self) -> list[str]: ...
    def since(self, symbol: str, cursor: int | None = None) -> TickBatch: ...
    def columns(self, symbol: str, start_ns: int, end_ns: int) -> TickColumns: ...
    def coverage(self, symbol: str) -> Coverage | None: ...
    def gaps(self, symbol: str) -> Sequence[Gap]: ...
    def times_around(self, symbol: str, gap: Gap) -> tuple[int | None, int | None]: ...


@dataclass(frozen=True, slots=True)
class PublisherHealth:
    """How publishing is, at one moment.

    Parameters
    ----------
    sink : address without credentials.
    sent : trades that the sink has acknowledged, those that it may have had already among them.
    behind_s : how long before it was acknowledged the newest trade was received, in seconds; None before one.
    trouble, failing_s : why nothing goes out now, and for how many seconds; "" and 0 while it does.
    """

    sink: str
    sent: int
    behind_s: float | None
    trouble: str
    failing_s: float


class Publisher:
    """One thread that publishes one tape.

    Parameters
    ----------
    tape : what is recorded.
    venue, host : where its trades come from; the host is "" where it is the venue's own.
    sink : its address without credentials.
    open_sink : opens it; called again after a failure.
    """

    def __init__(self, tape: SpooledTape, venue: str, host: str, sink: str, open_sink: Callable[[], Sink]) -> None:
        self.name = sink
        self._tape, self._venue, self._host, self._open = tape, venue, host, open_sink
        self._sink: Sink | None = None
        self._published = Published(tape.path, sink)
        self._cursors: dict[str, int] = {}
        self._stopping = threading.Event()
        self._saved_s = 0.0
        self._thread = threading.Thread(target=self._run, name=f"alphastream-publish {venue}", daemon=True)
        self._sent, self._trouble, self._failing_since_s = 0, "", 0.0
        self._behind_s: float | None = None

    @property
    def health(self) -> PublisherHealth:
        """How it is now."""
        trouble = self._trouble
        failing_s = time.monotonic() - self._failing_since_s if trouble else 0.0
        return PublisherHealth(self.name, self._sent, self._behind_s, trouble, failing_s)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Send what is there still, and stop; after a while without. The next start goes on from there."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_S)
        if self._thread.is_alive():
            log.warning("%s: the sink takes nothing now: what it lacks goes out after the next start", self._venue)
        if (sink := self._sink) is not None:
            sink.close()

    def _run(self) -> None:
        pause = Backoff(*RETRY_S, jitter=0.0)
        while not self._stopping.is_set():
            try:
                self._publish_until_stopped(pause)
            except AlphaStreamError as error:
                self._fail(str(error), None)
            except Exception as error:  # noqa: BLE001 (the edge of the thread: nothing would go out without it)
                threads.begins_again()
                self._fail(f"a defect ({type(error).__name__}: {error})", error)
            self._stopping.wait(pause.next_s())

    def _publish_until_stopped(self, pause: Backoff) -> None:
        try:
            self._sink = self._open()
            self._cursors.clear()
            while True:
                is_last = self._stopping.is_set()
                moved = self._round(self._sink, self._published)
                if moved:
                    pause.reset()
                if is_last or time.monotonic() - self._saved_s > SAVE_EVERY_S:
                    self._saved_s = time.monotonic()
                    self._published.save()
                if is_last:
                    return
                if not moved:
                    self._stopping.wait(EVERY_S)
        finally:
            sink, self._sink = self._sink, None
            if sink is not None:
                sink.close()

    def _fail(self, why: str, defect: Exception | None) -> None:
        if not self._trouble:
            self._failing_since_s = time.monotonic()
        if why != self._trouble:
            log.warning("%s does not go to %s now, the tape keeps it: %s", self._venue, self.name, why, exc_info=defect)
        self._trouble = why

    def _round(self, sink: Sink, published: Published) -> bool:
        """Send what has become visible of every instrument; whether anything has."""
        waiting: list[tuple[str, TickColumns, int, Coverage]] = []
        moved = False
        for symbol in self._tape.symbols():
            cursor = self._cursors.get(symbol)
            batch = self._tape.since(symbol, cursor)
            if cursor is None or batch.missed:
                moved |= self._catch_up(sink, published, symbol)
                self._cursors[symbol] = batch.cursor
            elif len(batch) and (coverage := self._tape.coverage(symbol)) is not None:
                self._send(sink, symbol, batch.columns, coverage)
                waiting.append((symbol, batch.columns, batch.cursor, coverage))
        if waiting:
            sink.flush(FLUSH_S)
        for symbol, ticks, cursor, coverage in waiting:
            self._note(published, symbol, ticks, coverage)
            self._cursors[symbol] = cursor
        return moved or bool(waiting)

    def _send(self, sink: Sink, symbol: str, ticks: TickColumns, coverage: Coverage) -> None:
        instrument = InstrumentId.parse(symbol, self._venue)
        for batch in split(instrument, ticks, self._host, coverage.epoch):
            sink.publish(batch)

    def _note(self, published: Published, symbol: str, ticks: TickColumns, coverage: Coverage) -> None:
        """Take note of what the sink has."""
        if self._trouble:
            log.info("%s goes to %s again", self._venue, self.name)
        self._trouble = ""
        self._sent += len(ticks)
        self._behind_s = (time.time_ns() - int(ticks.receive_ns.max())) / SECOND
        mark = published.mark(symbol)
        if mark is None or mark.epoch != coverage.epoch:
            # Some of these may be of the epoch before, whose ids say nothing of this one: they count as not sent.
            published.begin(symbol, coverage)
        else:
            published.add(symbol, ticks, coverage)

    def _catch_up(self, sink: Sink, published: Published, symbol: str) -> bool:
        """Send what the sink lacks of all that is held; whether there was any."""
        coverage = self._tape.coverage(symbol)
        if coverage is None:
            return False
        mark, moved = published.mark(symbol), False
        if mark is not None and mark.epoch != coverage.epoch:  # the end of an epoch that is over
            for ticks in self._by_time(symbol, mark.newest_ns, coverage.first_ns):
                self._send(sink, symbol, ticks, coverage)
                sink.flush(FLUSH_S)
                self._sent, moved = self._sent + len(ticks), True
        if mark is None or mark.epoch != coverage.epoch:
            published.begin(symbol, coverage)
        for ticks in self._lacking(published, symbol, coverage):
            self._send(sink, symbol, ticks, coverage)
            sink.flush(FLUSH_S)
            self._note(published, symbol, ticks, coverage)
            published.save()
            moved = True
        return moved

    def _lacking(self, published: Published, symbol: str, coverage: Coverage) -> Iterator[TickColumns]:
        """What is held and has not been published, some at a time."""
        mark = published.mark(symbol)
        if coverage.is_known:
            gaps = IdRuns((gap.first_id, gap.last_id) for gap in self._tape.gaps(symbol))
            held = IdRuns([(coverage.first_id, coverage.last_id)]).without(gaps)
            for _ in range(2):  # what venue times hid from the first look is found by its own ids
                for first, last in held.without(published.runs(symbol)).pairs():
                    for start in range(first, last + 1, TICKS_AT_ONCE):
                        yield from self._by_ids(symbol, start, min(last, start + TICKS_AT_ONCE - 1), coverage)
        else:
            start_ns = max(coverage.first_ns, (mark.newest_ns if mark is not None else 0) - OVERLAP_NS)
            yield from self._by_time(symbol, start_ns, coverage.last_ns + 1)

    def _by_ids(self, symbol: str, first: int, last: int, coverage: Coverage) -> Iterator[TickColumns]:
        """Ticks of these ids, all of which are held."""
        start_ns, end_ns = self._tape.times_around(symbol, Gap(first + 1, last - 1))
        if start_ns is not None and end_ns is not None:
            parts = iter([self._tape.columns(symbol, min(start_ns, end_ns), max(start_ns, end_ns) + 1)])
        else:  # one of them is in a block that is damaged
            parts = self._by_time(symbol, start_ns or coverage.first_ns, (end_ns or coverage.last_ns) + 1)
        for ticks in parts:
            ticks = ticks.rows((ticks.id >= first) & (ticks.id <= last))
            for start in range(0, len(ticks), TICKS_AT_ONCE):
                yield ticks.rows(slice(start, start + TICKS_AT_ONCE))

    def _by_time(self, symbol: str, start_ns: int, end_ns: int) -> Iterator[TickColumns]:
        """Ticks of a time, a slice after the other."""
        for at_ns in range(start_ns, end_ns, SLICE_NS):
            ticks = self._tape.columns(symbol, at_ns, min(at_ns + SLICE_NS, end_ns))
            if len(ticks):
                yield ticks.rows(np.argsort(ticks.time_ns, kind="stable"))
