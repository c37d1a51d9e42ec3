"""Backtests: time is what the events say, and stands still while they are handled."""

import asyncio
import heapq
import logging
from collections.abc import Iterator
from inspect import isawaitable
from operator import length_hint
from types import CoroutineType
from typing import Final

from alphastream.errors import ParameterError
from alphastream.trading.engine.clock import from_ns
from alphastream.trading.engine.dispatcher import BURST, EventDispatcher
from alphastream.trading.engine.errors import DispatchError, EventOrderError
from alphastream.trading.engine.events import Dated
from alphastream.trading.engine.slots import Slot
from alphastream.trading.engine.stretches import MOST_SOURCES, Entry, Head, give_back, take_stretch

logger = logging.getLogger(__name__)

NEVER: Final = -(2**63)
FOREVER: Final = 2**63
FEW: Final = 8  # events; a stretch of fewer costs more than it saves
LEAST_REACH: Final = 8  # events of each source that a stretch looks at
LONGEST_STRETCH: Final = 1024  # events; few enough to stay in the processor's cache
LONGEST_PAUSE: Final = 1024  # events dispatched one by one while stretches are not worth it
CHAIN_LIMIT: Final = 10  # room for jobs that tidy up one after another; a timer would go on for nobody


class BacktestingDispatcher(EventDispatcher):
    """Dispatches as fast as handlers allow; no clock is read.

    The run ends when no event is left, all producers' mains have returned, and no job is left. Jobs that are due after
    the last event run in order of time, and so do the jobs that they schedule, up to ``chain_limit`` generations: a job
    that schedules itself again and again would never end. What lies beyond is dropped, logged and counted in
    ``abandoned_jobs``.

    Parameters
    ----------
    max_concurrent : most coroutine handlers at a time; only events of the same moment can overlap.
    chain_limit : generations of jobs that may follow one another after the last event.
    """

    def __init__(self, max_concurrent: int = 1, *, chain_limit: int = CHAIN_LIMIT) -> None:
        super().__init__(max_concurrent)
        if chain_limit < 0:
            raise ParameterError(f"chain_limit is {chain_limit}: it counts generations of jobs, 0 or more")
        self._heap: list[Head] = []
        self._reach = LEAST_REACH
        self._ahead: Iterator[Entry] = iter(())  # what is left of the stretch in hand; counted as dispatched
        self._pause = FEW
        self._next_stretch = 0  # is tried when so many events were dispatched
        self._now_ns = NEVER
        self._chain_limit = chain_limit
        self._after_events = False
        self._abandoned_jobs = 0

    @property
    def now_available(self) -> bool:
        """Whether the time is known: from the first event or job on."""
        return self._now_ns != NEVER

    @property
    def now_ns(self) -> int:
        """Time of the event or job in hand, or of the last one, UTC nanoseconds."""
        if self._now_ns == NEVER:
            raise DispatchError("a backtest has no time before its first event: ask in a handler or a job")
        return self._now_ns

    @property
    def dispatched(self) -> int:
        """Events given to handlers so far, the one in hand included."""
        return self._dispatched - length_hint(self._ahead)

    @property
    def abandoned_jobs(self) -> int:
        """Jobs after the last event that were dropped because their chain was too long."""
        return self._abandoned_jobs

    async def _dispatch_loop(self) -> None:
        await self._begin()
        while not self.stopped:
            if self._subscriptions.announced:
                self._collect()
            if self._heap:
                await self._dispatch_burst()
                if not self.stopped:
                    await asyncio.sleep(0)
            elif self._calls.in_flight.tasks:
                await self._calls.in_flight.finish()
            elif self._producing.busy:
                await self._sleep()
            elif self._jobs.heap:
                self._after_events = True
                await self._run_job()
                await asyncio.sleep(0)
            else:
                return

    async def _begin(self) -> None:
        """Call those who wait for the start, at the time of the first event or job."""
        self._collect()
        first = [queue[0][0] for queue in (self._heap, self._jobs.heap) if queue]
        self._now_ns = min(first, default=NEVER)
        await self._notify_started()
        self._now_ns = NEVER  # they may have pushed or scheduled something earlier

    async def _dispatch_burst(self) -> None:
        """Dispatch up to some thousands of events with the jobs between them. Every line costs here."""
        heap, jobs, announced = self._heap, self._jobs.heap, self._subscriptions.announced
        calls, in_flight = self._calls, self._calls.in_flight.tasks
        heapreplace, left = heapq.heapreplace, BURST
        while left > 0:
            left -= 1
            when_ns, _order, slot, event = heap[0]
            if jobs and jobs[0][0] <= when_ns:
                await self._run_job()
            elif in_flight and when_ns > self._now_ns:
                await self._calls.in_flight.finish()  # time does not go on before its handlers are done
            elif slot.queue and slot.only is not None and len(heap) == 1 and not announced:
                left -= await self._dispatch_alone(slot, event, left + 1) - 1
            elif (
                self._dispatched >= self._next_stretch
                and 1 < len(heap) <= MOST_SOURCES
                and not announced
                and (dispatched := await self._dispatch_stretch(left))
            ):
                left -= dispatched - 1
            else:
                self._now_ns = when_ns
                self._dispatched += 1
                handler = slot.only
                if handler is None:
                    await self._calls.deliver(event, slot.handlers)
                else:
                    try:
                        result = handler(event)
                        if result is not None and (type(result) is CoroutineType or isawaitable(result)):
                            await result
                    except Exception as error:  # noqa: BLE001 - recorded and logged
                        self._calls.record(error, "handler", handler, event)
                queue = slot.queue
                if queue:
                    event = queue.popleft()
                    next_ns = event.when_ns
                    if next_ns < when_ns:
                        raise self._out_of_order(slot, event)
                    heapreplace(heap, (next_ns, slot.order, slot, event))
                else:
                    heapq.heappop(heap)
                    self._take(slot)
                    if not heap:
                        return
            if announced:
                self._collect()
            if calls.stopped:
                return

    async def _dispatch_alone(self, slot: Slot, event: Dated, maximum: int) -> int:
        """Dispatch what waits in the only source that has any, past the heap, until something else wants a look.

        The last event taken out of the queue is left at the head of the heap. Returns how many were dispatched.
        """
        before = self._dispatched
        jobs, announced, calls = self._jobs.heap, self._subscriptions.announced, self._calls
        queue, handler = slot.queue, slot.only
        assert handler is not None
        for _ in range(maximum):
            self._now_ns = when_ns = event.when_ns
            self._dispatched += 1
            try:
                result = handler(event)
                if result is not None and (type(result) is CoroutineType or isawaitable(result)):
                    await result
            except Exception as error:  # noqa: BLE001 - recorded and logged
                self._calls.record(error, "handler", handler, event)
            event = queue.popleft()
            if event.when_ns < when_ns:
                raise self._out_of_order(slot, event)
            if announced or not queue or calls.stopped or slot.only is not handler:
                break
            if jobs and jobs[0][0] <= event.when_ns:
                break
        self._heap[0] = (event.when_ns, slot.order, slot, event)
        return self._dispatched - before

    async def _dispatch_stretch(self, maximum: int) -> int:
        """Dispatch events of several sources that were sorted together, until something else wants a look.

        Returns how many were dispatched; 0 where they have to be looked at one by one.
        """
        heap, sleeper, calls, jobs = self._heap, self._sleeper, self._calls, self._jobs.heap
        sleeper.roused = False
        reach = min(self._reach, min(maximum, LONGEST_STRETCH) // len(heap))
        if reach < LEAST_REACH or self._subscriptions.announced or calls.stopped:
            return 0
        stretch = take_stretch(heap, jobs[0][0] if jobs else FOREVER, reach)
        self._ahead = rest = iter(stretch)
        self._dispatched += len(stretch)
        entry: Entry | None = None
        try:
            for entry in rest:
                self._now_ns, handler, event, _slot = entry
                try:
                    result = handler(event)
                    if result is not None and (type(result) is CoroutineType or isawaitable(result)):
                        await result
                except Exception as error:  # noqa: BLE001 - recorded and logged
                    calls.record(error, "handler", handler, event)
                if sleeper.roused:
                    break
        except BaseException:
            assert entry is not None
            self._dispatched -= length_hint(rest)
            give_back(heap, [entry, *rest], entry[3])
            raise
        undone = list(rest)
        self._dispatched -= len(undone)
        if entry is not None and sleeper.roused:
            give_back(heap, undone, entry[3])
        dispatched = len(stretch) - len(undone)
        self._learn(dispatched, len(undone))
        return dispatched

    def _learn(self, dispatched: int, undone: int) -> None:
        """Take longer stretches after one that came to its end, shorter ones and none for a while after others."""
        cut_short = undone > dispatched
        if cut_short:
            self._reach = max(self._reach // 2, LEAST_REACH)
        elif not undone:
            self._reach = min(2 * self._reach, BURST)
        if cut_short or dispatched < FEW:
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
            self._next_stretch = self._dispatched + self._pause
        else:
            self._pause = FEW

    def _take(self, slot: Slot) -> None:
        event = slot.pop()
        if event is None:  # as Slot.fetch, which is for those who have time
            slot.drained = True
            event = slot.pop()
            if event is None:
                slot.active = False
                if slot.polled:
                    self._subscriptions.announced.append(slot)
                return
            slot.drained = False
        slot.active = True
        if event.when_ns < self._now_ns:
            raise self._out_of_order(slot, event)
        heapq.heappush(self._heap, (event.when_ns, slot.order, slot, event))

    def _out_of_order(self, slot: Slot, event: Dated) -> EventOrderError:
        now = from_ns(self._now_ns).isoformat()
        return EventOrderError(
            f"{slot.source!r} gave {event!r} of {event.when.isoformat()} when the run had reached {now}: "
            "events must come oldest first; sort them, or let whoever pushes this one not date it back"
        )

    async def _run_job(self) -> None:
        if self._calls.in_flight.tasks:
            await self._calls.in_flight.finish()  # they may schedule an earlier one
            return
        when_ns, generation, job = self._jobs.pop()
        if self._after_events:
            if generation > self._chain_limit:
                self._abandon(when_ns, job)
                return
            self._jobs.generation = generation + 1
        self._now_ns = max(self._now_ns, when_ns)
        await self._calls.call(job, "job")

    def _abandon(self, when_ns: int, job: object) -> None:
        if not self._abandoned_jobs:
            logger.warning(
                "job dropped: its chain goes on after the last event: job=%r due=%s chain_limit=%d",
                job,
                from_ns(when_ns).isoformat(),
                self._chain_limit,
            )
        self._abandoned_jobs += 1

    def _delay_s(self) -> float | None:
        return None


def backtesting_dispatcher(max_concurrent: int = 1, *, chain_limit: int = CHAIN_LIMIT) -> BacktestingDispatcher:
    """Make a dispatcher for a backtest; see there."""
    return BacktestingDispatcher(max_concurrent, chain_limit=chain_limit)
