"""How much one contract is worth, and which instruments are carried at all.

A swap is counted in contracts: the same "1" is 0.01 BTC of BTC-USDT-SWAP and 1,000 DOGE of DOGE-USDT-SWAP. Only the
list of instruments says so, and a stream may begin before it is answered. What is not known is not guessed.
"""

from decimal import Decimal
from typing import Final

import msgspec

from alphastream.errors import FeedError, ParameterError
from alphastream.feeds.codec import WireSymbol
from alphastream.feeds.okx.endpoints import NAME, TITLE
from alphastream.instruments import InstrumentId

SWAP: Final = "-SWAP"
_SPARE: Final = 8
_INVERSE: Final = "-USD-SWAP"  # all of them, as OKX names its coin-margined swaps


class Contract(msgspec.Struct, frozen=True):
    """What one on the wire stands for.

    Parameters
    ----------
    size : units of base.
    decimals : digits after the point to which quantities in units of base are rounded: those of a contract and eight
        more, so that a product of floats is what the decimal product is, whatever fraction of a contract is traded.
    """

    size: float
    decimals: int

    @classmethod
    def of(cls, size: str, multiplier: str) -> "Contract":
        """Return the contract of a listing, its ctVal and ctMult; ArithmeticError or ValueError where that cannot be.

        Examples
        --------
        >>> Contract.of("0.01", "1"), Contract.of("1000", "1")
        (Contract(size=0.01, decimals=10), Contract(size=1000.0, decimals=5))
        """
        value = Decimal(size) * Decimal(multiplier)
        exponent = value.normalize().as_tuple().exponent
        if not isinstance(exponent, int) or value <= 0:
            raise ValueError(f"a contract of {size} times {multiplier} cannot be")
        return cls(float(value), max(0, _SPARE - exponent))


UNIT: Final = Contract(1.0, 0)
"""What is traded in units of base."""


class Contracts:
    """The contracts that listings have told of. Shared by all codecs of one address: a listing answers for all.

    One thread may learn while others read.

    Examples
    --------
    >>> contracts = Contracts()
    >>> contracts.of("BTC-USDT"), contracts.of("BTC-USDT-SWAP")
    (Contract(size=1.0, decimals=0), None)
    >>> contracts.learn({"BTC-USDT-SWAP": Contract.of("0.01", "1")})
    >>> contracts.of("BTC-USDT-SWAP")
    Contract(size=0.01, decimals=10)
    """

    def __init__(self) -> None:
        self._known: dict[str, Contract] = {}

    def of(self, symbol: str) -> Contract | None:
        """Return the contract of an instrument; None where it is not known yet."""
        return self._known.get(symbol) if symbol.endswith(SWAP) else UNIT

    def required(self, symbol: str) -> Contract:
        """Return the contract of an instrument. Raises FeedError where it is not known yet."""
        contract = self.of(symbol)
        if contract is None:
            raise FeedError(
                f"{TITLE} has not said what a contract of {symbol} is worth: its list of instruments is needed first"
            )
        return contract

    def learn(self, found: dict[str, Contract]) -> None:
        """Take note of what a listing says."""
        self._known = {**self._known, **found}


def wire_symbol(instrument: InstrumentId) -> WireSymbol:
    """Return how an instrument is called in what goes to the venue.

    Raises
    ------
    ParameterError : it is of another venue, or one whose trades are not counted in units of base.
    """
    if instrument.venue != NAME:
        raise ParameterError(f"{instrument} is not of {TITLE}: needs a name such as {NAME}:BTC-USDT")
    symbol = instrument.symbol
    if symbol.endswith(_INVERSE):
        base = symbol.removesuffix(_INVERSE)
        raise ParameterError(
            f"{symbol} is an inverse contract: one is a fixed sum of USD, so how many {base} were traded changes with "
            f"the price, and gains are paid in {base}. Nothing here counts so: take {base}-USDT-SWAP or {base}-USDT"
        )
    parts = symbol.removesuffix(SWAP).split("-")
    if len(parts) != 2 or not all(part.replace("_", "").isalnum() for part in parts):
        raise ParameterError(
            f"{symbol!r} is no spot pair and no swap of OKX: needs a name such as BTC-USDT or BTC-USDT-SWAP"
        )
    return WireSymbol(symbol)
