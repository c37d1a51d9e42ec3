"""The cookie of a browser: given once, with its first page, and unreadable for scripts."""

import asyncio
import re
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import Message

from views.shared.visitor import COOKIE, VisitorCookie, visitor

PAGE = {"accept": "text/html,application/xhtml+xml"}


def answer(headers: dict[str, str], method: str = "GET", kind: str = "http") -> Headers:
    """Headers of what a browser gets."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": kind,
        "method": method,
        "path": "/",
        "scheme": "http",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    inner = PlainTextResponse("page", headers={"cache-control": "public"})
    asyncio.run(VisitorCookie(inner)(scope, receive, send))
    return Headers(raw=sent[0]["headers"])


def given(headers: Headers) -> str:
    found = re.fullmatch(rf"{COOKIE}=([\w-]{{43}}); Path=/; HttpOnly; SameSite=Lax(; Secure)?", headers["set-cookie"])
    assert found is not None
    return found[1]


def test_a_browser_gets_one_with_its_first_page_and_keeps_it() -> None:
    first = answer(PAGE)
    assert first["cache-control"] == "no-store"
    again = answer({**PAGE, "cookie": f"other=1; {COOKIE}={given(first)}"})
    assert "set-cookie" not in again
    assert again["cache-control"] == "public"


def test_no_two_browsers_have_the_same() -> None:
    assert len({given(answer(PAGE)) for _ in range(20)}) == 20


def test_what_is_no_page_gets_none() -> None:
    assert "set-cookie" not in answer({})
    assert "set-cookie" not in answer({"accept": "*/*"})
    assert "set-cookie" not in answer(PAGE, "POST")


@pytest.mark.parametrize("value", ["", "short", "a b", "x" * 44])
def test_one_that_nobody_was_given_is_replaced(value: str) -> None:
    assert given(answer({**PAGE, "cookie": f"{COOKIE}={value}"})) != value


def test_over_https_it_is_never_sent_in_the_clear() -> None:
    assert answer({**PAGE, "x-forwarded-proto": "https"})["set-cookie"].endswith("; Secure")


def _seen(monkeypatch: pytest.MonkeyPatch, token: str, **user: Any) -> str | None:
    monkeypatch.setattr(st, "context", SimpleNamespace(cookies={COOKIE: token}))
    monkeypatch.setattr(st, "user", user)
    return visitor()


def test_who_looks_is_the_browser_and_who_is_logged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _seen(monkeypatch, "x" * 43) == "x" * 43
    assert _seen(monkeypatch, "guess") is None
    ann, bob = (_seen(monkeypatch, "x" * 43, is_logged_in=True, sub=name) for name in ("ann", "bob"))
    assert len({ann, bob, "x" * 43}) == 3
