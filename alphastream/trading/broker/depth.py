"""What a leg's order gets in a recorded book, and what of that is spread and what is impact."""

import math
from dataclasses import dataclass
from typing import Final, TypeAlias

from alphastream.books.filling import fill
from alphastream.core.types import Floats
from alphastream.trading.broker.costs import Contract

Levels: TypeAlias = tuple[Floats, Floats]
"""Prices and quantities of one side, best first, (L,) each; NaN where a level is missing."""

SHORT: Final = "the book of"
"""Begins what an order's reason says of a book that did not hold enough."""


@dataclass(frozen=True, slots=True)
class DepthFill:
    """What was got.

    Parameters
    ----------
    units : buying positive; less than was wanted where the levels do not hold so much.
    price : average of the levels.
    mid : of the book; the best level taken where the other side is empty.
    spread_cost, impact_cost : what the best level is worse than the mid, and the average worse than the best level,
        times units, in quote units.
    """

    units: float
    price: float
    mid: float
    spread_cost: float
    impact_cost: float


def take_depth(wanted: float, bids: Levels, asks: Levels, contract: Contract, limit: float | None = None) -> DepthFill:
    """Take units of a book, from its best level on, in whole lots.

    Parameters
    ----------
    wanted : units, buying positive.
    limit : worst price; None takes any.
    """
    buying = wanted > 0.0
    (prices, quantities), other = (asks, bids) if buying else (bids, asks)
    if limit is not None:
        reachable = prices <= limit if buying else prices >= limit
        prices, quantities = prices[reachable], quantities[reachable]
    units = contract.rounded(fill(prices, quantities, abs(wanted)).filled)
    if not units:
        return DepthFill(0.0, math.nan, math.nan, 0.0, 0.0)
    got = fill(prices, quantities, units)
    best = float(prices[0])
    across = float(other[0][0]) if len(other[0]) else math.nan
    mid = best if math.isnan(across) else 0.5 * (best + across)
    price = best if got.worst == best else got.average  # an average of one price may miss it by a rounding
    units = math.copysign(units, wanted)
    return DepthFill(units, price, mid, (best - mid) * units, (price - best) * units)
