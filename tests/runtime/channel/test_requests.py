"""What clients of the live channel may ask for, and what ends their connection."""

import contextlib

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from runtime.channel.hub import MAX_REQUEST_BYTES, MAX_REQUESTS_PER_S, MAX_SUBSCRIPTIONS, Hub
from tests.runtime.channel.visitors import (
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
