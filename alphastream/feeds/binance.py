"""Binance: aggregate trades of USDⓈ-M futures, spot and Binance.US. One codec, three sets of endpoints.

USDⓈ-M trades live on the routed path ``/market``: since 2026-04-23 the old path acknowledges and sends nothing.
An unknown symbol is acknowledged as well, so an acknowledgement is no sign of life.

Source: https://developers.binance.com/docs, pages "Important WebSocket Change Notice" and "Aggregate Trade Streams".
"""

import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from alphastream.core.units import MS
from alphastream.errors import FeedError, ParameterError
from alphastream.events import Tick
from alphastream.feeds.codec import Codec, Instrument, Request, RetryAdvice

log = logging.getLogger(__name__)

MAX_ID: Final = 2**63  # ids and times travel as int64
MAX_TIME_MS: Final = 2**63 // MS
PROBLEMS: Final = (ValueError, RecursionError)  # all that msgspec raises on bytes from outside
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class VenueEndpoints:
    """What tells one Binance venue from another.

    Parameters
    ----------
    name : key in the registry of feeds.
    title : for people.
    ws_url, ws_path : where streams live.
    rest_url, rest_path : where requests go.
    info_query : keeps the answer of exchangeInfo small, where the venue knows how.
    trades_weight, info_weight : what the venue counts for one request.
    weight_per_minute : what it allows.
    history_s : how far back its REST trades are worth asking for.
    """

    name: str
    title: str
    ws_url: str
    ws_path: str
    rest_url: str
    rest_path: str
    info_query: str
    trades_weight: int
    info_weight: int
    weight_per_minute: int
    history_s: int = 48 * 3600


BINANCE_USDM: Final = VenueEndpoints(
    name="binance-usdm",
    title="Binance USDⓈ-M Futures",
    ws_url="wss://fstream.binance.com",
    ws_path="/market/stream",
    rest_url="https://fapi.binance.com",
    rest_path="/fapi/v1",
    info_query="",
    trades_weight=20,
    info_weight=1,
    weight_per_minute=2_400,
)
BINANCE_SPOT: Final = VenueEndpoints(
    name="binance-spot",
    title="Binance spot",
    ws_url="wss://data-stream.binance.vision",
    ws_path="/stream",
    rest_url="https://data-api.binance.vision",
    rest_path="/api/v3",
    info_query="?showPermissionSets=false",
    trades_weight=4,
    info_weight=20,
    weight_per_minute=6_000,
)
BINANCE_US: Final = VenueEndpoints(
    name="binance-us",
    title="Binance.US spot",
    ws_url="wss://stream.binance.us:9443",
    ws_path="/stream",
    rest_url="https://api.binance.us",
    rest_path="/api/v3",
    info_query="",
    trades_weight=4,
    info_weight=20,
    weight_per_minute=1_200,
)


class _Trade(msgspec.Struct, gc=False):
    """An aggTrade, from a stream or from REST: the keys we use; the venue may send more, in any order."""

    a: int
    p: float
    q: float
    T: int
    m: bool
    s: str = ""
    e: str = ""


class _Wrapped(msgspec.Struct, gc=False):
    """The frame of a combined stream."""

    data: _Trade


class _Filter(msgspec.Struct, rename="camel"):
    """One trading rule; which of the values is set depends on its type."""

    filter_type: str
    tick_size: str = "0"
    step_size: str = "0"
    min_notional: float = 0.0
    notional: float = 0.0


class _Symbol(msgspec.Struct):
    """A row of exchangeInfo."""

    symbol: str
    status: str = "TRADING"
    filters: list[_Filter] = []


class _ExchangeInfo(msgspec.Struct):
    symbols: list[_Symbol]


class _ServerTime(msgspec.Struct, rename="camel"):
    server_time: int


