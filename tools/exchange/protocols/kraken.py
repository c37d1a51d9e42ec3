"""Kraken spot as the exchange sees it: trade, ticker and book of the second WebSocket interface, and REST.

A stream is ``channel:symbol``.
"""

import math
import time
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from ..events import BookChange, Event, Level, Quote, Trade
from ..limits import Limits
from ..listings import Listing, base_and_quote
from ..protocol import Endpoint, Heard, PlayedMarket, Reply, RestRequest, VenueProtocol
from ..texts import iso, number

CHANNELS: Final = ("trade", "ticker", "book")
MOST_A_PAGE: Final = 1_000
OLD_NAMES: Final = {"BTC": "XBT", "DOGE": "XDG"}


class Kraken:
    """Kraken's protocol."""

    name: str = "kraken"
    limits: Limits = Limits(ping_interval_s=math.inf, messages_per_second=20, streams=1_000, weight_per_minute=60)
    beat_s: float | None = 1.0

    def spelt(self, symbol: str) -> str:
        """Return ``BTC/USDT``."""
        base, quote = base_and_quote(symbol)
        return f"{base}/{quote}" if quote else symbol

    def endpoint(self, target: str) -> Endpoint | None:
        """Understand ``/v2``."""
        return Endpoint(target) if target.rstrip("/") == "/v2" else None

    def greet(self, endpoint: Endpoint, market: PlayedMarket) -> tuple[bytes, ...]:
        """Say that the venue is online."""
        status = {"version": "2.0.10", "system": "online", "api_version": "v2", "connection_id": 12893532456}
        return (_data("status", "update", [status]),)

    def hear(self, message: bytes, streams: tuple[str, ...], endpoint: Endpoint, market: PlayedMarket) -> Heard:
        """Answer ping, subscribe and unsubscribe, each symbol by itself."""
        heard_ns = time.time_ns()
        try:
            request = msgspec.json.decode(message)
            method, params = request["method"], request.get("params", {})
            channel, symbols = params.get("channel"), [*params.get("symbol", [])]
        except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
            return Heard((_refused({"error": "Malformed request"}, heard_ns),), streams)
        told = {"method": method} | ({"req_id": request["req_id"]} if "req_id" in request else {})
        if method == "ping":
            return Heard((_timed({**told, "method": "pong"}, heard_ns),), streams)
        if method not in ("subscribe", "unsubscribe") or channel not in CHANNELS:
            return Heard((_refused({"error": "Unknown method or channel", **told}, heard_ns),), streams)
        replies = []
        for symbol in symbols:
            stream = f"{channel}:{symbol}"
            if symbol not in market.listings:
                error = {"error": f"Currency pair not supported {symbol}", **told, "symbol": symbol}
                replies.append(_refused(error, heard_ns))
                continue
            is_new = method == "subscribe" and stream not in streams
            streams = (*(each for each in streams if each != stream), *((stream,) if method == "subscribe" else ()))
            result = {"channel": channel, "symbol": symbol}
            replies.append(_timed({**told, "result": result, "success": True}, heard_ns))
            if is_new and params.get("snapshot", True) and symbol in market.playback.tape.positions:
                replies.append(_snapshot(channel, symbol, market))
        return Heard(tuple(replies), streams)

    def streams_of(self, event: Event) -> tuple[str, ...]:
        """Return the stream of trades, of quotes or of books."""
        channel = {"trades": "trade", "quotes": "ticker", "books": "book"}.get(event.kind)
        return (f"{channel}:{event.symbol}",) if channel else ()

    def frame(self, event: Event, stream: str, endpoint: Endpoint) -> bytes:
        """Write an event as an update of its channel."""
        match event:
            case Trade():
                return _data("trade", "update", [_trade(event)], backwards=event.id % 5 == 0)
            case Quote():
                bid, ask = ({"price": number(price), "qty": number(size)} for price, size in (event.bid, event.ask))
                sides = {"bid": bid["price"], "bid_qty": bid["qty"], "ask": ask["price"], "ask_qty": ask["qty"]}
                return _data("ticker", "update", [{"symbol": event.symbol, **sides, "timestamp": iso(event.event_ns)}])
            case BookChange():
                book = _book(event.symbol, event.bids, event.asks, event.best_bids, event.best_asks)
                return _data("book", "update", [{**book, "timestamp": iso(event.event_ns)}])
        raise AssertionError(event)

    def beat(self, streams: tuple[str, ...], endpoint: Endpoint, market: PlayedMarket) -> tuple[bytes, ...]:
        """Return a heartbeat where anything is subscribed."""
        return (b'{"channel":"heartbeat"}',) if streams else ()

    def farewell(self, endpoint: Endpoint) -> bytes | None:
        """Announce nothing."""
        return None

    def is_rest(self, target: str) -> bool:
        """Tell whether a request target is one of REST."""
        return target.startswith("/0/public/")

    def weight(self, path: str) -> int:
        """Return one for each request."""
        return 1

    def answer(self, request: RestRequest, market: PlayedMarket) -> Reply:
        """Answer Time, AssetPairs and Trades; errors come with HTTP 200."""
        if request.wait_s is not None:
            return _error("EGeneral:Too many requests")
        match request.path.removeprefix("/0/public/"):
            case "Time":
                return _result({"unixtime": market.playback.now_ns() // 10**9})
            case "AssetPairs":
                pairs = [_pair(listing) for listing in market.listings.values()]
                return _result({pair["altname"]: pair for pair in pairs})
            case "Trades":
                return _trades(request.query, market)
        return _error("EGeneral:Unknown method")


def _snapshot(channel: str, symbol: str, market: PlayedMarket) -> bytes:
    playback = market.playback
    match channel:
        case "trade":
            count = playback.count(symbol)
            return _data(
                "trade", "snapshot", [_trade(trade) for trade in playback.of_symbol(symbol, count - 50, count)]
            )
        case "ticker":
            book = market.books.now(symbol)
            (bid, bid_qty), (ask, ask_qty) = book.bids[0], book.asks[0]
            best = {"bid": number(bid), "bid_qty": number(bid_qty), "ask": number(ask), "ask_qty": number(ask_qty)}
            return _data("ticker", "snapshot", [{"symbol": symbol, **best}])
    book = market.books.now(symbol)
    return _data("book", "snapshot", [_book(symbol, book.bids, book.asks, book.bids[:10], book.asks[:10])])


def _trade(trade: Trade) -> dict[str, Any]:
    fields = {
        "symbol": trade.symbol,
        "side": "sell" if trade.buyer_is_maker else "buy",
        "price": number(trade.price_text),
        "qty": number(trade.quantity_text),
        "ord_type": "limit",
        "trade_id": trade.id,
        "timestamp": iso(trade.time_ns),
    }
    return fields | ({"zz": None, "X": {"a": [1, "2"]}} if trade.id % 7 == 0 else {})  # keys that no document names


def _book(
    symbol: str, bids: Iterable[Level], asks: Iterable[Level], best_bids: Iterable[Level], best_asks: Iterable[Level]
) -> dict[str, Any]:
    """Write levels, with the checksum of the book after them."""
    digits = [text.replace(".", "").lstrip("0") for level in (*best_asks, *best_bids) for text in level]
    sides = {
        side: [{"price": number(price), "qty": number(size)} for price, size in levels]
        for side, levels in (("bids", bids), ("asks", asks))
    }
    return {"symbol": symbol, **sides, "checksum": zlib.crc32("".join(digits).encode())}


def _data(channel: str, kind: str, data: list[dict[str, Any]], *, backwards: bool = False) -> bytes:
    message = {"channel": channel, "type": kind, "data": data}
    return msgspec.json.encode(dict(reversed(message.items())) if backwards else message)


def _timed(message: dict[str, Any], heard_ns: int) -> bytes:
    return msgspec.json.encode({**message, "time_in": iso(heard_ns), "time_out": iso(time.time_ns())})


def _refused(message: dict[str, Any], heard_ns: int) -> bytes:
    return _timed({**message, "success": False}, heard_ns)


def _old(currency: str) -> str:
    return OLD_NAMES.get(currency, currency)


def _pair(listing: Listing) -> dict[str, Any]:
    base, quote = _old(listing.base), _old(listing.quote)
    price, size = (len(step.partition(".")[2]) for step in (listing.tick_size, listing.step_size))
    return {
        "altname": base + quote,
        "wsname": f"{base}/{quote}",
        "pair_decimals": price,
        "lot_decimals": size,
        "ordermin": listing.step_size,
        "costmin": listing.min_notional,
        "tick_size": listing.tick_size,
        "status": "online" if listing.is_live else "cancel_only",
    }


def _trades(query: Mapping[str, str], market: PlayedMarket) -> Reply:
    """Answer with trades after ``since``, oldest first; without it with the newest."""
    names = {_old(each.base) + _old(each.quote): symbol for symbol, each in market.listings.items()}
    symbol, since, count = names.get(query.get("pair", "")), query.get("since"), query.get("count", str(MOST_A_PAGE))
    if symbol is None:
        return _error("EQuery:Unknown asset pair")
    if not count.isdigit() or not 1 <= int(count) <= MOST_A_PAGE or not (since is None or since.isdigit()):
        return _error("EGeneral:Invalid arguments")
    found: list[Trade] = []
    if symbol in market.playback.tape.positions:
        played, most = market.playback.count(symbol), int(count)
        if since is None:
            found = market.playback.of_symbol(symbol, played - most, played)
        else:
            start = market.playback.nth_at(symbol, int(since) // 10**6)  # those of its millisecond are looked at
            some = market.playback.of_symbol(symbol, start, start + most + 1_000)
            found = [trade for trade in some if trade.time_ns > int(since)][:most]
    last = str(found[-1].time_ns) if found else (since or "0")
    return _result({query["pair"]: [_row(trade) for trade in found], "last": last})


def _row(trade: Trade) -> list[Any]:
    seconds = msgspec.Raw(f"{trade.time_ns // 10**9}.{trade.time_ns % 10**9:09d}".encode())
    side = "s" if trade.buyer_is_maker else "b"
    return [trade.price_text, trade.quantity_text, seconds, side, "l", "", trade.id]


def _result(content: object) -> Reply:
    return Reply(200, msgspec.json.encode({"error": [], "result": content}))


def _error(message: str) -> Reply:
    return Reply(200, msgspec.json.encode({"error": [message]}))


PROTOCOLS: Final[tuple[VenueProtocol, ...]] = (Kraken(),)
