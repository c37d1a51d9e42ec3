"""The books of one pair in compiled code: directions in, cash and equity out.

The rules are those of ``alphastream.trading`` (``SimulatedBroker``, ``Account``): a decision at the end of row t meets
the trade that ``KernelMarket`` names for that row, each leg its own; a new target replaces what is still open. Two
loops share ``_settle``, which does everything that happens at a row beside marking: ``run_ledger`` writes every row
down, ``run_statistics`` keeps only what a sweep compares. One file although it is long: the loops inline what they
call, and are read beside it.
"""

from typing import Final, NamedTuple

import numpy as np

from alphastream.core.compilation import kernel
from alphastream.core.types import Floats, Ints

NEVER: Final = np.iinfo(np.int64).max
UNITS, NOTIONAL, GROSS, LEVERAGE = 0, 1, 2, 3
BP: Final = 1e-4

# Places in the books, floats all of them. Two for two legs, y first. DECIDED is the row of a leg's open order, −1 for
# none; NEXT the first row at which something happens though the direction stays, NEXT_DUE the same of funding alone.
# ENDED is the row at whose prices the account came to its end, −1 while it trades; then what it had there. REFUSALS
# counts decisions beyond the leverage limit; then equity, gross notional and what was asked for at the first of them.
CASH, DIRECTION, POSITION, TARGET, DECIDED, LEG_ROUND_TRIP, ROUND_TRIP = 0, 1, 2, 4, 6, 8, 10
COUNTED, NEXT, NEXT_DUE, FUNDED, LINES, TRADES, TRADED = 11, 12, 13, 14, 15, 16, 17
ENDED, CASH_LEFT, POSITION_LEFT, REFUSALS, REFUSED = 18, 19, 20, 22, 23
PLACES = 26

# Columns of a market's tables.
FILL_PRICE, VOLUME, PRICE_COLUMNS = 0, 2, 4
END, FILL_ROW, FILL_TIME, TIME_COLUMNS = 0, 1, 3, 5
DUE, DUE_ROW, DUE_LEG = 0, 1, 2
RATE, MARK, RATE_COLUMNS = 0, 1, 2

# Columns of the table of fills; ROW is that of the decision.
ROW, LEG, FILL_ROUND_TRIP, QUANTITY, PRICE, FEE, SPREAD, IMPACT, COLUMNS = 0, 1, 2, 3, 4, 5, 6, 7, 8

# What run_statistics writes.
FINAL, ROWS, MEAN, STD, SKEW, KURTOSIS, DRAWDOWN, NOTIONAL_TRADED, MEAN_EQUITY = 0, 1, 2, 3, 4, 5, 6, 7, 8
N_TRADES, END_ROW, N_REFUSED, STATISTICS = 9, 10, 11, 12
ROUNDING: Final = 1e-12  # a variance below this part of the mean square is what rounding leaves


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


class FillRecord(NamedTuple):
    """Where fills and payments are written; a table without rows is left alone."""

    fills: Floats  # (K, COLUMNS)
    payments: Floats  # (F,)


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


@kernel
def _rounded(quantity: float, lot: float) -> float:
    if lot == 0.0:
        return quantity
    lots = quantity / lot
    whole = np.rint(lots)
    return float((whole if abs(lots - whole) < 1e-9 * max(1.0, abs(lots)) else np.trunc(lots)) * lot)


@kernel
def _worsened(price: float, tick: float, buying: bool) -> float:
    if tick == 0.0:
        return price
    ticks = price / tick
    whole = np.rint(ticks)
    if abs(ticks - whole) < 1e-9 * max(1.0, abs(ticks)):
        return float(whole * tick)
    return float((np.ceil(ticks) if buying else np.floor(ticks)) * tick)


