"""The hub under a real server on loopback: who follows, who falls behind, who is sent away, and what is left."""

import asyncio
import contextlib
import gc
import json
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

import runtime.channel.hub as room
from runtime.channel.hub import MAX_REQUEST_BYTES, MAX_REQUESTS_PER_S, MAX_SUBSCRIPTIONS, Hub
from runtime.channel.topics import Frame, Topic
from tests.runtime.channel.test_topics import Receiver, frame_of

WAIT_S = 60.0
Endpoint = Callable[[WebSocket], Awaitable[None]]


class Moving:
    """A topic that a test moves: a new price at each step."""

    def __init__(self, hub: Hub, name: str = "pair", rows: int = 4) -> None:
        self.hub = hub
        self.rows = rows
        self.steps = 0
        self.computed = 0
        self.topic: Topic = hub.topic(name, self.source)

    def source(self) -> Frame:
        self.computed += 1
        return self.frame

    @property
    def frame(self) -> Frame:
        return frame_of([float(self.steps + row) for row in range(self.rows)], first=3)

    def step(self) -> None:
        self.steps += 1
        self.hub.notify()


@dataclass(frozen=True, slots=True)
class Server:
    """A server in a thread of its own."""

    url: str
    loop: asyncio.AbstractEventLoop

    def tasks(self) -> int:
        async def count() -> int:
            return len(asyncio.all_tasks())

        return asyncio.run_coroutine_threadsafe(count(), self.loop).result(WAIT_S)


@contextmanager
def serving(endpoint: Endpoint, send_buffer: int | None = None) -> Iterator[Server]:
    """Serve an endpoint at ``/live``; ``send_buffer`` in bytes is the kernel's for each client."""
    listener = socket.create_server(("127.0.0.1", 0))
    if send_buffer is not None:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    application = Starlette(routes=[WebSocketRoute("/live", endpoint)])
    server = uvicorn.Server(uvicorn.Config(application, log_config=None, lifespan="off", ws_ping_interval=None))
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        await server.serve(sockets=[listener])

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="server")
    thread.start()
    try:
        eventually(lambda: server.started)
        yield Server(f"ws://127.0.0.1:{listener.getsockname()[1]}/live", loops[0])
    finally:
        server.should_exit = True
        thread.join(WAIT_S)
        listener.close()
    assert not thread.is_alive()


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def server(hub: Hub) -> Iterator[Server]:
    with serving(hub.serve) as running:
        yield running
        hub.stop()


def eventually(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not what():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.01)


@contextmanager
def visitor(server: Server, **options: Any) -> Iterator[ClientConnection]:
    with connect(server.url, open_timeout=WAIT_S, max_size=None, ping_interval=None, **options) as client:
        yield client


def ask(client: ClientConnection, request: object) -> None:
    client.send(json.dumps(request))


def hear(client: ClientConnection) -> dict[str, Any]:
    heard: dict[str, Any] = json.loads(client.recv(WAIT_S))
    return heard


def subscribe(client: ClientConnection, topic: Topic) -> dict[str, Any]:
    ask(client, {"subscribe": topic.name})
    return hear(client)


def closed_with(client: ClientConnection) -> int:
    """The code the server closed with, whatever it said before."""
    try:
        while True:
            client.recv(WAIT_S)
    except ConnectionClosed as closed:
        return -1 if closed.rcvd is None else closed.rcvd.code


# ---- who follows ---------------------------------------------------------------------------------------------


def test_a_base_and_then_deltas_in_order_without_holes(hub: Hub, server: Server) -> None:
    moving, receiver = Moving(hub), Receiver()
    with visitor(server) as client:
        ask(client, {"subscribe": moving.topic.name})
        first = client.recv(WAIT_S)
        assert "base" in json.loads(first)
        assert receiver.take(first.encode() if isinstance(first, str) else first)
        for _ in range(20):
            moving.step()
            message = client.recv(WAIT_S)
            assert isinstance(message, bytes)
            assert json.loads(message)["seq"] == receiver.seq + 1
            assert "delta" in json.loads(message)
            assert receiver.take(message)
            receiver.assert_shows(moving.frame)


def test_whoever_comes_back_gets_what_it_missed(hub: Hub, server: Server) -> None:
    moving = Moving(hub)
    with visitor(server) as client:
        base = subscribe(client, moving.topic)
        moving.step()
        seen = hear(client)
        ask(client, {"subscribe": moving.topic.name, "figure": base["figure"], "seq": seen["seq"]})
        assert hear(client)["delta"]["rows"] == 0
        ask(client, {"subscribe": moving.topic.name, "figure": base["figure"], "seq": base["seq"]})
        assert hear(client)["delta"]["rows"] == 4
        ask(client, {"subscribe": moving.topic.name, "figure": "of-another-server", "seq": 700})
        assert hear(client)["base"]


