"""What a strategy asks for, what became of it, and what was traded.

Quantities are base units, buying positive. A spread order is its legs as one unit: they are sent together, replaced
together and, where one leg stays unfilled, unwound together. A single order is one with one leg, which works on its
own until it is filled, cancelled or over. All are msgspec structs, cheap to make and to write down.
"""

import math
from collections.abc import Sequence
from numbers import Real
from typing import Literal, TypeAlias

import msgspec

from alphastream.errors import ParameterError

LegState: TypeAlias = Literal["open", "filled", "cancelled", "rejected"]
SpreadState: TypeAlias = Literal["open", "one leg", "filled", "cancelled", "unwinding", "unwound", "rejected"]
OnTimeout: TypeAlias = Literal["unwind", "match", "keep"]
"""What happens to a spread order that is not filled in time: "unwind" trades back what was filled, "match" trades the
leg that is ahead back to the share of the one behind, "keep" leaves it as it stands. The rest is cancelled."""
OrderKind: TypeAlias = Literal["market", "limit", "stop", "stop_limit"]
TimeInForce: TypeAlias = Literal["gtc", "ioc", "fok"]
"""How long an order stands: "gtc" until it is filled, cancelled or its good-till is over; "ioc" takes what it gets of
the first trade that it can meet and is cancelled; "fok" takes all of its quantity there, or nothing."""


class Target(msgspec.Struct, frozen=True, gc=False):
    """Positions to be in.

    Parameters
    ----------
    quantities : units of each symbol of the strategy, in its order.
    direction : 1 long the spread, -1 short, 0 flat; None where there is no such thing, as over many symbols.
    reason : why, in a word or two.
    """

    quantities: tuple[float, ...]
    direction: int | None = None
    reason: str = ""


class SpreadRequest(msgspec.Struct, frozen=True, gc=False):
    """Changes of positions, to be traded as one unit: for strategies that want more say than a ``Target`` has.

    Parameters
    ----------
    quantities : units to buy (or, negative, to sell) of each symbol, 0 for none.
    limits : worst price of each leg; None takes any. A leg with a limit waits as a maker,
        unless the market is through it already.
    direction : as in ``Target``.
    timeout_ns, on_timeout : instead of those of the broker's rules.
    """

    quantities: tuple[float, ...]
    limits: tuple[float | None, ...] | None = None
    direction: int | None = None
    reason: str = ""
    timeout_ns: int | None = None
    on_timeout: OnTimeout | None = None


