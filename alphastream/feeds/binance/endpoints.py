"""Where each Binance venue answers and what it allows.

USDS-M trades live on the routed path ``/market``: since 2026-04-23 the old path acknowledges and sends nothing.

Source: https://developers.binance.com/docs, page "Important WebSocket Change Notice".
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class VenueEndpoints:
    """What tells one Binance venue from another.

    Parameters
    ----------
    name : key in the registry of feeds.
    title : for people.
    ws_url, ws_path : where streams live.
    rest_url, rest_path : where requests go.
    info_query : keeps the answer of exchangeInfo small, where the venue knows how.
    trades_weight, info_weight : what the venue counts for one request.
    weight_per_minute : what it allows.
    history_s : how far back its REST trades are worth asking for.
    """

    name: str
    title: str
    ws_url: str
    ws_path: str
    rest_url: str
    rest_path: str
    info_query: str
    trades_weight: int
    info_weight: int
    weight_per_minute: int
    history_s: int = 48 * 3600


BINANCE_USDM: Final = VenueEndpoints(
    name="binance-usdm",
    title="Binance USDS-M Futures",
    ws_url="wss://fstream.binance.com",
    ws_path="/market/stream",
    rest_url="https://fapi.binance.com",
    rest_path="/fapi/v1",
    info_query="",
    trades_weight=20,
    info_weight=1,
    weight_per_minute=2_400,
)
BINANCE_SPOT: Final = VenueEndpoints(
    name="binance-spot",
    title="Binance spot",
    ws_url="wss://data-stream.binance.vision",
    ws_path="/stream",
    rest_url="https://data-api.binance.vision",
    rest_path="/api/v3",
    info_query="?showPermissionSets=false",
    trades_weight=4,
    info_weight=20,
    weight_per_minute=6_000,
)
BINANCE_US: Final = VenueEndpoints(
    name="binance-us",
    title="Binance.US spot",
    ws_url="wss://stream.binance.us:9443",
    ws_path="/stream",
    rest_url="https://api.binance.us",
    rest_path="/api/v3",
    info_query="",
    trades_weight=4,
    info_weight=20,
    weight_per_minute=1_200,
)
