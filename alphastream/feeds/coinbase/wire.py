"""Who Coinbase Exchange is, what it calls its products, and the frames that subscribe to them.

A subscription that names one unknown product is refused as a whole, so each product has a frame of its own where more
than one is asked for at once.

Source: https://docs.cdp.coinbase.com/exchange/websocket-feed/overview and .../rate-limits.
"""

from collections.abc import Collection, Sequence
from typing import Final, Literal

import msgspec

from alphastream.feeds.codec import WireSymbol
from alphastream.feeds.spelling import wire_symbol, wire_symbols
from alphastream.instruments import InstrumentId

NAME: Final = "coinbase"
TITLE: Final = "Coinbase Exchange"
MOST_PRODUCTS: Final = 80  # on one connection; it takes 100 messages a second, and each product is one


def products(instruments: Collection[InstrumentId]) -> list[WireSymbol]:
    """Return what instruments are called there. Raises ParameterError; see ``wire_symbols``."""
    return wire_symbols((NAME, TITLE), instruments, MOST_PRODUCTS, "BTC-USD", "-")


def product(instrument: InstrumentId) -> WireSymbol:
    """Return what an instrument is called there. Raises ParameterError; see ``wire_symbol``."""
    return wire_symbol((NAME, TITLE), instrument, "BTC-USD", "-")


def control(
    kind: Literal["subscribe", "unsubscribe"], product_ids: Sequence[WireSymbol], channels: Sequence[str]
) -> bytes:
    """Return a frame that changes what a connection carries."""
    return msgspec.json.encode({"type": kind, "product_ids": product_ids, "channels": channels})
