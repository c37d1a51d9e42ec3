"""Which transport reads the stream: what the setting asks for, and what is installed."""

import logging
from collections.abc import Callable
from typing import Final

from alphastream.errors import SettingError
from runtime.connections.transport import Transport
from runtime.connections.websocket_client import WebSocketTransport

log = logging.getLogger(__name__)

TRANSPORTS: Final = ("auto", "picows", "websocket-client")


def transport_named(name: str) -> Callable[[float], Transport]:
    """Return what makes a transport, given its timeout.

    Parameters
    ----------
    name : of ``TRANSPORTS``; auto: picows, or websocket-client where picows cannot be loaded.

    Raises
    ------
    SettingError
        Picows is asked for and cannot be loaded, or the name is none of them.
    """
    if name not in TRANSPORTS:
        raise SettingError(f"no transport is called {name!r}: needs one of {', '.join(TRANSPORTS)}")
    if name == "websocket-client":
        return WebSocketTransport
    try:
        from runtime.connections.picows_client import PicowsTransport
    except ImportError as error:
        if name == "picows":
            raise SettingError(
                f"ALPHASTREAM_TRANSPORT=picows, but picows cannot be loaded ({error}): install requirements.txt, "
                "or set ALPHASTREAM_TRANSPORT=auto"
            ) from error
        log.info("transport=websocket-client: picows cannot be loaded (%s)", error)
        return WebSocketTransport
    return PicowsTransport
