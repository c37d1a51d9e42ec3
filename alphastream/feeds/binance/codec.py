"""The codec of Binance: what every codec offers, for one set of endpoints."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import quote, urlencode

import msgspec

from alphastream.events import Tick
from alphastream.feeds.answers import advise
from alphastream.feeds.binance.endpoints import VenueEndpoints
from alphastream.feeds.binance.klines import BinanceKlines
from alphastream.feeds.binance.market import BinanceMarket
from alphastream.feeds.binance.rest import parse_exchange_info, parse_server_time, parse_trades
from alphastream.feeds.binance.trades import TradeFrames
from alphastream.feeds.codec import Codec, Completeness, Instrument, Keepalive, Request, RetryAdvice
from alphastream.feeds.klines import KlineCodec
from alphastream.feeds.market import MarketCodec
from alphastream.feeds.spelling import require_carried
from alphastream.instruments import InstrumentId
from alphastream.tape.columns import TickColumns


class BinanceCodec:
    """Bytes of a Binance venue to ticks, and requests to bytes and addresses.

    Examples
    --------
    >>> from alphastream.feeds.binance.endpoints import BINANCE_USDM
    >>> codec = BinanceCodec(BINANCE_USDM)
    >>> codec.stream_url([InstrumentId("binance-usdm", "BTCUSDT")])
    'wss://fstream.binance.com/market/stream?streams=btcusdt@aggTrade'
    >>> frame = b'{"e":"aggTrade","a":7,"s":"BTCUSDT","p":"61800.30","q":"0.205","T":1723161256322,"m":false}'
    >>> codec.parse(frame)[0].symbol, codec.parse(frame)[0].price
    (InstrumentId('binance-usdm', 'BTCUSDT'), 61800.3)
    """

    completeness: Completeness = "contiguous"
    keepalive: Keepalive | None = None
    pages_forward: bool = False
    usual: tuple[str, ...] = ("BTCUSDT", "ETHUSDT")
    page_limit: int = 1_000

    def __init__(self, endpoints: VenueEndpoints) -> None:
        self.name = endpoints.name
        self.title = endpoints.title
        self.weight_per_minute = endpoints.weight_per_minute
        self.history_s = endpoints.history_s
        self.page_weight = endpoints.trades_weight
        self.max_streams = endpoints.max_streams
        self._endpoints = endpoints
        self._trades = TradeFrames(endpoints.name)
        self._market = BinanceMarket(endpoints)
        self.rejected: dict[str, int] = self._trades.rejected

    @property
    def market(self) -> MarketCodec:
        """The codec of quotes, books and, of futures, funding."""
        return self._market

    @property
    def klines(self) -> KlineCodec | None:
        """The codec of closed bars."""
        return BinanceKlines(self._endpoints)

    @property
    def endings(self) -> int:
        """How often the venue has announced the end of a connection (serverShutdown)."""
        return self._trades.endings

    def fresh(self, ws_url: str | None = None, rest_url: str | None = None) -> Codec:
        """Return a codec with its own counters and, where given, other addresses.

        Parameters
        ----------
        ws_url, rest_url : scheme and host, "ws://127.0.0.1:9000"; the venue's own paths are appended.
        """
        endpoints = self._endpoints
        if ws_url is not None:
            endpoints = replace(endpoints, ws_url=ws_url.rstrip("/").removesuffix(endpoints.ws_path))
        if rest_url is not None:
            endpoints = replace(endpoints, rest_url=rest_url.rstrip("/").removesuffix(endpoints.rest_path))
        return BinanceCodec(endpoints)

    def spelt(self, symbol: str) -> str:
        """Return a symbol as the venue spells it: in capitals, without space, and without "-" or "/" inside."""
        return symbol.strip().upper().replace("-", "").replace("/", "")

    def stream_url(self, instruments: Sequence[InstrumentId]) -> str:
        """Return the address of one connection that carries the trades of all instruments.

        Raises
        ------
        ParameterError
            None, too many, one of another venue, or one that cannot be a symbol here.
        """
        streams = "/".join(self._streams(instruments))
        return f"{self._endpoints.ws_url}{self._endpoints.ws_path}?streams={quote(streams, safe='@/')}"

    def opening(self, instruments: Sequence[InstrumentId]) -> tuple[bytes, ...]:
        """Return no frame: the address names the streams."""
        return ()

    def subscribe(self, instruments: Sequence[InstrumentId], request_id: int) -> bytes:
        """Return the frame that adds instruments to an open connection. Raises as ``stream_url`` does."""
        return self._control("SUBSCRIBE", instruments, request_id)

    def unsubscribe(self, instruments: Sequence[InstrumentId], request_id: int) -> bytes:
        """Return the frame that takes instruments off an open connection."""
        return self._control("UNSUBSCRIBE", instruments, request_id)

    def parse(self, frame: bytes, receive_ns: int = 0) -> list[Tick]:
        """Return the trades in a frame, wrapped or not, one or a list of them.

        Nothing raises: what is no trade is counted in ``rejected`` by kind ("not_json", "foreign", "wrong_type",
        "absurd", "error_reply") and logged once a kind. Acknowledgements are neither.

        Parameters
        ----------
        frame : the payload of one WebSocket message.
        receive_ns : when it arrived, for the ticks.
        """
        return self._trades.parse(frame, receive_ns)

    def parse_columns(self, frames: Sequence[bytes], receive_ns: Sequence[int]) -> dict[str, TickColumns]:
        """Return the trades of many frames as columns of each instrument; see ``Codec``."""
        return self._trades.parse_columns(frames, receive_ns)

    def past_trades(self, instrument: InstrumentId, from_id: int, limit: int, after_ns: int) -> Request:
        """Return the request for up to ``limit`` (at most 1,000) trades, from ``from_id`` upwards, inclusive."""
        query = urlencode({"symbol": self._endpoints.wire(instrument), "fromId": from_id, "limit": limit})
        return self._endpoints.request(f"/aggTrades?{query}", self._endpoints.trades_weight)

    def listing(self) -> tuple[Request, ...]:
        """Return the request for the list of instruments with their trading rules."""
        return (self._endpoints.request(f"/exchangeInfo{self._endpoints.info_query}", self._endpoints.info_weight),)

    def server_time(self) -> Request:
        """Return the request for the venue's clock."""
        return self._endpoints.request("/time", 1)

    def parse_past_trades(self, instrument: InstrumentId, body: bytes) -> list[Tick]:
        """Return the trades of an answer, oldest first; ``receive_ns`` is 0: nobody saw them arrive.

        Absurd trades are counted in ``rejected`` and left out. Raises FeedError on anything but a list of trades.
        """
        ticks = (self._trades.tick(trade, instrument, 0) for trade in parse_trades(self.title, body))
        return sorted((tick for tick in ticks if tick is not None), key=lambda tick: tick.id)

    def parse_listing(self, body: bytes) -> dict[str, Instrument]:
        """Return the rules of what is listed, by full name. Raises FeedError on anything but an exchangeInfo answer."""
        return parse_exchange_info(self.name, self.title, body)

    def parse_server_time(self, body: bytes) -> int:
        """Return the venue's clock in UTC ns. Raises FeedError on anything but a time."""
        return parse_server_time(self.title, body)

    def advise(self, status: int, headers: Mapping[str, str]) -> RetryAdvice:
        """Say what a refusal with this HTTP status asks for."""
        return advise(self.title, status, headers)

    def _streams(self, instruments: Sequence[InstrumentId]) -> list[str]:
        unique = [self._endpoints.wire(instrument) for instrument in dict.fromkeys(instruments)]
        require_carried(self.title, len(unique), self.max_streams, "BTCUSDT")
        return [f"{symbol.lower()}@aggTrade" for symbol in unique]

    def _control(self, method: str, instruments: Sequence[InstrumentId], request_id: int) -> bytes:
        return msgspec.json.encode({"method": method, "params": self._streams(instruments), "id": request_id})
