"""Who may open the live channel: pages of the same origin, with a ticket of this process."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit
from websockets.exceptions import InvalidStatus

import runtime.channel.hub as room
from runtime.channel.hub import Hub
from tests.runtime.channel.visitors import Moving, Server, serving, subscribe, visitor
from views.shared import channel


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    made = Hub()
    made.start()
    monkeypatch.setattr(channel, "get_system", lambda: SimpleNamespace(hub=made))
    yield made
    made.stop()


@pytest.fixture
def server(hub: Hub) -> Iterator[Server]:
    with serving(channel.live) as running:
        yield running
        hub.stop()


def at(server: Server, ticket: str) -> Server:
    return Server(f"{server.url}?ticket={ticket}", server.loop)


def own_origin(server: Server) -> str:
    return server.url.replace("ws://", "http://").removesuffix("/live")


def assert_refused(server: Server, **options: Any) -> None:
    with pytest.raises(InvalidStatus) as refused, visitor(server, **options):
        pass
    assert refused.value.response.status_code == 403


def test_a_page_of_ours_comes_in(hub: Hub, server: Server) -> None:
    topic = Moving(hub).topic
    with visitor(at(server, hub.ticket()), origin=own_origin(server)) as client:
        assert subscribe(client, topic)["base"]


def test_a_program_without_an_origin_comes_in_by_its_ticket(hub: Hub, server: Server) -> None:
    topic = Moving(hub).topic
    with visitor(at(server, hub.ticket())) as client:
        assert subscribe(client, topic)["base"]


@pytest.mark.parametrize(
    "origin",
    ["http://elsewhere.example", "http://127.0.0.1", "http://127.0.0.1:1", "null", "file://", "http://["],
    ids=["another site", "another port", "a third port", "sandboxed page", "file", "malformed"],
)
def test_pages_of_another_origin_are_refused(hub: Hub, server: Server, origin: str) -> None:
    assert_refused(at(server, hub.ticket()), origin=origin)
    assert hub.health.clients == 0


def test_an_origin_that_the_settings_name_comes_in(hub: Hub, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamlit, "get_option", {"server.corsAllowedOrigins": ["https://desk.example"]}.get)
    topic = Moving(hub).topic
    with visitor(at(server, hub.ticket()), origin="https://desk.example") as client:
        assert subscribe(client, topic)["base"]
    assert_refused(at(server, hub.ticket()), origin="https://other.example")


def test_without_a_ticket_of_this_process_nobody_comes_in(
    hub: Hub, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_refused(server, origin=own_origin(server))
    assert_refused(at(server, ""))
    assert_refused(at(server, "live"))
    assert_refused(at(server, "%00%ff%F0%9F"))
    assert_refused(at(server, Hub().ticket()))
    ticket = hub.ticket()
    monkeypatch.setattr(room, "TICKET_S", -1)
    assert_refused(at(server, ticket), origin=own_origin(server))
    assert hub.health.clients == 0


@pytest.mark.parametrize(
    ("base", "path"), [("", "/live"), ("/", "/live"), ("desk", "/desk/live"), ("/desk/one/", "/desk/one/live")]
)
def test_the_way_in_lies_below_the_path_of_the_server(monkeypatch: pytest.MonkeyPatch, base: str, path: str) -> None:
    monkeypatch.setattr(streamlit, "get_option", {"server.baseUrlPath": base}.get)
    assert channel.path() == path
