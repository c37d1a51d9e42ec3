"""The hub under a real server on loopback: who follows, who falls behind, and what is left."""

import gc
import json
import socket
import threading
import time
from contextlib import ExitStack

import numpy as np
import pytest
from websockets.exceptions import InvalidStatus

import runtime.channel.hub as room
from runtime.channel.hub import MAX_PAINTED, Hub
from runtime.channel.topics import Frame, Topic
from tests.runtime.channel.figures import Receiver, frame_of
from tests.runtime.channel.visitors import (
    WAIT_S,
    Moving,
    Server,
    ask,
    closed_with,
    eventually,
    hear,
    serving,
    subscribe,
    visitor,
)


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


def test_what_browsers_tell_of_painting_is_counted_as_far_as_it_can_be_true(hub: Hub, server: Server) -> None:
    lies = ["soon", None, True, -1, 1e12, {"ms": 1}]
    with visitor(server) as client:
        ask(client, {"painted": {"p50": 1, "p95": 2, "ms": [4, 40.5, *lies]}})
        ask(client, {"painted": {"p50": 1, "p95": 2, "ms": "all"}})
        ask(client, {"painted": {"p50": 1, "p95": 2, "ms": [300] * (MAX_PAINTED + 9)}})
        eventually(lambda: hub.health.painted.total == 2 + MAX_PAINTED)
        assert hub.health.painted.at_most_s(0.9) == 0.5


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
        heard = (message for message in iter(lambda: hear(client), None) if "pong" not in message)  # it may come or not
        assert {next(heard)["topic"] for _ in range(2)} == {good.topic.name, bad.topic.name}
        good.step()
        assert next(heard)["topic"] == good.topic.name


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
