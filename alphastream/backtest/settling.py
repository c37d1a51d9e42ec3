"""What happens to the books of a pair at one row: fills, funding, the margin and the decision.

One file although it is long: the functions inline what they call, and are read beside it.
"""

from typing import Final

import numpy as np

from alphastream.backtest.kernel import (
    CASH,
    CASH_LEFT,
    COUNTED,
    DECIDED,
    DIRECTION,
    DUE,
    DUE_LEG,
    DUE_ROW,
    END,
    ENDED,
    FEE,
    FILL_PRICE,
    FILL_ROUND_TRIP,
    FILL_ROW,
    FILL_TIME,
    FUNDED,
    GROSS,
    IMPACT,
    LEG,
    LEG_ROUND_TRIP,
    LEVERAGE,
    LINES,
    MARK,
    NEVER,
    NEXT,
    NEXT_DUE,
    NOTIONAL,
    POSITION,
    POSITION_LEFT,
    PRICE,
    QUANTITY,
    RATE,
    REFUSALS,
    REFUSED,
    ROUND_TRIP,
    ROW,
    SPREAD,
    TARGET,
    TRADED,
    TRADES,
    VOLUME,
    KernelMarket,
    Record,
    Terms,
)
from alphastream.core.compilation import inlined, kernel
from alphastream.core.types import Floats, Ints

BP: Final = 1e-4


@inlined
def _rounded(quantity: float, lot: float) -> float:
    if lot == 0.0:
        return quantity
    lots = quantity / lot
    whole = np.rint(lots)
    return float((whole if abs(lots - whole) < 1e-9 * max(1.0, abs(lots)) else np.trunc(lots)) * lot)


@inlined
def _worsened(price: float, tick: float, buying: bool) -> float:
    if tick == 0.0:
        return price
    ticks = price / tick
    whole = np.rint(ticks)
    if abs(ticks - whole) < 1e-9 * max(1.0, abs(ticks)):
        return float(whole * tick)
    return float((np.ceil(ticks) if buying else np.floor(ticks)) * tick)


@inlined
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


@inlined
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
def pay_funding(t: int, market: KernelMarket, terms: Terms, books: Floats, record: Record) -> None:
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


@inlined
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


@inlined
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


@inlined
def _first_fill(times: Ints, books: Floats) -> float:
    """First row in which an open order meets its trade, or funding falls due."""
    following = books[NEXT_DUE]
    for leg in range(2):
        decided = int(books[DECIDED + leg])
        if decided >= 0:
            following = min(following, times[decided, FILL_ROW + leg])
    return float(following)


@inlined
def _bound_loss(books: Floats, fills: Floats) -> None:
    """``Account.bound_loss``."""
    if books[CASH] < 0.0 and books[POSITION] == 0.0 and books[POSITION + 1] == 0.0:
        last = int(books[LINES]) - 1
        if last < fills.shape[0]:
            fills[last, FEE] += books[CASH]
        books[CASH] = 0.0


@inlined
def settle(
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
def open_books(market: KernelMarket, terms: Terms, books: Floats) -> None:
    """Books before the first row, into (PLACES,)."""
    books[:] = 0.0
    books[CASH] = terms.capital
    books[DECIDED] = books[DECIDED + 1] = books[ENDED] = -1.0
    books[NEXT] = books[NEXT_DUE] = market.due[0, DUE_ROW] if market.rates.size else len(market.times)
