"""REST of Binance: aggTrades, exchangeInfo, time."""

from collections.abc import Mapping

import msgspec

from ...events import Trade
from ...listings import Listing
from ...protocol import PlayedMarket, Reply, RestRequest
from .addresses import Addresses
from .messages import rest_row

HOUR_MS = 3_600_000
LIMIT_DEFAULT, LIMIT_MOST = 500, 1_000


class RestError(Exception):
    """A request the venue answers with its own error code."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


def reply(venue: Addresses, request: RestRequest, market: PlayedMarket) -> Reply:
    """Answer a request; errors come as Binance's ``{"code", "msg"}``."""
    headers = {"X-MBX-USED-WEIGHT-1M": str(request.used)}
    try:
        if request.wait_s is not None:
            headers["Retry-After"] = str(request.wait_s)
            raise RestError(-1003, "Too many requests; please use the websocket for live updates.", 429)
        if request.method != "GET":
            raise RestError(-1000, f"Request method '{request.method}' is not supported.", 405)
        content = _content(venue, request, market)
    except RestError as error:
        return Reply(error.status, msgspec.json.encode({"code": error.code, "msg": str(error)}), headers)
    return Reply(200, msgspec.json.encode(content), headers)


def _content(venue: Addresses, request: RestRequest, market: PlayedMarket) -> object:
    name = request.path.removeprefix(f"{venue.rest}/") if request.path.startswith(f"{venue.rest}/") else ""
    match name:
        case "ping":
            return {}
        case "time":
            return {"serverTime": market.playback.now_ns() // 1_000_000}
        case "exchangeInfo":
            return _exchange_info(venue, market)
        case "aggTrades":
            return [rest_row(trade, is_futures=venue.is_futures) for trade in _agg_trades(request.query, market)]
    raise RestError(-5000, f"Path {request.path}, Method GET is invalid", 404)


def _agg_trades(query: Mapping[str, str], market: PlayedMarket) -> list[Trade]:
    symbol = listed_symbol(query, market)
    limit = integer(query, "limit")
    if limit is None:
        limit = LIMIT_DEFAULT
    if not 1 <= limit <= LIMIT_MOST:
        raise RestError(-1130, "Data sent for parameter 'limit' is not valid.")
    from_id, start_ms, end_ms = (integer(query, name) for name in ("fromId", "startTime", "endTime"))
    if from_id is not None and (start_ms is not None or end_ms is not None):
        raise RestError(-1128, "Combination of optional parameters invalid.")
    if symbol not in market.playback.tape.positions:
        return []
    if from_id is not None:
        first = market.playback.nth_of(symbol, from_id)
        return market.playback.of_symbol(symbol, first, first + limit)
    return _between(market, symbol, start_ms, end_ms, limit)


def _between(market: PlayedMarket, symbol: str, start_ms: int | None, end_ms: int | None, limit: int) -> list[Trade]:
    if start_ms is not None and end_ms is not None:
        if start_ms > end_ms:
            raise RestError(-1023, "Start time is greater than end time.")
        if end_ms - start_ms >= HOUR_MS:
            raise RestError(-1127, "More than 1 hours between startTime and endTime.")
    playback = market.playback
    stop = playback.count(symbol) if end_ms is None else playback.nth_at(symbol, end_ms + 1)
    if start_ms is None:
        return playback.of_symbol(symbol, stop - limit, stop)
    start = playback.nth_at(symbol, start_ms)
    return playback.of_symbol(symbol, start, min(start + limit, stop))


def _exchange_info(venue: Addresses, market: PlayedMarket) -> dict[str, object]:
    return {
        "timezone": "UTC",
        "serverTime": market.playback.now_ns() // 1_000_000,
        "rateLimits": [],
        "symbols": [_symbol_info(venue, listing) for listing in market.listings.values()],
    }


def _symbol_info(venue: Addresses, listing: Listing) -> dict[str, object]:
    halted = "SETTLING" if venue.is_futures else "BREAK"
    info: dict[str, object] = {
        "symbol": listing.symbol,
        "status": "TRADING" if listing.is_live else halted,
        "baseAsset": listing.base,
        "quoteAsset": listing.quote,
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": listing.tick_size},
            {"filterType": "LOT_SIZE", "stepSize": listing.step_size, "minQty": listing.step_size},
            {"filterType": "MIN_NOTIONAL", "notional": listing.min_notional}
            if venue.is_futures
            else {"filterType": "NOTIONAL", "minNotional": listing.min_notional},
        ],
    }
    if venue.is_futures:
        info |= {"pair": listing.symbol, "contractType": "PERPETUAL", "marginAsset": listing.quote}
        info |= {"pricePrecision": listing.price_precision, "quantityPrecision": listing.quantity_precision}
    return info


def listed_symbol(query: Mapping[str, str], market: PlayedMarket) -> str:
    """Return the symbol a request is about. Raises RestError where it names none, or none that is listed."""
    symbol = query.get("symbol", "")
    if not symbol:
        raise RestError(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
    if symbol not in market.listings:
        raise RestError(-1121, "Invalid symbol.")
    return symbol


def integer(query: Mapping[str, str], name: str) -> int | None:
    """Return a parameter as a number, None where it was not sent. Raises RestError where it is none."""
    text = query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise RestError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'.")
    return int(text)
