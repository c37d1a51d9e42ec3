"""Compiled: the worst a venue may have quoted around each moment, and edges between venues as one goes through them.

A side is an array of prices and quantities, best level first. Among them a bid of −∞ or an offer of +∞ is a level that
is missing, and a quantity of ∞ one that nobody told.
"""

import numpy as np

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats, Ints

CLOSED: int = -1
"""In the column of openings of an episode: there is none."""


@kernel
def worst_around(times: Ints, sides: Floats, error: int, after: int, until: int) -> tuple[Ints, Floats]:
    """Return the least favourable of all quotes that may have held at each moment.

    Quote i holds from ``times[i]`` to ``times[i + 1]``, each known to ± error. At a moment t, all those may have held
    that did at any time from t − error to t + error. Each level's lowest bid, highest offer and least quantities among
    them make a book that is no better than any of them: whatever one held, an order gets at least this.

    Parameters
    ----------
    times : shape (n,), never backwards; the first one is not later than all that has to be known at ``after``.
    sides : shape (n, 4, L): bid prices, bid quantities, offer prices, offer quantities.
    after, until : moments wanted, the first excluded and the last included.

    Returns
    -------
    Moments at which the worst may change, shape (m,), ascending; and it from then on, shape (m, 4, L).
    """
    n, _, levels = sides.shape
    columns = 4 * levels
    moments = np.empty(2 * n, np.int64)
    worst = np.empty((2 * n, 4, levels))
    # A queue a column: rows in the window that are worse than all that came after them.
    queue = np.empty((columns, n), np.int64)
    head = np.zeros(columns, np.int64)
    tail = np.zeros(columns, np.int64)
    count = entering = leaving = (
        0  # rows before ``entering`` are known at t + error, those before ``leaving`` at t − error
    )
    while entering < n or leaving < n:
        moment = times[leaving] + error
        if entering < n and times[entering] - error < moment:
            moment = times[entering] - error
        if moment > until:
            break
        while entering < n and times[entering] - error <= moment:
            for column in range(columns):
                side, level = column // levels, column % levels
                value = sides[entering, side, level]
                while tail[column] > head[column]:
                    last = sides[queue[column, tail[column] - 1], side, level]
                    if (last <= value) if side == 2 else (last >= value):
                        tail[column] -= 1
                    else:
                        break
                queue[column, tail[column]] = entering
                tail[column] += 1
            entering += 1
        while leaving < n and times[leaving] + error <= moment:
            leaving += 1
        if moment <= after:
            continue
        moments[count] = moment
        for column in range(columns):
            side, level = column // levels, column % levels
            if leaving == 0:  # what held at t − error is not known
                worst[count, side, level] = -np.inf if side == 0 else (np.inf if side == 2 else 0.0)
                continue
            while queue[column, head[column]] < leaving - 1:
                head[column] += 1
            worst[count, side, level] = sides[queue[column, head[column]], side, level]
        count += 1
    return moments[:count], worst[:count]


@kernel
def through_books(offers: Floats, bids: Floats, cost_buy: float, cost_sell: float) -> tuple[float, float, float, float]:
    """Return net edge, edge before costs, quantity and its cost of all that pays when it is bought and sold at once.

    Where nothing pays, the edges are those of the best levels and the quantity is 0. NaN where a side is missing. A
    quantity that nobody told is ∞.

    Parameters
    ----------
    offers, bids : shape (2, L): prices and quantities, where one buys and where one sells.
    cost_buy, cost_sell : as in ``cost_factors``.
    """
    best_offer, best_bid = offers[0, 0], bids[0, 0]
    if not (np.isfinite(best_offer) and np.isfinite(best_bid)):
        return np.nan, np.nan, 0.0, 0.0
    levels = offers.shape[1]
    i = j = 0
    taken_i = taken_j = 0.0
    quantity = paid = got = net = 0.0
    while i < levels and j < levels:
        offer, bid = offers[0, i], bids[0, j]
        if not (np.isfinite(offer) and np.isfinite(bid)):
            break
        unit = bid * (1.0 - cost_sell) - offer * (1.0 + cost_buy)
        if unit <= 0.0:
            break
        left_i, left_j = offers[1, i] - taken_i, bids[1, j] - taken_j
        some = min(left_i, left_j)
        if np.isinf(some):
            if quantity == 0.0:
                return unit / offer, bid / offer - 1.0, np.inf, np.inf
            break
        quantity += some
        paid += offer * some
        got += bid * some
        net += unit * some
        taken_i += some
        taken_j += some
        if left_i <= left_j:
            i, taken_i = i + 1, 0.0
        if left_j <= left_i:
            j, taken_j = j + 1, 0.0
    if quantity == 0.0:
        unit = best_bid * (1.0 - cost_sell) - best_offer * (1.0 + cost_buy)
        return unit / best_offer, best_bid / best_offer - 1.0, 0.0, 0.0
    return net / paid, got / paid - 1.0, quantity, paid


