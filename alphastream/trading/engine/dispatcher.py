"""What backtests and live runs share: subscriptions, scheduled jobs, handlers that fail, producers, stopping.

The order of events is total. At each step the least of (time, −priority, sequence) is dispatched, where the sequence is
the order in which sources were subscribed; events of one source keep their order.
"""

import abc
import asyncio
import contextlib
import heapq
import itertools
import logging
import signal
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial
from inspect import isawaitable
from typing import Any, Final, TypeAlias

from alphastream.errors import ParameterError
from alphastream.trading.engine.clock import Moment, from_ns, to_ns
from alphastream.trading.engine.errors import DispatchError
from alphastream.trading.engine.events import Dated
from alphastream.trading.engine.in_flight import InFlight
from alphastream.trading.engine.producers import Producing
from alphastream.trading.engine.slots import EventHandler, Slot
from alphastream.trading.engine.sources import EventSource, Producer

logger = logging.getLogger(__name__)

Job: TypeAlias = Callable[[], object]
"""A function without arguments, or a coroutine function, which is awaited."""

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
BURST: Final = 4096  # events and jobs until other tasks of the asyncio loop have their turn
POLL_S: Final = 1e-3  # how often sources that do not announce are asked while nothing else happens


class EventDispatcher(abc.ABC):
    """Takes events out of sources in the order of time and calls handlers with them.

    Parameters
    ----------
    max_concurrent : most coroutine handlers and jobs at a time. With 1 each is awaited before anything else is called.
        With more, the handlers of one event still follow one another, those of different events may overlap while they
        wait. Plain functions are called directly and never overlap.

    Attributes
    ----------
    stop_on_handler_exceptions : stop when a handler or job raises; otherwise the run goes on. Either way the exception
        is logged, counted in ``errors`` and kept in ``last_error``, and ``run`` does not raise it.
    """

    def __init__(self, max_concurrent: int) -> None:
        if max_concurrent < 1:
            raise ParameterError(f"max_concurrent is {max_concurrent}: at least 1 handler must be allowed at a time")
        self.stop_on_handler_exceptions = False
        self._in_flight = InFlight(max_concurrent, self._rouse)
        self._producing = Producing(self._producer_failed, self._rouse)
        self._slots: dict[EventSource, Slot] = {}
        self._announced: deque[Slot] = deque()
        self._front: list[EventHandler] = []
        self._back: list[EventHandler] = []
        self._started: list[Job] = []
        self._jobs: list[tuple[int, int, int, Job]] = []  # when, sequence, generation, job
        self._generation = 0
        self._sequence = itertools.count()
        self._dispatched = 0
        self._errors = 0
        self._last_error: Exception | None = None
        self._failure: Exception | None = None
        self._stopped = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._life: asyncio.Task[None] | None = None
        self._sleeper: asyncio.Future[None] | None = None

    @property
    @abc.abstractmethod
    def now_ns(self) -> int:
        """The present as handlers may know it, UTC nanoseconds."""

    def now(self) -> Moment:
        """The present as handlers may know it, in UTC."""
        return from_ns(self.now_ns)

    @property
    def stopped(self) -> bool:
        """Whether ``stop`` was called or the run is over."""
        return self._stopped

    @property
    def dispatched(self) -> int:
        """Events given to handlers so far, the one in hand included."""
        return self._dispatched

    @property
    def errors(self) -> int:
        """Exceptions of handlers, jobs and finalizers so far."""
        return self._errors

    @property
    def last_error(self) -> Exception | None:
        """The newest of them."""
        return self._last_error

    def subscribe(self, source: EventSource, event_handler: EventHandler) -> None:
        """Call a handler with each event of a source. May be called while running.

        Handlers of an event are called in the order of their subscription. A handler is subscribed once, however often
        this is called.

        Raises
        ------
        DispatchError : another dispatcher, not yet stopped, has this source.
        """
        slot = self._slots.get(source)
        if slot is None:
            slot = self._adopt(source)
        if event_handler not in slot.own:
            slot.own.append(event_handler)
            self._wire(slot)

    def _wire(self, slot: Slot) -> None:
        slot.handlers = handlers = (*self._front, *slot.own, *self._back)
        slot.only = handlers[0] if len(handlers) == 1 and self._in_flight.limit == 1 else None

    def _adopt(self, source: EventSource) -> Slot:
        taken = source._listener
        if isinstance(taken, Slot) and isinstance(taken.owner, EventDispatcher) and not taken.owner.stopped:
            raise DispatchError(f"{source!r} is subscribed at another dispatcher: stop that one, or make a new source")
        slot = Slot(source, len(self._slots), self, self._announce)
        self._slots[source] = source._listener = slot
        if source.producer is not None:
            self._producing.add(source.producer)
        self._announced.append(slot)
        self._rouse()
        return slot

    def subscribe_all(self, event_handler: EventHandler, front_run: bool = False) -> None:
        """Call a handler with each event of all sources: after their own handlers, or before them (``front_run``)."""
        handlers = self._front if front_run else self._back
        if event_handler not in handlers:
            handlers.append(event_handler)
            for slot in list(self._slots.values()):
                self._wire(slot)

    def subscribe_event_loop_started(self, handler: Job) -> None:
        """Call a function or coroutine function once, after producers are initialized and before the first event."""
        if handler not in self._started:
            self._started.append(handler)

    def schedule(self, when: Moment | int, job: Job) -> None:
        """Call a job at a moment: before the events of that moment, after jobs scheduled earlier for the same one.

        A moment that has passed means: before the next event. May be called in any thread.

        Parameters
        ----------
        when : tz-aware datetime or UTC nanoseconds.
        job : a function without arguments, or a coroutine function.
        """
        heapq.heappush(self._jobs, (to_ns(when), next(self._sequence), self._generation, job))
        self._rouse()

    def stop(self) -> None:
        """End the run. May be called in any thread.

        Nothing is called any more. A handler that calls it goes on to its end; whatever waits elsewhere (mains of
        producers, and with ``max_concurrent`` above 1 coroutine handlers) is cancelled.
        """
        self._stopped = True
        if self._life is None or self._loop is None or _current_task() is self._life:
            return
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
            self._loop.call_soon_threadsafe(self._life.cancel)

    async def run(self, stop_signals: Iterable[int] = STOP_SIGNALS) -> None:
        """Initialize all producers, run their mains beside the loop until stopped, finalize all.

        Parameters
        ----------
        stop_signals : signals that stop the run. Python delivers signals to the main thread: pass none in others.

        Raises
        ------
        DispatchError : the dispatcher has run before, or signals were asked for outside the main thread.
        EventOrderError : an event came out of order (a realtime dispatcher raises it only if told).
        Exception : what a producer's ``initialize`` or ``main`` or a source's ``pop`` raised.
        """
        if self._life is not None:
            raise DispatchError("this dispatcher has run already: make a new one, with new sources, for each run")
        self._loop = loop = asyncio.get_running_loop()
        with _stopping(stop_signals, loop, self.stop):
            self._life = loop.create_task(self._live())
            try:
                await self._life
            except asyncio.CancelledError:
                outer = asyncio.current_task()
                if not (self._stopped or self._failure) or (outer is not None and outer.cancelling()):
                    raise
            finally:
                self._stopped = True
                await self._in_flight.cancel()
                for producer, error in await self._producing.finalize():
                    self._record(error, "finalize of producer", producer)
            if self._failure is not None:
                raise self._failure

    async def _live(self) -> None:
        await self._producing.start()
        await self._dispatch_loop()

    @abc.abstractmethod
    async def _dispatch_loop(self) -> None:
        """Dispatch until stopped."""

    @abc.abstractmethod
    def _take(self, slot: Slot) -> None:
        """Put the next event of a source that has none in the heap there."""

    async def _notify_started(self) -> None:
        for handler in list(self._started):
            await self._call(handler, "loop started handler")

    def _announce(self, slot: Slot) -> None:
        slot.drained = False
        if not slot.polled:  # a polled one is in there as long as it is drained
            self._announced.append(slot)
        self._rouse()

    def _collect(self) -> None:
        """Fetch from the sources that have announced events."""
        for _ in range(len(self._announced)):
            slot = self._announced.popleft()
            if not slot.active:
                self._take(slot)

    async def _deliver(self, event: Dated, handlers: Iterable[EventHandler]) -> None:
        """Call the handlers of an event one after another, until stopped."""
        if len(self._in_flight.tasks) >= self._in_flight.limit:
            await self._in_flight.room()
        rest = iter(handlers)
        for handler in rest:
            try:
                result = handler(event)
                if result is not None and await self._settle(result, handler, event, rest):
                    return
            except Exception as error:  # noqa: BLE001 - recorded and logged
                self._record(error, "handler", handler, event)
            if self._stopped:
                return

    async def _settle(self, result: object, handler: EventHandler, event: Dated, rest: Iterator[EventHandler]) -> bool:
        """Await what a handler returned. True: a task does that, and calls the rest of the event's handlers."""
        if not isawaitable(result):
            return False
        if self._in_flight.limit == 1:
            await result
            return False
        self._in_flight.add(self._finish(result, handler, event, rest))
        return True

    async def _finish(
        self, result: Awaitable[Any], handler: EventHandler, event: Dated, rest: Iterator[EventHandler]
    ) -> None:
        await self._await(result, "handler", handler, event)
        for following in rest:
            if self._stopped:
                return
            await self._call(partial(following, event), "handler")

    async def _call(self, job: Job, what: str, *, concurrently: bool = False) -> None:
        """Call a job; what it returns is awaited here, or in a task of its own."""
        if concurrently:
            await self._in_flight.room()
        try:
            result = job()
        except Exception as error:  # noqa: BLE001 - recorded and logged
            self._record(error, what, job)
            return
        if not isawaitable(result):
            return
        if concurrently and self._in_flight.limit > 1:
            self._in_flight.add(self._await(result, what, job))
        else:
            await self._await(result, what, job)

    async def _await(self, result: Awaitable[Any], what: str, *about: object) -> None:
        try:
            await result
        except Exception as error:  # noqa: BLE001 - recorded and logged
            self._record(error, what, *about)

    def _record(self, error: Exception, what: str, *about: object) -> None:
        """Log and count an exception, and stop if told to."""
        self._errors += 1
        self._last_error = error
        logger.error("exception in %s %s", what, about, exc_info=error)
        if self.stop_on_handler_exceptions:
            self.stop()

    def _producer_failed(self, error: Exception, producer: Producer) -> None:
        if self._stopped or self._failure is not None or self._life is None:  # run is about to end with something else
            self._record(error, "producer", producer)
            return
        self._failure = error
        self._life.cancel()

    @abc.abstractmethod
    def _delay_s(self) -> float | None:
        """How long to sleep when nothing is due, None: until roused."""

    async def _sleep(self) -> None:
        """Wait for an announcement, a job, the end of something in flight, or the delay."""
        loop = asyncio.get_running_loop()
        self._sleeper = sleeper = loop.create_future()
        delay_s = self._delay_s()  # after the line above: what other threads do from there on rouses
        if any(not slot.polled for slot in tuple(self._announced)):
            delay_s = 0.0
        elif self._announced:
            delay_s = POLL_S if delay_s is None else min(delay_s, POLL_S)
        timer = None if delay_s is None else loop.call_later(delay_s, self._wake)
        try:
            await sleeper
        finally:
            self._sleeper = None
            if timer is not None:
                timer.cancel()

    def _rouse(self) -> None:
        if self._sleeper is not None and self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile: nobody sleeps
                self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        if self._sleeper is not None and not self._sleeper.done():
            self._sleeper.set_result(None)


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # a thread without a loop
        return None


@contextlib.contextmanager
def _stopping(stop_signals: Iterable[int], loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> Iterator[None]:
    """Call stop on signals while inside; what handled them before handles them after. Windows has no such signals."""
    before: dict[int, Any] = {}
    try:
        for number in stop_signals if sys.platform != "win32" else ():
            handled = signal.getsignal(number)
            try:
                loop.add_signal_handler(number, stop)
            except (RuntimeError, ValueError) as error:
                raise DispatchError(
                    f"cannot stop on signal {number} here ({error}): outside the main thread call run(stop_signals=[])"
                ) from error
            before[number] = handled
        yield
    finally:
        for number, handled in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL if handled is None else handled)
