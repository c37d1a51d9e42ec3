"""Quotes, books and funding of several venues, asked as one: an instrument's venue says who is asked."""

from collections.abc import Mapping

from alphastream.books.columns import BookColumns, MarkColumns, QuoteColumns
from alphastream.books.view import BookView, MarketHistory, MarketView
from alphastream.feeds.market import FundingPayment, MarkPrice, Quote
from alphastream.instruments import split


class VenueMarkets:
    """A MarketView and a MarketHistory over those of each venue; of another venue it knows nothing.

    Parameters
    ----------
    now : who knows the present, by venue.
    past : who keeps what was, by venue.
    """

    def __init__(self, now: Mapping[str, MarketView], past: Mapping[str, MarketHistory]) -> None:
        self._now, self._past = dict(now), dict(past)

    def add(self, venue: str, now: MarketView | None, past: MarketHistory | None) -> None:
        """Know one more venue; None where its present or its past is not known."""
        self._now |= {venue: now} if now is not None else {}
        self._past |= {venue: past} if past is not None else {}

    def quote(self, name: str) -> Quote | None:
        """Return the newest best bid and offer; see MarketView."""
        view = self._now.get(split(name)[0])
        return view.quote(name) if view is not None else None

    def book(self, name: str) -> BookView | None:
        """Return the book as it is; see MarketView."""
        view = self._now.get(split(name)[0])
        return view.book(name) if view is not None else None

    def mark(self, name: str) -> MarkPrice | None:
        """Return the newest mark price and funding; see MarketView."""
        view = self._now.get(split(name)[0])
        return view.mark(name) if view is not None else None

    def samples(self, name: str, from_ns: int, until_ns: int) -> BookColumns:
        """Return sampled books; see MarketView."""
        view = self._now.get(split(name)[0])
        return view.samples(name, from_ns, until_ns) if view is not None else BookColumns.empty(0)

    def quotes(self, name: str, from_ns: int, until_ns: int) -> QuoteColumns:
        """Return sampled quotes; see MarketHistory."""
        kept = self._past.get(split(name)[0])
        return kept.quotes(name, from_ns, until_ns) if kept is not None else QuoteColumns.of([])

    def marks(self, name: str, from_ns: int, until_ns: int) -> MarkColumns:
        """Return sampled mark prices; see MarketHistory."""
        kept = self._past.get(split(name)[0])
        return kept.marks(name, from_ns, until_ns) if kept is not None else MarkColumns.of([])

    def funding(self, name: str, from_ns: int, until_ns: int) -> tuple[FundingPayment, ...]:
        """Return funding that was paid; see MarketHistory."""
        kept = self._past.get(split(name)[0])
        return kept.funding(name, from_ns, until_ns) if kept is not None else ()
