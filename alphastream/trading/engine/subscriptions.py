"""Who listens to which source, and which sources have announced events."""

from collections import deque
from collections.abc import Callable

from alphastream.trading.engine.errors import DispatchError
from alphastream.trading.engine.slots import EventHandler, Slot, SlotOwner
from alphastream.trading.engine.sources import EventSource


class Subscriptions:
    """Sources and handlers of a dispatcher.

    Parameters
    ----------
    owner : the dispatcher.
    one_at_a_time : whether a handler is awaited before anything else is called.
    on_change : called, in any thread, when a source has something, or other handlers, or another priority.

    Attributes
    ----------
    announced : slots to be asked for an event, in the order they announced one. Those that do not announce stand in
        here as long as they have none.
    """

    def __init__(self, owner: SlotOwner, one_at_a_time: bool, on_change: Callable[[], None]) -> None:
        self.announced: deque[Slot] = deque()
        self._owner = owner
        self._one_at_a_time = one_at_a_time
        self._on_change = on_change
        self._slots: dict[EventSource, Slot] = {}
        self._front: list[EventHandler] = []
        self._back: list[EventHandler] = []

    def add(self, source: EventSource, event_handler: EventHandler) -> bool:
        """Give a source one more handler, once; whether the source is new.

        Raises
        ------
        DispatchError : another dispatcher, not yet stopped, has this source.
        """
        slot = self._slots.get(source)
        is_new = slot is None
        if slot is None:
            slot = self._adopt(source)
        if event_handler not in slot.own:
            slot.own.append(event_handler)
            self._wire(slot)
        return is_new

    def add_to_all(self, event_handler: EventHandler, *, front: bool) -> None:
        """Give all sources one more handler, once: after their own handlers, or before them."""
        handlers = self._front if front else self._back
        if event_handler not in handlers:
            handlers.append(event_handler)
            for slot in list(self._slots.values()):
                self._wire(slot)

    def _wire(self, slot: Slot) -> None:
        slot.handlers = handlers = (*self._front, *slot.own, *self._back)
        slot.only = handlers[0] if len(handlers) == 1 and self._one_at_a_time else None
        self._on_change()

    def _adopt(self, source: EventSource) -> Slot:
        taken = source._listener
        if isinstance(taken, Slot) and not taken.owner.stopped:
            raise DispatchError(f"{source!r} is subscribed at another dispatcher: stop that one, or make a new source")
        slot = Slot(source, len(self._slots), self._owner, self._announce, self._on_change)
        self._slots[source] = source._listener = slot
        self.announced.append(slot)
        self._on_change()
        return slot

    def _announce(self, slot: Slot) -> None:
        slot.drained = False
        if not slot.polled:  # a polled one is in there as long as it is drained
            self.announced.append(slot)
        self._on_change()
