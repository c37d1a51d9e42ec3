"""A bus within one process: for one machine, and for tests."""

import threading
from collections import deque
from collections.abc import Sequence
from typing import Final

from alphastream.errors import BusError
from alphastream.sinks.batches import Batch, decode_all, encode

MOST_MESSAGES: Final = 100_000  # held for readers that have not acknowledged them
_AT_ONCE: Final = 1_000


class _Tape:
    """The messages of one source: those that some reader has still to acknowledge."""

    def __init__(self) -> None:
        self.messages: deque[bytes] = deque()
        self.first = 0  # the number of the oldest message held
        self.acknowledged: dict[str, int] = {}  # by reader, the number of its next message
        self.instruments: dict[str, None] = {}

    def forget(self) -> None:
        """Drop what all readers have; while there are none everything is for them who come."""
        if self.acknowledged:
            for _ in range(min(self.acknowledged.values()) - self.first):
                self.messages.popleft()
                self.first += 1


class MemoryBus:
    """Batches between threads of one process. A publisher waits while a reader is too far behind.

    Parameters
    ----------
    most_messages : of one source that wait for readers; without any reader the oldest are dropped.
    """

    name = "memory"

    def __init__(self, most_messages: int = MOST_MESSAGES) -> None:
        self._most = most_messages
        self._changed = threading.Condition()
        self._tapes: dict[str, _Tape] = {}
        self._closed = False

    def publish(self, batch: Batch) -> None:
        """Take a batch; wait while a reader is too far behind."""
        message = encode(batch)
        with self._changed:
            tape = self._tapes.setdefault(batch.source, _Tape())
            while len(tape.messages) >= self._most and not self._closed:
                if tape.acknowledged:
                    self._changed.wait()
                else:
                    tape.messages.popleft()
                    tape.first += 1
            self._require_open()
            tape.messages.append(message)
            tape.instruments[batch.instrument] = None
            self._changed.notify_all()

    def flush(self, timeout_s: float) -> None:
        """Wait until every reader has acknowledged all: memory alone keeps nothing."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._closed or self._is_read(), timeout_s):
                raise BusError(f"the readers of the bus have not acknowledged all after {timeout_s:g} s")
            self._require_open()

    def _is_read(self) -> bool:
        ends = {source: tape.first + len(tape.messages) for source, tape in self._tapes.items()}
        return all(at >= ends[source] for source, tape in self._tapes.items() for at in tape.acknowledged.values())

    def close(self) -> None:
        """End every wait."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def sources(self) -> list[str]:
        """Tapes that are on it."""
        with self._changed:
            return list(self._tapes)

    def instruments(self, source: str) -> list[str]:
        """Full names of a tape's instruments."""
        with self._changed:
            return list(self._tapes.get(source, _Tape()).instruments)

    def subscribe(self, source: str, durable: str) -> "MemoryConsumer":
        """Read a tape; see Bus."""
        with self._changed:
            tape = self._tapes.setdefault(source, _Tape())
            tape.acknowledged.setdefault(durable, tape.first)
        return MemoryConsumer(self, source, durable)

    def take(self, source: str, at: int, timeout_s: float) -> list[bytes]:
        """Messages from number ``at`` on; for consumers."""
        with self._changed:
            tape = self._tapes[source]
            self._changed.wait_for(lambda: self._closed or tape.first + len(tape.messages) > at, timeout_s)
            self._require_open()
            start = at - tape.first
            return [tape.messages[place] for place in range(start, min(start + _AT_ONCE, len(tape.messages)))]

    def acknowledge(self, source: str, durable: str, at: int) -> None:
        """Take note that a reader has all before number ``at``; for consumers."""
        with self._changed:
            tape = self._tapes[source]
            tape.acknowledged[durable] = max(at, tape.acknowledged[durable])
            tape.forget()
            self._changed.notify_all()

    def position(self, source: str, durable: str) -> int:
        """The number of the first message that a reader has not acknowledged; for consumers."""
        with self._changed:
            return self._tapes[source].acknowledged[durable]

    def _require_open(self) -> None:
        if self._closed:
            raise BusError("the bus is closed")


class MemoryConsumer:
    """Reads one source of a MemoryBus."""

    is_connected = True

    def __init__(self, bus: MemoryBus, source: str, durable: str) -> None:
        self._bus, self._source, self._durable = bus, source, durable
        self._at = bus.position(source, durable)
        self._closed = False
        self.damaged = 0

    def receive(self, timeout_s: float) -> Sequence[Batch]:
        """Return what has come since; see Consumer."""
        if self._closed:
            raise BusError("the consumer is closed")
        messages = self._bus.take(self._source, self._at, timeout_s)
        self._at += len(messages)
        batches, damaged = decode_all(messages)
        self.damaged += damaged
        return batches

    def ack(self) -> None:
        """Say that all that was received is kept."""
        self._bus.acknowledge(self._source, self._durable, self._at)

    def close(self) -> None:
        """Let go."""
        self._closed = True
