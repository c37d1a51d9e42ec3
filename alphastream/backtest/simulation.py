"""The event path: rows and trades as events, a strategy and a broker as their handlers.

A backtest hands over everything at once; paper trading hands over what has come. Both drive ``Simulation``, and both
get their rows from ``RowFold``.
"""

from collections.abc import Callable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from alphastream.backtest.acting import Acting
from alphastream.backtest.book_tapes import with_quotes
from alphastream.backtest.market import Market
from alphastream.bar_rows import QUOTES, BarRows, bar_columns
from alphastream.bars import PairRows
from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.graph import Graph, Node, Series, Source, interval_name, value_of
from alphastream.pairs import source_columns
from alphastream.strategies import BarsColumns, PairColumns, Strategy, Table
from alphastream.trading.broker.account import Account
from alphastream.trading.broker.costs import BrokerRules
from alphastream.trading.broker.depth import Levels
from alphastream.trading.broker.funding import Schedule
from alphastream.trading.broker.margin import Ended, ended_at
from alphastream.trading.broker.orders import Target
from alphastream.trading.broker.simulated import SimulatedBroker, Watch
from alphastream.trading.engine.clock import Moment, from_ns

CLOSES_FIRST: Final = 2  # orders that wait for a close meet it before the row that ends there is decided on
ROWS_THEN: Final = 1  # a trade at the very end of a row belongs to the next one: rows come before it


class RowsKey(NamedTuple):
    """Which rows a source reads: those of a pair, or whole bars of any number of instruments."""

    symbols: tuple[str, ...]
    interval_ns: int
    whole_bars: bool


Rows = Mapping[RowsKey, PairRows | BarRows]


class TradeEvent(msgspec.Struct, gc=False):
    """A leg traded: ``leg`` is its place among the symbols. A struct, because a tape has millions of them."""

    when_ns: int
    leg: int
    price: float
    quantity: float

    @property
    def when(self) -> Moment:
        """When it traded, UTC."""
        return from_ns(self.when_ns)


class BarRangeEvent(msgspec.Struct, gc=False):
    """A leg's bar is over, at its last moment ``when_ns``: its first price was at ``begin_ns``."""

    when_ns: int
    leg: int
    begin_ns: int
    open: float
    high: float
    low: float
    volume: float

    @property
    def when(self) -> Moment:
        """When it was over, UTC."""
        return from_ns(self.when_ns)


class BookEvent(msgspec.Struct, gc=False):
    """A leg's book was sampled: prices and quantities of bids and of offers, best first."""

    when_ns: int
    leg: int
    bids: Levels
    asks: Levels

    @property
    def when(self) -> Moment:
        """When it was so, UTC."""
        return from_ns(self.when_ns)


