"""The live feed of a venue: connects, watches, connects again, and fetches what was missed. Sockets are elsewhere."""

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import closing, contextmanager
from typing import Final

import numpy as np

from alphastream.core.types import Ints
from alphastream.core.units import SECOND
from alphastream.errors import FeedBlocked, FeedError
from alphastream.feeds.backfill import Backfill, Page
from alphastream.feeds.codec import Codec, Instrument, Request
from alphastream.feeds.feed import FeedContext, FeedState
from alphastream.feeds.listing import suggest
from alphastream.feeds.traffic import Healed
from alphastream.instruments import InstrumentId, bare
from alphastream.tape.columns import TickColumns, TickGroups
from runtime.backoff import Backoff
from runtime.connections.rest import RefusedError, RestClient, in_thread
from runtime.connections.transport import Transport
from runtime.connections.transport_choice import transport_named

log = logging.getLogger(__name__)

LIVE: Final = "trades arrive"
LOOK_AROUND_S: Final = 0.2  # longest wait without a look at stop, watchdog and subscription changes
SUBSCRIBE_EVERY_S: Final = 0.5  # between control frames: venues take 5 a second, pongs included
LONG_PAUSE_S: Final = 60.0  # a gap that must wait longer does not keep the feed from being called live
REFUSED_PLACE_S: Final = 3_600.0  # between attempts where the venue refuses the place this computer is in


