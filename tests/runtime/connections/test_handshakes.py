"""How both transports connect, and what they say where they cannot."""

import base64
import socket
import time

import pytest

from alphastream.errors import FeedError
from runtime.connections.rest import RefusedError, RestClient
from tests.runtime.connections.conftest import Make
from tests.runtime.connections.peers import drip, peer
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
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: ws://x\r\n\r\n",
    ],
)
def test_what_is_no_handshake_is_one_clear_error(make: Make, answer: bytes) -> None:
    def script(connection: socket.socket) -> None:
        connection.recv(4_096)
        connection.sendall(answer)

    with peer(script) as address:
        transport = make(1.0)
        with pytest.raises(FeedError):
            transport.open(f"ws://{address}")
        transport.close()


@pytest.mark.parametrize("url", ["ws://", "ws://[::1", "ws://localhost:notaport", "ws://no.such.host.invalid"])
def test_an_address_that_leads_nowhere_is_one_clear_error(make: Make, url: str) -> None:
    transport = make(1.0)
    with pytest.raises(FeedError, match="cannot be reached"):
        transport.open(url)
    transport.close()


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
