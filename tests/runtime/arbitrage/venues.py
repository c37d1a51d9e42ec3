"""Venues that hand out recorded quotes as time goes on: what the service is told of a live one."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from alphastream.arbitrage import TopLevels
from alphastream.books import BookColumns, BookView
from alphastream.core.durations import BOUNDS_S, Durations
from alphastream.errors import StorageError
from alphastream.feeds.codec import Instrument, WireSymbol
from alphastream.feeds.feed import FeedState, FeedStats, Health
from alphastream.feeds.market import MarkPrice, Quote
from alphastream.feeds.traffic import TrafficCounts
from alphastream.instruments import InstrumentId
from alphastream.tape.columns import TickColumns
from alphastream.tape.ring import TickBatch

NO_BOOK = np.empty(0)


def rules(base: str, quote: str, kind: str) -> Instrument:
    """Trading rules as far as they matter here."""
    assert kind in ("spot", "perpetual", "future", "")
    return Instrument(WireSymbol(base + quote), 0.01, 0.001, 2, 0.0, "TRADING", base=base, quote=quote, kind=kind)  # type: ignore[arg-type]


@dataclass
class Clock:
    """This computer's."""

    now_ns: int

    def __call__(self) -> int:
        return self.now_ns


@dataclass
class RecordedMarket:
    """Samples, books and quotes of recorded quotes as far as they have arrived."""

    clock: Clock
    recorded: TopLevels
    in_sequence: bool = True
    has_quote: bool = True
    funding: MarkPrice | None = None
    broken: bool = False

    def _arrived(self) -> int:
        return int(self.recorded.receive_ns.searchsorted(self.clock.now_ns, side="right"))

    def quote(self, name: str) -> Quote | None:
        row = self._arrived() - 1
        if row < 0 or not self.has_quote:
            return None
        sides = self.recorded.bid_price, self.recorded.bid_quantity, self.recorded.ask_price, self.recorded.ask_quantity
        bid, bid_quantity, ask, ask_quantity = (float(side[row, 0]) for side in sides)
        times = int(self.recorded.time_ns[row]), int(self.recorded.receive_ns[row])
        return Quote(InstrumentId.parse(name), bid, bid_quantity, ask, ask_quantity, *times)

    def book(self, name: str) -> BookView | None:
        row = self._arrived() - 1
        times = (int(self.recorded.time_ns[row]), int(self.recorded.receive_ns[row])) if row >= 0 else (0, 0)
        reason = "" if self.in_sequence else "updates are missing"
        return BookView(NO_BOOK, NO_BOOK, NO_BOOK, NO_BOOK, *times, self.in_sequence and row >= 0, reason)

    def mark(self, name: str) -> MarkPrice | None:
        return self.funding

    def samples(self, name: str, from_ns: int, until_ns: int) -> BookColumns:
        if self.broken:
            raise StorageError("the file is damaged")
        arrived = slice(self._arrived())
        columns = BookColumns(*(getattr(self.recorded, column)[arrived] for column in TopLevels.__annotations__))
        return columns.between(from_ns, until_ns)


@dataclass
class RecordedTape:
    """Trades that were put in."""

    columns: TickColumns = field(default_factory=lambda: TickColumns.of([]))

    def since(self, symbol: str, cursor: int | None = None) -> TickBatch:
        new = self.columns.rows(slice(cursor or 0, None))
        return TickBatch(symbol, new, len(self.columns), 0)


@dataclass
class RecordedIngest:
    """A feed that is well."""

    symbols: tuple[str, ...]
    instruments: Mapping[str, Instrument]
    state: FeedState = "live"
    lag: Durations = field(default_factory=Durations)

    @property
    def health(self) -> Health:
        stats = FeedStats(clock_offset_ns=0)
        names = tuple(InstrumentId.parse(symbol) for symbol in self.symbols)
        health = stats.snapshot("recorded", names, (self.state, "as recorded", 0, None))
        return Health(
            **{
                **{name: getattr(health, name) for name in Health.__annotations__},
                "traffic": TrafficCounts(lag=self.lag),
            }
        )


@dataclass
class RecordedLine:
    """One venue."""

    venue: str
    ingest: RecordedIngest
    store: RecordedTape
    market: RecordedMarket | None


def lag_of(delay_ms: float) -> Durations:
    """A hundred delays, all shorter than this one of the bounds of a histogram."""
    counts = [0] * (len(BOUNDS_S) + 1)
    counts[BOUNDS_S.index(delay_ms / 1e3)] = 100
    return Durations(tuple(counts), 1.0)
