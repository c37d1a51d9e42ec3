"""The codec of OKX: spot pairs and linear swaps of one venue."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import msgspec

from alphastream.errors import FeedError
from alphastream.events import Tick
from alphastream.feeds.answers import advise
from alphastream.feeds.codec import Codec, Completeness, Instrument, Keepalive, Request, RetryAdvice, WireSymbol
from alphastream.feeds.klines import KlineCodec
from alphastream.feeds.market import MarketCodec
from alphastream.feeds.okx import rest
from alphastream.feeds.okx.contracts import SWAP, Contracts, wire_symbol
from alphastream.feeds.okx.endpoints import KEEPALIVE, NAME, REST_PATH, TITLE, TRADES_PATH, Hosts
from alphastream.feeds.okx.klines import OkxKlines
from alphastream.feeds.okx.market import OkxMarketCodec
from alphastream.feeds.okx.trades import CHANNEL, OkxTradeFrames
from alphastream.feeds.spelling import require_carried, two_parts
from alphastream.instruments import InstrumentId
from alphastream.tape.columns import TickColumns


class OkxCodec:
    """Bytes of OKX to ticks, and requests to bytes and addresses.

    Examples
    --------
    >>> codec = OkxCodec()
    >>> codec.spelt("btcusdt"), codec.spelt("ETH/USDT"), codec.spelt("BTC-USDT-SWAP")
    ('BTC-USDT', 'ETH-USDT', 'BTC-USDT-SWAP')
    >>> frame = (
    ...     b'{"arg":{"channel":"trades-all","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"130639474",'
    ...     b'"px":"42219.9","sz":"0.12060306","side":"buy","source":"0","ts":"1630048897897"}]}'
    ... )
    >>> codec.parse(frame)[0].id, codec.parse(frame)[0].quantity
    (130639474, 0.12060306)
    """

    name: str = NAME
    title: str = TITLE
    completeness: Completeness = "contiguous"
    keepalive: Keepalive | None = KEEPALIVE
    pages_forward: bool = False
    usual: tuple[str, ...] = ("BTC-USDT-SWAP", "ETH-USDT-SWAP")
    max_streams: int = 100  # 64 kB a subscription; five channels an instrument on the other connection
    weight_per_minute: int = 600  # history-trades: 20 requests in 2 s
    history_s: int = 48 * 3600  # it gives three months, 60,000 trades a minute
    page_limit: int = 100
    page_weight: int = 1

    def __init__(self, hosts: Hosts | None = None, contracts: Contracts | None = None) -> None:
        self._hosts = Hosts() if hosts is None else hosts
        self._contracts = Contracts() if contracts is None else contracts
        self._trades = OkxTradeFrames(self.name, self._contracts)
        self.rejected: dict[str, int] = self._trades.rejected

    @property
    def market(self) -> MarketCodec | None:
        """A codec of quotes, books, mark prices and funding, that knows the same contracts."""
        return OkxMarketCodec(self._hosts, self._contracts)

    @property
    def klines(self) -> KlineCodec | None:
        """The codec of closed bars."""
        return OkxKlines(self._hosts.rest_url)

    @property
    def endings(self) -> int:
        """How often the venue has announced the end of a connection (code 64008)."""
        return self._trades.endings

    def fresh(self, ws_url: str | None = None, rest_url: str | None = None) -> Codec:
        """Return a codec with its own counters and, where given, other addresses: a region's, or a computer's nearby.

        What listings have told of contracts is shared, as long as requests go to the same address.
        """
        hosts = self._hosts.moved(ws_url, rest_url)
        return OkxCodec(hosts, self._contracts if hosts.rest_url == self._hosts.rest_url else None)

    def spelt(self, symbol: str) -> str:
        """Return a symbol as the venue spells it: "BTCUSDT" is BTC-USDT, and a swap is asked for as BTC-USDT-SWAP."""
        text = symbol.strip().upper().replace("/", "-").replace("_", "-")
        if "-" in text:
            return text
        plain, swap = (text.removesuffix("SWAP"), SWAP) if text.endswith("SWAP") else (text, "")
        base, quote = two_parts(plain)
        return f"{base}-{quote}{swap}" if quote else text

    def stream_url(self, instruments: Sequence[InstrumentId]) -> str:
        """Return the address of one connection that carries the trades of all instruments.

        Raises
        ------
        ParameterError
            None, too many, one of another venue, or one that is not carried here: inverse contracts, futures, options.
        """
        self._wanted(instruments)
        return self._hosts.ws_url + TRADES_PATH

    def opening(self, instruments: Sequence[InstrumentId]) -> tuple[bytes, ...]:
        """Return the frame that asks for the trades."""
        return (self.subscribe(instruments, 1),)

    def subscribe(self, instruments: Sequence[InstrumentId], request_id: int) -> bytes:
        """Return the frame that adds instruments to an open connection. Raises as ``stream_url`` does."""
        return self._control("subscribe", instruments, request_id)

    def unsubscribe(self, instruments: Sequence[InstrumentId], request_id: int) -> bytes:
        """Return the frame that takes instruments off an open connection."""
        return self._control("unsubscribe", instruments, request_id)

    def parse(self, frame: bytes, receive_ns: int = 0) -> list[Tick]:
        """Return the trades in a frame; see ``Codec``. Swaps whose contract is not known are "size_unknown"."""
        return self._trades.parse(frame, receive_ns)

    def parse_columns(self, frames: Sequence[bytes], receive_ns: Sequence[int]) -> dict[str, TickColumns]:
        """Return the trades of many frames as columns of each instrument; see ``Codec``."""
        return self._trades.parse_columns(frames, receive_ns)

    def past_trades(self, instrument: InstrumentId, from_id: int, limit: int, after_ns: int) -> Request:
        """Return the request for up to ``limit`` (at most 100) trades, from ``from_id`` upwards, inclusive."""
        wanted = {"instId": wire_symbol(instrument), "type": 1, "after": from_id + limit, "limit": limit}
        return self._request("/market/history-trades", wanted)

    def listing(self) -> tuple[Request, ...]:
        """Return the requests for the spot pairs and for the swaps."""
        return tuple(self._request("/public/instruments", {"instType": kind}) for kind in ("SPOT", "SWAP"))

    def server_time(self) -> Request:
        """Return the request for the venue's clock."""
        return Request(f"{self._hosts.rest_url}{REST_PATH}/public/time", 1)

    def parse_past_trades(self, instrument: InstrumentId, body: bytes) -> list[Tick]:
        """Return the trades of an answer, oldest first; ``receive_ns`` is 0.

        Raises
        ------
        FeedError : it is no such answer, or nobody knows what a contract of this swap is worth.
        """
        trades = rest.parse_trades(body)
        self._contracts.required(instrument.symbol)
        other = next((trade.symbol for trade in trades if trade.symbol != instrument.symbol), None)
        if other is not None:
            raise FeedError(f"{self.title} answered with trades of {other}, asked for {instrument.symbol}")
        return self._trades.past(trades, instrument)

    def parse_listing(self, body: bytes) -> dict[str, Instrument]:
        """Return the rules of what is listed, by full name, and learn what contracts are worth. Raises FeedError."""
        found, contracts = rest.parse_listing(self.name, body)
        self._contracts.learn(contracts)
        return found

    def parse_server_time(self, body: bytes) -> int:
        """Return the venue's clock in UTC ns. Raises FeedError."""
        return rest.parse_server_time(body)

    def advise(self, status: int, headers: Mapping[str, str]) -> RetryAdvice:
        """Say what a refusal with this HTTP status asks for."""
        return advise(self.title, status, headers)

    def _wanted(self, instruments: Sequence[InstrumentId]) -> list[WireSymbol]:
        unique = [wire_symbol(instrument) for instrument in dict.fromkeys(instruments)]
        require_carried(self.title, len(unique), self.max_streams, "BTC-USDT")
        return unique

    def _control(self, action: str, instruments: Sequence[InstrumentId], request_id: int) -> bytes:
        channels = [{"channel": CHANNEL, "instId": symbol} for symbol in self._wanted(instruments)]
        return msgspec.json.encode({"id": str(request_id), "op": action, "args": channels})

    def _request(self, path: str, query: Mapping[str, object]) -> Request:
        return Request(f"{self._hosts.rest_url}{REST_PATH}{path}?{urlencode(query)}", 1)
