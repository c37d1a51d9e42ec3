"""The server for what watches a recorder: two paths, for programs on this machine unless a host says otherwise."""

import http.client
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from alphastream.errors import SettingError
from runtime.monitoring.server import MAX_CONNECTIONS, Answer, MetricsServer
from tests.runtime.stores.tape_files import until


def fine() -> Answer:
    return 200, "application/json", b'{"status":"ok"}'


def broken() -> Answer:
    raise ZeroDivisionError("a defect")


@pytest.fixture
def server() -> Iterator[MetricsServer]:
    running = MetricsServer("0", {"/healthz": fine, "/metrics": broken})
    running.start()
    yield running
    running.stop()


def ask(server: MetricsServer, path: str, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(server.address, timeout=30)
    connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    with connection.getresponse() as response:
        return response.status, response.read()


def test_a_port_alone_is_this_machine_and_two_paths_are_known(server: MetricsServer) -> None:
    assert server.address.startswith("127.0.0.1:")
    assert ask(server, "/healthz?x=1") == (200, b'{"status":"ok"}')
    assert ask(server, "/")[0] == ask(server, "/healthz/..")[0] == 404


def test_a_request_for_others_is_refused(server: MetricsServer) -> None:
    assert ask(server, "/healthz", X_Forwarded_For="8.8.8.8")[0] == 403
    assert ask(server, "/healthz", Host="rebound.example")[0] == 403


def test_a_host_that_is_not_this_machines_own_lets_others_ask() -> None:
    server = MetricsServer("0.0.0.0:0", {"/healthz": fine})
    server.start()
    try:
        server.address = server.address.replace("0.0.0.0", "127.0.0.1")
        assert ask(server, "/healthz", Host="recorder.example")[0] == 200
    finally:
        server.stop()


def test_a_defect_of_one_answer_is_logged_and_the_next_is_given(
    server: MetricsServer, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(http.client.RemoteDisconnected):
        ask(server, "/metrics")
    assert ask(server, "/healthz")[0] == 200
    assert "a defect" in caplog.text


def test_a_peer_that_says_nothing_holds_nobody_up(server: MetricsServer) -> None:
    host, _, port = server.address.partition(":")
    with socket.create_connection((host, int(port))):
        assert ask(server, "/healthz")[0] == 200


def test_too_many_at_once_are_closed_and_nobody_is_kept_out_afterwards(server: MetricsServer) -> None:
    host, _, port = server.address.partition(":")
    with ExitStack() as idle:
        for _ in range(MAX_CONNECTIONS):
            idle.enter_context(socket.create_connection((host, int(port))))
        until(lambda: not answers(server))
    until(lambda: answers(server))


def answers(server: MetricsServer) -> bool:
    try:
        return ask(server, "/healthz")[0] == 200
    except (http.client.HTTPException, OSError):
        return False


def test_this_machine_by_its_other_address() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    try:
        server = MetricsServer("[::1]:0", {"/healthz": fine})
    except SettingError:
        pytest.skip("no IPv6 loopback here")
    server.start()
    try:
        assert ask(server, "/healthz") == (200, b'{"status":"ok"}')
    finally:
        server.stop()


@pytest.mark.parametrize("place", ["", "localhost", "127.0.0.1:", "127.0.0.1:metrics", "127.0.0.1:70000", "-1"])
def test_a_place_that_is_none_is_one_sentence(place: str) -> None:
    with pytest.raises(SettingError, match="needs HOST:PORT or PORT"):
        MetricsServer(place, {})


def test_a_port_in_use_is_one_sentence(server: MetricsServer) -> None:
    with pytest.raises(SettingError, match="cannot be listened on"):
        MetricsServer(server.address, {})
