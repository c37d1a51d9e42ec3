"""The codec of Bybit: linear contracts and spot pairs, a venue each."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import msgspec

from alphastream.errors import FeedError
from alphastream.events import Tick
from alphastream.feeds.bybit import rest
from alphastream.feeds.bybit.endpoints import KEEPALIVE, REST_PATH, Category, frames, wire_symbol
from alphastream.feeds.bybit.klines import BybitKlines
from alphastream.feeds.bybit.market import BybitMarketCodec
from alphastream.feeds.bybit.trades import TOPIC, BybitTradeFrames
from alphastream.feeds.codec import Codec, Completeness, Instrument, Keepalive, Request, RetryAdvice, WireSymbol
from alphastream.feeds.klines import KlineCodec
from alphastream.feeds.market import MarketCodec
from alphastream.feeds.spelling import require_carried
from alphastream.instruments import InstrumentId
from alphastream.tape.columns import TickColumns


class BybitCodec:
    """Bytes of one category of Bybit to ticks, and requests to bytes and addresses.

    Its trades are not numbered (see ``trade_ids``): whether all are here cannot be known.

    Examples
    --------
    >>> from alphastream.feeds.bybit.endpoints import LINEAR
    >>> codec = BybitCodec(LINEAR)
    >>> frame = (
    ...     b'{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1672304486868,"data":[{"T":1672304486865,'
    ...     b'"s":"BTCUSDT","S":"Buy","v":"0.001","p":"16578.50","i":"20f43950","BT":false,"seq":1783284617}]}'
    ... )
    >>> codec.parse(frame)[0].symbol, codec.parse(frame)[0].id == 1783284617 * 4096
    (InstrumentId('bybit-linear', 'BTCUSDT'), True)
    """

    completeness: Completeness = "unknown"
    keepalive: Keepalive | None = KEEPALIVE
    pages_forward: bool = False
    usual: tuple[str, ...] = ("BTCUSDT", "ETHUSDT")
    max_streams: int = 200  # 21,000 characters a subscription; three topics an instrument on the other connection
    weight_per_minute: int = 7_200  # 600 requests in 5 s
    history_s: int = 3_600  # the newest trades only, which is minutes of one that trades much
    page_weight: int = 1

    def __init__(self, category: Category) -> None:
        self.name, self.title, self.page_limit = category.name, category.title, category.recent_trades
        self._category = category
        self._trades = BybitTradeFrames(category.name)
        self.rejected: dict[str, int] = self._trades.rejected

    @property
    def market(self) -> MarketCodec | None:
        """A codec of quotes, books, mark prices and funding."""
        return BybitMarketCodec(self._category)

    @property
    def klines(self) -> KlineCodec | None:
        """The codec of closed bars."""
        return BybitKlines(self._category)

    @property
    def endings(self) -> int:
        """Return 0: the venue announces no end of a connection."""
        return self._trades.endings

    def fresh(self, ws_url: str | None = None, rest_url: str | None = None) -> Codec:
        """Return a codec with its own counters and, where given, other addresses."""
        return BybitCodec(self._category.moved(ws_url, rest_url))

    def spelt(self, symbol: str) -> str:
        """Return a symbol as the venue spells it: in capitals, without space, "/" or "-", but before a date's."""
        text = symbol.strip().upper().replace("/", "")
        head, dash, tail = text.rpartition("-")
        dated = dash and any(letter.isdigit() for letter in tail)
        return f"{head.replace('-', '')}-{tail}" if dated else text.replace("-", "")

    def stream_url(self, instruments: Sequence[InstrumentId]) -> str:
        """Return the address of one connection that carries the trades of all instruments.

        Raises
        ------
        ParameterError
            None, too many, one of another venue, one that cannot be a symbol here, or an inverse contract.
        """
        self._topics(instruments)
        return self._category.ws_url + self._category.ws_path

    def opening(self, instruments: Sequence[InstrumentId]) -> tuple[bytes, ...]:
        """Return the frames that ask for the trades."""
        return frames("subscribe", self._topics(instruments), 1)

    def subscribe(self, instruments: Sequence[InstrumentId], request_id: int) -> bytes:
        """Return the frame that adds instruments to an open connection. Raises as ``stream_url`` does."""
        return self._control("subscribe", instruments, request_id)

    def unsubscribe(self, instruments: Sequence[InstrumentId], request_id: int) -> bytes:
        """Return the frame that takes instruments off an open connection."""
        return self._control("unsubscribe", instruments, request_id)

    def parse(self, frame: bytes, receive_ns: int = 0) -> list[Tick]:
        """Return the trades in a frame; see ``Codec``. Block trades are counted as "block_trade"."""
        return self._trades.parse(frame, receive_ns)

    def parse_columns(self, frames: Sequence[bytes], receive_ns: Sequence[int]) -> dict[str, TickColumns]:
        """Return the trades of many frames as columns of each instrument; see ``Codec``."""
        return self._trades.parse_columns(frames, receive_ns)

    def past_trades(self, instrument: InstrumentId, from_id: int, limit: int, after_ns: int) -> Request:
        """Return the request for the newest trades: there is no cursor, so they may not reach back to ``from_id``."""
        return self._request("/recent-trade", {"symbol": self._wire(instrument), "limit": self._category.recent_trades})

    def listing(self) -> tuple[Request, ...]:
        """Return the request for the list of instruments."""
        return (self._request("/instruments-info", {"limit": 1_000}),)

    def server_time(self) -> Request:
        """Return the request for the venue's clock."""
        return Request(f"{self._category.rest_url}{REST_PATH}/time", 1)

    def parse_past_trades(self, instrument: InstrumentId, body: bytes) -> list[Tick]:
        """Return the trades of an answer, oldest first; ``receive_ns`` is 0. Raises FeedError.

        A full answer may begin in the middle of one taker order, whose trades would be numbered wrongly: they are left
        out, except where the stream has numbered them.
        """
        trades = rest.parse_trades(self.title, body)
        other = next((trade.symbol for trade in trades if trade.symbol != instrument.symbol), None)
        if other is not None:
            raise FeedError(f"{self.title} answered with trades of {other}, asked for {instrument.symbol}")
        if len(trades) >= self.page_limit and not self._trades.ids_of(instrument.symbol).knows(trades[0].seq):
            trades = [trade for trade in trades if trade.seq != trades[0].seq]
        kept = self._trades.without_blocks(trades)
        return self._trades.past(kept, instrument) if kept else []

    def parse_listing(self, body: bytes) -> dict[str, Instrument]:
        """Return the rules of what is listed, by full name. Raises FeedError."""
        return rest.parse_listing(self.name, self.title, body)

    def parse_server_time(self, body: bytes) -> int:
        """Return the venue's clock in UTC ns. Raises FeedError."""
        return rest.parse_server_time(self.title, body)

    def advise(self, status: int, headers: Mapping[str, str]) -> RetryAdvice:
        """Say what a refusal with this HTTP status asks for."""
        return rest.advise(self.title, status, headers)

    def _wire(self, instrument: InstrumentId) -> WireSymbol:
        return wire_symbol(self._category, instrument)

    def _topics(self, instruments: Sequence[InstrumentId]) -> list[str]:
        unique = [self._wire(instrument) for instrument in dict.fromkeys(instruments)]
        require_carried(self.title, len(unique), self.max_streams, "BTCUSDT")
        return [TOPIC + symbol for symbol in unique]

    def _control(self, action: str, instruments: Sequence[InstrumentId], request_id: int) -> bytes:
        return msgspec.json.encode({"req_id": str(request_id), "op": action, "args": self._topics(instruments)})

    def _request(self, path: str, query: Mapping[str, object]) -> Request:
        wanted = urlencode({"category": self._category.category, **query})
        return Request(f"{self._category.rest_url}{REST_PATH}{path}?{wanted}", 1)
