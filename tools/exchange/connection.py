"""One TCP connection of the exchange: handshake or REST, control frames, pings, and the faults that strike it.

The framing is the sans-I/O protocol of ``websockets``, so that every byte, and every byte withheld, is decided here.
"""

import asyncio
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

import msgspec
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from .conduct import Conduct
from .control import answer
from .faults import Close24h, Drop, Garbage, HalfClose, PingFlood, Strikes
from .garbage import GARBAGE, NOT_A_FRAME, Kind
from .market import endpoint
from .messages import Json, stream_message, wrap
from .rest import Reply
from .tape import Trade

if TYPE_CHECKING:
    from .venue import Venue

CLOSE_TIMEOUT_S = 5.0
"""How long a client may take to finish a close before its socket is taken away."""
LINGER_S = 60.0
"""How long a connection that refuses to close outlives the client's own end of it."""
FLOOD_BEAT_S = 0.01
FLOOD_PAYLOAD = b"flood"
POLICY_VIOLATION, GOING_AWAY = 1008, 1001


class Connection(asyncio.Protocol):
    """A client of the exchange. Lives in the exchange's event loop and nowhere else."""

    def __init__(self, venue: "Venue") -> None:
        self._venue = venue
        self._limits = venue.limits
        self._loop = asyncio.get_running_loop()
        self._protocol = ServerProtocol(max_size=2**16)
        self._conduct = Conduct()
        self._wrapped = False
        self._delivers = False
        self._subscriptions: tuple[str, ...] = ()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._pings: deque[bytes] = deque(maxlen=100)
        self._incoming: deque[float] = deque(maxlen=self._limits.messages_per_second + 1)
        self._writable = asyncio.Event()
        self._writable.set()

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Join the venue, or be turned away where it is full."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=self._limits.queue_bytes // 4)
        if len(self._venue.connections) >= self._limits.connections:
            self.abort()
        self._venue.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave the venue."""
        self._venue.connections.discard(self)
        self._writable.set()
        for timer in self._timers.values():
            timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Feed the framing and act on what comes out of it."""
        if self._conduct.mute:
            return
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._respond(event)
            elif isinstance(event, Frame):
                self._receive(event)
        self.flush()

    def eof_received(self) -> bool:
        """Close when the client has, unless a fault keeps the socket open."""
        if self._conduct.mute or self._conduct.slow_close:
            self._later("abort", LINGER_S, self.abort)
            return True
        self._protocol.receive_eof()
        self.flush()
        return False

    def pause_writing(self) -> None:
        """Note that the client does not keep up."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Note that it has caught up."""
        self._writable.set()

    # What the venue calls

    @property
    def open(self) -> bool:
        """True between the handshake and the first close frame or reset."""
        return self._protocol.state is State.OPEN and not self._transport.is_closing()

    @property
    def streams(self) -> tuple[str, ...]:
        """Streams that are delivered; none on a path that only acknowledges."""
        return self._subscriptions if self._delivers else ()

    def publish(self, trade: Trade) -> None:
        """Send a trade that has just been played, or what the faults make of it; `flush` puts it on the wire."""
        if self.open and not self._conduct.mute and trade.stream in self.streams:
            for outgoing in self._conduct.outgoing(trade, self._loop.time()):
                self._send_trade(outgoing)

    def flush(self) -> None:
        """Write what is due; drop a client that lets too much pile up."""
        withhold = self._conduct.mute or (self._conduct.slow_close and self._protocol.state is not State.OPEN)
        for data in self._protocol.data_to_send():
            if withhold or self._transport.is_closing():
                continue
            if data:
                self._transport.write(data)
            else:
                self._transport.write_eof()
        if self._transport.get_write_buffer_size() > self._limits.queue_bytes:
            self._venue.log.warning("dropping a slow client, bytes_waiting=%d", self._transport.get_write_buffer_size())
            self.abort()
        elif self._protocol.close_expected() and not withhold and "abort" not in self._timers:
            self._later("abort", CLOSE_TIMEOUT_S, self.abort)

    async def drained(self) -> None:
        """Wait until the client has room for more."""
        await self._writable.wait()

    def arm(self, strikes: Strikes) -> None:
        """Put a fault in wait on an open connection; one without delay strikes now."""
        self._conduct.arm(strikes)
        self._strike_due()
        self.flush()

    def heal(self) -> None:
        """Let trades flow again, the ones held back first, and end a flood of pings."""
        if "flood" in self._timers:
            self._timers.pop("flood").cancel()
        for held in self._conduct.heal():
            self._send_trade(held)
        self.flush()

    def abort(self) -> None:
        """Take the socket away, unsent data and all."""
        self._transport.abort()

    # Handshake and REST

    def _respond(self, request: Request) -> None:
        venue = self._venue
        venue.requests.append(f"{request.method} {request.path}")
        if venue.rest.serves(request.path):
            self._reply(venue.answer(request.method, request.path))
            return
        refusal = venue.script.refusal("ws")
        place = endpoint(venue.market, request.path)
        if refusal is not None:
            self._reply(Reply(refusal.status, refusal.body.encode(), refusal.headers))
        elif place is None:
            self._protocol.send_response(self._protocol.reject(HTTPStatus.NOT_FOUND, "no streams at this path\n"))
        elif len(place.streams) > self._limits.streams:
            message = f"{len(place.streams)} streams, the limit is {self._limits.streams}\n"
            self._protocol.send_response(self._protocol.reject(HTTPStatus.BAD_REQUEST, message))
        else:
            self._protocol.send_response(self._protocol.accept(request))
            self._wrapped, self._delivers, self._subscriptions = place.wrapped, place.delivers, place.streams
            if self.open:
                self._begin()

    def _reply(self, reply: Reply) -> None:
        response = self._protocol.reject(reply.status, reply.body.decode())
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "text/html" if reply.body.startswith(b"<") else "application/json"
        response.headers.update(reply.headers)
        self._protocol.send_response(response)

    def _begin(self) -> None:
        self._later("ping", self._limits.ping_interval_s, self._ping)
        self._later("close", self._limits.life_s, self._close_24h)
        self._venue.subscribed(self)
        for strikes in self._venue.script.for_stream():
            self.arm(strikes)

    # Frames from the client, pings to it

    def _receive(self, frame: Frame) -> None:
        if not self.open or (frame.opcode is Opcode.PONG and self._is_awaited(bytes(frame.data))):
            return
        self._incoming.append(self._loop.time())
        if len(self._incoming) == self._incoming.maxlen and self._incoming[-1] - self._incoming[0] < 1:
            self._protocol.fail(POLICY_VIOLATION, "Too many requests")
        elif frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            reply, self._subscriptions = answer(bytes(frame.data), self._subscriptions, self._limits.streams)
            self._protocol.send_text(reply)
            self._venue.subscribed(self)

    def _is_awaited(self, payload: bytes) -> bool:
        if payload in self._pings:
            self._pings.remove(payload)
            self._timers.pop("cut").cancel()
            if self._pings:
                self._later("cut", self._limits.pong_timeout_s, self._cut)
            return True
        return payload == FLOOD_PAYLOAD

    def _ping(self) -> None:
        if not self.open:
            return
        payload = str(time.time_ns() // 1_000_000).encode()
        self._pings.append(payload)
        self._protocol.send_ping(payload)
        self.flush()
        if "cut" not in self._timers:
            self._later("cut", self._limits.pong_timeout_s, self._cut)
        self._later("ping", self._limits.ping_interval_s, self._ping)

    def _cut(self) -> None:
        if self.open:
            self._protocol.fail(POLICY_VIOLATION, "Pong timeout")
            self.flush()

    # Trades and faults

    def _send_trade(self, trade: Trade) -> None:
        if not self.open:
            return
        self._protocol.send_text(stream_message(trade, self._venue.market.name, wrapped=self._wrapped))
        self._venue.sent[trade.symbol] += 1
        self._venue.first_sent.setdefault(trade.symbol, trade.id)
        self._conduct.ticks += 1
        self._strike_due()

    def _strike_due(self) -> None:
        for fault in self._conduct.due() if self.open else ():
            self.flush()
            self._venue.log.info("fault=%s after_ticks=%d", fault, self._conduct.ticks)
            match fault:
                case Drop():
                    self._reset()
                case HalfClose():
                    self._conduct.strike(fault, self._loop.time())
                    self._transport.write_eof()
                    self._later("abort", LINGER_S, self.abort)
                case PingFlood(per_second=per_second):
                    self._flood(max(1, round(per_second * FLOOD_BEAT_S)))
                case Garbage(kinds=kinds):
                    for kind in kinds:
                        self._send_garbage(kind)
                case Close24h(notice_s=notice_s):
                    self._announce_close(notice_s)
                case _:
                    self._conduct.strike(fault, self._loop.time())

    def _reset(self) -> None:
        close_without_linger = struct.pack("ii", 1, 0)
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, close_without_linger)
        self.abort()

    def _send_garbage(self, kind: Kind) -> None:
        if kind == "raw":
            self._transport.write(NOT_A_FRAME)
            return
        opcode, payload = GARBAGE[kind](self._venue.playback.tape.trades[0])
        if opcode is Opcode.BINARY:
            self._protocol.send_binary(payload)
        else:
            self._protocol.send_text(payload)

    def _flood(self, pings: int) -> None:
        if not self.open:
            return
        if self._writable.is_set():
            for _ in range(pings):
                self._protocol.send_ping(FLOOD_PAYLOAD)
            self.flush()
        self._later("flood", FLOOD_BEAT_S, lambda: self._flood(pings))

    def _announce_close(self, notice_s: float) -> None:
        if self._venue.market.name == "spot":
            event: Json = {"e": "serverShutdown", "E": time.time_ns() // 1_000_000}
            self._protocol.send_text(msgspec.json.encode(wrap("!serverShutdown", event) if self._wrapped else event))
        self.flush()
        self._later("close", notice_s, self._close_24h)

    def _close_24h(self) -> None:
        if self.open:
            self._protocol.send_close(GOING_AWAY, "24 hours are over")
            self.flush()

    def _later(self, name: str, delay_s: float, callback: Callable[[], None]) -> None:
        """Call back after a delay, instead of the call of that name already waiting."""
        if name in self._timers:
            self._timers[name].cancel()
        self._timers[name] = self._loop.call_later(delay_s, callback)
