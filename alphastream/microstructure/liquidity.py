"""What a book offers and what trades paid: spreads, depth, imbalance, and how fast both come back.

Books come as samples of their best levels by ascending time, as ``MarketView.samples`` gives them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alphastream.books.columns import BookColumns
from alphastream.core.types import Floats, Ints
from alphastream.core.units import SECOND
from alphastream.microstructure.prints import LargePrints
from alphastream.windows import Trades

BPS: Final = 1e4
DEPTHS_BPS: Final = (1.0, 5.0, 10.0)
WAIT_NS: Final = 60 * SECOND
"""How long after a print its traces are looked for."""
BACK: Final = 0.9
"""Share of the quantity before a print at which a side counts as filled up again."""
DEPTH_BPS: Final = 5.0  # of the mid: how far from it the quantity counts that is to come back


def mid(levels: BookColumns) -> Floats:
    """Middle of the best bid and ask, (T,)."""
    middle: Floats = (levels.bid_price[:, 0] + levels.ask_price[:, 0]) / 2.0
    return middle


def quoted_spread_bps(levels: BookColumns) -> Floats:
    """(ask − bid) / mid of the best levels, basis points, (T,)."""
    spread: Floats = (levels.ask_price[:, 0] - levels.bid_price[:, 0]) / mid(levels) * BPS
    return spread


def book_imbalance(levels: BookColumns, count: int = 1) -> Floats:
    """(bid − ask) / (bid + ask) of the quantity at the best ``count`` levels, −1 to 1, (T,); NaN for a book without."""
    bid, ask = (np.nansum(side[:, :count], axis=1) for side in (levels.bid_quantity, levels.ask_quantity))
    imbalance: Floats = np.full(len(bid), np.nan)
    np.divide(bid - ask, bid + ask, out=imbalance, where=bid + ask > 0.0)
    return imbalance


@dataclass(frozen=True, slots=True, eq=False)
class Depth:
    """What waits within a distance of the mid.

    Parameters
    ----------
    bid, ask : (T,) sum of price times quantity, quote units; NaN where a side is empty.
    bid_is_whole, ask_is_whole : (T,) whether the sampled levels reach as far as the distance; else there is at least
        as much.
    """

    bid: Floats
    ask: Floats
    bid_is_whole: NDArray[np.bool_]
    ask_is_whole: NDArray[np.bool_]

    @property
    def both(self) -> Floats:
        """Of both sides, (T,)."""
        return self.bid + self.ask

    @property
    def is_whole(self) -> NDArray[np.bool_]:
        """Whether both sides are known as far as the distance, (T,)."""
        return self.bid_is_whole & self.ask_is_whole


def depth(levels: BookColumns, within_bps: float) -> Depth:
    """Sum the levels up whose price is within a distance of the mid, the border included."""
    middle = mid(levels)[:, np.newaxis]
    reach = within_bps / BPS * (1.0 + 1e-9)  # a level exactly there is not lost to rounding
    bid, bid_is_whole = _within(levels.bid_price, levels.bid_quantity, levels.bid_price >= middle * (1.0 - reach))
    ask, ask_is_whole = _within(levels.ask_price, levels.ask_quantity, levels.ask_price <= middle * (1.0 + reach))
    return Depth(bid, ask, bid_is_whole, ask_is_whole)


def _within(price: Floats, quantity: Floats, near: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.bool_]]:
    total: Floats = np.where(near, price * quantity, 0.0).sum(axis=1)
    is_known = ~np.isnan(price)
    total[~is_known.any(axis=1) | ~np.isfinite(price[:, 0])] = np.nan
    # Whole where a level beyond the distance was sampled as well: nothing can hide between it and the last one within.
    return total, np.asarray((is_known & ~near).any(axis=1))


def reach_bps(levels: BookColumns) -> Floats:
    """How far from the mid the sampled levels go, basis points, on the side where they end first, (T,)."""
    middle = mid(levels)[:, np.newaxis]
    sides = (middle - levels.bid_price, levels.ask_price - middle)
    farthest = [np.where(np.isnan(side), -np.inf, side).max(axis=1, initial=-np.inf) for side in sides]
    reach: Floats = np.minimum(*farthest) / middle[:, 0] * BPS
    return reach


def newest_before(times: Ints, at_ns: Ints) -> Ints:
    """Place of the newest sample at or before each time, −1 where there is none, (N,)."""
    return np.searchsorted(times, at_ns, side="right").astype(np.int64) - 1


def effective_spread_bps(trades: Trades, levels: BookColumns) -> Floats:
    """2 d (price − mid) / mid of each trade, basis points, (T,): d is 1 where the taker bought, −1 where it sold.

    The mid is that of the newest sample before the trade: one of its own time may already show what it left. NaN
    without one, and for rows that are no trades. Source: Bessembinder & Venkataraman (2010), "Bid-ask spreads",
    Encyclopedia of Quantitative Finance, equation 2.
    """
    place = newest_before(levels.time_ns, trades.time_ns - 1)
    middle = np.append(mid(levels), np.nan)[place]
    direction = np.where(trades.buyer_is_maker, -1.0, 1.0)
    spread: Floats = 2.0 * direction * (trades.price - middle) / middle * BPS
    return spread


@dataclass(frozen=True, slots=True, eq=False)
class Resilience:
    """How long a book takes to come back after large prints; seconds, (N,) each, NaN where it did not in time.

    A print counts where the book was known before it and for the whole wait after it, or until it came back.

    Parameters
    ----------
    spread_s : until the quoted spread is at most what it was before the print.
    depth_s : until the side that was hit holds at least ``BACK`` of the quantity within ``DEPTH_BPS`` of the mid that
        it held before; NaN also where the samples do not reach so far.
    """

    spread_s: Floats
    depth_s: Floats

    @staticmethod
    def median(seconds: Floats) -> float:
        """Median; those that did not come back count as the longest: inf where it is one of them, NaN without any."""
        if not len(seconds):
            return np.nan
        with np.errstate(invalid="ignore"):
            return float(np.median(np.where(np.isnan(seconds), np.inf, seconds)))


def resilience(prints: LargePrints, levels: BookColumns, wait_ns: int = WAIT_NS) -> Resilience:
    """Time for the spread and the depth to come back after each large print.

    The idea is Kyle's (1985) resiliency, measured as the replenishment time of Large (2007, "Measuring the resiliency
    of an electronic limit order book", Journal of Financial Markets 10), with quoted spread and depth instead of a
    model of arrivals. What a print found is the newest sample before it. A book that a print did not widen or thin is
    back at the first sample after it.
    """
    spread, deep = quoted_spread_bps(levels), depth(levels, DEPTH_BPS)
    times = levels.time_ns
    of_spread: list[float] = []
    of_depth: list[float] = []
    before = newest_before(times, prints.time_ns - 1)
    first = np.searchsorted(times, prints.time_ns, side="left")
    last = np.searchsorted(times, prints.time_ns + wait_ns, side="right")
    for row, place in enumerate(before.tolist()):  # of prints, not of trades
        at_ns = int(prints.time_ns[row])
        if place < 0:
            continue
        after = slice(int(first[row]), int(last[row]))
        is_whole_wait = int(times[-1]) >= at_ns + wait_ns
        side, whole = (deep.ask, deep.ask_is_whole) if prints.is_buy[row] else (deep.bid, deep.bid_is_whole)
        for found, came_back, is_known in (
            (of_spread, spread[after] <= spread[place] * (1.0 + 1e-9), np.isfinite(spread[place])),
            (of_depth, side[after] >= BACK * side[place], whole[place]),
        ):
            back = np.flatnonzero(came_back)
            if is_known and (len(back) or is_whole_wait):
                found.append((int(times[after][back[0]]) - at_ns) / SECOND if len(back) else np.nan)
    return Resilience(np.array(of_spread), np.array(of_depth))
