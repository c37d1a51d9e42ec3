"""Feeds: a package a family of venues, bytes in, ticks out; and the replay of a recorded tape.

A new family is its package, with its codecs in ``CODECS``, and its name in the line of ``FEEDS``: settings, the
recorder and pages take names and titles from there. ``alphastream.registry`` adds codecs of others to it.
"""

from typing import Final

from alphastream.feeds import binance, bybit, coinbase, kraken, okx
from alphastream.feeds.codec import Codec, Instrument, Request, RetryAdvice, WireSymbol
from alphastream.registry import extends

_FAMILIES: Final = (binance, bybit, coinbase, kraken, okx)
FEEDS: Final[dict[str, Codec]] = {codec.name: codec for family in _FAMILIES for codec in family.CODECS}
extends("feeds", FEEDS)

__all__ = ["FEEDS", "Codec", "Instrument", "Request", "RetryAdvice", "WireSymbol"]
