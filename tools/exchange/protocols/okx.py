"""OKX as the exchange sees it: fills, books, mark prices, funding and REST. A stream is ``channel:instrument``.

A symbol of the tape, "BTCUSDT", is a swap here, whose sizes are in contracts; one that is spelt "BTC-USDT" is a pair.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from ..events import BookChange, Event, Level, Mark, Quote, Trade
from ..limits import Limits
from ..listings import Listing, base_and_quote
from ..protocol import Endpoint, Heard, PlayedMarket, Reply, RestRequest, VenueProtocol

MS: Final = 1_000_000
SWAP: Final = "-SWAP"
CONTRACTS: Final = {"BTC": "0.01", "ETH": "0.1", "XRP": "100"}
"""Units of base that a contract is, by base; 1 of others."""
TRADES: Final = "trades-all"
MARKS: Final = ("mark-price", "index-tickers", "funding-rate")
CHANNELS: Final = {"/ws/v5/business": (TRADES,), "/ws/v5/public": ("bbo-tbt", "books", *MARKS)}
REST: Final = "/api/v5/"
MOST_TRADES, MOST_PAYMENTS = 100, 400
DEPTH: Final = 400


class Okx:
    """OKX's protocol."""

    name: str = "okx"
    limits: Limits = Limits(
        ping_interval_s=math.inf, silence_s=30.0, messages_per_second=100, streams=500, weight_per_minute=600
    )
    beat_s: float | None = None

    def spelt(self, symbol: str) -> str:
        """Return ``BTC-USDT-SWAP`` of "BTCUSDT"; what has hyphens is spelt already."""
        base, quote = base_and_quote(symbol)
        return symbol if "-" in symbol or not quote else f"{base}-{quote}{SWAP}"

    def endpoint(self, target: str) -> Endpoint | None:
        """Understand the public path and that of business, each with channels of its own."""
        path = target.partition("?")[0]
        return Endpoint(path) if path in CHANNELS else None

    def greet(self, endpoint: Endpoint, market: PlayedMarket) -> tuple[bytes, ...]:
        """Say nothing."""
        return ()

    def hear(self, message: bytes, streams: tuple[str, ...], endpoint: Endpoint, market: PlayedMarket) -> Heard:
        """Answer ping, subscribe and unsubscribe; each instrument is acknowledged, or refused, by itself."""
        if message == b"ping":
            return Heard((b"pong",), streams)
        try:
            request = msgspec.json.decode(message)
            number, action, args = request.get("id"), request["op"], request["args"]
            asked = [(arg["channel"], arg["instId"]) for arg in args]
        except (ValueError, KeyError, TypeError, AttributeError):
            return Heard((_error(60012, "Invalid request"),), streams)
        if action not in ("subscribe", "unsubscribe"):
            return Heard((_error(60012, f"Invalid request: op {action}"),), streams)
        replies: list[bytes] = []
        after = list(streams)
        for channel, symbol in asked:
            stream = f"{channel}:{symbol}"
            if channel not in CHANNELS[endpoint.path]:
                replies.append(_error(60018, f"Wrong URL or channel:{channel},instId:{symbol} doesn't exist."))
            elif not _is_listed(channel, symbol, market):
                replies.append(_error(60018, f"channel:{channel},instId:{symbol} doesn't exist."))
            elif action == "unsubscribe":
                after = [each for each in after if each != stream]
                replies.append(_told(number, action, channel, symbol))
            else:
                replies.append(_told(number, action, channel, symbol))
                replies += _first_messages(channel, symbol, market) if stream not in after else ()
                after = [*after, stream] if stream not in after else after
        return Heard(tuple(replies), tuple(after))

    def streams_of(self, event: Event) -> tuple[str, ...]:
        """Return the streams of an event; a mark price goes into three of them."""
        match event:
            case Trade():
                return (f"{TRADES}:{event.symbol}",)
            case Quote():
                return (f"bbo-tbt:{event.symbol}",)
            case BookChange():
                return (f"books:{event.symbol}",)
        if not event.symbol.endswith(SWAP):
            return ()
        return tuple(f"{channel}:{_named(channel, event.symbol)}" for channel in MARKS)

    def frame(self, event: Event, stream: str, endpoint: Endpoint) -> bytes:
        """Write an event as the message of its channel."""
        channel, _, symbol = stream.partition(":")
        if isinstance(event, Trade):
            row = _trade_row(event)
            if event.id % 7 == 0:
                row |= {"zz": None, "X": {"a": [1, "2"]}}  # keys that no document names
            return _push(channel, symbol, dict(reversed(row.items())) if event.id % 5 == 0 else row)
        if isinstance(event, Quote):
            sides = {"asks": _levels([event.ask], symbol), "bids": _levels([event.bid], symbol)}
            return _push(channel, symbol, {**sides, "ts": _ms(event.event_ns), "seqId": event.id})
        if isinstance(event, BookChange):
            return _book(symbol, event.bids, event.asks, event.event_ns, event.id, event.previous_id, "update")
        return _push(channel, symbol, _mark_row(channel, event))

    def beat(self, streams: tuple[str, ...], endpoint: Endpoint, market: PlayedMarket) -> tuple[bytes, ...]:
        """Send nothing."""
        return ()

    def farewell(self, endpoint: Endpoint) -> bytes | None:
        """Announce a service upgrade."""
        return msgspec.json.encode(
            {"event": "notice", "code": "64008", "msg": "The connection will soon be closed for a service upgrade."}
        )

    def is_rest(self, target: str) -> bool:
        """Tell whether a request target is one of REST."""
        return target.startswith(REST)

    def weight(self, path: str) -> int:
        """Return one for each request."""
        return 1

    def answer(self, request: RestRequest, market: PlayedMarket) -> Reply:
        """Answer time, instruments, history-trades, books and funding; an error has HTTP 200."""
        if request.wait_s is not None:
            return _reply([], 50011, "Too Many Requests", 429, {"Retry-After": str(request.wait_s)})
        query, symbol = request.query, request.query.get("instId", "")
        match request.path.removeprefix(REST):
            case "public/time":
                return _reply([{"ts": _ms(market.playback.now_ns())}])
            case "public/instruments":
                kind = query.get("instType", "")
                return _reply([_instrument(each) for each in market.listings.values() if _kind(each.symbol) == kind])
            case "market/history-trades" if symbol in market.listings:
                return _trades(symbol, query, market)
            case "market/books" if symbol in market.playback.tape.positions:
                now = market.books.now(symbol)
                sides = {"asks": _levels(now.asks, symbol), "bids": _levels(now.bids, symbol)}
                return _reply([{**sides, "ts": _ms(market.playback.now_ns()), "seqId": now.id}])
            case "public/funding-rate" if symbol.endswith(SWAP) and symbol in market.playback.tape.positions:
                return _reply([_mark_row("funding-rate", market.funding.now(symbol, market.playback.now_ns()))])
            case "public/funding-rate-history" if symbol.endswith(SWAP) and symbol in market.playback.tape.positions:
                return _payments(symbol, query, market)
        if request.path.removeprefix(REST).partition("/")[0] in ("public", "market") and symbol:
            return _reply([], 51001, f"Instrument ID, Instrument ID code, or Spread ID doesn't exist: {symbol}.")
        return _reply([], 50404, "Not found", 404)


