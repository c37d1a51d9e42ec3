"""OKX's candles, a hundred in an answer, newest first. Sizes are in base currency: of swaps in the column beside.

Source: https://www.okx.com/docs-v5/en, "Get candlesticks history".
"""

import math
from typing import Final
from urllib.parse import urlencode

import msgspec

from alphastream.bars import Bars
from alphastream.core.units import MS
from alphastream.feeds.codec import Request
from alphastream.feeds.klines import bars_of_rows
from alphastream.feeds.okx import rest
from alphastream.feeds.okx.contracts import SWAP, wire_symbol
from alphastream.feeds.okx.endpoints import REST_PATH, TITLE
from alphastream.instruments import InstrumentId

_NAMES: Final = {1: "1s", 60: "1m", 300: "5m", 900: "15m", 3_600: "1H", 14_400: "4H", 86_400: "1Dutc"}


class _Candle(msgspec.Struct, array_like=True):
    time: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    base_volume: float


_CANDLES: Final = msgspec.json.Decoder(rest.Answer[_Candle], strict=False)


class OkxKlines:
    """Closed bars of OKX."""

    lengths_s: tuple[int, ...] = tuple(_NAMES)
    page_bars: int = 100
    newest_bars: int | None = None

    def __init__(self, rest_url: str) -> None:
        self._rest_url = rest_url

    def request(self, instrument: InstrumentId, length_s: int, start_ns: int, end_ns: int) -> Request:
        """Return the request for bars with ``start_ns`` ≤ start < ``end_ns``; the venue counts neither end in."""
        times = {"before": start_ns // MS - 1, "after": end_ns // MS}
        query = {"instId": wire_symbol(instrument), "bar": _NAMES[length_s], **times, "limit": self.page_bars}
        return Request(f"{self._rest_url}{REST_PATH}/market/history-candles?{urlencode(query)}", 1)

    def parse(self, instrument: InstrumentId, length_s: int, body: bytes) -> Bars:
        """Return the bars of an answer, oldest first. Raises FeedError."""
        is_swap = instrument.symbol.endswith(SWAP)
        rows = [
            (c.time, c.open, c.high, c.low, c.close, c.base_volume if is_swap else c.volume, math.nan)
            for c in rest.rows(_CANDLES, body, "history-candles")
        ]
        return bars_of_rows(TITLE, rows, length_s)
