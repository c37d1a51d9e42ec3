"""What differs between Binance USDS-M futures, spot and Binance.US: addresses, limits, weights."""

from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from ...limits import Limits
from ...protocol import Endpoint


@dataclass(frozen=True, slots=True)
class Addresses:
    """Addresses of a venue. ``live`` begin the paths that deliver, ``deaf`` those that only acknowledge."""

    name: str
    is_futures: bool
    live: tuple[str, ...]
    deaf: tuple[str, ...]
    rest_root: str
    rest: str
    limits: Limits
    weights: dict[str, int] = field(hash=False)


USDM = Addresses(
    name="binance-usdm",
    is_futures=True,
    live=("/market",),
    deaf=("",),
    rest_root="/fapi",
    rest="/fapi/v1",
    limits=Limits(),
    weights={"ping": 1, "time": 1, "exchangeInfo": 1, "aggTrades": 20},
)
SPOT = Addresses(
    name="binance-spot",
    is_futures=False,
    live=("",),
    deaf=(),
    rest_root="/api",
    rest="/api/v3",
    limits=Limits(
        ping_interval_s=20.0, pong_timeout_s=60.0, messages_per_second=5, streams=1_024, weight_per_minute=6_000
    ),
    weights={"ping": 1, "time": 1, "exchangeInfo": 20, "aggTrades": 4},
)
US = Addresses(
    name="binance-us",
    is_futures=False,
    live=("",),
    deaf=(),
    rest_root="/api",
    rest="/api/v3",
    limits=Limits(messages_per_second=5, streams=1_024, weight_per_minute=1_200),
    weights={"ping": 1, "time": 1, "exchangeInfo": 20, "aggTrades": 1},
)


def endpoint(venue: Addresses, target: str) -> Endpoint | None:
    """Understand a WebSocket request target; None where the venue has nothing there (the bare "/market", say)."""
    parts = urlsplit(target)
    path = parts.path.removesuffix("/")
    for prefix in (*venue.live, *venue.deaf):
        if path == f"{prefix}/stream":
            names = parse_qs(parts.query).get("streams", [""])[0]
        elif path == f"{prefix}/ws":
            names = ""
        elif path.startswith(f"{prefix}/ws/"):
            names = unquote(path.removeprefix(f"{prefix}/ws/"))
        else:
            continue
        streams = tuple(dict.fromkeys(filter(None, names.split("/"))))
        return Endpoint(path, prefix in venue.live, path.endswith("/stream"), streams)
    return None
