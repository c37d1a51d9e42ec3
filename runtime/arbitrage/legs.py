"""Which instruments are one asset, and their quotes as they come: of a venue's books, else made of its trades."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, Protocol

import numpy as np

from alphastream.arbitrage import Alignment, Leg, Levels, TopLevels, levels_of_quotes, levels_of_trades
from alphastream.books import MarketView
from alphastream.core.units import MS, SECOND
from alphastream.feeds.codec import Instrument
from alphastream.feeds.feed import Health
from alphastream.tape.ring import TickBatch
from runtime.arbitrage.costs_file import Costs

ASSUMED_DELAY_NS: Final = 250 * MS
"""Of a venue whose clock or delays are not known."""
LONGEST_DELAY_NS: Final = 10 * SECOND
_HANDED_OVER_NS: Final = 50 * MS
_SHARE: Final = 0.99  # of trades that arrived within the delay that is taken for the longest
_TRADES_HOLD_NS: Final = 2 * SECOND  # so long a trade stands for a quote
_BEGIN_NS: Final = 10 * SECOND  # of samples from before the first call
_ORDER_NS: Final = SECOND  # by less than this do samples of one instrument run backwards in the venue's time
_FOREVER: Final = 2**62


class VenueIngest(Protocol):
    """What is asked of a venue's feed."""

    @property
    def health(self) -> Health:
        """How it is."""

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """Trading rules by full name."""


class TradeTape(Protocol):
    """What is asked of a venue's trades."""

    def since(self, symbol: str, cursor: int | None = None) -> TickBatch:
        """Return what became visible after a cursor."""


class VenueLine(Protocol):
    """One venue: its feed, its trades, and its quotes where they are read."""

    @property
    def venue(self) -> str:
        """Its name."""

    @property
    def ingest(self) -> VenueIngest:
        """Its feed."""

    @property
    def store(self) -> TradeTape:
        """Its trades."""

    @property
    def market(self) -> MarketView | None:
        """Its quotes and books; None where they are not read."""


class Reader(Protocol):
    """Reads the quotes of one instrument."""

    def new(self, now_ns: int) -> Levels | None:
        """Return those that came since the last call; None where none did. Raises StorageError."""

    def lose(self, now_ns: int) -> Levels | None:
        """Return a row without prices where there were some: they cannot be read now."""


@dataclass(frozen=True, slots=True)
class WatchedLeg:
    """One instrument of an asset at a venue.

    Parameters
    ----------
    line : its venue.
    instrument, is_perpetual : what it is.
    prices : what its quotes are made of.
    """

    line: VenueLine
    instrument: str
    is_perpetual: bool
    prices: Literal["quotes", "trades"]

    @property
    def delay_ns(self) -> int:
        """How long its quotes are on their way at most, as 99 % of the venue's trades are; a round figure."""
        health = self.line.ingest.health
        delay_s = health.traffic.lag.at_most_s(_SHARE)
        if health.clock_offset_ns is None or delay_s is None:
            return ASSUMED_DELAY_NS
        return min(round(delay_s * SECOND), LONGEST_DELAY_NS) if math.isfinite(delay_s) else LONGEST_DELAY_NS

    @property
    def trouble(self) -> str:
        """Why its quotes do not hold now; empty where they do."""
        health = self.line.ingest.health
        return "" if health.state in ("live", "backfilling") else f"{health.state}: {health.reason}"

    def funding_bps(self, assumed: float) -> float | None:
        """What longs pay shorts in 8 hours, bps; as assumed where the venue has not said. None without funding."""
        if not self.is_perpetual:
            return None
        mark = self.line.market.mark(self.instrument) if self.line.market is not None else None
        if mark is None or math.isnan(mark.funding_rate):
            return assumed
        hours = mark.interval_ns / (3_600 * SECOND) or 8.0
        return mark.funding_rate * 1e4 * 8.0 / hours

    def costed(self, costs: Costs, sampled_ns: int) -> Leg:
        """Return it with what it costs and how well its times are known.

        Parameters
        ----------
        sampled_ns : longest time between two samples of quotes that change: one may have changed so much earlier.
        """
        between_ns = sampled_ns if self.prices == "quotes" else 0
        alignment = Alignment.of_arrival(0, self.delay_ns + between_ns)
        # A change waits for its sample, and what has arrived waits for the threads that hand it over.
        alignment = replace(alignment, delay_ns=alignment.delay_ns + between_ns + _HANDED_OVER_NS)
        return Leg(
            self.instrument,
            costs.fee_bps(self.line.venue, is_perpetual=self.is_perpetual),
            alignment,
            self.funding_bps(costs.funding_bps),
            self.prices,
        )

    def reader(self, half_spread_bps: float) -> Reader:
        """Return what reads its quotes from now on."""
        if self.prices == "quotes":
            return BookReader(self)
        return TradeReader(self, half_spread_bps)