# Numbers arrive as text ("61800.30"), which strict=False turns into floats.
_WRAPPED: Final = msgspec.json.Decoder(_Wrapped, strict=False)
_ANYTHING: Final = msgspec.json.Decoder()
_TRADES: Final = msgspec.json.Decoder(list[_Trade], strict=False)
_INFO: Final = msgspec.json.Decoder(_ExchangeInfo, strict=False)
_TIME: Final = msgspec.json.Decoder(_ServerTime)


class BinanceCodec:
    """Bytes of a Binance venue to ticks, and wishes to bytes and addresses.

    Examples
    --------
    >>> codec = BinanceCodec(BINANCE_USDM)
    >>> codec.stream_url(["BTCUSDT", "ETHUSDT"])
    'wss://fstream.binance.com/market/stream?streams=btcusdt@aggTrade/ethusdt@aggTrade'
    >>> frame = b'{"e":"aggTrade","a":7,"s":"BTCUSDT","p":"61800.30","q":"0.205","T":1723161256322,"m":false}'
    >>> codec.parse(frame)[0].price
    61800.3
    """

    max_streams: int = 200  # the documents say 1024, clients are cut off above 200
    page_limit: int = 1_000

    def __init__(self, endpoints: VenueEndpoints) -> None:
        self.name = endpoints.name
        self.title = endpoints.title
        self.weight_per_minute = endpoints.weight_per_minute
        self.history_s = endpoints.history_s
        self.rejected: dict[str, int] = {}
        self._book = endpoints

    def fresh(self, ws_url: str | None = None, rest_url: str | None = None) -> Codec:
        """Return a codec with its own counters and, where given, other addresses.

        Parameters
        ----------
        ws_url, rest_url : scheme and host, "ws://127.0.0.1:9000"; the venue's own paths are appended.
        """
        endpoints = self._book
        if ws_url is not None:
            endpoints = replace(endpoints, ws_url=ws_url.rstrip("/").removesuffix(endpoints.ws_path))
        if rest_url is not None:
            endpoints = replace(endpoints, rest_url=rest_url.rstrip("/").removesuffix(endpoints.rest_path))
        return BinanceCodec(endpoints)

    def stream_url(self, symbols: Sequence[str]) -> str:
        """Return the address of one connection that carries the trades of all symbols.

        Raises
        ------
        ParameterError
            No symbol, too many, or one that cannot be a symbol.
        """
        streams = "/".join(self._streams(symbols))
        return f"{self._book.ws_url}{self._book.ws_path}?streams={quote(streams, safe='@/')}"

    def subscribe(self, symbols: Sequence[str], request_id: int) -> bytes:
        """Return the frame that adds symbols to an open connection. Raises ParameterError as ``stream_url`` does."""
        return self._control("SUBSCRIBE", symbols, request_id)

    def unsubscribe(self, symbols: Sequence[str], request_id: int) -> bytes:
        """Return the frame that takes symbols off an open connection."""
        return self._control("UNSUBSCRIBE", symbols, request_id)

    def parse(self, frame: bytes, receive_ns: int = 0) -> list[Tick]:
        """Return the trades in a frame, wrapped or not, one or a list of them.

        Nothing raises: what is no trade is counted in ``rejected`` by kind ("not_json", "foreign", "wrong_type",
        "absurd", "error_reply") and logged once a kind. Acknowledgements are neither.

        Parameters
        ----------
        frame : the payload of one WebSocket message.
        receive_ns : when it arrived, for the ticks.
        """
        try:
            trade = _WRAPPED.decode(frame).data
        except PROBLEMS:
            return self._parse_slowly(frame, receive_ns)
        if trade.e != "aggTrade":
            self._reject("foreign", frame)
            return []
        tick = self._tick(trade, trade.s, receive_ns)
        return [] if tick is None else [tick]

    def agg_trades(self, symbol: str, from_id: int, limit: int) -> Request:
        """Return the request for up to ``limit`` (at most 1,000) trades, from ``from_id`` upwards, inclusive."""
        query = urlencode({"symbol": symbol, "fromId": from_id, "limit": limit})
        return self._request(f"/aggTrades?{query}", self._book.trades_weight)

    def exchange_info(self) -> Request:
        """Return the request for the list of symbols with their trading rules."""
        return self._request(f"/exchangeInfo{self._book.info_query}", self._book.info_weight)

    def server_time(self) -> Request:
        """Return the request for the venue's clock."""
        return self._request("/time", 1)

    def parse_agg_trades(self, symbol: str, body: bytes) -> list[Tick]:
        """Return the trades of an answer, oldest first; ``receive_ns`` is 0: nobody saw them arrive.

        Absurd trades are counted in ``rejected`` and left out. Raises FeedError on anything but a list of trades.
        """
        ticks = (self._tick(trade, symbol, 0) for trade in self._decode(_TRADES, body, "aggTrades"))
        return sorted((tick for tick in ticks if tick is not None), key=lambda tick: tick.id)

    def parse_exchange_info(self, body: bytes) -> dict[str, Instrument]:
        """Return the listed symbols. Raises FeedError on anything but an exchangeInfo answer."""
        rows = self._decode(_INFO, body, "exchangeInfo").symbols
        try:
            return {row.symbol: _instrument(row) for row in rows}
        except ValueError as error:
            raise FeedError(f"{self.title} answered exchangeInfo with a step that is no number: {error}") from error

    def parse_server_time(self, body: bytes) -> int:
        """Return the venue's clock in UTC ns. Raises FeedError on anything but a time."""
        return self._decode(_TIME, body, "time").server_time * MS

    def advise(self, status: int, headers: Mapping[str, str]) -> RetryAdvice:
        """Say what a refusal with this HTTP status asks for."""
        return advise(self.title, status, headers)

    def _streams(self, symbols: Sequence[str]) -> list[str]:
        unique = list(dict.fromkeys(symbols))
        if not unique:
            raise ParameterError(f"{self.title}: no symbol given, needs at least one, such as BTCUSDT")
        if len(unique) > self.max_streams:
            raise ParameterError(
                f"{self.title}: {len(unique)} symbols given, one connection carries {self.max_streams}: "
                "ask for fewer or open a second connection"
            )
        for symbol in unique:
            if not symbol.isalnum() and not symbol.replace("_", "").isalnum():
                raise ParameterError(f"{symbol!r} cannot be a symbol: needs letters and digits, such as BTCUSDT")
        return [f"{symbol.lower()}@aggTrade" for symbol in unique]

    def _control(self, method: str, symbols: Sequence[str], request_id: int) -> bytes:
        return msgspec.json.encode({"method": method, "params": self._streams(symbols), "id": request_id})

    def _request(self, path: str, weight: int) -> Request:
        return Request(self._book.rest_url + self._book.rest_path + path, weight)

    def _decode(self, decoder: "msgspec.json.Decoder[_T]", body: bytes, what: str) -> _T:
        try:
            return decoder.decode(body)
        except PROBLEMS as error:
            seen = body[:120].decode("utf-8", "replace")
            raise FeedError(f"{self.title} answered {what} with {seen!r}: {error}") from error

    def _tick(self, trade: _Trade, symbol: str, receive_ns: int) -> Tick | None:
        # Written so that NaN fails every comparison.
        sane = 0 < trade.p < float("inf") and 0 < trade.q < float("inf") and 0 < trade.T < MAX_TIME_MS
        if not (sane and 0 <= trade.a < MAX_ID and symbol):
            self._reject("absurd", repr(trade))
            return None
        # One object for all ticks of a symbol: a full ring would hold a million copies of its name.
        return Tick(sys.intern(symbol), trade.a, trade.p, trade.q, trade.T * MS, receive_ns, trade.m)

    def _parse_slowly(self, frame: bytes, receive_ns: int) -> list[Tick]:
        """Take apart what is not a wrapped trade."""
        try:
            message = _ANYTHING.decode(frame)
        except PROBLEMS:
            self._reject("not_json", frame)
            return []
        if isinstance(message, dict) and "data" in message:
            message = message["data"]
        ticks = []
        for event in message if message and isinstance(message, list) else [message]:
            tick = self._event(event, receive_ns)
            if tick is not None:
                ticks.append(tick)
        return ticks

    def _event(self, event: Any, receive_ns: int) -> Tick | None:
        if not isinstance(event, dict):
            self._reject("foreign", event)
        elif event.get("e") == "aggTrade":
            try:
                trade = msgspec.convert(event, _Trade, strict=False)
            except PROBLEMS:
                self._reject("wrong_type", event)
            else:
                return self._tick(trade, trade.s, receive_ns)
        elif "error" in event or ("code" in event and "msg" in event):
            self._reject("error_reply", event)
        elif not ("result" in event and "id" in event):
            self._reject("foreign", event)
        return None

    def _reject(self, kind: str, seen: object) -> None:
        count = self.rejected.get(kind, 0)
        self.rejected[kind] = count + 1
        if count == 0:
            text = seen.decode("utf-8", "replace") if isinstance(seen, bytes) else str(seen)
            log.warning("feed=%s rejected=%s seen=%r: further ones are only counted", self.name, kind, text[:200])


