"""HTTP connections on which every wait and every answer is bounded.

Which addresses may be used is decided elsewhere: ``outbound`` checks those that users name.
"""

import base64
import errno
import http.client
import ipaddress
import os
import selectors
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

PORTS: Final = {"https": 443, "wss": 443, "http": 80, "ws": 80}
SECURE: Final = ("https", "wss")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Parameters
    ----------
    status : of HTTP.
    body : its first bytes.
    headers : names in the spelling of the peer.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def header(self, name: str) -> str | None:
        """The value of a header, whatever the case of its name; None where there is none."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), None)


class Connection(http.client.HTTPConnection):
    """A connection that ``abort`` cuts from any thread at any moment, also while it is being made.

    Parameters
    ----------
    host, port : of the peer, or of the proxy.
    tls : whether to speak TLS, with the peer's certificate checked.
    timeout_s : for each single wait.
    addresses : where the host was found; it is looked up where none are given.
    """

    def __init__(self, host: str, port: int, *, tls: bool, timeout_s: float, addresses: Sequence[str] = ()) -> None:
        super().__init__(host, port, timeout=timeout_s)
        self.default_port = PORTS["https" if tls else "http"]  # left out of the Host header
        self._addresses = addresses or (self.host,)
        self._proxied_host: str | None = None
        self.tls: ssl.SSLContext | None = None
        if tls:
            self.tls = ssl.create_default_context()
            self.tls.set_alpn_protocols(["http/1.1"])
        self._cut: socket.socket | None = None  # http.client forgets a socket before the body was read
        self._woken = threading.Event()
        self.aborted = False

    def set_tunnel(self, host: str, port: int | None = None, headers: Mapping[str, str] | None = None) -> None:
        """Reach a host through the peer, which is a proxy."""
        super().set_tunnel(host, port, headers)
        self._proxied_host = host

    def reach(self) -> socket.socket:
        """Connect to the first address that answers, through the proxy if there is one, without TLS yet."""
        try:
            self.sock = self._cut = sock = self._dial()
            if self._proxied_host is not None:
                self._tunnel()  # type: ignore[attr-defined]  # as http.client's own connect does
            self._require_not_aborted()
        except BaseException:
            self.close()
            raise
        return sock

    def connect(self) -> None:
        """Connect to the first address that answers."""
        sock = self.reach()
        try:
            if self.tls is not None:  # the handshake apart, so that abort() finds the socket that makes it
                name = self._proxied_host or self.host
                secure = self.tls.wrap_socket(sock, server_hostname=name, do_handshake_on_connect=False)
                self.sock = self._cut = secure
                secure.do_handshake()
            self._require_not_aborted()
        except BaseException:
            self.close()
            raise

    def _dial(self) -> socket.socket:
        failure: OSError = OSError("no address")
        for address in self._addresses:
            for family, kind, protocol, _, place in self._look_up(address):
                try:
                    return self._dial_one(socket.socket(family, kind, protocol), place)
                except OSError as error:
                    failure = error
        raise failure

    def _dial_one(self, sock: socket.socket, place: Any) -> socket.socket:
        """Connect, in such an order that ``abort`` either is seen here or finds the socket that connects."""
        try:
            sock.setblocking(False)
            begun = sock.connect_ex(place)
            if begun not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):
                raise OSError(begun, os.strerror(begun))
            self._cut = sock
            self._require_not_aborted()
            with selectors.DefaultSelector() as waiting:
                waiting.register(sock, selectors.EVENT_WRITE)
                if not waiting.select(self.timeout):
                    raise TimeoutError("timed out")
            if ended := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(ended, os.strerror(ended))
            sock.settimeout(self.timeout)
        except BaseException:
            sock.close()
            raise
        return sock

    def _look_up(self, host: str) -> list[Any]:
        """Where a host is. Nothing can end a look-up, so another thread waits for it."""
        with suppress(socket.gaierror):
            return socket.getaddrinfo(host, self.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        self._woken.clear()
        self._require_not_aborted()
        found: list[list[Any] | OSError] = []

        def look_up() -> None:
            try:
                found.append(socket.getaddrinfo(host, self.port, type=socket.SOCK_STREAM))
            except OSError as error:
                found.append(error)
            except UnicodeError:  # a label too long or empty
                found.append(socket.gaierror(f"{host!r} is no name of a host"))
            self._woken.set()

        threading.Thread(target=look_up, name="look-up", daemon=True).start()
        self._woken.wait(self.timeout)
        self._require_not_aborted()
        if not found:
            raise TimeoutError("timed out")
        if isinstance(found[0], OSError):
            raise found[0]
        return found[0]

    def _require_not_aborted(self) -> None:
        if self.aborted:
            raise ConnectionAbortedError("given up")

    def abort(self) -> None:
        """Make what waits fail, now and later: a peer that sends byte by byte resets every timeout."""
        self.aborted = True
        self._woken.set()
        if self._cut is not None:
            with suppress(OSError):  # the peer was quicker
                self._cut.shutdown(socket.SHUT_RDWR)

    def exchange(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        max_body: int,
    ) -> Answer:
        """Send one request and return what came back, whatever its status, with up to ``max_body`` bytes of its body.

        Raises
        ------
        OSError, http.client.HTTPException, ValueError
            The network, the peer, or a target that no request line can carry.
        """
        try:
            if self.sock is None:
                self.connect()
            self.request(method, target, body, {"Connection": "close", **(headers or {})})
            with self.getresponse() as response:
                return Answer(response.status, response.read(max_body), dict(response.headers))
        finally:
            self.close()


def connection_to(url: str, timeout_s: float) -> Connection:
    """A connection, not opened yet, to the host of an address, through the proxy of the environment if there is one."""
    parts = urlsplit(url)
    host, tls = parts.hostname or "", parts.scheme in SECURE
    port = parts.port or PORTS["https" if tls else "http"]
    proxy = _proxy(host, tls)
    if proxy is None:
        return Connection(host, port, tls=tls, timeout_s=timeout_s)
    connection = Connection(proxy.hostname or "", proxy.port or 80, tls=tls, timeout_s=timeout_s)
    connection.set_tunnel(host, port, _proxy_headers(proxy))
    return connection


def in_words(error: BaseException) -> str:
    """Say for people what went wrong with a connection.

    Examples
    --------
    >>> in_words(ConnectionRefusedError(111, "Connection refused"))
    'nothing listens at this address'
    >>> in_words(OSError(113, "No route to host"))
    'no route to host'
    """
    if isinstance(error, socket.gaierror):
        return "no network, or a wrong address"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({(error.reason or 'no reason given').replace('_', ' ').lower()})"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens at this address"
    if isinstance(error, ConnectionResetError | BrokenPipeError) and error.errno:
        return "the other side cut it off"
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[0].lower() + error.strerror[1:]
    return str(error) or type(error).__name__


def target_of(parts: SplitResult) -> str:
    """Path and query of an address: what stands in the request line."""
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


@contextmanager
def deadline(seconds: float, expire: Callable[[], object]) -> Iterator[None]:
    """Call ``expire`` when the block takes longer: a peer that drips single bytes outlives any socket timeout."""
    timer = threading.Timer(seconds, expire)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


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
