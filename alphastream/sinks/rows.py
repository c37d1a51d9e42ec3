"""A sink that keeps trades as rows of a database: what such sinks have in common."""

from typing import Final, Protocol

from alphastream.errors import BusError
from alphastream.sinks.batches import Batch

ROWS_AT_ONCE: Final = 20_000


class Table(Protocol):
    """Where rows go. A row that is there already must change nothing."""

    @property
    def name(self) -> str:
        """Its address for people, without credentials."""

    def write(self, batches: list[Batch]) -> None:
        """Keep the trades of these batches, all of them or none; BusError where that cannot be."""

    def close(self) -> None:
        """Let go."""


class RowSink:
    """Collects batches and writes many rows at once; a Sink over a Table."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._waiting: list[Batch] = []
        self._rows = 0
        self._closed = False

    @property
    def name(self) -> str:
        """Its address for people, without credentials."""
        return self._table.name

    def publish(self, batch: Batch) -> None:
        """Take a batch; see Sink."""
        if self._closed:
            raise BusError(f"{self.name}: it was closed")
        self._waiting.append(batch)
        self._rows += len(batch.ticks)
        if self._rows >= ROWS_AT_ONCE:
            self._write()

    def flush(self, timeout_s: float) -> None:
        """Write what was taken; see Sink. How long that may take is the client's to say."""
        if self._closed:
            raise BusError(f"{self.name}: it was closed")
        self._write()

    def close(self) -> None:
        """Let go; see Sink."""
        if not self._closed:
            self._closed = True
            self._table.close()

    def _write(self) -> None:
        waiting, self._waiting, self._rows = self._waiting, [], 0
        if waiting:
            self._table.write(waiting)
