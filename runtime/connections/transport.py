"""The seam between this machine and a venue: WebSocket messages and REST answers, with every wait bounded.

Nothing here knows what a trade is. A faster reader of sockets takes the place of ``WebSocketTransport`` by offering
the five methods of ``Transport``.
"""

import base64
import http.client
import ipaddress
import logging
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final, Protocol
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import websocket

from alphastream.errors import FeedError

log = logging.getLogger(__name__)

CHUNK: Final = 65_536  # one read takes all frames that have come
MAX_MESSAGE: Final = 4 * 2**20  # bytes; a trade takes 250
MAX_BODY: Final = 64 * 2**20  # bytes; exchangeInfo of a whole venue takes a few million
SEND_TIMEOUT_S: Final = 1.0
NETWORK_ERRORS: Final = (OSError, http.client.HTTPException, websocket.WebSocketException, ValueError, IndexError)


class RefusedError(FeedError):
    """The venue answered with an HTTP status that is no success."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
        said = f": {body[:200].decode('utf-8', 'replace')}" if body else ""
        super().__init__(f"HTTP {status}{said}")
        self.status = status
        self.headers = dict(headers)


class Transport(Protocol):
    """One connection that carries messages. All methods but ``abort`` belong to one thread."""

    def open(self, url: str) -> None:
        """Connect. Raises RefusedError with the HTTP status of a refusal, FeedError where nothing answers in time."""

    def recv(self, timeout_s: float) -> bytes | None:
        """Return the next message; None after ``timeout_s`` or earlier, 0 takes only what was already read.

        Raises FeedError when the connection is lost. Pings are answered on the way.
        """

    def send(self, payload: bytes) -> None:
        """Send a text message. Raises FeedError."""

    def abort(self) -> None:
        """Make the other methods fail at once, from any thread, whatever the peer does."""

    def close(self) -> None:
        """Give the connection up, without waiting for the peer."""


class WebSocketTransport:
    """A Transport on websocket-client's low-level WebSocket.

    The library's ``close`` waits for the peer and its ``recv`` for the end of a frame that may never come; so here a
    deadline cuts every read, sends are bounded, and closing shuts the socket down.

    Parameters
    ----------
    timeout_s : for connecting, all steps together.
    """

    def __init__(self, timeout_s: float = 5.0) -> None:
        self._timeout_s = timeout_s
        self._ws = _WebSocket()
        self._connection: http.client.HTTPConnection | None = None
        self._aborted = threading.Event()

    def open(self, url: str) -> None:
        """Connect; see Transport."""
        with _failures(url, self._aborted), _deadline(self._timeout_s, self.abort):
            self._connection = _dial(url, self._timeout_s, self._aborted)
            self._connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            self._ws.connect(url, socket=self._connection.sock, timeout=self._timeout_s, redirect_limit=0)  # type: ignore[no-untyped-call]

    def recv(self, timeout_s: float) -> bytes | None:
        """Return the next message; see Transport."""
        self._ws.deadline = time.monotonic() + timeout_s
        try:
            opcode, frame = self._ws.recv_data_frame(control_frame=True)
        except websocket.WebSocketTimeoutException:
            return None
        except NETWORK_ERRORS as error:
            raise FeedError(f"the connection was lost ({error})") from error
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            code = int.from_bytes(frame.data[:2], "big") if frame.data else "none"
            raise FeedError(f"the venue closed the connection (code {code})")
        if opcode in (websocket.ABNF.OPCODE_PING, websocket.ABNF.OPCODE_PONG):
            return None
        return bytes(frame.data)

    def send(self, payload: bytes) -> None:
        """Send a text message; see Transport."""
        try:
            self._ws.send(payload, websocket.ABNF.OPCODE_TEXT)
        except NETWORK_ERRORS as error:
            raise FeedError(f"the connection was lost ({error})") from error

    def abort(self) -> None:
        """Make the other methods fail at once; see Transport."""
        self._aborted.set()
        _shut(self._connection)

    def close(self) -> None:
        """Give the connection up; see Transport."""
        self.abort()
        if self._connection is not None:
            self._connection.close()


class RestClient:
    """GET requests, one at a time, each bounded in time and size.

    Parameters
    ----------
    timeout_s : for one answer, from connecting to its last byte.
    """

    def __init__(self, timeout_s: float = 5.0) -> None:
        self._timeout_s = timeout_s
        self._connection: http.client.HTTPConnection | None = None
        self._aborted = threading.Event()

    def get(self, url: str) -> bytes:
        """Return the body of a successful answer.

        Raises
        ------
        RefusedError
            The status is not 200.
        FeedError
            No complete answer in time, or a body beyond ``MAX_BODY``.
        """
        late = threading.Event()

        def expire() -> None:
            late.set()
            _shut(self._connection)

        with _failures(url, late), _deadline(self._timeout_s, expire):
            self._connection = connection = _dial(url, self._timeout_s, self._aborted)
            try:
                parts = urlsplit(url)
                connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""))
                answer = connection.getresponse()
                body = answer.read(MAX_BODY + 1)
            finally:
                connection.close()
        if answer.status != 200:
            raise RefusedError(answer.status, dict(answer.headers), body)
        if late.is_set() or len(body) > MAX_BODY:
            raise FeedError(f"{parts.hostname} sent no complete answer within {self._timeout_s:g} s")
        return body

    def abort(self) -> None:
        """Make a waiting ``get`` and all later ones fail at once, from any thread."""
        self._aborted.set()
        _shut(self._connection)


class Errand:
    """A function on a thread of its own, asked for its result later.

    Parameters
    ----------
    work : what to do; its FeedError is kept for ``result``.
    """

    def __init__(self, work: Callable[[], bytes]) -> None:
        self._work = work
        self._body = b""
        self._error: FeedError | None = None
        self._thread = threading.Thread(target=self._run, name="ingest-errand", daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """True when ``result`` has something to say."""
        return not self._thread.is_alive()

    def result(self) -> bytes:
        """Return what the work returned or raise what it raised."""
        if self._error is not None:
            raise self._error
        return self._body

    def join(self, timeout_s: float) -> None:
        """Wait for the end."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            self._body = self._work()
        except FeedError as error:
            self._error = error
        except Exception as error:  # the thread ends here
            log.exception("an errand ended by a defect")
            self._error = FeedError(f"a defect ({type(error).__name__}: {error}): the log has more")


