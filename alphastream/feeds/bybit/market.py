"""Quotes, books, mark prices and funding of Bybit.

Books come by the connection: a snapshot, and deltas whose ``u`` goes up by one. A new snapshot, or ``u`` of 1 after the
venue has begun anew, takes the place of the book. REST numbers its books by another depth, so it is not asked. Tickers
of linear contracts come as a snapshot and deltas, where a field that is absent has not changed: an event says what its
message said.

Source: https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook, .../ticker, .../market/history-fund-rate.
"""

import math
from collections.abc import Sequence
from typing import Any, Final, Literal
from urllib.parse import urlencode

import msgspec

from alphastream.core.units import HOUR, MAX_TIME_MS, MS, SECOND
from alphastream.errors import FeedError, ParameterError
from alphastream.feeds.bybit import rest
from alphastream.feeds.bybit.endpoints import KEEPALIVE, REST_PATH, Category, frames, wire_symbol
from alphastream.feeds.bybit.trades import is_answer
from alphastream.feeds.codec import Instrument, Keepalive, Request
from alphastream.feeds.market import BookUpdate, FundingPayment, Level, MarketEvent, MarkPrice, Quote, Route, are_levels
from alphastream.feeds.names import Names
from alphastream.feeds.rejects import PROBLEMS, Rejects
from alphastream.instruments import InstrumentId

DEPTH: Final = 200  # each 100 ms
_QUOTE: Final = "orderbook.1."
_BOOK: Final = f"orderbook.{DEPTH}."
_TICKER: Final = "tickers."
_PAYMENTS: Final = 200  # in one answer
_MOST_HOURS: Final = 24 * 366


class _Levels(msgspec.Struct, gc=False):
    s: str
    b: list[tuple[float, float]]
    a: list[tuple[float, float]]
    u: int
    seq: int = 0


class _BookFrame(msgspec.Struct, gc=False):
    """``cts`` is when the matching engine made it, ``ts`` when it was sent."""

    topic: str
    type: Literal["snapshot", "delta"]
    ts: int
    data: _Levels
    cts: int = 0


class _Ticker(msgspec.Struct, gc=False, rename="camel"):
    """Texts, as some are empty where they do not apply."""

    symbol: str
    mark_price: str = ""
    index_price: str = ""
    funding_rate: str = ""
    next_funding_time: str = ""
    funding_interval_hour: str = ""


class _TickerFrame(msgspec.Struct, gc=False):
    topic: str
    ts: int
    data: _Ticker


class _Topic(msgspec.Struct, gc=False):
    topic: str


class _Paid(msgspec.Struct, rename="camel"):
    symbol: str
    funding_rate: float
    funding_rate_timestamp: int


_TOPIC: Final = msgspec.json.Decoder(_Topic)
_BOOKS: Final = msgspec.json.Decoder(_BookFrame, strict=False)
_TICKERS: Final = msgspec.json.Decoder(_TickerFrame)
_PAID: Final = msgspec.json.Decoder(rest.Answer[rest.Rows[_Paid]], strict=False)
_ANYTHING: Final = msgspec.json.Decoder()


