"""The compiled half of windows: rows into panes, panes into windows.

A pane is the longest piece that no window begins or ends inside of. Each row is added to one pane, each window is
then put together of panes, however many windows overlap (Krishnamurthy, Wu & Franklin 2006, "On-the-fly sharing for
streamed aggregation", section 3: paired windows). A window costs a constant number of steps, whatever its length: panes
stand in blocks as long as a window, which is therefore the end of one block and the beginning of the next (van Herk
1992; Gil & Werman 1993). Blocks lie at fixed ids, so the order of all sums, and with it every bit, is the same however
the rows were split.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats, Ints

OPEN, HIGH, LOW, CLOSE, VOLUME, QUOTE_VOLUME, BUY_VOLUME, SELL_VOLUME = range(8)
TRADES, BUYS, BID, ASK, SPREAD_SUM, QUOTES = range(8, 14)
FIELDS: Final = 14
FIRST_NS, LAST_NS = 0, 1
ROUNDING: Final = 1e-9  # of a bucket: volumes that add up to it but for rounding fill it


@kernel
def fold_panes(
    pane: Ints,
    time_ns: Ints,
    price: Floats,
    quantity: Floats,
    buyer_is_maker: NDArray[np.bool_],
    bid: Floats,
    ask: Floats,
    held: int,
    ids: Ints,
    table: Floats,
    times: Ints,
) -> int:
    """Add rows to panes; return how many there are.

    Parameters
    ----------
    pane : the id of each row's pane, never descending, (T,).
    held : panes that are there before, in the first places of ``ids``, ``table`` and ``times``; of the last one there
        may be more.
    """
    last = held - 1
    for t in range(pane.size):
        if last < 0 or pane[t] != ids[last]:
            last += 1
            ids[last] = pane[t]
            table[last] = 0.0
            table[last, OPEN : CLOSE + 1] = np.nan
            table[last, BID] = table[last, ASK] = np.nan
            times[last, FIRST_NS] = time_ns[t]
        row = table[last]
        times[last, LAST_NS] = time_ns[t]
        value = price[t]
        if not np.isnan(value):
            if np.isnan(row[OPEN]):
                row[OPEN] = row[HIGH] = row[LOW] = value
            row[HIGH], row[LOW] = max(row[HIGH], value), min(row[LOW], value)
            row[CLOSE] = value
            row[VOLUME] += quantity[t]
            row[QUOTE_VOLUME] += value * quantity[t]
            row[TRADES] += 1.0
            if buyer_is_maker[t]:
                row[SELL_VOLUME] += quantity[t]
            else:
                row[BUY_VOLUME] += quantity[t]
                row[BUYS] += 1.0
        if not np.isnan(bid[t]):
            row[BID] = bid[t]
        if not np.isnan(ask[t]):
            row[ASK] = ask[t]
        if not (np.isnan(bid[t]) or np.isnan(ask[t])):
            row[SPREAD_SUM] += ask[t] - bid[t]
            row[QUOTES] += 1.0
    return last + 1


@kernel
def _join(left: Floats, right: Floats, out: Floats) -> None:
    """Write what two neighbours are together; ``out`` may be one of them."""
    first = right[OPEN] if np.isnan(left[OPEN]) else left[OPEN]
    out[HIGH], out[LOW] = np.fmax(left[HIGH], right[HIGH]), np.fmin(left[LOW], right[LOW])
    out[CLOSE] = left[CLOSE] if np.isnan(right[CLOSE]) else right[CLOSE]
    out[BID] = left[BID] if np.isnan(right[BID]) else right[BID]
    out[ASK] = left[ASK] if np.isnan(right[ASK]) else right[ASK]
    out[OPEN] = first
    for place in range(VOLUME, BID):
        out[place] = left[place] + right[place]
    out[SPREAD_SUM], out[QUOTES] = left[SPREAD_SUM] + right[SPREAD_SUM], left[QUOTES] + right[QUOTES]


@kernel
def slide(
    ids: Ints,
    table: Floats,
    times: Ints,
    frontier: int,
    window: int,
    reach: int,
    out_window: Ints,
    out_table: Floats,
    out_times: Ints,
) -> tuple[int, int]:
    """Put windows together that end before the pane ``frontier`` and hold anything.

    Parameters
    ----------
    ids, table, times : panes, oldest first, (N,), (N, FIELDS), (N, 2).
    window : the first window that is wanted. Window j is made of the panes 2j to 2(j + reach).
    out_window, out_table, out_times : windows are written here; where they have no rows they are counted alone.

    Returns
    -------
    How many windows there are, and the first one that is not among them.
    """
    count, low, high, block = 0, 0, 0, ids.size  # no block yet
    length = 2 * reach + 1
    writes = out_window.size > 0
    block_known = False
    beginning, has_beginning = np.empty(FIELDS), False
    ends = np.empty((ids.size if writes else 0, FIELDS))
    while True:
        while low < ids.size and ids[low] < 2 * window:
            low += 1
        if low == ids.size:
            break
        first_with_it = (ids[low] + 1) // 2 - reach
        if window < first_with_it:
            window = first_with_it
            continue
        if 2 * (window + reach) >= frontier:
            break
        if ids[low] > 2 * (window + reach):  # between two windows that leave a hole
            window += 1
            continue
        if writes:
            of_window = (2 * window) // length
            border = (of_window + 1) * length
            if not block_known or of_window != block:
                block, block_known, has_beginning = of_window, True, False
                high = low
                while high < ids.size and ids[high] < border:
                    high += 1
                for pane in range(high - 1, low - 1, -1):
                    ends[pane] = table[pane]
                    if pane + 1 < high:
                        _join(table[pane], ends[pane + 1], ends[pane])
            while high < ids.size and ids[high] <= 2 * (window + reach):
                if has_beginning:
                    _join(beginning, table[high], beginning)
                else:
                    beginning[:], has_beginning = table[high], True
                high += 1
            if ids[low] >= border:
                out_table[count] = beginning
            elif has_beginning:
                _join(ends[low], beginning, out_table[count])
            else:
                out_table[count] = ends[low]
            out_window[count] = window
            out_times[count, FIRST_NS], out_times[count, LAST_NS] = times[low, FIRST_NS], times[high - 1, LAST_NS]
        count += 1
        window += 1
    return count, window


@kernel
def volume_panes(
    quantity: Floats, price: Floats, every: float, rest: float, index: int, into: float, out: Ints
) -> tuple[int, float]:
    """Write the pane in which each trade begins; return the bucket and the place in it where the next one does."""
    for t in range(quantity.size):
        out[t] = 2 * index + (1 if rest == 0.0 or into + ROUNDING * every >= rest else 0)
        if not np.isnan(price[t]):
            into += quantity[t]
            full = int(np.floor(into / every + ROUNDING))
            index += full
            into -= full * every
    return index, into


@kernel
def imbalance_panes(
    quantity: Floats,
    price: Floats,
    buyer_is_maker: NDArray[np.bool_],
    threshold: float,
    index: int,
    signed: float,
    out: Ints,
) -> tuple[int, float]:
    """Write the bar of each trade; return the bar of the next one and the signed volume that it begins with."""
    for t in range(quantity.size):
        out[t] = 2 * index + 1
        if not np.isnan(price[t]):
            signed += -quantity[t] if buyer_is_maker[t] else quantity[t]
            if abs(signed) >= threshold * (1.0 - ROUNDING):
                index += 1
                signed = 0.0
    return index, signed
