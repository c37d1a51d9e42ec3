"""A broker that fills orders at trades which really happened, after they were decided.

It reads no market by itself: its caller hands over trades (``on_trade``) of legs it watches, in order of time.
Orders of all legs of a decision are one unit; each leg meets its own trades, so one may be filled and the other not.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Final, TypeAlias

from alphastream.errors import ParameterError
from alphastream.trading.broker.account import Account
from alphastream.trading.broker.costs import BrokerRules, PowerImpact
from alphastream.trading.broker.depth import SHORT, Levels, take_depth
from alphastream.trading.broker.funding import FundingCharges, Schedule
from alphastream.trading.broker.margin import LEVERAGE
from alphastream.trading.broker.orders import Fill, LegOrder, SpreadOrder, SpreadRequest, Target, ratio_of

Two: TypeAlias = tuple[float, float]
Watch: TypeAlias = Callable[[int, int | None], None]
"""Called with a leg and the time of the first trade it wants to see; with None when it wants no more."""

BP: Final = 1e-4


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
    orders : all so far, oldest first.
    funding : charges the account.
    """

    def __init__(self, account: Account, rules: BrokerRules, schedule: Schedule, watch: Watch) -> None:
        self.account = account
        self.rules = rules
        self.orders: list[SpreadOrder] = []
        self._schedule = schedule
        self._watch = watch
        # A new order replaces what is open: a leg never waits for two.
        self._waiting: list[tuple[SpreadOrder, LegOrder] | None] = [None] * len(account.symbols)
        self._contracts = [rules.contract(symbol) for symbol in account.symbols]
        # What rules leave out is not asked for at every fill.
        self._has_lots = any(contract.lot for contract in self._contracts)
        self._has_least = any(contract.min_notional for contract in self._contracts)
        self._has_impact = rules.impact != PowerImpact(0.0)
        self._before: dict[int, tuple[int, int]] = {}  # order id -> direction and round trip that it found
        self.funding = FundingCharges(account, rules.funding, schedule)
        self._extra_bps = 0.0  # of a liquidation

    @property
    def is_waiting(self) -> bool:
        """Whether a leg of some order is open."""
        return any(waiting is not None for waiting in self._waiting)

    # ---- orders ----------------------------------------------------------------------------------------------

    def move(self, target: Target, now_ns: int, marks: Sequence[float], volumes: Sequence[float]) -> SpreadOrder | None:
        """Order what brings positions to a target, in place of whatever is still open.

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
        """Order changes as they are asked for, in place of whatever is still open; see ``move``."""
        self._replace()
        changes = self._rounded(self._checked(request.quantities))
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
        beyond = self._beyond_limit(goals, marks) if refusal is None else None
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
        if beyond and turns and any(account.positions):
            closing = self._closing(direction, f"closes only: order {order.id} was refused", now_ns, volumes)
            self._before[closing.id] = self._before[order.id]
            self._open(closing, now_ns, marks, volumes)
            return closing
        return order

    def _beyond_limit(self, goals: Sequence[float], marks: Sequence[float]) -> str | None:
        """Why positions may not become these; see ``Margin.refusal``. To hold nothing is always allowed."""
        if not any(goals):
            return None
        account = self.account
        worth = held = asked = 0.0  # in one loop: this is asked of every order
        for goal, units, mark in zip(goals, account.positions, marks, strict=True):
            if units:
                worth += units * mark
                held += abs(units * mark)
            if goal:
                asked += abs(goal) * mark
        return None if asked <= held else self.rules.margin.refusal(account.cash + worth, held, asked)

    def _closing(self, direction: int | None, why: str, now_ns: int, volumes: Sequence[float]) -> SpreadOrder:
        """An order that ends all positions, not sent yet."""
        account, nothing = self.account, (0.0,) * len(self.account.symbols)
        changes = [-held for held in account.positions]
        order = self._order(Target(nothing, direction, why), changes, nothing, now_ns, volumes)
        self._before[order.id] = account.direction, account.leg_round_trips[order.legs[0].leg]
        return order

    def liquidate(self, why: str, now_ns: int, marks: Sequence[float], volumes: Sequence[float]) -> SpreadOrder | None:
        """Close everything, as the venue does, in place of what is open; None where nothing is held.

        Parameters
        ----------
        why : said on the order.
        now_ns, marks, volumes : as for ``move``.
        """
        self._replace()
        self.account.direction = 0
        if not any(self.account.positions):
            return None
        self._extra_bps = self.rules.margin.liquidation_fee_bps
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
                eligible_ns = self._eligible(symbol, now_ns)
                legs.append(LegOrder(leg, symbol, changes[leg], goals[leg], eligible_ns, volumes[leg], limit))
        round_trip = None if request.direction is None else self.account.round_trip
        order = SpreadOrder(
            len(self.orders) + 1,
            tuple(legs),
            ratio_of(goals),
            now_ns,
            round_trip,
            request.reason,
            timeout_ns,
            on_timeout,
        )
        self.orders.append(order)
        return order

    def _eligible(self, symbol: str, now_ns: int) -> int:
        match self.rules.fill:
            case "next_trade" | "recorded_depth":
                return now_ns + self.rules.latency.delay_ns(symbol, now_ns)
            case "next_close":
                return now_ns + 1
            case _:
                return now_ns

    def _open(self, order: SpreadOrder, now_ns: int, marks: Sequence[float], volumes: Sequence[float]) -> None:
        for leg in order.legs:
            self._waiting[leg.leg] = order, leg
        if self.rules.fill == "same_close":
            for leg in order.legs:
                if volumes[leg.leg] > 0.0:
                    self.on_trade(leg.leg, now_ns, marks[leg.leg], volumes[leg.leg])
                    leg.eligible_ns = now_ns + 1  # what is left waits for later closes
        still = [leg for leg in order.legs if leg.state == "open"]
        for leg in still:
            self._watch(leg.leg, leg.eligible_ns)
        if still and order.timeout_ns is not None:
            last_ns = max(leg.eligible_ns for leg in still) + order.timeout_ns
            self._schedule(last_ns, partial(self._expire, order, last_ns, tuple(marks), tuple(volumes)))

    def cancel(self, order: SpreadOrder) -> None:
        """Cancel what is not filled of an order; what is filled stays."""
        for leg in order.legs:
            if leg.state == "open":
                leg.state = "cancelled"
                self._leave(leg.leg)
        if order.state in ("open", "one leg"):
            order.state = "cancelled"
            if order.unwinds is not None:
                self.orders[order.unwinds - 1].state = "cancelled"

    def _replace(self) -> None:
        for waiting in self._waiting:
            if waiting is not None:
                self.cancel(waiting[0])

    def _leave(self, leg: int) -> None:
        self._waiting[leg] = None
        self._watch(leg, None)

    def resume(self, orders: Iterable[SpreadOrder]) -> None:
        """Take over the orders of an earlier life, oldest first; what was open then is cancelled."""
        for order in orders:
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
        if waiting is None:
            return
        order, part = waiting
        if time_ns < part.eligible_ns or not part.meets(price):
            return
        units, share = part.rest, self.rules.max_share
        if share is not None and abs(units) > share * quantity:
            units = math.copysign(self._contracts[leg].rounded(share * quantity), units)
        if units:
            self._fill(order, part, time_ns, units, price)

    def on_book(self, leg: int, time_ns: int, bids: Levels, asks: Levels) -> None:
        """Let the order of a leg take what waits in a book, from the best level on.

        A leg with a limit takes levels up to that and waits on. Of others the rest is cancelled, and the order's reason
        says so; one to hold nothing waits on.
        """
        waiting = self._waiting[leg]
        if waiting is None or time_ns < waiting[1].eligible_ns:
            return
        (order, part), wanted = waiting, waiting[1].rest
        got = take_depth(wanted, bids, asks, self._contracts[leg], part.limit)
        if got.units:
            costs = got.spread_cost, got.impact_cost
            self._take(order, part, time_ns, got.units, (got.price, got.mid), costs)
        closes = self.account.direction == 0 and order.round_trip is not None
        if part.state == "open" and part.limit is None and not closes:
            order.reason = f"{order.reason}; {SHORT} {part.symbol} held {abs(got.units):.6g} of {abs(wanted):.6g}"
            order.reason = order.reason.lstrip("; ")
            part.state = "cancelled"
            self._leave(leg)
            self._advance(order)

    def _fill(self, order: SpreadOrder, part: LegOrder, time_ns: int, units: float, trade_price: float) -> None:
        rules, leg, maker = self.rules, part.leg, part.limit is not None
        price, size, impact_cost = trade_price, abs(units), 0.0
        if part.limit is not None:
            price = trade_price = part.limit
        else:
            slip_bps = rules.half_spread_bps
            if self._has_impact:
                impact_bps = rules.impact.impact_bps(part.quantity, part.share_of)
                slip_bps += impact_bps
                impact_cost = size * trade_price * impact_bps * BP
            price = trade_price * (1.0 + (slip_bps if units > 0.0 else -slip_bps) * BP)
            price = self._contracts[leg].worsened(price, units > 0.0)
        spread_cost = (price - trade_price) * units - impact_cost
        self._take(order, part, time_ns, units, (price, trade_price), (spread_cost, impact_cost), maker)

    def _take(
        self, order: SpreadOrder, part: LegOrder, time_ns: int, units: float, at: Two, costs: Two, maker: bool = False
    ) -> None:
        """Book units of a leg: at what price and at which of the market, and what spread and impact cost."""
        leg, price = part.leg, at[0]
        fee = abs(units) * price * (self.rules.fees.fee_bps(maker) + self._extra_bps) * BP
        part.filled += units
        done = units == part.quantity or abs(part.rest) <= 1e-12 * abs(part.quantity)
        round_trip, number = order.round_trip or 0, order.id
        fill = Fill(time_ns, part.symbol, units, *at, fee, *costs, number, round_trip, maker)
        self.account.book(leg, fill, part.target if done else None)
        if done:
            part.filled, part.state, part.filled_ns = part.quantity, "filled", time_ns
            self._leave(leg)
        self._advance(order)

    def _advance(self, order: SpreadOrder) -> None:
        states = [leg.state for leg in order.legs]
        filled = states.count("filled")
        if filled == len(states):
            order.state = "filled"
            if order.unwinds is not None:
                self.orders[order.unwinds - 1].state = "unwound"
        elif "open" not in states:
            order.state = "cancelled"
        elif filled:
            order.state = "one leg"
