"""One TCP connection of the exchange: handshake or REST, control frames, pings, and the faults that strike it.

The framing is the sans-I/O protocol of ``websockets``, so that every byte, and every byte withheld, is decided here.
"""

import asyncio
import math
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from .conduct import Conduct
from .events import Event, Kind
from .faults import Close24h, Drop, Garbage, HalfClose, PingFlood, Strikes
from .garbage import GARBAGE, NOT_A_FRAME
from .garbage import Kind as GarbageKind
from .protocol import Endpoint, Reply, first_trades

if TYPE_CHECKING:
    from .venue import Venue, Venues

CLOSE_TIMEOUT_S = 5.0
"""How long a client may take to finish a close before its socket is taken away."""
LINGER_S = 60.0
"""How long a connection that refuses to close outlives the client's own end of it."""
FLOOD_BEAT_S = 0.01
FLOOD_PAYLOAD = b"flood"
POLICY_VIOLATION, GOING_AWAY = 1008, 1001


class Connection(asyncio.Protocol):
    """A client of the exchange. Lives in the exchange's event loop and nowhere else.

    Which of the venues it is a client of is known from its request; until then it counts for the first.
    """

    def __init__(self, venues: "Venues") -> None:
        self._venues = venues
        self._join(venues.all[0])
        self._loop = asyncio.get_running_loop()
        self._protocol = ServerProtocol(max_size=2**16)
        self._conduct = Conduct()
        self._endpoint = Endpoint("", delivers=False)
        self._subscriptions: tuple[str, ...] = ()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._pings: deque[bytes] = deque(maxlen=100)
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
        return self._subscriptions if self._endpoint.delivers else ()

    def publish(self, event: Event, carried_by: Sequence[str]) -> None:
        """Send an event that has just been played, or what the faults make of it; `flush` puts it on the wire.

        Parameters
        ----------
        carried_by : the streams of the venue that carry it.
        """
        kinds = self._endpoint.kinds
        if not self.open or self._conduct.mute or (kinds is not None and event.kind not in kinds):
            return
        if any(stream in self.streams for stream in carried_by):
            self._strike_due(event.kind)
            for outgoing in self._conduct.outgoing(event, self._loop.time()):
                self._send_event(outgoing)

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
        """Let events flow again, the ones held back first, and end a flood of pings."""
        if "flood" in self._timers:
            self._timers.pop("flood").cancel()
        for held in self._conduct.heal():
            self._send_event(held)
        self.flush()

    def abort(self) -> None:
        """Take the socket away, unsent data and all."""
        self._transport.abort()

    # Handshake and REST

    def _join(self, venue: "Venue") -> None:
        self._venue = venue
        self._limits = venue.limits
        self._incoming: deque[float] = deque(maxlen=venue.limits.messages_per_second + 1)

    def _respond(self, request: Request) -> None:
        self._venues.requests.append(f"{request.method} {request.path}")
        venue, target = self._venues.find(request.path)
        self._venue.connections.discard(self)
        self._join(venue)
        venue.connections.add(self)
        venue.requests.append(f"{request.method} {target}")
        if venue.protocol.is_rest(target):
            reply, delay_s = venue.answer(request.method, target), venue.script.delay_s(target)
            if delay_s:
                self._later("answer", delay_s, lambda: self._reply_late(reply))
            else:
                self._reply(reply)
            return
        refusal = venue.script.refusal("ws")
        place = venue.protocol.endpoint(target)
        if refusal is not None:
            self._reply(Reply(refusal.status, refusal.body.encode(), refusal.headers))
        elif place is None:
            self._protocol.send_response(self._protocol.reject(HTTPStatus.NOT_FOUND, "no streams at this path\n"))
        elif len(place.streams) > self._limits.streams:
            message = f"{len(place.streams)} streams, the limit is {self._limits.streams}\n"
            self._protocol.send_response(self._protocol.reject(HTTPStatus.BAD_REQUEST, message))
        else:
            self._protocol.send_response(self._protocol.accept(request))
            self._endpoint, self._subscriptions = place, place.streams
            if self.open:
                self._begin()

    def _reply(self, reply: Reply) -> None:
        response = self._protocol.reject(reply.status, reply.body.decode())
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "text/html" if reply.body.startswith(b"<") else "application/json"
        response.headers.update(reply.headers)
        self._protocol.send_response(response)

    def _reply_late(self, reply: Reply) -> None:
        self._reply(reply)
        self.flush()

    def _begin(self) -> None:
        if math.isfinite(self._limits.ping_interval_s):
            self._later("ping", self._limits.ping_interval_s, self._ping)
        self._later("close", self._limits.life_s, self._close_24h)
        self._await_client()
        for message in self._venue.protocol.greet(self._endpoint, self._venue.market):
            self._protocol.send_text(message)
        if self._venue.protocol.beat_s is not None:
            self._later("beat", self._venue.protocol.beat_s, self._beat)
        self._venue.subscribed(self)
        for strikes in self._venue.script.for_stream():
            self.arm(strikes)

    # Frames from the client, pings to it

    def _receive(self, frame: Frame) -> None:
        if not self.open or (frame.opcode is Opcode.PONG and self._is_awaited(bytes(frame.data))):
            return
        self._await_client()
        self._incoming.append(self._loop.time())
        if len(self._incoming) == self._incoming.maxlen and self._incoming[-1] - self._incoming[0] < 1:
            self._protocol.fail(POLICY_VIOLATION, "Too many requests")
        elif frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            venue = self._venue
            heard = venue.protocol.hear(bytes(frame.data), self._subscriptions, self._endpoint, venue.market)
            self._subscriptions = heard.streams
            for reply in heard.replies:
                self._protocol.send_text(reply)
            venue.subscribed(self)

    def _await_client(self) -> None:
        """Cut the connection where the client says nothing for as long as the venue allows."""
        if math.isfinite(self._limits.silence_s):
            self._later("silence", self._limits.silence_s, self._cut)

    def _beat(self) -> None:
        protocol = self._venue.protocol
        if not self.open or protocol.beat_s is None:
            return
        if not self._conduct.mute:
            for message in protocol.beat(self.streams, self._endpoint, self._venue.market):
                self._protocol.send_text(message)
            self.flush()
        self._later("beat", protocol.beat_s, self._beat)

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

    # Events and faults

    def _send_event(self, event: Event) -> None:
        if not self.open:
            return
        protocol = self._venue.protocol
        for stream in protocol.streams_of(event):
            if stream in self._subscriptions:
                self._protocol.send_text(protocol.frame(event, stream, self._endpoint))
        self._venue.count_sent(event)
        self._conduct.count_sent(event)
        self._strike_due()

    def _strike_due(self, kind: Kind | None = None) -> None:
        for fault in self._conduct.due(kind) if self.open else ():
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
                    for garbage in kinds:
                        self._send_garbage(garbage)
                case Close24h(notice_s=notice_s):
                    self._announce_close(notice_s)
                case _:
                    self._conduct.strike(fault, self._loop.time())

    def _reset(self) -> None:
        close_without_linger = struct.pack("ii", 1, 0)
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, close_without_linger)
        self.abort()

    def _send_garbage(self, kind: GarbageKind) -> None:
        if kind == "raw":
            self._transport.write(NOT_A_FRAME)
            return
        protocol = self._venue.protocol
        trade = first_trades(self._venue.playback)[0]
        opcode, payload = GARBAGE[kind](protocol.frame(trade, protocol.streams_of(trade)[0], self._endpoint))
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
        notice = self._venue.protocol.farewell(self._endpoint)
        if notice is not None:
            self._protocol.send_text(notice)
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
