"""Binance's protocol: USDS-M futures, spot and Binance.US."""

from typing import Final

from ...protocol import VenueProtocol
from .addresses import SPOT, US, USDM
from .protocol import Binance

PROTOCOLS: Final[tuple[VenueProtocol, ...]] = tuple(Binance(venue) for venue in (USDM, SPOT, US))

__all__ = ["PROTOCOLS", "SPOT", "US", "USDM", "Binance"]