class OrderRequest(msgspec.Struct, frozen=True, gc=False):
    """One order in one symbol, beside whatever else is open there: for strategies that want stops, limits, brackets.

    A ``Target`` or ``SpreadRequest`` neither replaces it nor is replaced by it: it works until it is filled, its time
    is over, or a ``Cancel`` names it. It changes no direction of the account, and its fills belong to round trips of
    the symbol's own.

    Parameters
    ----------
    symbol : or its place among those of the strategy.
    quantity : units to buy or, negative, to sell.
    kind : "market" trades as soon as it can. "limit" trades at ``limit`` or better: at once, as a taker, where the
        last known price is already through it; else it waits as a maker. "stop" becomes a market order when the price
        reaches ``stop``, "stop_limit" a limit order.
    limit : worst price, of "limit" and "stop_limit".
    stop : price that triggers, of "stop" and "stop_limit": a buying order at or above it, a selling one at or below.
    reduce_only : trades no more than closes the position; cancelled where there is nothing to close any more.
    good_till_ns : no fill at this time or later, it is cancelled then; None: until cancelled.
    time_in_force : see ``TimeInForce``.
    take_profit, stop_loss : prices of the orders that end what this one opens. They are armed when it fills, for what
        was filled; when one of them trades, the other is reduced by as much, and cancelled when nothing is left.
    reason : why, in a word or two.

    Raises
    ------
    ParameterError : prices that the kind does not have or lacks, or a bracket that would end at once.
    """

    symbol: str | int
    quantity: float
    kind: OrderKind = "market"
    limit: float | None = None
    stop: float | None = None
    reduce_only: bool = False
    good_till_ns: int | None = None
    time_in_force: TimeInForce = "gtc"
    take_profit: float | None = None
    stop_loss: float | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        if not (_is_finite(self.quantity) and self.quantity):
            raise ParameterError(f"an order of {self.quantity} units of {self.symbol}: give a finite number, not 0")
        if self.kind not in _PRICES:
            raise ParameterError(f"kind is {self.kind!r}: it is one of {', '.join(map(repr, _PRICES))}")
        if self.time_in_force not in ("gtc", "ioc", "fok"):
            raise ParameterError(f"time_in_force is {self.time_in_force!r}: it is one of 'gtc', 'ioc', 'fok'")
        for name, needed in zip(("limit", "stop"), _PRICES[self.kind], strict=True):
            if (getattr(self, name) is not None) != needed:
                given = "without" if needed else "with"
                raise ParameterError(
                    f"a {self.kind} order {given} a {name}: {'give one' if needed else 'leave it out'}"
                )
        for name in ("limit", "stop", "take_profit", "stop_loss"):
            price = getattr(self, name)
            if price is not None and not (_is_finite(price) and price > 0.0):
                raise ParameterError(f"{name} is {price!r}: give a finite price above 0")
        if self.good_till_ns is not None and not _is_finite(self.good_till_ns):
            raise ParameterError(f"good_till_ns is {self.good_till_ns!r}: give UTC nanoseconds since 1970, or None")
        self._check_bracket()

    def _check_bracket(self) -> None:
        if self.reduce_only and (self.take_profit is not None or self.stop_loss is not None):
            raise ParameterError("a reduce-only order opens nothing: leave out take_profit and stop_loss")
        entry = self.limit if self.limit is not None else self.stop
        side = math.copysign(1.0, self.quantity)
        orders = [(self.stop_loss, entry), (self.stop_loss, self.stop), (entry, self.take_profit)]
        if entry is None:
            orders = [(self.stop_loss, self.take_profit)]
        wrong = [
            (low, high) for low, high in orders if low is not None and high is not None and high * side <= low * side
        ]
        if wrong:
            entry = self.stop if wrong[0] == (self.stop_loss, self.stop) else entry
            above, below = ("above", "below") if side > 0.0 else ("below", "above")
            raise ParameterError(
                f"stop_loss {self.stop_loss}, entry {entry}, take_profit {self.take_profit}: an order that "
                f"{'buys' if side > 0.0 else 'sells'} has its take_profit {above} and its stop_loss {below} the entry"
            )


def _is_finite(number: object) -> bool:
    return isinstance(number, Real) and math.isfinite(number)


_PRICES: dict[str, tuple[bool, bool]] = {
    "market": (False, False),
    "limit": (True, False),
    "stop": (False, True),
    "stop_limit": (True, True),
}


class Cancel(msgspec.Struct, frozen=True, gc=False):
    """Take back orders that are open; what is filled of them stays. One that is not open any more is left as it is.

    Parameters
    ----------
    order_id : of ``SpreadOrder.id``; None: all of ``symbol``.
    symbol : whose orders, or its place; None: all of the account.

    Raises
    ------
    ParameterError : an order_id that is no whole number.
    """

    order_id: int | None = None
    symbol: str | int | None = None

    def __post_init__(self) -> None:
        if self.order_id is not None and not hasattr(self.order_id, "__index__"):
            raise ParameterError(f"order_id is {self.order_id!r}: give the number of an order, or symbol=")


