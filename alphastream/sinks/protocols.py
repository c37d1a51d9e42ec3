"""What carries trades out of a process: a sink takes them, a bus also gives them to other processes.

A batch may come twice, never not at all: what was published and not acknowledged is sent again, and what was received
and not acknowledged comes again. A store that tells trades apart by their ids makes exactly once of it.
"""

from collections.abc import Sequence
from typing import Protocol

from alphastream.sinks.batches import Batch


class Sink(Protocol):
    """Takes batches of trades. One thread publishes; ``close`` may be called from any."""

    @property
    def name(self) -> str:
        """Its address for people, without credentials."""

    def publish(self, batch: Batch) -> None:
        """Take a batch, which is safe only after ``flush``; wait while too many are on their way.

        Raises
        ------
        BusError : it cannot be taken now, or the sink is closed.
        """

    def flush(self, timeout_s: float) -> None:
        """Wait until all that was published is kept there; BusError where it is not in time: publish it again."""

    def close(self) -> None:
        """Let go; what was not flushed may be lost. Calling it again does nothing."""


class Consumer(Protocol):
    """The batches of one source for one reader. One thread receives; ``close`` may be called from any."""

    @property
    def is_connected(self) -> bool:
        """Whether the bus answers now."""

    @property
    def damaged(self) -> int:
        """Messages that were no batches, left out."""

    def receive(self, timeout_s: float) -> Sequence[Batch]:
        """Return what has come since, in order; wait for the first of it, and give nothing where none comes in time.

        Raises
        ------
        BusError : the bus refuses, or is closed. While it cannot be reached nothing comes.
        """

    def ack(self) -> None:
        """Say that all that ``receive`` has given is kept: it does not come again. BusError as there."""

    def close(self) -> None:
        """Let go; what was not acknowledged comes again to the next consumer of this name."""


class Bus(Sink, Protocol):
    """A sink that others can read. What was published stays there for a time, also while nobody reads."""

    def sources(self) -> Sequence[str]:
        """Tapes that are on it, as ``Batch.source`` names them; BusError where that cannot be asked."""

    def instruments(self, source: str) -> Sequence[str]:
        """Full names of a tape's instruments, as far as the bus knows them; BusError as above."""

    def subscribe(self, source: str, durable: str) -> Consumer:
        """Read a tape, from where the consumer of this name has acknowledged; from the beginning where it is new.

        Parameters
        ----------
        durable : the reader's own name: letters, digits, "-" and "_". Two that share one take each other's batches.

        Raises
        ------
        BusError : the bus cannot be asked, or refuses.
        """
