"""Protocols of venues, a file or a package a family.

A new one is its module, with ``PROTOCOLS``, and its name in the line below.
"""

from typing import Final

from alphastream.errors import ParameterError

from ..protocol import VenueProtocol
from . import binance, bybit, coinbase, kraken, okx

_FAMILIES: Final = (binance, bybit, coinbase, kraken, okx)
PROTOCOLS: Final[dict[str, VenueProtocol]] = {
    protocol.name: protocol for family in _FAMILIES for protocol in family.PROTOCOLS
}
SHORT: Final = {"usdm": "binance-usdm", "spot": "binance-spot"}


def protocol_of(venue: str) -> VenueProtocol:
    """Return the protocol of a venue, by its name in ``FEEDS`` or by "usdm" and "spot".

    Raises
    ------
    ParameterError : there is none of that name.
    """
    name = SHORT.get(venue, venue)
    if name not in PROTOCOLS:
        raise ParameterError(f"market is {venue!r}, needs to be one of {', '.join((*PROTOCOLS, *SHORT))}")
    return PROTOCOLS[name]
