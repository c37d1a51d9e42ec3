"""OKX: fills, books and funding of spot pairs and linear swaps."""

from typing import Final

from alphastream.feeds.codec import Codec
from alphastream.feeds.okx.codec import OkxCodec
from alphastream.feeds.okx.market import OkxMarketCodec

CODECS: Final[tuple[Codec, ...]] = (OkxCodec(),)

__all__ = ["CODECS", "OkxCodec", "OkxMarketCodec"]
