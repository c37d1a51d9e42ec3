"""The way into the live channel: who may open it. Everything after that is the hub's."""

import logging
from typing import Final

import streamlit as st
from starlette.websockets import WebSocket

from views.shared.system import get_system

log = logging.getLogger(__name__)

POLICY: Final = 1008


def path(name: str = "live") -> str:
    """Where something of ours is, below the server's root and the folder that it may be published in."""
    return "/".join(["", *filter(None, str(st.get_option("server.baseUrlPath")).split("/")), name])


async def live(socket: WebSocket) -> None:
    """Let a client in that a page of ours sent: same origin, and with the ticket that only a page hands out.

    A page hands it out after Streamlit's login, where that is on.
    """
    hub = get_system().hub
    origin = socket.headers.get("origin")
    if not _is_ours(origin, socket.headers.get("host")):
        log.warning("channel refused: origin=%s host=%s", origin, socket.headers.get("host"))
    elif not hub.admits(socket.query_params.get("ticket", "")):
        log.info("channel refused: no valid ticket")
    else:
        return await hub.serve(socket)
    return await socket.close(POLICY)


def _is_ours(origin: str | None, host: str | None) -> bool:
    """Browsers always send their origin; whoever sends none is no page of somebody else's."""
    if origin is None or origin.partition("://")[2] == host:
        return True
    return origin in (st.get_option("server.corsAllowedOrigins") or ())
