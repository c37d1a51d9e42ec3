"""What codecs of books have in common at venues without perpetuals that send their books by the connection."""

from collections.abc import Sequence
from typing import Literal

from alphastream.errors import FeedError
from alphastream.feeds.codec import Instrument, Keepalive, Request
from alphastream.feeds.iso_times import iso_ns
from alphastream.feeds.market import BookUpdate, FundingPayment, Level, MarkPrice
from alphastream.feeds.names import Names
from alphastream.feeds.rejects import Rejects
from alphastream.instruments import InstrumentId


def time_or(text: str, receive_ns: int) -> int:
    """Return the time of a message in UTC ns, that of its arrival where it has none. Raises ValueError."""
    if not text:
        return receive_ns
    time_ns = iso_ns(text)
    if not 0 < time_ns < 2**63:
        raise ValueError(f"{text!r} is no time that int64 ns hold")
    return time_ns


class SpotMarket:
    """The part of ``MarketCodec`` that needs no numbers, no requests and no funding.

    Parameters
    ----------
    name, title : of the venue.
    """

    keepalive: Keepalive | None = None
    has_funding: bool = False

    def __init__(self, name: str, title: str) -> None:
        self.name, self.title = name, title
        self._rejects = Rejects(name)
        self.rejected: dict[str, int] = self._rejects
        self.endings = 0
        self._names = Names(name)

    def quote_stream(self, frame: bytes) -> bytes | None:
        """Return None: each quote is read."""
        return None

    def snapshot(self, instrument: InstrumentId) -> Request | None:
        """Return no request: snapshots arrive by the connection."""
        return None

    def parse_snapshot(self, instrument: InstrumentId, body: bytes, receive_ns: int) -> BookUpdate:
        """Raise FeedError: none is asked for."""
        raise FeedError(f"{self.title} sends whole books by the connection: none is asked for")

    def follows(self, update: BookUpdate, last: int, *, is_first: bool) -> Literal["next", "old", "gap"]:
        """Return "next": updates have no numbers."""
        return "next"

    def checksum(self, bids: Sequence[Level], asks: Sequence[Level], rules: Instrument | None) -> int | None:
        """Return None: the venue sends none."""
        return None

    def mark_request(self, instrument: InstrumentId) -> Request | None:
        """Return no request: what trades here has no mark price."""
        return None

    def parse_marks(self, body: bytes, receive_ns: int) -> list[MarkPrice]:
        """Raise FeedError: none is asked for."""
        raise FeedError(f"{self.title} has no perpetuals here: no mark price is asked for")

    def past_funding(self, instrument: InstrumentId, from_ns: int, until_ns: int) -> Request | None:
        """Return no request: nothing pays funding here."""
        return None

    def parse_past_funding(self, instrument: InstrumentId, body: bytes) -> list[FundingPayment]:
        """Raise FeedError: none is asked for."""
        raise FeedError(f"{self.title} has no perpetuals here: no funding is asked for")
