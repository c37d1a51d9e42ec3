"""A transport that reads in C, with picows, in an event loop of its own that runs only while somebody waits."""

import asyncio
import http.client
import io
import logging
import re
import socket
import time
from collections import deque
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, Final

import picows
from picows import WSFrame, WSHandshakeError, WSListener, WSMsgType, WSTransport

from alphastream.errors import FeedError
from runtime.connections.dialled import DialledTransport
from runtime.connections.rest import RefusedError
from runtime.connections.transport import MAX_MESSAGE, SEND_TIMEOUT_S, close_reason
from runtime.http import Connection

log = logging.getLogger(__name__)

BUFFER: Final = 262_144  # bytes taken by one read, at least
MANY: Final = 500  # messages of a read that another one may follow at once
MOST: Final = 5_000  # messages after which none does
_TEXT: Final = WSMsgType.TEXT  # looked up once: that takes as long as all else about a frame
MAX_FRAGMENTS: Final = 4_096  # of one message; empty ones never fill it


class PicowsTransport(DialledTransport):
    """A Transport on picows, for the thread that opens it.

    The connection is dialled as every other here, through the proxy of the environment if there is one; TLS and the
    WebSocket on it are picows'. Nothing is read between two calls, so what waits is bounded by the socket's buffer.

    Parameters
    ----------
    timeout_s : for connecting, all steps together.
    """

    title = f"picows {version('picows')}"

    def __init__(self, timeout_s: float = 5.0) -> None:
        super().__init__(timeout_s)
        self._loop = asyncio.SelectorEventLoop()
        self._loop.set_exception_handler(_note)
        self._inbox = _Inbox()
        self._ahead: deque[bytes] = deque()
        self._ws: WSTransport | None = None

    def _begin(self, url: str, connection: Connection) -> None:
        sock = connection.reach()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._ws = self._loop.run_until_complete(self._shake_hands(url, connection, sock))
        # Any byte that waits to be sent is told to the inbox, which knows since when.
        self._ws.underlying_transport.set_write_buffer_limits(high=0)
        self._inbox.wake = self._loop.stop

    async def _shake_hands(self, url: str, connection: Connection, sock: socket.socket) -> WSTransport:
        try:
            ws, listener = await picows.ws_connect(
                lambda *_: self._inbox,
                url,
                ssl_context=connection.tls,
                socket_factory=lambda _: sock,
                websocket_handshake_timeout=None,
                max_redirects=0,
                max_frame_size=MAX_MESSAGE,
                enable_auto_pong=False,
                read_buffer_init_size=BUFFER,
                logger_name=_silent,
            )
        except WSHandshakeError as error:
            raise _refusal(error) from error
        if listener is None:
            raise ConnectionError("it closed the connection instead of answering")
        return ws

    def recv(self, timeout_s: float) -> bytes | None:
        """Return the next message; see Transport."""
        if not self._ahead:
            self._ahead.extend(self.recv_many(timeout_s)[0])
        return self._ahead.popleft() if self._ahead else None

    def recv_many(self, timeout_s: float) -> tuple[list[bytes], list[int]]:
        """Return all messages that have come; see Transport."""
        if not self._inbox.messages:
            self._wait(timeout_s)
        before = 0
        while before + MANY <= len(self._inbox.messages) < MOST:  # more waits, and large bursts cost less a message
            before = len(self._inbox.messages)
            self._run(0.0)
        return self._inbox.take()

    def _wait(self, timeout_s: float) -> None:
        """Let the loop run until messages, the end of the connection, or so long; raise what ended it."""
        self._require_alive()
        self._run(timeout_s)
        if not self._inbox.messages:
            self._require_alive()

    def _run(self, timeout_s: float) -> None:
        timer = self._loop.call_later(timeout_s, self._loop.stop)
        self._loop.run_forever()
        timer.cancel()
        if self._inbox.ping is not None and self._ws is not None:
            self._ws.send_pong(self._inbox.ping)
            self._inbox.ping = None

    def _require_alive(self) -> None:
        inbox, ws = self._inbox, self._ws
        if ws is None or self._aborted.is_set():
            raise FeedError("the connection was lost (given up)")
        if not inbox.failure and ws.is_close_frame_sent:  # picows found what it does not take
            sent = ws.close_handshake.sent
            inbox.failure = f"the connection was lost ({sent.reason if sent else 'it broke the protocol'})"
        if not inbox.failure and inbox.waits_s() > SEND_TIMEOUT_S:
            inbox.failure = f"the connection was lost (the peer took nothing for {SEND_TIMEOUT_S:g} s)"
        if inbox.failure:
            raise FeedError(inbox.failure)

    def send(self, payload: bytes) -> None:
        """Send a text message; see Transport."""
        self._require_alive()
        assert self._ws is not None
        self._ws.send(WSMsgType.TEXT, payload)
        while self._inbox.waits_since_s is not None:
            self._require_alive()
            self._run(SEND_TIMEOUT_S)
        self._require_alive()

    def close(self) -> None:
        """Give the connection up; see Transport."""
        self.abort()
        if self._loop.is_closed():
            return
        if self._ws is not None:
            self._ws.disconnect(graceful=False)
        for _ in range(3):  # what closing has put off
            self._loop.call_soon(self._loop.stop)
            self._loop.run_forever()
        self._loop.close()
        super().close()


