"""Binance's klines: closed bars of futures and spot.

Source: https://developers.binance.com/docs, "Kline/Candlestick Data" of USDS-M futures and of spot.
"""

from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from alphastream.bars import Bars
from alphastream.core.units import MS
from alphastream.feeds.answers import decode
from alphastream.feeds.binance.endpoints import VenueEndpoints
from alphastream.feeds.codec import Request
from alphastream.feeds.klines import bars_of_rows
from alphastream.instruments import InstrumentId

_NAMES: Final = {1: "1s", 60: "1m", 300: "5m", 900: "15m", 3_600: "1h", 14_400: "4h", 86_400: "1d"}
_ROWS: Final = msgspec.json.Decoder(
    list[tuple[int, float, float, float, float, float, int, Any, Any, float, Any, Any]], strict=False
)


class BinanceKlines:
    """Closed bars of one Binance venue; futures have none of a second."""

    page_bars: int = 500
    newest_bars: int | None = None

    def __init__(self, endpoints: VenueEndpoints) -> None:
        self._endpoints = endpoints
        self.lengths_s: tuple[int, ...] = tuple(length for length in _NAMES if length > 1 or endpoints.has_seconds)

    def request(self, instrument: InstrumentId, length_s: int, start_ns: int, end_ns: int) -> Request:
        """Return the request for bars with ``start_ns`` ≤ start < ``end_ns``."""
        query = {
            "symbol": self._endpoints.wire(instrument),
            "interval": _NAMES[length_s],
            "startTime": start_ns // MS,
            "endTime": end_ns // MS - 1,
            "limit": self.page_bars,
        }
        return self._endpoints.request(f"/klines?{urlencode(query)}", 2)

    def parse(self, instrument: InstrumentId, length_s: int, body: bytes) -> Bars:
        """Return the bars of an answer that have trades, oldest first. Raises FeedError."""
        found = decode(self._endpoints.title, _ROWS, body, "klines")
        return bars_of_rows(self._endpoints.title, [(*row[:6], row[9]) for row in found], length_s)