def test_many_clients_cost_one_computation_and_one_message(hub: Hub, server: Server) -> None:
    moving = Moving(hub)
    with ExitStack() as stack:
        clients = [stack.enter_context(visitor(server)) for _ in range(20)]
        for client in clients:
            assert subscribe(client, moving.topic)["seq"] == 1
        computed = moving.computed
        moving.step()
        messages = {client.recv(WAIT_S) for client in clients}
        assert len(messages) == 1  # the time in it is that of one encoding
        eventually(lambda: hub.health.sent == 40)
        # Once for the step, and once for each second that went by meanwhile.
        assert moving.computed - computed < 20
        assert hub.health.clients == 20


def test_the_topic_of_equal_keys_is_one(hub: Hub) -> None:
    one = hub.topic(("ETHUSDT", 300), lambda: frame_of([1.0]))
    other = hub.topic(("ETHUSDT", 300), lambda: frame_of([2.0]))
    assert one is other
    assert one.source().columns["price"][0] == 2.0  # the newest page's source
    assert hub.topic(("ETHUSDT", 600), lambda: frame_of([1.0])) is not one


def test_after_unsubscribing_nothing_comes(hub: Hub, server: Server) -> None:
    pair, other = Moving(hub), Moving(hub, "other")
    with visitor(server) as client:
        subscribe(client, pair.topic)
        subscribe(client, other.topic)
        ask(client, {"unsubscribe": pair.topic.name})
        ask(client, {"ping": 1})
        assert hear(client)["pong"] == 1
        pair.step()
        other.step()
        assert hear(client)["topic"] == other.topic.name


def test_pings_and_notes_and_paint_times(hub: Hub, server: Server) -> None:
    with visitor(server) as one, visitor(server) as other:
        ask(one, {"ping": 12.5})
        answer = hear(one)
        assert answer["pong"] == 12.5
        assert abs(answer["now"] - time.time() * 1e3) < WAIT_S * 1e3
        ask(other, {"painted": {"p50": 40, "p95": 90.5}})
        eventually(lambda: hub.health.paint_ms == ((40.0, 90.5),))
        hub.broadcast({"title": "z above 2"})
        assert hear(one) == hear(other) == {"note": {"title": "z above 2"}}


def test_one_figure_that_fails_does_not_stop_the_others(hub: Hub, server: Server) -> None:
    bad, good = Moving(hub, "bad"), Moving(hub, "good")
    with visitor(server) as client:
        subscribe(client, bad.topic)
        subscribe(client, good.topic)

        def fail() -> Frame:
            raise RuntimeError("not in the mood")

        bad.topic.source = fail
        good.step()
        assert hear(client)["topic"] == good.topic.name
        bad.topic.source = bad.source
        bad.step()
        assert hear(client)["topic"] == bad.topic.name


def fail() -> Frame:
    raise RuntimeError("not in the mood")


def test_a_figure_that_fails_leaves_its_socket_open(hub: Hub, server: Server, caplog: pytest.LogCaptureFixture) -> None:
    bad, good = Moving(hub, "bad"), Moving(hub, "good")
    bad.topic.source = fail
    with visitor(server) as client:
        for _ in range(3):
            assert subscribe(client, bad.topic) == {"topic": bad.topic.name, "refused": "failed"}
        assert subscribe(client, good.topic)["base"]
        assert hub.health.failures == ("RuntimeError: not in the mood",)
        assert caplog.text.count("cannot be shown") == 1
        bad.topic.source = bad.source
        bad.step()
        message = hear(client)
        assert (message["topic"], "base" in message) == (bad.topic.name, True)
        eventually(lambda: hub.health.failures == ())


def test_a_figure_that_fails_does_not_end_catching_up(hub: Hub, server: Server) -> None:
    bad, good = Moving(hub, "bad"), Moving(hub, "good")
    with visitor(server) as client:
        subscribe(client, good.topic)
        subscribe(client, bad.topic)
        bad.topic.snapshot = lambda: fail() and b""  # type: ignore[method-assign,return-value,assignment]
        (of_client,) = hub._clients
        of_client.behind = True  # as if it had not read for long
        good.step()
        ask(client, {"ping": 1.0})
        server.loop.call_soon_threadsafe(of_client.ready.set)
        assert {hear(client)["topic"] for _ in range(2)} == {good.topic.name, bad.topic.name}
        good.step()
        assert hear(client)["topic"] == good.topic.name


