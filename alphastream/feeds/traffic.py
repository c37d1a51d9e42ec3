"""What went over a feed's connections: bytes, requests, delays, rates, breaks. Pure: time is an argument."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from alphastream.core.durations import DurationHistogram, Durations
from alphastream.core.units import SECOND

KEPT: Final = 50
"""Breaks and healed gaps that are remembered: the newest."""

RATE_S: Final = 10.0
"""Rates are means over about so long."""


@dataclass(frozen=True, slots=True)
class Break:
    """A time without a connection.

    Parameters
    ----------
    time_ns : when it was first noticed, UTC ns.
    state, reason : what the feed said.
    times : attempts in a row that ended for the same reason.
    lasted_s : without a tick, from the first break in a row on; None while none has come.
    """

    time_ns: int
    state: str
    reason: str
    times: int = 1
    lasted_s: float | None = None


@dataclass(frozen=True, slots=True)
class Healed:
    """Missing trades that were fetched: ids ``first`` to ``last``, of which ``ticks`` came, at a time in UTC ns."""

    symbol: str
    first: int
    last: int
    ticks: int
    time_ns: int


@dataclass(frozen=True, slots=True)
class TrafficCounts:
    """What went over a feed's connections since the start, at one moment.

    Parameters
    ----------
    transport : what reads the stream; empty where there is no connection, as in a replay.
    bytes_received : payloads of the stream's messages, without the WebSocket's own bytes.
    rest_requests, rest_weight : sent, and what the venue counts for them.
    rest_weight_minute : of the last 60 s.
    rest_weight_allowed : by the venue, a minute and address; 0 where nothing is asked.
    ticks : delivered, by symbol, refetched ones among them.
    rates : delivered a second, by symbol, mean of about the last ten seconds.
    lag : from trade to arrival, corrected by the clocks' difference; refetched ticks are not in it.
    breaks : the newest ``KEPT``, oldest first.
    healed : the newest ``KEPT``, oldest first.
    """

    transport: str = ""
    bytes_received: int = 0
    rest_requests: int = 0
    rest_weight: int = 0
    rest_weight_minute: int = 0
    rest_weight_allowed: int = 0
    ticks: Mapping[str, int] = field(default_factory=dict)
    rates: Mapping[str, float] = field(default_factory=dict)
    lag: Durations = field(default_factory=Durations)
    breaks: tuple[Break, ...] = ()
    healed: tuple[Healed, ...] = ()


class Traffic:
    """Counts while a feed runs. One thread writes; ``counts`` may run in any. Times ``now_s`` are monotonic."""

    def __init__(self) -> None:
        self.transport = ""
        self.bytes_received = 0
        self.rest_weight_allowed = 0
        self._requests = self._weight = 0
        self._asked: deque[tuple[float, int]] = deque()
        self._ticks: dict[str, int] = {}
        self._samples: deque[tuple[float, dict[str, int]]] = deque(maxlen=int(RATE_S) + 2)
        self._lag = DurationHistogram()
        self._breaks: deque[Break] = deque(maxlen=KEPT)
        self._broken_s: float | None = None  # since when no tick has come
        self._healed: deque[Healed] = deque(maxlen=KEPT)

    def asked(self, weight: int, now_s: float) -> None:
        """Take note of a REST request."""
        self._requests += 1
        self._weight += weight
        self._asked.append((now_s, weight))
        while self._asked[0][0] < now_s - 60.0:
            self._asked.popleft()

    def delivered(self, ticks: Mapping[str, int], now_s: float) -> None:
        """Take note of how many ticks of which symbols were handed on."""
        if not self._samples or now_s - self._samples[-1][0] >= 1.0:
            self._samples.append((now_s, dict(self._ticks)))
        for symbol, count in ticks.items():
            self._ticks[symbol] = self._ticks.get(symbol, 0) + count
        if self._broken_s is not None:
            for place, each in enumerate(self._breaks):
                if each.lasted_s is None:
                    self._breaks[place] = replace(each, lasted_s=now_s - self._broken_s)
            self._broken_s = None

    def arrived(self, lag_ns: npt.ArrayLike) -> None:
        """Take note of how long ticks took from the trade to here, in ns by one clock."""
        self._lag.add(np.asarray(lag_ns, dtype=np.float64) / SECOND)

    def broke(self, time_ns: int, now_s: float, state: str, reason: str) -> None:
        """Take note that there is no connection. What is said again before the next tick is counted, not listed."""
        if self._broken_s is None:
            self._broken_s = now_s
        elif self._breaks[-1].state == state and self._breaks[-1].reason == reason:
            self._breaks[-1] = replace(self._breaks[-1], times=self._breaks[-1].times + 1)
            return
        self._breaks.append(Break(time_ns, state, reason))

    def heal(self, healed: Healed) -> None:
        """Take note that missing trades came."""
        self._healed.append(healed)

    def counts(self, now_s: float) -> TrafficCounts:
        """Freeze the counts."""
        ticks = dict(self._ticks)
        return TrafficCounts(
            transport=self.transport,
            bytes_received=self.bytes_received,
            rest_requests=self._requests,
            rest_weight=self._weight,
            rest_weight_minute=sum(weight for at_s, weight in list(self._asked) if at_s >= now_s - 60.0),
            rest_weight_allowed=self.rest_weight_allowed,
            ticks=MappingProxyType(ticks),
            rates=MappingProxyType(self._rates(ticks, now_s)),
            lag=self._lag.snapshot(),
            breaks=tuple(self._breaks),
            healed=tuple(self._healed),
        )

    def _rates(self, ticks: Mapping[str, int], now_s: float) -> dict[str, float]:
        samples = list(self._samples)
        if not samples:
            return {}
        since_s, before = next((each for each in reversed(samples) if each[0] <= now_s - RATE_S), samples[0])
        if now_s - since_s < 1.0:  # too short to say
            return {}
        return {symbol: (count - before.get(symbol, 0)) / (now_s - since_s) for symbol, count in ticks.items()}
