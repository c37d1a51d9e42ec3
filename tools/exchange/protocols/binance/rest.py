"""REST of Binance: trades, books, funding, exchangeInfo, time."""

from collections.abc import Mapping

import msgspec

from ...bars import LENGTHS_MS, bars_between
from ...events import Trade
from ...listings import Listing
from ...protocol import PlayedMarket, Reply, RestRequest
from .addresses import Addresses
from .funding import FUNDING
from .messages import book_number, rest_row
from .queries import HOUR_MS, RestError, integer, limit_of, listed_symbol


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
        case "klines":
            return _klines(venue, request.query, market)
        case "depth":
            return _depth(venue, request.query, market)
    if venue.is_futures and name in FUNDING:
        return FUNDING[name](request.query, market)
    raise RestError(-5000, f"Path {request.path}, Method GET is invalid", 404)


def _agg_trades(query: Mapping[str, str], market: PlayedMarket) -> list[Trade]:
    symbol = listed_symbol(query, market)
    limit = limit_of(query, 500, 1_000)
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


def _klines(venue: Addresses, query: Mapping[str, str], market: PlayedMarket) -> list[list[object]]:
    symbol, limit = listed_symbol(query, market), limit_of(query, 500, 1_500 if venue.is_futures else 1_000)
    length_ms = LENGTHS_MS.get(query.get("interval", ""), 0)
    if not length_ms or (venue.is_futures and length_ms < 60_000):
        raise RestError(-1120, "Invalid interval.")
    if symbol not in market.playback.tape.positions:
        return []
    start_ms, end_ms = integer(query, "startTime"), integer(query, "endTime")
    now_ms = market.playback.now_ns() // 1_000_000
    end_ms = now_ms if end_ms is None else min(end_ms, now_ms)
    if start_ms is None:
        start_ms = end_ms - end_ms % length_ms - (limit - 1) * length_ms
    first_ms = -(-start_ms // length_ms) * length_ms
    bars = bars_between(market.playback, symbol, length_ms, first_ms, min(end_ms + 1, first_ms + limit * length_ms))
    return [
        [
            bar.start_ms,
            *(bar.open, bar.high, bar.low, bar.close, bar.volume),
            bar.start_ms + length_ms - 1,
            "0",
            bar.trades,
            bar.bought,
            "0",
            "0",
        ]
        for bar in bars
    ]


def _depth(venue: Addresses, query: Mapping[str, str], market: PlayedMarket) -> dict[str, object]:
    symbol, limit = listed_symbol(query, market), limit_of(query, 500 if venue.is_futures else 100, 5_000)
    if symbol not in market.playback.tape.positions:
        return {"lastUpdateId": 0, "bids": [], "asks": []}
    book, now_ms = market.books.now(symbol), market.playback.now_ns() // 1_000_000
    last = book_number(book.id, is_futures=venue.is_futures)
    times = {"E": now_ms, "T": now_ms} if venue.is_futures else {}
    return {"lastUpdateId": last, **times, "bids": book.bids[:limit], "asks": book.asks[:limit]}


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
