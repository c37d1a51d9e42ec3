"""Addresses of before: the live page was at the root, where the start page is now."""

import re
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LIVE, START = "live", "start"
_READ: Final = ("GET", "HEAD")
_STREAMLITS: Final = ("_stcore", "app", "auth", "component", "media", "static", "vendor")
"""Folders in which Streamlit has files and answers of its own."""
_ODD: Final = re.compile(r"[^\w.-]+", re.ASCII)
"""What no page has in its address, and a browser and Streamlit may spell in two ways."""


class Addresses:
    """Middleware that sends a saved link of a pair on to the live page, and ``/start`` to the root.

    The root with a query was always the live page of a pair: the start page has no controls that stand in an address.
    What lies below a page, as ``/live/x``, or has other signs than pages have becomes one plain name, for which a page
    can say that nobody has it: below a page Streamlit's own looks for its files in the wrong folder, and stays white.

    Parameters
    ----------
    root : where the application lives on its server, with a slash at its end.
    """

    def __init__(self, app: ASGIApp, root: str) -> None:
        self._app = app
        self._root = root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or say where its page is now."""
        target = self._target(scope) if scope["type"] == "http" and scope["method"] in _READ else None
        app = self._app if target is None else RedirectResponse(target, 307)
        await app(scope, receive, send)

    def _target(self, scope: Scope) -> str | None:
        query = scope["query_string"].decode("latin-1")
        if scope["path"] == self._root and query:
            return f"{self._root}{LIVE}?{query}"
        if scope["path"] == f"{self._root}{START}":
            return self._root
        below = scope["path"].removeprefix(self._root)
        first = below.partition("/")[0]
        is_odd = _ODD.search(below) and first not in _STREAMLITS
        if is_odd and "text/html" in Headers(scope=scope).get("accept", ""):
            name = _ODD.sub("-", below).strip("-")
            return f"{self._root}{name}?{query}" if query else f"{self._root}{name}"
        return None
