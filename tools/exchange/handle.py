"""What a test sees of the venues of an exchange, and does to them, while they are open and after."""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

from alphastream.errors import ParameterError

from .books import BookNow
from .events import Trade
from .faults import Fault
from .playback import Pace, Playback, Stepped
from .venue import LastTrade, Venue, Venues

HOST = "127.0.0.1"
CALL_S = 10.0

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Opened:
    """What a thread outside needs to talk to the loop."""

    loop: asyncio.AbstractEventLoop
    venues: Venues
    main: asyncio.Task[None]
    port: int


class Handle:
    """All venues of an exchange, or one of them, from another thread.

    Parameters
    ----------
    name : of the venue; None for all. What is asked of all of them is summed, or comes in their order.
    """

    def __init__(self, pace: Pace, opened: Future[Opened], closed: Future[None], name: str | None) -> None:
        self._pace = pace
        self._opened = opened
        self._closed = closed
        self._name = name

    @property
    def ws_url(self) -> str:
        """Address of the venue's streams, without a path of theirs."""
        return f"ws://{HOST}:{self._running.port}/{self._name}"

    @property
    def rest_url(self) -> str:
        """Address of the venue's REST, without a path of its."""
        return f"http://{HOST}:{self._running.port}/{self._name}"

    @property
    def symbols(self) -> tuple[str, ...]:
        """Symbols of the tape, as the venue (of all of them the first) spells them."""
        return self.playback.tape.symbols

    @property
    def playback(self) -> Playback:
        """What the (first) venue played so far and at which times; to be read, where it matters of a closed market."""
        return self._venues[0].playback

    @property
    def played(self) -> int:
        """Trades played so far, ``already_played`` among them, whether or not anybody listened."""
        return sum(venue.playback.played for venue in self._venues)

    @property
    def ended(self) -> bool:
        """True once every tape has been played to its end; one that loops never is."""
        return all(venue.playback.ended for venue in self._venues)

    @property
    def sent(self) -> dict[str, int]:
        """Trade messages written by symbol: two clients count twice, duplicates too, what a fault withheld not."""
        return dict(sum((venue.sent for venue in self._venues), Counter[str]()))

    @property
    def first_sent(self) -> dict[str, int]:
        """Id of the first trade of each symbol that was written to a client: a tape of the market begins there."""
        return {symbol: first for venue in self._venues[::-1] for symbol, first in venue.first_sent.items()}

    @property
    def connections(self) -> int:
        """WebSocket connections that are open now."""
        return sum(self._call(lambda venue: sum(connection.open for connection in venue.connections)))

    @property
    def requests(self) -> list[str]:
        """The last 10,000 requests and handshakes, "GET /fapi/v1/time", refused ones among them."""
        if self._name is None:
            return self._ask(lambda: list(self._running.venues.requests))
        return self._call(lambda venue: list(venue.requests))[0]

    def last_trade(self, symbol: str) -> LastTrade | None:
        """Give the newest trade of a symbol that was played, None before the first."""
        return next((venue.last[symbol] for venue in self._venues if symbol in venue.last), None)

    def book(self, symbol: str) -> BookNow:
        """Give the book of a symbol as it is now, at the (first) venue."""
        venue = self._venues[0]
        return self._ask(lambda: venue.market.books.now(symbol))

    def step(self, count: int = 1) -> list[Trade]:
        """Play the next ``count`` trades of each `Stepped` tape and give them, fewer where it ends."""
        if not isinstance(self._pace, Stepped):
            raise ParameterError(f"step() needs pace=Stepped(), this exchange plays by {self._pace}")
        return [trade for trades in self._call(lambda venue: venue.step(count)) for trade in trades]

    def restart_ids(self) -> None:
        """Number the trades to come anew, from the first id of the tape; REST knows only those from here on."""
        self._call(lambda venue: venue.playback.restart_ids())

    def close_market(self) -> None:
        """Play no further trade; connections stay open, books say how they end and REST has all that was played."""
        self._call(lambda venue: venue.close_market())

    def inject(self, fault: Fault) -> None:
        """Put a fault in force now, for open and coming connections."""
        self._call(lambda venue: venue.inject(fault))

    def heal(self) -> None:
        """Take all faults out of force; a connection that fell silent stays silent."""
        self._call(lambda venue: venue.heal())

    @property
    def _running(self) -> Opened:
        if not self._opened.done():
            raise RuntimeError("the exchange is not open: use it in a with block, or call start()")
        return self._opened.result()

    @property
    def _venues(self) -> tuple[Venue, ...]:
        return tuple(venue for venue in self._running.venues.all if self._name in (None, venue.protocol.name))

    def _call(self, ask: Callable[[Venue], Answer]) -> list[Answer]:
        venues = self._venues
        return self._ask(lambda: [ask(venue) for venue in venues])

    def _ask(self, ask: Callable[[], Answer]) -> Answer:
        async def answer() -> Answer:
            return ask()

        if self._closed.done():
            return ask()
        return asyncio.run_coroutine_threadsafe(answer(), self._running.loop).result(CALL_S)