class _Inbox(WSListener):
    """What has come, and what went wrong."""

    def __init__(self) -> None:
        self.wake: Callable[[], None] = lambda: None  # messages that come with the handshake wake nobody
        self.messages: list[bytes] = []
        self.times: list[int] = []
        self.ping: bytes | None = None  # the newest, not answered yet; those before it need no answer
        self.failure = ""
        self.waits_since_s: float | None = None  # since when bytes wait to be sent
        self._fragments: list[bytes] | None = None
        self._fragments_size = 0

    def take(self) -> tuple[list[bytes], list[int]]:
        self._stamp()
        taken = self.messages, self.times
        self.messages, self.times = [], []
        return taken

    def waits_s(self) -> float:
        return 0.0 if self.waits_since_s is None else time.monotonic() - self.waits_since_s

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take a frame: called for each, so the usual one, a whole text, is looked at as little as can be."""
        if (
            frame.msg_type is not _TEXT
            or not frame.fin
            or frame.rsv1
            or frame.rsv2
            or frame.rsv3
            or self._fragments is not None
            or self.failure
        ):
            self._take_unusual(transport, frame)
        else:
            self.messages.append(frame.get_payload_as_bytes())
        if frame.last_in_buffer and self.messages:
            self._stamp()
            self.wake()

    def _take_unusual(self, transport: WSTransport, frame: WSFrame) -> None:
        if self.failure:
            return
        kind = frame.msg_type
        if frame.rsv1 or frame.rsv2 or frame.rsv3:
            self._fail("the connection was lost (a frame with reserved bits, which nobody agreed on)")
        elif kind == WSMsgType.PING:
            self.ping = frame.get_payload_as_bytes()
            self.wake()
        elif kind == WSMsgType.CLOSE:
            self._fail(close_reason(frame.get_payload_as_bytes()))
            transport.send_close(picows.WSCloseCode.OK)
        elif kind == WSMsgType.PONG:
            pass
        elif kind == WSMsgType.CONTINUATION or not frame.fin or self._fragments is not None:
            self._add_fragment(frame.get_payload_as_bytes(), kind == WSMsgType.CONTINUATION, frame.fin)
        else:
            self.messages.append(frame.get_payload_as_bytes())

    def _add_fragment(self, payload: bytes, continues: bool, is_last: bool) -> None:
        if continues != (self._fragments is not None):
            self._fail("the connection was lost (fragments of messages out of order)")
            return
        if self._fragments is None:
            self._fragments, self._fragments_size = [], 0
        self._fragments.append(payload)
        self._fragments_size += len(payload)
        if self._fragments_size > MAX_MESSAGE or len(self._fragments) > MAX_FRAGMENTS:
            self._fail(f"the connection was lost (a message of more than {MAX_MESSAGE} bytes or {MAX_FRAGMENTS} parts)")
        elif is_last:
            self.messages.append(b"".join(self._fragments))
            self._fragments = None

    def _stamp(self) -> None:
        """Take note when the messages that one read gave have come."""
        self.times += [time.time_ns()] * (len(self.messages) - len(self.times))

    def _fail(self, failure: str) -> None:
        self.failure = failure
        self.wake()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if not self.failure and not transport.is_close_frame_sent:
            self.failure = "the connection was lost (the peer closed it without a word)"
        self.wake()

    def pause_writing(self) -> None:
        self.waits_since_s = time.monotonic()

    def resume_writing(self) -> None:
        self.waits_since_s = None
        self.wake()


def _refusal(error: WSHandshakeError) -> Exception:
    """The HTTP status of an answer, whatever it is; else what picows says."""
    status, _, headers = (error.raw_header or b"").partition(b"\r\n")
    found = re.match(rb"HTTP/1\.[01] (\d{3})\b", status)
    if found is None or int(found[1]) == http.HTTPStatus.SWITCHING_PROTOCOLS:
        return ConnectionError(str(error))
    named = http.client.parse_headers(io.BytesIO(headers + b"\r\n\r\n"))
    return RefusedError(int(found[1]), dict(named), error.raw_body or b"")


def _note(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    log.debug("%s", context)  # the same failure is raised where the connection is used


_silent = logging.Logger("picows", logging.CRITICAL + 1)  # as above; picows warns of each
