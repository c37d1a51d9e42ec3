"""A feed with the store it fills and the engine that reads it: how the three are opened and joined.

A *line* (``lines``) is one feed with its own store. A *pipeline* is one engine over one line or several, so that a
pair may have legs of different venues.
"""

import logging
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from alphastream.books import MarketHistory, MarketView, VenueMarkets
from alphastream.core.units import SECOND
from alphastream.errors import StorageError
from alphastream.feeds import FEEDS
from alphastream.feeds.codec import Codec, Instrument
from alphastream.instruments import InstrumentId, split
from alphastream.kernel_groups import MICROSTRUCTURE, WINDOWS
from alphastream.microstructure.leg import Columns, LegSpec
from alphastream.pairs import PairSpec
from alphastream.streaming.leg_flows import LegFlows
from alphastream.streaming.repeated_heads import RepeatedHeads
from alphastream.tape.recordings import read_tape
from alphastream.tape.repetition import Repetition
from analytics import QuantEngine
from bus_lines import bus_instruments, bus_line
from config import Settings
from ingest import Feed, Health
from lines import HOUR_NS, Line, line_of, open_or_follow, open_store
from runtime.connections.head_feed import HeadFeed, HeadsOfVenues
from runtime.connections.market_feed import MarketFeed
from runtime.connections.replay_feed import ReplayFeed
from runtime.connections.standby_feed import StandbyFeed
from runtime.connections.transport_choice import transport_named
from runtime.connections.venue_feed import LiveFeed
from runtime.followed import Followed
from runtime.stores.market_store import MarketStore, market_path
from runtime.stores.tapes import ReadableTape, Tapes
from runtime.writer_lock import HeldError
from storage import Origin, tape_path

log = logging.getLogger(__name__)


def _no_listener() -> None:
    """The callback where nobody listens."""


def _no_repetition() -> None:
    """Trades that no recording repeats."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """An engine over the tapes of one line or several.

    Parameters
    ----------
    lines : at least one; a symbol without a venue belongs to the first. Others may come to them.
    store : the tapes of all lines.
    flows : order flow and book of single legs, as far as somebody asks.
    market : quotes, books and mark prices of all lines; None where there are none, as in a recording.
    market_history : those that were kept, and funding that was paid; None where none are.
    absent : venues that could not be opened, and why; the others run meanwhile.
    heads : what comes before the tapes.
    followed : instruments that were asked for since the start; they go when nobody looks any more.
    repetition : tells how a recording is played again and again; None of trades that happen now.
    """

    kind: Literal["live", "replay"]
    lines: list[Line]
    store: ReadableTape
    engine: QuantEngine
    flows: LegFlows
    first_pair: PairSpec
    scratch: "tempfile.TemporaryDirectory[str] | None" = None
    market: MarketView | None = None
    market_history: MarketHistory | None = None
    absent: dict[str, str] = field(default_factory=dict)
    heads: HeadsOfVenues = field(default_factory=lambda: HeadsOfVenues({}))
    followed: Followed = field(default_factory=Followed)
    repetition: Callable[[], Repetition | None] = _no_repetition

    def start(self) -> None:
        """Start the engine, with the pair a page begins with, then the feeds."""
        self.engine.start()
        self.engine.snapshot(self.first_pair)
        for line in self.lines:
            line.start()

    def stop(self) -> None:
        """Stop the feeds, then the engine, then close the files, each also where another fails; StorageError then."""
        with ExitStack() as stopping:  # the last one added is the first
            if self.scratch is not None:
                stopping.callback(self.scratch.cleanup)
            for line in self.lines:
                stopping.callback(line.close)
            stopping.callback(self.engine.stop)
            for line in self.lines:
                stopping.callback(line.stop_feeds)

    def join(self, line: Line) -> None:
        """Take a line in, and start it, whose venue was absent."""
        assert isinstance(self.store, Tapes), "of one venue alone none is absent"
        self.store.add(line.venue, line.store)
        if isinstance(self.market, VenueMarkets):
            self.market.add(line.venue, line.market, line.kept)
        line.store.on_ticks = self.lines[0].store.on_ticks
        if line.heads is not None:
            line.heads.changed = self.engine.notify
            self.heads.feeds[line.venue] = line.heads
        self.lines.append(line)
        self.absent.pop(line.venue, None)
        line.start()

    @property
    def title(self) -> str:
        """What the trades are, in a few words."""
        return " and ".join(line.title for line in self.lines)

    @property
    def venue(self) -> str:
        """Where a symbol belongs that is written without one."""
        return self.lines[0].venue

    def address_of(self, names: Iterable[str]) -> str:
        """Hosts that trades of these instruments come from, joined where there are several; "" for a recording."""
        return " and ".join(dict.fromkeys(filter(None, (self.line_of(name).address for name in sorted(names)))))

    @property
    def health(self) -> Health:
        """How the feed is that needs attention most: the first of those that bring no trades, else the first."""
        found = [line.ingest.health for line in self.lines]
        return next((health for health in found if health.state not in ("live", "backfilling")), found[0])

    @property
    def symbols(self) -> tuple[InstrumentId, ...]:
        """What can be looked at."""
        return tuple(symbol for line in self.lines for symbol in line.ingest.health.symbols)

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """Trading rules by full name, of the venues that told them."""
        return {name: rules for line in self.lines for name, rules in line.ingest.instruments.items()}

    def now_ns(self) -> int:
        """Return the time the data lives in, UTC ns."""
        return self.lines[0].ingest.now_ns()

    def closed_flow(self, spec: LegSpec) -> Columns | None:
        """Closed bars of a leg with its flow and book; None while the kernels for that are being compiled."""
        return self.flows.answer(spec).closed if self.engine.compilation.is_ready(WINDOWS, MICROSTRUCTURE) else None

    def add_symbol(self, symbol: str) -> None:
        """Carry an instrument as long as somebody looks at it; one without a venue is one of the first line's.

        Raises
        ------
        FeedBlocked : the feed is known not to have it.
        ParameterError : it cannot be one, is of a venue that is not connected, or is one too many.
        """
        name = InstrumentId.parse(symbol, self.venue)
        line = self.line_of(name)
        is_new = name not in self.symbols
        line.ingest.add_symbol(name)
        if line.market is not None:
            line.market.add(name)
        if is_new:
            self.followed.asked(name, time.monotonic())

    def drop_unwatched(self, needed: Collection[str], now_s: float) -> tuple[InstrumentId, ...]:
        """Carry instruments no more that were asked for, and that nobody has looked at for a while.

        Parameters
        ----------
        needed : those that something beside the pages needs, such as a paper run.
        now_s : by ``time.monotonic``.
        """
        gone = self.followed.unwatched({*needed, *self.engine.legs(), *self.flows.legs()}, now_s)
        for name in gone:
            line = self.line_of(name)
            line.ingest.remove_symbol(name)
            if line.market is not None:
                line.market.remove(name)
            log.info("%s is followed no more: nobody looks at it", name)
        return gone

    def line_of(self, name: str) -> Line:
        """The line of an instrument's venue; the first where that venue is not connected."""
        return next((line for line in self.lines if line.venue == split(name)[0]), self.lines[0])


