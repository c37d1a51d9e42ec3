"""Webhooks against a server on this machine: retries, pauses, what is given up, and that no secret shows."""

import json
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from runtime.alerts import webhooks
from runtime.alerts.targets import WebhookTarget
from runtime.alerts.webhooks import RetryPolicy, Webhooks
from runtime.http import Answer
from tests.runtime.webhook_server import MESSAGE, TOKEN, Reply, serving

QUICK = RetryPolicy(tries=3, base_s=0.02, cap_s=0.05, timeout_s=0.5, waiting=5)


@contextmanager
def delivering(*targets: WebhookTarget, retry_policy: RetryPolicy = QUICK, **more: Any) -> Iterator[Webhooks]:
    hooks = Webhooks(targets, allow_private=True, retry_policy=retry_policy, **more)
    hooks.start()
    try:
        yield hooks
    finally:
        hooks.stop()


def outcomes(hooks: Webhooks, count: int) -> list[str]:
    """Outcomes of the first tries, oldest first, once there are so many."""
    deadline = time.monotonic() + 30
    while len(hooks.deliveries) < count:
        assert time.monotonic() < deadline, hooks.deliveries
        time.sleep(0.005)
    return [delivery.outcome for delivery in reversed(hooks.deliveries)]


def last_words(hooks: Webhooks) -> str:
    return hooks.deliveries[0].detail


def test_a_message_arrives() -> None:
    with serving() as server, delivering(server.target()) as hooks:
        hooks.send(["desk"], MESSAGE)
        assert outcomes(hooks, 1) == ["delivered"]
        ((path, headers, body),) = server.seen
    assert path == f"/hook/{TOKEN}"
    assert headers["Content-Type"] == "application/json"
    assert headers["Host"] == f"127.0.0.1:{server.port}"
    assert json.loads(body) == {"title": "z is high", "text": MESSAGE.text, "value": 2.31}


def test_a_server_error_is_tried_again() -> None:
    with serving((500, {}, b"sorry"), (503, {}, b"")) as server, delivering(server.target()) as hooks:
        hooks.send(["desk"], MESSAGE)
        assert outcomes(hooks, 3) == ["tried again", "tried again", "delivered"]
        assert [delivery.attempt for delivery in hooks.deliveries] == [3, 2, 1]
        assert "HTTP 500: sorry" in hooks.deliveries[-1].detail


def test_it_gives_up_after_so_many_tries() -> None:
    with serving(*[(500, {}, b"")] * 9) as server, delivering(server.target()) as hooks:
        hooks.send(["desk"], MESSAGE)
        assert outcomes(hooks, 3) == ["tried again", "tried again", "given up"]
        assert len(server.seen) == 3


def test_a_pause_that_is_asked_for_is_kept() -> None:
    with serving((429, {"Retry-After": "0.1"}, b"")) as server, delivering(server.target()) as hooks:
        hooks.send(["desk"], MESSAGE)
        assert outcomes(hooks, 2) == ["tried again", "delivered"]
        assert "pause of 0.1 s; next try in 0.1 s" in hooks.deliveries[-1].detail


def test_a_pause_holds_every_message_to_that_target() -> None:
    with serving((503, {"Retry-After": "600"}, b"")) as server, delivering(server.target()) as hooks:
        hooks.send(["desk"], MESSAGE)
        outcomes(hooks, 1)
        hooks.send(["desk"], MESSAGE)
        time.sleep(0.05)
        assert hooks.waiting == 2
        assert len(server.seen) == 1


@pytest.mark.parametrize("body", [b'{"retry_after": 0.05}', b'{"ok": false, "parameters": {"retry_after": 0.05}}'])
def test_a_pause_in_the_body_is_understood(body: bytes) -> None:
    with serving((429, {}, body)) as server, delivering(server.target()) as hooks:
        hooks.send(["desk"], MESSAGE)
        assert outcomes(hooks, 2) == ["tried again", "delivered"]
        assert "pause of 0.05 s" in hooks.deliveries[-1].detail


def test_a_pause_that_is_too_long_is_not_waited_for() -> None:
    with serving((429, {"Retry-After": "86400"}, b"")) as server, delivering(server.target()) as hooks:
        hooks.send(["desk"], MESSAGE)
        assert outcomes(hooks, 1) == ["given up"]


@pytest.mark.parametrize(
    ("reply", "said"),
    [((404, {}, b"no_service"), "HTTP 404: no_service"), ((302, {"Location": "http://127.0.0.1/"}, b""), "redirects")],
)
def test_what_would_not_help_is_not_tried_again(reply: Reply, said: str) -> None:
    with serving(reply) as server, delivering(server.target()) as hooks:
        hooks.send(["desk"], MESSAGE)
        assert outcomes(hooks, 1) == ["given up"]
        assert said in last_words(hooks)
        assert len(server.seen) == 1


