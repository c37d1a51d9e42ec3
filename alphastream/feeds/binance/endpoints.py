"""Where each Binance venue answers and what it allows.

USDS-M trades live on the routed path ``/market``: since 2026-04-23 the old path acknowledges and sends nothing.

Source: https://developers.binance.com/docs, page "Important WebSocket Change Notice".
"""

from dataclasses import dataclass
from typing import Final, Literal

from alphastream.errors import ParameterError
from alphastream.feeds.codec import Request, WireSymbol
from alphastream.instruments import InstrumentId

BookRule = Literal["previous", "overlap", "contiguous"]


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
    book_path, marks_path : where quotes and books live, and mark prices, where there are some.
    book_rule : how updates of a book follow each other, see ``BinanceMarket.follows``.
    depth_weight : what the venue counts for the best 1,000 levels.
    history_s : how far back its REST trades are worth asking for.
    max_streams : of one connection.
    has_seconds : whether it gives closed bars of a second.
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
    book_path: str
    book_rule: BookRule
    marks_path: str | None = None
    depth_weight: int = 50
    history_s: int = 48 * 3600
    max_streams: int = 200  # the documents say 1024, clients are cut off above 200
    has_seconds: bool = True

    def wire(self, instrument: InstrumentId) -> WireSymbol:
        """Return how an instrument is called in what goes to the venue.

        Raises
        ------
        ParameterError : it is of another venue, or cannot be a symbol here.
        """
        if instrument.venue != self.name:
            raise ParameterError(f"{instrument} is not of {self.title}: needs a name such as {self.name}:BTCUSDT")
        symbol = instrument.symbol
        if not symbol.isalnum() and not symbol.replace("_", "").isalnum():
            raise ParameterError(f"{symbol!r} cannot be a symbol: needs letters and digits, such as BTCUSDT")
        return WireSymbol(symbol)

    def request(self, path: str, weight: int) -> Request:
        """Return the request for a path of the REST interface."""
        return Request(self.rest_url + self.rest_path + path, weight)


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
    book_path="/public/stream",
    book_rule="previous",
    marks_path="/market/stream",
    depth_weight=20,
    has_seconds=False,
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
    book_path="/stream",
    book_rule="overlap",
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
    book_path="/stream",
    book_rule="contiguous",
    depth_weight=10,
)