def live_pipeline(
    settings: Settings,
    symbols: Sequence[InstrumentId] = (),
    published: Callable[[], None] = _no_listener,
    arrived: Callable[[], None] = _no_listener,
) -> Pipeline:
    """A pipeline fed by venues; each has a file that is named after it, and after its host where another one has
    filled that file. While another process records into it, the pipeline shows that process's trades, and records
    once it has ended. Of several venues, one whose file cannot be used leaves the others alone: it is ``absent``.

    Parameters
    ----------
    symbols : that it begins with; those of the settings unless given.
    published : called whenever the pipeline's engine has new answers.
    arrived : called by the feed's thread when trades have come.

    Raises
    ------
    HeldError : another process holds the file and its trades cannot be shown yet, for example while it opens it.
    StorageError : the file cannot be used; of several venues, that of none can. One that cannot be read is moved aside.
    SettingError : the transport of the settings cannot be loaded.
    """
    symbols = bus_instruments(settings) if settings.bus is not None else symbols or settings.symbols
    lines: list[Line] = []
    absent: dict[str, str] = {}
    failures: list[StorageError] = []
    with ExitStack() as opened:
        for venue in dict.fromkeys(name.venue for name in symbols):
            try:
                lines.append(live_line(settings, [name for name in symbols if name.venue == venue]))
                opened.callback(lines[-1].stop)
            except StorageError as error:
                absent[venue] = str(error)
                failures.append(error)
        if not lines:
            raise failures[0]
        for venue, why in absent.items():
            log.error("venue=%s is left out for now: %s", venue, why)
        pipeline = _joined("live", lines, symbols, settings, published, arrived, absent)
        opened.pop_all()
        return pipeline


def live_line(settings: Settings, symbols: Sequence[InstrumentId]) -> Line:
    """A line fed by the one venue of these symbols, or by a bus; raises as ``live_pipeline`` does."""
    if settings.bus is not None:
        return bus_line(settings, symbols)
    transport, venue = transport_named(settings.transport), symbols[0].venue
    codec = FEEDS[venue].fresh(settings.ws_url_of(venue), settings.rest_url_of(venue))
    origin, own = (Origin.at(venue, each.stream_url(symbols)) for each in (codec, FEEDS[venue]))
    store = open_or_follow(settings, tape_path(settings.data_dir, origin, is_own=origin == own), origin)
    feed: Feed = LiveFeed(
        codec,
        symbols,
        transport=transport,
        connect_timeout_s=settings.connect_timeout_s,
        stall_s=settings.stall_s,
        history_s=settings.backfill_hours * 3_600,
        backoff_base_s=settings.backoff_base_s,
        backoff_cap_s=settings.backoff_cap_s,
    )
    if store.follows:
        feed = StandbyFeed(store, feed, settings.stall_s)
    line = line_of(codec.title, feed, store, origin.host)
    if settings.fetch_history:
        line = replace(line, heads=_heads(codec, line, settings.connect_timeout_s))
    if settings.books and codec.market is not None:
        line = _with_market(line, settings, codec, origin)
    return line


