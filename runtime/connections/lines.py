"""The connection that a live feed reads, and the next one, which delivers before the first goes."""

import itertools
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from alphastream.core.types import Ints
from alphastream.errors import FeedError
from alphastream.feeds.codec import Codec
from alphastream.feeds.feed import FeedContext
from alphastream.instruments import InstrumentId
from alphastream.tape.columns import TickColumns
from runtime.connections.read_pace import ReadPace
from runtime.connections.transport import Transport

log = logging.getLogger(__name__)

Groups = dict[str, TickColumns]

RENEW_S: Final = 23 * 3_600.0  # venues end a connection after 24 hours
LOOK_AROUND_S: Final = 0.2  # longest wait without a look at stop, watchdog and subscription changes
GLANCE_S: Final = 0.01  # wait for one of two connections
GATHER_S: Final = 0.008  # longest wait for more trades of a busy connection
ENOUGH: Final = 16  # trades of one read: all that follows costs about as much as they do
OPEN_NEXT_S: Final = 2.0  # for connecting while another connection waits to be read
OVERLAP_S: Final = 10.0  # longest time that both are read once the next one delivers
SILENT_S: Final = 30.0  # a next connection without a trade for so long is given up, if the first has some
RETRY_S: Final = 60.0  # between attempts to open a next one
SUBSCRIBE_EVERY_S: Final = 0.5  # between control frames: venues take 5 a second, pongs included


@dataclass(slots=True, eq=False)
class _Line:
    """An open connection and what it has brought."""

    transport: Transport
    symbols: frozenset[InstrumentId]
    opened_s: float
    pace: ReadPace = field(default_factory=lambda: ReadPace(GATHER_S, ENOUGH))
    is_ending: bool = False  # the venue said so
    heard_s: float | None = None  # when its first trade came
    last_s: float = 0.0  # and its last
    first: dict[str, int] = field(default_factory=dict)  # id of each instrument
    newest: dict[str, int] = field(default_factory=dict)
    subscribe_after_s: float = 0.0
    spoke_s: float = 0.0  # when the venue heard from it last


