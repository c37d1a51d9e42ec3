"""Single trades: the large ones, and how large all of them are."""

from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alphastream.core.types import Floats, Ints
from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.windows import Trades

STEPS: Final = (1.0, 2.0, 5.0)  # of each power of ten


@dataclass(frozen=True, slots=True, eq=False)
class LargePrints:
    """The large trades among some, oldest first, (N,) each.

    Parameters
    ----------
    threshold : the quantity from which a trade is large, base units.
    quantile, of : the share of trades below it, and among how many.
    is_buy : True where the taker bought.
    """

    threshold: float
    quantile: float
    of: int
    time_ns: Ints
    price: Floats
    quantity: Floats
    is_buy: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.time_ns)

    @property
    def notional(self) -> Floats:
        """Price times quantity, (N,)."""
        return self.price * self.quantity


def large_prints(trades: Trades, quantile: float = 0.99) -> LargePrints:
    """Trades at least as large as a quantile of all of them; where several are exactly that large, all of these.

    Parameters
    ----------
    quantile : above 0 and below 1, of the quantities; a quantity that occurred (numpy's method "higher").

    Raises
    ------
    NotEnoughObservations
        Fewer trades than it takes for one of them to lie above the quantile.
    ParameterError
        A quantile that is none.
    """
    if not 0.0 < quantile < 1.0:
        raise ParameterError(f"quantile={quantile}: choose one above 0 and below 1")
    is_trade = ~np.isnan(trades.price)
    quantity = trades.quantity[is_trade]
    needed = ceil(1.0 / (1.0 - quantile) - 1e-9)
    if len(quantity) < needed:
        raise NotEnoughObservations(f"a quantile of {quantile:g}", needed, len(quantity))
    threshold = float(np.quantile(quantity, quantile, method="higher"))
    large = np.flatnonzero(is_trade & (trades.quantity >= threshold))
    return LargePrints(
        threshold,
        quantile,
        len(quantity),
        trades.time_ns[large],
        trades.price[large],
        trades.quantity[large],
        ~trades.buyer_is_maker[large],
    )


@dataclass(frozen=True, slots=True, eq=False)
class TradeSizes:
    """How many trades are how large.

    Parameters
    ----------
    edges : (B + 1,) base units; a size on an edge belongs above it, on the last one below.
    buys, sells : (B,) trades that the taker bought or sold.
    buy_volume, sell_volume : (B,) their volume.
    """

    edges: Floats
    buys: Ints
    sells: Ints
    buy_volume: Floats
    sell_volume: Floats


def trade_sizes(trades: Trades) -> TradeSizes:
    """Count trades by size, between 1, 2 and 5 times the powers of ten that they reach over; no bin without trades."""
    is_trade = ~np.isnan(trades.price)
    quantity, sold = trades.quantity[is_trade], trades.buyer_is_maker[is_trade]
    if not len(quantity):
        none, never = np.empty(0), np.empty(0, np.int64)
        return TradeSizes(none, never, never, none, none)
    edges = _edges(float(quantity.min()), float(quantity.max()))
    (buys, sells), (bought, sold_volume) = (
        [
            np.histogram(quantity[side], edges, weights=weights)[0]
            for side, weights in zip((~sold, sold), both, strict=True)
        ]
        for both in ((None, None), (quantity[~sold], quantity[sold]))
    )
    return TradeSizes(edges, buys.astype(np.int64), sells.astype(np.int64), bought, sold_volume)


def _edges(smallest: float, largest: float) -> Floats:
    decades = range(int(np.floor(np.log10(smallest))) - 1, int(np.ceil(np.log10(largest))) + 2)
    steps = np.array([float(f"{step:g}e{decade}") for decade in decades for step in STEPS])
    first = int(np.searchsorted(steps, smallest, "right")) - 1
    last = int(np.searchsorted(steps, largest, "right"))
    return steps[first : last + 1]
