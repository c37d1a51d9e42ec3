"""Single orders of an account: limits, stops and brackets that work beside each other until each is over.

Of the orders of a leg the oldest comes first. A take-profit and a stop that one entry armed are one bracket: what one
of them trades the other does not, and when the stop is reached the take-profit is cancelled.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias, TypeVar, cast

from alphastream.errors import ParameterError
from alphastream.trading.broker.depth import Levels, take_depth
from alphastream.trading.broker.filling import EXACT, Filling
from alphastream.trading.broker.meeting import Met, may_trade, meet
from alphastream.trading.broker.orders import LegOrder, OrderKind, OrderRequest, SpreadOrder

Waiting: TypeAlias = tuple[SpreadOrder, LegOrder]

NEVER_NS: Final = 2**63 - 1
OVER: Final = "its time was over"
CLOSED: Final = "there was no position left to reduce"
OTHER_SIDE: Final = "the other side of its bracket came first"
AT_ONCE: Final = "not to be had at once"


class SingleOrders:
    """Those of one account.

    Parameters
    ----------
    filling : books.
    waiting : by leg, the spread order that waits there: its aim moves with what single orders trade.
    look : told the leg whose wants have changed.

    Attributes
    ----------
    of : by leg, what is open, oldest first.
    open : how many are.
    in_bars : prices are known as bars: orders with a price of their own meet these (``bar_meeting``), not the trades
        that market orders meet.
    marks : last price of each symbol that limits of leverage are measured at; empty before the first row.
    volumes : units traded in the bar of the newest row, as far as somebody needed them.
    """

    def __init__(self, filling: Filling, waiting: Sequence[Waiting | None], look: Callable[[int], None]) -> None:
        rules = filling.rules
        self.of: list[list[SpreadOrder]] = [[] for _ in filling.account.symbols]
        self.open = 0
        self.in_bars = rules.fill in ("next_open", "next_close", "same_close")
        self.marks: list[float] = []
        self.volumes: list[float] = []
        self._filling, self._waiting, self._look = filling, waiting, look
        self._account, self._rules, self._contracts = filling.account, rules, filling.contracts
        self._brackets: dict[int, list[SpreadOrder]] = {}  # by entry, its sides that are open
        self._expires_ns = NEVER_NS

    # ---- what is wanted --------------------------------------------------------------------------------------

    def since(self, order: SpreadOrder, part: LegOrder) -> int:
        """From when on an order wants to know prices: one with a price of its own before it can trade."""
        if part.touch is not None and self._rules.fill == "next_trade" and not self.in_bars:
            return order.decided_ns
        return part.eligible_ns

    def wanted(self, leg: int) -> tuple[int | None, int | None]:
        """From when on trades of a leg are wanted, and its bars; None where not."""
        trades: list[int] = []
        bars: list[int] = []
        for order in self.of[leg]:
            part = order.legs[0]
            (bars if self.meets_bars(part) else trades).append(self.since(order, part))
        return min(trades, default=None), min(bars, default=None)

    def meets_bars(self, part: LegOrder) -> bool:
        """Whether an order meets bars and no trades."""
        return self.in_bars and part.kind != "market"

    def leg_of(self, symbol: str | int) -> int:
        """Place of a symbol. Raises ParameterError for one that the account has not."""
        symbols = self._account.symbols
        if isinstance(symbol, int) and 0 <= symbol < len(symbols):
            return symbol
        if symbol in symbols:
            return symbols.index(str(symbol))
        raise ParameterError(f"{symbol!r} is no symbol of this account: it trades {', '.join(symbols)}")

    # ---- from sending to the end -----------------------------------------------------------------------------

    def send(self, request: OrderRequest, now_ns: int, marks: Sequence[float], volumes: Sequence[float]) -> SpreadOrder:
        """Send an order; see ``SimulatedBroker.send``."""
        leg = self.leg_of(request.symbol)
        quantity = self._contracts[leg].rounded(float(request.quantity))
        mark = marks[leg] if request.kind != "market" and math.isfinite(marks[leg]) else None
        part = self._part(leg, quantity, _plain(request.kind), now_ns, volumes[leg])
        part.limit, part.stop = _number(request.limit), _number(request.stop)
        part.reduce_only, part.touch = bool(request.reduce_only), mark
        order = self._new((part,), now_ns, request.reason)
        order.good_till_ns = None if request.good_till_ns is None else int(request.good_till_ns)
        order.time_in_force = _plain(request.time_in_force)
        order.take_profit, order.stop_loss = _number(request.take_profit), _number(request.stop_loss)
        refusal = self._refusal(part, request, now_ns, marks)
        if refusal is not None:
            part.state = order.state = "rejected"
            order.reason = refusal
            self._filling.note(order)
            return order
        self.marks = list(marks)
        self._begin(order)
        self._filling.note(order)
        if self._rules.fill == "same_close" and part.kind == "market" and volumes[leg] > 0.0:
            self.on_trade(leg, now_ns, marks[leg], self._filling.left_of(leg, now_ns, volumes[leg]), only=order)
            part.eligible_ns = now_ns + 1  # what is left waits for later closes
        self._look(leg)
        return order

    def _part(self, leg: int, quantity: float, kind: OrderKind, now_ns: int, volume: float) -> LegOrder:
        symbol = self._account.symbols[leg]
        in_bars = self.in_bars and kind != "market" and self._rules.fill != "next_trade"
        eligible_ns = now_ns if in_bars else self._rules.eligible_ns(symbol, now_ns)
        part = LegOrder(leg, symbol, quantity, None, eligible_ns, volume)
        part.kind = kind
        return part

    def _new(self, legs: tuple[LegOrder], now_ns: int, reason: str) -> SpreadOrder:
        filling = self._filling
        filling.sent += 1
        order = SpreadOrder(filling.sent, legs, None, now_ns, None, reason, None, "keep", is_single=True)
        filling.orders.append(order)
        return order

    def _refusal(self, part: LegOrder, request: OrderRequest, now_ns: int, marks: Sequence[float]) -> str | None:
        held, mark = self._account.positions[part.leg], marks[part.leg]
        least = self._contracts[part.leg].min_notional
        if not part.quantity:
            return f"{part.symbol}: {request.quantity:g} units are less than one lot"
        if request.good_till_ns is not None and request.good_till_ns <= now_ns:
            return "its time was over before it was sent"
        if part.reduce_only:
            return None
        if least and held + part.quantity and abs(part.quantity) * mark < least:
            return f"{part.symbol}: {abs(part.quantity) * mark:,.2f} is under the least order of {least:,.2f}"
        return self._beyond(part.leg, part.quantity, marks)

    def _beyond(self, leg: int, units: float, marks: Sequence[float]) -> str | None:
        """Why units more of a leg are beyond the limit of leverage."""
        goals = list(self._account.positions)
        goals[leg] += units
        return self._filling.why_beyond(goals, marks)

    def _begin(self, order: SpreadOrder) -> None:
        self.of[order.legs[0].leg].append(order)
        self.open += 1
        if order.good_till_ns is not None:
            self._expires_ns = min(self._expires_ns, order.good_till_ns)
        if order.bracket is not None:
            self._brackets.setdefault(order.bracket, []).append(order)

    def keep(self, order: SpreadOrder) -> None:
        """Go on with an order of an earlier life."""
        self._begin(order)
        self._look(order.legs[0].leg)

    def cancel(self, order: SpreadOrder, why: str = "") -> None:
        """Cancel what is not filled of an order that is open, and say why in its reason."""
        part = order.legs[0]
        if part.state != "open":
            return
        part.state = order.state = "cancelled"
        if why:
            order.reason = f"{order.reason}; {why}".lstrip("; ")
        self._end(order)

    def cancel_all(self, why: str) -> None:
        """Cancel everything."""
        for of_leg in self.of:
            for order in tuple(of_leg):
                self.cancel(order, why)

    def _end(self, order: SpreadOrder) -> None:
        leg = order.legs[0].leg
        self.of[leg].remove(order)
        self.open -= 1
        if order.bracket is not None:
            sides = self._brackets[order.bracket]
            sides.remove(order)
            if not sides:
                del self._brackets[order.bracket]
        self._look(leg)
        self._filling.note(order)

    def on_row(self, now_ns: int, marks: Sequence[float]) -> None:
        """Keep the prices of a row, and cancel what is over by its end."""
        self.marks = list(marks)
        if now_ns < self._expires_ns:
            return
        self._expires_ns = NEVER_NS
        for of_leg in self.of:
            for order in tuple(of_leg):
                if order.good_till_ns is None:
                    continue
                if order.good_till_ns <= now_ns:
                    self.cancel(order, OVER)
                else:
                    self._expires_ns = min(self._expires_ns, order.good_till_ns)

    def after_move(self, leg: int, held: float) -> None:
        """A position is not what it was: orders that could only reduce it end where nothing is left of it."""
        if not held or self._account.positions[leg] * held > 0.0:
            return
        for order in tuple(self.of[leg]):
            part = order.legs[0]
            if part.reduce_only and part.state == "open" and part.quantity * held < 0.0:
                self.cancel(order, CLOSED)

    # ---- trades ----------------------------------------------------------------------------------------------

    def on_trade(
        self, leg: int, time_ns: int, price: float, left: float | None, only: SpreadOrder | None = None
    ) -> None:
        """Let orders of a leg meet a trade.

        Parameters
        ----------
        left : units of it that are to be had; None for any number.
        only : the one order that does; None for all.
        """
        for order in tuple(self.of[leg]) if only is None else (only,):
            part = order.legs[0]
            if part.state != "open" or self.meets_bars(part) or self.is_over(order, time_ns):
                continue
            waited = part.waits_for_stop
            met = meet(part, time_ns, price, self._rules.half_spread_bps)
            if waited and not part.waits_for_stop:
                self.triggered(order)
            if met is not None:
                left = self.attempt(order, met, time_ns, price, left)

    def is_over(self, order: SpreadOrder, time_ns: int) -> bool:
        """Whether the time of an order is over; it is cancelled then."""
        if order.good_till_ns is None or time_ns < order.good_till_ns:
            return False
        self.cancel(order, OVER)
        return True

    def attempt(self, order: SpreadOrder, met: Met, time_ns: int, price: float, left: float | None) -> float | None:
        """Trade what an order can at a price; what is left there for others."""
        part = order.legs[0]
        units = 0.0 if met == "missed" else self._allowed(order, part, time_ns, price)
        if part.state != "open":
            return left
        if left is not None and abs(units) > left:
            units = math.copysign(self._contracts[part.leg].rounded(left), units)
        if order.time_in_force == "fok" and abs(units) < abs(part.rest):
            units = 0.0
        if units:
            held = self._account.positions[part.leg]
            done = self._filling.fill(order, part, time_ns, units, price, met == "maker")
            self._booked(order, part, time_ns, units, held, done)
            left = None if left is None else left - abs(units)
        if order.time_in_force != "gtc":
            self.cancel(order, AT_ONCE)
        return left

    def _allowed(self, order: SpreadOrder, part: LegOrder, time_ns: int, price: float) -> float:
        """Units that the position and the limit of leverage allow; the order is cancelled where there are none."""
        if part.reduce_only:
            closes = -self._account.positions[part.leg]
            if closes * part.rest <= 0.0:
                self.cancel(order, CLOSED)
                return 0.0
            return part.rest if abs(part.rest) <= abs(closes) else closes
        marks = list(self.marks)
        if len(marks) == len(self.of):
            marks[part.leg] = price
            if beyond := self._beyond(part.leg, part.rest, marks):
                self.cancel(order, beyond)
                return 0.0
        return part.rest

    def _booked(self, order: SpreadOrder, part: LegOrder, time_ns: int, units: float, held: float, done: bool) -> None:
        """Units are in the books, where ``held`` was before: what follows for the order and for others of its leg."""
        waiting = self._waiting[part.leg]
        if waiting is not None and waiting[1].target is not None:
            waiting[1].target += units
        if done:
            order.state = "filled"
            self._end(order)
        elif order.state == "open":
            self._look(part.leg)
        if order.bracket is not None:
            self._less(order, units)
        self.after_move(part.leg, held)
        if order.take_profit is not None or order.stop_loss is not None:
            self._arm(order, units, time_ns)

    # ---- brackets --------------------------------------------------------------------------------------------

    def _arm(self, entry: SpreadOrder, units: float, now_ns: int) -> None:
        """Protect units that an entry has just bought or sold: the venue holds both sides, so without a delay."""
        sides = self._brackets.get(entry.id)
        if sides:
            for side in sides:
                side.legs[0].quantity -= units
            return
        of = entry.legs[0]
        for stop, limit, kind, why in (
            (entry.stop_loss, None, "stop", "stop"),
            (None, entry.take_profit, "limit", "take profit"),
        ):
            if stop is None and limit is None:
                continue
            part = LegOrder(of.leg, of.symbol, -units, None, now_ns, of.share_of, limit, stop=stop, reduce_only=True)
            part.kind = kind  # type: ignore[assignment]
            order = self._new((part,), now_ns, f"{why} of order {entry.id}")
            order.bracket = entry.id
            part.touch = None if self.in_bars else self._account.fills[-1].trade_price
            self._begin(order)
            self._filling.note(order)
        self._look(of.leg)

    def sides_of(self, entry: SpreadOrder) -> tuple[SpreadOrder, ...]:
        """Sides of a bracket that an entry armed and that are open."""
        return tuple(self._brackets.get(entry.id, ()))

    def _others(self, order: SpreadOrder) -> list[SpreadOrder]:
        """The other side of a bracket, and what is open of its entry."""
        assert order.bracket is not None
        of_leg = self.of[order.legs[0].leg]
        return [
            each for each in of_leg if each is not order and (each.bracket == order.bracket or each.id == order.bracket)
        ]

    def _less(self, order: SpreadOrder, units: float) -> None:
        """One side of a bracket has traded: the other has as much less to do, and nothing more is opened."""
        for other in self._others(order):
            part = other.legs[0]
            if other.bracket is None or abs(part.rest - units) <= EXACT * abs(part.quantity):
                self.cancel(other, OTHER_SIDE)
            else:
                part.quantity -= units

    def triggered(self, order: SpreadOrder) -> None:
        """Say that a stop was reached: the other side of its bracket is over."""
        if order.bracket is not None:
            for other in self._others(order):
                self.cancel(other, OTHER_SIDE)
        self._filling.note(order)

    # ---- books -----------------------------------------------------------------------------------------------

    def on_book(self, leg: int, time_ns: int, bids: Levels, asks: Levels) -> None:
        """Let orders of a leg take what waits in a book; see ``SimulatedBroker.on_book``.

        A stop is reached by the best price that its order would get. All are takers: who waits in the book is not
        known to have been reached.
        """
        for order in tuple(self.of[leg]):
            part = order.legs[0]
            if part.state != "open" or time_ns < part.eligible_ns or self.is_over(order, time_ns):
                continue
            side = asks if part.quantity > 0.0 else bids
            best, waited = float(side[0][0]) if len(side[0]) else math.nan, part.waits_for_stop
            ready = may_trade(part, time_ns, best)
            if waited and not part.waits_for_stop:
                self.triggered(order)
            if ready:
                self._take_depth(order, time_ns, bids, asks, best)

    def _take_depth(self, order: SpreadOrder, time_ns: int, bids: Levels, asks: Levels, best: float) -> None:
        part = order.legs[0]
        wanted = self._allowed(order, part, time_ns, best)
        if part.state != "open":
            return
        got = take_depth(wanted, bids, asks, self._contracts[part.leg], part.limit)
        units = 0.0 if order.time_in_force == "fok" and abs(got.units) < abs(part.rest) else got.units
        if units:
            held, costs = self._account.positions[part.leg], (got.spread_cost, got.impact_cost)
            done = self._filling.take(order, part, time_ns, units, (got.price, got.mid), costs)
            self._booked(order, part, time_ns, units, held, done)
        if order.time_in_force != "gtc" or (part.limit is None and not part.reduce_only):
            self.cancel(order, AT_ONCE)


Word = TypeVar("Word", bound=str)


def _plain(word: Word) -> Word:
    """A word as text: orders are written down, and numpy has kinds of its own that files do not know."""
    return cast(Word, str(word))


def _number(price: float | None) -> float | None:
    return None if price is None else float(price)
