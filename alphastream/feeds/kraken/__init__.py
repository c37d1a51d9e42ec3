"""Kraken spot: trades, quotes and books of the second WebSocket interface, without login."""

from typing import Final

from alphastream.feeds.codec import Codec
from alphastream.feeds.kraken.codec import KrakenCodec

CODECS: Final[tuple[Codec, ...]] = (KrakenCodec(),)

__all__ = ["CODECS", "KrakenCodec"]
