"""The codec of Coinbase Exchange: what every codec offers."""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

from alphastream.events import Tick
from alphastream.feeds.answers import advise
from alphastream.feeds.codec import Codec, Completeness, Instrument, Keepalive, Request, RetryAdvice
from alphastream.feeds.coinbase.klines import CoinbaseKlines
from alphastream.feeds.coinbase.market import CoinbaseMarket
from alphastream.feeds.coinbase.rest import parse_products, parse_server_time, parse_trades
from alphastream.feeds.coinbase.trades import CoinbaseTrades
from alphastream.feeds.coinbase.wire import MOST_PRODUCTS, NAME, TITLE, control, product, products
from alphastream.feeds.klines import KlineCodec
from alphastream.feeds.market import MarketCodec
from alphastream.feeds.spelling import joined
from alphastream.instruments import InstrumentId
from alphastream.tape.columns import TickColumns

_WS_URL: Final = "wss://ws-feed.exchange.coinbase.com"
_REST_URL: Final = "https://api.exchange.coinbase.com"
_CHANNELS: Final = ("matches", "heartbeat")


class CoinbaseCodec:
    """Bytes of Coinbase Exchange to ticks, and requests to bytes and addresses.

    Examples
    --------
    >>> codec = CoinbaseCodec()
    >>> codec.spelt("btcusd"), codec.stream_url([InstrumentId("coinbase", "BTC-USD")])
    ('BTC-USD', 'wss://ws-feed.exchange.coinbase.com')
    """

    name: str = NAME
    title: str = TITLE
    completeness: Completeness = "contiguous"
    keepalive: Keepalive | None = None
    pages_forward: bool = False
    usual: tuple[str, ...] = ("BTC-USD", "ETH-USD")
    max_streams: int = MOST_PRODUCTS
    weight_per_minute: int = 600  # ten requests a second
    history_s: int = 7 * 86_400  # all is kept; a busy product trades a million times a day
    page_limit: int = 1_000
    page_weight: int = 1

    def __init__(self, ws_url: str = _WS_URL, rest_url: str = _REST_URL) -> None:
        self._ws_url, self._rest_url = ws_url.rstrip("/"), rest_url.rstrip("/")
        self._trades = CoinbaseTrades(NAME)
        self._market = CoinbaseMarket(self._ws_url)
        self.rejected: dict[str, int] = self._trades.rejected

    @property
    def market(self) -> MarketCodec | None:
        """The codec of books."""
        return self._market

    @property
    def klines(self) -> KlineCodec | None:
        """The codec of closed bars."""
        return CoinbaseKlines(self._rest_url)

    @property
    def endings(self) -> int:
        """How often a heartbeat has named a trade that did not come; see ``Promises``."""
        return self._trades.endings

    def fresh(self, ws_url: str | None = None, rest_url: str | None = None) -> Codec:
        """Return a codec with its own counters and, where given, other addresses."""
        return CoinbaseCodec(ws_url or self._ws_url, rest_url or self._rest_url)

    def spelt(self, symbol: str) -> str:
        """Return a symbol as the venue spells it: BTC-USD."""
        return joined(symbol, "-")

    def stream_url(self, instruments: Sequence[InstrumentId]) -> str:
        """Return the address of every connection.

        Raises
        ------
        ParameterError
            None, too many, one of another venue, or one that cannot be a product here.
        """
        products(instruments)
        return self._ws_url

    def opening(self, instruments: Sequence[InstrumentId]) -> tuple[bytes, ...]:
        """Return a frame for each instrument: it must come within five seconds."""
        return tuple(control("subscribe", [each], _CHANNELS) for each in products(instruments))

    def subscribe(self, instruments: Sequence[InstrumentId], request_id: int) -> bytes:
        """Return the frame that adds instruments. Raises as ``stream_url`` does."""
        return control("subscribe", products(instruments), _CHANNELS)

    def unsubscribe(self, instruments: Sequence[InstrumentId], request_id: int) -> bytes:
        """Return the frame that takes instruments off an open connection."""
        return control("unsubscribe", products(instruments), _CHANNELS)

    def parse(self, frame: bytes, receive_ns: int = 0) -> list[Tick]:
        """Return the trade in a frame; see ``Codec`` and, for the kinds of what is none, ``Rejects``."""
        return self._trades.parse(frame, receive_ns)

    def parse_columns(self, frames: Sequence[bytes], receive_ns: Sequence[int]) -> dict[str, TickColumns]:
        """Return the trades of many frames as columns of each instrument; see ``Codec``."""
        return self._trades.parse_columns(frames, receive_ns)

    def past_trades(self, instrument: InstrumentId, from_id: int, limit: int, after_ns: int) -> Request:
        """Return the request for up to ``limit`` (at most 1,000) trades from ``from_id`` upwards.

        The cursor ``after`` asks for trades with smaller ids, newest first.
        """
        query = urlencode({"limit": limit, "after": from_id + limit})
        return Request(f"{self._rest_url}/products/{product(instrument)}/trades?{query}", self.page_weight)

    def listing(self) -> tuple[Request, ...]:
        """Return the request for the list of products with their trading rules."""
        return (Request(f"{self._rest_url}/products", 1),)

    def server_time(self) -> Request:
        """Return the request for the venue's clock."""
        return Request(f"{self._rest_url}/time", 1)

    def parse_past_trades(self, instrument: InstrumentId, body: bytes) -> list[Tick]:
        """Return the trades of an answer, oldest first; see ``Codec``."""
        return self._trades.past(parse_trades(self.title, body), instrument)

    def parse_listing(self, body: bytes) -> dict[str, Instrument]:
        """Return the rules of what is listed, by full name. Raises FeedError on anything but a list of products."""
        return parse_products(self.name, self.title, body)

    def parse_server_time(self, body: bytes) -> int:
        """Return the venue's clock in UTC ns. Raises FeedError on anything but a time."""
        return parse_server_time(self.title, body)

    def advise(self, status: int, headers: Mapping[str, str]) -> RetryAdvice:
        """Say what a refusal with this HTTP status asks for."""
        return advise(self.title, status, headers)
