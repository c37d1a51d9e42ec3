"""A paper run beside the backtest of the same hours on the recorded tape."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from alphastream.backtest.comparison import Book, OrderDifference, Outage, compare
from alphastream.backtest.definition import Definition
from alphastream.backtest.market import TickMarket
from alphastream.backtest.result import RunResult, books
from alphastream.backtest.runner import backtest
from alphastream.backtest.simulation import symbols_read
from alphastream.books import MarketHistory, MarketView
from alphastream.carry import paid_between, recorded_funding
from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.tape.protocols import RecordedTape
from alphastream.tape.ring import Coverage
from alphastream.trading import Account, Fill, FundingPayment, RecordedFunding, SpreadOrder, VenueFunding


class PaperRecord(Protocol):
    """What a comparison needs of a paper run: what it was, and what it did until a moment."""

    @property
    def definition(self) -> Definition: ...
    @property
    def symbols(self) -> tuple[str, ...]: ...
    @property
    def warm_ns(self) -> int: ...
    @property
    def begin_ns(self) -> int: ...
    @property
    def until_ns(self) -> int: ...
    @property
    def orders(self) -> tuple[SpreadOrder, ...]: ...
    @property
    def fills(self) -> tuple[Fill, ...]: ...
    @property
    def funding(self) -> tuple[FundingPayment, ...]: ...
    @property
    def outages(self) -> tuple[Outage, ...]: ...
    @property
    def late(self) -> int: ...


@dataclass(frozen=True, slots=True, eq=False)
class Parity:
    """Both over T rows.

    Parameters
    ----------
    history : the backtest.
    paper : (T,), equity of the paper run at the ends of the rows; where the comparison begins it is the capital.
    differences : oldest first; their effects add up to the last of ``paper`` less that of the backtest.
    from_ns, until_ns : what was compared.
    shortened : the tape does not reach back to the beginning of the run any more.
    same_orders, same_fills : how many are equal in both.
    """

    history: RunResult
    paper: Floats
    differences: Sequence[OrderDifference]
    from_ns: int
    until_ns: int
    shortened: bool
    same_orders: int
    same_fills: int

    @property
    def gap(self) -> float:
        """Equity on paper less that of the backtest at the end."""
        return float(self.paper[-1] - self.history.equity[-1])

    @property
    def explained(self) -> float:
        """Sum of the effects of all differences."""
        return sum(each.effect for each in self.differences)


def parity(
    view: PaperRecord,
    tape: RecordedTape,
    market_view: MarketView | None = None,
    history_kept: MarketHistory | None = None,
) -> Parity:
    """Run the backtest of a paper run's hours and compare.

    Parameters
    ----------
    market_view, history_kept : sampled books and the venue's funding, for a run that uses them.

    Raises
    ------
    ParameterError : no bar has closed yet, or too little of the tape is left.
    """
    definition = view.definition
    legs = symbols_read(definition.strategy)
    from_ns, warm_ns = _beginning(view, [tape.coverage(symbol) for symbol in legs])
    if from_ns >= view.until_ns:
        raise ParameterError("no bar has closed since the beginning")
    ticks = {symbol: tape.columns(symbol, warm_ns, view.until_ns) for symbol in legs}
    rules = definition.rules
    if isinstance(rules.funding, VenueFunding):
        rules = replace(rules, funding=_paid(view, history_kept, from_ns))
    market = TickMarket(ticks, view.until_ns, market_view)
    history = backtest(market, definition.strategy, rules, capital=definition.capital, begin_ns=from_ns)
    ours = _since(view, from_ns)
    marks: Mapping[str, float] = dict(zip(history.symbols, history.marks[-1].tolist(), strict=True))
    found = compare(ours, Book(history.orders, history.fills, history.funding), marks, view.outages, view.late)
    account = Account(view.symbols, definition.capital)
    account.restore(ours.fills, ours.funding)
    _, _, equity = books(account, history.time_ns, history.marks)
    strange = {each.paper.id for each in found if each.paper is not None}
    same = {order.id for order in ours.orders} - strange
    return Parity(
        history=history,
        paper=equity,
        differences=found,
        from_ns=from_ns,
        until_ns=view.until_ns,
        shortened=warm_ns > view.warm_ns,
        same_orders=len(same),
        same_fills=sum(fill.order in same for fill in ours.fills),
    )


def paper_run(view: PaperRecord, found: Parity) -> RunResult:
    """The paper run itself over the rows of its comparison, with its own fills, positions and equity."""
    ours = _since(view, found.from_ns)
    account = Account(view.symbols, view.definition.capital)
    account.restore(ours.fills, ours.funding)
    positions, cash, equity = books(account, found.history.time_ns, found.history.marks)
    return replace(
        found.history,
        positions=positions,
        cash=cash,
        equity=equity,
        orders=tuple(ours.orders),
        fills=tuple(ours.fills),
        funding=tuple(ours.funding),
        ended=None,
    )


def _paid(view: PaperRecord, history: MarketHistory | None, from_ns: int) -> RecordedFunding:
    """What the venue paid, as far as a run can have booked it: payments whose mark is known."""
    found = {}
    for symbol in view.symbols if history is not None else ():
        assert history is not None
        payments = paid_between(history, symbol, from_ns, view.until_ns)
        found[symbol] = [payment for payment in payments if payment.mark == payment.mark]
    return recorded_funding(found)


def _beginning(view: PaperRecord, known: Sequence[Coverage | None]) -> tuple[int, int]:
    """From where on to compare, and from where on to warm up."""
    interval_ns = view.definition.strategy.pairs[0].interval_ns
    firsts = [each.first_ns for each in known if each is not None]
    if not firsts:
        raise ParameterError("the tape has no trade of these symbols")
    if min(firsts) < view.warm_ns + interval_ns:
        return view.begin_ns, view.warm_ns
    warm_ns = -(-max(firsts) // interval_ns) * interval_ns
    return _flat_from(view, max(view.begin_ns, warm_ns + view.begin_ns - view.warm_ns)), warm_ns


def _flat_from(view: PaperRecord, from_ns: int) -> int:
    """First moment from there on at which the run held nothing: a backtest begins with nothing."""
    account = Account(view.symbols, view.definition.capital)
    account.restore(view.fills, ())
    held = [0.0] * len(view.symbols)
    flat, since_ns = True, from_ns
    for time_ns, leg, units, _ in account.journal:
        if time_ns > from_ns and flat:
            break
        held[leg] = units
        flat, since_ns = not any(held), max(from_ns, time_ns)
    if not flat or since_ns >= view.until_ns:
        raise ParameterError(
            "what is left of the tape is too short: it is kept for some days only, and no moment in it is left at "
            "which the series were warm and the run held nothing"
        )
    return since_ns


def _since(view: PaperRecord, from_ns: int) -> Book:
    """Orders that were decided after a moment, their fills, and the funding since."""
    if from_ns == view.begin_ns:
        return Book(view.orders, view.fills, view.funding)
    orders = tuple(order for order in view.orders if order.decided_ns > from_ns)
    ids = {order.id for order in orders}
    fills = tuple(fill for fill in view.fills if fill.order in ids)
    return Book(orders, fills, tuple(payment for payment in view.funding if payment.time_ns > from_ns))
