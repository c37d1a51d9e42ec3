"""What a feed is to the rest: how it is run, what it counts while it runs, and the snapshot that pages read."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, Protocol

from alphastream.feeds.backfill import Unfillable
from alphastream.feeds.codec import Instrument
from alphastream.feeds.traffic import Traffic, TrafficCounts
from alphastream.instruments import InstrumentId
from alphastream.tape.columns import TickGroups

FeedState = Literal["connecting", "live", "stalled", "backfilling", "blocked", "stopped"]


@dataclass(frozen=True, slots=True)
class Health:
    """How a feed is, at one moment. Times are in the feed's own time, UTC ns, 0 for never.

    Parameters
    ----------
    feed : the venue or the tape, for people.
    state, reason, since_ns : what it does, why in one sentence, and since when.
    symbols : the instruments it carries.
    refused : instruments it does not carry, each with the reason.
    last_tick_ns : trade time of the newest tick of each instrument.
    last_message_ns : when anything arrived, acknowledgements among it.
    ticks : delivered since the start, refetched ones among them.
    rejected : messages that were no trades and should not have come, by kind.
    reconnects : connections after the first, each after a time without one.
    quiet : since when instruments have not traded that should have by their own pace, while others do.
    renewals : connections that took over from another one without a moment between.
    next_attempt_ns : when it tries again; None while connected, and when it will not try again.
    clock_offset_ns : venue's clock minus ours; None where nobody asked it.
    lag_ns : from trade to arrival of the newest tick, corrected by that offset; None before one.
    backfilled : ticks fetched to close gaps.
    unfillable : gaps that the venue cannot close, each with the reason.
    failed_batches : batches that the recorder did not take.
    traffic : bytes, requests, delays, rates, breaks.
    """

    feed: str
    state: FeedState
    reason: str
    since_ns: int
    symbols: tuple[InstrumentId, ...]
    refused: Mapping[str, str]
    last_tick_ns: Mapping[str, int]
    last_message_ns: int
    ticks: int
    rejected: Mapping[str, int]
    reconnects: int
    next_attempt_ns: int | None
    clock_offset_ns: int | None
    lag_ns: int | None
    backfilled: int
    unfillable: tuple[Unfillable, ...]
    failed_batches: int
    renewals: int = 0
    quiet: Mapping[str, int] = field(default_factory=dict)
    traffic: TrafficCounts = field(default_factory=TrafficCounts)


@dataclass(slots=True)
class FeedStats:
    """What a feed counts while it runs. Fields as in Health; one thread writes, ``snapshot`` may run in any."""

    refused: dict[str, str] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    last_tick_ns: dict[str, int] = field(default_factory=dict)
    last_message_ns: int = 0
    ticks: int = 0
    reconnects: int = 0
    clock_offset_ns: int | None = None
    lag_ns: int | None = None
    backfilled: int = 0
    unfillable: tuple[Unfillable, ...] = ()
    failed_batches: int = 0
    renewals: int = 0
    quiet: Mapping[str, int] = field(default_factory=dict)
    traffic: Traffic = field(default_factory=Traffic)

    def count(self, ticks: TickGroups) -> None:
        """Take delivered ticks into account."""
        self.ticks += len(ticks)
        self.traffic.delivered({symbol: len(columns) for symbol, columns in ticks.groups.items()}, time.monotonic())
        for symbol, columns in ticks.groups.items():
            self.last_tick_ns[symbol] = max(self.last_tick_ns.get(symbol, 0), int(columns.time_ns.max()))

    def snapshot(
        self, feed: str, symbols: tuple[InstrumentId, ...], status: tuple[FeedState, str, int, int | None]
    ) -> Health:
        """Freeze the counts, together with (state, reason, since_ns, next_attempt_ns)."""
        state, reason, since_ns, next_attempt_ns = status
        return Health(
            feed=feed,
            state=state,
            reason=reason,
            since_ns=since_ns,
            symbols=symbols,
            # dict() copies in one step, so a thread that inserts meanwhile does no harm.
            refused=MappingProxyType(dict(self.refused)),
            last_tick_ns=MappingProxyType(dict(self.last_tick_ns)),
            last_message_ns=self.last_message_ns,
            ticks=self.ticks,
            rejected=MappingProxyType(dict(self.rejected)),
            reconnects=self.reconnects,
            next_attempt_ns=next_attempt_ns,
            clock_offset_ns=self.clock_offset_ns,
            lag_ns=self.lag_ns,
            backfilled=self.backfilled,
            unfillable=self.unfillable,
            failed_batches=self.failed_batches,
            renewals=self.renewals,
            quiet=MappingProxyType(dict(self.quiet)),
            traffic=self.traffic.counts(time.monotonic()),
        )


class FeedContext(Protocol):
    """What runs a feed, as the feed sees it. All of it belongs to the thread of ``Feed.run``."""

    stats: FeedStats
    refills: bool

    @property
    def state(self) -> FeedState:
        """The state reported last."""

    @property
    def stopping(self) -> bool:
        """True once the feed is to end."""

    def wait(self, seconds: float | None) -> None:
        """Wait, None for ever, until the feed is to end."""

    def report(self, state: FeedState, reason: str, next_attempt_ns: int | None = None) -> None:
        """Change the state, with one sentence for a person."""

    def deliver(self, ticks: TickGroups) -> bool:
        """Hand a batch over; False when it was not taken."""

    def missing(self, symbol: str) -> Sequence[tuple[int, int]]:
        """Return the missing id ranges of an instrument, both ends inclusive."""

    def time_before(self, symbol: str, first: int) -> int:
        """Return the time of the trade before a gap that begins at id ``first``, UTC ns; 0 where it is not known."""


class Feed(Protocol):
    """What can be run. ``run`` belongs to one thread; everything else may be called from any."""

    title: str

    @property
    def venue(self) -> str:
        """Where its instruments are listed."""

    @property
    def symbols(self) -> tuple[InstrumentId, ...]:
        """Instruments it carries."""

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """Trading rules by full name; empty where nobody knows them."""

    def run(self, context: FeedContext) -> None:
        """Deliver ticks until the context is stopping or there is nothing more to do."""

    def interrupt(self) -> None:
        """Wake ``run`` from any wait for the network."""

    def add(self, symbol: InstrumentId) -> None:
        """Carry an instrument from now on. Raises FeedBlocked where that is known to be impossible."""

    def remove(self, symbol: InstrumentId) -> None:
        """Carry an instrument no more."""

    def now_ns(self) -> int:
        """Return the time the data lives in, UTC ns."""
