"""Whether an order with a price of its own meets what trades: when its stop is reached, and who takes whom.

A limit that is through the last known price when it arrives is a taker: it gets the market's price, never a worse one
than its limit. One that is not waits in the book, and is filled at its limit when a trade goes beyond it.
"""

from typing import Literal, TypeAlias

from alphastream.trading.broker.orders import LegOrder

BP = 1e-4

Met: TypeAlias = Literal["taker", "maker", "missed"]


def is_through(part: LegOrder, price: float, half_spread_bps: float) -> bool:
    """Whether who takes at this price, half the spread added, pays better than the limit; without one, always."""
    if part.limit is None:
        return True
    worse = half_spread_bps * BP
    return part.meets(price * (1.0 + (worse if part.quantity > 0.0 else -worse)))


def is_within(part: LegOrder, price: float) -> bool:
    """Whether a price is at the limit or better."""
    if part.limit is None:
        return True
    return price <= part.limit if part.quantity > 0.0 else price >= part.limit


def may_trade(part: LegOrder, time_ns: int, price: float) -> bool:
    """Whether an order that has arrived may trade at this moment: it has no stop, or that was reached before.

    A stop is reached by a price at or beyond it. The trade that reaches it is over by then: what the stop has become
    meets the next one. It is reached on arrival where the last known price is beyond it already.
    """
    if not part.waits_for_stop:
        return True
    if part.touch is not None and part.reaches(part.touch):
        part.triggered_ns = part.eligible_ns
        return True
    part.touch = None
    if part.reaches(price):
        part.triggered_ns = time_ns
        part.touch = None if part.limit is None else price
    return False


def meet(part: LegOrder, time_ns: int, price: float, half_spread_bps: float) -> Met | None:
    """What a trade means to an order: None where it cannot trade yet, "missed" where its limit is in the way.

    Parameters
    ----------
    part : its ``touch`` and ``triggered_ns`` are kept up to date.
    price : of the trade.
    half_spread_bps : what a taker pays beside it.
    """
    if time_ns < part.eligible_ns:
        if part.touch is not None:
            part.touch = price
        return None
    if not may_trade(part, time_ns, price):
        return None
    if part.limit is None:
        return "taker"
    touch, part.touch = part.touch, None
    if touch is not None and is_through(part, touch, half_spread_bps) and is_within(part, price):
        return "taker"
    return "maker" if part.meets(price) else "missed"
