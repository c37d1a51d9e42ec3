"""A transport that reads in Python, with websocket-client: it runs wherever Python does."""

import socket
import time
from http import HTTPStatus
from typing import Any, Final

import websocket

from alphastream.errors import FeedError
from runtime.connections.dialled import DialledTransport
from runtime.connections.rest import NETWORK_ERRORS, RefusedError
from runtime.connections.transport import MAX_MESSAGE, SEND_TIMEOUT_S, close_reason
from runtime.http import Connection, in_words

CHUNK: Final = 65_536  # one read takes all frames that have come
STREAM_ERRORS: Final = (*NETWORK_ERRORS, websocket.WebSocketException)


class WebSocketTransport(DialledTransport):
    """A Transport on websocket-client's low-level WebSocket.

    The library's ``close`` waits for the peer and its ``recv`` for the end of a frame that may never come; so here a
    deadline cuts every read, sends are bounded, and closing shuts the socket down.

    Parameters
    ----------
    timeout_s : for connecting, all steps together.
    """

    title = f"websocket-client {websocket.__version__}"

    def __init__(self, timeout_s: float = 5.0) -> None:
        super().__init__(timeout_s)
        self._ws = _WebSocket()
        self._failure: FeedError | None = None  # what ended it

    def _begin(self, url: str, connection: Connection) -> None:
        connection.connect()
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._shake_hands(url, connection.sock)

    def _shake_hands(self, url: str, sock: socket.socket) -> None:
        try:
            self._ws.connect(url, socket=sock, timeout=self._timeout_s, redirect_limit=0)  # type: ignore[no-untyped-call]
        except websocket.WebSocketBadStatusException as refusal:
            if not refusal.status_code:
                raise ConnectionError("its answer is no HTTP") from refusal
            raise RefusedError(refusal.status_code, refusal.resp_headers or {}, refusal.resp_body or b"") from refusal
        except websocket.WebSocketException as error:
            answer = self._ws.handshake_response
            if answer is not None and answer.status != HTTPStatus.SWITCHING_PROTOCOLS:  # it leads elsewhere
                raise RefusedError(answer.status, answer.headers) from error
            raise ConnectionError(str(error) or type(error).__name__) from error

    def recv(self, timeout_s: float) -> bytes | None:
        """Return the next message; see Transport."""
        if self._failure is not None:
            raise self._failure
        self._ws.deadline = time.monotonic() + timeout_s
        try:
            opcode, frame = self._ws.recv_data_frame(control_frame=True)
        except websocket.WebSocketTimeoutException:
            return None
        except STREAM_ERRORS as error:
            self._failure = FeedError(f"the connection was lost ({in_words(error)})")
            raise self._failure from error
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            self._failure = FeedError(close_reason(frame.data))
            raise self._failure
        if opcode in (websocket.ABNF.OPCODE_PING, websocket.ABNF.OPCODE_PONG):
            return None
        return bytes(frame.data)

    def recv_many(self, timeout_s: float) -> tuple[list[bytes], list[int]]:
        """Return all messages that have come; see Transport."""
        messages: list[bytes] = []
        times: list[int] = []
        message = self.recv(timeout_s)
        while message is not None:
            messages.append(message)
            times.append(self._ws.read_ns)
            try:
                message = self.recv(0.0)
            except FeedError:  # raised again by the next call
                break
        return messages, times

    def send(self, payload: bytes) -> None:
        """Send a text message; see Transport."""
        try:
            self._ws.send(payload, websocket.ABNF.OPCODE_TEXT)
        except STREAM_ERRORS as error:
            raise FeedError(f"the connection was lost ({in_words(error)})") from error


class _Frames(websocket.frame_buffer):
    """Frames as a server may send them, of bounded size: a header may announce 2**63 bytes."""

    def recv_header(self) -> None:
        super().recv_header()
        if self.has_mask():
            raise websocket.WebSocketProtocolException("a masked frame, which no server may send")

    def recv_length(self) -> None:
        super().recv_length()
        if self.length is not None and self.length > MAX_MESSAGE:
            raise websocket.WebSocketPayloadException(
                f"a frame of {self.length} bytes, at most {MAX_MESSAGE} are taken"
            )


class _Message(websocket.continuous_frame):
    """Fragments of bounded total size."""

    def add(self, frame: Any) -> None:
        super().add(frame)
        if self.cont_data is not None and len(self.cont_data[1]) > MAX_MESSAGE:
            raise websocket.WebSocketPayloadException(f"a message of more than {MAX_MESSAGE} bytes")


class _WebSocket(websocket.WebSocket):
    """Reads in large chunks and never beyond ``deadline``, on the clock of ``time.monotonic``."""

    def __init__(self) -> None:
        super().__init__(skip_utf8_validation=True)
        self.frame_buffer = _Frames(self._recv, True)
        self.cont_frame = _Message(False, True)
        self.deadline = 0.0
        self.read_ns = 0  # when the newest chunk came, UTC ns
        self._ahead = memoryview(b"")

    def _recv(self, bufsize: int) -> bytes:
        if not self._ahead:
            left_s = self.deadline - time.monotonic()
            if left_s <= 0.0:
                raise websocket.WebSocketTimeoutException("nothing came in time")
            if self.sock is not None:
                self.sock.settimeout(left_s)
            self._ahead = memoryview(super()._recv(CHUNK))  # type: ignore[no-untyped-call]
            self.read_ns = time.time_ns()
        taken, self._ahead = self._ahead[:bufsize], self._ahead[bufsize:]
        return bytes(taken)

    def _send(self, data: bytes | str) -> int:
        if self.sock is not None:
            self.sock.settimeout(SEND_TIMEOUT_S)
        try:
            sent = super()._send(data)
        except websocket.WebSocketTimeoutException:
            sent = 0
        if sent == 0:  # half a frame may be out: this connection is of no use any more
            raise websocket.WebSocketConnectionClosedException(f"the peer took nothing for {SEND_TIMEOUT_S:g} s")
        return int(sent)
