"""What a fill is priced at, what it costs, and how it goes into the books: the same for every kind of order."""

import math
from collections.abc import Sequence
from typing import Final, TypeAlias

import msgspec

from alphastream.trading.broker.account import Account
from alphastream.trading.broker.costs import BrokerRules, PowerImpact
from alphastream.trading.broker.meeting import BP, is_within
from alphastream.trading.broker.orders import Fill, LegOrder, SpreadOrder

Two: TypeAlias = tuple[float, float]
EXACT: Final = 1e-12  # of a quantity: less than this is a rounding


class Filling:
    """Fills of one account.

    Parameters
    ----------
    account, rules : of the broker.

    Attributes
    ----------
    orders : all so far, oldest first.
    sent : id of the newest order.
    extra_bps : what a liquidation adds to fees.
    events : fills and orders that changed, as they stood then, until somebody takes them out; None where nobody asks.
    """

    def __init__(self, account: Account, rules: BrokerRules) -> None:
        self.account, self.rules = account, rules
        self.contracts = [rules.contract(symbol) for symbol in account.symbols]
        self.orders: list[SpreadOrder] = []
        self.sent = 0
        self.extra_bps = 0.0
        self.events: list[Fill | SpreadOrder] | None = None
        # What rules leave out is not asked for at every fill.
        self._has_impact = rules.impact != PowerImpact(0.0)
        self._has_ticks = any(contract.tick for contract in self.contracts)

    def note(self, order: SpreadOrder) -> None:
        """Say that an order changed."""
        if self.events is not None:
            legs = tuple(msgspec.structs.replace(leg) for leg in order.legs)
            self.events.append(msgspec.structs.replace(order, legs=legs))

    def why_beyond(self, goals: Sequence[float], marks: Sequence[float]) -> str | None:
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

    def left_of(self, leg: int, time_ns: int, quantity: float) -> float | None:
        """Units of a trade that orders may take; None for any number. A close is met several times: it is one trade."""
        share = self.rules.max_share
        if share is None:
            return None
        left = share * quantity
        if self.rules.fill == "same_close":
            symbol = self.account.symbols[leg]
            for fill in reversed(self.account.fills):
                if fill.time_ns != time_ns:
                    break
                left -= abs(fill.quantity) if fill.symbol == symbol else 0.0
        return max(left, 0.0)

    def fill(
        self, order: SpreadOrder, part: LegOrder, time_ns: int, units: float, trade_price: float, maker: bool
    ) -> bool:
        """Book units of a leg that met a price in the market; whether that was the last of it."""
        rules = self.rules
        price, size, impact_cost = trade_price, abs(units), 0.0
        if maker:
            assert part.limit is not None
            price = trade_price = part.limit
        else:
            slip_bps = rules.half_spread_bps
            if self._has_impact:
                impact_bps = rules.impact.impact_bps(part.quantity, part.share_of)
                slip_bps += impact_bps
                impact_cost = size * trade_price * impact_bps * BP
            price = trade_price * (1.0 + (slip_bps if units > 0.0 else -slip_bps) * BP)
            if self._has_ticks:
                price = self.contracts[part.leg].worsened(price, units > 0.0)
            if part.limit is not None and not is_within(part, price):
                price = part.limit
                impact_cost = min(impact_cost, abs(price - trade_price) * size)
        spread_cost = (price - trade_price) * units - impact_cost
        return self.take(order, part, time_ns, units, (price, trade_price), (spread_cost, impact_cost), maker)

    def take(
        self, order: SpreadOrder, part: LegOrder, time_ns: int, units: float, at: Two, costs: Two, maker: bool = False
    ) -> bool:
        """Book units of a leg: at what price and at which of the market, and what spread and impact cost."""
        leg, price, account, events = part.leg, at[0], self.account, self.events
        fee = abs(units) * price * (self.rules.fees.fee_bps(maker) + self.extra_bps) * BP
        part.filled += units
        done = units == part.quantity or abs(part.rest) <= EXACT * abs(part.quantity)
        fill = Fill(time_ns, part.symbol, units, *at, fee, *costs, order.id, order.round_trip or 0, maker)
        known = 0 if events is None else len(account.fills)
        account.book(leg, fill, self._goal(part, units) if part.target is None else part.target if done else None)
        if done:
            part.filled, part.state, part.filled_ns = part.quantity, "filled", time_ns
        if events is not None:
            events += account.fills[known:]
        return done

    def _goal(self, part: LegOrder, units: float) -> float:
        """The position after units of a single order, 0 where only a rounding would be left."""
        after = self.account.positions[part.leg] + units
        return 0.0 if math.isclose(after, 0.0, abs_tol=EXACT * abs(units)) else after