class LiveFeed:
    """A venue's live trades: connects, watches, connects again, and fetches what was missed.

    Parameters
    ----------
    codec : of the venue.
    symbols : the instruments to begin with.
    transport : makes what carries one connection, given its timeout; None: the one ``auto`` chooses.
    connect_timeout_s : for a connection or a REST answer.
    stall_s : without any trade for so long a connection counts as stalled and is replaced.
    backoff_base_s, backoff_cap_s : bound of the first wait before an attempt, and of all waits.
    stable_s : a connection that carried trades for so long makes the waits short again.
    seed : of the waits' random numbers.

    Raises
    ------
    ParameterError
        No instrument, one of another venue, or more than one connection carries.
    """

    def __init__(
        self,
        codec: Codec,
        symbols: Sequence[InstrumentId],
        *,
        transport: Callable[[float], Transport] | None = None,
        connect_timeout_s: float = 5.0,
        stall_s: float = 20.0,
        backoff_base_s: float = 0.5,
        backoff_cap_s: float = 30.0,
        stable_s: float = 30.0,
        seed: int | None = None,
    ) -> None:
        codec.stream_url(symbols)
        self.title, self.venue = codec.title, codec.name
        self._codec = codec.fresh()  # its counters are this feed's alone
        self._transport = transport or transport_named("auto")
        self._timeout_s = connect_timeout_s
        self._stall_s, self._stable_s = stall_s, stable_s
        self._backoff = Backoff(backoff_base_s, backoff_cap_s, seed=seed)
        self._backfill = Backfill(codec)
        self._request: tuple[Page, RestClient, Future[bytes]] | None = None
        self._instruments: dict[str, Instrument] = {}
        self._ask_rest, self._was_open = True, False
        self._lock = threading.Lock()  # guards the next three
        self._symbols = tuple(dict.fromkeys(symbols))
        self._changed: set[InstrumentId] = set()
        self._busy: set[Transport | RestClient] = set()
        self._newest: dict[str, int] = {}  # id by symbol, on this connection
        self._subscribe_after_s = 0.0
        self._numbers = itertools.count(1)

    @property
    def symbols(self) -> tuple[InstrumentId, ...]:
        """Instruments it carries."""
        return self._symbols

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """Trading rules of all instruments the venue lists; empty until it answered."""
        return self._instruments

    def now_ns(self) -> int:
        """Return the wall clock."""
        return time.time_ns()

    def add(self, symbol: InstrumentId) -> None:
        """Carry an instrument from now on.

        Raises
        ------
        FeedBlocked
            The venue does not list it, with close matches.
        ParameterError
            It is of another venue, or one connection does not carry so many.
        """
        problem = self._problem(symbol)
        if problem:
            raise FeedBlocked(problem)
        with self._lock:
            if symbol not in self._symbols:
                self._codec.stream_url([*self._symbols, symbol])
                self._symbols = (*self._symbols, symbol)
                self._changed.add(symbol)

    def remove(self, symbol: InstrumentId) -> None:
        """Carry an instrument no more."""
        with self._lock:
            if symbol in self._symbols:
                self._symbols = tuple(other for other in self._symbols if other != symbol)
                self._changed.add(symbol)

    def interrupt(self) -> None:
        """Wake ``run`` from any wait for the network."""
        with self._lock:
            for busy in self._busy:
                busy.abort()

    def run(self, context: FeedContext) -> None:
        """Connect again and again until stopped."""
        context.stats.rejected = self._codec.rejected
        context.stats.traffic.rest_weight_allowed = self._codec.weight_per_minute
        try:
            while not context.stopping:
                wait_s = self._attempt(context)
                context.wait(wait_s)
        finally:
            if self._request is not None:
                wait([self._request[2]], 1.0)

    def _attempt(self, context: FeedContext) -> float:
        """Run one connection to its end and return how long to wait."""
        state: FeedState = "connecting"
        wait_s = 0.0
        try:
            self._ask_for_symbols(context)
            if not self._symbols:
                context.report("blocked", "no symbol to carry")
                return LOOK_AROUND_S
            self._stream(context)
            return 0.0
        except RefusedError as refusal:
            advice = self._codec.advise(refusal.status, refusal.headers)
            reason, wait_s = advice.reason, advice.wait_s
            if advice.action == "stop":  # an address can change its place: a tunnel, a new provider
                self._ask_rest, wait_s = True, REFUSED_PLACE_S
                reason += "; it is asked again in an hour, in case this is another place then"
            if advice.action in ("stop", "banned"):
                state = "blocked"
        except _StalledError as stall:
            state, reason = "stalled", str(stall)
            self._ask_rest = not self._instruments
        except FeedError as error:
            reason = str(error)
        wait_s = max(wait_s, self._backoff.next_s())
        context.report(state, reason, time.time_ns() + int(wait_s * SECOND))
        return wait_s

    def _ask_for_symbols(self, context: FeedContext) -> None:
        """Ask once what the venue lists and what its clock says, and refuse what it does not list.

        The stream starts without an answer too, except where the venue refuses this place.
        """
        if self._ask_rest:
            self._ask_rest = False
            self._report_step(context, f"asking {self.title} for its symbols")
            try:
                self._instruments = self._codec.parse_exchange_info(self._get(context, self._codec.exchange_info()))
                before_ns = time.time_ns()
                server_ns = self._codec.parse_server_time(self._get(context, self._codec.server_time()))
                context.stats.clock_offset_ns = server_ns - (before_ns + time.time_ns()) // 2
            except RefusedError as refusal:
                if self._codec.advise(refusal.status, refusal.headers).action == "stop":
                    raise
                log.warning("feed=%r symbols are not checked: %s", self.title, refusal)
            except FeedError as error:
                log.warning("feed=%r symbols are not checked: %s", self.title, error)
        for symbol in self._symbols:
            problem = self._problem(symbol)
            if problem:
                context.stats.refused[symbol] = problem
                self.remove(symbol)

    def _problem(self, symbol: InstrumentId) -> str | None:
        name = bare(symbol, self.venue)
        if not self._instruments:
            return None
        if symbol not in self._instruments:
            close = " or ".join(suggest(symbol.symbol, [listed.symbol for listed in self._instruments.values()]))
            return f"{self.title} does not list {name}" + (f": did you mean {close}?" if close else "")
        status = self._instruments[symbol].status
        return None if status == "TRADING" else f"{name} does not trade at {self.title} now (status {status})"

    def _get(self, context: FeedContext, request: Request) -> bytes:
        client = RestClient(self._timeout_s)
        context.stats.traffic.asked(request.weight, time.monotonic())
        with self._interruptible(context, client):
            return client.get(request.url)

    @contextmanager
    def _interruptible(self, context: FeedContext, busy: Transport | RestClient) -> Iterator[None]:
        with self._lock:
            self._busy.add(busy)
        if context.stopping:  # it was set before ``interrupt`` could see this one
            busy.abort()
        try:
            yield
        finally:
            with self._lock:
                self._busy.discard(busy)

    def _stream(self, context: FeedContext) -> None:
        """Carry one connection from its opening to its end."""
        transport = self._transport(self._timeout_s)
        with self._interruptible(context, transport), closing(transport):
            with self._lock:
                symbols = self._symbols
                self._changed.clear()
            self._report_step(context, f"connecting to {self.title}")
            transport.open(self._codec.stream_url(symbols))
            self._report_step(context, f"connected to {self.title}, waiting for the first trade")
            context.stats.traffic.transport = transport.title
            context.stats.reconnects += self._was_open
            self._was_open = True
            self._newest.clear()
            opened_s = heard_s = time.monotonic()
            while not context.stopping and self._symbols:
                groups = self._receive(context, transport)
                now_s = time.monotonic()
                if groups:
                    heard_s = now_s
                    self._pass_on(context, groups, now_s)
                elif now_s - heard_s > self._stall_s:
                    raise _StalledError(f"no trade for {self._stall_s:g} s although the connection is open")
                if now_s - opened_s > self._stable_s and groups:
                    self._backoff.reset()
                self._send_subscription_changes(context, transport, now_s)
                self._refill(context, now_s)

    def _report_step(self, context: FeedContext, doing: str) -> None:
        """Report a step on the way to the first trade. A stalled feed stays stalled until one arrives."""
        if context.state == "stalled":
            context.report("stalled", f"no trade for more than {self._stall_s:g} s; {doing}")
        else:
            context.report("connecting", doing)

    def _receive(self, context: FeedContext, transport: Transport) -> dict[str, TickColumns]:
        """Return the trades of all messages that have come, after a wait for the first."""
        frames, receive_ns = transport.recv_many(LOOK_AROUND_S)
        if not frames:
            return {}
        context.stats.last_message_ns = receive_ns[-1]
        context.stats.traffic.bytes_received += sum(map(len, frames))
        found = self._codec.parse_columns(frames, receive_ns)
        return {symbol: columns for symbol, columns in found.items() if symbol in self._symbols}

    def _pass_on(self, context: FeedContext, groups: Mapping[str, TickColumns], now_s: float) -> None:
        holes = {symbol for symbol, columns in groups.items() if self._goes_past(symbol, columns.id)}
        if context.deliver(TickGroups(groups)):
            for columns in groups.values():
                lag_ns = columns.receive_ns - columns.time_ns + (context.stats.clock_offset_ns or 0)
                context.stats.lag_ns = int(lag_ns[-1])
                context.stats.traffic.arrived(lag_ns)
        else:
            holes.update(groups)
        if holes:
            self._backfill.want([symbol for symbol in self._symbols if symbol in holes], now_s)
        if context.state in ("connecting", "stalled"):
            context.report("live", LIVE)

    def _goes_past(self, symbol: str, ids: Ints) -> bool:
        """Whether ids of one instrument leave some out, or are the first on this connection."""
        newest = self._newest.get(symbol)
        before = np.maximum.accumulate(np.append(int(ids[0]) - 1 if newest is None else newest, ids))
        self._newest[symbol] = int(before[-1])
        return newest is None or bool((ids > before[:-1] + 1).any())

    def _send_subscription_changes(self, context: FeedContext, transport: Transport, now_s: float) -> None:
        if not self._changed or now_s < self._subscribe_after_s:
            return
        with self._lock:
            changed, self._changed = sorted(self._changed), set()
        wanted = [symbol for symbol in changed if symbol in self._symbols]
        unwanted = [symbol for symbol in changed if symbol not in self._symbols]
        if wanted:
            transport.send(self._codec.subscribe(wanted, next(self._numbers)))
        if unwanted:
            transport.send(self._codec.unsubscribe(unwanted, next(self._numbers)))
        for symbol in unwanted:
            context.stats.last_tick_ns.pop(symbol, None)
            self._newest.pop(symbol, None)
        self._subscribe_after_s = now_s + SUBSCRIBE_EVERY_S

    def _refill(self, context: FeedContext, now_s: float) -> None:
        """Move the closing of gaps one step on, without ever waiting."""
        if not context.refills or context.state not in ("live", "backfilling"):
            return
        if self._request is not None:
            page, client, answer = self._request
            if answer.done():
                self._request = None
                with self._lock:
                    self._busy.discard(client)
                self._take_answer(context, page, answer, now_s)
            return
        if not self._backfill.due(now_s):
            return
        step = self._backfill.next_page(context.missing, now_s)
        context.stats.unfillable = self._backfill.unfillable
        if step is None:
            if context.state == "backfilling":
                context.report("live", LIVE)
            return
        page, missing = step
        context.report("backfilling", f"{LIVE}; fetching {missing:,} missed before")
        request = self._codec.agg_trades(page.symbol, page.first, page.last - page.first + 1)
        context.stats.traffic.asked(request.weight, now_s)
        client = RestClient(self._timeout_s)
        with self._lock:
            self._busy.add(client)
        self._request = (page, client, in_thread(lambda: client.get(request.url)))

    def _take_answer(self, context: FeedContext, page: Page, answer: "Future[bytes]", now_s: float) -> None:
        try:
            ticks = self._codec.parse_agg_trades(page.symbol, answer.result())
        except RefusedError as refusal:
            advice = self._codec.advise(refusal.status, refusal.headers)
            self._backfill.refused(page, refusal.status, advice, now_s)
            reason = advice.reason
        except FeedError as error:
            self._backfill.failed(now_s)
            reason = str(error)
        else:
            inside = TickColumns.of(tick for tick in ticks if page.first <= tick.id <= page.last)
            if len(inside) and not context.deliver(TickGroups({page.symbol: inside})):
                self._backfill.failed(now_s)
            else:
                context.stats.backfilled += len(inside)
                if len(inside):
                    healed = Healed(page.symbol, page.first, page.last, len(inside), time.time_ns())
                    context.stats.traffic.heal(healed)
                self._backfill.answered(page, ticks, time.time_ns())
            return
        log.warning("feed=%r page=%s not fetched: %s", self.title, page, reason)
        state: FeedState = "live" if self._backfill.pause_s(now_s) > LONG_PAUSE_S else "backfilling"
        context.report(state, f"{LIVE}; some missed before cannot be fetched now: {reason}")


class _StalledError(FeedError):
    """An open connection carries no trades."""