@kernel
def _fill(leg: int, decided: int, trade: float, volume: float, terms: Terms, books: Floats, fills: Floats) -> None:
    """Let the open order of a leg meet its trade. A fill that crosses zero is two lines: one closes, one opens."""
    held, target = books[POSITION + leg], books[TARGET + leg]
    quantity = target - held
    units, side = abs(quantity), 1.0 if quantity > 0.0 else -1.0
    impact_bps = terms.impact_bps
    if impact_bps != 0.0 and volume > 0.0:
        impact_bps *= (units / volume) ** terms.impact_exponent
    price = trade * (1.0 + side * ((terms.half_spread_bps + impact_bps) * BP))
    price = _worsened(price, terms.tick[leg], quantity > 0.0)
    extra_bps = terms.liquidation_fee_bps if books[ENDED] >= 0.0 else 0.0
    fee = units * price * (terms.fee_bps + extra_bps) * BP
    books[CASH] -= quantity * price + fee
    books[POSITION + leg] = target
    books[DECIDED + leg] = -1.0
    books[TRADED] += units * price
    before, crosses = books[LEG_ROUND_TRIP + leg], held * target < 0.0
    if crosses or held == 0.0:
        books[LEG_ROUND_TRIP + leg] = books[ROUND_TRIP]
        books[TRADES] += 1.0 if books[COUNTED] != books[ROUND_TRIP] else 0.0
        books[COUNTED] = books[ROUND_TRIP]
    place = int(books[LINES])
    books[LINES] += 2.0 if crosses else 1.0
    if place + 1 >= fills.shape[0]:  # a sweep keeps no fills; others have room to spare
        return
    impact = units * trade * impact_bps * BP
    spread = (price - trade) * quantity - impact
    closing = -held / quantity if crosses else 0.0
    for line in range(2 if crosses else 1):
        part, round_trip = 1.0 - closing, books[LEG_ROUND_TRIP + leg]
        if crosses and line == 0:
            part, round_trip = closing, before
        fills[place, ROW], fills[place, LEG], fills[place, FILL_ROUND_TRIP] = decided, leg, round_trip
        fills[place, QUANTITY], fills[place, PRICE], fills[place, FEE] = quantity * part, price, fee * part
        fills[place, SPREAD], fills[place, IMPACT] = spread * part, impact * part
        place += 1


@kernel
def _fill_until(
    t: int, before_ns: int, prices: Floats, times: Ints, terms: Terms, books: Floats, fills: Floats
) -> None:
    """Fill what is open and meets a trade of row t before a moment, in order of time, leg y first."""
    first = second = NEVER
    of_y, of_x = int(books[DECIDED]), int(books[DECIDED + 1])
    if of_y >= 0 and times[of_y, FILL_ROW] == t:
        first = times[of_y, FILL_TIME]
    if of_x >= 0 and times[of_x, FILL_ROW + 1] == t:
        second = times[of_x, FILL_TIME + 1]
    leg = 1 if second < first else 0
    for _ in range(2):
        if (second if leg else first) < before_ns:
            decided = of_x if leg else of_y
            trade, volume = prices[decided, FILL_PRICE + leg], prices[decided, VOLUME + leg]
            _fill(leg, decided, trade, volume, terms, books, fills)
        leg = 1 - leg


@kernel
def _pay_funding(t: int, market: KernelMarket, terms: Terms, books: Floats, record: FillRecord) -> None:
    """Pay what fell due in row t, on what was held then, at the last mark known then."""
    marks, prices, times, due, rates = market
    place = int(books[FUNDED])
    while place < len(rates) and due[place, DUE_ROW] <= t:
        due_ns, leg = due[place, DUE], due[place, DUE_LEG]
        _fill_until(t, due_ns, prices, times, terms, books, record.fills)
        held = books[POSITION + leg]
        if held != 0.0:
            mark = rates[place, MARK]
            if np.isnan(mark):
                mark = marks[leg, t if due_ns >= times[t, END] else t - 1]
            amount = -held * mark * rates[place, RATE]
            books[CASH] += amount
            if place < record.payments.size:
                record.payments[place] = amount
        place += 1
    books[FUNDED] = place
    books[NEXT_DUE] = due[place, DUE_ROW] if place < len(rates) else len(times)


@kernel
def _beyond_limit(goal_y: float, goal_x: float, y: float, x: float, terms: Terms, books: Floats) -> bool:
    """Whether positions are more than the margin allows, and more than those that are held; takes note of it."""
    held_y, held_x = books[POSITION], books[POSITION + 1]
    asked = abs(goal_y) * y + abs(goal_x) * x
    equity = books[CASH] + (held_y * y + held_x * x)
    gross = abs(held_y) * y + abs(held_x) * x
    if asked <= terms.max_leverage * equity or asked <= gross:
        return False
    if books[REFUSALS] == 0.0:
        books[REFUSED], books[REFUSED + 1], books[REFUSED + 2] = equity, gross, asked
    books[REFUSALS] += 1.0
    return True


@kernel
def _end(t: int, books: Floats) -> None:
    """Order the end of all positions in place of what is open; nothing is decided any more."""
    books[ENDED], books[CASH_LEFT], books[DIRECTION] = t, books[CASH], 0.0
    for leg in range(2):
        held = books[POSITION + leg]
        books[POSITION_LEFT + leg], books[TARGET + leg] = held, 0.0
        books[DECIDED + leg] = t if held != 0.0 else -1.0


