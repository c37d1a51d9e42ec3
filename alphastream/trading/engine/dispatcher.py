"""What backtests and live runs share: subscriptions, scheduled jobs, handlers that fail, producers, stopping.

The order of events is total. At each step the least of (time, −priority, sequence) is dispatched, where the sequence is
the order in which sources were subscribed; events of one source keep their order.
"""

import abc
import asyncio
import contextlib
import logging
from collections.abc import Iterable
from typing import Any, Final

from alphastream.errors import ParameterError
from alphastream.trading.engine.calls import Calls
from alphastream.trading.engine.clock import Moment, from_ns, to_ns
from alphastream.trading.engine.errors import DispatchError
from alphastream.trading.engine.jobs import Job, JobQueue
from alphastream.trading.engine.producers import Producing
from alphastream.trading.engine.sleeper import Sleeper
from alphastream.trading.engine.slots import EventHandler, Slot
from alphastream.trading.engine.sources import EventSource, Producer
from alphastream.trading.engine.stop_signals import STOP_SIGNALS, stopping_on
from alphastream.trading.engine.subscriptions import Subscriptions

logger = logging.getLogger(__name__)

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
        self._sleeper = Sleeper()
        self._calls = Calls(max_concurrent, self._sleeper.rouse, self._after_error)
        self._producing = Producing(self._producer_failed, self._sleeper.rouse)
        self._subscriptions = Subscriptions(self, max_concurrent == 1, self._sleeper.rouse)
        self._jobs = JobQueue()
        self._started: list[Job] = []
        self._dispatched = 0
        self._failure: Exception | None = None
        self._life: asyncio.Task[None] | None = None

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
        return self._calls.stopped

    @property
    def dispatched(self) -> int:
        """Events given to handlers so far, the one in hand included."""
        return self._dispatched

    @property
    def errors(self) -> int:
        """Exceptions of handlers, jobs and finalizers so far."""
        return self._calls.errors

    @property
    def last_error(self) -> Exception | None:
        """The newest of them."""
        return self._calls.last_error

    @property
    def current_event_dt(self) -> Moment | None:
        """Another word for ``now()``; None before a backtest has a time. For code that was written for it."""
        try:
            return self.now()
        except DispatchError:
            return None

    def on_error(self, error: Exception) -> None:  # noqa: B027 - to be overridden by who wants to know
        """Called with each exception of a handler, a job or a finalizer, after it was logged and counted."""

    def subscribe(self, source: EventSource, event_handler: EventHandler) -> None:
        """Call a handler with each event of a source. May be called while running.

        Handlers of an event are called in the order of their subscription. A handler is subscribed once, however often
        this is called.

        Raises
        ------
        DispatchError : another dispatcher, not yet stopped, has this source.
        """
        if self._subscriptions.add(source, event_handler) and source.producer is not None:
            self._producing.add(source.producer)

    def subscribe_all(self, event_handler: EventHandler, front_run: bool = False) -> None:
        """Call a handler with each event of all sources: after their own handlers, or before them (``front_run``)."""
        self._subscriptions.add_to_all(event_handler, front=front_run)

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
        self._jobs.push(to_ns(when), job)
        self._sleeper.rouse()

    def stop(self) -> None:
        """End the run. May be called in any thread.

        Nothing is called any more. A handler that calls it goes on to its end; whatever waits elsewhere (mains of
        producers, and with ``max_concurrent`` above 1 coroutine handlers) is cancelled.
        """
        self._calls.stopped = True
        self._sleeper.roused = True
        loop = self._sleeper.loop
        if self._life is None or loop is None or _current_task() is self._life:
            return
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(self._life.cancel)

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
        self._sleeper.loop = loop = asyncio.get_running_loop()
        with stopping_on(stop_signals, loop, self.stop):
            self._life = loop.create_task(self._live())
            try:
                await self._life
            except asyncio.CancelledError:
                outer = asyncio.current_task()
                if not (self.stopped or self._failure) or (outer is not None and outer.cancelling()):
                    raise
            finally:
                self._calls.stopped = True
                await self._calls.in_flight.cancel()
                for producer, error in await self._producing.finalize():
                    self._calls.record(error, "finalize of producer", producer)
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
            await self._calls.call(handler, "loop started handler")

    def _collect(self) -> None:
        """Fetch from the sources that have announced events."""
        announced = self._subscriptions.announced
        for _ in range(len(announced)):
            slot = announced.popleft()
            if not slot.active:
                self._take(slot)

    def _after_error(self, error: Exception) -> None:
        try:
            self.on_error(error)
        except Exception:  # what is said about an error must not become one
            logger.exception("on_error failed")
        if self.stop_on_handler_exceptions:
            self.stop()

    def _producer_failed(self, error: Exception, producer: Producer) -> None:
        if self.stopped or self._failure is not None or self._life is None:  # run is about to end with something else
            self._calls.record(error, "producer", producer)
            return
        self._failure = error
        self._life.cancel()

    @abc.abstractmethod
    def _delay_s(self) -> float | None:
        """How long to sleep when nothing is due, None: until roused."""

    async def _sleep(self) -> None:
        """Wait for an announcement, a job, the end of something in flight, or the delay."""
        await self._sleeper.sleep(self._until_next_s)

    def _until_next_s(self) -> float | None:
        delay_s, announced = self._delay_s(), tuple(self._subscriptions.announced)
        if any(not slot.polled for slot in announced):
            return 0.0
        if announced:
            return POLL_S if delay_s is None else min(delay_s, POLL_S)
        return delay_s


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # a thread without a loop
        return None
