"""What a paper run did beside what a backtest of the same hours does, order by order.

The effects of all differences add up to the difference of the two equities: each is what the fills of an order have
come to at the last marks, on paper less in history.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from alphastream.trading.broker.orders import Fill, FundingPayment, SpreadOrder

BY_HAND: Final = "closed by hand"
"""Reason of the order that closes a run's positions when somebody ends it."""

NEAR: Final = 1e-9  # quantities of folds that began at different rows differ in the last digits


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which paper trading did not run, and why."""

    from_ns: int
    to_ns: int
    why: str


@dataclass(frozen=True, slots=True)
class Book:
    """Orders, fills and payments of one of the two."""

    orders: Sequence[SpreadOrder]
    fills: Sequence[Fill]
    funding: Sequence[FundingPayment]


@dataclass(frozen=True, slots=True)
class OrderDifference:
    """An order that is not the same in both.

    Parameters
    ----------
    time_ns : end of the bar that it was decided on.
    what, why : in words.
    effect : of this order on equity at the last marks, paper less history, in the quote currency.
    """

    time_ns: int
    what: str
    why: str
    effect: float
    paper: SpreadOrder | None = None
    history: SpreadOrder | None = None


def compare(
    paper: Book, history: Book, marks: Mapping[str, float], outages: Sequence[Outage] = (), late: int = 0
) -> list[OrderDifference]:
    """List what differs, oldest first.

    Parameters
    ----------
    marks : last price of each symbol.
    outages : when paper trading did not run.
    late : trades that came to the paper run after their bar had closed.
    """
    ours, theirs = _by_time(paper), _by_time(history)
    found: list[OrderDifference] = []
    for when_ns in sorted({*ours, *theirs}):
        mine, other = ours.get(when_ns), theirs.get(when_ns)
        effect = (0.0 if mine is None else mine.worth(marks)) - (0.0 if other is None else other.worth(marks))
        what = _what(mine, other)
        if what is not None:
            why = _why(when_ns, mine, other, outages, late, following=bool(found))
            orders = (None if done is None else done.order for done in (mine, other))
            found.append(OrderDifference(when_ns, what, why, effect, *orders))
    paid = sum(payment.amount for payment in paper.funding) - sum(payment.amount for payment in history.funding)
    if abs(paid) > NEAR:
        last_ns = max(payment.time_ns for payment in (*paper.funding, *history.funding))
        found.append(OrderDifference(last_ns, "funding", "positions at funding times were not the same", paid))
    return found


@dataclass(slots=True)
class _Done:
    """Orders that were decided at one moment, and their fills.

    An unwinding order counts with the one it unwinds, a side of a bracket with the entry that armed it.
    """

    orders: list[SpreadOrder]
    fills: list[Fill]

    @property
    def order(self) -> SpreadOrder:
        return self.orders[0]

    def asked(self) -> dict[str, float]:
        """Units asked for by symbol, those that undo others left out."""
        out: dict[str, float] = {}
        for order in self.orders:
            for leg in order.legs if order.unwinds is None and order.bracket is None else ():
                out[leg.symbol] = out.get(leg.symbol, 0.0) + leg.quantity
        return out

    def fees(self) -> float:
        return math.fsum(fill.fee for fill in self.fills)

    def worth(self, marks: Mapping[str, float]) -> float:
        return math.fsum(fill.quantity * (marks[fill.symbol] - fill.price) - fill.fee for fill in self.fills)

    def traded(self) -> dict[str, tuple[float, float]]:
        """Units and value by symbol."""
        out: dict[str, tuple[float, float]] = {}
        for fill in self.fills:
            units, value = out.get(fill.symbol, (0.0, 0.0))
            out[fill.symbol] = units + fill.quantity, value + fill.quantity * fill.price
        return out


def _by_time(book: Book) -> dict[int, _Done]:
    at: dict[int, int] = {}
    out: dict[int, _Done] = {}
    for order in book.orders:
        at[order.id] = when_ns = at.get(order.unwinds or order.bracket or 0, order.decided_ns)
        out.setdefault(when_ns, _Done([], [])).orders.append(order)
    for fill in book.fills:
        out[at[fill.order]].fills.append(fill)
    return out


def _what(mine: _Done | None, other: _Done | None) -> str | None:
    """What is not the same, None where nothing is."""
    if mine is None:
        return "in the backtest only"
    if other is None:
        return "on paper only"
    if not _near(mine.asked(), other.asked()):
        return "other quantities"
    ours, theirs = mine.traded(), other.traded()
    if not _near(*({symbol: units for symbol, (units, _) in done.items()} for done in (ours, theirs))):
        return "filled to another part"
    if not _near(*({symbol: value for symbol, (_, value) in done.items()} for done in (ours, theirs))):
        return "filled at other prices"
    if not math.isclose(mine.fees(), other.fees(), rel_tol=NEAR, abs_tol=NEAR):
        return "other fees"
    return None


def _why(
    when_ns: int, mine: _Done | None, other: _Done | None, outages: Sequence[Outage], late: int, *, following: bool
) -> str:
    absent = next((each for each in outages if each.from_ns <= when_ns <= each.to_ns), None)
    if mine is None and absent is not None:
        return absent.why
    if mine is not None and any(order.reason.startswith(BY_HAND) for order in mine.orders):
        return BY_HAND
    if following:
        return "follows from a difference before: the two did not hold the same"
    if any(each.to_ns < when_ns for each in outages):
        return "after a pause the filter had begun anew, or a position had not been joined"
    if late:
        return f"{late} trades came after their bar had closed: the completed tape has them, the paper run had not"
    if mine is None or other is None:
        return "the tape was completed afterwards: the z-score on this bar was another one then"
    return "the tape was completed afterwards: prices of these bars were others then"


def _near(one: Mapping[str, float], two: Mapping[str, float]) -> bool:
    return one.keys() == two.keys() and all(
        math.isclose(one[symbol], two[symbol], rel_tol=NEAR, abs_tol=NEAR) for symbol in one
    )
