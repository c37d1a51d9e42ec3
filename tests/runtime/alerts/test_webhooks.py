"""Webhooks against a server on this machine, and against addresses that must not be talked to."""

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from runtime.alerts import webhooks
from runtime.alerts.targets import Message, WebhookTarget, payload, read_targets
from runtime.alerts.webhooks import RetryPolicy, Webhooks
from runtime.http import Answer
from runtime.outbound import AddressRefused, NotDelivered, check_url, checked, is_public, post, retry_after_s

TOKEN = "T0K3N5ECRET"
MESSAGE = Message("z is high", "z-score is 2.31 <above> 2", {"value": 2.31})
QUICK = RetryPolicy(tries=3, base_s=0.02, cap_s=0.05, timeout_s=0.5, waiting=5)

Reply = tuple[int, dict[str, str], bytes]


@dataclass
class Server:
    """An HTTP server that answers with what it was told, in order, then 200; None: not at all."""

    replies: list[Reply | None] = field(default_factory=list)
    seen: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0

    def url(self, path: str = f"/hook/{TOKEN}") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def target(self) -> WebhookTarget:
        return WebhookTarget("desk", "json", self.url())


@contextmanager
def serving(*replies: Reply | None) -> Iterator[Server]:
    told = Server(list(replies))
    release = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.seen.append((self.path, dict(self.headers), body))
            reply = told.replies.pop(0) if told.replies else (200, {}, b"ok")
            if reply is None:
                release.wait(10)
                return
            status, headers, content = reply
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name of the base class)
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield told
    finally:
        release.set()
        server.shutdown()
        server.server_close()
        thread.join()


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


# ---- delivery ------------------------------------------------------------------------------------------------


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


# ---- where it may go -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
     "239.1.1.1", "240.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1", "::1", "::", "fe80::1", "fe80::1%eth0",
     "fc00::1", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "2002:7f00:1::",
     "64:ff9b::7f00:1", "64:ff9b::a00:1", "2001:0:7f00:1::"],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))
    with pytest.raises(AddressRefused, match="ALPHASTREAM_WEBHOOK_PRIVATE"):
        checked("name.example", 443, False, lambda host, port: ["93.184.215.14", address])
    assert checked("name.example", 443, True, lambda host, port: [address]) == [address]


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:4700::6810:1", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost", "[::1]", "[::ffff:7f00:1]"]
)
def test_every_spelling_of_this_machine_is_refused(host: str) -> None:
    with pytest.raises((AddressRefused, NotDelivered)):  # a resolver may not know an old spelling at all
        post(f"https://{host}:9/", b"{}", {}, timeout_s=0.5)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://example.com/", "needs https"),
        ("ftp://example.com/", "needs https"),
        ("file:///etc/passwd", "needs https"),
        ("example.com", "no scheme"),
        ("https://", "no host"),
        ("https://user:secret@example.com/", "user or a password"),
        ("https://example.com:99999/", "taken apart"),
        ("https://example.com:0/", "port"),
        ("https://example.com/\r\nHost: other", "characters"),
        ("https://exämple.com/", "ASCII"),
        ("https://[::1/", "taken apart"),
    ],
)
def test_addresses_that_cannot_be(url: str, said: str) -> None:
    with pytest.raises(AddressRefused, match=said) as caught:
        check_url(url, allow_private=False)
    assert "secret" not in str(caught.value)


def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    """A name is looked up once; what it would answer later does not matter."""
    asked: list[str] = []

    def changing(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["203.0.113.1"]

    with serving() as server:
        url = f"http://hooks.example:{server.port}/{TOKEN}?thread=1"
        answer = post(url, b"{}", {}, timeout_s=5, allow_private=True, resolve=changing)
        assert answer.status == 200
        path, headers, _ = server.seen[0]
    assert asked == ["hooks.example"]
    assert path == f"/{TOKEN}?thread=1"
    assert headers["Host"] == f"hooks.example:{server.port}"


def test_redirects_are_answers() -> None:
    with serving((307, {"Location": "http://127.0.0.1:1/"}, b"")) as server:
        assert post(server.url(), b"{}", {}, timeout_s=5, allow_private=True).status == 307
        assert len(server.seen) == 1


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"\xff garbage\r\n\r\n"])
def test_a_peer_that_drips_or_talks_nonsense_is_bounded(head: bytes) -> None:
    """Each byte comes before the socket's own timeout: without a deadline this lasts for thousands of bytes."""
    stop, sent = threading.Event(), 0
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            nonlocal sent
            peer, _ = listener.accept()
            with peer, suppress(OSError):
                peer.sendall(head)
                while not stop.wait(0.005):
                    peer.sendall(b"x")
                    sent += 1

        thread = threading.Thread(target=drip)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with suppress(NotDelivered):  # an answer whose status has come is one, however long its body drips
            post(url, b"{}", {}, timeout_s=0.3, allow_private=True)
        stop.set()
        thread.join()
    assert sent < 1_000


def test_an_unknown_name_is_a_sentence() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(NotDelivered, match="name of the host is not known"):
        post("https://hooks.example/", b"{}", {}, timeout_s=1, resolve=unknown)


def test_tls_to_a_peer_without_it_is_a_sentence() -> None:
    with serving() as server, pytest.raises(NotDelivered, match=r"certificate|encryption|reached|no answer"):
        post(server.url().replace("http://", "https://"), b"{}", {}, timeout_s=1, allow_private=True)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("2", 2.0), ("0.5", 0.5), ("-3", 0.0), ("nan", 0.0), ("soon", None),
     ("Tue, 14 Nov 2023 22:13:30 GMT", 10.0), ("Tue, 14 Nov 2023 22:00:00 GMT", 0.0)],
)  # fmt: skip
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, 1_700_000_000.0) == seconds


