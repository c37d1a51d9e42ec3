"""What differs between Binance USDS-M futures and spot: addresses, limits, weights."""

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

MarketName = Literal["usdm", "spot"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a venue; a test lowers one with `dataclasses.replace`.

    ``queue_bytes`` bounds what waits for one client: a client that lets more pile up is dropped.
    """

    ping_interval_s: float = 180.0
    pong_timeout_s: float = 600.0
    life_s: float = 86_400.0
    messages_per_second: int = 10
    streams: int = 200
    weight_per_minute: int = 2_400
    queue_bytes: int = 8 * 2**20
    connections: int = 300


@dataclass(frozen=True, slots=True)
class Market:
    """Addresses of a market. ``live`` begins the paths that deliver, ``deaf`` those that only acknowledge."""

    name: MarketName
    live: str
    deaf: str | None
    rest: str
    limits: Limits
    weights: dict[str, int] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A WebSocket path, understood: whether messages are wrapped and delivered, and which streams it names."""

    wrapped: bool
    delivers: bool
    streams: tuple[str, ...]


USDM = Market(
    name="usdm",
    live="/market",
    deaf="",
    rest="/fapi/v1",
    limits=Limits(),
    weights={"ping": 1, "time": 1, "exchangeInfo": 1, "aggTrades": 20},
)
SPOT = Market(
    name="spot",
    live="",
    deaf=None,
    rest="/api/v3",
    limits=Limits(
        ping_interval_s=20.0, pong_timeout_s=60.0, messages_per_second=5, streams=1_024, weight_per_minute=6_000
    ),
    weights={"ping": 1, "time": 1, "exchangeInfo": 20, "aggTrades": 4},
)
MARKETS: dict[MarketName, Market] = {"usdm": USDM, "spot": SPOT}


def endpoint(market: Market, target: str) -> Endpoint | None:
    """Understand a WebSocket request target; None where the venue has nothing there (the bare "/market", say)."""
    parts = urlsplit(target)
    for prefix, delivers in ((market.live, True), (market.deaf, False)):
        if prefix is None:
            continue
        path = parts.path.removesuffix("/")
        if path == f"{prefix}/stream":
            names = parse_qs(parts.query).get("streams", [""])[0]
        elif path == f"{prefix}/ws":
            names = ""
        elif path.startswith(f"{prefix}/ws/"):
            names = unquote(path.removeprefix(f"{prefix}/ws/"))
        else:
            continue
        return Endpoint(path.endswith("/stream"), delivers, tuple(dict.fromkeys(filter(None, names.split("/")))))
    return None
