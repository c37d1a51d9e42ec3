"""The file of secrets, and what each service is sent."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runtime.alerts.targets import Message, WebhookTarget, payload, read_targets
from runtime.alerts.webhooks import Webhooks
from tests.runtime.webhook_server import TOKEN

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
