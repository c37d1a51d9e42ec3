"""The event path: rows and trades as events, a strategy and a broker as their handlers.

A backtest hands over everything at once; paper trading hands over what has come. Both drive ``Simulation``, and both
get their rows from ``RowFold``.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from alphastream.bars import PairRows
from alphastream.errors import ParameterError
from alphastream.graph import Graph, Node, Series, Source
from alphastream.pairs import PairSpec, source_columns
from alphastream.strategies import PairColumns, Strategy, Table
from alphastream.trading.broker.account import Account
from alphastream.trading.broker.costs import BrokerRules
from alphastream.trading.broker.depth import Levels
from alphastream.trading.broker.funding import Schedule
from alphastream.trading.broker.margin import Ended, ended_at
from alphastream.trading.broker.orders import SpreadRequest
from alphastream.trading.broker.simulated import SimulatedBroker, Watch
from alphastream.trading.engine.clock import Moment, from_ns

CLOSES_FIRST: Final = 2  # orders that wait for a close meet it before the row that ends there is decided on
ROWS_THEN: Final = 1  # a trade at the very end of a row belongs to the next one: rows come before it

Rows = Mapping[tuple[str, str, int], PairRows]
"""Rows by dependent leg, hedge leg and interval."""


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
    """Rows of pairs through one graph into the tables of some strategies: a fold, however the rows are split.

    Equal nodes of different strategies are one node.

    Parameters
    ----------
    strategies : whose series to compute.
    observe : further series by name.

    Attributes
    ----------
    graph : holds the states of all nodes.
    sources : rows that nodes read.
    states : of the strategies' own folds, None where one has none.
    """

    def __init__(self, strategies: Sequence[Strategy], observe: Mapping[str, Series] | None = None) -> None:
        self.strategies = tuple(strategies)
        self.observe = dict(observe or {})
        self._series = [{spec: dict(s.series(spec)) for spec in s.pairs} for s in self.strategies]
        wanted = [series for of in self._series for named in of.values() for series in named.values()]
        self.graph = Graph(dict.fromkeys(s.of for s in (*wanted, *self.observe.values()) if isinstance(s.of, Node)))
        self.sources = dict.fromkeys(series.source for series in (*wanted, *self.observe.values()))
        self.states: list[Any] = [None] * len(self.strategies)

    @property
    def keys(self) -> tuple[tuple[str, str, int], ...]:
        """Rows that ``run`` needs."""
        own = (_key(spec.source) for strategy in self.strategies for spec in strategy.pairs)
        return tuple(dict.fromkeys((*own, *map(_key, self.sources))))

    def run(self, rows: Rows) -> tuple[list[Table], dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]]:
        """Fold new rows.

        Returns
        -------
        A table for each strategy; times and values of each observed series.
        """
        inputs = {source: source_columns(rows[_key(source)], source.price) for source in self.sources}
        outputs: dict[Node, Any] = {}
        for source, columns in inputs.items():
            outputs |= self.graph.run(source, columns)

        def values(series: Series) -> NDArray[np.float64]:
            column = inputs[series.source] if isinstance(series.of, Source) else outputs[series.of]
            found = column[series.column] if isinstance(column, dict) else getattr(column, series.column)
            return np.asarray(found, dtype=np.float64)

        tables = []
        for place, strategy in enumerate(self.strategies):
            found = [
                PairColumns(spec, rows[_key(spec.source)], {n: values(s) for n, s in self._series[place][spec].items()})
                for spec in strategy.pairs
            ]
            table, self.states[place] = strategy.table(found, self.states[place])
            tables.append(table)
        seen = {name: (rows[_key(s.source)].end_ns, values(s)) for name, s in self.observe.items()}
        return tables, seen


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
    ended : how the account came to its end; None while it trades.
    must_end : a liquidation was begun in an earlier life: it goes on with the next row.
    """

    def __init__(
        self, strategy: Strategy, rules: BrokerRules, capital: float, schedule: Schedule, watch: Watch
    ) -> None:
        self.strategy = strategy
        self.account = Account(strategy.symbols, capital)
        self.broker = SimulatedBroker(self.account, rules, schedule, watch)
        self._decide = strategy.decide
        self._marks: list[float] = [float("nan")] * len(strategy.symbols)
        self._keeps_marks = rules.funding is not None
        self._excess = rules.margin.excess
        self.ended: Ended | None = None
        self.must_end = False

    def on_row(self, row: Any) -> None:
        """Look whether the margin does, then decide on a row, an event of ``Table.rows``."""
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
            act = self.broker.request if isinstance(decision, SpreadRequest) else self.broker.move
            act(decision, row.when_ns, row.marks, row.volumes)  # type: ignore[arg-type]

    def on_trade(self, event: TradeEvent) -> None:
        """Let open orders meet a trade."""
        self.broker.on_trade(event.leg, event.when_ns, event.price, event.quantity)

    def on_book(self, event: BookEvent) -> None:
        """Let open orders meet a book."""
        self.broker.on_book(event.leg, event.when_ns, event.bids, event.asks)

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
    """Interval of a strategy's pairs."""
    lengths = {spec.interval_ns for spec in strategy.pairs}
    if len(lengths) != 1:
        raise ParameterError(f"{strategy.name} has bars of {len(lengths)} lengths: give all its pairs one interval")
    return lengths.pop()


def _key(source: Source | PairSpec) -> tuple[str, str, int]:
    spec = source.source if isinstance(source, PairSpec) else source
    y, x = spec.symbols
    return y, x, spec.interval_ns
