"""Bybit as the exchange sees it: fills, books, tickers and REST of linear contracts and of spot. A stream is a topic.

Three trades after each other share a ``seq``, as the fills of one taker order do, and come in a message each.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

import msgspec

from ..events import BookChange, Event, Mark, Quote, Trade
from ..limits import Limits
from ..listings import Listing, base_and_quote
from ..protocol import Endpoint, Heard, PlayedMarket, Reply, RestRequest, VenueProtocol

MS: Final = 1_000_000
REST: Final = "/v5/market/"
FIRST_SEQ: Final = 822_000_000_000
FILLS: Final = 3  # of one order
MOST_TOPICS: Final = 10  # in a subscription to spot pairs
MOST_PAYMENTS: Final = 200
TRADES, QUOTES, BOOKS, TICKERS = "publicTrade.", "orderbook.1.", "orderbook.200.", "tickers."
LIMITS: Final = Limits(ping_interval_s=math.inf, messages_per_second=500, streams=2_000, weight_per_minute=7_200)


class Bybit:
    """Bybit's protocol in one of its categories.

    Parameters
    ----------
    category : "linear" or "spot".
    recent_trades : how many REST gives at most.
    """

    beat_s: float | None = None

    def __init__(self, category: str, recent_trades: int) -> None:
        self._category, self._recent_trades = category, recent_trades
        self._path = f"/v5/public/{category}"
        self._kinds = (TRADES, QUOTES, BOOKS, TICKERS) if category == "linear" else (TRADES, QUOTES, BOOKS)

    @property
    def name(self) -> str:
        """Name of the venue."""
        return f"bybit-{self._category}"

    @property
    def limits(self) -> Limits:
        """What it allows."""
        return replace(LIMITS, silence_s=600.0)

    def spelt(self, symbol: str) -> str:
        """Return ``BTCUSDT``."""
        base, quote = base_and_quote(symbol)
        return f"{base}{quote}"

    def endpoint(self, target: str) -> Endpoint | None:
        """Understand the path of the category."""
        return Endpoint(self._path) if target.partition("?")[0] == self._path else None

    def greet(self, endpoint: Endpoint, market: PlayedMarket) -> tuple[bytes, ...]:
        """Say nothing."""
        return ()

    def hear(self, message: bytes, streams: tuple[str, ...], endpoint: Endpoint, market: PlayedMarket) -> Heard:
        """Answer ping, subscribe and unsubscribe; one topic that does not exist refuses the whole message."""
        try:
            request = msgspec.json.decode(message)
            number, action, topics = request.get("req_id", ""), request["op"], request.get("args", [])
        except (ValueError, KeyError, TypeError, AttributeError):
            return Heard((_told("", "", "Invalid request", is_yes=False),), streams)
        if action == "ping":
            return Heard((_told("ping", number, "pong"),), streams)
        unknown = next((topic for topic in topics if not self._is_topic(topic, market)), None)
        if action not in ("subscribe", "unsubscribe") or not topics or unknown is not None:
            said = f"error:handler not found,topic:{unknown}"
            return Heard((_told(action, number, said, is_yes=False),), streams)
        if self._category == "spot" and len(topics) > MOST_TOPICS:
            return Heard((_told(action, number, "args size >10", is_yes=False),), streams)
        told = _told(action, number, "")
        if action == "unsubscribe":
            return Heard((told,), tuple(stream for stream in streams if stream not in topics))
        fresh = [topic for topic in dict.fromkeys(topics) if topic not in streams]
        first = [message for topic in fresh for message in _first_messages(topic, market)]
        return Heard((told, *first), (*streams, *fresh))

    def streams_of(self, event: Event) -> tuple[str, ...]:
        """Return the topic of an event; spot has no mark prices."""
        kinds = {"trades": TRADES, "quotes": QUOTES, "books": BOOKS, "marks": TICKERS}
        kind = kinds[event.kind]
        return (kind + event.symbol,) if kind in self._kinds else ()

    def frame(self, event: Event, stream: str, endpoint: Endpoint) -> bytes:
        """Write an event as the message of its topic."""
        if isinstance(event, Trade):
            return _push(stream, "snapshot", event.event_ns, [_trade_row(event)])
        if isinstance(event, Quote):
            return _book(stream, "snapshot", event, [event.bid], [event.ask], event.id)
        if isinstance(event, BookChange):
            return _book(stream, "delta", event, event.bids, event.asks, event.count)
        return _push(stream, "delta", event.event_ns, _ticker(event))

    def beat(self, streams: tuple[str, ...], endpoint: Endpoint, market: PlayedMarket) -> tuple[bytes, ...]:
        """Send nothing."""
        return ()

    def farewell(self, endpoint: Endpoint) -> bytes | None:
        """Announce nothing."""
        return None

    def is_rest(self, target: str) -> bool:
        """Tell whether a request target is one of REST."""
        return target.startswith(REST)

    def weight(self, path: str) -> int:
        """Return one for each request."""
        return 1

    def answer(self, request: RestRequest, market: PlayedMarket) -> Reply:
        """Answer time, instruments, trades, books and funding; who asks too often is refused with 403."""
        if request.wait_s is not None:
            return Reply(403, msgspec.json.encode({"retCode": 10006, "retMsg": "access too frequent"}))
        now_ns = market.playback.now_ns()
        name = request.path.removeprefix(REST)
        if name == "time":
            return _reply({"timeSecond": str(now_ns // 10**9), "timeNano": str(now_ns)})
        query, symbol = request.query, request.query.get("symbol", "")
        if query.get("category") != self._category or (symbol and symbol not in market.listings):
            return _reply({}, 10001, "params error: symbol invalid")
        match name:
            case "instruments-info":
                listed = [each for each in market.listings.values() if symbol in ("", each.symbol)]
                return self._rows([self._instrument(each, market) for each in listed])
            case "recent-trade" if symbol in market.playback.tape.positions:
                most = min(int(query.get("limit", self._recent_trades)), self._recent_trades)
                count = market.playback.count(symbol)
                found = market.playback.of_symbol(symbol, count - most, count)
                return self._rows([_past_row(trade) for trade in reversed(found)])
            case "recent-trade" if symbol:
                return self._rows([])
            case "orderbook" if symbol in market.playback.tape.positions:
                now = market.books.now(symbol)
                numbers = {"ts": now_ns // MS, "cts": now_ns // MS, "u": now.count, "seq": now.id}
                return _reply({"s": symbol, "b": now.bids, "a": now.asks, **numbers})
            case "funding/history" if symbol in market.playback.tape.positions and self._category == "linear":
                first_ms, last_ms = int(query["startTime"]), min(int(query["endTime"]), now_ns // MS)
                paid = market.funding.payments(symbol, first_ms * MS, last_ms * MS)[-MOST_PAYMENTS:]
                rows = [
                    {"symbol": symbol, "fundingRate": rate, "fundingRateTimestamp": str(at // MS)}
                    for at, rate, _ in reversed(paid)
                ]
                return self._rows(rows)
        return _reply({}, 10001, "params error", 404)

    def _is_topic(self, topic: object, market: PlayedMarket) -> bool:
        if not isinstance(topic, str):
            return False
        return any(topic.removeprefix(kind) in market.listings for kind in self._kinds if topic.startswith(kind))

    def _rows(self, rows: list[dict[str, Any]]) -> Reply:
        return _reply({"category": self._category, "list": rows, "nextPageCursor": ""})

    def _instrument(self, listing: Listing, market: PlayedMarket) -> dict[str, Any]:
        row: dict[str, Any] = {"symbol": listing.symbol, "baseCoin": listing.base, "quoteCoin": listing.quote}
        row |= {"status": "Trading" if listing.is_live else "Closed", "priceFilter": {"tickSize": listing.tick_size}}
        if self._category == "spot":
            lot = {"basePrecision": listing.step_size, "minOrderAmt": listing.min_notional}
            return {**row, "innovation": "0", "lotSizeFilter": lot}
        minutes = market.funding.interval_ns(listing.symbol) // (60 * 10**9)
        lot = {"qtyStep": listing.step_size, "minNotionalValue": listing.min_notional}
        return {**row, "contractType": "LinearPerpetual", "fundingInterval": minutes, "lotSizeFilter": lot}


def _seq(trade: Trade) -> int:
    return FIRST_SEQ + trade.id // FILLS * 7


def _text(trade: Trade) -> str:
    return str(UUID(int=trade.id, version=5))


def _trade_row(trade: Trade) -> dict[str, Any]:
    row: dict[str, Any] = {"T": trade.time_ns // MS, "s": trade.symbol, "S": "Sell" if trade.buyer_is_maker else "Buy"}
    row |= {"v": trade.quantity_text, "p": trade.price_text, "L": "PlusTick", "i": _text(trade)}
    row |= {"BT": False, "RPI": trade.id % 11 == 0, "seq": _seq(trade)}
    if trade.id % 7 == 0:
        row |= {"zz": None, "X": {"a": [1, "2"]}}  # keys that no document names
    return dict(reversed(row.items())) if trade.id % 5 == 0 else row


def _past_row(trade: Trade) -> dict[str, Any]:
    side = "Sell" if trade.buyer_is_maker else "Buy"
    row = {"execId": _text(trade), "symbol": trade.symbol, "price": trade.price_text, "size": trade.quantity_text}
    flags = {"isBlockTrade": False, "isRPITrade": trade.id % 11 == 0}
    return {**row, "side": side, "time": str(trade.time_ns // MS), "seq": str(_seq(trade)), **flags}


def _ticker(mark: Mark) -> dict[str, str]:
    """Write a mark price; what seldom changes is left out of all but some."""
    row = {"symbol": mark.symbol, "markPrice": mark.mark, "indexPrice": mark.index}
    if mark.id % 3 == 0:
        row |= {"fundingRate": mark.funding_rate, "nextFundingTime": str(mark.next_funding_ns // MS)}
        row |= {"fundingIntervalHour": str(mark.interval_ns // (3_600 * 10**9))}
    return row


def _first_messages(topic: str, market: PlayedMarket) -> list[bytes]:
    """Return what comes at once with a new subscription: a whole book, a whole ticker."""
    symbol = topic.rpartition(".")[2]
    if symbol not in market.playback.tape.positions:
        return []
    now_ns = market.playback.now_ns()
    if topic.startswith(BOOKS):
        now = market.books.now(symbol)
        data = {"s": symbol, "b": now.bids, "a": now.asks, "u": now.count, "seq": now.id}
        return [_push(topic, "snapshot", now_ns, data, cts=now_ns // MS)]
    if topic.startswith(TICKERS):
        mark = msgspec.structs.replace(market.funding.now(symbol, now_ns), id=0)
        return [_push(topic, "snapshot", now_ns, _ticker(mark))]
    return []


def _book(topic: str, kind: str, event: Quote | BookChange, bids: object, asks: object, number: int) -> bytes:
    data = {"s": event.symbol, "b": bids, "a": asks, "u": number, "seq": event.id}
    return _push(topic, kind, event.event_ns, data, cts=event.time_ns // MS)


def _push(topic: str, kind: str, time_ns: int, data: object, **more: int) -> bytes:
    return msgspec.json.encode({"topic": topic, "type": kind, "ts": time_ns // MS, "data": data, **more})


def _told(action: str, number: object, message: str, *, is_yes: bool = True) -> bytes:
    told = {"success": is_yes, "ret_msg": message, "conn_id": "d6ki1eae0cl5msgggj7g-1uoz2", "op": action}
    return msgspec.json.encode({**told, "req_id": number})


def _reply(result: Mapping[str, Any], code: int = 0, message: str = "OK", status: int = 200) -> Reply:
    return Reply(status, msgspec.json.encode({"retCode": code, "retMsg": message, "result": result, "time": 1}))


PROTOCOLS: Final[tuple[VenueProtocol, ...]] = (Bybit("linear", 1_000), Bybit("spot", 60))
