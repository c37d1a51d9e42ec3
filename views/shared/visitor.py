"""Who is looking: a cookie that lasts as long as the browser is open, so that a reloaded page is known again."""

import re
import secrets
from typing import Any, Final

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE: Final = "alphastream_visitor"
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")  # 256 bits: nobody guesses another's


class VisitorCookie:
    """Middleware that gives every browser a cookie with the first page it opens.

    It holds a random number and says nothing of the visitor. Scripts cannot read it, other sites' pages cannot send
    it, and it ends with the browser's session.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; answer one for a page with a cookie where it brought none."""
        if scope["type"] != "http" or scope["method"] != "GET" or not _is_new(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        secure = scope["scheme"] == "https" or headers.get("x-forwarded-proto", "").startswith("https")
        value = f"{COOKIE}={secrets.token_urlsafe(32)}; Path=/; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}"

        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                answer.append("set-cookie", value)
                answer["cache-control"] = "no-store"  # no cache between may hand one visitor's cookie to another
            await send(message)

        await self._app(scope, receive, with_cookie)


def _is_new(headers: Headers) -> bool:
    """Whether a browser asks for a page and has no cookie of ours yet."""
    if "text/html" not in headers.get("accept", ""):
        return False
    return not _TOKEN.fullmatch(cookie_parser(headers.get("cookie", "")).get(COOKIE, ""))


def visitor() -> str | None:
    """Who looks at this page: the browser's cookie and, where a login is set up, who is logged in; None if unknown."""
    token = dict(st.context.cookies).get(COOKIE, "")
    if not _TOKEN.fullmatch(token):
        return None
    user: Any = st.user
    return f"{token} {user.get('iss')} {user.get('sub') or user.get('email')}" if user.get("is_logged_in") else token
