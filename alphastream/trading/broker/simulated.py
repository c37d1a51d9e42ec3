"""A broker that fills orders at trades which really happened, after they were decided.

It reads no market by itself: its caller hands over trades (``on_trade``) of legs it watches, in order of time.
Orders of all legs of a decision are one unit; each leg meets its own trades, so one may be filled and the other not.
Single orders work beside them: ``single_orders``. It is longer than others because a spread order is sent, replaced,
refused, unwound and filled by rules that lean on each other, and this is the one door that callers know.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeAlias

from alphastream.errors import ParameterError
from alphastream.trading.broker.account import Account
from alphastream.trading.broker.bar_meeting import BarMeeting
from alphastream.trading.broker.costs import BrokerRules
from alphastream.trading.broker.depth import SHORT, Levels, take_depth
from alphastream.trading.broker.filling import Filling
from alphastream.trading.broker.funding import FundingCharges, Schedule
from alphastream.trading.broker.margin import LEVERAGE
from alphastream.trading.broker.meeting import meet
from alphastream.trading.broker.orders import (
    Cancel,
    LegOrder,
    OrderRequest,
    SpreadOrder,
    SpreadRequest,
    SpreadState,
    Target,
    ratio_of,
)
from alphastream.trading.broker.single_orders import SingleOrders

Watch: TypeAlias = Callable[[int, int | None], None]
"""Called with a leg and the time of the first trade it wants to see; with None when it wants no more. Places beyond the
legs are their bars: with N legs N + 1 are those of the second one."""


class SimulatedBroker:
    """Fills the orders of one account.

    Parameters
    ----------
    account : whose books to keep.
    rules : fills, costs, latency.
    schedule : calls a job at a moment; a dispatcher's ``schedule``.
    watch : told which legs wait for trades.

    Attributes
    ----------
    singles : orders that are no spread orders.
    filling : prices and books fills; knows all orders.
    funding : charges the account.
    """

    def __init__(self, account: Account, rules: BrokerRules, schedule: Schedule, watch: Watch) -> None:
        self.account = account
        self.rules = rules
        self.filling = Filling(account, rules)
        self._schedule = schedule
        self._watch = watch
        # A new order replaces what is open: a leg never waits for two.
        self._waiting: list[tuple[SpreadOrder, LegOrder] | None] = [None] * len(account.symbols)
        self._contracts = self.filling.contracts
        self._bars_wanted: set[int] = set()  # legs whose bars were asked for
        self.singles = SingleOrders(self.filling, self._waiting, self._look)
        self._in_bars = BarMeeting(self.singles, rules.half_spread_bps)
        self._singles_of, self._fill = self.singles.of, self.filling.fill
        account.list_open = self._open_orders
        # What rules leave out is not asked for at every order.
        self._takes_all = rules.max_share is None
        self._has_lots = any(contract.lot for contract in self._contracts)
        self._has_least = any(contract.min_notional for contract in self._contracts)
        self._before: dict[int, tuple[int, int]] = {}  # order id -> direction and round trip that it found
        self.funding = FundingCharges(account, rules.funding, schedule)

    @property
    def orders(self) -> list[SpreadOrder]:
        """All so far, oldest first."""
        return self.filling.orders

    @property
    def is_waiting(self) -> bool:
        """Whether a leg of some order is open."""
        return self.singles.open > 0 or any(waiting is not None for waiting in self._waiting)

    def _open_orders(self) -> tuple[SpreadOrder, ...]:
        found = {waiting[0].id: waiting[0] for waiting in self._waiting if waiting is not None}
        found |= {order.id: order for of_leg in self.singles.of for order in of_leg}
        return tuple(found[number] for number in sorted(found))

    # ---- orders ----------------------------------------------------------------------------------------------

    def move(self, target: Target, now_ns: int, marks: Sequence[float], volumes: Sequence[float]) -> SpreadOrder | None:
        """Order what brings positions to a target, in place of the spread order that is still open.

        Single orders stay: what they trade comes on top.

        Parameters
        ----------
        now_ns : end of the bar that was decided on.
        marks, volumes : prices at that end and units traded in the bar, one of each symbol.

        Returns
        -------
        The order, None where nothing is to be traded.

        Raises
        ------
        ParameterError : a quantity is not a number, or there is not one for each symbol.
        """
        wanted = self._checked(target.quantities)
        self._replace()
        goals = self._rounded(wanted)
        changes = [goal - held for goal, held in zip(goals, self.account.positions, strict=True)]
        if self._has_least and target.direction in (None, self.account.direction):
            for leg, _ in self._too_small(changes, goals, marks):
                changes[leg] = 0.0  # an adjustment can wait, and keeps no other leg from its own
        return self._send(target, changes, goals, now_ns, marks, volumes)

    def request(
        self, request: SpreadRequest, now_ns: int, marks: Sequence[float], volumes: Sequence[float]
    ) -> SpreadOrder | None:
        """Order changes as they are asked for, in place of the spread order that is still open; see ``move``."""
        wanted = self._checked(request.quantities)
        if request.limits is not None:
            self._check_limits(request.limits)
        self._replace()
        changes = self._rounded(wanted)
        goals = [held + change for held, change in zip(self.account.positions, changes, strict=True)]
        return self._send(request, changes, goals, now_ns, marks, volumes)

    def _rounded(self, quantities: Sequence[float]) -> Sequence[float]:
        if not self._has_lots:
            return quantities
        return [contract.rounded(units) for contract, units in zip(self._contracts, quantities, strict=True)]

    def _checked(self, quantities: Sequence[float]) -> Sequence[float]:
        if len(quantities) != len(self.account.symbols) or not all(map(math.isfinite, quantities)):
            raise ParameterError(
                f"quantities {tuple(quantities)} for {', '.join(self.account.symbols)}: give one finite number for each"
            )
        return quantities

    def _check_limits(self, limits: Sequence[float | None]) -> None:
        """Refuse what is no limit for each symbol. Raises ParameterError."""
        given = [limit for limit in limits if limit is not None]
        if len(limits) != len(self.account.symbols) or not all(math.isfinite(limit) and limit > 0.0 for limit in given):
            names = ", ".join(self.account.symbols)
            raise ParameterError(f"limits {tuple(limits)} for {names}: give a finite price above 0, or None, for each")

    def _send(
        self,
        request: Target | SpreadRequest,
        changes: Sequence[float],
        goals: Sequence[float],
        now_ns: int,
        marks: Sequence[float],
        volumes: Sequence[float],
    ) -> SpreadOrder | None:
        account, direction = self.account, request.direction
        before = account.direction
        if direction is not None:
            account.round_trip += direction not in (0, before)
            account.direction = direction
        if not any(changes):
            return None
        turns = direction is not None and direction != before
        refusal = next((why for _, why in self._too_small(changes, goals, marks)), None) if self._has_least else None
        beyond = self.filling.why_beyond(goals, marks) if refusal is None else None
        if beyond and not turns and self.orders and self.orders[-1].reason.startswith(LEVERAGE):
            return None  # said once: what is adjusted on every row would be refused on every row
        order = self._order(request, changes, goals, now_ns, volumes)
        self._before[order.id] = before, account.leg_round_trips[order.legs[0].leg]
        if refusal is None and beyond is None:
            self._open(order, now_ns, marks, volumes)
            return order
        for leg in order.legs:
            leg.state = "rejected"
        order.state, order.reason = "rejected", refusal or beyond or ""
        self.filling.note(order)
        if beyond and turns and any(account.positions):
            closing = self._closing(direction, f"closes only: order {order.id} was refused", now_ns, volumes)
            self._before[closing.id] = self._before[order.id]
            self._open(closing, now_ns, marks, volumes)
            return closing
        return order

    def _closing(self, direction: int | None, why: str, now_ns: int, volumes: Sequence[float]) -> SpreadOrder:
        """An order that ends all positions, not sent yet."""
        account, nothing = self.account, (0.0,) * len(self.account.symbols)
        changes = [-held for held in account.positions]
        order = self._order(Target(nothing, direction, why), changes, nothing, now_ns, volumes)
        self._before[order.id] = account.direction, account.leg_round_trips[order.legs[0].leg]
        return order

    def liquidate(self, why: str, now_ns: int, marks: Sequence[float], volumes: Sequence[float]) -> SpreadOrder | None:
        """Close everything, as the venue does, in place of all that is open; None where nothing is held.

        Parameters
        ----------
        why : said on the order.
        now_ns, marks, volumes : as for ``move``.
        """
        self._replace()
        self.singles.cancel_all(why)
        self.account.direction = 0
        if not any(self.account.positions):
            return None
        self.filling.extra_bps = self.rules.margin.liquidation_fee_bps
        order = self._closing(0, why, now_ns, volumes)
        order.timeout_ns = None
        self._open(order, now_ns, marks, volumes)
        return order

    def _too_small(
        self, changes: Sequence[float], goals: Sequence[float], marks: Sequence[float]
    ) -> Iterator[tuple[int, str]]:
        """Legs whose change is under the least order, and that in words; what closes a position never is."""
        for leg, contract in enumerate(self._contracts):
            minimum, worth = contract.min_notional, abs(changes[leg]) * marks[leg]
            if minimum and changes[leg] and goals[leg] and worth < minimum:
                yield leg, f"{self.account.symbols[leg]}: {worth:,.2f} is under the least order of {minimum:,.2f}"

    def _order(
        self,
        request: Target | SpreadRequest,
        changes: Sequence[float],
        goals: Sequence[float],
        now_ns: int,
        volumes: Sequence[float],
    ) -> SpreadOrder:
        legs, limits, timeout_ns, on_timeout = [], None, self.rules.timeout_ns, self.rules.on_timeout
        if isinstance(request, SpreadRequest):
            limits = request.limits
            timeout_ns = timeout_ns if request.timeout_ns is None else request.timeout_ns
            on_timeout = on_timeout if request.on_timeout is None else request.on_timeout
        for leg, symbol in enumerate(self.account.symbols):
            if changes[leg]:
                limit = None if limits is None else limits[leg]
                eligible_ns = self.rules.eligible_ns(symbol, now_ns)
                legs.append(LegOrder(leg, symbol, changes[leg], goals[leg], eligible_ns, volumes[leg], limit))
        round_trip = None if request.direction is None else self.account.round_trip
        filling = self.filling
        filling.sent += 1
        order = SpreadOrder(
            filling.sent,
            tuple(legs),
            ratio_of(goals),
            now_ns,
            round_trip,
            request.reason,
            timeout_ns,
            on_timeout,
        )
        filling.orders.append(order)
        return order

    def _open(self, order: SpreadOrder, now_ns: int, marks: Sequence[float], volumes: Sequence[float]) -> None:
        for leg in order.legs:
            self._waiting[leg.leg] = order, leg
            if leg.limit is not None and math.isfinite(marks[leg.leg]):
                leg.touch = marks[leg.leg]
        if self.filling.events is not None:
            self.filling.note(order)
        if self.rules.fill == "same_close":
            for leg in order.legs:
                if volumes[leg.leg] > 0.0:
                    self.on_trade(leg.leg, now_ns, marks[leg.leg], volumes[leg.leg])
                    leg.eligible_ns = now_ns + 1  # what is left waits for later closes
        still = [leg for leg in order.legs if leg.state == "open"]
        for leg in still:
            if leg.touch is None and not self._bars_wanted and not self._singles_of[leg.leg]:
                self._watch(leg.leg, leg.eligible_ns)
            else:
                self._look(leg.leg)
        if still and order.timeout_ns is not None:
            last_ns = max(leg.eligible_ns for leg in still) + order.timeout_ns
            self._schedule(last_ns, partial(self._expire, order, last_ns, tuple(marks), tuple(volumes)))

    def cancel(self, order: SpreadOrder) -> None:
        """Cancel what is not filled of an order; what is filled stays."""
        if order.is_single:
            self.singles.cancel(order)
            return
        was_open = order.state
        for leg in order.legs:
            if leg.state == "open":
                leg.state = "cancelled"
                self._leave(leg.leg)
        if order.state in ("open", "one leg"):
            order.state = "cancelled"
            if order.unwinds is not None:
                self._unwound(order, "cancelled")
        if order.state != was_open:
            self.filling.note(order)

    def cancel_all(self, why: str, symbol: str | None = None) -> None:
        """Cancel every open order, or every one with a leg of a symbol that waits; ``why`` is added to its reason."""
        for order in self.account.open_orders if symbol is None else self.account.open_orders_of(symbol):
            if order.is_single:
                self.singles.cancel(order, why)
            else:
                order.reason = f"{order.reason}; {why}".lstrip("; ")
                self.cancel(order)

    def send(self, request: OrderRequest, now_ns: int, marks: Sequence[float], volumes: Sequence[float]) -> SpreadOrder:
        """Send a single order, beside what is open; see ``move`` and ``OrderRequest``. It may be rejected at once."""
        return self.singles.send(request, now_ns, marks, volumes)

    def take_back(self, wish: Cancel) -> None:
        """Do what a ``Cancel`` asks for.

        Raises
        ------
        ParameterError : no order has its number, or its symbol is none of the account's.
        """
        if wish.order_id is None:
            symbol = None if wish.symbol is None else self.account.symbols[self.singles.leg_of(wish.symbol)]
            self.cancel_all("cancelled by the strategy", symbol)
            return
        if not 1 <= wish.order_id <= self.filling.sent:
            raise ParameterError(
                f"order {wish.order_id} cannot be cancelled: {self.filling.sent} were sent; take its number from the "
                "open orders of the account"
            )
        for order in self.account.open_orders:
            if order.id == wish.order_id:
                self.cancel(order)

    def _replace(self) -> None:
        for waiting in self._waiting:
            if waiting is not None:
                self.cancel(waiting[0])

    def _leave(self, leg: int) -> None:
        self._waiting[leg] = None
        if self._bars_wanted or self._singles_of[leg]:
            self._look(leg)
        else:
            self._watch(leg, None)

    def _look(self, leg: int) -> None:
        """Say from when on trades of a leg are wanted, and its bars."""
        waiting = self._waiting[leg]
        from_ns = None
        if waiting is not None:
            part = waiting[1]
            from_ns = part.eligible_ns if part.touch is None else self.singles.since(*waiting)
        if self._singles_of[leg] or leg in self._bars_wanted:
            trades_ns, bars_ns = self.singles.wanted(leg)
            if trades_ns is not None:
                from_ns = trades_ns if from_ns is None else min(from_ns, trades_ns)
            if bars_ns is not None or leg in self._bars_wanted:
                self._bars_wanted.add(leg)
                self._watch(len(self._waiting) + leg, bars_ns)
        self._watch(leg, from_ns)

    def resume(self, orders: Iterable[SpreadOrder]) -> None:
        """Take over the orders of an earlier life, oldest first.

        Spread orders that were open then are cancelled: what they were decided on is over. Single ones go on, with what
        trades from now on.
        """
        for order in orders:
            self.filling.sent = max(self.filling.sent, order.id)
            if order.is_single and order.is_open:
                self.orders.append(order)
                self.singles.keep(order)
                continue
            for leg in order.legs:
                if leg.state == "open":
                    leg.state = "cancelled"
            if order.state in ("open", "one leg", "unwinding"):
                order.state, order.reason = "cancelled", f"{order.reason}; open when the run was stopped"
            self.orders.append(order)

    # ---- time limit and unwinding ----------------------------------------------------------------------------

    def _expire(self, order: SpreadOrder, now_ns: int, marks: Sequence[float], volumes: Sequence[float]) -> None:
        """The time of an order is over: cancel the rest, and deal with legs that are ahead of the others."""
        if not order.is_open:
            return
        self.cancel(order)
        rule, account = order.on_timeout, self.account
        kept = 0.0 if rule == "unwind" else min(leg.share for leg in order.legs)
        back = [0.0] * len(account.symbols)
        if rule != "keep":
            for leg in order.legs:
                back[leg.leg] = self._contracts[leg.leg].rounded(kept * leg.quantity - leg.filled)
        void = not any(leg.filled for leg in order.legs) or (rule != "keep" and kept == 0.0)
        direction, round_trip = self._before[order.id]
        if order.round_trip is not None and (void or account.direction == 0):
            account.direction = direction  # nothing has come of it, or it is not out: it may ask again
        order.reason = f"{order.reason}; not filled in time".lstrip("; ")
        if not any(back):
            return
        goals = [held + change for held, change in zip(account.positions, back, strict=True)]
        request = SpreadRequest(tuple(back), reason=f"unwinds order {order.id}", on_timeout="keep")
        unwinding = self._order(request, back, goals, now_ns, volumes)
        unwinding.unwinds, unwinding.timeout_ns = order.id, None
        unwinding.round_trip = None if order.round_trip is None else round_trip
        order.state = "unwinding"
        self.filling.note(order)
        self._open(unwinding, now_ns, marks, [0.0] * len(volumes))

    # ---- fills -----------------------------------------------------------------------------------------------

    def on_trade(self, leg: int, time_ns: int, price: float, quantity: float) -> None:
        """Let the orders of a leg meet a trade.

        Parameters
        ----------
        leg : place of the symbol.
        price, quantity : of the trade; the quantity matters only where rules limit the share of it.
        """
        waiting = self._waiting[leg]
        left = None if self._takes_all else self.filling.left_of(leg, time_ns, quantity)
        if waiting is not None:
            order, part = waiting
            if left is None and part.limit is None:  # nothing in its way: by far the most
                if time_ns >= part.eligible_ns:
                    held = self.account.positions[leg]
                    if self._fill(order, part, time_ns, part.quantity - part.filled, price, False):
                        self._leave(leg)
                    self._advance(order)
                    if self._singles_of[leg]:
                        self.singles.after_move(leg, held)
            else:
                left = self._met(order, part, time_ns, price, left)
        if self._singles_of[leg]:
            self.singles.on_trade(leg, time_ns, price, left)

    def on_bar(
        self, leg: int, time_ns: int, begin_ns: int, opened: float, high: float, low: float, volume: float
    ) -> None:
        """Let single orders with a price of their own meet a bar; see ``BarMeeting``."""
        if self.singles.of[leg]:
            left = None if self.rules.max_share is None else self.rules.max_share * volume
            self._in_bars.on_bar(leg, time_ns, begin_ns, (opened, high, low), left)

    def _met(self, order: SpreadOrder, part: LegOrder, time_ns: int, price: float, left: float | None) -> float | None:
        """Let a leg of a spread order meet a trade; what it leaves of it."""
        maker = False
        if part.limit is not None:
            met = meet(part, time_ns, price, self.rules.half_spread_bps)
            if met is None or met == "missed":
                return left
            maker = met == "maker"
        elif time_ns < part.eligible_ns:
            return left
        units = part.rest
        if left is not None and abs(units) > left:
            units = math.copysign(self._contracts[part.leg].rounded(left), units)
        if not units:
            return left
        held = self.account.positions[part.leg]
        self._booked(order, part, held, self.filling.fill(order, part, time_ns, units, price, maker))
        return None if left is None else left - abs(units)

    def on_book(self, leg: int, time_ns: int, bids: Levels, asks: Levels) -> None:
        """Let the order of a leg take what waits in a book, from the best level on.

        A leg with a limit takes levels up to that and waits on. Of others the rest is cancelled, and the order's reason
        says so; one to hold nothing waits on.
        """
        waiting = self._waiting[leg]
        if waiting is not None and time_ns >= waiting[1].eligible_ns:
            self._met_book(*waiting, time_ns, bids, asks)
        if self.singles.of[leg]:
            self.singles.on_book(leg, time_ns, bids, asks)

    def _met_book(self, order: SpreadOrder, part: LegOrder, time_ns: int, bids: Levels, asks: Levels) -> None:
        leg, wanted = part.leg, part.rest
        got = take_depth(wanted, bids, asks, self._contracts[leg], part.limit)
        if got.units:
            costs = got.spread_cost, got.impact_cost
            held = self.account.positions[leg]
            done = self.filling.take(order, part, time_ns, got.units, (got.price, got.mid), costs)
            self._booked(order, part, held, done)
        closes = self.account.direction == 0 and order.round_trip is not None
        if part.state == "open" and part.limit is None and not closes:
            order.reason = f"{order.reason}; {SHORT} {part.symbol} held {abs(got.units):.6g} of {abs(wanted):.6g}"
            order.reason = order.reason.lstrip("; ")
            part.state = "cancelled"
            self._leave(leg)
            self._advance(order)

    def _booked(self, order: SpreadOrder, part: LegOrder, held: float, done: bool) -> None:
        """Units of a leg are in the books, where ``held`` was before."""
        if done:
            self._leave(part.leg)
        self._advance(order)
        if self._singles_of[part.leg]:
            self.singles.after_move(part.leg, held)

    def _advance(self, order: SpreadOrder) -> None:
        before, states = order.state, [leg.state for leg in order.legs]
        filled = states.count("filled")
        if filled == len(states):
            order.state = "filled"
            if order.unwinds is not None:
                self._unwound(order, "unwound")
        elif "open" not in states:
            order.state = "cancelled"
        elif filled:
            order.state = "one leg"
        if self.filling.events is not None and order.state != before:
            self.filling.note(order)

    def _unwound(self, order: SpreadOrder, state: SpreadState) -> None:
        """What became of an order that this one unwinds."""
        assert order.unwinds is not None
        unwound = self.orders[order.unwinds - 1]
        unwound.state = state
        self.filling.note(unwound)