class LegOrder(msgspec.Struct, gc=False):
    """One leg of a spread order, or all of a single one. Written by the broker alone.

    Parameters
    ----------
    leg : place of the symbol among those of the account.
    quantity : units asked for, buying positive.
    target : position of the account when it is filled; None of a single order: whatever it comes to.
    eligible_ns : time of the first trade it can meet.
    share_of : units that traded in the bar of the decision, which impact is measured by; 0 if nobody knows.
    filled : units traded so far, with the sign of ``quantity``.
    kind, stop, reduce_only : as in ``OrderRequest``.
    touch : last known price, until the order has arrived with a price of its own: it says whether that is through the
        market already. None from then on.
    triggered_ns : when the stop was reached.
    """

    leg: int
    symbol: str
    quantity: float
    target: float | None
    eligible_ns: int
    share_of: float
    limit: float | None = None
    filled: float = 0.0
    state: LegState = "open"
    filled_ns: int | None = None
    kind: OrderKind = "market"
    stop: float | None = None
    reduce_only: bool = False
    touch: float | None = None
    triggered_ns: int | None = None

    @property
    def rest(self) -> float:
        """Units that are still to be traded."""
        return self.quantity - self.filled

    def meets(self, price: float) -> bool:
        """Whether a trade at this price fills the leg: one with a limit needs a trade beyond it."""
        if self.limit is None:
            return True
        return price < self.limit if self.quantity > 0.0 else price > self.limit

    def reaches(self, price: float) -> bool:
        """Whether a price triggers the stop."""
        assert self.stop is not None
        return price >= self.stop if self.quantity > 0.0 else price <= self.stop

    @property
    def waits_for_stop(self) -> bool:
        """Whether it has a stop that was not reached yet."""
        return self.stop is not None and self.triggered_ns is None

    @property
    def share(self) -> float:
        """Part that is filled, 0 to 1."""
        return self.filled / self.quantity


class SpreadOrder(msgspec.Struct, gc=False):
    """Legs that are one order, or a single order, which has one. Written by the broker alone.

    Parameters
    ----------
    id : counts from 1.
    legs : those that trade at all.
    ratio : units of the second symbol against one of the first in the position asked for; None where there is none.
    decided_ns : end of the bar that it was decided on.
    round_trip : round trip that what it opens belongs to; None: each symbol has its own.
    reason : why the strategy sent it, or why the broker did or refused it.
    is_single : whether it came of an ``OrderRequest``, or of its bracket.
    good_till_ns, time_in_force, take_profit, stop_loss : as in ``OrderRequest``.
    bracket : id of the order whose fill armed this one, a take-profit or stop.
    """

    id: int
    legs: tuple[LegOrder, ...]
    ratio: float | None
    decided_ns: int
    round_trip: int | None = msgspec.field(name="trip")
    reason: str
    timeout_ns: int | None = None
    on_timeout: OnTimeout = "unwind"
    state: SpreadState = "open"
    unwinds: int | None = None
    is_single: bool = False
    good_till_ns: int | None = None
    time_in_force: TimeInForce = "gtc"
    take_profit: float | None = None
    stop_loss: float | None = None
    bracket: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether a leg still waits."""
        return any(leg.state == "open" for leg in self.legs)

    @property
    def leg_gap_ns(self) -> int | None:
        """Time from the first leg filled to the last one, None unless all are filled."""
        times = [leg.filled_ns for leg in self.legs if leg.filled_ns is not None]
        return max(times) - min(times) if times and len(times) == len(self.legs) else None


class Fill(msgspec.Struct, frozen=True, gc=False):
    """What was traded at one moment, and what it cost.

    Parameters
    ----------
    quantity : units, buying positive.
    price : what was paid; ``trade_price`` is that of the trade in the market, before half spread and impact.
    fee, spread_cost, impact_cost : in the quote currency, costs positive.
    order : id of the spread order.
    round_trip : number of the round trip. A fill that turns a position is two: one closes, the other opens.
    maker : whether it waited in the book for its price.
    """

    time_ns: int
    symbol: str
    quantity: float
    price: float
    trade_price: float
    fee: float
    spread_cost: float
    impact_cost: float
    order: int
    round_trip: int = msgspec.field(name="trip")
    maker: bool = False


class FundingPayment(msgspec.Struct, frozen=True, gc=False):
    """What a perpetual's position paid (negative) or received, in the quote currency."""

    time_ns: int
    symbol: str
    amount: float
    round_trip: int = msgspec.field(name="trip")


def ratio_of(quantities: Sequence[float]) -> float | None:
    """Units of the second symbol against one of the first; None unless there are two and the first has some."""
    return -quantities[1] / quantities[0] if len(quantities) == 2 and quantities[0] else None