def _kind(symbol: str) -> str:
    return "SWAP" if symbol.endswith(SWAP) else "SPOT"


def _contract(symbol: str) -> str:
    """Return the units of base that one on the wire is."""
    return CONTRACTS.get(symbol.partition("-")[0], "1") if symbol.endswith(SWAP) else "1"


def _size(quantity: str, symbol: str) -> str:
    """Write a quantity of base in contracts."""
    return format((Decimal(quantity) / Decimal(_contract(symbol))).normalize(), "f")


def _levels(levels: Iterable[Level], symbol: str) -> list[list[str]]:
    return [[price, _size(quantity, symbol), "0", "1"] for price, quantity in levels]


def _ms(time_ns: int) -> str:
    return str(time_ns // MS)


def _named(channel: str, symbol: str) -> str:
    """Return what a swap is called in a channel: an index is of the pair."""
    return symbol.removesuffix(SWAP) if channel == "index-tickers" else symbol


def _is_listed(channel: str, symbol: str, market: PlayedMarket) -> bool:
    wanted = symbol + SWAP if channel == "index-tickers" else symbol
    return wanted in market.listings and (channel not in MARKS or wanted.endswith(SWAP))


def _first_messages(channel: str, symbol: str, market: PlayedMarket) -> list[bytes]:
    """Return what comes at once with a new subscription: a whole book, the funding as it stands."""
    tape_symbol = symbol + SWAP if channel == "index-tickers" else symbol
    if tape_symbol not in market.playback.tape.positions:
        return []
    now_ns = market.playback.now_ns()
    if channel == "books":
        now = market.books.now(symbol)
        return [_book(symbol, now.bids, now.asks, now_ns, now.id, -1, "snapshot")]
    if channel in MARKS:
        return [_push(channel, symbol, _mark_row(channel, market.funding.now(tape_symbol, now_ns)))]
    return []


def _push(channel: str, symbol: str, row: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode({"arg": {"channel": channel, "instId": symbol}, "data": [row]})


def _book(
    symbol: str, bids: Sequence[Level], asks: Sequence[Level], time_ns: int, number: int, previous: int, action: str
) -> bytes:
    row = {"asks": _levels(asks, symbol), "bids": _levels(bids, symbol), "ts": _ms(time_ns), "checksum": 0}
    numbers = {"prevSeqId": previous, "seqId": number}
    return msgspec.json.encode(
        {"arg": {"channel": "books", "instId": symbol}, "action": action, "data": [{**row, **numbers}]}
    )


def _trade_row(trade: Trade) -> dict[str, Any]:
    """Write a trade with the side of its taker."""
    return {
        "instId": trade.symbol,
        "tradeId": str(trade.id),
        "px": trade.price_text,
        "sz": _size(trade.quantity_text, trade.symbol),
        "side": "sell" if trade.buyer_is_maker else "buy",
        "source": "0",
        "ts": _ms(trade.time_ns),
    }


def _mark_row(channel: str, mark: Mark) -> dict[str, Any]:
    row: dict[str, Any] = {"instId": _named(channel, mark.symbol), "ts": _ms(mark.event_ns)}
    if channel == "mark-price":
        return {"instType": "SWAP", **row, "markPx": mark.mark}
    if channel == "index-tickers":
        return {**row, "idxPx": mark.index}
    times = {"fundingTime": mark.next_funding_ns, "nextFundingTime": mark.next_funding_ns + mark.interval_ns}
    rates = {"fundingRate": mark.funding_rate, "nextFundingRate": "", "method": "current_period"}
    return {**row, **rates, **{name: _ms(time_ns) for name, time_ns in times.items()}}


def _instrument(listing: Listing) -> dict[str, Any]:
    symbol, state = listing.symbol, "live" if listing.is_live else "suspend"
    rules = {"instId": symbol, "instType": _kind(symbol), "tickSz": listing.tick_size, "state": state}
    step = _size(listing.step_size, symbol)
    rules |= {"lotSz": step, "minSz": step}
    if not symbol.endswith(SWAP):
        empty = dict.fromkeys(("ctVal", "ctMult", "ctType", "ctValCcy", "settleCcy"), "")
        return {**rules, **empty, "baseCcy": listing.base, "quoteCcy": listing.quote}
    contract = {"ctVal": _contract(symbol), "ctMult": "1", "ctType": "linear", "ctValCcy": listing.base}
    return {**rules, **contract, "settleCcy": listing.quote, "baseCcy": "", "quoteCcy": ""}


def _trades(symbol: str, query: Mapping[str, str], market: PlayedMarket) -> Reply:
    """Answer with trades whose ids are less than ``after``, newest first, as many as ``limit`` says."""
    limit, after = query.get("limit", str(MOST_TRADES)), query.get("after", "")
    if not limit.isdigit() or not 1 <= int(limit) <= MOST_TRADES or not (after.isdigit() or not after):
        return _reply([], 51000, "Parameter limit or after error")
    if symbol not in market.playback.tape.positions:
        return _reply([])
    stop = market.playback.count(symbol)
    if after:
        stop = min(stop, market.playback.nth_of(symbol, int(after)))
    found = market.playback.of_symbol(symbol, stop - int(limit), stop)
    return _reply([_trade_row(trade) for trade in reversed(found)])


def _payments(symbol: str, query: Mapping[str, str], market: PlayedMarket) -> Reply:
    """Answer with payments between ``before`` and ``after``, both excluded, newest first."""
    now_ms = market.playback.now_ns() // MS
    first_ms, last_ms = int(query.get("before", now_ms - 90 * 86_400_000)), int(query.get("after", now_ms + 1))
    paid = market.funding.payments(symbol, (first_ms + 1) * MS, (min(last_ms, now_ms + 1) - 1) * MS)
    rows = [
        {"instId": symbol, "instType": "SWAP", "fundingTime": _ms(at), "fundingRate": rate, "realizedRate": rate}
        for at, rate, _ in paid
    ]
    return _reply(rows[::-1][: int(query.get("limit", MOST_PAYMENTS))])


def _told(number: object, action: str, channel: str, symbol: str) -> bytes:
    arg = {"channel": channel, "instId": symbol}
    return msgspec.json.encode({"id": number, "event": action, "arg": arg, "connId": "a4d3ae55"})


def _error(code: int, message: str) -> bytes:
    return msgspec.json.encode({"event": "error", "code": str(code), "msg": message, "connId": "a4d3ae55"})


def _reply(
    rows: list[dict[str, Any]],
    code: int = 0,
    message: str = "",
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    return Reply(status, msgspec.json.encode({"code": str(code), "msg": message, "data": rows}), headers or {})


PROTOCOLS: Final[tuple[VenueProtocol, ...]] = (Okx(),)
