"""The exchange as a test holds it: a thread of its own, started and stopped from outside."""

import asyncio
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar, cast

from alphastream.errors import ParameterError
from alphastream.events import Tick

from .connection import Connection
from .faults import Fault
from .handle import CALL_S, HOST, Handle, Opened
from .limits import Limits
from .playback import Pace, Playback, RealTime
from .protocol import VenueProtocol
from .protocols import protocol_of
from .tape import TAPE_PATH, Tape
from .venue import Venue, Venues

AS_RECORDED = RealTime()
STOP_S = 2.0

TapeSource = Tape | Path | Sequence[Tick]
Each = TypeVar("Each")


class LocalExchange(Handle):
    """A server on loopback that speaks the protocols of one or several venues, WebSocket and REST, on one port.

    What `Handle` offers acts on all its venues; `at` gives it for one of them.

    Parameters
    ----------
    tape : the trades: a Parquet file, a `Tape`, or ticks built by a test; or one of these for each venue.
    market : the name of a venue, as in ``FEEDS`` ("usdm" and "spot" are Binance's), or several names.
    pace : `RealTime`, `Rate`, `Fast` or `Stepped`, of each venue's tape.
    loop : play the tape again and again, ids and times going on.
    already_played : trades that are history (for REST) when the exchange opens.
    faults : faults in force from the start, at every venue or by venue; more come by `inject`.
    limits : other limits than those of the venues, for all or by venue.
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
        tape: TapeSource | Mapping[str, TapeSource] = TAPE_PATH,
        *,
        market: str | Sequence[str] = "usdm",
        pace: Pace = AS_RECORDED,
        loop: bool = False,
        already_played: int = 0,
        faults: Sequence[Fault] | Mapping[str, Sequence[Fault]] = (),
        limits: Limits | Mapping[str, Limits] | None = None,
        port: int = 0,
    ) -> None:
        protocols = [protocol_of(name) for name in ([market] if isinstance(market, str) else market)]
        names = [protocol.name for protocol in protocols]
        if not names or len(set(names)) < len(names):
            raise ParameterError(f"market is {market!r}, needs one venue or several different ones")
        tapes: dict[str, TapeSource] = _by_venue(names, tape)
        faults_of, limits_of = _by_venue(names, faults), _by_venue(names, limits)
        if missing := [name for name in names if name not in tapes]:
            raise ParameterError(f"no tape is given for {', '.join(missing)}: needs one for each venue, or one for all")
        self.port = port
        self._loop, self._already_played = loop, already_played
        self._plans = [
            (
                protocol,
                _read(tapes[protocol.name]).spelt(protocol.spelt),
                limits_of.get(protocol.name) or protocol.limits,
                tuple(faults_of.get(protocol.name, ())),
            )
            for protocol in protocols
        ]
        self.tape = self._plans[0][1]
        self._closed: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="local-exchange", daemon=True)
        super().__init__(pace, Future(), self._closed, None)

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
        opened = self._opened.result(CALL_S)
        if self._thread.is_alive():
            opened.loop.call_soon_threadsafe(opened.main.cancel)
            self._thread.join(STOP_S)
        self._closed.result(0)

    def at(self, venue: str) -> Handle:
        """Return one of the venues, by name; its addresses name it, so that no other venue can be meant.

        Raises
        ------
        ParameterError : it is not served here.
        """
        name = protocol_of(venue).name
        served = [protocol.name for protocol, *_ in self._plans]
        if name not in served:
            raise ParameterError(f"{name} is not served here, needs one of {', '.join(served)}")
        return Handle(self._pace, self._opened, self._closed, name)

    @property
    def venues(self) -> tuple[str, ...]:
        """Names of the venues that are served."""
        return tuple(protocol.name for protocol, *_ in self._plans)

    @property
    def settings(self) -> dict[str, str]:
        """The environment variables by which the application reaches all venues that are served."""
        ws, rest = ([f"{name}={getattr(self.at(name), url)}" for name in self.venues] for url in ("ws_url", "rest_url"))
        return {"ALPHASTREAM_WS_URL": ",".join(ws), "ALPHASTREAM_REST_URL": ",".join(rest)}

    @property
    def ws_url(self) -> str:
        """Where "wss://fstream.binance.com" would stand."""
        return f"ws://{HOST}:{self.port}"

    @property
    def rest_url(self) -> str:
        """Where "https://fapi.binance.com" would stand."""
        return f"http://{HOST}:{self.port}"

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
        now_ns = time.time_ns()
        venues = Venues([self._venue(*plan, now_ns) for plan in self._plans])
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Connection(venues), HOST, self.port)
        self.port = server.sockets[0].getsockname()[1]
        main = cast("asyncio.Task[None]", asyncio.current_task())
        self._opened.set_result(Opened(loop, venues, main, self.port))
        try:
            with suppress(asyncio.CancelledError):
                async with asyncio.TaskGroup() as playing:
                    for venue in venues.all:
                        playing.create_task(venue.play())
                await loop.create_future()
        finally:
            server.close()
            for venue in venues.all:
                await venue.abort_all()

    def _venue(
        self, protocol: VenueProtocol, tape: Tape, limits: Limits, faults: Sequence[Fault], now_ns: int
    ) -> Venue:
        playback = Playback(
            tape,
            self._pace,
            loop=self._loop,
            already_played=self._already_played,
            now_ns=now_ns,
            beside=[other for _, other, *_ in self._plans],
        )
        return Venue(playback, protocol, limits, faults)


def _read(source: TapeSource) -> Tape:
    if isinstance(source, Path):
        return Tape.read(source)
    return source if isinstance(source, Tape) else Tape.of_ticks(source)


def _by_venue(names: Sequence[str], given: Each | Mapping[str, Each]) -> dict[str, Each]:
    """Return what is given for each venue, by its name in ``FEEDS``.

    Raises
    ------
    ParameterError : it is given for a venue that is not served.
    """
    if not isinstance(given, Mapping):
        return dict.fromkeys(names, given)
    named = {protocol_of(venue).name: each for venue, each in given.items()}
    if strange := [name for name in named if name not in names]:
        raise ParameterError(f"{', '.join(strange)}: not served here, needs one of {', '.join(names)}")
    return named
