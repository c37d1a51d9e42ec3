"""Which instruments have gone quiet while others trade, measured by their own pace. Pure: time is an argument."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

MEMORY_S: Final = 600.0  # the pace is a mean of about so long
LEAST_S: Final = 60.0  # no shorter silence is told
PAUSES: Final = 30.0  # mean pauses without a trade; trades come in bursts, so ten are nothing rare
LEAST_TRADES: Final = 50.0  # before a pace is known
OTHERS_S: Final = 10.0  # another instrument has traded in that time


@dataclass(slots=True)
class _Pace:
    begun_s: float
    last_s: float
    weight: float  # trades, each fading with its age
    trades: int = 0

    def pause_s(self) -> float:
        """Mean time between two trades, when the last one came."""
        span_s = MEMORY_S * -math.expm1(-(self.last_s - self.begun_s) / MEMORY_S)
        return span_s / self.weight if self.weight > 0.0 else math.inf


class QuietWatch:
    """Expects of each instrument that it goes on trading at its own pace.

    An instrument is quiet after ``PAUSES`` of its mean pauses without a trade, a minute at least, while another one
    trades. The pace is that up to its last trade, so silence itself does not change what is expected.

    Examples
    --------
    >>> watch = QuietWatch()
    >>> for second in range(100):
    ...     watch.heard({"A": 5, "B": 1}, float(second))
    >>> for second in range(100, 200):
    ...     watch.heard({"A": 5}, float(second))
    >>> watch.quiet(["A", "B"], 150.0), watch.quiet(["A", "B"], 200.0)
    ({}, {'B': 101.0})
    """

    def __init__(self) -> None:
        self._paces: dict[str, _Pace] = {}

    def heard(self, trades: Mapping[str, int], now_s: float) -> None:
        """Take note of how many trades of which instruments have come."""
        for symbol, count in trades.items():
            pace = self._paces.get(symbol)
            if pace is None:
                self._paces[symbol] = _Pace(now_s, now_s, 0.0)
                continue
            pace.weight = pace.weight * math.exp((pace.last_s - now_s) / MEMORY_S) + count
            pace.last_s, pace.trades = now_s, pace.trades + count

    def forget(self, symbol: str) -> None:
        """Take note that an instrument is carried no more."""
        self._paces.pop(symbol, None)

    def begin(self, now_s: float) -> None:
        """Take note of a new connection after a time without one, in which nothing could be heard."""
        for pace in self._paces.values():
            pace.begun_s += now_s - pace.last_s
            pace.last_s = now_s

    def quiet(self, symbols: Collection[str], now_s: float) -> dict[str, float]:
        """Return which of these instruments are quiet, and for how many seconds each."""
        paces = {symbol: self._paces[symbol] for symbol in symbols if symbol in self._paces}
        newest_s = max((pace.last_s for pace in self._paces.values()), default=-math.inf)
        if now_s - newest_s > OTHERS_S:  # all are silent: that is the connection's matter
            return {}
        return {
            symbol: now_s - pace.last_s
            for symbol, pace in paces.items()
            if pace.trades >= LEAST_TRADES and now_s - pace.last_s > max(LEAST_S, PAUSES * pace.pause_s())
        }
