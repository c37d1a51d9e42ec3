"""Binance: aggregate trades of USDS-M futures, spot and Binance.US. One codec, three sets of endpoints."""

from typing import Final

from alphastream.feeds.binance.codec import BinanceCodec
from alphastream.feeds.binance.endpoints import BINANCE_SPOT, BINANCE_US, BINANCE_USDM, VenueEndpoints
from alphastream.feeds.codec import Codec

CODECS: Final[tuple[Codec, ...]] = tuple(
    BinanceCodec(endpoints) for endpoints in (BINANCE_USDM, BINANCE_SPOT, BINANCE_US)
)

__all__ = ["BINANCE_SPOT", "BINANCE_US", "BINANCE_USDM", "CODECS", "BinanceCodec", "VenueEndpoints"]