def test_silence_is_tried_again() -> None:
    retry_policy = RetryPolicy(tries=2, base_s=0.01, timeout_s=0.1)
    with serving(None) as server, delivering(server.target(), retry_policy=retry_policy) as hooks:
        hooks.send(["desk"], MESSAGE)
        assert outcomes(hooks, 2) == ["tried again", "delivered"]
        assert "no answer within 0.1 s" in hooks.deliveries[-1].detail


def test_nobody_listens() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with delivering(WebhookTarget("desk", "json", f"http://127.0.0.1:{port}/{TOKEN}")) as hooks:
        hooks.send(["desk"], MESSAGE)
        assert outcomes(hooks, 3)[-1] == "given up"
        assert "cannot be reached" in last_words(hooks)


def test_one_target_that_fails_does_not_hold_up_another() -> None:
    with serving(*[(429, {"Retry-After": "30"}, b"")] * 9) as bad, serving() as good:
        other = WebhookTarget("phone", "json", good.url())
        with delivering(bad.target(), other) as hooks:
            hooks.send(["desk", "phone"], MESSAGE)
            assert outcomes(hooks, 2) == ["tried again", "delivered"]
            assert hooks.deliveries[0].target == "phone"
            assert hooks.waiting == 1
        assert hooks.deliveries[0].outcome == "given up"
        assert last_words(hooks) == "the application stops"


def test_the_queue_is_bounded() -> None:
    hooks = Webhooks([WebhookTarget("desk", "json", "https://example.com/")], retry_policy=QUICK)
    for _ in range(7):
        hooks.send(["desk"], MESSAGE)
    assert hooks.waiting == 5
    assert [delivery.detail for delivery in hooks.deliveries] == ["5 messages wait already"] * 2


def test_a_name_that_is_not_there_is_said() -> None:
    hooks = Webhooks()
    hooks.send(["gone"], MESSAGE)
    assert hooks.deliveries[0].outcome == "given up"
    assert "no webhook of this name" in last_words(hooks)


def test_a_defect_is_not_the_end_of_the_thread() -> None:
    tries: list[str] = []

    def broken(url: str, body: bytes, headers: dict[str, str], *, timeout_s: float, allow_private: bool) -> Answer:
        tries.append(url)
        if len(tries) == 1:
            raise RuntimeError(f"cannot use {url}")
        return Answer(204, b"")

    with delivering(WebhookTarget("desk", "json", f"https://example.com/{TOKEN}"), post=broken) as hooks:
        hooks.test("desk")
        hooks.test("desk")
        assert outcomes(hooks, 2) == ["given up", "delivered"]
        assert TOKEN not in hooks.deliveries[1].detail
        assert "RuntimeError" in hooks.deliveries[1].detail


def test_a_defect_between_two_messages_is_not_the_end_of_the_thread(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(webhooks, "AFTER_DEFECT_S", 0.01)
    failures = [ValueError(TOKEN)]
    following = Webhooks._next

    def broken(self: Webhooks) -> object:
        if failures:
            raise failures.pop()
        return following(self)

    monkeypatch.setattr(Webhooks, "_next", broken)
    with serving((204, {}, b"")) as server, delivering(server.target()) as hooks:
        hooks.test("desk")
        assert outcomes(hooks, 1) == ["delivered"]
    assert "a defect of kind ValueError" in caplog.text
    assert TOKEN not in caplog.text


def test_secrets_never_show(caplog: pytest.LogCaptureFixture) -> None:
    echo = f"unknown hook /hook/{TOKEN}".encode()
    with caplog.at_level(logging.DEBUG), serving((500, {}, echo), (400, {}, echo)) as server:
        target = server.target()
        with delivering(target) as hooks:
            hooks.send(["desk"], MESSAGE)
            outcomes(hooks, 2)
        shown = "\n".join([repr(target), repr(hooks), str(hooks.deliveries), str(hooks.kinds), caplog.text])
    assert "unknown hook" in shown
    assert TOKEN not in shown
    telegram = WebhookTarget(
        "phone", "telegram", f"https://api.telegram.org/bot123456:{TOKEN}/sendMessage", "-1001234567"
    )
    assert TOKEN not in repr(telegram)
    assert "1001234567" not in repr(telegram)
    assert telegram.hide(f"chat -1001234567 of bot123456:{TOKEN} is gone") == "chat … of … is gone"
