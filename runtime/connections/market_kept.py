"""What is known of one instrument beside its trades: its book, quote and mark price, and samples of them."""

import math
from typing import Final

from msgspec.structs import replace

from alphastream.books import BookColumns, MarkColumns, OrderBook, QuoteColumns
from alphastream.books.health import InstrumentMarketHealth
from alphastream.books.sampler import BookSampler, LatestSampler, row_of
from alphastream.core.units import MS, SECOND
from alphastream.feeds.market import BookUpdate, MarketCodec, MarketEvent, MarkPrice, Quote
from alphastream.instruments import InstrumentId
from runtime.backoff import Backoff

MARKS_EVERY_NS: Final = SECOND
_STEADY_S: Final = 30.0  # in sequence for so long, a book is asked for soon after its next loss


class KeptMarket:
    """One instrument. For the holder of the feed's lock.

    Parameters
    ----------
    name : of the instrument.
    codec : rules of its book.
    levels, every_ms : of samples.
    resync_s : bound of the first pause between two snapshots, and of all.

    Attributes
    ----------
    ask_after_s : no snapshot before that.
    paid_ns : when funding was paid that nobody has asked for yet, UTC ns; 0 for none.
    """

    def __init__(
        self, name: InstrumentId, codec: MarketCodec, levels: int, every_ms: int, resync_s: tuple[float, float]
    ) -> None:
        self.name = name
        self.book = OrderBook(codec, codec.depth, is_asked_for=codec.snapshot(name) is not None)
        self.quote: Quote | None = None
        self.mark: MarkPrice | None = None
        self.ask_after_s = 0.0
        self.paid_ns = 0
        self._backoff = Backoff(*resync_s, jitter=0.5)
        self._steady_since_s, self._gaps = 0.0, 0
        self._has_quotes = True
        self._heard = {"quotes": 0, "books": 0, "marks": 0}
        self._books = BookSampler(self.book, levels, every_ms * MS)
        self._quotes, self._marks = LatestSampler(every_ms * MS), LatestSampler(MARKS_EVERY_NS)

    def take(self, event: MarketEvent, *, has_quotes: bool) -> None:
        """Take in what came.

        Parameters
        ----------
        has_quotes : quotes come by themselves; else the best levels of the book are the quote.
        """
        self._has_quotes = has_quotes
        if isinstance(event, BookUpdate):
            self._heard["books"] = event.receive_ns
            self.book.apply(event)
            self._books.look(event.receive_ns)
            if not has_quotes:
                self._quote_from_book(event)
        elif isinstance(event, Quote):
            self._note_quote(event)
        else:
            self._heard["marks"] = event.receive_ns
            before_ns = self.mark.next_funding_ns if self.mark is not None else 0
            self.mark = _merged(self.mark, event)
            if self.mark.next_funding_ns > before_ns > 0:
                self.paid_ns = before_ns
            if not math.isnan(self.mark.mark):
                self._marks.note(row_of(self.mark))

    def begin(self, snapshot: BookUpdate) -> None:
        """Take a snapshot that was asked for."""
        self.book.begin(snapshot)
        self._books.look(snapshot.receive_ns)

    def lose(self, kind: str, reason: str) -> None:
        """Say that something of a kind may be missing; a mark price stays, with its age."""
        if kind == "books":
            self.book.lose(reason)
        if kind == "quotes" or not self._has_quotes:
            self.quote = None

    def look(self, now_ns: int, now_s: float) -> None:
        """Take samples that are due, and see how long the book is in sequence."""
        for sampler in (self._books, self._quotes, self._marks):
            sampler.look(now_ns)
        if not self.book.in_sequence or self.book.gaps != self._gaps:
            self._steady_since_s, self._gaps = now_s, self.book.gaps
        elif now_s - self._steady_since_s > _STEADY_S:
            self._backoff.reset()

    @property
    def resyncs(self) -> int:
        """How often the book was made right again after a loss."""
        book = self.book
        return book.gaps - (book.gaps > 0 and not book.in_sequence)

    def asked(self, now_s: float) -> None:
        """Take note that a whole book is asked for now, in whatever way."""
        self.ask_after_s = now_s + self._backoff.next_s()

    def drain(self) -> list[BookColumns | QuoteColumns | MarkColumns]:
        """Return the samples since the last call."""
        books, quotes, marks = self._books.drain(), self._quotes.drain(), self._marks.drain()
        found: list[BookColumns | QuoteColumns | MarkColumns] = [] if books is None else [books]
        found += [QuoteColumns.of(quotes)] if quotes else []
        return [*found, MarkColumns.of(marks)] if marks else found

    @property
    def health(self) -> InstrumentMarketHealth:
        """How it is."""
        heard, book = self._heard, self.book
        return InstrumentMarketHealth(
            book.in_sequence, book.reason, self.resyncs, book.updates, heard["quotes"], heard["books"], heard["marks"]
        )

    def _note_quote(self, quote: Quote) -> None:
        if self.quote is not None and 0 < quote.sequence < self.quote.sequence:
            return  # of a connection that is behind
        self._heard["quotes"] = quote.receive_ns
        self.quote = quote
        self._quotes.note(row_of(quote))

    def _quote_from_book(self, update: BookUpdate) -> None:
        if not self.book.in_sequence:
            self.quote = None
            return
        bids, asks = self.book.best(1)
        if bids and asks and (self.quote is None or (bids[0], asks[0]) != _sides(self.quote)):
            self._note_quote(Quote(self.name, *bids[0], *asks[0], update.time_ns, update.receive_ns))


def _sides(quote: Quote) -> tuple[tuple[float, float], tuple[float, float]]:
    return (quote.bid, quote.bid_quantity), (quote.ask, quote.ask_quantity)


def _merged(known: MarkPrice | None, new: MarkPrice) -> MarkPrice:
    """What a message did not say is as it was; the time is that of the mark price."""
    if known is None:
        return new
    latest = known if math.isnan(new.mark) else new
    return replace(
        latest,
        index=known.index if math.isnan(new.index) else new.index,
        funding_rate=known.funding_rate if math.isnan(new.funding_rate) else new.funding_rate,
        next_funding_ns=new.next_funding_ns or known.next_funding_ns,
        interval_ns=new.interval_ns or known.interval_ns,
    )
