"""What the compiled books are made of: how a market, the terms of trade and the books themselves lie in memory.

The rules are those of ``alphastream.trading`` (``SimulatedBroker``, ``Account``): a decision at the end of row t meets
the trade that ``KernelMarket`` names for that row, each leg its own; a new target replaces what is still open. What
happens at a row is in ``settling``, the walk over rows in ``walking``.
"""

from typing import Final, NamedTuple

import numpy as np

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats, Ints

NEVER: Final = np.iinfo(np.int64).max
UNITS, NOTIONAL, GROSS, LEVERAGE = 0, 1, 2, 3

# Places in the books, floats all of them. Two for two legs, y first. DECIDED is the row of a leg's open order, −1 for
# none; NEXT the first row at which something happens though the direction stays, NEXT_DUE the same of funding alone.
# ENDED is the row at whose prices the account came to its end, −1 while it trades; then what it had there. REFUSALS
# counts decisions beyond the leverage limit; then equity, gross notional and what was asked for at the first of them.
CASH, DIRECTION, POSITION, TARGET, DECIDED, LEG_ROUND_TRIP, ROUND_TRIP = 0, 1, 2, 4, 6, 8, 10
COUNTED, NEXT, NEXT_DUE, FUNDED, LINES, TRADES, TRADED = 11, 12, 13, 14, 15, 16, 17
ENDED, CASH_LEFT, POSITION_LEFT, REFUSALS, REFUSED = 18, 19, 20, 22, 23
MOVES, PLACES = 26, 27

# Columns of a market's tables.
FILL_PRICE, VOLUME, PRICE_COLUMNS = 0, 2, 4
END, FILL_ROW, FILL_TIME, TIME_COLUMNS = 0, 1, 3, 5
DUE, DUE_ROW, DUE_LEG = 0, 1, 2
RATE, MARK, RATE_COLUMNS = 0, 1, 2

# Columns of the table of fills; ROW is that of the decision.
ROW, LEG, FILL_ROUND_TRIP, QUANTITY, PRICE, FEE, SPREAD, IMPACT, COLUMNS = 0, 1, 2, 3, 4, 5, 6, 7, 8

# Columns of the table of moves: cash and positions from the end of a row on; two of MOVE_POSITION.
MOVE_ROW, MOVE_CASH, MOVE_POSITION, MOVE_COLUMNS = 0, 1, 2, 4

# What equity came to.
FINAL, ROWS, MEAN, STD, SKEW, KURTOSIS, DRAWDOWN, NOTIONAL_TRADED, MEAN_EQUITY = 0, 1, 2, 3, 4, 5, 6, 7, 8
N_TRADES, END_ROW, N_REFUSED, STATISTICS = 9, 10, 11, 12


class KernelMarket(NamedTuple):
    """What happened, whatever is decided; arrays contiguous and writable, so that one machine code serves all.

    Few arrays with many columns: numba counts the references to every array that it hands to a compiled function, and
    where something happens on many rows that is what takes most of the time.

    Parameters
    ----------
    marks : (2, T), last trade of leg y and of leg x at each row's end.
    prices : (T, PRICE_COLUMNS), two ``FILL_PRICE`` and two ``VOLUME``: the first trade that an order decided on the row
        meets (NaN: none comes), and what traded in the row.
    times : (T, TIME_COLUMNS), ``END`` of the row; two ``FILL_ROW`` and two ``FILL_TIME``: the first row that ends at or
        after that first trade (T: none comes), and its time (``NEVER``).
    due : (F, 3), ``DUE``, ``DUE_ROW`` and ``DUE_LEG`` of funding payments in order of time; the row is the
        first that ends at or after it.
    rates : (F, RATE_COLUMNS), ``RATE`` that a long position pays, of the notional at ``MARK``; NaN: at the row's.
    """

    marks: Floats
    prices: Floats
    times: Ints
    due: Ints
    rates: Floats


class Terms(NamedTuple):
    """How it is traded; pairs of numbers are those of leg y and leg x.

    Parameters
    ----------
    capital : cash before the first row.
    sizing, size : ``UNITS`` of y, ``NOTIONAL`` of y, ``GROSS`` notional of both legs; or, by ``LEVERAGE``, a notional
        of y that is the equity times the leverage of the row.
    of_logs : the hedge ratio is one of log prices: units are its product with y/x.
    rebalance : follow the ratio on every row of a position.
    at_close : fills happen at the end of a row and before what is decided there, not after.
    lot, tick, min_notional : of each leg, 0 for none; see ``alphastream.trading.broker.costs.Contract``.
    fee_bps, half_spread_bps, impact_bps, impact_exponent : see ``alphastream.trading.broker.costs.BrokerRules``.
    max_leverage, maintenance, liquidation_fee_bps : see ``alphastream.trading.broker.margin.Margin``.
    """

    capital: float
    sizing: int
    size: float
    of_logs: bool
    rebalance: bool
    at_close: bool
    lot: tuple[float, float]
    tick: tuple[float, float]
    min_notional: tuple[float, float]
    fee_bps: float
    half_spread_bps: float
    impact_bps: float
    impact_exponent: float
    max_leverage: float
    maintenance: float
    liquidation_fee_bps: float


class Record(NamedTuple):
    """Where it is written what happens; a table without rows is left alone.

    Parameters
    ----------
    fills : (K, COLUMNS), room for four lines a decision and one more.
    payments : (F,).
    moves : (M, MOVE_COLUMNS), as many as there are rows at which cash or positions change.
    """

    fills: Floats
    payments: Floats
    moves: Floats


@kernel
def next_trades(leg: int, from_ns: Ints, tape_ns: Ints, tape_price: Floats, prices: Floats, times: Ints) -> None:
    """For each row write the first trade of a tape at or after ``from_ns``, and the row that it belongs to.

    Both ends of rows and times of trades rise; both are walked along, not searched.
    """
    rows, trades = from_ns.size, tape_ns.size
    at = into = 0
    for t in range(rows):
        while at < trades and tape_ns[at] < from_ns[t]:
            at += 1
        while at > 0 and tape_ns[at - 1] >= from_ns[t]:  # where a later order is quicker
            at -= 1
        if at == trades:
            prices[t, FILL_PRICE + leg], times[t, FILL_ROW + leg], times[t, FILL_TIME + leg] = np.nan, rows, NEVER
            continue
        when = tape_ns[at]
        while into < rows and times[into, END] < when:
            into += 1
        while into > 0 and times[into - 1, END] >= when:
            into -= 1
        prices[t, FILL_PRICE + leg], times[t, FILL_ROW + leg], times[t, FILL_TIME + leg] = tape_price[at], into, when
