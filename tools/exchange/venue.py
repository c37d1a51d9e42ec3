"""The venues behind the sockets: each plays its tape to its connections. They live in one event loop."""

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from .connection import Connection
from .events import Event, Trade
from .faults import Fault, Script, StreamFault
from .limits import Limits, Meter
from .listings import list_symbols
from .playback import SECOND_NS, Fast, Playback, Stepped
from .protocol import PlayedMarket, Reply, RestRequest, VenueProtocol, first_trades

BATCH = 64
"""Trades published before the loop gets to read from the clients."""
SLOW_CLIENT_S = 5.0
"""How long a tape that plays as fast as it is read waits for a client that does not read."""


@dataclass(frozen=True, slots=True)
class LastTrade:
    """The newest trade of a symbol and the wall-clock moment it was published."""

    id: int
    price_text: str
    time_ms: int
    sent_ns: int


class Venue:
    """A venue's protocol, its connections, the faults in force at it and the tape being played."""

    def __init__(self, playback: Playback, protocol: VenueProtocol, limits: Limits, faults: Sequence[Fault]) -> None:
        self.playback = playback
        self.protocol = protocol
        self.market = PlayedMarket.of(playback, list_symbols(protocol.spelt, playback.tape), limits)
        self.limits = limits
        self.log = logging.getLogger("tools.exchange")
        self.script = Script(faults)
        self._meter = Meter(limits.weight_per_minute)
        self.connections: set[Connection] = set()
        self.requests: deque[str] = deque(maxlen=10_000)
        self.sent: Counter[str] = Counter()
        self.first_sent: dict[str, int] = {}
        self.last: dict[str, LastTrade] = {}
        self._trade_streams = {stream for trade in first_trades(playback) for stream in protocol.streams_of(trade)}
        self._listened_to = asyncio.Event()

    def answer(self, method: str, target: str) -> Reply:
        """Answer a REST request, or refuse it where the script says so."""
        refusal = self.script.refusal("rest")
        if refusal is not None:
            return Reply(refusal.status, refusal.body.encode(), refusal.headers)
        parts = urlsplit(target)
        wait_s = self._meter.charge(self.protocol.weight(parts.path))
        request = RestRequest(method, parts.path, dict(parse_qsl(parts.query)), self._meter.used, wait_s)
        return self.protocol.answer(request, self.market)

    def count_sent(self, event: Event) -> None:
        """Note that a connection was sent an event."""
        if isinstance(event, Trade):
            self.sent[event.symbol] += 1
            self.first_sent.setdefault(event.symbol, event.id)

    def subscribed(self, connection: Connection) -> None:
        """Note that a connection has new subscriptions."""
        streams = set(connection.streams)
        if not streams <= self._trade_streams:
            self.market.books.wake()
        if streams:
            self._listened_to.set()

    def inject(self, fault: Fault) -> None:
        """Put a fault in force for open and coming connections."""
        strikes = self.script.add(fault)
        if not isinstance(fault, StreamFault):
            return
        for connection in [connection for connection in self.connections if connection.open]:
            connection.arm(strikes)

    def heal(self) -> None:
        """Take all faults out of force."""
        self.script.clear()
        for connection in [connection for connection in self.connections if connection.open]:
            connection.heal()

    def close_market(self) -> None:
        """Play no further trade, and publish what has changed in the books since they last said so."""
        self.playback.finish()
        for change in self.market.books.rest(self.playback.now_ns()):
            self._publish(change)
        self._flush()

    def step(self, count: int) -> list[Trade]:
        """Publish the next trades, fewer where the tape ends."""
        trades: list[Trade] = []
        while len(trades) < count and not self.playback.ended:
            trades.append(self._publish_next())
        self._flush()
        return trades

    async def play(self) -> None:
        """Publish every trade when it is due, until the tape ends (a stepped tape waits for `step`)."""
        if isinstance(self.playback.pace, Stepped):
            return
        if isinstance(self.playback.pace, Fast):
            await self._listened_to.wait()
        while not self.playback.ended:
            delay_ns = self.playback.due_ns() - time.time_ns()
            await asyncio.sleep(max(delay_ns, 0) / SECOND_NS)
            for _ in range(BATCH):
                if self.playback.ended or self.playback.due_ns() > time.time_ns():
                    break
                self._publish_next()
            self._flush()
            if isinstance(self.playback.pace, Fast):
                await self._let_clients_read()

    async def abort_all(self) -> None:
        """Take every socket away and wait until all are gone."""
        for connection in list(self.connections):
            connection.abort()
        while self.connections:
            await asyncio.sleep(0)

    def _publish_next(self) -> Trade:
        trade = self.playback.advance()
        self._publish(trade)
        for event in self.market.books.after(trade):
            self._publish(event)
        for mark in self.market.funding.after(trade):
            self._publish(mark)
        self.last[trade.symbol] = LastTrade(trade.id, trade.price_text, trade.time_ns // 1_000_000, time.time_ns())
        return trade

    def _publish(self, event: Event) -> None:
        carried_by = self.protocol.streams_of(event)
        for connection in list(self.connections) if carried_by else ():
            connection.publish(event, carried_by)

    def _flush(self) -> None:
        for connection in list(self.connections):
            connection.flush()

    async def _let_clients_read(self) -> None:
        for connection in list(self.connections):
            try:
                await asyncio.wait_for(connection.drained(), SLOW_CLIENT_S)
            except TimeoutError:
                self.log.warning("dropping a client that read nothing for %.0f s", SLOW_CLIENT_S)
                connection.abort()


class Venues:
    """The venues of one port, told apart by path.

    A path may begin with the name of a venue, ``/okx/ws/v5/public``, and is then that venue's. Without one it is the
    first venue's that has something there; one that delivers comes before one that only acknowledges.
    """

    def __init__(self, venues: Sequence[Venue]) -> None:
        self.all = tuple(venues)
        self.requests: deque[str] = deque(maxlen=10_000)

    def find(self, target: str) -> tuple[Venue, str]:
        """Return whose a request target is, and the target as that venue knows it."""
        for venue in self.all:
            prefix = f"/{venue.protocol.name}"
            if target == prefix or target.startswith((f"{prefix}/", f"{prefix}?")):
                rest = target.removeprefix(prefix)
                return venue, rest if rest.startswith("/") else f"/{rest}"
        for delivers in (True, False):
            for venue in self.all:
                endpoint = venue.protocol.endpoint(target)
                if (endpoint is not None and endpoint.delivers is delivers) or venue.protocol.is_rest(target):
                    return venue, target
        return self.all[0], target