def assets_of(lines: Iterable[VenueLine]) -> dict[str, list[WatchedLeg]]:
    """Return the instruments of each asset, such as BTC/USDT; those whose venue has not said what they are, are none.

    What is paid in another currency is another asset: the rate between them would pass for an edge.
    """
    found: dict[str, list[WatchedLeg]] = {}
    for line in lines:
        rules = line.ingest.instruments
        for name in line.ingest.health.symbols:
            each = rules.get(name)
            if each is None or not (each.base and each.quote) or each.kind not in ("spot", "perpetual"):
                continue
            prices: Literal["quotes", "trades"] = "trades" if line.market is None else "quotes"
            leg = WatchedLeg(line, str(name), each.kind == "perpetual", prices)
            found.setdefault(f"{each.base}/{each.quote}", []).append(leg)
    return found


class BookReader:
    """Reads sampled books where one is kept in sequence, else quotes; a row without prices: there is neither."""

    def __init__(self, leg: WatchedLeg) -> None:
        self._leg = leg
        self._newest_ns = 0  # arrival of the newest row that was given
        self._venue_ns: int | None = None  # and its time at the venue
        self._is_known = False

    def new(self, now_ns: int) -> Levels | None:
        """Return what came since the last call."""
        market, name = self._leg.line.market, self._leg.instrument
        book = market.book(name) if market is not None else None
        quote = market.quote(name) if market is not None else None
        if market is None or self._leg.trouble or ((book is None or not book.in_sequence) and quote is None):
            return self.lose(now_ns)
        self._is_known = True
        if book is not None and book.in_sequence:
            if book.receive_ns <= self._newest_ns:
                return None
            since_ns = book.time_ns - _BEGIN_NS if self._venue_ns is None else self._venue_ns - _ORDER_NS
            samples = market.samples(name, since_ns, _FOREVER)
            fresh = samples.receive_ns > self._newest_ns
            if not fresh.any():
                return None
            self._newest_ns, self._venue_ns = int(samples.receive_ns.max()), int(samples.time_ns.max())
            return samples.rows(fresh)
        if quote is None or quote.receive_ns <= self._newest_ns:
            return None
        self._newest_ns = quote.receive_ns
        sides = ([quote.bid], [quote.bid_quantity], [quote.ask], [quote.ask_quantity])
        return levels_of_quotes([quote.time_ns], [quote.receive_ns], *sides)

    def lose(self, now_ns: int) -> Levels | None:
        """Return a row without prices where there were some."""
        was_known, self._is_known = self._is_known, False
        return _unknown(now_ns) if was_known else None


class TradeReader:
    """Makes quotes of trades and a stated half spread; of an instrument that stopped trading there are none."""

    def __init__(self, leg: WatchedLeg, half_spread_bps: float) -> None:
        self._leg, self._half_spread_bps = leg, half_spread_bps
        self._cursor: int | None = None
        self._newest_ns = 0
        self._is_known = False

    def new(self, now_ns: int) -> Levels | None:
        """Return what came since the last call. Trades that were fetched afterwards have no time of arrival."""
        batch = self._leg.line.store.since(self._leg.instrument, self._cursor)
        self._cursor = batch.cursor
        columns = batch.columns
        fresh = columns.receive_ns > max(self._newest_ns, now_ns - _TRADES_HOLD_NS)
        if fresh.any() and not self._leg.trouble:
            columns = columns.rows(fresh)
            columns = columns.rows(np.argsort(columns.receive_ns, kind="stable"))
            self._newest_ns, self._is_known = int(columns.receive_ns[-1]), True
            return levels_of_trades(columns.time_ns, columns.receive_ns, columns.price, self._half_spread_bps)
        if self._leg.trouble or self._newest_ns <= now_ns - _TRADES_HOLD_NS:
            return self.lose(now_ns)
        return None

    def lose(self, now_ns: int) -> Levels | None:
        """Return a row without prices where there were some."""
        was_known, self._is_known = self._is_known, False
        return _unknown(now_ns) if was_known else None


def _unknown(now_ns: int) -> TopLevels:
    nothing = [math.nan]
    return levels_of_quotes([now_ns], [now_ns], nothing, nothing, nothing, nothing)
