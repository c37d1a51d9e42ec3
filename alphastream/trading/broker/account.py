"""The books of one strategy: cash, positions, and a record of everything that moved them."""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from alphastream.errors import ParameterError
from alphastream.trading.broker.costs import funding_amount
from alphastream.trading.broker.orders import Fill, FundingPayment, SpreadOrder


class Account:
    """Cash and positions. Strategies read it; the broker alone books.

    Parameters
    ----------
    symbols : what may be held, in the order that positions have.
    capital : cash to begin with, in the quote currency.

    Attributes
    ----------
    cash : quote currency; selling short pays in, as the venue's collateral does.
    positions : units of each symbol, short negative.
    direction : of the last target: 1 long the spread, -1 short, 0 flat.
    round_trip : round trips begun.
    leg_round_trips : round trip that each position belongs to.
    journal : (time_ns, leg, position, cash) after each fill and funding payment.
    list_open : lists the orders of the account that are open; the broker's.
    """

    __slots__ = (
        "capital",
        "cash",
        "direction",
        "fills",
        "funding",
        "journal",
        "leg_round_trips",
        "list_open",
        "positions",
        "round_trip",
        "symbols",
    )

    def __init__(self, symbols: Sequence[str], capital: float) -> None:
        if not capital > 0.0:
            raise ParameterError(f"capital is {capital}: give an amount above 0, returns are measured against it")
        self.symbols = tuple(symbols)
        self.capital = self.cash = float(capital)
        self.positions = [0.0] * len(self.symbols)
        self.direction = 0
        self.round_trip = 0
        self.leg_round_trips = [0] * len(self.symbols)
        self.fills: list[Fill] = []
        self.funding: list[FundingPayment] = []
        self.journal: list[tuple[int, int, float, float]] = []
        self.list_open: Callable[[], tuple[SpreadOrder, ...]] = tuple

    @property
    def open_orders(self) -> tuple[SpreadOrder, ...]:
        """Orders that wait, whole or in part, oldest first. Not to be written."""
        return self.list_open()

    def open_orders_of(self, symbol: str) -> tuple[SpreadOrder, ...]:
        """Those of them with a leg of a symbol that waits."""
        return tuple(
            order
            for order in self.list_open()
            if any(leg.symbol == symbol and leg.state == "open" for leg in order.legs)
        )

    def restore(self, fills: Iterable[Fill], funding: Iterable[FundingPayment]) -> None:
        """Take over the records of an earlier life, oldest first; the account must be new."""
        entries: list[Fill | FundingPayment] = sorted((*fills, *funding), key=lambda entry: entry.time_ns)
        for entry in entries:
            leg = self.symbols.index(entry.symbol)
            if isinstance(entry, Fill):
                self.cash -= entry.quantity * entry.price + entry.fee
                self.positions[leg] = _without_dust(self.positions[leg] + entry.quantity, entry.quantity)
                self.leg_round_trips[leg] = entry.round_trip
                self.fills.append(entry)
            else:
                self.cash += entry.amount
                self.funding.append(entry)
            self.round_trip = max(self.round_trip, entry.round_trip)
            self.journal.append((entry.time_ns, leg, self.positions[leg], self.cash))

    def equity(self, marks: Sequence[float]) -> float:
        """Cash and positions at these prices; a symbol without a position needs none."""
        return self.cash + sum(held * mark for held, mark in zip(self.positions, marks, strict=True) if held)

    def gross(self, marks: Sequence[float]) -> float:
        """Value of all positions, short ones counted like long ones."""
        return sum(abs(held) * mark for held, mark in zip(self.positions, marks, strict=True) if held)

    def held_before(self, leg: int, time_ns: int) -> tuple[float, int]:
        """Units of a symbol that were held when a moment came, and the round trip that they belonged to."""
        held = next((units for when, of, units, _ in reversed(self.journal) if of == leg and when < time_ns), 0.0)
        symbol = self.symbols[leg]
        trips = (fill.round_trip for fill in reversed(self.fills) if fill.symbol == symbol and fill.time_ns < time_ns)
        return held, next(trips, 0)

    def book(self, leg: int, fill: Fill, goal: float | None = None) -> None:
        """Move cash and the position of a leg. A fill that crosses zero closes one round trip and opens the next.

        Parameters
        ----------
        fill : its ``round_trip`` is that of what it opens, 0 for one of the symbol's own.
        goal : the position that a last fill leads to, which sums of fills may miss by a rounding.
        """
        held = self.positions[leg]
        after = _without_dust(held + fill.quantity if goal is None else goal, fill.quantity)
        self.cash -= fill.quantity * fill.price + fill.fee
        self.positions[leg] = after
        self.journal.append((fill.time_ns, leg, after, self.cash))
        if held * after < 0.0:
            closing = -held / fill.quantity
            self.fills.append(_part(fill, closing, self.leg_round_trips[leg]))
            fill = _part(fill, 1.0 - closing, fill.round_trip)
            held = 0.0
        if not held:
            if not fill.round_trip:
                self.round_trip += 1
            self.leg_round_trips[leg] = fill.round_trip or self.round_trip
        round_trip = self.leg_round_trips[leg]
        self.fills.append(fill if fill.round_trip == round_trip else _part(fill, 1.0, round_trip))

    def bound_loss(self, time_ns: int) -> None:
        """Bring cash that is below 0 without a position back to 0: nobody loses what he does not have.

        The fee of the last fill becomes less by as much, as the venue's insurance fund pays for it.
        """
        if self.cash >= 0.0 or any(self.positions):
            return
        last = self.fills[-1]
        self.fills[-1] = msgspec.structs.replace(last, fee=last.fee + self.cash)
        self.cash = 0.0
        moved_ns, leg, held, _ = self.journal[-1]
        self.journal.append((max(time_ns, moved_ns), leg, held, 0.0))

    def settle(self, leg: int, position: float, mark: float, rate: float, time_ns: int, round_trip: int) -> None:
        """Pay or receive funding for a position that was held at a moment."""
        amount = funding_amount(position, mark, rate)
        self.cash += amount
        when_ns = max(time_ns, self.journal[-1][0])  # what was filled since then comes before it here
        self.journal.append((when_ns, leg, self.positions[leg], self.cash))
        self.funding.append(FundingPayment(time_ns, self.symbols[leg], amount, round_trip))


def _without_dust(position: float, units: float) -> float:
    """A position after a fill of some units; what is left of it by rounding alone is nothing."""
    return 0.0 if abs(position) <= 1e-12 * abs(units) else position


def _part(fill: Fill, part: float, round_trip: int) -> Fill:
    return msgspec.structs.replace(
        fill,
        quantity=fill.quantity * part,
        fee=fill.fee * part,
        spread_cost=fill.spread_cost * part,
        impact_cost=fill.impact_cost * part,
        round_trip=round_trip,
    )
