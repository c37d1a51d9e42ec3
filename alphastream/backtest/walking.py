"""The walk over rows: the books of one pair, and what its equity comes to, in one pass over any piece of the rows.

Between two rows at which something happens there is nothing but marks, which are looked at many at a time. A walk may
stop after any row and go on later: all that it knows is in the books and in the curve.
"""

import numpy as np

from alphastream.backtest.kernel import (
    CASH,
    COLUMNS,
    DIRECTION,
    DRAWDOWN,
    END_ROW,
    ENDED,
    FINAL,
    KURTOSIS,
    MEAN,
    MEAN_EQUITY,
    MOVE_CASH,
    MOVE_COLUMNS,
    MOVE_POSITION,
    MOVE_ROW,
    MOVES,
    N_REFUSED,
    N_TRADES,
    NEXT,
    NEXT_DUE,
    NOTIONAL_TRADED,
    PLACES,
    POSITION,
    REFUSALS,
    ROWS,
    SKEW,
    STATISTICS,
    STD,
    TRADED,
    TRADES,
    KernelMarket,
    Record,
    Terms,
)
from alphastream.backtest.settling import open_books, pay_funding, settle
from alphastream.core.borrowing import borrowed, read_soon
from alphastream.core.compilation import inlined, kernel, summation
from alphastream.core.types import Floats

AHEAD = 12  # changes of direction by which what they read is asked for before they come
ROUNDING = 1e-12  # a variance below this part of the mean square is what rounding leaves

# Places in a curve: sums over the equity that has left it, then the equity of the newest rows that had a position.
HAS, SEEN, BEFORE, PEAK, DEEPEST, S1, S2, S3, S4, TOTAL, KEPT = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
CURVE = KEPT + 1024


@kernel
def run_books(
    start: int,
    direction: Floats,
    hedge_ratio: Floats,
    leverage: Floats,
    market: KernelMarket,
    terms: Terms,
    record: Record,
    books: Floats,
    curve: Floats,
) -> None:
    """Walk over rows from ``start`` on, as many as there are directions.

    Parameters
    ----------
    direction, hedge_ratio : (N,).
    leverage : (N,) for the sizing by ``LEVERAGE``, otherwise (0,).
    market : of all rows.
    books, curve : (PLACES,) and (CURVE,) as ``begin`` and the rows before left them.
    """
    market = KernelMarket(
        borrowed(market.marks), borrowed(market.prices), borrowed(market.times), borrowed(market.due),
        borrowed(market.rates),
    )  # fmt: skip
    record = Record(borrowed(record.fills), borrowed(record.payments), borrowed(record.moves))
    books, curve = borrowed(books), borrowed(curve)
    prices, times, fills, moves = market.prices, market.times, record.fills, record.moves
    y, x, maintenance = market.marks[0], market.marks[1], terms.maintenance
    rows, place, count = start + direction.size, 0, 0
    changes = np.empty(direction.size + AHEAD + 1, dtype=np.int64)  # rows that want another direction than those before
    for t in range(start + 1, rows):
        changes[count] = t
        count += direction[t - start] != direction[t - start - 1]
    changes[count : count + AHEAD + 1] = rows
    balance, held_y, held_x = books[CASH], books[POSITION], books[POSITION + 1]
    following, eventful = books[NEXT], True  # whether its first row wants the same as the one before is seen there
    t = start
    while t < rows:
        if not eventful:
            while changes[place] < t:
                place += 1
                soon = changes[place + AHEAD]
                read_soon(times, soon)
                read_soon(times, soon + 1)
                read_soon(prices, soon)
                read_soon(y, soon)
                read_soon(x, soon)
            stop = changes[place]
            if following < stop:
                stop = max(int(following), t)
            if held_y == 0.0 and held_x == 0.0:
                if balance > 0.0 or (balance == 0.0 and books[ENDED] >= 0.0):
                    curve[SEEN] += stop - t
                    curve[TOTAL] += balance * (stop - t)
                    t = stop
            else:
                t = _mark(t, stop, y, x, balance, held_y, held_x, maintenance, curve)
            if t >= rows:
                break
        wanted = direction[t - start]
        if t >= books[NEXT_DUE]:
            pay_funding(t, market, terms, books, record)
        of_equity = leverage[t - start] if leverage.size else 0.0
        settle(t, wanted, hedge_ratio[t - start], of_equity, y[t], x[t], prices, times, terms, books, fills)
        following = books[NEXT]
        if balance != books[CASH] or held_y != books[POSITION] or held_x != books[POSITION + 1]:
            balance, held_y, held_x = books[CASH], books[POSITION], books[POSITION + 1]
            if moves.size:
                move = int(books[MOVES])
                moves[move, MOVE_ROW], moves[move, MOVE_CASH] = t, balance
                moves[move, MOVE_POSITION], moves[move, MOVE_POSITION + 1] = held_y, held_x
                books[MOVES] = move + 1
        _keep(max(balance + (held_y * y[t] + held_x * x[t]), 0.0), curve)
        eventful = books[ENDED] < 0.0 and (wanted != books[DIRECTION] or (terms.rebalance and wanted != 0.0))
        t += 1


