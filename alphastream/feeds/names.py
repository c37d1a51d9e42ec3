"""Full names of a venue's instruments, by what its messages call them."""

from typing import Final

from alphastream.instruments import InstrumentId

MAX_NAMES: Final = 100_000  # kept; a venue lists some thousands, a peer gone mad may invent them


class Names(dict[str, InstrumentId]):
    """Full names by symbol, each made once: a full ring would hold a million copies of a name.

    A symbol that cannot be one raises ParameterError.

    Examples
    --------
    >>> Names("coinbase")["BTC-USD"]
    InstrumentId('coinbase', 'BTC-USD')
    """

    def __init__(self, venue: str) -> None:
        super().__init__()
        self._venue = venue

    def __missing__(self, symbol: str) -> InstrumentId:
        """Make the name and keep it."""
        name = InstrumentId(self._venue, symbol)
        if len(self) >= MAX_NAMES:
            self.clear()
        self[symbol] = name
        return name
