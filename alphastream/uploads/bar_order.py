"""Which of four columns is open, high, low and close, by their numbers alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from alphastream.core.types import Floats

Order = tuple[int, int, int, int]

USUAL: Final[Order] = (0, 1, 2, 3)
# How many logs rarer an order is than open, high, low, close, where programs are known to write it.
_HABITS: Final[dict[Order, float]] = {
    USUAL: 0.0,
    (0, 2, 3, 1): 2.0,  # open, close, high, low: Bitfinex, KuCoin, Eastmoney
    (2, 1, 0, 3): 2.0,  # low, high, open, close: Coinbase
    (3, 1, 2, 0): 3.0,  # close, high, low, open: Gate, NetEase
}
_VOLUME_FIRST: Final[dict[Order, float]] = {(3, 1, 2, 0): 0.0, USUAL: 2.0}
_RARE: Final = 5.0
_CLEAR: Final = 3.0  # logs between the best and the next order that decide
_SURE: Final = 6.0
_FLOOR: Final = 0.03  # a gap below this part of a bar's range is as good as none
_FITS: Final = 0.95  # of the rows; a few bad bars do not hide an order


@dataclass(frozen=True, slots=True)
class BarOrder:
    """Where open, high, low and close stand among four columns.

    Parameters
    ----------
    orders : positions of open, high, low and close, the likeliest first; empty where no order fits. Several are a
        question.
    certainty : "sure" and "likely" have one order, "open" several or none.
    """

    certainty: Literal["sure", "likely", "open"]
    orders: tuple[Order, ...]


def ohlc_order(
    columns: Sequence[NDArray[Any]],
    newest_first: bool = False,
    groups: NDArray[Any] | None = None,
    volume_first: bool = False,
) -> BarOrder:
    """Find open, high, low and close.

    The high is never below, the low never above the others. Open and close are told apart by time: a bar opens near the
    close of the bar before. Habit decides between orders that fit equally well.

    Parameters
    ----------
    columns : four columns of prices of one magnitude, shape (T,) each, in the order of the file.
    newest_first : whether the rows run backwards in time.
    groups : the instrument of each row, shape (T,), for files of several.
    volume_first : whether the volume stands before the prices: those who write it there begin with the close.

    Examples
    --------
    >>> first, top, bottom, last = [10.0, 11.0, 10.5], [11.2, 11.4, 10.6], [9.9, 10.4, 9.8], [11.0, 10.5, 9.9]
    >>> ohlc_order([bottom, top, first, last]).orders
    ((2, 1, 0, 3),)
    """
    table = np.stack([np.asarray(column, dtype=np.float64) for column in columns])
    usable = np.all(np.isfinite(table) & (table > 0), axis=0)
    table = np.log(table[:, usable])
    if table.shape[1] == 0:
        return BarOrder("open", ())
    follows = np.ones(table.shape[1] - 1, dtype=bool)
    if groups is not None:
        kept = np.asarray(groups)[usable]
        order = np.argsort(kept, kind="stable")
        table, follows = table[:, order], np.diff(kept[order]) == 0
    if newest_first:
        table, follows = table[:, ::-1], follows[::-1]
    habits = _VOLUME_FIRST if volume_first else _HABITS
    scores = {order: _continuity(table, follows, order) - habits.get(order, _RARE) for order in _fitting(table)}
    if not scores:
        return BarOrder("open", ())
    ranked = sorted(scores, key=scores.__getitem__, reverse=True)
    best = scores[ranked[0]]
    others = [order for order in ranked if not np.array_equal(table[list(order)], table[list(ranked[0])])]
    near = tuple(order for order in others if best - scores[order] < _CLEAR)
    if near:
        return BarOrder("open", (ranked[0], *near))
    ahead = best - scores[others[0]] if others else np.inf
    return BarOrder("sure" if ahead >= _SURE else "likely", (ranked[0],))


def fits(columns: Sequence[NDArray[Any]], order: Order = USUAL) -> bool:
    """Whether the high is highest and the low lowest in an order, in nearly every row that has all four."""
    table = np.stack([np.asarray(column, dtype=np.float64) for column in columns])
    table = table[:, np.all(np.isfinite(table) & (table > 0), axis=0)]
    return table.shape[1] > 0 and order in _fitting(np.log(table))


def lie_still(columns: Sequence[NDArray[Any]], order: Order) -> bool:
    """Whether four columns lie to one another as bars never do: four instruments, or four levels of a book.

    In each of four rows and more the close is on the same side of the open, far from the next row's movement.
    """
    table = np.stack([np.asarray(columns[at], dtype=np.float64) for at in order])
    first, high, low, last = np.log(table[:, np.all(np.isfinite(table) & (table > 0), axis=0)])
    body, steps = last - first, np.abs(np.diff(first + last)) / 2
    steady = len(body) >= 4 and bool((body > 0).all() or (body < 0).all())
    return steady and bool(np.median(high - low) > 5 * np.median(steps))


def _fitting(table: Floats) -> list[Order]:
    """Orders in which the high is highest and the low lowest."""
    slack = 1e-9
    top = np.mean(table >= table.max(axis=0) - slack, axis=1) >= _FITS
    bottom = np.mean(table <= table.min(axis=0) + slack, axis=1) >= _FITS
    orders = ((first, high, low, last) for first, high, low, last in permutations(range(4)))
    return [order for order in orders if top[order[1]] and bottom[order[2]]]


def _continuity(table: Floats, follows: NDArray[np.bool_], order: Order) -> float:
    """How well each bar opens where the one before closed: the log likelihood of Laplace gaps, up to a constant."""
    spans = table.max(axis=0) - table.min(axis=0)
    gaps = np.abs(table[order[0], 1:] - table[order[3], :-1])[follows]
    if len(gaps) == 0 or not spans.any():
        return 0.0
    step = spans[spans > 0].min()  # of coarse prices, whose gaps are zero by chance
    floor = max(_FLOOR, 0.3 * float(step / spans.mean()))
    return -len(gaps) * float(np.log(gaps.mean() / spans.mean() + floor))
