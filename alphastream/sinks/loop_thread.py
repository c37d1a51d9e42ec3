"""An asyncio client on a thread of its own, used from ordinary threads."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any, TypeVar

from alphastream.errors import BusError

T = TypeVar("T")


class LoopThread:
    """An event loop that runs until ``close``; coroutines and calls are handed to it from any thread."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
        finally:
            for task in (tasks := asyncio.all_tasks(self.loop)):
                task.cancel()
            self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            self.loop.close()

    def run(self, work: Coroutine[Any, Any, T], timeout_s: float, what: str) -> T:
        """Run a coroutine there and return its result.

        Raises
        ------
        BusError : it takes longer, in these words; or the loop has ended.
        """
        if self.loop.is_closed() or not self._thread.is_alive():
            work.close()
            raise BusError(f"{what}: it was closed")
        future = asyncio.run_coroutine_threadsafe(work, self.loop)
        try:
            return future.result(timeout_s)
        except CancelledError as error:
            raise BusError(f"{what}: it was closed") from error
        except TimeoutError as error:
            if not future.done():
                future.cancel()
                raise BusError(f"{what}: no answer after {timeout_s:g} s") from error
            raise

    def call(self, function: Callable[[], object]) -> None:
        """Have a function called there soon; not at all once the loop has ended."""
        with suppress(RuntimeError):  # the loop is closed
            self.loop.call_soon_threadsafe(function)

    def close(self) -> None:
        """End the loop, with what still runs there, and wait for the thread."""
        if self._thread.is_alive():
            self.call(self.loop.stop)
            self._thread.join(5.0)
