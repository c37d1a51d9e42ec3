"""What differs between Binance USDS-M futures, spot and Binance.US: addresses, limits, weights."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from ...events import Kind
from ...limits import Limits
from ...protocol import Endpoint


@dataclass(frozen=True, slots=True)
class Addresses:
    """Addresses of a venue.

    ``live`` begin the paths that deliver, each some kinds of events or all; ``deaf`` begin those that only acknowledge.
    """

    name: str
    is_futures: bool
    live: Mapping[str, frozenset[Kind] | None]
    deaf: tuple[str, ...]
    rest_root: str
    rest: str
    limits: Limits
    weights: dict[str, int] = field(hash=False)


USDM = Addresses(
    name="binance-usdm",
    is_futures=True,
    live={"/market": frozenset({"trades", "marks"}), "/public": frozenset({"quotes", "books"})},
    deaf=("",),
    rest_root="/fapi",
    rest="/fapi/v1",
    limits=Limits(),
    weights={"ping": 1, "time": 1, "exchangeInfo": 1, "aggTrades": 20, "depth": 20, "klines": 2},
)
SPOT = Addresses(
    name="binance-spot",
    is_futures=False,
    live={"": None},
    deaf=(),
    rest_root="/api",
    rest="/api/v3",
    limits=Limits(
        ping_interval_s=20.0, pong_timeout_s=60.0, messages_per_second=5, streams=1_024, weight_per_minute=6_000
    ),
    weights={"ping": 1, "time": 1, "exchangeInfo": 20, "aggTrades": 4, "depth": 50, "klines": 2},
)
US = Addresses(
    name="binance-us",
    is_futures=False,
    live={"": None},
    deaf=(),
    rest_root="/api",
    rest="/api/v3",
    limits=Limits(messages_per_second=5, streams=1_024, weight_per_minute=1_200),
    weights={"ping": 1, "time": 1, "exchangeInfo": 20, "aggTrades": 1, "depth": 10, "klines": 2},
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
        is_live = prefix in venue.live
        return Endpoint(path, is_live, path.endswith("/stream"), streams, venue.live.get(prefix))
    return None
