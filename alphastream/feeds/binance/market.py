"""The codec of quotes, books and funding of Binance, for one set of endpoints."""

from collections.abc import Sequence
from typing import Final, Literal
from urllib.parse import quote, urlencode

from alphastream.core.units import HOUR, MS
from alphastream.errors import FeedError, ParameterError
from alphastream.feeds.binance.endpoints import VenueEndpoints
from alphastream.feeds.binance.market_frames import MarketFrames
from alphastream.feeds.binance.market_rest import (
    parse_depth,
    parse_funding_info,
    parse_funding_rates,
    parse_premium_index,
)
from alphastream.feeds.codec import Instrument, Keepalive, Request
from alphastream.feeds.market import BookUpdate, FundingPayment, Level, MarketEvent, MarkPrice, Route
from alphastream.feeds.names import Names
from alphastream.instruments import InstrumentId

PUBLIC: Final = ("bookTicker", "depth@100ms")
MARKET: Final = ("markPrice@1s",)
_QUOTES: Final = b'@bookTicker","data":{'
_LONGEST: Final = 64  # bytes before the data
USUAL_INTERVAL_NS: Final = 8 * HOUR  # of the perpetuals that fundingInfo does not name


class BinanceMarket:
    """Bytes of a Binance venue to quotes, books and mark prices.

    How often a perpetual pays is not in the stream, and fundingInfo names only those that do not pay as usual: so the
    codec remembers whom `mark_request` asked for, and `parse_marks` tells it of them too.

    Parameters
    ----------
    endpoints : where the venue answers.

    Examples
    --------
    >>> from alphastream.feeds.binance import BINANCE_SPOT, BinanceCodec
    >>> market = BinanceCodec(BINANCE_SPOT).market
    >>> frame = b'{"data":{"u":7,"s":"BTCUSDT","b":"61837.63","B":"3.79","a":"61837.64","A":"1.55"}}'
    >>> market.parse([frame], [10**18])[0].ask
    61837.64
    """

    depth: int = 1_000
    completeness: Literal["sequence", "checksum", "unknown"] = "sequence"
    keepalive: Keepalive | None = None

    def __init__(self, endpoints: VenueEndpoints) -> None:
        self.name = endpoints.name
        self.title = endpoints.title
        self.has_funding = endpoints.marks_path is not None
        self._endpoints = endpoints
        self._frames = MarketFrames(endpoints.name)
        self._names = Names(endpoints.name)
        self._asked: dict[InstrumentId, None] = {}
        self.rejected: dict[str, int] = self._frames.rejected

    @property
    def endings(self) -> int:
        """How often the venue has announced the end of a connection (serverShutdown)."""
        return self._frames.endings

    def routes(self, instruments: Sequence[InstrumentId]) -> tuple[Route, ...]:
        """Return the connections: one for quotes and books, one for mark prices; more where there are many streams.

        Raises
        ------
        ParameterError : none, or one that is not of this venue or cannot be a symbol here.
        """
        symbols = [self._endpoints.wire(instrument).lower() for instrument in dict.fromkeys(instruments)]
        if not symbols:
            raise ParameterError(f"{self.title}: no symbol given, needs at least one, such as BTCUSDT")
        endpoints = self._endpoints
        routes = [
            Route(url, (), frozenset({"quotes", "books"})) for url in self._urls(endpoints.book_path, symbols, PUBLIC)
        ]
        if endpoints.marks_path is not None:
            urls = self._urls(endpoints.marks_path, symbols, MARKET)
            routes += [Route(url, (), frozenset({"marks"})) for url in urls]
        return tuple(routes)

    def parse(self, frames: Sequence[bytes], receive_ns: Sequence[int]) -> list[MarketEvent]:
        """Return what many frames hold, in the order of arrival.

        Nothing raises: all else is counted in ``rejected`` by kind ("not_json", "foreign", "wrong_type", "absurd",
        "error_reply"). Acknowledgements are not.
        """
        return self._frames.parse(frames, receive_ns)

    def quote_stream(self, frame: bytes) -> bytes | None:
        """Return the beginning of a frame of a quote; see ``MarketCodec``."""
        end = frame.find(_QUOTES, 0, _LONGEST)
        return frame[:end] if end > 0 else None

    def snapshot(self, instrument: InstrumentId) -> Request:
        """Return the request for the best 1,000 levels a side."""
        query = urlencode({"symbol": self._endpoints.wire(instrument), "limit": self.depth})
        return self._endpoints.request(f"/depth?{query}", self._endpoints.depth_weight)

    def parse_snapshot(self, instrument: InstrumentId, body: bytes, receive_ns: int) -> BookUpdate:
        """Return the book of an answer. Raises FeedError."""
        return parse_depth(self.title, instrument, body, receive_ns)

    def follows(self, update: BookUpdate, last: int, *, is_first: bool) -> Literal["next", "old", "gap"]:
        """Say whether an update continues a book, by the rule of the venue.

        "previous" (futures): the first one spans the snapshot's number, first ≤ last ≤ update.last, or says that it
        comes right after it; every other one says that it comes right after the one before, whatever lies between
        their numbers. "overlap" (spot): it may begin before the number that is due, never after it. "contiguous"
        (Binance.US): the first one spans the number after the snapshot's, every other one begins with the number due.

        Source: https://developers.binance.com/docs and https://docs.binance.us, "How to manage a local order book
        correctly".
        """
        rule = self._endpoints.book_rule
        if rule == "previous":
            if update.last < last or (update.last == last and not is_first):
                return "old"
            spans = is_first and update.first <= last
            return "next" if spans or update.previous == last else "gap"
        if update.last <= last:
            return "old"
        due = last + 1
        if update.first == due or (update.first < due and (is_first or rule == "overlap")):
            return "next"
        return "gap"

    def checksum(self, bids: Sequence[Level], asks: Sequence[Level], rules: Instrument | None) -> int | None:
        """Return None: the venue numbers its updates and sends no checksum."""
        return None

    def mark_request(self, instrument: InstrumentId) -> Request | None:
        """Return the request for what the stream does not say: how often perpetuals pay. One answer tells it of all."""
        symbol = self._endpoints.wire(instrument)
        if not self.has_funding or "_" in symbol:  # BTCUSDT_261225 expires and pays none
            return None
        self._asked[instrument] = None
        return self._endpoints.request("/fundingInfo", 1)

    def parse_marks(self, body: bytes, receive_ns: int) -> list[MarkPrice]:
        """Return what an answer of fundingInfo or premiumIndex says of each symbol in it. Raises FeedError.

        fundingInfo says intervals alone. A perpetual that was asked for and is not named there pays every eight hours.
        """
        try:
            intervals = parse_funding_info(self.title, self._names, body)
        except FeedError:
            return parse_premium_index(self.title, self._names, body, receive_ns)
        usual = dict.fromkeys(self._asked, USUAL_INTERVAL_NS)
        return [
            MarkPrice(name, float("nan"), receive_ns, receive_ns, interval_ns=interval_ns)
            for name, interval_ns in (usual | intervals).items()
        ]

    def past_funding(self, instrument: InstrumentId, from_ns: int, until_ns: int) -> Request | None:
        """Return the request for the payments of a time, both ends with it, the oldest 1,000 of them; None for spot."""
        symbol = self._endpoints.wire(instrument)
        if not self.has_funding:
            return None
        span = {"startTime": -(-from_ns // MS), "endTime": until_ns // MS}
        return self._endpoints.request(f"/fundingRate?{urlencode({'symbol': symbol, **span, 'limit': 1_000})}", 1)

    def parse_past_funding(self, instrument: InstrumentId, body: bytes) -> list[FundingPayment]:
        """Return the payments of an answer, oldest first. Raises FeedError."""
        return parse_funding_rates(self.title, instrument, body)

    def _urls(self, path: str, symbols: Sequence[str], kinds: Sequence[str]) -> list[str]:
        of_one = self._endpoints.max_streams // len(kinds)
        parts = [symbols[start : start + of_one] for start in range(0, len(symbols), of_one)]
        joined = ["/".join(f"{symbol}@{kind}" for symbol in part for kind in kinds) for part in parts]
        return [f"{self._endpoints.ws_url}{path}?streams={quote(streams, safe='@/')}" for streams in joined]