@pytest.mark.parametrize("place", ["_answer", "_catch_up"])
def test_a_defect_of_ours_ends_one_socket_and_is_logged(
    hub: Hub, server: Server, place: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def defect(*_: object) -> None:
        raise ValueError("a defect")

    with visitor(server) as client, visitor(server) as other:
        eventually(lambda: hub.health.clients == 2)
        monkeypatch.setattr(hub, place, defect)
        if place == "_catch_up":
            for held in hub._clients:
                held.behind = True
        ask(client, {"ping": 1.0})
        if place == "_catch_up":
            for held in hub._clients:
                server.loop.call_soon_threadsafe(held.ready.set)
        assert closed_with(client) == 1011
        eventually(lambda: "by a defect" in caplog.text)
        monkeypatch.undo()
        if place == "_answer":
            ask(other, {"ping": 2.0})
            assert hear(other)["pong"] == 2.0
    eventually(lambda: hub.health.clients == 0)


def test_a_round_that_fails_is_not_the_last(
    hub: Hub, server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    moving = Moving(hub)
    with visitor(server) as client:
        subscribe(client, moving.topic)

        def defect() -> list[Topic]:
            raise ValueError("a defect")

        monkeypatch.setattr(hub, "_watched", defect)
        hub.notify()
        eventually(lambda: "messages were not made" in caplog.text)
        monkeypatch.undo()
        moving.step()
        assert hear(client)["topic"] == moving.topic.name


# ---- who is sent away ----------------------------------------------------------------------------------------


def test_an_unknown_topic_and_one_too_many_are_refused(hub: Hub, server: Server) -> None:
    topics = [Moving(hub, f"topic {number}").topic for number in range(MAX_SUBSCRIPTIONS + 1)]
    with visitor(server) as client:
        ask(client, {"subscribe": "nobody-made-this"})
        assert hear(client) == {"topic": "nobody-made-this", "refused": "unknown"}
        for topic in topics[:-1]:
            assert subscribe(client, topic)["base"]
        assert subscribe(client, topics[-1]) == {"topic": topics[-1].name, "refused": "full"}
        assert subscribe(client, topics[0])["base"]  # asked anew after a hole: not one more
        ask(client, {"unsubscribe": topics[0].name})
        assert subscribe(client, topics[-1])["base"]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ("x" * (MAX_REQUEST_BYTES + 1), 1009),
        ("neither JSON", 1008),
        ("[1, 2]", 1008),
        ("", 1008),
        (b'{"ping": 1}', 1008),
    ],
    ids=["too long", "no JSON", "no object", "empty", "binary"],
)
def test_what_is_no_request_ends_the_connection(hub: Hub, server: Server, request_: str | bytes, code: int) -> None:
    with visitor(server) as client:
        client.send(request_)
        assert closed_with(client) == code
    eventually(lambda: hub.health.clients == 0)
    assert hub.health.refused == 1


@pytest.mark.parametrize(
    "request_",
    [{}, {"subscribe": 7}, {"subscribe": None}, {"ping": "now"}, {"painted": {"p50": 1}}, {"paint": []}, {"ping": []}],
    ids=str,
)
def test_requests_that_mean_nothing_are_passed_over(hub: Hub, server: Server, request_: object) -> None:
    with visitor(server) as client:
        ask(client, request_)
        ask(client, {"ping": 2})
        assert hear(client)["pong"] == 2
    assert hub.health.refused == 0


def test_odd_claims_about_what_is_held_get_everything(hub: Hub, server: Server) -> None:
    moving = Moving(hub)
    claims: list[tuple[object, object]] = [(None, None), (7, 7), ([], {}), ("", -1), ("x", 1e300), ("x", "y")]
    with visitor(server) as client:
        for figure, seq in claims:
            ask(client, {"subscribe": moving.topic.name, "figure": figure, "seq": seq})
            assert hear(client)["base"]


def test_as_many_requests_as_allowed_are_answered_and_a_flood_is_not(hub: Hub, server: Server) -> None:
    with visitor(server) as client:
        for number in range(MAX_REQUESTS_PER_S):
            ask(client, {"ping": number})
        assert [hear(client)["pong"] for _ in range(MAX_REQUESTS_PER_S)] == list(range(MAX_REQUESTS_PER_S))
        with contextlib.suppress(ConnectionClosed):
            while True:
                ask(client, {"ping": 0})
        assert closed_with(client) == 1008
    assert hub.health.refused == 1


def test_no_more_clients_than_allowed() -> None:
    hub = Hub(max_clients=2)
    hub.start()
    with serving(hub.serve) as server:
        with visitor(server) as one, visitor(server):
            with pytest.raises(InvalidStatus), visitor(server):
                pass
            assert hub.health.refused == 1
            one.close()
            eventually(lambda: hub.health.clients == 1)
            with visitor(server) as third:
                ask(third, {"ping": 3})
                assert hear(third)["pong"] == 3
        hub.stop()


# ---- who falls behind ----------------------------------------------------------------------------------------