@kernel
def follow_edges(
    moments: Ints, legs: Ints, worst: Floats, costs: Floats, books: Floats, edges: Floats, openings: Ints
) -> tuple[Ints, Floats]:
    """Go through what venues quote, moment by moment; each moment is looked at when all of it is known.

    ``books``, ``edges`` and ``openings`` are as the moment before left them, and are changed.

    Parameters
    ----------
    moments, legs, worst : shape (m,), (m,) and (m, 4, L): when, whose and what; ascending.
    costs : shape (2, V, V), of ``cost_factors``.
    books : shape (V, 4, L), what is quoted.
    edges : shape (V, V, 5): of the best moment of the episode that is open: net edge, edge before costs, quantity, its
        cost, net profit.
    openings : shape (V, V, 2): when that episode opened and when it was best; ``CLOSED`` where none is open.

    Returns
    -------
    Episodes that closed, in the order they did: (k, 5) of leg that buys, leg that sells, opened, best, closed; (k, 5)
    as ``edges``.
    """
    found, values = np.empty((16, 5), np.int64), np.empty((16, 5))
    count = 0
    changed = np.zeros(books.shape[0], np.bool_)
    n = moments.size
    for row in range(n):
        books[legs[row]] = worst[row]
        changed[legs[row]] = True
        if row + 1 < n and moments[row + 1] == moments[row]:
            continue
        for a in range(books.shape[0]):
            for b in range(books.shape[0]):
                if a == b or not (changed[a] or changed[b]):
                    continue
                net, gross, quantity, paid = through_books(books[a, 2:], books[b, :2], costs[0, a, b], costs[1, a, b])
                if quantity > 0.0:
                    profit = net if np.isinf(quantity) else net * paid
                    if openings[a, b, 0] == CLOSED:
                        openings[a, b, 0] = moments[row]
                        edges[a, b, 4] = -np.inf
                    if profit > edges[a, b, 4]:
                        openings[a, b, 1] = moments[row]
                        edges[a, b, 0], edges[a, b, 1], edges[a, b, 2] = net, gross, quantity
                        edges[a, b, 3], edges[a, b, 4] = paid, profit
                elif openings[a, b, 0] != CLOSED:
                    if count == found.shape[0]:
                        found, values = _doubled(found, values)
                    found[count, 0], found[count, 1] = a, b
                    found[count, 2], found[count, 3] = openings[a, b, 0], openings[a, b, 1]
                    found[count, 4] = moments[row]
                    values[count] = edges[a, b]
                    openings[a, b, 0] = openings[a, b, 1] = CLOSED
                    count += 1
        changed[:] = False
    return found[:count], values[:count]


@kernel
def _doubled(found: Ints, values: Floats) -> tuple[Ints, Floats]:
    rows = found.shape[0]
    more, others = np.empty((2 * rows, 5), np.int64), np.empty((2 * rows, 5))
    more[:rows], others[:rows] = found, values
    return more, others


@kernel
def edges_now(books: Floats, costs: Floats) -> Floats:
    """Return (V, V, 4) of net edge, edge before costs, quantity and its cost, of what is quoted now."""
    count = books.shape[0]
    now = np.full((count, count, 4), np.nan)
    for a in range(count):
        for b in range(count):
            if a != b:
                net, gross, quantity, paid = through_books(books[a, 2:], books[b, :2], costs[0, a, b], costs[1, a, b])
                now[a, b, 0], now[a, b, 1], now[a, b, 2], now[a, b, 3] = net, gross, quantity, paid
    return now
