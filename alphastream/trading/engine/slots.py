"""A subscribed source, as its dispatcher sees it."""

from collections import deque
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeAlias

from alphastream.trading.engine.events import Dated
from alphastream.trading.engine.sources import EventSource, FifoQueueEventSource

EventHandler: TypeAlias = Callable[[Any], object]
"""A function of an event, or a coroutine function of it, which is awaited."""

PRIORITY_STEP: Final = 1 << 32  # more than there will be sources


class SlotOwner(Protocol):
    """The dispatcher that a source is subscribed at."""

    @property
    def stopped(self) -> bool:
        """Whether its run is over, so that another may have the source."""


class Slot:
    """A subscribed source.

    Parameters
    ----------
    source : who has the events.
    sequence : how many sources were subscribed before.
    owner : the dispatcher.
    announce : called, in any thread, when the source has something again.
    on_rank : called when its priority has changed.

    Attributes
    ----------
    order : sorts events of one moment: higher priority first, then earlier subscription.
    queue : the queue of a plain source, to be read without a call; empty for others.
    active : its next event is in the dispatcher's heap.
    drained : it had no event; the next push must announce it.
    polled : it does not announce: ask it before each event.
    own : handlers of this source; ``handlers`` is all who see its events, in order.
    only : the handler, where there is just one and it is awaited before anything else happens; otherwise None.
    last_ns, head, late : kept by the realtime dispatcher: time of the last event, number of the next one, late ones.
    """

    __slots__ = (
        "_announce",
        "_on_rank",
        "active",
        "drained",
        "handlers",
        "head",
        "last_ns",
        "late",
        "only",
        "order",
        "own",
        "owner",
        "polled",
        "pop",
        "queue",
        "sequence",
        "source",
    )

    def __init__(
        self,
        source: EventSource,
        sequence: int,
        owner: SlotOwner,
        announce: "Callable[[Slot], None]",
        on_rank: Callable[[], None],
    ) -> None:
        self.source = source
        self.sequence = sequence
        self.owner = owner
        self.pop = source.pop
        self.queue: deque[Dated] = deque()
        if isinstance(source, FifoQueueEventSource) and source.in_order:
            self.queue = source._queue
        self.polled = not source.announces
        self.active = False
        self.drained = False
        self.own: list[EventHandler] = []
        self.handlers: tuple[EventHandler, ...] = ()
        self.only: EventHandler | None = None
        self.last_ns = -(2**63)
        self.head = -1
        self.late = 0
        self._announce = announce
        self._on_rank = on_rank
        self.rank(source.priority)

    def rank(self, priority: int) -> None:
        """Sort by this priority from the next event on that is fetched."""
        self.order = -priority * PRIORITY_STEP + self.sequence
        self._on_rank()

    def announce(self) -> None:
        """Have the source asked again."""
        self._announce(self)

    def fetch(self) -> Dated | None:
        """Next event; None marks the slot as drained, whatever other threads push meanwhile."""
        event = self.pop()
        if event is None:
            self.drained = True
            event = self.pop()  # a push since the line before last has not seen the mark
            if event is not None:
                self.drained = False
        return event
