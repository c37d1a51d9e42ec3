"""Live runs: events are dispatched when their time has come by a clock."""

import asyncio
import heapq
import itertools
import logging
from typing import Final, Literal, TypeAlias, get_args

from alphastream.errors import ParameterError
from alphastream.trading.engine.clock import Clock, from_ns, utc_now_ns
from alphastream.trading.engine.dispatcher import BURST, EventDispatcher
from alphastream.trading.engine.errors import EventOrderError
from alphastream.trading.engine.events import Dated
from alphastream.trading.engine.jobs import Job
from alphastream.trading.engine.slots import Slot

logger = logging.getLogger(__name__)

Late: TypeAlias = Literal["drop", "accept", "error"]

MAX_SLEEP_S: Final = 60.0  # while something is due later: the clock may have been set, or the machine suspended


class RealtimeDispatcher(EventDispatcher):
    """Dispatches events whose time has come, the oldest first, and sleeps while there are none.

    An event of the future waits for its time and holds up nothing else, not even what its source has after it.

    Parameters
    ----------
    max_concurrent : most coroutine handlers and jobs at a time; with 1 each is awaited before the next is called.
    late : what to do with an event that is older than the one dispatched before it from the same source: "drop" it,
        "accept" it, or end the run with an "error". It is counted in ``late`` in any case.
    clock : UTC nanoseconds; the machine's clock unless given.
    """

    def __init__(self, max_concurrent: int = 50, *, late: Late = "drop", clock: Clock = utc_now_ns) -> None:
        super().__init__(max_concurrent)
        if late not in get_args(Late):
            raise ParameterError(f"late is {late!r}: it is one of {', '.join(map(repr, get_args(Late)))}")
        self._when_late = late
        self._late = 0
        self._clock = clock
        self._present_ns = clock()  # as of the burst in hand
        self._heap: list[tuple[int, int, int, Slot, Dated]] = []
        self._idle: list[Job] = []
        self._numbers = itertools.count()  # of events in the heap

    @property
    def now_ns(self) -> int:
        """The clock's time, UTC nanoseconds."""
        return self._clock()

    @property
    def late(self) -> int:
        """Events so far that were older than the one dispatched before them from their source."""
        return self._late

    def subscribe_idle(self, idle_handler: Job) -> None:
        """Call a function or coroutine function each time the dispatcher has nothing left to do.

        It is called once for each such time: after it the dispatcher sleeps until an event or job is due, or a source
        announces one.
        """
        if idle_handler not in self._idle:
            self._idle.append(idle_handler)

    async def _dispatch_loop(self) -> None:
        await self._notify_started()
        idle = False
        while not self.stopped:
            if await self._dispatch_due():
                idle = False
                if not self.stopped:
                    await asyncio.sleep(0)
            elif idle or self._calls.in_flight.tasks:
                await self._sleep()
            else:
                idle = True
                for handler in list(self._idle):
                    await self._calls.call(handler, "idle handler", concurrently=True)

    async def _dispatch_due(self) -> bool:
        """Dispatch what is due by now, up to some thousands; whether anything was."""
        self._present_ns = now_ns = self._clock()
        for done in range(BURST):
            if self._subscriptions.announced:
                self._collect()
            event_ns = self._heap[0][0] if self._heap else None
            job_ns = self._jobs.heap[0][0] if self._jobs.heap else None
            if job_ns is not None and job_ns <= now_ns and (event_ns is None or job_ns <= event_ns):
                await self._calls.call(self._jobs.pop()[2], "job", concurrently=True)
            elif event_ns is not None and event_ns <= now_ns:
                await self._dispatch_next()
            else:
                return done > 0
            if self.stopped:
                break
        return True

    async def _dispatch_next(self) -> None:
        when_ns, _, number, slot, event = heapq.heappop(self._heap)
        if when_ns >= slot.last_ns or self._accepts(slot, event):
            slot.last_ns = max(slot.last_ns, when_ns)
            self._dispatched += 1
            await self._calls.deliver(event, slot.handlers)
        if number == slot.head:
            self._take(slot)

    def _accepts(self, slot: Slot, event: Dated) -> bool:
        """Count a late event; whether to dispatch it all the same."""
        self._late += 1
        slot.late += 1
        before = from_ns(slot.last_ns).isoformat()
        if self._when_late == "error":
            raise EventOrderError(
                f"{slot.source!r} gave {event!r} of {event.when.isoformat()} after one of {before}: "
                'events must come oldest first; late="drop" or late="accept" would go on'
            )
        if slot.late == 1:
            logger.warning(
                "late event, others of this source are only counted: source=%r when=%s before=%s late=%s",
                slot.source,
                event.when.isoformat(),
                before,
                self._when_late,
            )
        return self._when_late == "accept"

    def _take(self, slot: Slot) -> None:
        while (event := slot.fetch()) is not None:
            number = next(self._numbers)
            heapq.heappush(self._heap, (event.when_ns, slot.order, number, slot, event))
            if event.when_ns <= self._present_ns:
                slot.active, slot.head = True, number
                return
        slot.active = False
        if slot.polled:
            self._subscriptions.announced.append(slot)

    def _delay_s(self) -> float | None:
        due = [queue[0][0] for queue in (self._heap, self._jobs.heap) if queue]
        return min(max(min(due) - self._clock(), 0) / 1e9, MAX_SLEEP_S) if due else None


def realtime_dispatcher(max_concurrent: int = 50) -> RealtimeDispatcher:
    """Make a dispatcher for a live run; see there."""
    return RealtimeDispatcher(max_concurrent)
