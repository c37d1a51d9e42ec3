"""The live feed of a venue: connects, watches, connects again, and fetches what was missed. Sockets are elsewhere."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from alphastream.core.units import SECOND
from alphastream.errors import FeedBlocked, FeedError
from alphastream.feeds.codec import Codec, Instrument, Request
from alphastream.feeds.feed import FeedContext
from alphastream.feeds.id_watch import IdWatch
from alphastream.feeds.listing import suggest
from alphastream.feeds.quiet import QuietWatch
from alphastream.instruments import InstrumentId, bare
from alphastream.tape.columns import TickColumns, TickGroups
from runtime.backoff import Backoff
from runtime.connections.failures import SESSION_STALL_S, StalledError, failure_of
from runtime.connections.lines import LOOK_AROUND_S, RENEW_S, Lines
from runtime.connections.newest_trades import NewestTrades
from runtime.connections.refill import LIVE, Refill
from runtime.connections.rest import RefusedError, RestClient, in_thread
from runtime.connections.transport import Transport
from runtime.connections.transport_choice import transport_named
from runtime.connections.venue_clock import VenueClock

log = logging.getLogger(__name__)

LIST_AGAIN_S: Final = 20.0  # between two questions what the venue lists
RENEW_QUIET_S: Final = 900.0  # between connections that are renewed because an instrument has gone quiet


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
    renew_s : a connection of that age is replaced, the next one delivering before it goes.
    history_s : trades missed longer ago are given up; None: as long ago as the venue's codec says is worth asking.
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
        renew_s: float = RENEW_S,
        history_s: float | None = None,
        seed: int | None = None,
    ) -> None:
        codec.stream_url(symbols)
        self.title, self.venue = codec.title, codec.name
        self._codec = codec.fresh()  # its counters are this feed's alone
        self._timeout_s = connect_timeout_s
        self._lines = Lines(self._codec, transport or transport_named("auto"), connect_timeout_s, renew_s)
        self._stall_s, self._stable_s = stall_s, stable_s
        self._clock = VenueClock()
        self._backoff = Backoff(backoff_base_s, backoff_cap_s, seed=seed)
        numbered = codec.completeness != "unknown"
        self._refill: Refill | NewestTrades = NewestTrades(self._codec, connect_timeout_s)
        if numbered:
            self._refill = Refill(self._codec, connect_timeout_s, history_s)
        self._instruments: dict[str, Instrument] = {}
        self._ask_rest, self._was_open = True, False
        self._is_list_doubted, self._listed_s = False, 0.0
        self._lock = threading.Lock()  # guards the next two
        self._symbols = tuple(dict.fromkeys(symbols))
        self._busy: set[RestClient] = set()
        self._ids, self._paces = IdWatch(numbered=numbered), QuietWatch()
        self._look_for_quiet_s = self._renew_after_s = 0.0

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
            The venue does not list it, with close matches, or says that it does not trade now. What the venue lists is
            then asked for anew, so that what it has listed or begun to trade since can be added later.
        ParameterError
            It is of another venue, or one connection does not carry so many.
        """
        problem = self._problem(symbol)
        if problem:
            self._is_list_doubted = True
            raise FeedBlocked(f"{problem} (the list is asked for anew, in case it is old: try again in half a minute)")
        with self._lock:
            if symbol not in self._symbols:
                self._codec.stream_url([*self._symbols, symbol])
                self._symbols = (*self._symbols, symbol)

    def remove(self, symbol: InstrumentId) -> None:
        """Carry an instrument no more."""
        with self._lock:
            if symbol in self._symbols:
                self._symbols = tuple(other for other in self._symbols if other != symbol)

    def interrupt(self) -> None:
        """Wake ``run`` from any wait for the network."""
        self._lines.interrupt()
        self._refill.interrupt()
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
            self._refill.wait()

    def _attempt(self, context: FeedContext) -> float:
        """Run one connection to its end and return how long to wait."""
        try:
            self._ask_for_symbols(context)
            if not self._symbols:
                self._keep_list(context, time.monotonic())
                context.report("blocked", "no symbol to carry")
                return LOOK_AROUND_S
            self._stream(context)
            return 0.0
        except FeedError as error:
            failure = failure_of(error, self._codec)
            if isinstance(error, StalledError):
                self._ask_rest = not self._instruments
            self._ask_rest |= failure.refuses_place
        wait_s = max(failure.wait_s, self._backoff.next_s())
        context.report(failure.state, failure.reason, time.time_ns() + int(wait_s * SECOND))
        return wait_s

    def _ask_for_symbols(self, context: FeedContext) -> None:
        """Ask once what the venue lists and what its clock says, and refuse what it does not list.

        The stream starts without an answer too, except where the venue refuses this place.
        """
        if self._ask_rest:
            self._ask_rest = False
            self._clock.asking()  # one that does not answer now is left alone for a while
            self._report_step(context, f"asking {self.title} for its symbols")
            self._listed_s = time.monotonic()
            try:
                self._take_list([self._get(context, request) for request in self._codec.listing()])
                asked_ns = self._clock.asking()
                answer = self._get(context, self._codec.server_time())
                self._clock.told(self._codec.parse_server_time(answer), asked_ns)
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

    def _keep_clock(self, context: FeedContext, now_s: float) -> None:
        """Know how far the venue's clock is ahead, and ask it again now and then, without ever waiting."""
        if self._clock.is_due():
            request, asked_ns, client = self._codec.server_time(), self._clock.asking(), RestClient(self._timeout_s)
            context.stats.traffic.asked(request.weight, now_s)
            in_thread(
                lambda: self._clock.told(self._codec.parse_server_time(client.get(request.url)), asked_ns)
            )  # what fails is asked again the next time
        context.stats.clock_offset_ns = self._clock.offset_ns()

    def _keep_list(self, context: FeedContext, now_s: float) -> None:
        """Ask anew what the venue lists, without waiting: where it did not say, or somebody wanted what it did not.

        Some codecs learn from it what the sizes of trades mean, and cannot deliver them before.
        """
        is_wanted = self._is_list_doubted or not self._instruments
        if is_wanted and now_s - self._listed_s > LIST_AGAIN_S:
            self._is_list_doubted, self._listed_s = False, now_s
            requests, client = self._codec.listing(), RestClient(self._timeout_s)
            for request in requests:
                context.stats.traffic.asked(request.weight, now_s)
            in_thread(lambda: self._take_list([client.get(request.url) for request in requests]))

    def _take_list(self, answers: Sequence[bytes]) -> None:
        found: dict[str, Instrument] = {}
        for answer in answers:
            found |= self._codec.parse_listing(answer)
        self._instruments = found

    def _get(self, context: FeedContext, request: Request) -> bytes:
        client = RestClient(self._timeout_s)
        context.stats.traffic.asked(request.weight, time.monotonic())
        with self._interruptible(context, client):
            return client.get(request.url)

    @contextmanager
    def _interruptible(self, context: FeedContext, busy: RestClient) -> Iterator[None]:
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
        """Carry connections from the opening of the first to the end of the last."""
        self._report_step(context, f"connecting to {self.title}")
        with self._lines.carrying(context, self._symbols):
            self._report_step(context, f"connected to {self.title}, waiting for the first trade")
            context.stats.reconnects += self._was_open
            self._was_open = True
            self._ids.begin()
            self._paces.begin(time.monotonic())
            opened_s = heard_s = time.monotonic()
            while not context.stopping and self._symbols:
                found = self._lines.receive(context, self._symbols)
                now_s = time.monotonic()
                self._keep_clock(context, now_s)
                self._keep_list(context, now_s)
                for groups in found:
                    self._pass_on(context, groups, now_s)
                if found:
                    heard_s = now_s
                    if now_s - opened_s > self._stable_s:
                        self._backoff.reset()
                elif now_s - heard_s > (patience_s := self._patience_s()):
                    raise StalledError(f"no trade for {patience_s:g} s although the connection is open")
                for symbol in self._lines.follow(self._symbols):
                    context.stats.last_tick_ns.pop(symbol, None)
                    self._ids.forget(symbol)
                    self._paces.forget(symbol)
                self._note_quiet_ones(context, now_s)
                self._refill.step(context, self._symbols, now_s)

    def _report_step(self, context: FeedContext, doing: str) -> None:
        """Report a step on the way to the first trade. A stalled feed stays stalled until one arrives."""
        if context.state == "stalled":
            context.report("stalled", f"no trade for more than {self._stall_s:g} s; {doing}")
        else:
            context.report("connecting", doing)

    def _patience_s(self) -> float:
        """Return how long all may be silent; where all trade in sessions, none of them may have one now."""
        rules = self._instruments
        in_sessions = bool(rules) and all(each in rules and rules[each].has_sessions for each in self._symbols)
        return max(self._stall_s, SESSION_STALL_S) if in_sessions else self._stall_s

    def _note_quiet_ones(self, context: FeedContext, now_s: float) -> None:
        """Tell who has gone quiet. A new one may have lost its stream: the connection is renewed, not too often."""
        if now_s < self._look_for_quiet_s:
            return
        self._look_for_quiet_s = now_s + 1.0
        rules = self._instruments
        watched = [symbol for symbol in self._symbols if symbol not in rules or not rules[symbol].has_sessions]
        quiet, now_ns = self._paces.quiet(watched, now_s), time.time_ns()
        new = [symbol for symbol in quiet if symbol not in context.stats.quiet]
        context.stats.quiet = {
            symbol: context.stats.quiet.get(symbol, now_ns - int(silent_s * SECOND))
            for symbol, silent_s in quiet.items()
        }
        for symbol in new:
            log.warning("feed=%r %s is quiet for %.0f s while others trade", self.title, symbol, quiet[symbol])
        if new and now_s >= self._renew_after_s:
            self._renew_after_s = now_s + RENEW_QUIET_S
            self._lines.renew()

    def _pass_on(self, context: FeedContext, groups: Mapping[str, TickColumns], now_s: float) -> None:
        self._paces.heard({symbol: len(ticks) for symbol, ticks in groups.items()}, now_s)
        verdicts = {symbol: self._ids.note(symbol, ticks.id, ticks.time_ns) for symbol, ticks in groups.items()}
        holes = {symbol for symbol, verdict in verdicts.items() if verdict != "goes on"}
        if context.deliver(TickGroups(groups)):
            for columns in groups.values():
                lag_ns = columns.receive_ns - columns.time_ns + (context.stats.clock_offset_ns or 0)
                if not columns.receive_ns.all():  # a venue may begin with trades of before, which nobody saw arrive
                    lag_ns = lag_ns[columns.receive_ns > 0]
                if len(lag_ns):
                    context.stats.lag_ns = int(lag_ns[-1])
                    context.stats.traffic.arrived(lag_ns)
        else:
            holes.update(groups)
        if holes:
            self._refill.forget(symbol for symbol in self._symbols if verdicts.get(symbol) == "anew")
            self._refill.want([symbol for symbol in self._symbols if symbol in holes], now_s)
        if context.state in ("connecting", "stalled"):
            context.report("live", LIVE)
