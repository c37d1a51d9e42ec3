"""What others may ask about quotes, books and mark prices, whoever keeps them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from alphastream.books.columns import BookColumns, MarkColumns, QuoteColumns
from alphastream.core.types import Floats
from alphastream.feeds.market import FundingPayment, MarkPrice, Quote


@dataclass(frozen=True, slots=True, eq=False)
class BookView:
    """A book as it was at one moment.

    Parameters
    ----------
    bid_price, bid_quantity : bids, best first, shape (B,), quantities in units of base.
    ask_price, ask_quantity : offers, best first, shape (A,).
    time_ns, receive_ns : of the last update in it, UTC ns; 0 before the first.
    in_sequence : no update is known to be missing in it.
    reason : why it is not in sequence, in words; empty where it is.
    """

    bid_price: Floats
    bid_quantity: Floats
    ask_price: Floats
    ask_quantity: Floats
    time_ns: int
    receive_ns: int
    in_sequence: bool
    reason: str


class MarketView(Protocol):
    """The present, and sampled books. Instruments by full name, ``venue:symbol``; any thread may ask."""

    def quote(self, name: str) -> Quote | None:
        """Return the newest best bid and offer; None where none came, or the newest connection has brought none."""

    def book(self, name: str) -> BookView | None:
        """Return the book as it is; None where none is kept. Look at ``in_sequence`` before using its levels."""

    def mark(self, name: str) -> MarkPrice | None:
        """Return the newest mark price and funding; None where none came."""

    def samples(self, name: str, from_ns: int, until_ns: int) -> BookColumns:
        """Return the sampled best levels by time of the venue, the end not included, oldest first."""


class MarketHistory(Protocol):
    """What was kept on disk beside sampled books."""

    def quotes(self, name: str, from_ns: int, until_ns: int) -> QuoteColumns:
        """Return sampled quotes by time of the venue, the end not included, oldest first."""

    def marks(self, name: str, from_ns: int, until_ns: int) -> MarkColumns:
        """Return sampled mark prices by time of the venue, the end not included, oldest first."""

    def funding(self, name: str, from_ns: int, until_ns: int) -> tuple[FundingPayment, ...]:
        """Return the payments of a time, the end not included, oldest first."""


class MarketKeeper(MarketHistory, Protocol):
    """Who keeps samples: MarketStore."""

    @property
    def follows(self) -> bool:
        """Another process keeps them, and this one only reads."""

    def claim(self) -> None:
        """Become the one that keeps them. Raises StorageError while another process does."""

    def samples(self, name: str, from_ns: int, until_ns: int) -> BookColumns:
        """Return sampled books; see MarketView."""

    def add(self, name: str, columns: BookColumns | QuoteColumns | MarkColumns) -> None:
        """Take samples in. Raises StorageError."""

    def add_funding(self, payments: Sequence[FundingPayment]) -> None:
        """Take payments in; those that are known may come again. Raises StorageError."""