# ---- the file of secrets -------------------------------------------------------------------------------------

SECRETS = f"""
[webhooks.desk]
kind = "slack"
url = "https://hooks.slack.com/services/T/B/{TOKEN}"

[webhooks.phone]
kind = "telegram"
token = "123456:{TOKEN}"
chat_id = -1001234567

[webhooks.room]
kind = "discord"
url = "https://discord.com/api/webhooks/1/{TOKEN}"

[auth]
cookie_secret = "{TOKEN}"
"""


def secrets(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "secrets.toml"
    path.write_text(content, encoding="utf-8")
    return path


def test_targets_come_from_the_file(tmp_path: Path) -> None:
    targets, problems = read_targets(secrets(tmp_path, SECRETS))
    assert problems == []
    assert [(target.name, target.kind) for target in targets] == [
        ("desk", "slack"),
        ("phone", "telegram"),
        ("room", "discord"),
    ]
    assert targets[1].url == f"https://api.telegram.org/bot123456:{TOKEN}/sendMessage"
    assert targets[1].chat_id == "-1001234567"
    assert Webhooks.from_file(secrets(tmp_path, SECRETS)).kinds == {
        "desk": "slack",
        "phone": "telegram",
        "room": "discord",
    }


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "secrets.toml").mkdir()
    assert "cannot be read" in Webhooks.from_file(tmp_path / "secrets.toml").problems[0]
    (tmp_path / "bytes.toml").write_bytes(b'[webhooks.desk]\nurl = "\xff"\n')
    assert "is not TOML" in Webhooks.from_file(tmp_path / "bytes.toml").problems[0]


def test_no_file_is_no_webhook(tmp_path: Path) -> None:
    assert read_targets(tmp_path / "none.toml") == ([], [])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f'[webhooks.desk\nurl = "{TOKEN}"', "is not TOML"),
        (f'url = "{TOKEN}"\na = ' + "[" * 100_000, "is not TOML"),
        (f'webhooks = "{TOKEN}"', "needs sections"),
        (f'[webhooks]\ndesk = "https://{TOKEN}"', "webhook 'desk': needs kind, one of json"),
        (f'[webhooks.desk]\nkind = "smtp"\nurl = "{TOKEN}"', "needs kind"),
        ('[webhooks.desk]\nkind = "slack"', "has kind, url and nothing else"),
        (f'[webhooks.desk]\nkind = "slack"\nurl = "http://hooks.slack.com/{TOKEN}"', "needs https"),
        (f'[webhooks."{TOKEN} x"]\nkind = "slack"\nurl = "https://hooks.slack.com"', "a webhook has a name"),
        (f'[webhooks.phone]\nkind = "telegram"\ntoken = "{TOKEN}/../x"\nchat_id = 1', "bot's token"),
        (f'[webhooks.phone]\nkind = "telegram"\ntoken = "12:{TOKEN}"\nchat_id = "me"', "chat_id"),
    ],
)
def test_what_is_wrong_is_said_without_the_secret(
    tmp_path: Path, content: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    hooks = Webhooks.from_file(secrets(tmp_path, content))
    assert hooks.kinds == {}
    assert said in hooks.problems[0]
    assert said in caplog.text
    assert TOKEN not in caplog.text + str(hooks.problems)


# ---- what is sent --------------------------------------------------------------------------------------------


def target(kind: Any) -> WebhookTarget:
    return WebhookTarget("t", kind, "https://example.com/", "42")


def test_payloads() -> None:
    message = Message("A & B", "<!channel> @everyone *x*", {"value": None, "rule": "A & B"})
    assert payload(target("slack"), message) == {
        "text": "A &amp; B\n&lt;!channel&gt; @everyone *x*",
        "unfurl_links": False,
    }
    assert payload(target("discord"), message) == {
        "content": "A & B\n\\<!channel\\> \\@everyone \\*x\\*",
        "allowed_mentions": {"parse": []},
    }
    assert payload(target("telegram"), message) == {
        "chat_id": "42",
        "text": "A & B\n<!channel> @everyone *x*",
        "link_preview_options": {"is_disabled": True},
    }
    assert payload(target("json"), message) == {
        "title": "A & B",
        "text": "<!channel> @everyone *x*",
        "value": None,
        "rule": "A & B",
    }


@pytest.mark.parametrize(
    ("kind", "name", "limit"), [("slack", "text", 4_000), ("discord", "content", 2_000), ("telegram", "text", 4_096)]
)
@pytest.mark.parametrize("filler", ["a", "&", "*", "𝛽"])
def test_long_texts_are_cut_where_the_service_would_refuse_them(kind: str, name: str, limit: int, filler: str) -> None:
    sent: str = payload(target(kind), Message("title", filler * 5_000))[name]
    units: Callable[[str], int] = lambda text: len(text.encode("utf-16-le")) // 2  # noqa: E731 (one line, used once)
    assert limit - 6 < units(sent) <= limit
    assert sent.endswith("…")
    assert not sent.removesuffix("…").endswith(("&am", "&a", "&", "\\")) or filler == "&"
    if kind == "slack":
        assert sent.removesuffix("…").removeprefix("title\n").replace("&amp;", "&").strip(filler) == ""
