"""A book over time as a table: how much waited at which price."""

from dataclasses import dataclass

import numpy as np

from alphastream.books.columns import BookColumns
from alphastream.core.types import Floats, Ints
from alphastream.microstructure.liquidity import mid, newest_before


@dataclass(frozen=True, slots=True, eq=False)
class DepthMap:
    """Quantities by price and time.

    Parameters
    ----------
    time_ns : (C,) moments, UTC ns.
    price : (R + 1,) edges of the rows of prices, lowest first.
    bid_quantity, ask_quantity : (R, C) base units that waited in a row; 0 where none was sampled, NaN without a
        book.
    bid, ask : (C,) best prices, NaN where no book was.
    """

    time_ns: Ints
    price: Floats
    bid_quantity: Floats
    ask_quantity: Floats
    bid: Floats
    ask: Floats


def depth_map(book: BookColumns, moments_ns: Ints, step: float) -> DepthMap:
    """Lay the newest sample at or before each moment out by price.

    Parameters
    ----------
    moments_ns : (C,) ascending.
    step : height of a row, price units; rows begin at its multiples and reach over all levels of these samples.
    """
    place = newest_before(book.time_ns, moments_ns)
    levels = book.rows(np.maximum(place, 0)) if len(book) else BookColumns.empty(book.levels, len(place))
    gone = (place < 0) | ~np.isfinite(mid(levels))
    if gone.all():
        nothing, none = np.empty((0, len(place))), np.full(len(place), np.nan)
        return DepthMap(moments_ns, np.empty(0), nothing, nothing, none, none)
    prices = np.concatenate((levels.bid_price[~gone], levels.ask_price[~gone]))
    first, last = (int(np.floor(edge / step + 1e-9)) for edge in (np.nanmin(prices), np.nanmax(prices)))
    rows = last - first + 1
    sides: list[Floats] = []
    for price, quantity in ((levels.bid_price, levels.bid_quantity), (levels.ask_price, levels.ask_quantity)):
        known = np.isfinite(price) & ~gone[:, np.newaxis]
        column, _ = np.nonzero(known)
        row = np.floor(price[known] / step + 1e-9).astype(np.int64) - first
        cells = np.bincount(row * len(place) + column, quantity[known], rows * len(place))
        side: Floats = cells.astype(np.float64).reshape(rows, -1)
        side[:, gone] = np.nan
        sides.append(side)
    best = [np.where(gone, np.nan, side[:, 0]) for side in (levels.bid_price, levels.ask_price)]
    return DepthMap(
        moments_ns, (first + np.arange(rows + 1, dtype=np.float64)) * step, sides[0], sides[1], best[0], best[1]
    )
