"""Instruments that somebody asked for while the app runs, and whether anybody still looks at them."""

import threading
from collections.abc import Collection
from typing import Final

from alphastream.instruments import InstrumentId

UNWATCHED_S: Final = 600.0
"""So long after the last look an instrument is followed: who goes on with a pair finds no hole in it."""


class Followed:
    """Instruments beyond those that a feed began with. Thread-safe.

    Parameters
    ----------
    keep_s : how long one stays after the last look.
    """

    def __init__(self, keep_s: float = UNWATCHED_S) -> None:
        self._keep_s = keep_s
        self._looked_s: dict[InstrumentId, float] = {}
        self._lock = threading.Lock()

    def asked(self, symbol: InstrumentId, now_s: float) -> None:
        """Somebody asked for one, by a clock that never goes back."""
        with self._lock:
            self._looked_s[symbol] = now_s

    def unwatched(self, looked_at: Collection[str], now_s: float) -> tuple[InstrumentId, ...]:
        """Forget and return those that nobody has looked at for too long; note who is looked at now."""
        with self._lock:
            for symbol in self._looked_s:
                if symbol in looked_at:
                    self._looked_s[symbol] = now_s
            gone = tuple(symbol for symbol, seen in self._looked_s.items() if now_s - seen > self._keep_s)
            for symbol in gone:
                del self._looked_s[symbol]
            return gone