class Backoff:
    """Waits before the next attempt: uniform between 0 and a bound that doubles up to a cap ("full jitter").

    Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/

    Parameters
    ----------
    base_s, cap_s : bound of the first wait and of all waits.
    seed : of the random numbers; None for an unforeseeable one.
    """

    def __init__(self, base_s: float, cap_s: float, seed: int | None = None) -> None:
        self._base_s = base_s
        self._cap_s = cap_s
        self._attempts = 0
        self._random = random.Random(seed)

    def next_s(self) -> float:
        """Return the next wait in seconds."""
        bound_s = min(self._cap_s, self._base_s * 2.0 ** min(self._attempts, 60))
        self._attempts += 1
        return self._random.uniform(0.0, bound_s)

    def reset(self) -> None:
        """Begin again with short waits."""
        self._attempts = 0


class _Frames(websocket.frame_buffer):
    """Frames of bounded size: a header may announce 2**63 bytes."""

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
        self._ahead = memoryview(b"")

    def _recv(self, bufsize: int) -> bytes:
        if not self._ahead:
            left_s = self.deadline - time.monotonic()
            if left_s <= 0.0:
                raise websocket.WebSocketTimeoutException("nothing came in time")
            if self.sock is not None:
                self.sock.settimeout(left_s)
            self._ahead = memoryview(super()._recv(CHUNK))  # type: ignore[no-untyped-call]
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


def _dial(url: str, timeout_s: float, aborted: threading.Event) -> http.client.HTTPConnection:
    """Connect by TCP, TLS and the proxy of the environment, whichever the address asks for."""
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme in ("wss", "https")
    port = parts.port or (443 if secure else 80)
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    proxy = _proxy(host, secure)
    if proxy is None:
        connection = kind(host, port, timeout=timeout_s)
    else:
        connection = kind(proxy.hostname or "", proxy.port or 80, timeout=timeout_s)
        connection.set_tunnel(host, port, _proxy_headers(proxy))
    try:
        if not aborted.is_set():
            connection.connect()
        if aborted.is_set():  # it may have come while nothing could be interrupted
            raise ConnectionAbortedError("given up")
    except BaseException:
        connection.close()
        raise
    return connection


def _proxy(host: str, secure: bool) -> SplitResult | None:
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    if local or proxy_bypass(host):
        return None
    address = getproxies().get("https" if secure else "http")
    return urlsplit(address if "://" in address else f"http://{address}") if address else None


def _proxy_headers(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
    return {"Proxy-Authorization": "Basic " + base64.b64encode(pair).decode()}


def _shut(connection: http.client.HTTPConnection | None) -> None:
    sock = connection.sock if connection is not None else None
    if sock is not None:
        with suppress(OSError):  # the peer was quicker
            sock.shutdown(socket.SHUT_RDWR)


@contextmanager
def _deadline(seconds: float, expire: Callable[[], object]) -> Iterator[None]:
    """Call ``expire`` when the block takes longer: a peer that drips single bytes outlives any socket timeout."""
    timer = threading.Timer(seconds, expire)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def _failures(url: str, late: threading.Event) -> Iterator[None]:
    """Turn what a network can do to us into FeedError, with a sentence."""
    host = url.partition("://")[2].partition("/")[0]
    try:
        yield
    except websocket.WebSocketBadStatusException as refusal:
        raise RefusedError(refusal.status_code, refusal.resp_headers or {}, refusal.resp_body or b"") from refusal
    except TimeoutError as error:
        raise FeedError(f"{host} did not answer in time") from error
    except NETWORK_ERRORS as error:
        why = "it did not answer in time" if late.is_set() else str(error) or type(error).__name__
        raise FeedError(f"{host} cannot be reached: {why}") from error
