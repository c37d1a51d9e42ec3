"""Coinbase Exchange's candles: 300 in an answer, newest first; bars without trades are left out.

Source: https://docs.cdp.coinbase.com/exchange/reference, "Get product candles".
"""

import math
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

import msgspec

from alphastream.bars import Bars
from alphastream.core.units import SECOND
from alphastream.feeds.answers import decode
from alphastream.feeds.codec import Request
from alphastream.feeds.coinbase.wire import TITLE, product
from alphastream.feeds.klines import bars_of_rows
from alphastream.instruments import InstrumentId


class _Candle(msgspec.Struct, array_like=True):
    time: int
    low: float
    high: float
    open: float
    close: float
    volume: float


_CANDLES: Final = msgspec.json.Decoder(list[_Candle], strict=False)


class CoinbaseKlines:
    """Closed bars of Coinbase; it has none of four hours."""

    lengths_s: tuple[int, ...] = (60, 300, 900, 3_600, 21_600, 86_400)
    page_bars: int = 300
    newest_bars: int | None = None

    def __init__(self, rest_url: str) -> None:
        self._rest_url = rest_url

    def request(self, instrument: InstrumentId, length_s: int, start_ns: int, end_ns: int) -> Request:
        """Return the request for bars with ``start_ns`` ≤ start < ``end_ns``; the venue counts both ends in."""
        times = {"start": _iso(start_ns), "end": _iso(end_ns - length_s * SECOND)}
        query = urlencode({"granularity": length_s, **times})
        return Request(f"{self._rest_url}/products/{product(instrument)}/candles?{query}", 1)

    def parse(self, instrument: InstrumentId, length_s: int, body: bytes) -> Bars:
        """Return the bars of an answer, oldest first. Raises FeedError."""
        found = decode(TITLE, _CANDLES, body, "candles")
        rows = [(c.time * 1_000, c.open, c.high, c.low, c.close, c.volume, math.nan) for c in found]
        return bars_of_rows(TITLE, rows, length_s)


def _iso(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
