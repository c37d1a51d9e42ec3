"""Kraken's OHLC: the newest 720 bars of a length, whatever is asked for.

Source: https://docs.kraken.com/api/docs/rest-api/get-ohlc-data.
"""

import math
from typing import Final
from urllib.parse import urlencode

import msgspec

from alphastream.bars import Bars
from alphastream.core.units import SECOND
from alphastream.errors import FeedError
from alphastream.feeds.answers import decode, seen
from alphastream.feeds.codec import Request
from alphastream.feeds.klines import bars_of_rows
from alphastream.feeds.kraken.rest import result_of
from alphastream.feeds.kraken.wire import TITLE, rest_pair
from alphastream.instruments import InstrumentId


class _Candle(msgspec.Struct, array_like=True):
    time: int
    open: float
    high: float
    low: float
    close: float
    vwap: float
    volume: float


_BY_PAIR: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_CANDLES: Final = msgspec.json.Decoder(list[_Candle], strict=False)


class KrakenKlines:
    """Closed bars of Kraken."""

    lengths_s: tuple[int, ...] = (60, 300, 900, 3_600, 14_400, 86_400)
    page_bars: int = 720
    newest_bars: int | None = 720

    def __init__(self, rest_url: str) -> None:
        self._rest_url = rest_url

    def request(self, instrument: InstrumentId, length_s: int, start_ns: int, end_ns: int) -> Request:
        """Return the request for bars from ``start_ns`` on; ``since`` is not counted in."""
        since = start_ns // SECOND - 1
        query = urlencode({"pair": rest_pair(instrument), "interval": length_s // 60, "since": since})
        return Request(f"{self._rest_url}/OHLC?{query}", 1)

    def parse(self, instrument: InstrumentId, length_s: int, body: bytes) -> Bars:
        """Return the bars of an answer, oldest first. Raises FeedError."""
        by_pair = decode(TITLE, _BY_PAIR, result_of(body, "OHLC"), "OHLC")
        by_pair.pop("last", None)
        if len(by_pair) != 1:
            raise FeedError(f"{TITLE} answered OHLC with {len(by_pair)} pairs, needs one: {seen(body)!r}")
        found = decode(TITLE, _CANDLES, bytes(by_pair.popitem()[1]), "OHLC")
        rows = [(c.time * 1_000, c.open, c.high, c.low, c.close, c.volume, math.nan) for c in found]
        return bars_of_rows(TITLE, rows, length_s)
