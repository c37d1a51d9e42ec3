"""How both transports connect, and what they say where they cannot."""

import base64
import socket
import ssl
import sys
import threading
import time
from concurrent.futures import Future, wait
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
import trustme

from alphastream.errors import FeedError
from runtime.connections.rest import RefusedError, RestClient, in_thread
from tests.runtime.connections.conftest import Make
from tests.runtime.connections.peers import drip, frame, peer, shake_hands, wait_for_the_end
from tools.exchange import LocalExchange, Refuse451, Stepped


def test_an_answer_that_drips_is_given_up_in_time(make: Make) -> None:
    with peer(drip) as address:
        started = time.monotonic()
        transport = make(0.3)
        with pytest.raises(FeedError, match="did not answer in time"):
            transport.open(f"ws://{address}")
        assert time.monotonic() - started < 2.0
        transport.close()


def test_a_tls_handshake_that_drips_is_given_up_in_time(make: Make) -> None:
    with peer(drip) as address:
        transport = make(0.3)
        with pytest.raises(FeedError, match="cannot be reached"):
            transport.open(f"wss://{address}")
        transport.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\r\n\r\n",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"\xff\xfe\x00" * 50 + b"\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: bm90IHRoZSByaWdodCBvbmU=\r\n\r\n",
        b"HTTP/1.1 101 Switching",
        b"X: y\r\n" * 10_000,
    ],
    ids=["nothing", "empty", "garbage", "status", "binary", "bare", "key", "cut", "endless"],
)
def test_what_is_no_handshake_is_one_clear_error(make: Make, answer: bytes) -> None:
    def script(connection: socket.socket) -> None:
        connection.recv(4_096)
        connection.sendall(answer)

    with peer(script) as address, closing(make(1.0)) as transport:
        with pytest.raises(FeedError, match=f"{address} cannot be reached: .{{10,}}") as failure:
            transport.open(f"ws://{address}")
        assert not isinstance(failure.value, RefusedError)


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        ("200 OK", {}),
        ("302 Found", {"Location": "ws://127.0.0.1:9/"}),
        ("403 Forbidden", {"Server": "CloudFront"}),
        ("418 I'm a teapot", {"Retry-After": "86400"}),
        ("429 Too Many Requests", {"Retry-After": "7", "X-MBX-USED-WEIGHT-1M": "2401"}),
        ("451 Unavailable For Legal Reasons", {}),
        ("503 Service Unavailable", {"Retry-After": "1"}),
        ("520 Unknown Error", {}),
    ],
    ids=lambda value: value[:3] if isinstance(value, str) else "",
)
def test_a_refusal_keeps_its_status_and_headers(make: Make, status: str, headers: dict[str, str]) -> None:
    def script(connection: socket.socket) -> None:
        connection.recv(4_096)
        named = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        connection.sendall(f"HTTP/1.1 {status}\r\n{named}Content-Length: 6\r\n\r\nbecome".encode())

    with peer(script) as address, closing(make(1.0)) as transport:
        with pytest.raises(RefusedError, match=f"HTTP {status[:3]}") as refusal:
            transport.open(f"ws://{address}")
        assert refusal.value.status == int(status[:3])
        told = {name.lower(): value for name, value in refusal.value.headers.items()}
        assert {name: told.get(name.lower()) for name in headers} == headers


def test_no_compression_is_offered(make: Make) -> None:
    requests: list[bytes] = []

    def script(connection: socket.socket) -> None:
        requests.append(shake_hands(connection))
        wait_for_the_end(connection)

    with peer(script) as address, closing(make(2.0)) as transport:
        transport.open(f"ws://{address}/market/stream?streams=btcusdt@aggTrade")
    (request,) = requests
    assert request.startswith(b"GET /market/stream?streams=btcusdt@aggTrade HTTP/1.1\r\n")
    assert f"host: {address}\r\n".encode() in request.lower()
    assert b"sec-websocket-extensions" not in request.lower()


def test_messages_that_come_with_the_handshake_are_kept(make: Make) -> None:
    def script(connection: socket.socket) -> None:
        shake_hands(connection, frame(b"first") + frame(b"sec")[:3])
        connection.sendall(frame(b"sec")[3:])
        wait_for_the_end(connection)

    with peer(script) as address, closing(make(2.0)) as transport:
        transport.open(f"ws://{address}")
        received: list[bytes] = []
        while len(received) < 2:
            received += transport.recv_many(2.0)[0]
        assert received == [b"first", b"sec"]


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_abort_ends_a_handshake_that_never_comes(make: Make, scheme: str) -> None:
    asked = threading.Event()

    def script(connection: socket.socket) -> None:
        connection.recv(4_096)
        asked.set()
        wait_for_the_end(connection)

    with peer(script) as address, closing(make(30.0)) as transport:
        opening = in_thread(lambda: transport.open(f"{scheme}://{address}"))
        assert asked.wait(10.0)
        transport.abort()
        with pytest.raises(FeedError, match="cannot be reached"):
            opening.result(10.0)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the timeout ends it: a shutdown does not wake a connect")
