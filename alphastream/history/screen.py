"""Progress of a command on stderr: on a terminal one line that changes, elsewhere a line now and then."""

import sys
import time
from typing import Final, TextIO

_EVERY_S: Final = 0.2
_EVERY_LINE_S: Final = 10.0


class Screen:
    """Tells how far a command is.

    Parameters
    ----------
    total : of what is counted; 0 where nobody knows.
    """

    def __init__(self, total: int, stream: TextIO | None = None) -> None:
        self._total, self._done = total, 0
        self._stream = stream or sys.stderr
        self._is_terminal = self._stream.isatty()
        self._wipe = "\r\x1b[K" if self._is_terminal else ""
        self._next = time.monotonic() + (0 if self._is_terminal else _EVERY_LINE_S)

    def step(self, text: str, count: int = 1) -> None:
        """Count what was done, and say it when it is time."""
        self._done += count
        now = time.monotonic()
        if now >= self._next:
            self._next = now + (_EVERY_S if self._is_terminal else _EVERY_LINE_S)
            share = f"{self._done / self._total:4.0%} " if self._total else ""
            self._stream.write(f"\r{share}{text}\x1b[K" if self._is_terminal else f"{share}{text}\n")
            self._stream.flush()

    def say(self, text: str) -> None:
        """Write a line that stays."""
        self._stream.write(f"{self._wipe}{text}\n")
        self._stream.flush()
