"""REST requests under bad peers: every wait ends, every failure is one sentence."""

import socket
import threading
import time
from concurrent.futures import wait

import pytest

from alphastream.errors import FeedError
from runtime.connections.rest import RefusedError, RestClient, in_thread
from tests.runtime.connections.peers import drip, peer
from tools.exchange import LocalExchange, Refuse418, Stepped


def test_an_answer_that_drips_is_given_up_in_time() -> None:
    with peer(drip) as address:
        started = time.monotonic()
        with pytest.raises(FeedError, match=r"did not answer in time|no complete answer"):
            RestClient(0.3).get(f"http://{address}/")
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
    with peer(drip) as address, pytest.raises(FeedError, match="cannot be reached"):
        RestClient(0.3).get(f"https://{address}/")


def test_refusals_keep_status_and_headers() -> None:
    with LocalExchange(pace=Stepped(), faults=(Refuse418(on=("rest",), retry_after_s=7),)) as exchange:
        with pytest.raises(RefusedError, match="banned") as refusal:
            RestClient().get(f"{exchange.rest_url}/fapi/v1/time")
        assert refusal.value.status == 418
        assert {key.lower(): value for key, value in refusal.value.headers.items()}["retry-after"] == "7"
        exchange.heal()
        assert b"serverTime" in RestClient().get(f"{exchange.rest_url}/fapi/v1/time")


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