class Lines:
    """One connection, and for a while two. All but ``interrupt`` belongs to the feed's thread.

    After ``renew_s``, or when the venue announces the end of a connection, the next one is opened; meanwhile what the
    first brings waits in its socket, for two seconds at most. Both are read until the first has brought all that came
    before the next one's first trades; what both bring is passed on once. Where the next one cannot be had, the first
    is read on.

    Parameters
    ----------
    codec : of the feed.
    transport : makes what carries one connection, given its timeout.
    timeout_s : for connecting.
    renew_s : age at which a connection is replaced.
    """

    def __init__(
        self, codec: Codec, transport: Callable[[float], Transport], timeout_s: float, renew_s: float = RENEW_S
    ) -> None:
        self._codec, self._make, self._timeout_s, self._renew_s = codec, transport, timeout_s, renew_s
        self._lock = threading.Lock()
        self._transports: set[Transport] = set()
        self._line: _Line | None = None
        self._next: _Line | None = None
        self._open_after_s = 0.0
        self._floor: dict[str, int] = {}  # newest ids when the overlap began
        self._seen: dict[str, Ints] = {}  # passed on since
        self._numbers = itertools.count(1)

    def interrupt(self) -> None:
        """End every wait for the network, from any thread."""
        with self._lock:
            for transport in self._transports:
                transport.abort()

    @contextmanager
    def carrying(self, context: FeedContext, symbols: Sequence[InstrumentId]) -> Iterator[None]:
        """Connect, and give all connections up at the end. Raises RefusedError and FeedError as Transport does."""
        self._line = self._connect(context, symbols, self._timeout_s)
        self._open_after_s = 0.0
        try:
            yield
        finally:
            self._give_up_next(0.0)
            self._release(self._line.transport)

    def receive(self, context: FeedContext, symbols: Sequence[InstrumentId]) -> list[Groups]:
        """Return the trades of all messages that have come, after a wait for the first; FeedError at the end of all."""
        assert self._line is not None
        now_s = time.monotonic()
        self._open_next(context, symbols, now_s)
        self._keep_alive(now_s)
        found: list[Groups] = []
        try:
            found.append(self._read(context, self._line, symbols))
        except FeedError as error:
            if self._next is None:
                raise
            log.info("feed=%r the next connection takes over: %s", self._codec.title, error)
            self._change(context)
        if self._next is not None:
            try:
                found.append(self._read(context, self._next, symbols))
            except FeedError as error:
                log.warning("feed=%r the next connection was lost: %s", self._codec.title, error)
                self._give_up_next(now_s + RETRY_S)
            else:
                if self._is_ready(now_s):
                    self._change(context)
                elif self._is_silent(now_s):
                    log.warning("feed=%r the next connection brings no trade", self._codec.title)
                    self._give_up_next(now_s + RETRY_S)
        return [groups for groups in found if groups]

    def _keep_alive(self, now_s: float) -> None:
        """Send what the venue wants to hear; a connection that cannot says so when it is read."""
        wanted = self._codec.keepalive
        if wanted is None:
            return
        for line in filter(None, (self._line, self._next)):
            if now_s - line.spoke_s > wanted.every_s:
                line.spoke_s = now_s
                with suppress(FeedError):
                    line.transport.send(wanted.payload)

    def renew(self) -> None:
        """Replace the connection soon, as at the end of its age."""
        if self._line is not None:
            self._line.is_ending = True

    def follow(self, symbols: Collection[InstrumentId]) -> list[InstrumentId]:
        """Ask the open connections for what they do not carry yet, and to leave out, and return, what is not wanted."""
        assert self._line is not None
        wanted, now_s = frozenset(symbols), time.monotonic()
        if self._next is not None:
            try:
                self._ask_for(self._next, wanted, now_s)
            except FeedError as error:
                log.warning("feed=%r the next connection was lost: %s", self._codec.title, error)
                self._give_up_next(now_s + RETRY_S)
        return self._ask_for(self._line, wanted, now_s)

    def _ask_for(self, line: _Line, wanted: frozenset[InstrumentId], now_s: float) -> list[InstrumentId]:
        if line.symbols == wanted or now_s < line.subscribe_after_s:
            return []
        more, less = sorted(wanted - line.symbols), sorted(line.symbols - wanted)
        if more:
            line.transport.send(self._codec.subscribe(more, next(self._numbers)))
        if less:
            line.transport.send(self._codec.unsubscribe(less, next(self._numbers)))
        line.symbols, line.subscribe_after_s = wanted, now_s + SUBSCRIBE_EVERY_S
        return less

    def _connect(self, context: FeedContext, symbols: Sequence[InstrumentId], timeout_s: float) -> _Line:
        transport = self._make(timeout_s)
        with self._lock:
            self._transports.add(transport)
        if context.stopping:  # it was set before ``interrupt`` could see this one
            transport.abort()
        try:
            transport.open(self._codec.stream_url(symbols))
            for frame in self._codec.opening(symbols):
                transport.send(frame)
        except BaseException:
            self._release(transport)
            raise
        context.stats.traffic.transport = transport.title
        now_s = time.monotonic()
        return _Line(transport, frozenset(symbols), now_s, spoke_s=now_s)

    def _open_next(self, context: FeedContext, symbols: Sequence[InstrumentId], now_s: float) -> None:
        """Open the next connection where it is time. On this thread: a transport belongs to the one that opens it."""
        line = self._line
        assert line is not None
        is_due = line.is_ending or now_s - line.opened_s > self._renew_s
        if self._next is not None or not is_due or now_s < self._open_after_s:
            return
        try:
            self._next = self._connect(context, symbols, min(self._timeout_s, OPEN_NEXT_S))
        except FeedError as error:
            log.warning("feed=%r no next connection yet: %s", self._codec.title, error)
            self._open_after_s = now_s + RETRY_S
        else:
            self._floor, self._seen = dict(line.newest), {}

    def _read(self, context: FeedContext, line: _Line, symbols: Sequence[InstrumentId]) -> Groups:
        line.pace.wait()
        frames, receive_ns = line.transport.recv_many(LOOK_AROUND_S if self._next is None else GLANCE_S)
        line.pace.came(len(frames))
        if not frames:
            return {}
        context.stats.last_message_ns = receive_ns[-1]
        context.stats.traffic.bytes_received += sum(map(len, frames))
        announced = self._codec.endings
        found = self._codec.parse_columns(frames, receive_ns)
        line.is_ending |= self._codec.endings > announced
        found = {symbol: columns for symbol, columns in found.items() if symbol in symbols}
        if found:
            line.last_s = time.monotonic()
            line.heard_s = line.heard_s or line.last_s
        for symbol, columns in found.items():
            line.first.setdefault(symbol, int(columns.id[0]))
            line.newest[symbol] = max(line.newest.get(symbol, -1), int(columns.id.max()))
        return found if self._next is None else self._once(found, is_next=line is self._next)

    def _once(self, found: Mapping[str, TickColumns], *, is_next: bool) -> Groups:
        """Leave out what the other connection has brought."""
        fresh: Groups = {}
        for symbol, columns in found.items():
            seen = self._seen.get(symbol, columns.id[:0])
            is_new = ~np.isin(columns.id, seen)
            if is_next:
                is_new &= columns.id > self._floor.get(symbol, -1)
            if is_new.any():
                fresh[symbol] = columns.rows(is_new)
                self._seen[symbol] = np.append(seen, fresh[symbol].id)
        return fresh

    def _is_ready(self, now_s: float) -> bool:
        """Say whether the first connection has brought all that came before the next one's first trades."""
        line, following = self._line, self._next
        if line is None or following is None:
            return False
        if following.heard_s is None:
            return False
        caught_up = all(line.newest.get(symbol, first) >= first - 1 for symbol, first in following.first.items())
        return caught_up or now_s - following.heard_s > OVERLAP_S

    def _is_silent(self, now_s: float) -> bool:
        """Say whether the next connection brings nothing although the first does."""
        line, following = self._line, self._next
        if line is None or following is None or following.heard_s is not None:
            return False
        return now_s - following.opened_s > SILENT_S and line.last_s > following.opened_s

    def _change(self, context: FeedContext) -> None:
        assert self._line is not None
        assert self._next is not None
        self._release(self._line.transport)
        self._line, self._next = self._next, None
        context.stats.renewals += 1
        log.info("feed=%r a new connection is read, renewals=%d", self._codec.title, context.stats.renewals)

    def _give_up_next(self, open_after_s: float) -> None:
        if self._next is not None:
            self._release(self._next.transport)
        self._next, self._open_after_s = None, open_after_s

    def _release(self, transport: Transport) -> None:
        transport.close()
        with self._lock:
            self._transports.discard(transport)
