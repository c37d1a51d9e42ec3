"""Quotes, books, mark prices and funding: what a venue sends beside its trades, and what a codec of it offers.

No sockets and no clock in here. Prices and quantities are floats, quantities in units of base: a decimal of up to
fifteen digits comes back from a float as it was written, so a checksum over digits can be formed from it.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Literal, Protocol

import msgspec

from alphastream.feeds.codec import Instrument, Keepalive, Request
from alphastream.instruments import InstrumentId

Level = tuple[float, float]
"""A price and the quantity that waits there; 0 takes the level away."""

_INFINITY: Final = float("inf")


def are_levels(levels: Iterable[Level]) -> bool:
    """Say whether these can be levels of a book: prices above 0 and quantities from 0 on, all finite."""
    return all(0 < price < _INFINITY and 0 <= quantity < _INFINITY for price, quantity in levels)  # NaN compares false


class Quote(msgspec.Struct, frozen=True, gc=False):
    """The best bid and offer.

    Parameters
    ----------
    time_ns : of the venue, UTC ns; that of its arrival where the venue sends none.
    receive_ns : when it arrived, UTC ns.
    sequence : the venue's number of it, ascending; 0 where there is none.
    """

    instrument: InstrumentId
    bid: float
    bid_quantity: float
    ask: float
    ask_quantity: float
    time_ns: int
    receive_ns: int
    sequence: int = 0


class BookUpdate(msgspec.Struct, frozen=True, gc=False):
    """A book, or what has changed in it. Quantities are absolute.

    Parameters
    ----------
    is_snapshot : the whole book, to the depth that was asked for.
    bids, asks : levels, in the order they came; one level may occur twice.
    first, last, previous : the venue's numbers: of the first and last change in it and of the last one before; -1
        where the venue sends none.
    checksum : the venue's, over the book after this; None where it sends none.
    """

    instrument: InstrumentId
    is_snapshot: bool
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    time_ns: int
    receive_ns: int
    first: int = -1
    last: int = -1
    previous: int = -1
    checksum: int | None = None


class MarkPrice(msgspec.Struct, frozen=True, gc=False):
    """What a perpetual is marked at, and its funding. NaN and 0 stand for what the message did not say.

    Parameters
    ----------
    mark, index : prices, in quote units.
    funding_rate : expected at ``next_funding_ns``, share of the notional that longs pay shorts.
    interval_ns : between two payments.
    """

    instrument: InstrumentId
    mark: float
    time_ns: int
    receive_ns: int
    index: float = float("nan")
    funding_rate: float = float("nan")
    next_funding_ns: int = 0
    interval_ns: int = 0


class FundingPayment(msgspec.Struct, frozen=True, gc=False):
    """Funding that was paid.

    Parameters
    ----------
    rate : share of the notional at ``mark`` that longs paid shorts.
    mark : price at that moment, NaN where the venue does not say.
    """

    instrument: InstrumentId
    time_ns: int
    rate: float
    mark: float = float("nan")


MarketEvent = Quote | BookUpdate | MarkPrice


class Route(msgspec.Struct, frozen=True):
    """One connection.

    Parameters
    ----------
    url : its address.
    opening : frames to send once it is open.
    kinds : what arrives by it, each of which may fall silent by itself.
    """

    url: str
    opening: tuple[bytes, ...]
    kinds: frozenset[Literal["quotes", "books", "marks"]]


def without_old_quotes(
    codec: "MarketCodec", frames: Sequence[bytes], receive_ns: Sequence[int]
) -> tuple[Sequence[bytes], Sequence[int]]:
    """Leave out quotes that a later one of the same burst takes the place of: reading them would change nothing."""
    streams = list(map(codec.quote_stream, frames))
    newest = {stream: place for place, stream in enumerate(streams)}
    kept = [place for place, stream in enumerate(streams) if stream is None or newest[stream] == place]
    if len(kept) == len(frames):
        return frames, receive_ns
    return [frames[place] for place in kept], [receive_ns[place] for place in kept]


class MarketCodec(Protocol):
    """Bytes of one venue to quotes, books and mark prices. ``rejected`` and ``endings`` are as in ``Codec``.

    Attributes
    ----------
    depth : levels a side of a snapshot, and of a book that the connection sends, which is cut to it after every
        update; 0 where snapshots hold all there are.
    completeness : what proves that no change of a book was missed: the venue's numbers, a checksum, or nothing.
    keepalive : as in ``Codec``.
    has_funding : it has perpetuals, which send mark prices and pay funding.
    """

    name: str
    title: str
    depth: int
    completeness: Literal["sequence", "checksum", "unknown"]
    keepalive: Keepalive | None
    has_funding: bool
    rejected: dict[str, int]

    @property
    def endings(self) -> int:
        """How often the venue has announced that it will end the connection a message came by."""

    def routes(self, instruments: Sequence[InstrumentId]) -> tuple[Route, ...]:
        """Return the connections that carry the quotes, books and mark prices of these instruments."""

    def parse(self, frames: Sequence[bytes], receive_ns: Sequence[int]) -> list[MarketEvent]:
        """Return what many frames hold, in the order of arrival; all else is counted and never raises."""

    def quote_stream(self, frame: bytes) -> bytes | None:
        """Return the beginning of a frame that says whose quote it holds, without reading it; None for all else.

        The next frame with the same beginning holds a quote that takes its place, whole.
        """

    def snapshot(self, instrument: InstrumentId) -> Request | None:
        """Return the request for a whole book; None where it arrives by the connection."""

    def parse_snapshot(self, instrument: InstrumentId, body: bytes, receive_ns: int) -> BookUpdate:
        """Return the book of an answer. Raises FeedError."""

    def follows(self, update: BookUpdate, last: int, *, is_first: bool) -> Literal["next", "old", "gap"]:
        """Say whether an update continues a book.

        Parameters
        ----------
        last : the number of the snapshot, or of the last update that was applied.
        is_first : none was applied to the snapshot so far.
        """

    def checksum(self, bids: Sequence[Level], asks: Sequence[Level], rules: Instrument | None) -> int | None:
        """Return the venue's checksum over a book, best levels first; None where it has none or it cannot be known."""

    def mark_request(self, instrument: InstrumentId) -> Request | None:
        """Return the request for the funding rate, interval and next payment; None where the stream says it all."""

    def parse_marks(self, body: bytes, receive_ns: int) -> list[MarkPrice]:
        """Return the mark prices of an answer. Raises FeedError."""

    def past_funding(self, instrument: InstrumentId, from_ns: int, until_ns: int) -> Request | None:
        """Return the request for the payments of a time, as many as one answer holds; None where there are none."""

    def parse_past_funding(self, instrument: InstrumentId, body: bytes) -> list[FundingPayment]:
        """Return the payments of an answer, oldest first. Raises FeedError."""
