"""What a strategy asks for, what became of it, and what was traded.

Quantities are base units, buying positive. A spread order is its legs as one unit: they are sent together, replaced
together and, where one leg stays unfilled, unwound together. All are msgspec structs, cheap to make and to write down.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import msgspec

LegState: TypeAlias = Literal["open", "filled", "cancelled", "rejected"]
SpreadState: TypeAlias = Literal["open", "one leg", "filled", "cancelled", "unwinding", "unwound", "rejected"]
OnTimeout: TypeAlias = Literal["unwind", "match", "keep"]
"""What happens to a spread order that is not filled in time: "unwind" trades back what was filled, "match" trades the
leg that is ahead back to the share of the one behind, "keep" leaves it as it stands. The rest is cancelled."""


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
    limits : worst price of each leg; None takes any. A leg with a limit waits and pays the maker's fee.
    direction : as in ``Target``.
    timeout_ns, on_timeout : instead of those of the broker's rules.
    """

    quantities: tuple[float, ...]
    limits: tuple[float | None, ...] | None = None
    direction: int | None = None
    reason: str = ""
    timeout_ns: int | None = None
    on_timeout: OnTimeout | None = None


class LegOrder(msgspec.Struct, gc=False):
    """One leg of a spread order. Written by the broker alone.

    Parameters
    ----------
    leg : place of the symbol among those of the account.
    quantity : units asked for, buying positive.
    target : position of the account when it is filled.
    eligible_ns : time of the first trade it can meet.
    share_of : units that traded in the bar of the decision, which impact is measured by; 0 if nobody knows.
    filled : units traded so far, with the sign of ``quantity``.
    """

    leg: int
    symbol: str
    quantity: float
    target: float
    eligible_ns: int
    share_of: float
    limit: float | None = None
    filled: float = 0.0
    state: LegState = "open"
    filled_ns: int | None = None

    @property
    def rest(self) -> float:
        """Units that are still to be traded."""
        return self.quantity - self.filled

    def meets(self, price: float) -> bool:
        """Whether a trade at this price fills the leg: one with a limit needs a trade beyond it."""
        if self.limit is None:
            return True
        return price < self.limit if self.quantity > 0.0 else price > self.limit

    @property
    def share(self) -> float:
        """Part that is filled, 0 to 1."""
        return self.filled / self.quantity


class SpreadOrder(msgspec.Struct, gc=False):
    """Legs that are one order. Written by the broker alone.

    Parameters
    ----------
    id : counts from 1.
    legs : those that trade at all.
    ratio : units of the second symbol against one of the first in the position asked for; None where there is none.
    decided_ns : end of the bar that it was decided on.
    round_trip : round trip that what it opens belongs to; None: each symbol has its own.
    reason : why the strategy sent it, or why the broker did or refused it.
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
