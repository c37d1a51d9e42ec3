"""Feeds: one codec a venue, bytes in, ticks out; and the replay of a recorded tape. A new venue adds one line here."""

from typing import Final

from alphastream.feeds.binance import BINANCE_SPOT, BINANCE_US, BINANCE_USDM, BinanceCodec
from alphastream.feeds.codec import Codec, Instrument, Request, RetryAdvice

FEEDS: Final[dict[str, Codec]] = {book.name: BinanceCodec(book) for book in (BINANCE_USDM, BINANCE_SPOT, BINANCE_US)}

__all__ = ["FEEDS", "Codec", "Instrument", "Request", "RetryAdvice"]
