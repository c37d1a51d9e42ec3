"""Quotes of the channel ticker and books of the channel book, whose checksum proves that no change was missed.

Source: https://docs.kraken.com/api/docs/websocket-v2/book, .../ticker and .../guides/spot-ws-book-v2.
"""

import zlib
from collections.abc import Iterable, Sequence
from typing import Final, Literal

import msgspec

from alphastream.errors import ParameterError
from alphastream.feeds.answers import decimals
from alphastream.feeds.codec import Instrument, Keepalive
from alphastream.feeds.kraken.wire import KEEPALIVE, NAME, TITLE, control, other, pairs
from alphastream.feeds.market import BookUpdate, Level, MarketEvent, Quote, Route, are_levels
from alphastream.feeds.rejects import PROBLEMS
from alphastream.feeds.spot_market import SpotMarket, time_or
from alphastream.instruments import InstrumentId

DEPTH: Final = 500  # of 10, 25, 100, 500, 1000
_QUOTES: Final = b'{"channel":"ticker","type":"update","data":[{"symbol":"'
_LONGEST: Final = 32  # bytes of a symbol
_SUMMED: Final = 10  # levels a side
_MOST_STEPS: Final = 2**53  # a float holds every whole number up to this


class _Level(msgspec.Struct, gc=False):
    price: float
    qty: float


class _Book(msgspec.Struct):
    symbol: str
    bids: list[_Level]
    asks: list[_Level]
    checksum: int
    timestamp: str = ""


class _Ticker(msgspec.Struct):
    symbol: str
    bid: float
    bid_qty: float
    ask: float
    ask_qty: float
    timestamp: str = ""


class _BookFrame(msgspec.Struct, tag_field="channel", tag="book"):
    type: Literal["snapshot", "update"]
    data: list[_Book]


class _TickerFrame(msgspec.Struct, tag_field="channel", tag="ticker"):
    data: list[_Ticker]


_FRAME: Final = msgspec.json.Decoder(_BookFrame | _TickerFrame)


class KrakenMarket(SpotMarket):
    """Frames of quotes and books to events; see ``MarketCodec``."""

    depth: int = DEPTH
    completeness: Literal["sequence", "checksum", "unknown"] = "checksum"
    keepalive: Keepalive | None = KEEPALIVE

    def __init__(self, ws_url: str) -> None:
        super().__init__(NAME, TITLE)
        self._ws_url = ws_url

    def routes(self, instruments: Sequence[InstrumentId]) -> tuple[Route, ...]:
        """Return one connection; see ``MarketCodec``."""
        symbols = pairs(instruments)
        opening = (
            control("subscribe", symbols, 1, channel="ticker", event_trigger="bbo"),
            control("subscribe", symbols, 2, channel="book", depth=DEPTH),
        )
        return (Route(self._ws_url, opening, frozenset({"quotes", "books"})),)

    def parse(self, frames: Sequence[bytes], receive_ns: Sequence[int]) -> list[MarketEvent]:
        """Return the quotes, books and updates in many frames; see ``MarketCodec``."""
        events: list[MarketEvent] = []
        for frame, at_ns in zip(frames, receive_ns, strict=True):
            try:
                message = _FRAME.decode(frame)
            except PROBLEMS:
                if other(frame, ("book", "ticker"), self._rejects):
                    self._rejects.add("wrong_type", frame)
                continue
            try:
                if isinstance(message, _BookFrame):
                    events += [self._book(book, message.type == "snapshot", at_ns) for book in message.data]
                else:
                    events += [self._quote(ticker, at_ns) for ticker in message.data]
            except (ValueError, ParameterError):
                self._rejects.add("absurd", frame)
        return events

    def quote_stream(self, frame: bytes) -> bytes | None:
        """Return the beginning of a frame of a quote; see ``MarketCodec``."""
        if not frame.startswith(_QUOTES):
            return None
        end = frame.find(b'","bid":', len(_QUOTES), len(_QUOTES) + _LONGEST)
        return frame[:end] if end > 0 and frame.count(b"{") == 2 else None

    def checksum(self, bids: Sequence[Level], asks: Sequence[Level], rules: Instrument | None) -> int | None:
        """Return the CRC-32 of the digits of the ten best levels a side; see ``MarketCodec``.

        None where the rules are not known, or a number has more digits than a float holds for certain.
        """
        if rules is None or not rules.step_size:
            return None
        price_scale, size_scale = 10.0**rules.price_decimals, 10.0 ** decimals(repr(rules.step_size))
        steps: list[float] = []
        for price, size in (*asks[:_SUMMED], *bids[:_SUMMED]):
            steps += (price * price_scale, size * size_scale)
        if not steps or not max(steps) <= _MOST_STEPS:
            return None
        return zlib.crc32("".join([str(round(each)) for each in steps]).encode())

    def _book(self, book: _Book, is_snapshot: bool, at_ns: int) -> BookUpdate:
        bids, asks = _levels(book.bids), _levels(book.asks)
        if not (are_levels(bids) and are_levels(asks) and 0 <= book.checksum < 2**32):
            raise ValueError("a level or a checksum that cannot be")
        time_ns = time_or(book.timestamp, at_ns)
        return BookUpdate(self._names[book.symbol], is_snapshot, bids, asks, time_ns, at_ns, checksum=book.checksum)

    def _quote(self, ticker: _Ticker, at_ns: int) -> Quote:
        bid, ask = (ticker.bid, ticker.bid_qty), (ticker.ask, ticker.ask_qty)
        if not are_levels((bid, ask)):
            raise ValueError("a quote that cannot be")
        return Quote(self._names[ticker.symbol], *bid, *ask, time_or(ticker.timestamp, at_ns), at_ns)


def _levels(levels: Iterable[_Level]) -> tuple[Level, ...]:
    return tuple([(level.price, level.qty) for level in levels])
