"""Quotes, books and mark prices of one venue, live: kept in sequence, watched, sampled. Apart from its trades.

Each route of the codec is a connection with a thread of its own. One more thread asks for whole books and funding, and
hands samples to the store. An instrument in trouble gets connections of its own, so that the others stay as they are.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from alphastream.books import BookColumns, BookView, MarketHealth, MarketKeeper
from alphastream.books.health import MarketState
from alphastream.core.units import DAY, SECOND
from alphastream.errors import FeedError, ParameterError
from alphastream.feeds import quiet
from alphastream.feeds.codec import Codec, Instrument
from alphastream.feeds.market import BookUpdate, MarketEvent, MarkPrice, Quote
from alphastream.instruments import InstrumentId
from runtime import threads
from runtime.connections.failures import SESSION_STALL_S
from runtime.connections.market_keeping import MarketKeeping
from runtime.connections.market_kept import KeptMarket
from runtime.connections.market_line import MarketLine
from runtime.connections.market_lines import JOIN_S, MarketLines
from runtime.connections.rest_queue import RestQueue
from runtime.connections.transport import Transport
from runtime.connections.transport_choice import transport_named

log = logging.getLogger(__name__)

LEVELS: Final = 20
MOST_SHOWN: Final = 1_000
TURN_S: Final = 0.05
GRACE_S: Final = 2.0  # a connection gets so long to send whole books, or a first update, by itself
RESYNC_S: Final = (0.5, 30.0)  # bounds of the first pause between two snapshots of an instrument, and of all
RENEW_QUIET_S: Final = 900.0
MARKS_EVERY_S: Final = 300.0  # between requests for the funding rate
FUNDING_EVERY_S: Final = 3_600.0  # between requests for payments
FUNDING_LATE_S: Final = 60.0  # a payment is asked for so long after its time
FUNDING_BACK_NS: Final = 30 * DAY
_KINDS: Final = {Quote: "quotes", BookUpdate: "books", MarkPrice: "marks"}


class MarketFeed:
    """A venue's quotes, books, mark prices and funding. A MarketView; nothing here touches the trades.

    Parameters
    ----------
    codec : of the venue; its ``market`` says how.
    instruments : to begin with; they can be added and removed.
    store : keeps samples and payments. While another process keeps them, those of this feed are not; it is asked again
        and again whether that is still so.
    rules : gives the trading rules by full name, for checksums over digits; empty where they are not known.
    transport : makes what carries one connection, given its timeout; None: the one ``auto`` chooses.
    levels : a side, of samples.
    every_ms : least time between two samples.
    connect_timeout_s : for a connection or a REST answer.
    stall_s : without any message of a kind for so long a connection counts as stalled and is replaced.
    backoff_base_s, backoff_cap_s, stable_s : as in LiveFeed.
    seed : of the waits' random numbers.

    Raises
    ------
    ParameterError : the venue has no books, or an instrument cannot be one of it.
    """

    def __init__(
        self,
        codec: Codec,
        instruments: Sequence[InstrumentId],
        store: MarketKeeper,
        *,
        rules: Callable[[], Mapping[str, Instrument]] = dict,
        transport: Callable[[float], Transport] | None = None,
        levels: int = LEVELS,
        every_ms: int = 100,
        connect_timeout_s: float = 5.0,
        stall_s: float = 20.0,
        backoff_base_s: float = 0.5,
        backoff_cap_s: float = 30.0,
        stable_s: float = 30.0,
        seed: int | None = None,
    ) -> None:
        self._codec = codec.fresh()
        market = self._codec.market
        if market is None:
            raise ParameterError(f"{codec.title} sends no books that this program reads: run without a market feed")
        self._market, self._rules = market, rules
        self._keeping = MarketKeeping(store, codec.title)
        self._levels, self._every_ms, self._stall_s = levels, every_ms, stall_s
        self._lock = threading.RLock()
        self._kept: dict[str, KeptMarket] = {}
        self._lines = MarketLines(
            self._codec,
            market,
            self,
            transport or transport_named("auto"),
            timeout_s=connect_timeout_s,
            stable_s=stable_s,
            backoff_s=(backoff_base_s, backoff_cap_s),
            seed=seed,
        )
        self._rest = RestQueue(self._codec, connect_timeout_s)
        self._paces = {kind: quiet.QuietWatch() for kind in _KINDS.values()}
        self._done_s: dict[tuple[str, str], float] = {}  # when something was done that is not to be done too often
        self._status: tuple[MarketState, str, int] = ("stopped", "not started yet", time.time_ns())
        self._look_s = 0.0
        self._stop, self._turn = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"market-feed {codec.name}", daemon=True)
        self._wanted = tuple(dict.fromkeys(instruments))
        for instrument in self._wanted:
            market.routes([instrument])

    def start(self) -> None:
        """Start its threads. A MarketFeed runs once: make a new one to run again."""
        with self._lock:
            self._status = ("connecting", f"connecting to {self._codec.title}", time.time_ns())
            self._open(self._wanted)
        self._thread.start()

    def stop(self) -> None:
        """End all connections, whatever their peers do, and hand the last samples over."""
        self._stop.set()
        self._turn.set()
        self._rest.interrupt()
        with self._lock:
            lines = self._lines.all()
        for line in lines:
            line.stop()
        if self._thread.is_alive():
            self._thread.join(JOIN_S)
        for line in lines:
            line.join(JOIN_S)
        with self._lock:
            self._drain()
            self._status = ("stopped", "stopped on request", time.time_ns())

    @property
    def instruments(self) -> tuple[InstrumentId, ...]:
        """What it carries."""
        return self._wanted

    def add(self, instrument: InstrumentId) -> None:
        """Carry an instrument from now on, by a connection of its own. Raises ParameterError where it cannot be one."""
        self._market.routes([instrument])
        with self._lock:
            if instrument not in self._wanted:
                self._wanted = (*self._wanted, instrument)
                if self._status[0] != "stopped" and not self._stop.is_set():
                    self._open([instrument])

    def remove(self, instrument: InstrumentId) -> None:
        """Carry an instrument no more."""
        with self._lock:
            self._wanted = tuple(other for other in self._wanted if other != instrument)
            self._lines.drop(instrument)
            kept = self._kept.pop(instrument, None)
            if kept is not None:
                self._keeping.drain(kept)
            for watch in self._paces.values():
                watch.forget(instrument)

    def quote(self, name: str) -> Quote | None:
        """Return the newest best bid and offer; see MarketView."""
        kept = self._kept.get(name)
        return kept.quote if kept is not None else None

    def mark(self, name: str) -> MarkPrice | None:
        """Return the newest mark price and funding; see MarketView."""
        kept = self._kept.get(name)
        return kept.mark if kept is not None else None

    def book(self, name: str) -> BookView | None:
        """Return the book as it is, at most ``MOST_SHOWN`` levels a side; see MarketView."""
        with self._lock:
            kept = self._kept.get(name)
            return kept.book.view(MOST_SHOWN) if kept is not None else None

    def samples(self, name: str, from_ns: int, until_ns: int) -> BookColumns:
        """Return the sampled best levels, also those that were taken just now; see MarketView."""
        with self._lock:
            kept = self._kept.get(name)
            if kept is not None:
                self._keeping.drain(kept)
        return self._keeping.samples(name, from_ns, until_ns)

    @property
    def health(self) -> MarketHealth:
        """How it is now; does not change any more."""
        with self._lock:
            self._judge()
            return MarketHealth(
                self._codec.title,
                *self._status,
                self._market.completeness,
                MappingProxyType({name: kept.health for name, kept in self._kept.items()}),
                MappingProxyType(dict(self._lines.rejected())),
                sum(line.opened_s is not None for line in self._lines.lines()),
                self._lines.reconnects(),
                self._rest.weight_of_minute(time.monotonic()),
            )

    def take(self, line: MarketLine, events: Sequence[MarketEvent]) -> set[str]:
        """Take in what a line has brought; for lines."""
        counts: dict[str, Counter[str]] = {}
        with self._lock:
            has_quotes = self._lines.has("quotes")
            for event in events:
                kind, name = _KINDS[type(event)], event.instrument
                if self._lines.hear(line, (name, kind)):
                    counts.setdefault(kind, Counter())[name] += 1
                    self._kept[name].take(event, has_quotes=has_quotes)
                    if kind == "books" and not self._kept[name].book.in_sequence:
                        self._turn.set()
            now_s = time.monotonic()
            for kind, found in counts.items():
                self._paces[kind].heard(found, now_s)
        return set(counts)

    def lost(self, line: MarketLine, reason: str) -> None:
        """Take note of the end of a line's connection; for lines."""
        with self._lock:
            for name, kind in self._lines.lost(line):
                self._paces[kind].forget(name)
                self._kept[name].lose(kind, reason)

    def _open(self, instruments: Sequence[InstrumentId]) -> None:
        if not instruments:
            return
        pause_s = RESYNC_S
        for name in instruments:
            self._kept[name] = KeptMarket(name, self._market, self._levels, self._every_ms, pause_s)
        self._lines.open(instruments, self._patience_s(instruments))

    def _renew(self, kept: KeptMarket, kind: str, reason: str) -> None:
        log.info("feed=%r %s of %s are opened anew: %s", self._codec.title, kind, kept.name, reason)
        kept.asked(time.monotonic())
        self._lines.renew(kept.name, kind, self._patience_s([kept.name]))

    def _patience_s(self, instruments: Iterable[str]) -> float:
        rules = self._rules()
        in_sessions = bool(rules) and all(name in rules and rules[name].has_sessions for name in instruments)
        return max(self._stall_s, SESSION_STALL_S) if in_sessions else self._stall_s

    def _judge(self) -> None:
        """Say in which state all of it is."""
        before, _, since_ns = self._status
        if before == "stopped":
            return
        state, words = self._found()
        if state != before:
            since_ns = time.time_ns()
            log.info("feed=%r books state=%s before=%s reason=%r", self._codec.title, state, before, words)
        self._status = (state, "; ".join(filter(None, (words, self._keeping.error))), since_ns)

    def _found(self) -> tuple[MarketState, str]:
        lines = self._lines.lines()
        troubles = [line for line in lines if line.state != "live"]
        if not lines:
            return "connecting", "nothing to carry"
        if not troubles:
            lost = [name for name, kept in self._kept.items() if not kept.book.in_sequence]
            return "live", f"updates arrive; books that are made right: {', '.join(lost)}" if lost else "updates arrive"
        states = {line.state for line in troubles}
        state: MarketState = "blocked" if "blocked" in states else "stalled" if "stalled" in states else "connecting"
        found = dict.fromkeys(f"{' and '.join(sorted(line.route.kinds))}: {line.reason}" for line in troubles)
        return state, "; ".join(found)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._turn.wait(TURN_S)
            self._turn.clear()
            try:
                self._keeping.claim()
                with self._lock:
                    if not self._stop.is_set():  # else a connection could be opened that nobody ends
                        self._step(time.monotonic(), time.time_ns())
            except Exception:  # the edge of the thread: no book would be made right without it
                threads.begins_again()
                log.exception("feed=%r a turn ended by a defect", self._codec.title)
                self._stop.wait(1.0)

    def _step(self, now_s: float, now_ns: int) -> None:
        for kept in self._kept.values():
            kept.look(now_ns, now_s)
            self._resync(kept, now_s)
        self._rest.step(now_s)
        if now_s >= self._look_s:
            self._look_s = now_s + 1.0
            rules = self._rules()
            for kept in self._kept.values():
                kept.book.instrument = rules.get(kept.name)
                self._ask_for_funding(kept, now_s, now_ns)
            self._drain()
            self._look_for_quiet_ones(now_s)
            self._judge()

    def _resync(self, kept: KeptMarket, now_s: float) -> None:
        """Have a book that is not in sequence, or thin, made right; not too often."""
        book, stream = kept.book, (str(kept.name), "books")
        opened_s = self._lines.opened_s(stream)
        if opened_s is None or now_s < kept.ask_after_s or (book.in_sequence and not book.is_thin):
            return
        rules = self._rules()
        if rules and kept.name not in rules:  # the venue does not list it, which the feed of trades says
            return
        is_young = now_s - opened_s < GRACE_S
        request = self._market.snapshot(kept.name)
        if request is None:
            if not is_young or self._lines.has_heard(stream):
                self._renew(kept, "books", book.reason)
            return
        key = f"the book of {kept.name}"
        if self._rest.is_asking(key) or (is_young and not book.in_sequence and not book.has_waiting):
            return
        kept.asked(now_s)
        book.refresh()
        self._rest.ask(key, request, lambda body: self._begin(kept, body), _ignore)

    def _begin(self, kept: KeptMarket, body: bytes) -> None:
        snapshot = self._market.parse_snapshot(kept.name, body, time.time_ns())
        if self._kept.get(kept.name) is kept:
            kept.begin(snapshot)

    def _ask_for_funding(self, kept: KeptMarket, now_s: float, now_ns: int) -> None:
        """Ask for the funding rate and for payments, where the venue has them."""
        if not self._market.has_funding:
            return
        name = kept.name
        if self._is_due(name, "the funding rate", MARKS_EVERY_S, now_s):
            request = self._market.mark_request(name)
            if request is not None:
                self._rest.ask(f"the funding rate of {name}", request, self._take_marks, _ignore)
        paid_ns = kept.paid_ns
        is_news = 0 < paid_ns < now_ns - int(FUNDING_LATE_S * SECOND)
        if self._is_due(name, "payments", 0.0 if is_news else FUNDING_EVERY_S, now_s):
            kept.paid_ns = 0 if is_news else paid_ns
            request = self._market.past_funding(name, now_ns - FUNDING_BACK_NS, now_ns)
            if request is not None:
                self._rest.ask(f"payments of {name}", request, lambda body: self._take_funding(name, body), _ignore)

    def _is_due(self, name: str, what: str, every_s: float, now_s: float) -> bool:
        if now_s - self._done_s.get((name, what), -every_s) < every_s:
            return False
        self._done_s[name, what] = now_s
        return True

    def _take_marks(self, body: bytes) -> None:
        for event in self._market.parse_marks(body, time.time_ns()):
            if event.instrument in self._kept:
                self._kept[event.instrument].take(event, has_quotes=True)

    def _take_funding(self, name: InstrumentId, body: bytes) -> None:
        payments = self._market.parse_past_funding(name, body)
        self._keeping.add_funding(payments)

    def _look_for_quiet_ones(self, now_s: float) -> None:
        """A stream that goes quiet, or never begins, while others go on may be lost: it gets another connection."""
        streams = self._lines.streams()
        for kind, watch in self._paces.items():
            silent = watch.quiet([name for name, each in streams if each == kind], now_s)
            for name, each in streams:
                opened_s = self._lines.opened_s((name, kind))
                if each == kind and opened_s is not None and not self._lines.has_heard((name, kind)):
                    silent[name] = now_s - opened_s
            for name, silent_s in silent.items():
                kept = self._kept[name]
                if silent_s > quiet.LEAST_S and self._is_due(name, f"silence of {kind}", RENEW_QUIET_S, now_s):
                    reason = f"no {kind} for {silent_s:.0f} s although others come"
                    kept.lose(kind, reason)
                    self._renew(kept, kind, reason)

    def _drain(self) -> None:
        for kept in self._kept.values():
            self._keeping.drain(kept)


def _ignore(error: FeedError) -> None:
    """Let it be asked again when it is due; the queue has logged why."""
