"""When a busy connection is read: not for each message, but once some have gathered."""

import time
from typing import Final

LOOK_S: Final = 0.1  # the rate is that of so long a time
FEW: Final = 4.0  # where no more would gather, nothing waits
SHORTEST_S: Final = 0.0005  # a shorter wait costs more than it saves


class ReadPace:
    """Lets messages gather before a connection is read: a read costs as much as many messages.

    A connection that brings less than ``FEW`` messages in ``longest_s`` is read at once, always. Of a busier one the
    next read begins when about ``enough`` have come since the last, ``longest_s`` after it at the latest.

    Parameters
    ----------
    longest_s : what a message may wait at most.
    enough : messages of one read.

    Examples
    --------
    >>> pace = ReadPace(longest_s=0.005, enough=16)
    >>> [pace.due_s(at_s, count) for at_s, count in ((0.0, 0), (0.05, 1), (0.1, 1), (0.3, 200), (0.4, 1_600))]
    [0.0, 0.05, 0.1, 0.305, 0.401]
    """

    def __init__(self, longest_s: float, enough: int) -> None:
        self._longest_s, self._enough = longest_s, enough
        self._since_s, self._count = 0.0, 0
        self._interval_s = 0.0
        self._due_s = 0.0

    def wait(self) -> None:
        """Wait until the next read is due."""
        wait_s = self._due_s - time.monotonic()
        if wait_s >= SHORTEST_S:
            time.sleep(wait_s)

    def came(self, messages: int) -> None:
        """Take note of what a read has brought."""
        self._due_s = self.due_s(time.monotonic(), messages)

    def due_s(self, now_s: float, messages: int) -> float:
        """Return when the next read is due after one that brought so many messages at this moment."""
        self._count += messages
        if now_s - self._since_s >= LOOK_S:
            rate = self._count / (now_s - self._since_s)
            is_busy = rate * self._longest_s >= FEW
            self._interval_s = min(self._longest_s, self._enough / rate) if is_busy else 0.0
            self._since_s, self._count = now_s, 0
        return now_s + self._interval_s
