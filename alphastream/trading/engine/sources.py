"""Where events come from: sources hand them out, producers feed sources."""

import abc
from collections import deque
from collections.abc import Iterable
from typing import ClassVar, Final, Protocol

from alphastream.errors import ParameterError
from alphastream.trading.engine.events import Dated

MIN_PRIORITY: Final = -1000
MAX_PRIORITY: Final = 1000


class Listener(Protocol):
    """What a dispatcher leaves with a source."""

    drained: bool

    def announce(self) -> None:
        """Take notice that ``pop`` has something again."""

    def rank(self, priority: int) -> None:
        """Take notice of a new priority."""


class Producer:
    """The active part of a source, or of several: reads a socket or a file and pushes events.

    All producers are initialized before the first event, ``main`` runs beside the loop and is cancelled when the
    dispatcher stops, and ``finalize`` is called in the end, whatever happened. Override what is needed.
    """

    async def initialize(self) -> None:
        """Prepare. An exception here ends the run before its first event."""

    async def main(self) -> None:
        """Produce events. An exception here ends the run."""

    async def finalize(self) -> None:
        """Clean up. An exception here is logged and counted, and keeps no other producer from cleaning up."""


class EventSource(abc.ABC):
    """Base of all sources. Events must come out of it oldest first.

    Parameters
    ----------
    producer : what feeds this source, if anything.
    priority : among events of one moment the higher goes first; -1000 to 1000.

    Attributes
    ----------
    announces : class attribute: True promises a call of ``announce`` whenever ``pop`` has something again after it
        returned None. A source that does not promise is asked before each event, and every millisecond while nothing
        else happens.
    """

    announces: ClassVar[bool] = False

    def __init__(self, producer: Producer | None = None, priority: int = 0) -> None:
        self.producer = producer
        self._listener: Listener | None = None
        self._priority = _checked(priority)

    @property
    def priority(self) -> int:
        """Rank among events of one moment, higher first. A change holds from the next event on that is fetched."""
        return self._priority

    @priority.setter
    def priority(self, value: int) -> None:
        self._priority = _checked(value)
        if self._listener is not None:
            self._listener.rank(value)

    @abc.abstractmethod
    def pop(self) -> Dated | None:
        """Next event, or None if there is none now. Called inside the loop: it must not wait."""

    def announce(self) -> None:
        """Tell the dispatcher that ``pop`` has something again. May be called in any thread."""
        listener = self._listener
        if listener is not None and listener.drained:
            listener.announce()


class FifoQueueEventSource(EventSource):
    """A queue: what is pushed first comes out first.

    Parameters
    ----------
    producer : what feeds this source, if anything.
    events : events that wait from the beginning, oldest first.
    priority : among events of one moment the higher goes first; -1000 to 1000.

    Attributes
    ----------
    in_order : class attribute: True lets a dispatcher take what waits in the queue, some of it ahead, without a call of
        ``pop``, which it calls when the queue is empty. False for a subclass whose ``pop`` has a say in every event.
    """

    announces = True
    in_order: ClassVar[bool] = True

    def __init_subclass__(cls) -> None:
        """Expect the worst of a ``pop`` of one's own, unless the class says otherwise."""
        super().__init_subclass__()
        if "pop" in cls.__dict__ and "in_order" not in cls.__dict__:
            cls.in_order = False

    def __init__(self, producer: Producer | None = None, events: Iterable[Dated] = (), priority: int = 0) -> None:
        super().__init__(producer, priority)
        self._queue: deque[Dated] = deque(events)

    def push(self, event: Dated) -> None:
        """Add an event at the end. May be called in any thread; a sleeping dispatcher wakes up."""
        self._queue.append(event)
        listener = self._listener
        if listener is not None and listener.drained:
            listener.announce()

    def pop(self) -> Dated | None:
        """Remove and return the oldest event, or None."""
        return self._queue.popleft() if self._queue else None


def _checked(priority: int) -> int:
    if not MIN_PRIORITY <= priority <= MAX_PRIORITY:
        raise ParameterError(f"priority {priority} is out of range: it goes from {MIN_PRIORITY} to {MAX_PRIORITY}")
    return priority
