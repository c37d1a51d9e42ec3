"""Coroutines of handlers that run at the same time."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class InFlight:
    """A bounded set of running coroutines.

    Parameters
    ----------
    limit : most coroutines at a time, 1 or more.
    on_done : called when one has ended.
    """

    def __init__(self, limit: int, on_done: Callable[[], None]) -> None:
        self.limit = limit
        self.tasks: set[asyncio.Task[None]] = set()
        self._on_done = on_done

    async def room(self) -> None:
        """Wait until one more may start."""
        while len(self.tasks) >= self.limit:
            await asyncio.wait(self.tasks, return_when=asyncio.FIRST_COMPLETED)

    def add(self, work: Coroutine[Any, Any, None]) -> None:
        """Start a coroutine."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._done)

    async def finish(self) -> None:
        """Wait until all have ended."""
        while self.tasks:
            await asyncio.wait(self.tasks)

    async def cancel(self) -> None:
        """Cancel all, and wait until they have ended."""
        for task in self.tasks:
            task.cancel()
        await self.finish()

    def _done(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        self._on_done()
