"""What a venue's protocol says to the exchange: which paths it has, what it answers, how events become frames.

A protocol keeps no state: what was played is handed to it, so one object serves every connection. A family of venues is
a file (or a package) in ``protocols``; framing, pings, faults, limits and the clock are the exchange's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from .books import Books
from .events import Event, Kind, Trade
from .funding import Funding
from .limits import Limits
from .listings import Listing
from .playback import Playback


@dataclass(frozen=True, slots=True)
class PlayedMarket:
    """What a venue knows: what has been played of its tape, and what it lists, in its own spelling.

    Books, mark prices and funding are those of the symbols of the tape; what is listed besides has none.
    """

    playback: Playback
    listings: Mapping[str, Listing]
    limits: Limits
    books: Books
    funding: Funding

    @classmethod
    def of(cls, playback: Playback, listings: Mapping[str, Listing], limits: Limits) -> "PlayedMarket":
        """Return the market of a tape, with what was played of it already."""
        begin = {trade.symbol: trade for trade in first_trades(playback)}
        for symbol in begin:
            if count := playback.count(symbol):
                (begin[symbol],) = playback.of_symbol(symbol, count - 1, count)
        return cls(playback, listings, limits, Books(listings, begin), Funding(listings, begin))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A WebSocket path, understood.

    Parameters
    ----------
    path : as it was asked for, for protocols that tell their paths apart later on.
    delivers : False for a path that acknowledges and sends nothing.
    wrapped : messages come in the envelope of a combined stream.
    streams : those the address names.
    kinds : the events that come by it; None for all.
    """

    path: str
    delivers: bool = True
    wrapped: bool = False
    streams: tuple[str, ...] = ()
    kinds: frozenset[Kind] | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """What a text message of a client leads to.

    Parameters
    ----------
    replies : messages to send at once, in this order; snapshots of what was subscribed to among them.
    streams : all subscriptions of the connection after it.
    """

    replies: tuple[bytes, ...]
    streams: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RestRequest:
    """A request to REST, its weight charged.

    Parameters
    ----------
    used : weight of the running minute, this request's with it.
    wait_s : whole seconds to wait where that is more than the venue allows, else None.
    """

    method: str
    path: str
    query: Mapping[str, str]
    used: int
    wait_s: int | None


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer with a JSON body."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class VenueProtocol(Protocol):
    """How one venue speaks. A stream is a name that the protocol gives to what a client may subscribe to.

    Attributes
    ----------
    name : of the venue, as in ``FEEDS``.
    limits : what it allows.
    beat_s : how often `beat` is asked for messages, None where the venue sends none by the clock.
    """

    @property
    def name(self) -> str: ...

    @property
    def limits(self) -> Limits: ...

    @property
    def beat_s(self) -> float | None: ...

    def spelt(self, symbol: str) -> str:
        """Return a symbol of the tape, "BTCUSDT", as the venue spells it; one it spells so already as it is."""

    def endpoint(self, target: str) -> Endpoint | None:
        """Understand a WebSocket request target; None where the venue has nothing there."""

    def greet(self, endpoint: Endpoint, market: PlayedMarket) -> tuple[bytes, ...]:
        """Return what the venue says first on a new connection."""

    def hear(self, message: bytes, streams: tuple[str, ...], endpoint: Endpoint, market: PlayedMarket) -> Heard:
        """Answer a text message of a client whose subscriptions are ``streams``."""

    def streams_of(self, event: Event) -> tuple[str, ...]:
        """Return the streams that carry an event."""

    def frame(self, event: Event, stream: str, endpoint: Endpoint) -> bytes:
        """Write an event as the message of one of its streams."""

    def beat(self, streams: tuple[str, ...], endpoint: Endpoint, market: PlayedMarket) -> tuple[bytes, ...]:
        """Return what a connection with these subscriptions is sent by the clock: heartbeats."""

    def farewell(self, endpoint: Endpoint) -> bytes | None:
        """Return the notice that the connection will end, None where the venue gives none."""

    def is_rest(self, target: str) -> bool:
        """Tell whether a request target is one of REST rather than of a WebSocket."""

    def weight(self, path: str) -> int:
        """Return what a REST request counts."""

    def answer(self, request: RestRequest, market: PlayedMarket) -> Reply:
        """Answer a REST request about what has been played, never about what is still to come."""


def first_trades(playback: Playback) -> list[Trade]:
    """Return the first trade of each symbol of a tape."""
    return [playback.tape.trades[positions[0]] for positions in playback.tape.positions.values()]
