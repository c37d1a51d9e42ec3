"""Bybit: fills, books and funding of linear contracts and spot pairs."""

from typing import Final

from alphastream.feeds.bybit.codec import BybitCodec
from alphastream.feeds.bybit.endpoints import LINEAR, SPOT
from alphastream.feeds.bybit.market import BybitMarketCodec
from alphastream.feeds.codec import Codec

CODECS: Final[tuple[Codec, ...]] = (BybitCodec(LINEAR), BybitCodec(SPOT))

__all__ = ["CODECS", "LINEAR", "SPOT", "BybitCodec", "BybitMarketCodec"]
