"""The codec of Kraken spot: what every codec offers."""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

from alphastream.events import Tick
from alphastream.feeds.answers import advise
from alphastream.feeds.codec import Codec, Completeness, Instrument, Keepalive, Request, RetryAdvice
from alphastream.feeds.klines import KlineCodec
from alphastream.feeds.kraken.klines import KrakenKlines
from alphastream.feeds.kraken.market import KrakenMarket
from alphastream.feeds.kraken.rest import parse_pairs, parse_server_time, parse_trades
from alphastream.feeds.kraken.trades import KrakenTrades
from alphastream.feeds.kraken.wire import KEEPALIVE, MOST_PAIRS, NAME, TITLE, TODAY, control, pairs, rest_pair
from alphastream.feeds.market import MarketCodec
from alphastream.feeds.spelling import joined
from alphastream.instruments import InstrumentId
from alphastream.tape.columns import TickColumns

_WS_URL: Final = "wss://ws.kraken.com"
_WS_PATH: Final = "/v2"
_REST_URL: Final = "https://api.kraken.com"
_REST_PATH: Final = "/0/public"
_A_MICROSECOND: Final = 1_000  # what a time of the stream may be too late by, against one of REST


class KrakenCodec:
    """Bytes of Kraken to ticks, and requests to bytes and addresses.

    Examples
    --------
    >>> codec = KrakenCodec()
    >>> codec.spelt("xbtusd"), codec.stream_url([InstrumentId("kraken", "BTC/USD")])
    ('BTC/USD', 'wss://ws.kraken.com/v2')
    """

    name: str = NAME
    title: str = TITLE
    completeness: Completeness = "contiguous"
    keepalive: Keepalive | None = KEEPALIVE
    pages_forward: bool = True
    usual: tuple[str, ...] = ("BTC/USD", "ETH/USD")
    max_streams: int = MOST_PAIRS
    weight_per_minute: int = 60  # one request a second
    history_s: int = 7 * 86_400  # all is kept; a busy pair trades a hundred thousand times a day
    page_limit: int = 1_000
    page_weight: int = 1

    def __init__(self, ws_url: str = _WS_URL, rest_url: str = _REST_URL) -> None:
        self._ws_url = ws_url.rstrip("/").removesuffix(_WS_PATH)
        self._rest_url = rest_url.rstrip("/").removesuffix(_REST_PATH)
        self._trades = KrakenTrades(NAME)
        self._market = KrakenMarket(self._ws_url + _WS_PATH)
        self.rejected: dict[str, int] = self._trades.rejected

    @property
    def market(self) -> MarketCodec | None:
        """The codec of quotes and books."""
        return self._market

    @property
    def klines(self) -> KlineCodec | None:
        """The codec of closed bars."""
        return KrakenKlines(self._rest_url + _REST_PATH)

    @property
    def endings(self) -> int:
        """Always 0: the venue announces no end of a connection."""
        return self._trades.endings

    def fresh(self, ws_url: str | None = None, rest_url: str | None = None) -> Codec:
        """Return a codec with its own counters and, where given, other addresses.

        Parameters
        ----------
        ws_url, rest_url : scheme and host, "ws://127.0.0.1:9000"; the venue's own paths are appended.
        """
        return KrakenCodec(ws_url or self._ws_url, rest_url or self._rest_url)

    def spelt(self, symbol: str) -> str:
        """Return a symbol as the venue spells it on the WebSocket: BTC/USD, also for XBTUSD."""
        return joined(symbol, "/", TODAY)

    def stream_url(self, instruments: Sequence[InstrumentId]) -> str:
        """Return the address of every connection.

        Raises
        ------
        ParameterError
            None, too many, one of another venue, or one that cannot be a pair here.
        """
        pairs(instruments)
        return self._ws_url + _WS_PATH

    def opening(self, instruments: Sequence[InstrumentId]) -> tuple[bytes, ...]:
        """Return the frame that subscribes to all instruments."""
        return (self.subscribe(instruments, 0),)

    def subscribe(self, instruments: Sequence[InstrumentId], request_id: int) -> bytes:
        """Return the frame that adds instruments. Raises as ``stream_url`` does."""
        return control("subscribe", pairs(instruments), request_id, channel="trade", snapshot=False)

    def unsubscribe(self, instruments: Sequence[InstrumentId], request_id: int) -> bytes:
        """Return the frame that takes instruments off an open connection."""
        return control("unsubscribe", pairs(instruments), request_id, channel="trade")

    def parse(self, frame: bytes, receive_ns: int = 0) -> list[Tick]:
        """Return the trades in a frame; see ``Codec`` and, for the kinds of what is none, ``Rejects``."""
        return self._trades.parse(frame, receive_ns)

    def parse_columns(self, frames: Sequence[bytes], receive_ns: Sequence[int]) -> dict[str, TickColumns]:
        """Return the trades of many frames as columns of each instrument; see ``Codec``."""
        return self._trades.parse_columns(frames, receive_ns)

    def past_trades(self, instrument: InstrumentId, from_id: int, limit: int, after_ns: int) -> Request | None:
        """Return the request for up to 1,000 trades from a time on; None where none is known."""
        if not after_ns:
            return None
        query = urlencode({"pair": rest_pair(instrument), "since": after_ns - _A_MICROSECOND, "count": self.page_limit})
        return self._request(f"/Trades?{query}")

    def listing(self) -> tuple[Request, ...]:
        """Return the request for the list of pairs with their trading rules."""
        return (self._request("/AssetPairs"),)

    def server_time(self) -> Request:
        """Return the request for the venue's clock."""
        return self._request("/Time")

    def parse_past_trades(self, instrument: InstrumentId, body: bytes) -> list[Tick]:
        """Return the trades of an answer, oldest first; see ``Codec``."""
        return parse_trades(instrument, body, self._trades.rejected)

    def parse_listing(self, body: bytes) -> dict[str, Instrument]:
        """Return the rules of what is listed, by full name. Raises FeedError on anything but a list of pairs."""
        return parse_pairs(body)

    def parse_server_time(self, body: bytes) -> int:
        """Return the venue's clock in UTC ns, to half a second. Raises FeedError on anything but a time."""
        return parse_server_time(body)

    def advise(self, status: int, headers: Mapping[str, str]) -> RetryAdvice:
        """Say what a refusal with this HTTP status asks for."""
        return advise(self.title, status, headers)

    def _request(self, path: str) -> Request:
        return Request(self._rest_url + _REST_PATH + path, self.page_weight)