@inlined
def _mark(
    start: int, stop: int, y: Floats, x: Floats, balance: float, held_y: float, held_x: float, maintenance: float,
    curve: Floats,
) -> int:  # fmt: skip
    """Keep the equity of rows at which nothing happens, up to the first whose margin does not do; returns that one."""
    while start < stop:
        if int(curve[HAS]) == CURVE - KEPT:
            fold(curve)
        place = KEPT + int(curve[HAS])
        count = min(stop - start, CURVE - place)
        low = False
        of_y, of_x, equity = y[start : start + count], x[start : start + count], curve[place : place + count]
        for row in range(count):
            own, hedge = held_y * of_y[row], held_x * of_x[row]
            worth = balance + (own + hedge)
            low |= worth <= maintenance * (abs(own) + abs(hedge))
            equity[row] = worth if worth > 0.0 else 0.0
        if low:
            for row in range(count):
                own, hedge = held_y * of_y[row], held_x * of_x[row]
                if balance + (own + hedge) <= maintenance * (abs(own) + abs(hedge)):
                    curve[HAS] += row
                    return start + row
        curve[HAS] += count
        start += count
    return start


@inlined
def _keep(equity: float, curve: Floats) -> None:
    if int(curve[HAS]) == CURVE - KEPT:
        fold(curve)
    curve[KEPT + int(curve[HAS])] = equity
    curve[HAS] += 1.0


@summation
def _powers(before: float, equity: Floats) -> tuple[float, float, float, float, float]:
    """Sums of the powers of returns, and of equity."""
    change = equity[0] / before - 1.0
    s1, s2, total = change, change * change, equity[0]
    s3, s4 = s2 * change, s2 * s2
    earlier, later = equity[:-1], equity[1:]
    for row in range(later.size):
        change = later[row] / earlier[row] - 1.0
        square = change * change
        s1 += change
        s2 += square
        s3 += square * change
        s4 += square * square
        total += later[row]
    return s1, s2, s3, s4, total


@kernel
def fold(curve: Floats) -> None:
    """Add the equity that is kept to the sums, and keep none of it."""
    count = int(curve[HAS])
    if not count:
        return
    equity = curve[KEPT : KEPT + count]
    if curve[BEFORE] < 0.0:  # nothing is known of what was before the first row
        curve[BEFORE] = curve[PEAK] = equity[0]
    s1, s2, s3, s4, total = _powers(curve[BEFORE], equity)
    curve[S1] += s1
    curve[S2] += s2
    curve[S3] += s3
    curve[S4] += s4
    curve[TOTAL] += total
    peak, deepest = curve[PEAK], curve[DEEPEST]
    lowest = peak * (1.0 - deepest)  # under it, a drawdown is the deepest so far
    for row in range(count):
        worth = equity[row]
        if worth > peak:
            peak = worth
            lowest = peak * (1.0 - deepest)
        elif worth < lowest:
            lowest = worth
            deepest = 1.0 - worth / peak
    curve[PEAK], curve[DEEPEST], curve[BEFORE] = peak, deepest, equity[count - 1]
    curve[SEEN] += count
    curve[HAS] = 0.0