def test_whoever_does_not_read_is_skipped_to_a_base_and_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "BEHIND_MESSAGES", 5)
    hub = Hub()
    hub.start()
    moving = Moving(hub, rows=8_000)  # some 150 kB a message
    with serving(hub.serve, send_buffer=16_384) as server:
        narrow = socket.socket()
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        narrow.connect(("127.0.0.1", int(server.url.split(":")[2].split("/")[0])))
        with visitor(server) as quick, visitor(server, sock=narrow, max_queue=1) as slow:
            ask(slow, {"subscribe": moving.topic.name})
            assert subscribe(quick, moving.topic)["seq"] == 1
            eventually(lambda: hub.health.sent >= 1)
            for number in range(2, 32):
                moving.step()
                assert hear(quick)["seq"] == number
            assert hub.health.skipped > 0
            assert hub.health.clients == 2

            receiver, kinds = Receiver(), []
            while receiver.seq < moving.topic.seq:
                message = slow.recv(WAIT_S)
                assert isinstance(message, bytes)
                kinds.append("base" if "base" in json.loads(message) else "delta")
                assert receiver.take(message)
            receiver.assert_shows(moving.frame)
            assert kinds.count("base") >= 2
            assert len(kinds) < 31
            moving.step()
            message = slow.recv(WAIT_S)
            assert isinstance(message, bytes)
            assert receiver.take(message)
            receiver.assert_shows(moving.frame)
        hub.stop()


def test_clients_that_vanish_leave_nothing_behind(hub: Hub, server: Server) -> None:
    moving = Moving(hub)
    threads, tasks = threading.active_count(), server.tasks()
    with ExitStack() as stack:
        clients = [stack.enter_context(visitor(server)) for _ in range(50)]
        for client in clients:
            subscribe(client, moving.topic)
        assert hub.health.clients == 50
        vanishing, staying = clients[:25], clients[25:]
        for client in vanishing:  # as when the power goes: no farewell
            client.socket.shutdown(socket.SHUT_RDWR)
        eventually(lambda: hub.health.clients == 25)
        moving.step()
        assert {hear(client)["seq"] for client in staying} == {2}
        for client in vanishing:
            client.close()
        eventually(lambda: threading.active_count() == threads + 25)  # the staying clients' own
    eventually(lambda: hub.health.clients == 0)
    eventually(lambda: server.tasks() == tasks)
    eventually(lambda: threading.active_count() == threads)
    gc.collect()
    assert not [thing for thing in gc.get_objects() if type(thing) is room._Client]


def test_stopping_closes_every_socket_and_lets_nobody_in(hub: Hub, server: Server) -> None:
    moving = Moving(hub)
    with visitor(server) as one, visitor(server) as other:
        subscribe(one, moving.topic)
        hub.stop()
        assert closed_with(one) == closed_with(other) == 1001
        eventually(lambda: hub.health.clients == 0)
        with pytest.raises(InvalidStatus), visitor(server):
            pass
    assert "alphastream-hub" not in {thread.name for thread in threading.enumerate()}
    hub.stop()


def test_topics_that_nobody_looks_at_are_forgotten(hub: Hub, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    watched, idle = Moving(hub, "watched"), Moving(hub, "idle")
    with visitor(server) as client:
        subscribe(client, watched.topic)
        monkeypatch.setattr(room, "IDLE_S", 0.05)

        def only_one_is_left() -> bool:
            hub.notify()
            return hub.health.topics == 1

        eventually(only_one_is_left)
        ask(client, {"subscribe": idle.topic.name})
        assert hear(client)["refused"] == "unknown"
        assert Moving(hub, "idle").topic is not idle.topic


def test_the_topic_looked_at_longest_ago_makes_room(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MAX_TOPICS", 2)
    first, second = Moving(hub, "first").topic, Moving(hub, "second").topic
    first.window(None)
    Moving(hub, "third")
    assert hub.health.topics == 2
    assert Moving(hub, "first").topic is first
    assert Moving(hub, "second").topic is not second


def test_tickets_are_of_one_process_and_age(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket = hub.ticket()
    assert hub.admits(ticket)
    assert not hub.admits(Hub().ticket())
    assert not hub.admits("")
    assert not hub.admits(ticket[:-1])
    assert not hub.admits("é.\U0001f4b9")
    monkeypatch.setattr(room, "TICKET_S", -1)
    assert not hub.admits(ticket)


def test_rows_of_a_big_message_arrive_whole(hub: Hub, server: Server) -> None:
    moving = Moving(hub, rows=20_000)
    with visitor(server) as client:
        assert len(subscribe(client, moving.topic)["base"]["columns"]["price"]) == 20_000
        moving.step()
        np.testing.assert_array_equal(hear(client)["delta"]["columns"]["price"], moving.frame.columns["price"])
