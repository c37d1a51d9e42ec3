"""Where messages go and what each service is sent: targets from the file of secrets, payloads by kind. Pure.

Formats as the services document them: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks,
https://discord.com/developers/docs/resources/webhook#execute-webhook, https://core.telegram.org/bots/api#sendmessage.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, cast, get_args

from runtime.outbound import AddressRefused, check_url

Kind = Literal["json", "slack", "discord", "telegram"]

TELEGRAM: Final = "https://api.telegram.org"
NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_TOKEN: Final = re.compile(r"\d{1,20}:[A-Za-z0-9_-]{10,100}")
_CHAT: Final = re.compile(r"-?\d{1,20}|@\w{1,64}")
_SLACK_LIMIT: Final = 4_000
_DISCORD_LIMIT: Final = 2_000
_TELEGRAM_LIMIT: Final = 4_096
_MARKDOWN: Final = frozenset("\\*_~`|<>#[]()@:-")


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """A webhook. Its address never shows: not in repr, nor in what ``hide`` went over."""

    name: str
    kind: Kind
    url: str = field(repr=False)
    chat_id: str = field(default="", repr=False)

    def hide(self, text: str) -> str:
        """A text without any part of the address that could be a secret."""
        path = self.url.split("://", 1)[-1].partition("/")[2]
        parts = {self.url, path, self.chat_id, *re.split(r"[/?&=]", path)}
        for secret in sorted((part for part in parts if len(part) >= 6), key=len, reverse=True):
            text = text.replace(secret, "…")
        return text


@dataclass(frozen=True, slots=True)
class Message:
    """What is told.

    Parameters
    ----------
    title, text : for people.
    facts : for programs: values that JSON knows. Only ``json`` targets get them.
    """

    title: str
    text: str
    facts: Mapping[str, Any] = field(default_factory=dict)


def read_targets(path: Path, allow_private: bool = False) -> tuple[list[WebhookTarget], list[str]]:
    """Targets of a file of secrets and what is wrong with it, in sentences that hold no secret."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return [], []
    except OSError as error:
        return [], [f"{path.name} cannot be read ({error.strerror}): no webhook is known"]
    except (ValueError, RecursionError):  # of TOML or of UTF-8; its message may quote the file
        return [], [f"{path.name} is not TOML: no webhook is known. Check its quotes and brackets"]
    section = content.get("webhooks", {})
    if not isinstance(section, dict):
        return [], [f"{path.name}: webhooks needs sections such as [webhooks.desk]"]
    targets, problems = [], []
    for name, entry in section.items():
        read = _target(name, entry, allow_private)
        if isinstance(read, WebhookTarget):
            targets.append(read)
        else:
            problems.append(f"{path.name}: webhook {name!r}: {read}" if NAME.fullmatch(name) else read)
    return targets, problems


def _target(name: str, entry: Any, allow_private: bool) -> WebhookTarget | str:
    """A target, or what is wrong with it."""
    if not NAME.fullmatch(name):
        return "a webhook has a name that is not 1 to 32 letters, digits, - or _"
    if not isinstance(entry, dict) or entry.get("kind") not in get_args(Kind):
        return f"needs kind, one of {', '.join(get_args(Kind))}"
    kind = cast(Kind, entry["kind"])
    needed = {"kind", "token", "chat_id"} if kind == "telegram" else {"kind", "url"}
    if set(entry) != needed:
        return f"a {kind} webhook has {', '.join(sorted(needed))} and nothing else"
    if kind == "telegram":
        token, chat_id = str(entry["token"]), str(entry["chat_id"])
        if not _TOKEN.fullmatch(token) or not _CHAT.fullmatch(chat_id):
            return "needs the bot's token as digits, a colon and letters, and a chat_id as a number or @name"
        return WebhookTarget(name, kind, f"{TELEGRAM}/bot{token}/sendMessage", chat_id)
    try:
        check_url(str(entry["url"]), allow_private)
    except AddressRefused as error:
        return str(error)
    return WebhookTarget(name, kind, str(entry["url"]))


def payload(target: WebhookTarget, message: Message) -> dict[str, Any]:
    """The JSON that a target's service takes. Text is escaped and cut so that it arrives as it was meant."""
    text = f"{message.title}\n{message.text}"
    match target.kind:
        case "slack":
            return {"text": _fitted(text, _slack, _SLACK_LIMIT), "unfurl_links": False}
        case "discord":  # nobody is called by what stands in a text
            return {"content": _fitted(text, _discord, _DISCORD_LIMIT), "allowed_mentions": {"parse": []}}
        case "telegram":  # no parse_mode: plain text
            shown = _fitted(text, str, _TELEGRAM_LIMIT)
            return {"chat_id": target.chat_id, "text": shown, "link_preview_options": {"is_disabled": True}}
        case "json":
            return {"title": message.title, "text": message.text, **message.facts}


def _fitted(text: str, escape: Callable[[str], str], limit: int) -> str:
    """Escape character by character until the limit, so that no escape is cut in two; UTF-16 units are counted."""
    parts: list[str] = []
    length = 0
    for character in text:
        part = escape(character)
        length += len(part.encode("utf-16-le", "replace")) // 2
        if length > limit - 1:
            return "".join(parts) + "…"
        parts.append(part)
    return "".join(parts)


def _slack(character: str) -> str:
    return {"&": "&amp;", "<": "&lt;", ">": "&gt;"}.get(character, character)


def _discord(character: str) -> str:
    return f"\\{character}" if character in _MARKDOWN else character
