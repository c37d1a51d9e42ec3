"""Calls of handlers and jobs: one after another or side by side, until stopped; what they raise ends here."""

import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial
from inspect import isawaitable
from typing import Any

from alphastream.trading.engine.events import Dated
from alphastream.trading.engine.in_flight import InFlight
from alphastream.trading.engine.jobs import Job
from alphastream.trading.engine.slots import EventHandler

logger = logging.getLogger(__name__)


class Calls:
    """Calls of a dispatcher.

    Parameters
    ----------
    max_concurrent : most coroutine handlers and jobs at a time.
    on_done : called when a coroutine that ran beside others has ended.
    on_error : called with an exception that was recorded.

    Attributes
    ----------
    stopped : set it, and no handler is called any more.
    in_flight : coroutines that run beside the others.
    errors, last_error : number of exceptions so far, and the newest.
    """

    def __init__(self, max_concurrent: int, on_done: Callable[[], None], on_error: Callable[[Exception], None]) -> None:
        self.stopped = False
        self.in_flight = InFlight(max_concurrent, on_done)
        self.errors = 0
        self.last_error: Exception | None = None
        self._on_error = on_error

    async def deliver(self, event: Dated, handlers: Iterable[EventHandler]) -> None:
        """Call the handlers of an event one after another, until stopped."""
        if len(self.in_flight.tasks) >= self.in_flight.limit:
            await self.in_flight.room()
        rest = iter(handlers)
        for handler in rest:
            try:
                result = handler(event)
                if result is not None and await self._settle(result, handler, event, rest):
                    return
            except Exception as error:  # noqa: BLE001 - recorded and logged
                self.record(error, "handler", handler, event)
            if self.stopped:
                return

    async def call(self, job: Job, what: str, *, concurrently: bool = False) -> None:
        """Call a job; what it returns is awaited here, or in a task of its own.

        Parameters
        ----------
        what : it is, for the log.
        """
        if concurrently:
            await self.in_flight.room()
        try:
            result = job()
        except Exception as error:  # noqa: BLE001 - recorded and logged
            self.record(error, what, job)
            return
        if not isawaitable(result):
            return
        if concurrently and self.in_flight.limit > 1:
            self.in_flight.add(self._await(result, what, job))
        else:
            await self._await(result, what, job)

    def record(self, error: Exception, what: str, *about: object) -> None:
        """Log and count an exception."""
        self.errors += 1
        self.last_error = error
        logger.error("exception in %s %s", what, about, exc_info=error)
        self._on_error(error)

    async def _settle(self, result: object, handler: EventHandler, event: Dated, rest: Iterator[EventHandler]) -> bool:
        """Await what a handler returned. True: a task does that, and calls the rest of the event's handlers."""
        if not isawaitable(result):
            return False
        if self.in_flight.limit == 1:
            await result
            return False
        self.in_flight.add(self._finish(result, handler, event, rest))
        return True

    async def _finish(
        self, result: Awaitable[Any], handler: EventHandler, event: Dated, rest: Iterator[EventHandler]
    ) -> None:
        await self._await(result, "handler", handler, event)
        for following in rest:
            if self.stopped:
                return
            await self.call(partial(following, event), "handler")

    async def _await(self, result: Awaitable[Any], what: str, *about: object) -> None:
        try:
            await result
        except Exception as error:  # noqa: BLE001 - recorded and logged
            self.record(error, what, *about)