def _heads(codec: Codec, line: Line, timeout_s: float) -> HeadFeed:
    """What fetches bars of before the tape of a line, by the venue's clock."""

    def now_ns() -> int:
        return time.time_ns() + (line.ingest.stats.clock_offset_ns or 0)

    def gaps(symbol: str) -> list[tuple[int, int]]:
        return [(gap.first_id, gap.last_id) for gap in line.store.gaps(symbol)]

    return HeadFeed(codec, gaps=gaps, now_ns=now_ns, timeout_s=timeout_s)


def venue_line(settings: Settings, venue: str) -> Line:
    """The line of a venue that is asked for; raises as ``live_pipeline`` does."""
    symbols = bus_instruments(settings) if settings.bus is not None else settings.symbols
    return live_line(settings, [name for name in symbols if name.venue == venue])


def _with_market(line: Line, settings: Settings, codec: Codec, origin: Origin) -> Line:
    """Add quotes, books and funding to a line; where their file cannot be used the trades go on without."""
    path, symbols = market_path(line.store.path), line.ingest.feed.symbols
    retention_ns, history = settings.retention_hours * HOUR_NS, settings.history_place
    try:
        try:
            kept = MarketStore(path, origin=origin, retention_ns=retention_ns, history=history)
        except HeldError:
            kept = MarketStore(path, origin=origin, retention_ns=retention_ns, history=history, read_only=True)
    except StorageError as error:
        log.warning("venue=%s no books are received: %s", line.venue, error)
        return replace(line, outage=str(error))
    feed = MarketFeed(
        codec,
        symbols,
        kept,
        rules=lambda: line.ingest.instruments,
        transport=transport_named(settings.transport),
        every_ms=settings.books_every_ms,
        connect_timeout_s=settings.connect_timeout_s,
        stall_s=settings.stall_s,
        backoff_base_s=settings.backoff_base_s,
        backoff_cap_s=settings.backoff_cap_s,
    )
    return replace(line, market=feed, kept=kept)


def replay_pipeline(
    settings: Settings, published: Callable[[], None] = _no_listener, arrived: Callable[[], None] = _no_listener
) -> Pipeline:
    """A pipeline fed by the recorded tape; its file lasts as long as the pipeline.

    Parameters
    ----------
    published : called whenever the pipeline's engine has new answers.
    arrived : called by the feed's thread when trades have come.

    Raises
    ------
    FeedError : the tape cannot be read.
    """
    tape = read_tape(settings.replay_tape)
    scratch = tempfile.TemporaryDirectory(prefix="alphastream-replay-")
    try:
        store = open_store(settings, Path(scratch.name) / "replay.db", Origin(tape.venue, "recording"))
        feed = ReplayFeed(tape, settings.replay_speed, settings.replay_loop, settings.replay_head_s)
        symbols = [InstrumentId(tape.venue, each.symbol) for each in settings.symbols]
        lines = [line_of(tape.describe(), feed, store)]
        heads = RepeatedHeads(tape, lambda: feed.repetition, feed.now_ns) if settings.fetch_history else None
        joined = _joined("replay", lines, symbols, settings, published, arrived, {}, heads)
        return replace(joined, scratch=scratch, repetition=lambda: feed.repetition)
    except BaseException:
        scratch.cleanup()
        raise


def _joined(
    kind: Literal["live", "replay"],
    lines: list[Line],
    symbols: Sequence[InstrumentId],
    settings: Settings,
    published: Callable[[], None],
    arrived: Callable[[], None],
    absent: dict[str, str],
    recorded: RepeatedHeads | None = None,
) -> Pipeline:
    """One engine over the tapes of all lines, told whenever trades have come by any of them."""
    tape: ReadableTape = lines[0].store
    if len(lines) > 1 or absent:
        tape = Tapes({line.venue: line.store for line in lines})
    heads = HeadsOfVenues({line.venue: line.heads for line in lines if line.heads is not None})
    engine = QuantEngine(
        tape,
        lines[0].ingest.now_ns,
        history_bars=settings.history_bars,
        refresh_s=settings.engine_refresh_ms / 1_000,
        published=published,
        heads=recorded or heads,
    )

    def tell() -> None:
        engine.notify()
        arrived()

    for line in lines:
        line.store.on_ticks = tell
        if line.heads is not None:
            line.heads.changed = engine.notify
    here = [name for name in symbols if name.venue not in absent]
    x, y = here[:2] if len(here) > 1 else symbols[:2]
    first_pair = PairSpec(
        y, x, settings.interval_s * SECOND, window=settings.window_bars, entry=settings.entry_z, exit=settings.exit_z
    )
    now = {line.venue: line.market for line in lines if line.market is not None}
    past = {line.venue: line.kept for line in lines if line.kept is not None}
    market = VenueMarkets(now, past) if now or (absent and settings.books) else None
    flows = LegFlows(tape, market, lines[0].ingest.now_ns, time.monotonic, keep=settings.history_bars)
    return Pipeline(
        kind, lines, tape, engine, flows, first_pair, None, market, market_history=market, absent=absent, heads=heads
    )
