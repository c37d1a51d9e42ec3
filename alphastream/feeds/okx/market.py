"""Quotes, books, mark prices and funding of OKX.

A book arrives as a snapshot and updates. It can be asked for as well: its numbers are of the same sequence, so a stream
that begins without a snapshot is no trouble. The checksum of a message has been 0 since June 2026 and proves nothing;
what proves that no update was missed is ``prevSeqId``.

Source: https://www.okx.com/docs-v5/en, "WS / Order book channel", "WS / Mark price channel", "WS / Funding rate
channel", "Get funding rate history".
"""

import math
from collections.abc import Sequence
from typing import Any, Final, Literal
from urllib.parse import urlencode

import msgspec

from alphastream.core.units import MAX_TIME_MS, MS
from alphastream.errors import FeedError, ParameterError
from alphastream.feeds.codec import Instrument, Keepalive, Request
from alphastream.feeds.market import BookUpdate, FundingPayment, Level, MarketEvent, MarkPrice, Quote, Route, are_levels
from alphastream.feeds.names import Names
from alphastream.feeds.okx import rest
from alphastream.feeds.okx.contracts import SWAP, UNIT, Contract, Contracts, wire_symbol
from alphastream.feeds.okx.endpoints import KEEPALIVE, MARKET_PATH, NAME, REST_PATH, TITLE, Hosts
from alphastream.feeds.okx.trades import SIZE_UNKNOWN, Channel, is_notice
from alphastream.feeds.rejects import PROBLEMS, Rejects
from alphastream.instruments import InstrumentId

DEPTH: Final = 400
_PAYMENTS: Final = 400  # in one answer
_BOOKS: Final = ("bbo-tbt", "books")


class _Level(msgspec.Struct, array_like=True, gc=False):
    """A level; behind these two stand a number that is always 0 and how many orders there are."""

    price: float
    size: float


class _Book(msgspec.Struct, gc=False, rename="camel"):
    asks: list[_Level]
    bids: list[_Level]
    ts: int
    seq_id: int = -1
    prev_seq_id: int = -1


class _BookArg(msgspec.Struct, gc=False, rename="camel"):
    channel: str
    inst_id: str


class _BookFrame(msgspec.Struct, gc=False):
    arg: _BookArg
    data: list[_Book]
    action: Literal["snapshot", "update", ""] = ""


class _Mark(msgspec.Struct, gc=False, rename="camel"):
    inst_id: str
    mark_px: float
    ts: int


class _Index(msgspec.Struct, gc=False, rename="camel"):
    inst_id: str
    idx_px: float
    ts: int


class _Funding(msgspec.Struct, gc=False, rename="camel"):
    inst_id: str
    funding_rate: float
    funding_time: int
    next_funding_time: int
    ts: int


class _Paid(msgspec.Struct, rename="camel"):
    inst_id: str
    funding_rate: float
    funding_time: int
    realized_rate: str = ""


class _MarkFrame(msgspec.Struct, gc=False):
    data: list[_Mark]


class _IndexFrame(msgspec.Struct, gc=False):
    data: list[_Index]


class _FundingFrame(msgspec.Struct, gc=False):
    data: list[_Funding]


class _Head(msgspec.Struct, gc=False):
    arg: Channel


_HEAD: Final = msgspec.json.Decoder(_Head)
_BOOK: Final = msgspec.json.Decoder(_BookFrame, strict=False)
_MARK: Final = msgspec.json.Decoder(_MarkFrame, strict=False)
_INDEX: Final = msgspec.json.Decoder(_IndexFrame, strict=False)
_FUNDING: Final = msgspec.json.Decoder(_FundingFrame, strict=False)
_SNAPSHOT: Final = msgspec.json.Decoder(rest.Answer[_Book], strict=False)
_MARKS: Final = msgspec.json.Decoder(rest.Answer[_Funding], strict=False)
_PAID: Final = msgspec.json.Decoder(rest.Answer[_Paid], strict=False)
_ANYTHING: Final = msgspec.json.Decoder()


