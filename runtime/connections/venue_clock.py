"""What time it is at a venue, whatever becomes of this computer's own clock."""

import time
from typing import Final

ASK_AGAIN_S: Final = 600.0
"""Between two questions. A clock that nobody sets goes wrong by up to 0.1 ms a second."""


class VenueClock:
    """A venue's clock, carried on from its last answer by a clock that nobody can set.

    The wall clock jumps when it is set, or a machine wakes. Lags are then off by the jump until the difference is known
    again; here it is known at once, since only the time that has passed since the answer is added to it.
    """

    def __init__(self) -> None:
        self._answer: tuple[int, int] | None = None  # what it said, and when by a steady clock; set by any thread
        self._asked_s: float | None = None

    def is_due(self) -> bool:
        """Whether it is time to ask."""
        return self._asked_s is None or time.monotonic() - self._asked_s > ASK_AGAIN_S

    def asking(self) -> int:
        """Take note that it is being asked; what is returned goes into ``told``."""
        self._asked_s = time.monotonic()
        return time.monotonic_ns()

    def told(self, venue_ns: int, asked_ns: int) -> None:
        """Set it by an answer: it was true halfway between question and answer."""
        self._answer = venue_ns, (asked_ns + time.monotonic_ns()) // 2

    def offset_ns(self) -> int | None:
        """The venue's clock minus this computer's, now; None before the first answer."""
        if self._answer is None:
            return None
        venue_ns, steady_ns = self._answer
        return venue_ns + time.monotonic_ns() - steady_ns - time.time_ns()
