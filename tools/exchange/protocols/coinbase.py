"""Coinbase Exchange as the exchange sees it: matches, heartbeats, books and REST. A stream is ``channel:product``."""

import math
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

import msgspec

from ..events import BookChange, Event, Trade
from ..limits import Limits
from ..listings import Listing, base_and_quote
from ..protocol import Endpoint, Heard, PlayedMarket, Reply, RestRequest, VenueProtocol
from ..texts import iso

CHANNELS: Final = ("matches", "heartbeat", "level2_batch")
MOST_A_PAGE: Final = 1_000


class Coinbase:
    """Coinbase's protocol."""

    name: str = "coinbase"
    limits: Limits = Limits(ping_interval_s=math.inf, messages_per_second=100, streams=1_000, weight_per_minute=600)
    beat_s: float | None = 1.0

    def spelt(self, symbol: str) -> str:
        """Return ``BTC-USDT``."""
        base, quote = base_and_quote(symbol)
        return f"{base}-{quote}" if quote else symbol

    def endpoint(self, target: str) -> Endpoint | None:
        """Understand the bare address."""
        return Endpoint(target) if target in ("", "/") else None

    def greet(self, endpoint: Endpoint, market: PlayedMarket) -> tuple[bytes, ...]:
        """Say nothing."""
        return ()

    def hear(self, message: bytes, streams: tuple[str, ...], endpoint: Endpoint, market: PlayedMarket) -> Heard:
        """Answer subscribe and unsubscribe; one unknown product or channel refuses the whole message."""
        try:
            request = msgspec.json.decode(message)
            kind, products, channels = (request[key] for key in ("type", "product_ids", "channels"))
            asked = [f"{channel}:{product}" for channel in channels for product in products]
        except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError):
            return Heard((_error("Malformed JSON"),), streams)
        unknown = [product for product in products if product not in market.listings]
        if unknown:
            return Heard((_error("Failed to subscribe", f"{unknown[0]} is not a valid product"),), streams)
        if not channels or not set(channels) <= {*CHANNELS}:
            return Heard((_error("Failed to subscribe", f"{channels} is not a valid channel"),), streams)
        if kind == "unsubscribe":
            after = tuple(stream for stream in streams if stream not in asked)
            return Heard((_subscriptions(after),), after)
        if kind != "subscribe":
            return Heard((_error(f"Type {kind} is not valid"),), streams)
        after = tuple(dict.fromkeys((*streams, *asked)))
        fresh = [stream for stream in asked if stream not in streams]
        return Heard((_subscriptions(after), *_first_messages(fresh, market)), after)

    def streams_of(self, event: Event) -> tuple[str, ...]:
        """Return the stream of matches or of books; quotes are told with trades only, there are no mark prices."""
        match event:
            case Trade():
                return (f"matches:{event.symbol}",)
            case BookChange():
                return (f"level2_batch:{event.symbol}",)
        return ()

    def frame(self, event: Event, stream: str, endpoint: Endpoint) -> bytes:
        """Write an event as match or l2update."""
        if isinstance(event, Trade):
            return _match(event, "match")
        assert isinstance(event, BookChange), event
        changes = [("buy", *level) for level in event.bids] + [("sell", *level) for level in event.asks]
        update = {"type": "l2update", "product_id": event.symbol, "time": iso(event.event_ns), "changes": changes}
        return msgspec.json.encode(update)

    def beat(self, streams: tuple[str, ...], endpoint: Endpoint, market: PlayedMarket) -> tuple[bytes, ...]:
        """Return a heartbeat of each product that has one subscribed, with the id of its newest trade."""
        products = [stream.partition(":")[2] for stream in streams if stream.startswith("heartbeat:")]
        return tuple(_heartbeat(product, market) for product in products)

    def farewell(self, endpoint: Endpoint) -> bytes | None:
        """Announce nothing."""
        return None

    def is_rest(self, target: str) -> bool:
        """Tell whether a request target is one of REST."""
        return target.startswith(("/products", "/time"))

    def weight(self, path: str) -> int:
        """Return one for each request."""
        return 1

    def answer(self, request: RestRequest, market: PlayedMarket) -> Reply:
        """Answer products, trades and time."""
        if request.wait_s is not None:
            return _refusal(429, "Public rate limit exceeded", {"Retry-After": str(request.wait_s)})
        match request.path.strip("/").split("/"):
            case ["time"]:
                now_ns = market.playback.now_ns()
                return _found({"iso": iso(now_ns), "epoch": now_ns / 10**9})
            case ["products"]:
                return _found([_product(listing) for listing in market.listings.values()])
            case ["products", product, "trades"] if product in market.listings:
                return _trades(product, request.query, market)
        return _refusal(404, "NotFound")


