"""Where OKX answers. Other regions have hosts of their own, which are settings.

``trades-all`` lives on the business path, all else on the public one; neither asks for a login.

Source: https://www.okx.com/docs-v5/en, "WS / All trades channel": one message a fill, path /ws/v5/business.
"""

from dataclasses import dataclass, replace
from typing import Final

from alphastream.feeds.codec import Keepalive

NAME: Final = "okx"
TITLE: Final = "OKX"
KEEPALIVE: Final = Keepalive(b"ping", 20.0)  # before 30 s of silence; the answer is "pong"
TRADES_PATH: Final = "/ws/v5/business"
MARKET_PATH: Final = "/ws/v5/public"
REST_PATH: Final = "/api/v5"


@dataclass(frozen=True, slots=True)
class Hosts:
    """Scheme and host of streams and of requests."""

    ws_url: str = "wss://ws.okx.com:8443"
    rest_url: str = "https://www.okx.com"

    def moved(self, ws_url: str | None, rest_url: str | None) -> "Hosts":
        """Return other hosts; addresses may bear OKX's own paths."""
        hosts = self
        if ws_url is not None:
            plain = ws_url.rstrip("/").removesuffix(TRADES_PATH).removesuffix(MARKET_PATH)
            hosts = replace(hosts, ws_url=plain)
        if rest_url is not None:
            hosts = replace(hosts, rest_url=rest_url.rstrip("/").removesuffix(REST_PATH))
        return hosts
