"""REST of the exchange: aggTrades, exchangeInfo, time, with weights as Binance counts them."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

import msgspec

from .market import Limits, Market
from .messages import rest_row
from .playback import Playback
from .tape import Trade

HOUR_MS = 3_600_000
LIMIT_DEFAULT, LIMIT_MOST = 500, 1_000
QUOTES = ("USDT", "USDC", "BTC")


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer with a JSON body."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class RestError(Exception):
    """A request the venue answers with its own error code."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


@dataclass(frozen=True, slots=True)
class Listing:
    """How exchangeInfo describes a symbol."""

    tick_size: str
    step_size: str
    min_notional: str
    price_precision: int
    quantity_precision: int
    status: str = "TRADING"


LISTINGS = {
    "BTCUSDT": Listing("0.10", "0.001", "100", 2, 3),
    "ETHUSDT": Listing("0.01", "0.001", "20", 2, 3),
    "SOLUSDT": Listing("0.0100", "0.01", "5", 4, 2),
    "BNBUSDT": Listing("0.010", "0.01", "5", 3, 2),
    "XRPUSDT": Listing("0.0001", "0.1", "5", 4, 1),
    "SRMUSDT": Listing("0.0001", "1", "5", 4, 0, status="SETTLING"),
}
"""Listed whether or not the tape has them; those it has not never trade."""


class Meter:
    """Weight used in the running minute of the wall clock."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._minute = 0
        self.used = 0

    def charge(self, weight: int) -> int | None:
        """Add weight; give the whole seconds to wait where the limit is exceeded, else None."""
        now = time.time()
        minute = int(now // 60)
        if minute != self._minute:
            self._minute, self.used = minute, 0
        self.used += weight
        return max(math.ceil((minute + 1) * 60 - now), 1) if self.used > self._limit else None


class Rest:
    """Answers requests about what has been played, never about what is still to come."""

    def __init__(self, playback: Playback, market: Market, limits: Limits) -> None:
        self._playback = playback
        self._market = market
        self._meter = Meter(limits.weight_per_minute)
        self._listings = LISTINGS | {
            symbol: _listing_of(playback.tape.trades[positions[0]])
            for symbol, positions in playback.tape.positions.items()
            if symbol not in LISTINGS
        }

    def serves(self, target: str) -> bool:
        """Tell whether a request target is one of REST rather than of a WebSocket."""
        return target.startswith(("/fapi/", "/api/"))

    def answer(self, method: str, target: str) -> Reply:
        """Answer a request; errors come as Binance's ``{"code", "msg"}``."""
        parts = urlsplit(target)
        name = parts.path.removeprefix(self._market.rest + "/")
        retry_after_s = self._meter.charge(self._market.weights.get(name, 1))
        headers = {"X-MBX-USED-WEIGHT-1M": str(self._meter.used)}
        try:
            if retry_after_s is not None:
                headers["Retry-After"] = str(retry_after_s)
                raise RestError(-1003, "Too many requests; please use the websocket for live updates.", 429)
            if method != "GET":
                raise RestError(-1000, f"Request method '{method}' is not supported.", 405)
            content = self._content(parts.path, name, dict(parse_qsl(parts.query)))
        except RestError as error:
            return Reply(error.status, msgspec.json.encode({"code": error.code, "msg": str(error)}), headers)
        return Reply(200, msgspec.json.encode(content), headers)

    def _content(self, path: str, name: str, query: dict[str, str]) -> object:
        if path != f"{self._market.rest}/{name}":
            name = ""
        match name:
            case "ping":
                return {}
            case "time":
                return {"serverTime": self._playback.now_ns() // 1_000_000}
            case "exchangeInfo":
                return self._exchange_info()
            case "aggTrades":
                return [rest_row(trade, self._market.name) for trade in self._agg_trades(query)]
        raise RestError(-5000, f"Path {path}, Method GET is invalid", 404)

    def _agg_trades(self, query: dict[str, str]) -> list[Trade]:
        symbol = query.get("symbol", "")
        if not symbol:
            raise RestError(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
        if symbol not in self._listings:
            raise RestError(-1121, "Invalid symbol.")
        limit = _integer(query, "limit")
        if limit is None:
            limit = LIMIT_DEFAULT
        if not 1 <= limit <= LIMIT_MOST:
            raise RestError(-1130, "Data sent for parameter 'limit' is not valid.")
        from_id, start_ms, end_ms = (_integer(query, name) for name in ("fromId", "startTime", "endTime"))
        if from_id is not None and (start_ms is not None or end_ms is not None):
            raise RestError(-1128, "Combination of optional parameters invalid.")
        if symbol not in self._playback.tape.positions:
            return []
        if from_id is not None:
            first = self._playback.nth_of(symbol, from_id)
            return self._playback.of_symbol(symbol, first, first + limit)
        return self._between(symbol, start_ms, end_ms, limit)

    def _between(self, symbol: str, start_ms: int | None, end_ms: int | None, limit: int) -> list[Trade]:
        if start_ms is not None and end_ms is not None:
            if start_ms > end_ms:
                raise RestError(-1023, "Start time is greater than end time.")
            if end_ms - start_ms >= HOUR_MS:
                raise RestError(-1127, "More than 1 hours between startTime and endTime.")
        playback = self._playback
        stop = playback.count(symbol) if end_ms is None else playback.nth_at(symbol, end_ms + 1)
        if start_ms is None:
            return playback.of_symbol(symbol, stop - limit, stop)
        start = playback.nth_at(symbol, start_ms)
        return playback.of_symbol(symbol, start, min(start + limit, stop))

    def _exchange_info(self) -> dict[str, object]:
        return {
            "timezone": "UTC",
            "serverTime": self._playback.now_ns() // 1_000_000,
            "rateLimits": [],
            "symbols": [self._symbol_info(symbol, listing) for symbol, listing in self._listings.items()],
        }

    def _symbol_info(self, symbol: str, listing: Listing) -> dict[str, object]:
        futures = self._market.name == "usdm"
        quote = next((quote for quote in QUOTES if symbol.endswith(quote) and symbol != quote), "")
        info: dict[str, object] = {
            "symbol": symbol,
            "status": listing.status if futures or listing.status == "TRADING" else "BREAK",
            "baseAsset": symbol.removesuffix(quote),
            "quoteAsset": quote,
            "filters": [
                {"filterType": "PRICE_FILTER", "tickSize": listing.tick_size},
                {"filterType": "LOT_SIZE", "stepSize": listing.step_size, "minQty": listing.step_size},
                {"filterType": "MIN_NOTIONAL", "notional": listing.min_notional}
                if futures
                else {"filterType": "NOTIONAL", "minNotional": listing.min_notional},
            ],
        }
        if futures:
            info |= {"pair": symbol, "contractType": "PERPETUAL", "marginAsset": quote}
            info |= {"pricePrecision": listing.price_precision, "quantityPrecision": listing.quantity_precision}
        return info


def _listing_of(trade: Trade) -> Listing:
    """Describe a symbol nobody lists by the decimals of its first trade."""
    price, quantity = _decimals(trade.price_text), _decimals(trade.quantity_text)
    return Listing(_smallest(price), _smallest(quantity), "5", price, quantity)


def _decimals(text: str) -> int:
    return len(text.partition(".")[2])


def _smallest(decimals: int) -> str:
    return f"{10.0**-decimals:.{decimals}f}"


def _integer(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise RestError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'.")
    return int(text)