class RowFold:
    """Rows of pairs and instruments through one graph into tables of strategies: a fold, however the rows are split.

    Equal nodes of different strategies are one node. Series of longer bars (``as_of``) go first and are held on the
    rows of shorter ones.

    Parameters
    ----------
    strategies : whose series to compute.
    observe : further series by name.

    Attributes
    ----------
    graph : holds the states of all nodes.
    sources : rows that nodes read, those that others hold series of first.
    held : newest value of each series of longer bars.
    quoted : instruments of which bid or ask is read.
    states : of the strategies' own folds, None where one has none.
    """

    def __init__(self, strategies: Sequence[Strategy], observe: Mapping[str, Series] | None = None) -> None:
        self.strategies = tuple(strategies)
        self.observe = dict(observe or {})
        self._series = [{spec: dict(s.series(spec)) for spec in s.pairs} for s in self.strategies]
        named = [series for of in self._series for each in of.values() for series in each.values()]
        self.graph = Graph()
        self.sources: dict[Source, None] = {}
        self.held: dict[Series, float] = {}
        self.quoted: set[str] = set()
        for series in (*named, *self.observe.values()):
            self._want(series)
        self.states: list[Any] = [None] * len(self.strategies)

    def _want(self, series: Series) -> None:
        """Take in a series, what it is made of before it."""
        if series.held is not None:
            self._want(series.held)
            self.held.setdefault(series, float("nan"))
        elif isinstance(series.of, Node):
            for each in series.of.inputs:
                self._want(each)
            self.graph.add(series.of)
        elif series.of.price == "bars" and series.column.split()[-1] in QUOTES:
            self.quoted.update(series.of.symbols)
        self.sources.setdefault(series.source)

    @property
    def keys(self) -> tuple[RowsKey, ...]:
        """Rows that ``run`` needs."""
        own = (spec.source for strategy in self.strategies for spec in strategy.pairs)
        return tuple(dict.fromkeys(map(_key, (*own, *self.sources))))

    @property
    def symbols(self) -> tuple[str, ...]:
        """Instruments whose bars the rows are made of."""
        return tuple(dict.fromkeys(symbol for key in self.keys for symbol in key.symbols))

    def reads_quotes(self, key: RowsKey) -> bool:
        """Whether bid or ask of these rows may be read."""
        return key.whole_bars and not self.quoted.isdisjoint(key.symbols)

    def rows_of(self, market: Market) -> Rows:
        """All rows of a market. Bars that are held on shorter ones are made of those, as a live run makes them."""
        own = {spec.interval_ns for strategy in self.strategies for spec in strategy.pairs}
        own = own or {min((key.interval_ns for key in self.keys), default=1)}
        rows: dict[RowsKey, PairRows | BarRows] = {}
        for key in self.keys:
            of_ns = None if key.interval_ns in own else min(own)
            if key.whole_bars:
                rows[key] = found = market.bar_rows(key.symbols, key.interval_ns, of_ns)
                if self.reads_quotes(key) and market.books is not None:
                    rows[key] = with_quotes(found, market.books, key.interval_ns)
            else:
                y, x = key.symbols
                rows[key] = market.rows(y, x, key.interval_ns, of_ns)
        return rows

    def run(self, rows: Rows) -> tuple[list[Table], dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]]:
        """Fold new rows.

        Returns
        -------
        A table for each strategy; times and values of each observed series.
        """
        inputs: dict[Source, dict[str, Floats]] = {}
        outputs: dict[Node, Any] = {}

        def values(series: Series) -> NDArray[np.float64]:
            return np.asarray(value_of(series, inputs[series.source], outputs), dtype=np.float64)

        for source in self._in_order():
            own = rows[_key(source)]
            inputs[source] = columns = (
                bar_columns(own) if isinstance(own, BarRows) else source_columns(own, source.price)
            )
            for series, before in self.held.items():
                if series.source == source and series.held is not None:
                    of_ns, of = rows[_key(series.held.source)].end_ns, values(series.held)
                    columns[series.column] = _held(before, of, of_ns, own.end_ns)
                    self.held[series] = float(of[-1]) if len(of) else before
            outputs |= self.graph.run(source, columns)

        tables = []
        for place, strategy in enumerate(self.strategies):
            found = [
                _found(spec, rows[_key(spec.source)], {n: values(s) for n, s in self._series[place][spec].items()})
                for spec in strategy.pairs
            ]
            table, self.states[place] = strategy.table(found, self.states[place])
            tables.append(table)
        seen = {name: (rows[_key(s.source)].end_ns, values(s)) for name, s in self.observe.items()}
        return tables, seen

    def _in_order(self) -> list[Source]:
        """Sources, those that others hold series of before these."""
        needs: dict[Source, set[Source]] = {source: set() for source in self.sources}
        for series in self.held:
            if series.held is not None:
                needs[series.source].add(series.held.source)
        try:
            return list(TopologicalSorter(needs).static_order())
        except CycleError as error:
            names = " and ".join(dict.fromkeys(source.name for source in error.args[1]))
            raise ParameterError(f"{names} hold series of each other: decide on the rows of one of them") from error


def _held(before: float, values: Floats, at_ns: NDArray[np.int64], rows_ns: NDArray[np.int64]) -> Floats:
    """Values that are known at each of some moments: the newest at or before it, ``before`` where there is none yet."""
    known = np.concatenate(([before], values))
    return known[np.searchsorted(at_ns, rows_ns, side="right")]


def _found(spec: Any, rows: PairRows | BarRows, series: Mapping[str, Floats]) -> PairColumns | BarsColumns:
    return BarsColumns(spec, rows, series) if isinstance(rows, BarRows) else PairColumns(spec, rows, series)


