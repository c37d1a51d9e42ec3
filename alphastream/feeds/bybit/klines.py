"""Bybit's klines, newest first.

Source: https://bybit-exchange.github.io/docs/v5/market/kline.
"""

import math
from typing import Final
from urllib.parse import urlencode

import msgspec

from alphastream.bars import Bars
from alphastream.core.units import MS
from alphastream.feeds.bybit.endpoints import REST_PATH, Category, wire_symbol
from alphastream.feeds.bybit.rest import Answer, Rows, result
from alphastream.feeds.codec import Request
from alphastream.feeds.klines import bars_of_rows
from alphastream.instruments import InstrumentId

_NAMES: Final = {60: "1", 300: "5", 900: "15", 3_600: "60", 14_400: "240", 86_400: "D"}


class _Candle(msgspec.Struct, array_like=True):
    time: int
    open: float
    high: float
    low: float
    close: float
    volume: float


_CANDLES: Final = msgspec.json.Decoder(Answer[Rows[_Candle]], strict=False)


class BybitKlines:
    """Closed bars of one category of Bybit."""

    lengths_s: tuple[int, ...] = tuple(_NAMES)
    page_bars: int = 500
    newest_bars: int | None = None

    def __init__(self, category: Category) -> None:
        self._category = category

    def request(self, instrument: InstrumentId, length_s: int, start_ns: int, end_ns: int) -> Request:
        """Return the request for bars with ``start_ns`` ≤ start < ``end_ns``."""
        query = {
            "category": self._category.category,
            "symbol": wire_symbol(self._category, instrument),
            "interval": _NAMES[length_s],
            "start": start_ns // MS,
            "end": end_ns // MS - 1,
            "limit": self.page_bars,
        }
        return Request(f"{self._category.rest_url}{REST_PATH}/kline?{urlencode(query)}", 1)

    def parse(self, instrument: InstrumentId, length_s: int, body: bytes) -> Bars:
        """Return the bars of an answer that have trades, oldest first. Raises FeedError."""
        found = result(self._category.title, _CANDLES, body, "kline").list
        rows = [(c.time, c.open, c.high, c.low, c.close, c.volume, math.nan) for c in found]
        return bars_of_rows(self._category.title, rows, length_s)