@kernel
def _decide(
    t: int, direction: float, ratio: float, leverage: float, y: float, x: float, terms: Terms, books: Floats
) -> None:
    """Replace what is open by orders for the position wanted; nothing is done where that is not known."""
    units = 0.0
    if direction != 0.0:
        ratio *= y / x if terms.of_logs else 1.0
        units = terms.size
        if terms.sizing == NOTIONAL:
            units /= y
        elif terms.sizing == GROSS:
            units /= y + abs(ratio) * x
        elif terms.sizing == LEVERAGE:
            equity = books[CASH] + (books[POSITION] * y + books[POSITION + 1] * x)
            units = max(equity, 0.0) * leverage / y
        if not (np.isfinite(units) and np.isfinite(ratio * units)):
            return
    goal_y = _rounded(direction * units, terms.lot[0])
    goal_x = _rounded(direction * (-ratio * units), terms.lot[1]) if direction != 0.0 else 0.0
    change_y, change_x = goal_y - books[POSITION], goal_x - books[POSITION + 1]
    small_y = goal_y != 0.0 and 0.0 < abs(change_y) * y < terms.min_notional[0]
    small_x = goal_x != 0.0 and 0.0 < abs(change_x) * x < terms.min_notional[1]
    turns = direction != books[DIRECTION]
    if turns:
        books[ROUND_TRIP] += 1.0 if direction != 0.0 else 0.0
        small_y = small_x = small_y or small_x  # a turn is both legs or none
    if not (turns and small_y) and _beyond_limit(goal_y, goal_x, y, x, terms, books):
        goal_y = goal_x = 0.0
        change_y = -books[POSITION] if turns else 0.0  # of a turn only what closes is sent
        change_x = -books[POSITION + 1] if turns else 0.0
        small_y = small_x = False
    books[DIRECTION] = direction
    books[TARGET], books[TARGET + 1] = goal_y, goal_x
    books[DECIDED] = t if change_y != 0.0 and not small_y else -1.0
    books[DECIDED + 1] = t if change_x != 0.0 and not small_x else -1.0


@kernel
def _first_fill(times: Ints, books: Floats) -> float:
    """First row in which an open order meets its trade, or funding falls due."""
    following = books[NEXT_DUE]
    for leg in range(2):
        decided = int(books[DECIDED + leg])
        if decided >= 0:
            following = min(following, times[decided, FILL_ROW + leg])
    return float(following)


@kernel
def _bound_loss(books: Floats, fills: Floats) -> None:
    """``Account.bound_loss``."""
    if books[CASH] < 0.0 and books[POSITION] == 0.0 and books[POSITION + 1] == 0.0:
        last = int(books[LINES]) - 1
        if last < fills.shape[0]:
            fills[last, FEE] += books[CASH]
        books[CASH] = 0.0


@kernel
def _settle(
    t: int, direction: float, ratio: float, leverage: float, y: float, x: float, prices: Floats, times: Ints,
    terms: Terms, books: Floats, fills: Floats,
) -> None:  # fmt: skip
    """Fills up to the end of row t, the margin and the decision there, then fills at that very moment."""
    if books[NEXT] <= t:
        before_ns = times[t, END] + 1 if terms.at_close else times[t, END]
        _fill_until(t, before_ns, prices, times, terms, books, fills)
    _bound_loss(books, fills)
    running = books[ENDED] < 0.0
    if running:
        of_y, of_x = books[POSITION] * y, books[POSITION + 1] * x
        if books[CASH] + (of_y + of_x) <= terms.maintenance * (abs(of_y) + abs(of_x)):
            _end(t, books)
        elif (direction != books[DIRECTION] or (terms.rebalance and direction != 0.0)) and np.isfinite(direction):
            _decide(t, direction, ratio, leverage, y, x, terms, books)
    following = _first_fill(times, books)
    if following <= t:
        _fill_until(t, NEVER, prices, times, terms, books, fills)
        following = _first_fill(times, books)
        if running and books[ENDED] >= 0.0:
            _bound_loss(books, fills)
    books[NEXT] = following


@kernel
def _open_books(market: KernelMarket, terms: Terms) -> Floats:
    books = np.zeros(PLACES)
    books[CASH] = terms.capital
    books[DECIDED] = books[DECIDED + 1] = books[ENDED] = -1.0
    books[NEXT] = books[NEXT_DUE] = market.due[0, DUE_ROW] if market.rates.size else len(market.times)
    return books


