"""The exchange as a test holds it: a thread of its own, started and stopped from outside."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar, cast

from alphastream.errors import ParameterError
from alphastream.events import Tick

from .connection import Connection
from .faults import Fault
from .market import MARKETS, Limits, MarketName
from .playback import Pace, Playback, RealTime, Stepped
from .tape import TAPE_PATH, Tape, Trade
from .venue import LastTrade, Venue

HOST = "127.0.0.1"
AS_RECORDED = RealTime()
STOP_S = 2.0
CALL_S = 10.0


Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class _Handle:
    """What a thread outside needs to talk to the loop."""

    loop: asyncio.AbstractEventLoop
    venue: Venue
    main: asyncio.Task[None]


class LocalExchange:
    """A server on loopback that speaks Binance's protocol, WebSocket and REST on one port.

    Parameters
    ----------
    tape : the trades: a Parquet file, a `Tape`, or ticks built by a test.
    market : "usdm" (USDS-M futures) or "spot".
    pace : `RealTime`, `Rate`, `Fast` or `Stepped`.
    loop : play the tape again and again, ids and times going on.
    already_played : trades that are history (for REST) when the exchange opens.
    faults : faults in force from the start; more come by `inject`.
    limits : other limits than those of the market.
    port : 0 takes a free one.

    Raises
    ------
    ParameterError
        The tape or a parameter is unusable.
    OSError
        The port is taken.
    """

    def __init__(
        self,
        tape: Tape | Path | Sequence[Tick] = TAPE_PATH,
        *,
        market: MarketName = "usdm",
        pace: Pace = AS_RECORDED,
        loop: bool = False,
        already_played: int = 0,
        faults: Sequence[Fault] = (),
        limits: Limits | None = None,
        port: int = 0,
    ) -> None:
        if market not in MARKETS:
            raise ParameterError(f"market is {market!r}, needs to be one of {', '.join(MARKETS)}")
        if isinstance(tape, Path):
            tape = Tape.read(tape)
        elif not isinstance(tape, Tape):
            tape = Tape.of_ticks(tape)
        self.tape = tape
        self.port = port
        self._pace, self._loop, self._already_played = pace, loop, already_played
        self._market = MARKETS[market]
        self._limits = limits or self._market.limits
        self._faults = tuple(faults)
        self._opened: Future[_Handle] = Future()
        self._closed: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="local-exchange", daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Open the port and begin to play."""
        self._thread.start()
        self._opened.result(CALL_S)

    def stop(self) -> None:
        """Take every socket away and end the thread, within two seconds.

        Raises
        ------
        Exception
            What ended the playing, where something did.
        """
        handle = self._opened.result(CALL_S)
        if self._thread.is_alive():
            handle.loop.call_soon_threadsafe(handle.main.cancel)
            self._thread.join(STOP_S)
        self._closed.result(0)

    @property
    def ws_url(self) -> str:
        """Where "wss://fstream.binance.com" would stand."""
        return f"ws://{HOST}:{self.port}"

    @property
    def rest_url(self) -> str:
        """Where "https://fapi.binance.com" would stand."""
        return f"http://{HOST}:{self.port}"

    @property
    def symbols(self) -> tuple[str, ...]:
        """Symbols of the tape."""
        return self.tape.symbols

    @property
    def playback(self) -> Playback:
        """What was played so far and at which times; to be read, and where it matters, once the market is closed."""
        return self._venue.playback

    @property
    def played(self) -> int:
        """Trades played so far, ``already_played`` among them, whether or not anybody listened."""
        return self._venue.playback.played

    @property
    def ended(self) -> bool:
        """True once a tape that does not loop has been played to its end."""
        return self._venue.playback.ended

    @property
    def sent(self) -> dict[str, int]:
        """Trade messages written by symbol: two clients count twice, duplicates too, what a fault withheld not."""
        return dict(self._venue.sent)

    @property
    def first_sent(self) -> dict[str, int]:
        """Id of the first trade of each symbol that was written to a client: a tape of the market begins there."""
        return dict(self._venue.first_sent)

    @property
    def connections(self) -> int:
        """WebSocket connections that are open now."""
        return self._call(lambda venue: sum(connection.open for connection in venue.connections))

    @property
    def requests(self) -> list[str]:
        """The last 10,000 requests and handshakes, "GET /fapi/v1/time", refused ones among them."""
        return self._call(lambda venue: list(venue.requests))

    def last_trade(self, symbol: str) -> LastTrade | None:
        """Give the newest trade of a symbol that was played, None before the first."""
        return self._venue.last.get(symbol)

    def step(self, count: int = 1) -> list[Trade]:
        """Play the next ``count`` trades of a `Stepped` tape and give them, fewer where it ends."""
        if not isinstance(self._pace, Stepped):
            raise ParameterError(f"step() needs pace=Stepped(), this exchange plays by {self._pace}")
        return self._call(lambda venue: venue.step(count))

    def restart_ids(self) -> None:
        """Number the trades to come anew, from the first id of the tape; REST knows only those from here on."""
        self._call(lambda venue: venue.playback.restart_ids())

    def close_market(self) -> None:
        """Play no further trade; connections stay open and REST has all that was played."""
        self._call(lambda venue: venue.playback.finish())

    def inject(self, fault: Fault) -> None:
        """Put a fault in force now, for open and coming connections."""
        self._call(lambda venue: venue.inject(fault))

    def heal(self) -> None:
        """Take all faults out of force; a connection that fell silent stays silent."""
        self._call(lambda venue: venue.heal())

    @property
    def _venue(self) -> Venue:
        if not self._opened.done():
            raise RuntimeError("the exchange is not open: use it in a with block, or call start()")
        return self._opened.result().venue

    def _call(self, ask: Callable[[Venue], Answer]) -> Answer:
        async def answer() -> Answer:
            return ask(self._venue)

        if self._closed.done():
            return ask(self._venue)
        return asyncio.run_coroutine_threadsafe(answer(), self._opened.result().loop).result(CALL_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001  the thread ends here; stop() raises it
            if not self._opened.done():
                self._opened.set_exception(error)
            self._closed.set_exception(error)
        else:
            self._closed.set_result(None)

    async def _serve(self) -> None:
        playback = Playback(self.tape, self._pace, loop=self._loop, already_played=self._already_played)
        venue = Venue(playback, self._market, self._limits, self._faults)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Connection(venue), HOST, self.port)
        self.port = server.sockets[0].getsockname()[1]
        main = cast("asyncio.Task[None]", asyncio.current_task())
        self._opened.set_result(_Handle(loop, venue, main))
        try:
            with suppress(asyncio.CancelledError):
                await venue.play()
                await loop.create_future()
        finally:
            server.close()
            await venue.abort_all()
