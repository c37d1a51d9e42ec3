"""Sockets under bad peers: every wait ends, every message is bounded, every failure is one sentence."""

import base64
import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from contextlib import contextmanager, suppress

import pytest

from alphastream.errors import FeedError
from runtime.connections.rest import RefusedError, RestClient, in_thread
from runtime.connections.transport import MAX_MESSAGE
from runtime.connections.websocket_client import WebSocketTransport
from tools.exchange import LocalExchange, Refuse418, Refuse451, Stepped

TEXT, CONTINUATION, PING = 0x1, 0x0, 0x9
Script = Callable[[socket.socket], None]


@contextmanager
def peer(script: Script) -> Iterator[str]:
    """A server on loopback that runs a script on every connection; gives its "host:port"."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                connection, _ = server.accept()
                with connection, suppress(OSError):
                    script(connection)

        thread = threading.Thread(target=serve, name="peer")
        thread.start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            over.set()
            with suppress(OSError):
                socket.create_connection(server.getsockname()).close()
            thread.join(5.0)
            assert not thread.is_alive()


def shake_hands(connection: socket.socket) -> None:
    request = b""
    while b"\r\n\r\n" not in request:
        received = connection.recv(4_096)
        if not received:
            raise OSError("gone")
        request += received
    key = next(line.split(b": ")[1] for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    connection.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def frame(payload: bytes, opcode: int = TEXT, *, final: bool = True, length: int | None = None) -> bytes:
    size = len(payload) if length is None else length
    head = bytes([(0x80 if final else 0) | opcode])
    if size < 126:
        return head + bytes([size]) + payload
    if size < 2**16:
        return head + b"\x7e" + size.to_bytes(2, "big") + payload
    return head + b"\x7f" + size.to_bytes(8, "big") + payload


def wait_for_the_end(connection: socket.socket) -> None:
    while connection.recv(4_096):
        pass


@contextmanager
def connected(script: Script) -> Iterator[WebSocketTransport]:
    def whole(connection: socket.socket) -> None:
        shake_hands(connection)
        script(connection)
        wait_for_the_end(connection)

    with peer(whole) as address:
        transport = WebSocketTransport(2.0)
        transport.open(f"ws://{address}")
        try:
            yield transport
        finally:
            transport.close()


def receive(transport: WebSocketTransport, seconds: float = 2.0) -> bytes | None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        message = transport.recv(0.05)
        if message is not None:
            return message
    return None


def test_messages_in_one_segment_in_pieces_and_in_fragments() -> None:
    def script(connection: socket.socket) -> None:
        connection.sendall(frame(b"one") + frame(b"x" * 70_000) + frame(b"three")[:3])
        time.sleep(0.15)
        connection.sendall(frame(b"three")[3:] + frame(b"fo", final=False))
        connection.sendall(frame(b"p", PING) + frame(b"ur", CONTINUATION))

    with connected(script) as transport:
        messages = [receive(transport) for _ in range(4)]
    assert messages == [b"one", b"x" * 70_000, b"three", b"four"]


def test_a_burst_comes_at_once_with_its_times_and_the_end_after_it() -> None:
    sent_ns = time.time_ns()

    def script(connection: socket.socket) -> None:
        connection.sendall(b"".join(frame(b"%d" % number) for number in range(1_000)) + frame(b"", 0x8))

    bursts: list[tuple[list[bytes], list[int]]] = []
    with connected(script) as transport:
        while sum(len(messages) for messages, _ in bursts) < 1_000:
            bursts.append(transport.recv_many(2.0))
        for _ in range(2):
            with pytest.raises(FeedError, match="the venue closed the connection"):
                transport.recv_many(2.0)
    messages = [message for messages, _ in bursts for message in messages]
    times = [time_ns for _, times in bursts for time_ns in times]
    assert len(messages) == len(times)
    assert messages == [b"%d" % number for number in range(1_000)]
    assert len(bursts) < 100
    assert sent_ns <= times[0] <= times[-1] <= time.time_ns()
    assert times == sorted(times)


def test_recv_ends_in_time() -> None:
    with connected(lambda connection: None) as transport:
        started = time.monotonic()
        assert transport.recv(0.1) is None
        assert transport.recv(0.0) is None
        assert transport.recv_many(0.0) == ([], [])
        assert 0.1 <= time.monotonic() - started < 1.0


def test_a_frame_that_drips_does_not_hold_recv() -> None:
    def script(connection: socket.socket) -> None:
        for byte in frame(b"slowly but surely"):
            connection.sendall(bytes([byte]))
            time.sleep(0.02)

    with connected(script) as transport:
        started = time.monotonic()
        assert transport.recv(0.1) is None
        assert time.monotonic() - started < 0.3
        assert receive(transport) == b"slowly but surely"


def test_pings_without_end_do_not_hold_recv() -> None:
    stop = threading.Event()

    def script(connection: socket.socket) -> None:
        while not stop.is_set():
            connection.sendall(frame(b"p", PING) * 10)
            connection.setblocking(False)
            with suppress(BlockingIOError):
                connection.recv(65_536)
            connection.setblocking(True)

    with connected(script) as transport:
        started = time.monotonic()
        assert transport.recv(0.1) is None
        assert time.monotonic() - started < 1.0
        stop.set()


@pytest.mark.parametrize(
    "flood",
    [
        frame(b"x", length=MAX_MESSAGE + 1),
        frame(b"x", length=2**62),
        frame(b"x" * 60_000, final=False) + frame(b"x" * 60_000, CONTINUATION, final=False) * 80,
    ],
    ids=["announced", "absurd", "fragments"],
)
def test_a_message_without_measure_ends_the_connection(flood: bytes) -> None:
    def script(connection: socket.socket) -> None:
        with suppress(OSError):
            connection.sendall(flood)

    with connected(script) as transport, pytest.raises(FeedError, match=r"frame of|more than"):
        receive(transport)


def test_empty_fragments_without_end_do_not_hold_recv() -> None:
    stop = threading.Event()

    def script(connection: socket.socket) -> None:
        connection.sendall(frame(b"", final=False))
        while not stop.is_set():
            connection.sendall(frame(b"", CONTINUATION, final=False) * 1_000)

    with connected(script) as transport:
        started = time.monotonic()
        assert transport.recv(0.1) is None
        assert time.monotonic() - started < 2.0
        stop.set()
        transport.abort()


def test_a_peer_that_reads_nothing_does_not_hold_send() -> None:
    over = threading.Event()

    def script(connection: socket.socket) -> None:
        shake_hands(connection)
        over.wait(10.0)

    with peer(script) as address:
        transport = WebSocketTransport(2.0)
        transport.open(f"ws://{address}")
        started = time.monotonic()
        with pytest.raises(FeedError, match="the peer took nothing"):
            transport.send(b"x" * 50_000_000)
        assert time.monotonic() - started < 5.0
        over.set()
        transport.close()


def test_abort_wakes_a_waiting_recv() -> None:
    with connected(lambda connection: None) as transport:
        threading.Timer(0.1, transport.abort).start()
        started = time.monotonic()
        with pytest.raises(FeedError, match="the connection was lost"):
            transport.recv(10.0)
        assert time.monotonic() - started < 2.0


def drip(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"H")
        time.sleep(0.02)


@pytest.mark.parametrize(
    "attempt",
    [
        lambda address: WebSocketTransport(0.3).open(f"ws://{address}"),
        lambda address: RestClient(0.3).get(f"http://{address}/"),
    ],
    ids=["ws", "rest"],
)
def test_an_answer_that_drips_is_given_up_in_time(attempt: Callable[[str], object]) -> None:
    with peer(drip) as address:
        started = time.monotonic()
        with pytest.raises(FeedError, match=r"did not answer in time|no complete answer"):
            attempt(address)
        assert time.monotonic() - started < 2.0


def drip_a_body(connection: socket.socket) -> None:
    connection.recv(4_096)
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 100000\r\n\r\n")
    drip(connection)


def test_a_body_that_drips_is_given_up_in_time() -> None:
    """http.client lets go of the socket of such an answer before its body is read: the deadline must still find it."""
    with peer(drip_a_body) as address:
        started = time.monotonic()
        with pytest.raises(FeedError, match="no complete answer within"):
            RestClient(0.3).get(f"http://{address}/")
        assert time.monotonic() - started < 5.0


def test_a_tls_handshake_that_drips_is_given_up_in_time() -> None:
    with peer(drip) as address:
        for attempt in (
            lambda: RestClient(0.3).get(f"https://{address}/"),
            lambda: WebSocketTransport(0.3).open(f"wss://{address}"),
        ):
            with pytest.raises(FeedError, match="cannot be reached"):
                attempt()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\r\n\r\n",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: ws://x\r\n\r\n",
    ],
)
def test_what_is_no_handshake_is_one_clear_error(answer: bytes) -> None:
    def script(connection: socket.socket) -> None:
        connection.recv(4_096)
        connection.sendall(answer)

    with peer(script) as address, pytest.raises(FeedError):
        WebSocketTransport(1.0).open(f"ws://{address}")


@pytest.mark.parametrize("url", ["ws://", "ws://[::1", "ws://localhost:notaport", "ws://no.such.host.invalid"])
def test_an_address_that_leads_nowhere_is_one_clear_error(url: str) -> None:
    with pytest.raises(FeedError, match="cannot be reached"):
        WebSocketTransport(1.0).open(url)


def test_refusals_keep_status_and_headers() -> None:
    with LocalExchange(pace=Stepped(), faults=(Refuse418(on=("rest",), retry_after_s=7),)) as exchange:
        with pytest.raises(RefusedError, match="banned") as refusal:
            RestClient().get(f"{exchange.rest_url}/fapi/v1/time")
        assert refusal.value.status == 418
        assert {key.lower(): value for key, value in refusal.value.headers.items()}["retry-after"] == "7"
        exchange.heal()
        assert b"serverTime" in RestClient().get(f"{exchange.rest_url}/fapi/v1/time")
        exchange.inject(Refuse451(on=("ws",)))
        with pytest.raises(RefusedError) as refusal:
            WebSocketTransport().open(f"{exchange.ws_url}/market/stream?streams=btcusdt@aggTrade")
        assert refusal.value.status == 451


def test_the_proxy_of_the_environment_is_asked_for_all_but_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    def script(connection: socket.socket) -> None:
        asked.append(connection.recv(4_096))
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")

    with peer(script) as proxy, LocalExchange(pace=Stepped()) as exchange:
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://user:pass%20word@{proxy}")
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.setenv(name, "elsewhere.example")
        assert RestClient().get(f"{exchange.rest_url}/fapi/v1/time")
        transport = WebSocketTransport()
        transport.open(f"{exchange.ws_url}/market/stream?streams=btcusdt@aggTrade")
        transport.close()
        assert asked == []
        for attempt in (
            lambda: RestClient(1.0).get("https://venue.example/time"),
            lambda: WebSocketTransport(1.0).open("wss://venue.example/stream"),
        ):
            with pytest.raises(FeedError, match=r"venue\.example cannot be reached: Tunnel connection failed: 403"):
                attempt()
    asked.remove(b"")  # the connection that ends the peer
    assert [request.startswith(b"CONNECT venue.example:443 ") for request in asked] == [True, True]
    assert all(base64.b64encode(b"user:pass word") in request for request in asked)


def test_a_request_in_the_background_keeps_what_came_of_it() -> None:
    go = threading.Event()

    def work() -> bytes:
        go.wait(5.0)
        return b"done"

    request = in_thread(work)
    seen = [request.done()]
    go.set()
    wait([request], 5.0)
    seen.append(request.done())
    assert seen == [False, True]
    assert request.result() == b"done"

    def fail() -> bytes:
        raise FeedError("no answer")

    request = in_thread(fail)
    wait([request], 5.0)
    with pytest.raises(FeedError, match="no answer"):
        request.result()

    def defect() -> bytes:
        raise ZeroDivisionError("nothing left to divide")

    request = in_thread(defect)
    wait([request], 5.0)
    with pytest.raises(FeedError, match=r"a defect .*nothing left to divide"):
        request.result()