def advise(title: str, status: int, headers: Mapping[str, str]) -> RetryAdvice:
    """Turn an HTTP refusal into what to do, in words a person understands.

    Parameters
    ----------
    title : the venue, for the sentence.
    status : HTTP status of the answer.
    headers : its headers; ``Retry-After`` counts, in any case, when it is a number of seconds.

    Examples
    --------
    >>> advise("Binance spot", 429, {"Retry-After": "7"}).wait_s
    7.0
    """
    if status == 451:
        return RetryAdvice(
            "stop", 0.0, f"{title} refuses this computer's location (HTTP 451): trying again from here will not help"
        )
    if status == 418:
        wait_s = _retry_after_s(headers, 120.0)
        return RetryAdvice(
            "banned", wait_s, f"{title} banned this address for {_span(wait_s)} after too many requests (HTTP 418)"
        )
    if status == 429:
        wait_s = _retry_after_s(headers, 60.0)
        return RetryAdvice("wait", wait_s, f"{title} asks to wait {_span(wait_s)}: too many requests (HTTP 429)")
    if status == 403:
        wait_s = _retry_after_s(headers, 300.0)
        return RetryAdvice("banned", wait_s, f"{title}'s firewall turned this address away (HTTP 403)")
    return RetryAdvice("retry", 0.0, f"{title} answered with HTTP {status}")