class BybitMarketCodec:
    """What one category of Bybit sends beside trades. See ``MarketCodec``."""

    depth: int = DEPTH
    completeness: Literal["sequence", "checksum", "unknown"] = "sequence"
    keepalive: Keepalive | None = KEEPALIVE
    endings: int = 0  # the venue announces none

    def __init__(self, category: Category) -> None:
        self.name, self.title = category.name, category.title
        self.has_funding = category.category == "linear"
        self._category = category
        self._names = Names(self.name)
        self._rejects = Rejects(self.name)
        self.rejected: dict[str, int] = self._rejects

    def routes(self, instruments: Sequence[InstrumentId]) -> tuple[Route, ...]:
        """Return the one connection that carries all; ParameterError for an instrument that is not carried here."""
        symbols = [wire_symbol(self._category, instrument) for instrument in dict.fromkeys(instruments)]
        if not symbols:
            return ()
        kinds: frozenset[Literal["quotes", "books", "marks"]] = frozenset({"quotes", "books"})
        wanted = [_QUOTE, _BOOK]
        if self.has_funding:
            kinds |= {"marks"}
            wanted.append(_TICKER)
        topics = [kind + symbol for symbol in symbols for kind in wanted]
        opening = frames("subscribe", topics, 1)
        return (Route(self._category.ws_url + self._category.ws_path, opening, kinds),)

    def parse(self, frames: Sequence[bytes], receive_ns: Sequence[int]) -> list[MarketEvent]:
        """Return what many frames hold, in the order of arrival; all else is counted and never raises."""
        found: list[MarketEvent] = []
        for frame, at_ns in zip(frames, receive_ns, strict=True):
            try:
                topic = _TOPIC.decode(frame).topic
            except PROBLEMS:
                topic = ""
            event: MarketEvent | None = None
            try:
                if topic.startswith((_QUOTE, _BOOK)):
                    event = self._book(_BOOKS.decode(frame), at_ns)
                elif topic.startswith(_TICKER) and self.has_funding:
                    event = self._mark(_TICKERS.decode(frame), at_ns)
                else:
                    self._read_slowly(frame)
            except ParameterError:
                self._rejects.add("absurd", frame)
            except PROBLEMS:
                self._read_slowly(frame)
            if event is not None:
                found.append(event)
        return found

    def quote_stream(self, frame: bytes) -> bytes | None:
        """Return None: a message with an empty side takes the place of no quote, so each is read."""
        return None

    def snapshot(self, instrument: InstrumentId) -> Request | None:
        """Return None: a whole book comes by the connection, at each subscription."""
        return None

    def parse_snapshot(self, instrument: InstrumentId, body: bytes, receive_ns: int) -> BookUpdate:
        """Raise FeedError: no book is asked for."""
        raise FeedError(f"{self.title}: books come by the connection, none was asked for")

    def follows(self, update: BookUpdate, last: int, *, is_first: bool) -> Literal["next", "old", "gap"]:
        """Say whether an update continues a book: its number is one more."""
        if update.last == last + 1:
            return "next"
        return "old" if update.last <= last else "gap"

    def checksum(self, bids: Sequence[Level], asks: Sequence[Level], rules: Instrument | None) -> int | None:
        """Return None: the venue has none."""
        return None

    def mark_request(self, instrument: InstrumentId) -> Request | None:
        """Return the request for the interval between payments, which the rules of an instrument give in minutes."""
        symbol = wire_symbol(self._category, instrument)
        return self._request("/instruments-info", {"symbol": symbol}) if self.has_funding else None

    def parse_marks(self, body: bytes, receive_ns: int) -> list[MarkPrice]:
        """Return the intervals of an answer; rates and prices are left to the stream. Raises FeedError."""
        found: list[MarkPrice] = []
        for row in rest.result(self.title, rest.LISTED, body, "instruments-info").list:
            if 0 < row.funding_interval < 60 * _MOST_HOURS:
                interval_ns = row.funding_interval * 60 * SECOND
                found.append(
                    MarkPrice(self._names[row.symbol], math.nan, receive_ns, receive_ns, interval_ns=interval_ns)
                )
        return found

    def past_funding(self, instrument: InstrumentId, from_ns: int, until_ns: int) -> Request | None:
        """Return the request for the newest 200 payments with from_ns <= time < until_ns."""
        symbol = wire_symbol(self._category, instrument)
        if not self.has_funding:
            return None
        start, end = -(-from_ns // MS), -(-until_ns // MS) - 1  # both ends inclusive
        wanted = {"symbol": symbol, "startTime": start, "endTime": end, "limit": _PAYMENTS}
        return self._request("/funding/history", wanted)

    def parse_past_funding(self, instrument: InstrumentId, body: bytes) -> list[FundingPayment]:
        """Return the payments of an answer, oldest first. Raises FeedError."""
        paid: list[FundingPayment] = []
        for row in rest.result(self.title, _PAID, body, "funding/history").list:
            is_sane = math.isfinite(row.funding_rate) and 0 < row.funding_rate_timestamp < MAX_TIME_MS
            if row.symbol != instrument.symbol or not is_sane:
                raise FeedError(f"{self.title} answered funding/history of {instrument.symbol} with {row}")
            paid.append(FundingPayment(instrument, row.funding_rate_timestamp * MS, row.funding_rate))
        return sorted(paid, key=lambda payment: payment.time_ns)

    def _book(self, frame: _BookFrame, at_ns: int) -> Quote | BookUpdate | None:
        data, time_ms = frame.data, frame.cts or frame.ts
        name, bids, asks = self._names[data.s], tuple(data.b), tuple(data.a)
        are_sane = 0 < time_ms < MAX_TIME_MS and 0 <= data.u < 2**63 and 0 <= data.seq < 2**63
        if not are_sane or not are_levels((*bids, *asks)):
            self._rejects.add("absurd", repr(frame))
            return None
        if frame.topic.startswith(_BOOK):
            is_snapshot = frame.type == "snapshot" or data.u == 1
            return BookUpdate(name, is_snapshot, bids, asks, time_ms * MS, at_ns, data.u, data.u)
        if not bids or not asks or not bids[0][1] > 0.0 or not asks[0][1] > 0.0:
            return None  # a side may be empty; then there is no quote
        return Quote(name, *bids[0], *asks[0], time_ms * MS, at_ns, data.seq)

    def _mark(self, frame: _TickerFrame, at_ns: int) -> MarkPrice | None:
        """Return what a message says; None where it says nothing of these."""
        data = frame.data
        texts = (
            data.mark_price,
            data.index_price,
            data.funding_rate,
            data.next_funding_time,
            data.funding_interval_hour,
        )
        if not any(texts):
            return None
        mark, index, rate = (float(text) if text else math.nan for text in texts[:3])
        next_ms, hours = int(data.next_funding_time or 0), int(data.funding_interval_hour or 0)
        prices_are_sane = all(math.isnan(price) or 0.0 < price < math.inf for price in (mark, index))
        if not (0 < frame.ts < MAX_TIME_MS and prices_are_sane and not math.isinf(rate)):
            self._rejects.add("absurd", repr(frame))
            return None
        if not (0 <= next_ms < MAX_TIME_MS and 0 <= hours < _MOST_HOURS):
            self._rejects.add("absurd", repr(frame))
            return None
        name = self._names[data.symbol]
        return MarkPrice(name, mark, frame.ts * MS, at_ns, index, rate, next_ms * MS, hours * HOUR)

    def _read_slowly(self, frame: bytes) -> None:
        """Count what holds nothing that was asked for; acknowledgements and pongs are expected."""
        try:
            message: Any = _ANYTHING.decode(frame)
        except PROBLEMS:
            self._rejects.add("not_json", frame)
            return
        answer = is_answer(message) if isinstance(message, dict) else None
        if answer is False:
            self._rejects.add("error_reply", frame)
        elif answer is None:
            self._rejects.add("wrong_type" if isinstance(message, dict) and "data" in message else "foreign", frame)

    def _request(self, path: str, query: dict[str, object]) -> Request:
        wanted = urlencode({"category": self._category.category, **query})
        return Request(f"{self._category.rest_url}{REST_PATH}{path}?{wanted}", 1)