@kernel
def run_ledger(
    direction: Floats,
    hedge_ratio: Floats,
    leverage: Floats,
    market: KernelMarket,
    terms: Terms,
    record: FillRecord,
    positions: Floats,
    cash: Floats,
    equity: Floats,
) -> tuple[int, int, Floats]:
    """Write positions (T, 2), cash (T,) and equity (T,) at the end of each row, fills and payments.

    Parameters
    ----------
    direction, hedge_ratio : (T,).
    leverage : (T,) for the sizing by ``LEVERAGE``, otherwise (0,).

    Returns
    -------
    Lines of the table of fills, round trips of which a leg was filled, and the books as they are at last.
    """
    prices, times, fills, rebalance = market.prices, market.times, record.fills, terms.rebalance
    y, x = market.marks
    books = _open_books(market, terms)
    current, following = 0.0, books[NEXT]
    balance, held_y, held_x, maintenance = terms.capital, 0.0, 0.0, terms.maintenance
    for t in range(direction.size):
        wanted = direction[t]
        of_y, of_x = held_y * y[t], held_x * x[t]
        worth = balance + (of_y + of_x)
        short = worth <= maintenance * (abs(of_y) + abs(of_x))  # the margin does not do
        if short or wanted != current or t >= following or (rebalance and wanted != 0.0):
            if t >= books[NEXT_DUE]:
                _pay_funding(t, market, terms, books, record)
            of_equity = leverage[t] if leverage.size else 0.0
            _settle(t, wanted, hedge_ratio[t], of_equity, y[t], x[t], prices, times, terms, books, fills)
            current, following = books[DIRECTION], books[NEXT]
            balance, held_y, held_x = books[CASH], books[POSITION], books[POSITION + 1]
            worth = balance + (held_y * y[t] + held_x * x[t])
        positions[t, 0], positions[t, 1] = held_y, held_x
        cash[t] = balance
        equity[t] = max(worth, 0.0)
    return int(books[LINES]), int(books[TRADES]), books


@kernel
def run_statistics(
    direction: Floats,
    hedge_ratio: Floats,
    leverage: Floats,
    market: KernelMarket,
    terms: Terms,
    record: FillRecord,
    out: Floats,
) -> None:
    """Write the ``STATISTICS`` of the equity that ``run_ledger`` would write; no series is kept.

    Returns are simple, from row to row. The moments of an account that came to its end are NaN; ``END_ROW`` is the row
    at which it did, −1 for none.
    """
    prices, times, fills, rebalance = market.prices, market.times, record.fills, terms.rebalance
    y, x = market.marks
    books = _open_books(market, terms)
    current, following = 0.0, books[NEXT]
    balance, held_y, held_x, maintenance = terms.capital, 0.0, 0.0, terms.maintenance
    before = equity = peak = lowest = balance  # under the lowest, a drawdown is the deepest so far
    deepest = s1 = s2 = s3 = s4 = total = 0.0
    rows, t = direction.size, -1
    while t + 1 < rows:
        t += 1
        idle = held_y == 0.0 and held_x == 0.0 and current == 0.0
        if idle and (balance > 0.0 or (balance == 0.0 and books[ENDED] >= 0.0)):  # until something happens
            start = t
            while t < rows and t < following and direction[t] == 0.0:
                t += 1
            if books[ENDED] >= 0.0:
                t = rows
            total += equity * (t - start)
            if t == rows:
                break
        wanted = direction[t]
        of_y, of_x = held_y * y[t], held_x * x[t]
        worth = balance + (of_y + of_x)
        short = worth <= maintenance * (abs(of_y) + abs(of_x))  # the margin does not do
        if short or wanted != current or t >= following or (rebalance and wanted != 0.0):
            if t >= books[NEXT_DUE]:
                _pay_funding(t, market, terms, books, record)
            of_equity = leverage[t] if leverage.size else 0.0
            _settle(t, wanted, hedge_ratio[t], of_equity, y[t], x[t], prices, times, terms, books, fills)
            current, following = books[DIRECTION], books[NEXT]
            balance, held_y, held_x = books[CASH], books[POSITION], books[POSITION + 1]
            worth = balance + (held_y * y[t] + held_x * x[t])
        equity = max(worth, 0.0)
        total += equity
        if t == 0:
            before = peak = lowest = equity
        change = equity / before - 1.0
        square = change * change
        s1 += change
        s2 += square
        s3 += square * change
        s4 += square * square
        before = equity
        if equity > peak:
            peak = equity
            lowest = peak * (1.0 - deepest)
        elif equity < lowest:
            lowest = equity
            deepest = 1.0 - equity / peak
    out[FINAL], out[DRAWDOWN], out[MEAN_EQUITY] = equity, -deepest, total / rows
    out[NOTIONAL_TRADED], out[N_TRADES] = books[TRADED], books[TRADES]
    out[END_ROW], out[N_REFUSED] = books[ENDED], books[REFUSALS]
    _moments(rows - 1.0, s1, s2, s3, s4 if books[ENDED] < 0.0 else np.nan, out)


@kernel
def run_all(
    directions: Floats,
    hedge_ratio: Floats,
    leverage: Floats,
    market: KernelMarket,
    terms: Terms,
    record: FillRecord,
    out: Floats,
) -> None:
    """``run_statistics`` of each line of directions, (E, T), into a line of ``out``, (E, STATISTICS)."""
    for line in range(directions.shape[0]):
        run_statistics(directions[line], hedge_ratio, leverage, market, terms, record, out[line])


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