@kernel
def begin(market: KernelMarket, terms: Terms, books: Floats, curve: Floats) -> None:
    """Books and curve before the first row, into (PLACES,) and (CURVE,)."""
    open_books(market, terms, books)
    curve[:KEPT] = 0.0
    curve[BEFORE] = -1.0


@kernel
def statistics(books: Floats, curve: Floats, out: Floats) -> None:
    """Write the ``STATISTICS`` of the rows so far; the curve is folded by it.

    Returns are simple, from row to row, beginning with that of the second row. The moments of an account that came to
    its end are NaN; ``END_ROW`` is the row at which it did, −1 for none.
    """
    fold(curve)
    rows = curve[SEEN]
    out[FINAL], out[DRAWDOWN], out[MEAN_EQUITY] = curve[BEFORE], -curve[DEEPEST], curve[TOTAL] / rows
    out[NOTIONAL_TRADED], out[N_TRADES] = books[TRADED], books[TRADES]
    out[END_ROW], out[N_REFUSED] = books[ENDED], books[REFUSALS]
    _moments(rows - 1.0, curve[S1], curve[S2], curve[S3], curve[S4] if books[ENDED] < 0.0 else np.nan, out)


@kernel
def run_all(
    directions: Floats,
    hedge_ratio: Floats,
    leverage: Floats,
    market: KernelMarket,
    terms: Terms,
    record: Record,
    books: Floats,
    curve: Floats,
    out: Floats,
) -> None:
    """Books over all rows for each line of directions, (E, T): their ``statistics`` in a line of ``out``."""
    for line in range(directions.shape[0]):
        begin(market, terms, books, curve)
        run_books(0, directions[line], hedge_ratio, leverage, market, terms, record, books, curve)
        statistics(books, curve, out[line])


@kernel
def _moments(n: float, s1: float, s2: float, s3: float, s4: float, out: Floats) -> None:
    """Mean, sample deviation, skew and plain kurtosis (3 for a normal) from n and sums of powers; NaN where undefined.

    The powers are of returns, whose mean is small beside their deviation: little cancels.
    """
    out[ROWS] = n
    out[MEAN] = out[STD] = out[SKEW] = out[KURTOSIS] = np.nan
    if n < 2.0 or not np.isfinite(s4):
        return
    mean = s1 / n
    m2 = s2 / n - mean * mean
    m3 = s3 / n - 3.0 * mean * s2 / n + 2.0 * mean**3
    m4 = s4 / n - 4.0 * mean * s3 / n + 6.0 * mean * mean * s2 / n - 3.0 * mean**4
    out[MEAN], out[STD] = mean, 0.0
    if m2 > ROUNDING * s2 / n:
        out[STD] = np.sqrt(m2 * n / (n - 1.0))
        out[SKEW], out[KURTOSIS] = m3 / m2**1.5, m4 / (m2 * m2)


def all_statistics(
    directions: Floats, hedge_ratio: Floats, leverage: Floats, market: KernelMarket, terms: Terms
) -> Floats:
    """``STATISTICS`` of a run with each line of directions, (E, T); no fills are kept."""
    nothing = Record(np.empty((0, COLUMNS)), np.empty(0), np.empty((0, MOVE_COLUMNS)))
    out = np.empty((len(directions), STATISTICS))
    inputs = (directions, hedge_ratio, leverage, market, terms, nothing)
    run_all(*inputs, np.empty(PLACES), np.empty(CURVE), out)
    return out
