"""Stretches: events of many sources up to a moment, sorted together, which is cheaper than one after another."""

import heapq
from bisect import bisect_left
from collections.abc import Sequence
from itertools import repeat, starmap
from operator import attrgetter, itemgetter
from typing import Final, TypeAlias

from alphastream.trading.engine.events import Dated
from alphastream.trading.engine.slots import EventHandler, Slot

Head: TypeAlias = tuple[int, int, Slot, Dated]
"""The next event of a source: its time, the order of its source, the source, the event."""

Entry: TypeAlias = tuple[int, EventHandler, Dated, Slot]
"""An event of a stretch: its time, its handler, the event, its source."""

MOST_SOURCES: Final = 64  # each costs something in every stretch, whether it has events there or not

_when_ns = attrgetter("when_ns")
_time = itemgetter(0)
_order = itemgetter(1)


def take_stretch(heads: list[Head], before_ns: int, reach: int) -> list[Entry]:
    """Take events that come before all others out of their queues, in the order in which they are dispatched.

    A stretch ends before the moment of the last event that it has looked at in any source, so that no source runs dry
    within it and no moment is divided.

    Parameters
    ----------
    heads : heap of the next events; left with those that come after the stretch.
    before_ns : where it ends at the latest; not in it.
    reach : events looked at in each source, 1 or more.

    Returns
    -------
    The stretch. Empty, and nothing taken, where events have to be looked at one by one: the next one is the last of its
    source, or has several handlers, or is older than the one before it, or its source has changed its priority.
    """
    for when_ns, order, slot, _event in heads:
        waiting = min(reach, len(slot.queue))
        last_ns = (
            slot.queue[waiting - 1].when_ns if waiting and slot.only is not None and slot.order == order else when_ns
        )
        before_ns = min(before_ns, last_ns)
    found: list[tuple[Slot, list[Dated]]] = []
    stretch: list[Entry] = []
    after: list[Head] = []
    in_order = True
    for head in sorted(heads, key=_order):
        when_ns, _, slot, event = head
        if when_ns >= before_ns:
            after.append(head)
            continue
        queue, handler = slot.queue, slot.only
        count = bisect_left(queue, before_ns, 0, min(reach, len(queue)) - 1, key=_when_ns)
        events = list(starmap(queue.popleft, repeat((), count)))
        times = [when_ns, *map(_when_ns, events)]
        in_order = in_order and times == sorted(times) and handler is not None
        found.append((slot, events))
        if handler is not None:
            stretch += zip(times, repeat(handler), (event, *events), repeat(slot))
    if not in_order:
        for slot, events in found:
            slot.queue.extendleft(reversed(events))
        return []
    if len(found) > 1:
        stretch.sort(key=_time)  # a stable sort: those of one moment stay in the order of their sources
    for slot, _ in found:
        following = slot.queue.popleft()
        after.append((following.when_ns, slot.order, slot, following))
    heads[:] = after
    heapq.heapify(heads)
    return stretch


def give_back(heads: list[Head], rest: Sequence[Entry], last: Slot) -> None:
    """Put back what was not dispatched of a stretch, as if it had never been taken.

    Parameters
    ----------
    heads : heap of the events after the stretch; left with the next events.
    rest : of the stretch.
    last : source of the event that was dispatched last. What follows it is fetched now, with its present priority.
    """
    of_slot: dict[int, list[Dated]] = {}
    for _, _, event, slot in rest:
        of_slot.setdefault(id(slot), []).append(event)
    for place, (when_ns, order, slot, event) in enumerate(heads):
        events = of_slot.get(id(slot))
        if events:
            slot.queue.appendleft(event)
            slot.queue.extendleft(reversed(events[1:]))
            event = events[0]
            when_ns = event.when_ns
        heads[place] = (when_ns, slot.order if slot is last else order, slot, event)
    heapq.heapify(heads)
