"""Binance as the exchange sees it: addresses, control frames, messages and REST of one of its venues."""

import time

import msgspec

from ...events import BookChange, Event, Kind, Mark, Quote, Trade
from ...limits import Limits
from ...protocol import Endpoint, Heard, PlayedMarket, Reply, RestRequest
from .addresses import Addresses, endpoint
from .control import answer
from .messages import Json, depth_message, mark_message, quote_message, stream_message, wrap
from .rest import reply

STREAMS: dict[Kind, tuple[str, ...]] = {
    "trades": ("aggTrade",),
    "quotes": ("bookTicker",),
    "books": ("depth@100ms",),
    "marks": ("markPrice@1s",),
}


class Binance:
    """Binance's protocol at one of its venues."""

    beat_s: float | None = None

    def __init__(self, venue: Addresses) -> None:
        self._venue = venue

    @property
    def name(self) -> str:
        """Name of the venue."""
        return self._venue.name

    @property
    def limits(self) -> Limits:
        """What it allows."""
        return self._venue.limits

    def spelt(self, symbol: str) -> str:
        """Return the symbol as it is: the tape spells as Binance does."""
        return symbol

    def endpoint(self, target: str) -> Endpoint | None:
        """Understand ``/ws/<streams>`` and ``/stream?streams=``."""
        return endpoint(self._venue, target)

    def greet(self, endpoint: Endpoint, market: PlayedMarket) -> tuple[bytes, ...]:
        """Say nothing."""
        return ()

    def hear(self, message: bytes, streams: tuple[str, ...], endpoint: Endpoint, market: PlayedMarket) -> Heard:
        """Answer SUBSCRIBE, UNSUBSCRIBE and LIST_SUBSCRIPTIONS."""
        reply, after = answer(message, streams, market.limits.streams)
        return Heard((reply,), after)

    def streams_of(self, event: Event) -> tuple[str, ...]:
        """Return the stream of the symbol; a trade's is ``<symbol>@aggTrade``, spot has no mark prices."""
        names = STREAMS[event.kind]
        if not self._venue.is_futures and event.kind == "marks":
            return ()
        return tuple(f"{event.symbol.lower()}@{name}" for name in names)

    def frame(self, event: Event, stream: str, endpoint: Endpoint) -> bytes:
        """Write an event as aggTrade, bookTicker, depthUpdate or markPriceUpdate."""
        is_futures, wrapped = self._venue.is_futures, endpoint.wrapped
        match event:
            case Trade():
                return stream_message(event, stream, is_futures=is_futures, wrapped=wrapped)
            case Quote():
                return quote_message(event, stream, is_futures=is_futures, wrapped=wrapped)
            case BookChange():
                return depth_message(event, stream, is_futures=is_futures, wrapped=wrapped)
            case Mark():
                return mark_message(event, stream, wrapped=wrapped)

    def beat(self, streams: tuple[str, ...], endpoint: Endpoint, market: PlayedMarket) -> tuple[bytes, ...]:
        """Send nothing."""
        return ()

    def farewell(self, endpoint: Endpoint) -> bytes | None:
        """Return serverShutdown, which spot alone announces."""
        if self._venue.is_futures:
            return None
        event: Json = {"e": "serverShutdown", "E": time.time_ns() // 1_000_000}
        return msgspec.json.encode(wrap("!serverShutdown", event) if endpoint.wrapped else event)

    def is_rest(self, target: str) -> bool:
        """Tell whether a request target is one of REST."""
        return target.startswith(f"{self._venue.rest_root}/")

    def weight(self, path: str) -> int:
        """Return what a REST request counts."""
        return self._venue.weights.get(path.removeprefix(self._venue.rest + "/"), 1)

    def answer(self, request: RestRequest, market: PlayedMarket) -> Reply:
        """Answer what is asked about the market."""
        return reply(self._venue, request, market)
