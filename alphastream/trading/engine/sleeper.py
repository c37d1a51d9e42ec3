"""The sleep of a dispatcher that has nothing to do, and who may end it."""

import asyncio
import contextlib
from collections.abc import Callable


class Sleeper:
    """Sleeps in the loop that it is bound to, until roused or until time is up.

    Attributes
    ----------
    loop : of the run; None before it.
    roused : there has been a call of ``rouse`` since somebody set it to False.
    """

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.roused = False
        self._asleep: asyncio.Future[None] | None = None

    async def sleep(self, delay_s: Callable[[], float | None]) -> None:
        """Sleep until roused, or for some seconds.

        Parameters
        ----------
        delay_s : how long at most; None: until roused. It is asked when ``rouse`` is heard already, so that nothing
            which other threads do after it has looked is missed.
        """
        loop = asyncio.get_running_loop()
        self._asleep = asleep = loop.create_future()
        seconds = delay_s()
        timer = None if seconds is None else loop.call_later(seconds, self._wake)
        try:
            await asleep
        finally:
            self._asleep = None
            if timer is not None:
                timer.cancel()

    def rouse(self) -> None:
        """End the sleep, if there is one. May be called in any thread."""
        self.roused = True
        if self._asleep is not None and self.loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile: nobody sleeps
                self.loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        if self._asleep is not None and not self._asleep.done():
            self._asleep.set_result(None)