def _first_messages(streams: Iterable[str], market: PlayedMarket) -> list[bytes]:
    """Return what comes at once with new subscriptions: the newest trade of each product, and whole books."""
    messages = []
    for stream in streams:
        channel, _, product = stream.partition(":")
        if product not in market.playback.tape.positions:
            continue
        if channel == "matches" and (newest := _newest(product, market)):
            messages.append(_match(newest, "last_match"))
        elif channel == "level2_batch":
            book = market.books.now(product)
            whole = {"type": "snapshot", "product_id": product, "bids": book.bids, "asks": book.asks}
            messages.append(msgspec.json.encode({**whole, "time": iso(market.playback.now_ns())}))
    return messages


def _newest(product: str, market: PlayedMarket) -> Trade | None:
    count = market.playback.count(product) if product in market.playback.tape.positions else 0
    return market.playback.of_symbol(product, count - 1, count)[0] if count else None


def _match(trade: Trade, kind: str) -> bytes:
    maker, taker = (str(UUID(int=trade.id + each * 2**64, version=4)) for each in (1, 2))
    fields: dict[str, Any] = {"type": kind, "maker_order_id": maker, "taker_order_id": taker, **_row(trade)}
    fields |= {"product_id": trade.symbol, "sequence": trade.id * 3 + 7}
    if trade.id % 7 == 0:
        fields |= {"zz": None, "X": {"a": [1, "2"]}}  # keys that no document names
    return msgspec.json.encode(dict(reversed(fields.items())) if trade.id % 5 == 0 else fields)


def _row(trade: Trade) -> dict[str, Any]:
    """Write a trade with the side of its maker."""
    side = "buy" if trade.buyer_is_maker else "sell"
    texts = {"price": trade.price_text, "size": trade.quantity_text, "side": side}
    return {"time": iso(trade.time_ns), "trade_id": trade.id, **texts}


def _heartbeat(product: str, market: PlayedMarket) -> bytes:
    newest = _newest(product, market)
    last_id = newest.id if newest else 0
    told = {"type": "heartbeat", "product_id": product, "last_trade_id": last_id, "sequence": last_id * 3 + 7}
    return msgspec.json.encode({**told, "time": iso(time.time_ns())})


def _subscriptions(streams: Iterable[str]) -> bytes:
    channels: dict[str, list[str]] = {}
    for stream in streams:
        channel, _, product = stream.partition(":")
        channels.setdefault(channel, []).append(product)
    told = [{"name": name, "product_ids": products} for name, products in channels.items()]
    return msgspec.json.encode({"type": "subscriptions", "channels": told})


def _error(message: str, reason: str = "") -> bytes:
    return msgspec.json.encode({"type": "error", "message": message, **({"reason": reason} if reason else {})})


def _product(listing: Listing) -> dict[str, Any]:
    return {
        "id": listing.symbol,
        "base_currency": listing.base,
        "quote_currency": listing.quote,
        "quote_increment": listing.tick_size,
        "base_increment": listing.step_size,
        "min_market_funds": listing.min_notional,
        "status": "online" if listing.is_live else "delisted",
        "trading_disabled": not listing.is_live,
        "cancel_only": False,
        "post_only": False,
        "limit_only": False,
    }


def _trades(product: str, query: Mapping[str, str], market: PlayedMarket) -> Reply:
    """Answer with trades whose ids are less than ``after``, newest first, as many as ``limit`` says."""
    texts = {"limit": str(MOST_A_PAGE), **query}
    if not all(text.isdigit() for text in texts.values()) or not 1 <= int(texts["limit"]) <= MOST_A_PAGE:
        return _refusal(400, "Invalid request")
    if product not in market.playback.tape.positions:
        return _found([])
    playback = market.playback
    stop = playback.count(product)
    if "after" in texts:
        stop = min(stop, playback.nth_of(product, int(texts["after"])))
    found: list[Trade] = playback.of_symbol(product, stop - int(texts["limit"]), stop)
    return _found([_row(trade) for trade in reversed(found)])


def _found(content: object) -> Reply:
    return Reply(200, msgspec.json.encode(content))


def _refusal(status: int, message: str, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, msgspec.json.encode({"message": message}), headers or {})


PROTOCOLS: Final[tuple[VenueProtocol, ...]] = (Coinbase(),)
