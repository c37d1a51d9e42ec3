"""Sources and runs that the tests of this room share."""

import asyncio
from collections.abc import Iterable

from alphastream.trading import Event, EventDispatcher, EventSource, FifoQueueEventSource

BASE_NS = 1_700_000_000_000_000_000


class Mark(Event):
    """An event with a name."""

    def __init__(self, when_ns: int, name: str) -> None:
        super().__init__(when_ns)
        self.name = name


class Scripted(EventSource):
    """Hands out a list that others may extend, and announces nothing."""

    def __init__(self, events: Iterable[Event] = (), priority: int = 0) -> None:
        super().__init__(priority=priority)
        self.events = list(events)

    def pop(self) -> Event | None:
        return self.events.pop(0) if self.events else None


def queue(name: str, *times: int, priority: int = 0) -> FifoQueueEventSource:
    """A queue of marks, named after it and their place."""
    marks = [Mark(when_ns, f"{name}{place}") for place, when_ns in enumerate(times)]
    return FifoQueueEventSource(events=marks, priority=priority)


def run(dispatcher: EventDispatcher, limit_s: float = 20.0) -> None:
    """Run to the end in this thread; the limit only keeps a defect from hanging the suite."""
    asyncio.run(asyncio.wait_for(dispatcher.run(stop_signals=[]), limit_s))