class Simulation:
    """One strategy with its own account and broker, driven by a dispatcher.

    Parameters
    ----------
    strategy : decides on each row.
    rules : of the broker.
    capital : cash to begin with.
    schedule : calls a job at a moment; a dispatcher's, as a rule.
    watch : told which legs wait for trades; see ``SimulatedBroker``.

    Attributes
    ----------
    meet_trade : called with leg, time, price and quantity of a trade.
    meet_bar : with leg, last and first moment, open, high, low and volume of a bar.
    meet_book : with leg, time, bids and offers of a book.
    ended : how the account came to its end; None while it trades.
    first_job_ns : moment of the earliest job that it has ever asked for.
    must_end : a liquidation was begun in an earlier life: it goes on with the next row.
    """

    def __init__(
        self, strategy: Strategy, rules: BrokerRules, capital: float, schedule: Schedule, watch: Watch
    ) -> None:
        self.strategy = strategy
        self.account = Account(strategy.symbols, capital)
        self.first_job_ns = 2**63 - 1
        self.broker = SimulatedBroker(self.account, rules, self._scheduled, watch)
        self._schedule = schedule
        self.acting = Acting(strategy, self.account, self.broker)
        self._listens = self.acting.listens
        self._singles = self.broker.singles
        self.meet_trade: Callable[[int, int, float, float], None] = self._answered(self.broker.on_trade)
        self.meet_bar: Callable[[int, int, int, float, float, float, float], None] = self._answered(self.broker.on_bar)
        self.meet_book: Callable[[int, int, Levels, Levels], None] = self._answered(self.broker.on_book)
        self._decide = strategy.decide
        self._marks: list[float] = [float("nan")] * len(strategy.symbols)
        self._keeps_marks = rules.funding is not None
        self._excess = rules.margin.excess
        self.ended: Ended | None = None
        self.must_end = False

    def on_row(self, row: Any) -> None:
        """Look whether the margin does, then decide on a row, an event of ``Table.rows``."""
        if self._singles.open:
            self._singles.on_row(row.when_ns, row.marks)
        if self._listens:
            self.acting.on_row(row.when_ns, row.marks, row.volumes)
        if self._keeps_marks:
            self.settle(row.when_ns, row.marks)
        account = self.account
        at_stake = account.cash <= 0.0 or any(account.positions)
        if at_stake and (self.must_end or self._excess(account.cash, account.positions, row.marks) <= 0.0):
            account.bound_loss(row.when_ns)
            if self.ended is None:
                self._end(row)
        decision = self._decide(row, self.account)
        if decision is not None:
            if isinstance(decision, Target):  # by far the most
                self.broker.move(decision, row.when_ns, row.marks, row.volumes)
            else:
                self.acting.act(decision, row.when_ns, row.marks, row.volumes)
            if self._listens:
                self.acting.on_row(row.when_ns, row.marks, row.volumes)

    def on_trade(self, event: TradeEvent) -> None:
        """Let open orders meet a trade."""
        self.meet_trade(event.leg, event.when_ns, event.price, event.quantity)

    def on_bar(self, event: BarRangeEvent) -> None:
        """Let open orders meet a bar."""
        self.meet_bar(event.leg, event.when_ns, event.begin_ns, event.open, event.high, event.low, event.volume)

    def on_book(self, event: BookEvent) -> None:
        """Let open orders meet a book."""
        self.meet_book(event.leg, event.when_ns, event.bids, event.asks)

    def _answered(self, meet: Callable[..., None]) -> Callable[..., None]:
        """The same, and then what handlers answer."""
        if not self.acting.listens:
            return meet

        def meet_and_answer(leg: int, time_ns: int, *what: Any) -> None:
            meet(leg, time_ns, *what)
            self.acting.after(time_ns)

        return meet_and_answer

    def _scheduled(self, when_ns: int, job: Callable[[], object]) -> None:
        self.first_job_ns = min(self.first_job_ns, when_ns)
        if not self.acting.listens:
            self._schedule(when_ns, job)
            return

        def then_answer() -> None:
            job()
            self.acting.after(when_ns)

        self._schedule(when_ns, then_answer)

    def _end(self, row: Any) -> None:
        """Close everything and decide no more."""
        account, margin = self.account, self.broker.rules.margin
        self.ended = ended_at(margin, row.when_ns, account.symbols, account.cash, account.positions, row.marks)
        self.broker.liquidate(self.ended.reason, row.when_ns, row.marks, row.volumes)
        account.bound_loss(row.when_ns)  # orders at the close of this very row are filled by now
        self.halt()

    def halt(self) -> None:
        """Decide no more; orders that are open go on."""
        self._decide = _leave
        self.acting.stop()

    def settle(self, row_ns: int, marks: list[float]) -> None:
        """Book funding that fell due by a row."""
        if self.broker.funding.unsettled:
            self.broker.funding.settle(row_ns, marks, self._marks)
        self._marks = marks

    def finish(self) -> None:
        """Book funding that fell due after the last row, at its marks."""
        if self.broker.funding.unsettled:
            self.broker.funding.settle(2**63 - 1, self._marks, self._marks)


def _leave(row: Any, account: Account) -> None:
    """Leave things as they are."""


def require_one_interval(strategy: Strategy) -> int:
    """Length of the bars that a strategy decides on; series of longer ones are held on these."""
    lengths = {spec.interval_ns for spec in strategy.pairs}
    if len(lengths) != 1:
        shown = ", ".join(map(interval_name, sorted(lengths)))
        raise ParameterError(
            f"{strategy.name} reads bars of {shown or 'no length'}: give what it reads one interval, and take longer "
            "bars by as_of"
        )
    return int(lengths.pop())


def symbols_read(strategy: Strategy) -> tuple[str, ...]:
    """Instruments whose trades a strategy needs: those it trades, then those it only reads."""
    return tuple(dict.fromkeys((*strategy.symbols, *RowFold([strategy]).symbols)))


def warm_up_ns(strategy: Strategy) -> int:
    """Length of the bars before everything that a strategy reads is defined, if each node waited for those it reads."""
    graph = RowFold([strategy]).graph
    return max((_reach(graph, node) for node in graph.nodes()), default=0)


def _reach(graph: Graph, node: Node) -> int:
    own = graph.progress(node)[1] * node.source.interval_ns
    before = [series.held or series for series in node.inputs]
    return own + max((_reach(graph, each.of) for each in before if isinstance(each.of, Node)), default=0)


def _key(source: Source) -> RowsKey:
    return RowsKey(source.symbols, source.interval_ns, source.price == "bars")
