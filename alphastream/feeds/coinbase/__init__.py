"""Coinbase Exchange: trades and books of spot pairs, without login."""

from typing import Final

from alphastream.feeds.codec import Codec
from alphastream.feeds.coinbase.codec import CoinbaseCodec

CODECS: Final[tuple[Codec, ...]] = (CoinbaseCodec(),)

__all__ = ["CODECS", "CoinbaseCodec"]