def suggest(symbol: str, listed: Iterable[str]) -> list[str]:
    """Return up to three listed symbols that a wrong one may have meant.

    Examples
    --------
    >>> suggest("BTC-USDT", ["BTCUSDT", "ETHUSDT", "BTCUSDC"])
    ['BTCUSDT', 'BTCUSDC', 'ETHUSDT']
    """
    plain = "".join(letter for letter in symbol.upper() if letter.isalnum())
    return get_close_matches(plain, list(listed), n=3, cutoff=0.7)


def _retry_after_s(headers: Mapping[str, str], default_s: float) -> float:
    text = next((value for key, value in headers.items() if key.lower() == "retry-after"), "")
    try:
        wait_s = float(text)
    except ValueError:
        return default_s
    return min(wait_s, 3 * 86_400.0) if wait_s > 0 else default_s  # a ban lasts three days at most


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3600:.0f} h"


def _instrument(row: _Symbol) -> Instrument:
    rules = {rule.filter_type: rule for rule in row.filters}
    price, lot = rules.get("PRICE_FILTER"), rules.get("LOT_SIZE")
    notional = rules.get("NOTIONAL") or rules.get("MIN_NOTIONAL")
    tick_size = price.tick_size if price else "0"
    return Instrument(
        symbol=row.symbol,
        tick_size=float(tick_size),
        step_size=float(lot.step_size) if lot else 0.0,
        price_decimals=len(tick_size.partition(".")[2].rstrip("0")),
        min_notional=(notional.min_notional or notional.notional) if notional else 0.0,
        status=row.status,
    )