def test_abort_ends_a_connect_that_nobody_answers(make: Make) -> None:
    with socket.socket() as server, ExitStack() as fillers:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):  # the queue is full: further connects are not even refused
            filler = fillers.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
        address = f"127.0.0.1:{server.getsockname()[1]}"
        transport, client = make(30.0), RestClient(30.0)
        attempts: list[Future[object]] = [
            in_thread(lambda: transport.open(f"ws://{address}")),
            in_thread(lambda: client.get(f"http://{address}/")),
        ]
        assert not wait(attempts, 0.3).done
        transport.abort()
        client.abort()
        for attempt in attempts:
            with pytest.raises(FeedError, match=f"{address} cannot be reached"):
                attempt.result(10.0)
        transport.close()


def test_abort_ends_a_look_up_that_nobody_answers(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, over = threading.Event(), threading.Event()
    look_up = socket.getaddrinfo

    def hang(host: str, port: int, **named: Any) -> Any:
        if not named.get("flags"):
            asked.set()
            over.wait(30.0)
        return look_up(host, port, **named)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    with closing(make(30.0)) as transport:
        attempt = in_thread(lambda: transport.open("wss://no.such.host.invalid/stream"))
        assert asked.wait(10.0)
        transport.abort()
        with pytest.raises(FeedError, match="cannot be reached"):
            attempt.result(10.0)
    over.set()


def test_after_abort_nothing_is_opened(make: Make) -> None:
    with peer(wait_for_the_end) as address, closing(make(30.0)) as transport:
        transport.abort()
        with pytest.raises(FeedError, match="cannot be reached"):
            transport.open(f"ws://{address}")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.mark.parametrize(
    ("named", "known", "told"),
    [
        ("localhost", True, ""),
        ("venue.example", True, "certificate"),
        ("localhost", False, "certificate"),
    ],
    ids=["right", "other-name", "unknown-authority"],
)
def test_a_certificate_is_checked(
    make: Make,
    authority: trustme.CA,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    named: str,
    known: bool,
    told: str,
) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(named).configure_cert(server)
    trusted = tmp_path / "authorities.pem"
    (authority if known else trustme.CA()).cert_pem.write_to_path(trusted)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))

    def script(connection: socket.socket) -> None:
        with server.wrap_socket(connection, server_side=True) as secure:
            shake_hands(secure)
            secure.sendall(frame(b"x" * 100_000) + frame(b"end"))
            wait_for_the_end(secure)

    with peer(script) as address, closing(make(5.0)) as transport:
        url = f"wss://localhost:{address.rpartition(':')[2]}"
        if told:
            with pytest.raises(FeedError, match=f"localhost:.* cannot be reached: .*{told}"):
                transport.open(url)
            return
        transport.open(url)
        received: list[bytes] = []
        while len(received) < 2:
            received += transport.recv_many(2.0)[0]
        assert received == [b"x" * 100_000, b"end"]


@pytest.mark.parametrize("url", ["ws://", "ws://[::1", "ws://localhost:notaport"])
def test_an_address_that_leads_nowhere_is_one_clear_error(make: Make, url: str) -> None:
    transport = make(1.0)
    with pytest.raises(FeedError, match=r"cannot be (found|reached)"):
        transport.open(url)
    transport.close()


def test_no_network_and_no_server_are_told_apart(make: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = f"127.0.0.1:{server.getsockname()[1]}"
    for host, told in (
        ("no.such.host.invalid", "cannot be found: no network, or a wrong address"),
        (closed, "cannot be reached: nothing listens at this address"),
    ):
        with closing(make(5.0)) as transport, pytest.raises(FeedError) as failure:
            transport.open(f"ws://{host}/stream")
        assert str(failure.value) == f"{host} {told}"


def test_refusals_of_the_exchange_keep_their_status(make: Make) -> None:
    with LocalExchange(pace=Stepped(), faults=(Refuse451(on=("ws",)),)) as exchange:
        transport = make(5.0)
        with pytest.raises(RefusedError) as refusal:
            transport.open(f"{exchange.ws_url}/market/stream?streams=btcusdt@aggTrade")
        assert refusal.value.status == 451
        transport.close()


def test_the_proxy_of_the_environment_is_asked_for_all_but_loopback(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
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
        transport = make(5.0)
        transport.open(f"{exchange.ws_url}/market/stream?streams=btcusdt@aggTrade")
        transport.close()
        assert asked == []
        transport = make(1.0)
        for attempt in (
            lambda: RestClient(1.0).get("https://venue.example/time"),
            lambda: transport.open("wss://venue.example/stream"),
        ):
            with pytest.raises(FeedError, match=r"venue\.example cannot be reached: Tunnel connection failed: 403"):
                attempt()
        transport.close()
    asked.remove(b"")  # the connection that ends the peer
    assert [request.startswith(b"CONNECT venue.example:443 ") for request in asked] == [True, True]
    assert all(base64.b64encode(b"user:pass word") in request for request in asked)
