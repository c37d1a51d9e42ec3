"""A paper run as pages see it, and the pipeline that a run reads."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

from alphastream.backtest import Definition, LiveRun, Outage, symbols_read
from alphastream.backtest.own_code import OwnCode
from alphastream.books import MarketHistory, MarketView
from alphastream.tape.protocols import Tape
from alphastream.trading import Account, Fill, FundingPayment, SpreadOrder
from runtime.paper.record import RunRecord

Status = Literal["starting", "waiting", "running", "closing", "stopped"]


class Clock(Protocol):
    """The time that the data lives in."""

    def now_ns(self) -> int: ...


class TradeSource(Clock, Protocol):
    """Where trades come from."""

    @property
    def title(self) -> str: ...
    @property
    def store(self) -> Tape: ...
    @property
    def symbols(self) -> tuple[str, ...]: ...
    @property
    def venue(self) -> str: ...
    @property
    def market(self) -> MarketView | None: ...
    @property
    def market_history(self) -> MarketHistory | None: ...
    def address_of(self, names: Iterable[str]) -> str:
        """Hosts that trades of these instruments come from, joined where there are several; "" for a recording."""


class Place(Protocol):
    """What knows where the trades of a run come from."""

    @property
    def definition(self) -> Definition: ...

    @property
    def venue(self) -> str: ...
    @property
    def address(self) -> str: ...


@dataclass(frozen=True, slots=True, eq=False)
class PaperView:
    """A run at a moment. Amounts in the quote currency, times in UTC nanoseconds.

    Parameters
    ----------
    status, why : "starting", "waiting" for the trades it is meant for, "running", "closing" its positions, "stopped".
    warm_ns, begin_ns, until_ns : first bar that series saw, beginning of the decisions, how far the tape was played.
    marks : last prices, NaN before the first row.
    outages : when it did not run.
    late : trades that came after their bar had closed.
    ended : its account was liquidated, or had nothing left: it cannot go on.
    damaged : its file is damaged, and it is known up to there: it cannot go on.
    venue, address : where its trades come from; "" where that is not known.
    unsaved : why what it did last is in memory only; "" while all of it is on disk.
    unpaid : funding of the venue that could not be booked, in a sentence; "" where there is none.
    code : the classes of others that it goes on with; ``other_code`` tells what of them is not there as it was.
    """

    id: str
    definition: Definition
    trades: str
    title: str
    status: Status
    why: str
    warm_ns: int
    begin_ns: int
    until_ns: int
    symbols: tuple[str, ...]
    positions: tuple[float, ...]
    marks: tuple[float, ...]
    cash: float
    orders: tuple[SpreadOrder, ...]
    fills: tuple[Fill, ...]
    funding: tuple[FundingPayment, ...]
    outages: tuple[Outage, ...]
    late: int
    ended: bool = False
    damaged: bool = False
    venue: str = ""
    address: str = ""
    unsaved: str = ""
    unpaid: str = ""
    code: tuple[OwnCode, ...] = ()

    @property
    def equity(self) -> float:
        """Cash and positions at the last prices; NaN where one of a position is not known."""
        held = zip(self.positions, self.marks, strict=True)
        return self.cash + sum(units * mark for units, mark in held if units)

    @property
    def maintenance(self) -> float:
        """Equity at which everything is closed, at the last prices; NaN where one of a position is not known."""
        held = zip(self.positions, self.marks, strict=True)
        return self.definition.rules.margin.maintenance * sum(abs(units * mark) for units, mark in held if units)

    @property
    def liquidation_prices(self) -> tuple[float | None, ...]:
        """Price of each symbol at which that comes about, the others at their last prices; see ``Margin``."""
        return self.definition.rules.margin.liquidation_prices(self.cash, self.positions, self.marks)

    @property
    def open_orders(self) -> tuple[SpreadOrder, ...]:
        """Orders with a leg that waits."""
        return tuple(order for order in self.orders if order.is_open)


def view_of(name: str, record: RunRecord, status: Status, why: str, live: LiveRun | None, late: int) -> PaperView:
    """A run as it stands; without a live part, as its file has it."""
    symbols = record.definition.strategy.symbols
    if live is None:
        account = Account(symbols, record.definition.capital)
        account.restore(record.fills, record.funding)
        known = () if record.state is None else record.state.marks
        marks = tuple(math.nan if price is None else price for price in known) or (math.nan,) * len(symbols)
        until_ns = record.until_ns
    else:
        account = live.simulation.account
        marks = marks_of(live)
        until_ns = live.until_ns
    return PaperView(
        id=name,
        definition=record.definition,
        trades=record.begin.trades,
        title=record.begin.title,
        status=status,
        why=why,
        warm_ns=record.begin.warm_ns,
        begin_ns=record.begin.begin_ns,
        until_ns=until_ns,
        symbols=symbols,
        positions=tuple(account.positions),
        marks=marks,
        cash=account.cash,
        orders=tuple(record.orders.values()),
        fills=tuple(record.fills),
        funding=tuple(record.funding),
        outages=tuple(record.outages),
        late=late,
        ended=record.ended,
        damaged=record.damage is not None,
        venue=record.venue,
        address=record.address,
        code=record.code,
    )


def elsewhere(run: Place, pipeline: TradeSource) -> str:
    """Why a run cannot go on in a pipeline that reads another venue or another host; "" where it can."""
    address = pipeline.address_of(legs_of(run.definition))
    places = (run.venue, pipeline.venue), (run.address, address)
    if all(there == here or not (there and here) for there, here in places):
        return ""
    began, now = (" at ".join(filter(None, place)) for place in ((run.venue, run.address), (pipeline.venue, address)))
    return (
        f"for trades of {began}, where it began. The app reads {now} now: start it there again, "
        "or stop this run and begin another"
    )


def marks_of(live: LiveRun) -> tuple[float, ...]:
    """Last prices of what a run trades, NaN before the first row."""
    return (math.nan,) * len(live.strategy.symbols) if live.row is None else tuple(live.row.marks)


def legs_of(definition: Definition) -> tuple[str, ...]:
    """Symbols that a run needs trades of: those it trades, and those its pairs read."""
    return symbols_read(definition.strategy)