class OkxMarketCodec:
    """What OKX sends beside trades. See ``MarketCodec``.

    Quotes and books of a swap whose contract is not known yet are left out and counted as "size_unknown".

    Parameters
    ----------
    hosts : where it answers.
    contracts : what a contract of a swap is worth, learnt from listings by the codec of trades.
    """

    name: str = NAME
    title: str = TITLE
    depth: int = DEPTH
    completeness: Literal["sequence", "checksum", "unknown"] = "sequence"
    keepalive: Keepalive | None = KEEPALIVE
    has_funding: bool = True

    def __init__(self, hosts: Hosts, contracts: Contracts) -> None:
        self._hosts, self._contracts = hosts, contracts
        self._names = Names(self.name)
        self._rejects = Rejects(self.name)
        self.rejected: dict[str, int] = self._rejects
        self._endings = 0

    @property
    def endings(self) -> int:
        """How often the venue has announced that it will end the connection a message came by."""
        return self._endings

    def routes(self, instruments: Sequence[InstrumentId]) -> tuple[Route, ...]:
        """Return the one connection that carries all; ParameterError for an instrument that is not carried here."""
        channels: list[dict[str, str]] = []
        has_marks = False
        for instrument in dict.fromkeys(instruments):
            symbol = wire_symbol(instrument)
            channels += [{"channel": channel, "instId": symbol} for channel in _BOOKS]
            if symbol.endswith(SWAP):
                has_marks = True
                channels += [{"channel": channel, "instId": symbol} for channel in ("mark-price", "funding-rate")]
                channels.append({"channel": "index-tickers", "instId": symbol.removesuffix(SWAP)})
        if not channels:
            return ()
        opening = msgspec.json.encode({"id": "1", "op": "subscribe", "args": channels})
        kinds: frozenset[Literal["quotes", "books", "marks"]] = frozenset({"quotes", "books"})
        return (Route(self._hosts.ws_url + MARKET_PATH, (opening,), kinds | {"marks"} if has_marks else kinds),)

    def parse(self, frames: Sequence[bytes], receive_ns: Sequence[int]) -> list[MarketEvent]:
        """Return what many frames hold, in the order of arrival; all else is counted and never raises."""
        found: list[MarketEvent] = []
        for frame, at_ns in zip(frames, receive_ns, strict=True):
            try:
                try:
                    book = _BOOK.decode(frame)  # nearly all that comes
                except PROBLEMS:
                    found += self._beside_books(frame, at_ns)
                    continue
                if book.arg.channel in _BOOKS:
                    found += self._books(book, at_ns)
                else:
                    self._read_slowly(frame)
            except ParameterError:
                self._rejects.add("absurd", frame)
            except PROBLEMS:
                self._read_slowly(frame)
        return found

    def _beside_books(self, frame: bytes, at_ns: int) -> list[MarkPrice]:
        channel = _HEAD.decode(frame).arg.channel
        if channel == "mark-price":
            return self._marks(_MARK.decode(frame).data, at_ns)
        if channel == "index-tickers":
            return self._indices(_INDEX.decode(frame).data, at_ns)
        if channel == "funding-rate":
            return self._funding(_FUNDING.decode(frame).data, at_ns)
        self._read_slowly(frame)
        return []

    def quote_stream(self, frame: bytes) -> bytes | None:
        """Return None: a message with an empty side takes the place of no quote, so each is read."""
        return None

    def snapshot(self, instrument: InstrumentId) -> Request:
        """Return the request for a whole book: its numbers are of the stream's sequence."""
        return self._request("/market/books", {"instId": wire_symbol(instrument), "sz": DEPTH})

    def parse_snapshot(self, instrument: InstrumentId, body: bytes, receive_ns: int) -> BookUpdate:
        """Return the book of an answer. Raises FeedError, also where the contract is not known yet."""
        books = rest.rows(_SNAPSHOT, body, "books")
        contract = self._contracts.required(instrument.symbol)
        if len(books) != 1 or books[0].seq_id < 0:
            raise FeedError(f"{self.title} answered books of {instrument.symbol} without a numbered book")
        update = self._update(books[0], instrument, contract, receive_ns, is_snapshot=True)
        if update is None:
            raise FeedError(f"{self.title} answered books of {instrument.symbol} with numbers that cannot be")
        return update

    def follows(self, update: BookUpdate, last: int, *, is_first: bool) -> Literal["next", "old", "gap"]:
        """Say whether an update continues a book.

        One that names the last as the one before does, whatever its own number: the venue counts anew now and then.
        """
        if update.previous == last:
            return "next"
        if update.last <= last:
            return "old"
        return "next" if is_first and update.previous < last else "gap"

    def checksum(self, bids: Sequence[Level], asks: Sequence[Level], rules: Instrument | None) -> int | None:
        """Return None: the venue's checksum is always 0."""
        return None

    def mark_request(self, instrument: InstrumentId) -> Request | None:
        """Return the request for the funding rate, which the stream repeats every minute only."""
        symbol = wire_symbol(instrument)
        return self._request("/public/funding-rate", {"instId": symbol}) if symbol.endswith(SWAP) else None

    def parse_marks(self, body: bytes, receive_ns: int) -> list[MarkPrice]:
        """Return the funding of an answer; the mark price is NaN. Raises FeedError."""
        return self._funding(rest.rows(_MARKS, body, "funding-rate"), receive_ns)

    def past_funding(self, instrument: InstrumentId, from_ns: int, until_ns: int) -> Request | None:
        """Return the request for the newest 400 payments with from_ns <= time < until_ns, of the last three months."""
        symbol = wire_symbol(instrument)
        if not symbol.endswith(SWAP):
            return None
        before, after = -(-from_ns // MS) - 1, -(-until_ns // MS)  # both ends exclusive
        wanted = {"instId": symbol, "before": before, "after": after, "limit": _PAYMENTS}
        return self._request("/public/funding-rate-history", wanted)

    def parse_past_funding(self, instrument: InstrumentId, body: bytes) -> list[FundingPayment]:
        """Return the payments of an answer, oldest first. Raises FeedError."""
        paid: list[FundingPayment] = []
        for row in rest.rows(_PAID, body, "funding-rate-history"):
            try:
                rate = float(row.realized_rate) if row.realized_rate else row.funding_rate
            except ValueError as error:
                raise FeedError(f"{self.title} answered funding-rate-history with a rate: {error}") from error
            if row.inst_id != instrument.symbol or not math.isfinite(rate) or not 0 < row.funding_time < MAX_TIME_MS:
                raise FeedError(f"{self.title} answered funding-rate-history of {instrument.symbol} with {row}")
            paid.append(FundingPayment(instrument, row.funding_time * MS, rate))
        return sorted(paid, key=lambda payment: payment.time_ns)

    def _books(self, frame: _BookFrame, at_ns: int) -> list[Quote | BookUpdate]:
        symbol = frame.arg.inst_id
        name, contract = self._names[symbol], self._contracts.of(symbol)
        if contract is None:
            self._rejects.add(SIZE_UNKNOWN, symbol)
            return []
        found: list[Quote | BookUpdate] = []
        is_quote, is_snapshot = frame.arg.channel == "bbo-tbt", frame.action == "snapshot"
        for book in frame.data:
            if is_quote and not (book.bids and book.asks):
                continue  # a side may be empty; then there is no quote
            event: Quote | BookUpdate | None
            if is_quote:
                event = self._quote(book, name, contract, at_ns)
            else:
                event = self._update(book, name, contract, at_ns, is_snapshot=is_snapshot)
            if event is not None:
                found.append(event)
            else:
                self._rejects.add("absurd", f"{symbol} {book}"[:200])
        return found

    @staticmethod
    def _quote(book: _Book, name: InstrumentId, contract: Contract, at_ns: int) -> Quote | None:
        """Return a book of one level as a quote; None where its numbers cannot be."""
        bid, ask = book.bids[0], book.asks[0]
        bid_size, ask_size = bid.size, ask.size
        if contract is not UNIT:
            bid_size = round(bid_size * contract.size, contract.decimals)
            ask_size = round(ask_size * contract.size, contract.decimals)
        sane = 0.0 < bid.price < math.inf and 0.0 < ask.price < math.inf and 0 < book.ts < MAX_TIME_MS
        if not (sane and 0.0 < bid_size < math.inf and 0.0 < ask_size < math.inf and -1 <= book.seq_id < 2**63):
            return None
        return Quote(name, bid.price, bid_size, ask.price, ask_size, book.ts * MS, at_ns, max(0, book.seq_id))

    @staticmethod
    def _update(
        book: _Book, name: InstrumentId, contract: Contract, at_ns: int, *, is_snapshot: bool
    ) -> BookUpdate | None:
        """Return a book as an update; None where its numbers cannot be."""
        sides = (_levels(book.bids, contract), _levels(book.asks, contract))
        if not 0 < book.ts < MAX_TIME_MS or not -1 <= book.seq_id < 2**63 or any(side is None for side in sides):
            return None
        bids, asks = (side or () for side in sides)
        previous = -1 if is_snapshot else book.prev_seq_id
        return BookUpdate(
            name, is_snapshot, bids, asks, book.ts * MS, at_ns, first=book.seq_id, last=book.seq_id, previous=previous
        )

    def _marks(self, marks: Sequence[_Mark], at_ns: int) -> list[MarkPrice]:
        events = [MarkPrice(self._names[mark.inst_id], mark.mark_px, mark.ts * MS, at_ns) for mark in marks]
        return [event for event in events if self._is_price(event.mark, event.time_ns, event)]

    def _indices(self, indices: Sequence[_Index], at_ns: int) -> list[MarkPrice]:
        names = [self._names[index.inst_id + SWAP] for index in indices]
        events = [
            MarkPrice(name, math.nan, index.ts * MS, at_ns, index=index.idx_px)
            for name, index in zip(names, indices, strict=True)
        ]
        return [event for event in events if self._is_price(event.index, event.time_ns, event)]

    def _funding(self, rates: Sequence[_Funding], at_ns: int) -> list[MarkPrice]:
        found: list[MarkPrice] = []
        for rate in rates:
            interval_ns = (rate.next_funding_time - rate.funding_time) * MS
            is_sane = math.isfinite(rate.funding_rate) and 0 < rate.ts < MAX_TIME_MS
            if is_sane and 0 < rate.funding_time < rate.next_funding_time < MAX_TIME_MS:
                event = MarkPrice(
                    self._names[rate.inst_id],
                    math.nan,
                    rate.ts * MS,
                    at_ns,
                    funding_rate=rate.funding_rate,
                    next_funding_ns=rate.funding_time * MS,
                    interval_ns=interval_ns,
                )
                found.append(event)
            else:
                self._rejects.add("absurd", repr(rate))
        return found

    def _is_price(self, price: float, time_ns: int, event: MarkPrice) -> bool:
        if 0.0 < price < math.inf and 0 < time_ns < 2**63:
            return True
        self._rejects.add("absurd", repr(event))
        return False

    def _read_slowly(self, frame: bytes) -> None:
        """Count what holds nothing that was asked for; acknowledgements are expected."""
        if frame == b"pong":
            return
        try:
            message: Any = _ANYTHING.decode(frame)
        except PROBLEMS:
            self._rejects.add("not_json", frame)
            return
        if not isinstance(message, dict):
            self._rejects.add("foreign", frame)
        elif is_notice(message):
            self._endings += 1
        elif message.get("event") == "error":
            self._rejects.add("error_reply", frame)
        elif "event" not in message:
            self._rejects.add("wrong_type" if "data" in message else "foreign", frame)

    def _request(self, path: str, query: dict[str, object]) -> Request:
        return Request(f"{self._hosts.rest_url}{REST_PATH}{path}?{urlencode(query)}", 1)


def _levels(levels: Sequence[_Level], contract: Contract) -> tuple[Level, ...] | None:
    """Return levels in units of base; None where a number cannot be."""
    size, decimals = contract.size, contract.decimals
    if contract is UNIT:
        found = tuple((level.price, level.size) for level in levels)
    else:
        found = tuple((level.price, round(level.size * size, decimals)) for level in levels)
    return found if are_levels(found) else None
