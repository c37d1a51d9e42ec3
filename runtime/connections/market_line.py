"""One connection of a market feed: opened, watched stream by stream, and opened again. A thread of its own."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from alphastream.books.health import MarketState
from alphastream.errors import FeedError
from alphastream.feeds.codec import Codec
from alphastream.feeds.market import MarketCodec, MarketEvent, Route, without_old_quotes
from runtime import threads
from runtime.backoff import Backoff
from runtime.connections.failures import StalledError, failure_of
from runtime.connections.lines import LOOK_AROUND_S
from runtime.connections.read_pace import ReadPace
from runtime.connections.transport import Transport

log = logging.getLogger(__name__)

GATHER_S: Final = 0.01  # longest wait for more of a busy connection
ENOUGH: Final = 64  # messages of one read


class LineOwner(Protocol):
    """What a line tells. All of it is called on the line's thread."""

    def take(self, line: "MarketLine", events: Sequence[MarketEvent]) -> set[str]:
        """Take in what came; return the kinds of which something came that is wanted."""

    def lost(self, line: "MarketLine", reason: str) -> None:
        """Take note that nothing comes until the line is open again."""


class MarketLine:
    """A connection that carries one route.

    Parameters
    ----------
    codec : of the venue; each connection has a codec of its own, which begins without what came by the one before.
    route : what to open.
    owner : takes what comes.
    transport : makes what carries a connection, given its timeout.
    timeout_s, stall_s, stable_s : as in LiveFeed; ``stall_s`` for each kind of the route by itself.
    backoff : waits between attempts.

    Attributes
    ----------
    state, reason, since_s : of the connection.
    opened_s : when it was opened last; None while it is not open.
    opened : how often.
    rejected : by kind, of all connections.
    """

    def __init__(
        self,
        codec: Codec,
        route: Route,
        owner: LineOwner,
        transport: Callable[[float], Transport],
        *,
        timeout_s: float,
        stall_s: float,
        stable_s: float,
        backoff: Backoff,
    ) -> None:
        self.route = route
        self._codec, self._owner, self._make, self._backoff = codec, owner, transport, backoff
        self._timeout_s, self._stall_s, self._stable_s = timeout_s, stall_s, stable_s
        self.state: MarketState = "connecting"
        self.reason = "not begun yet"
        self.opened_s: float | None = None
        self.opened = 0
        self.rejected: dict[str, int] = {}
        self._lock = threading.Lock()
        self._transport: Transport | None = None
        self._stop, self._renewing = threading.Event(), False
        kinds = "+".join(sorted(route.kinds))
        self._thread = threading.Thread(target=self._run, name=f"market-line {codec.name} {kinds}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End it, from any thread; ``join`` waits for that."""
        self._stop.set()
        self._abort()

    def join(self, timeout_s: float) -> None:
        """Wait for the thread."""
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def renew(self) -> None:
        """Open it anew soon, from any thread."""
        self._renewing = True
        self._abort()

    def _abort(self) -> None:
        with self._lock:
            if self._transport is not None:
                self._transport.abort()

    def _run(self) -> None:
        while not self._stop.is_set():
            wait_s = 0.0
            try:
                self._carry()
                reason, wait_s = "the venue has announced the end of the connection", self._backoff.next_s()
            except FeedError as error:
                failure = failure_of(error, self._codec)
                reason = failure.reason
                if self._renewing:
                    reason = "it is opened anew, to get a whole book"
                else:
                    self.state, wait_s = _state(failure.state), max(failure.wait_s, self._backoff.next_s())
            except Exception as error:  # the edge of the thread: nothing comes without it
                threads.begins_again()
                log.exception("feed=%r a connection ended by a defect", self._codec.title)
                reason = f"a defect ({type(error).__name__}: {error})"
                self.state, wait_s = "connecting", max(self._backoff.next_s(), 1.0)
            self._renewing, self.reason = False, reason
            self._owner.lost(self, reason)
            if self._stop.is_set():
                break
            log.info("feed=%r kinds=%s wait_s=%.1f %s", self._codec.title, sorted(self.route.kinds), wait_s, reason)
            self._stop.wait(wait_s)
        self.state, self.reason = "stopped", "stopped on request"

    def _carry(self) -> None:
        """Carry one connection to its end."""
        codec = self._codec.fresh().market
        assert codec is not None, "a venue without books has no market feed"
        transport = self._make(self._timeout_s)
        with self._lock:
            self._transport = transport
        if self._stop.is_set():  # it was set before ``stop`` could see this one
            transport.abort()
        try:
            transport.open(self.route.url)
            for frame in self.route.opening:
                transport.send(frame)
            self.opened_s = time.monotonic()
            self.opened += 1
            self._read(transport, codec)
        finally:
            with self._lock:
                self._transport = None
            self.opened_s = None
            transport.close()
            for kind, count in codec.rejected.items():
                self.rejected[kind] = self.rejected.get(kind, 0) + count

    def _read(self, transport: Transport, codec: MarketCodec) -> None:
        opened_s = spoke_s = time.monotonic()
        heard_s = dict.fromkeys(self.route.kinds, opened_s)
        pace = ReadPace(GATHER_S, ENOUGH)
        while codec.endings == 0:
            pace.wait()
            frames, receive_ns = transport.recv_many(LOOK_AROUND_S)
            pace.came(len(frames))
            now_s = time.monotonic()
            if codec.keepalive is not None and now_s - spoke_s > codec.keepalive.every_s:
                spoke_s = now_s
                transport.send(codec.keepalive.payload)
            events = codec.parse(*without_old_quotes(codec, frames, receive_ns))
            for kind in self._owner.take(self, events) if frames else ():
                heard_s[kind] = now_s  # type: ignore[index]  # of this route
                self.state, self.reason = "live", "updates arrive"
                if now_s - opened_s > self._stable_s:
                    self._backoff.reset()
            silent = sorted(kind for kind, last_s in heard_s.items() if now_s - last_s > self._stall_s)
            if silent:
                raise StalledError(
                    f"no {' and no '.join(silent)} for {self._stall_s:g} s although the connection is open"
                )


def _state(state: str) -> MarketState:
    return "blocked" if state == "blocked" else "stalled" if state == "stalled" else "connecting"
