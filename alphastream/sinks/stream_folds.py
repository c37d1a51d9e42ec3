"""Estimators, pairs and strategies as folds of a stream engine: the objects that run in one process, unchanged."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final

import msgspec
import numpy as np

from alphastream.backtest.simulation import RowFold, Simulation, TradeEvent, require_one_interval
from alphastream.bars import Bars, PairRows, align
from alphastream.errors import ParameterError
from alphastream.estimators.fold import Estimator, Fold, State
from alphastream.graph import Graph, Node, Source
from alphastream.pairs import PairSpec, beside_prices, nodes_of, pair_columns, series_of, source_columns
from alphastream.sinks.stateful import Columns
from alphastream.strategies import Strategy, Table
from alphastream.trading.broker.broker_state import BrokerState, resume, state_of
from alphastream.trading.broker.costs import BrokerRules
from alphastream.trading.broker.margin import Ended

_WHOLE: Final = ("start_ns", "trades", "first_ns", "last_ns")
BAR_COLUMNS: Final = {each.name: np.dtype(np.int64 if each.name in _WHOLE else np.float64) for each in fields(Bars)}
"""What rows of bars need beside ``symbol``: those of ``Bars``."""


@dataclass(frozen=True, slots=True)
class EstimatorFold:
    """An estimator over rows with ``time_ns``, which orders them, and its inputs; its outputs stand beside the time."""

    estimator: Estimator[Any]

    @property
    def symbols(self) -> tuple[str, ...]:
        """None: the rows of a key are its own."""
        return ()

    @property
    def parts(self) -> tuple[object, ...]:
        """The estimator."""
        return (self.estimator,)

    def run(self, rows: Columns, memory: Columns | None) -> tuple[Columns, Columns, int]:
        """See ``StreamFold``."""
        estimator = self.estimator
        assert isinstance(estimator, Fold)
        kinds = {"time_ns": np.dtype(np.int64), **dict.fromkeys(estimator.inputs, np.dtype(np.float64))}
        newest = None if memory is None else memory["time_ns"]
        new, skipped = _new_rows(rows, kinds, newest)
        state = None if memory is None else State(estimator, memory["values"])
        out, after = estimator.run(*(new[name] for name in estimator.inputs), state=state)
        outputs = {name: getattr(out, name) for name in estimator.row_type.__match_args__}
        times = new["time_ns"]
        newest = times[-1:] if len(times) else np.empty(0, np.int64) if newest is None else newest
        return {"time_ns": times, **outputs}, {"time_ns": newest, "values": after.values}, skipped


@dataclass(frozen=True, slots=True)
class PairFold:
    """Everything about a pair, from bars of its legs: what ``analyse`` has in ``closed``, row by row."""

    spec: PairSpec

    @property
    def symbols(self) -> tuple[str, ...]:
        """Both legs."""
        return self.spec.y, self.spec.x

    @property
    def parts(self) -> tuple[object, ...]:
        """The pair."""
        return (self.spec,)

    def run(self, rows: Columns, memory: Columns | None) -> tuple[Columns, Columns, int]:
        """See ``StreamFold``."""
        spec, graph = self.spec, Graph(nodes_of(self.spec))
        closed, bars, skipped, _ = _closed_rows(self.symbols, spec.interval_ns, rows, memory)
        _restore(graph, (spec.source,), memory)
        outputs = graph.run(spec.source, source_columns(closed, spec.price))
        return pair_columns(spec, closed, outputs), bars | _states(graph), skipped


@dataclass(frozen=True, slots=True)
class StrategyFold:
    """A strategy on one pair, with a broker and an account, from bars of its legs.

    Output rows have what ``PairFold`` gives, the strategy's own columns (``strategy_zscore`` and so on), and at the
    end of each row ``y_position``, ``x_position``, ``cash`` and ``equity``: those of ``backtest`` over the same bars.

    Parameters
    ----------
    rules : fills at the next or the same close, without time limits and funding: nothing happens between two rows.
    capital : in the quote currency.

    Raises
    ------
    ParameterError : the strategy does not trade the two legs of one pair, or rules of another kind.
    """

    strategy: Strategy
    rules: BrokerRules = field(default_factory=lambda: BrokerRules(fill="next_close"))
    capital: float = 100_000.0

    def __post_init__(self) -> None:
        strategy, rules = self.strategy, self.rules
        legs = [spec.source.symbols for spec in strategy.pairs]
        if legs != [strategy.symbols] or len(keys := RowFold([strategy]).keys) != 1 or keys[0].whole_bars:
            raise ParameterError(
                f"{strategy.name} reads {legs}: keyed by pair it reads the rows of one and trades its legs"
            )
        if rules.fill not in ("next_close", "same_close") or rules.timeout_ns is not None or rules.funding is not None:
            raise ParameterError("rows of bars know closes: use fill='next_close', no timeout_ns and no funding")

    @property
    def symbols(self) -> tuple[str, ...]:
        """Both legs."""
        return self.strategy.symbols

    @property
    def parts(self) -> tuple[object, ...]:
        """What decides, and what it trades with."""
        return self.strategy, self.rules, self.capital

    def run(self, rows: Columns, memory: Columns | None) -> tuple[Columns, Columns, int]:
        """See ``StreamFold``."""
        (spec,) = self.strategy.pairs
        fold = RowFold([self.strategy], series_of(spec))
        interval_ns = require_one_interval(self.strategy)
        closed, bars, skipped, legs = _closed_rows(self.symbols, interval_ns, rows, memory)
        _restore(fold.graph, fold.sources, memory)
        (table,), seen = fold.run(dict.fromkeys(fold.keys, closed))
        if fold.states != [None]:
            raise ParameterError(f"{self.strategy.name} folds rows by itself: only states of estimators can be kept")
        simulation = _resumed(self.strategy, self.rules, self.capital, memory)
        books = _play(simulation, table, closed, [_by_end(leg, interval_ns) for leg in legs])
        decided = {**table.recorded, **table.columns}  # some have names of the pair's own series, and other values
        own = {f"strategy_{name}": values for name, values in decided.items() if values.ndim == 1}
        out = {**beside_prices(closed, {name: values for name, (_, values) in seen.items()}), **own, **books}
        saved = np.frombuffer(msgspec.msgpack.encode(_saved(simulation)), np.uint8)
        return out, bars | _states(fold.graph) | {"broker": saved}, skipped


class _Simulated(msgspec.Struct, frozen=True):
    broker: BrokerState
    ended: Ended | None


def _saved(simulation: Simulation) -> _Simulated:
    return _Simulated(state_of(simulation.broker), simulation.ended)


def _resumed(strategy: Strategy, rules: BrokerRules, capital: float, memory: Columns | None) -> Simulation:
    simulation = Simulation(strategy, rules, capital, _nothing_is_due, lambda _leg, _from_ns: None)
    if memory is not None:
        saved = msgspec.msgpack.decode(memory["broker"].tobytes(), type=_Simulated)
        resume(simulation.broker, saved.broker)
        if saved.ended is not None:
            simulation.ended = saved.ended
            simulation.halt()
    return simulation


def _nothing_is_due(when_ns: int, job: Callable[[], object]) -> None:
    raise AssertionError(f"{job} at {when_ns}: rules without time limits and funding schedule nothing")


def _by_end(bars: Bars, interval_ns: int) -> dict[int, tuple[int, float, float, float, float]]:
    """Beginning, open, high, low and volume of bars, by their ends."""
    columns = bars.start_ns, bars.open, bars.high, bars.low, bars.volume
    return {start + interval_ns: (start, *what) for start, *what in zip(*(c.tolist() for c in columns), strict=True)}


def _play(
    simulation: Simulation,
    table: Table,
    rows: PairRows,
    bars: Sequence[Mapping[int, tuple[int, float, float, float, float]]],
) -> Columns:
    """Let orders meet the bars and closes of each row, then decide on it; the account's books at the end of each."""
    closes = [
        [each.tolist() for each in leg]
        for leg in ((rows.y_trades, rows.y, rows.y_volume), (rows.x_trades, rows.x, rows.x_volume))
    ]
    positions, cash = np.zeros((len(table), 2)), np.zeros(len(table))
    for at, row in enumerate(table.rows()):
        for leg, of_leg in enumerate(bars):
            if row.when_ns in of_leg:
                simulation.meet_bar(leg, row.when_ns - 1, *of_leg[row.when_ns])
        for leg, (trades, price, volume) in enumerate(closes):
            if trades[at]:
                simulation.on_trade(TradeEvent(row.when_ns, leg, price[at], volume[at]))
        simulation.on_row(row)
        positions[at], cash[at] = simulation.account.positions, simulation.account.cash
    worth = np.where(positions != 0.0, positions * table.marks, 0.0).sum(axis=1)
    equity = np.maximum(cash + worth, 0.0)
    return {"y_position": positions[:, 0], "x_position": positions[:, 1], "cash": cash, "equity": equity}


def _closed_rows(
    legs: Sequence[str], interval_ns: int, rows: Columns, memory: Columns | None
) -> tuple[PairRows, dict[str, Any], int, list[Bars]]:
    """Rows that new bars close, what to remember of bars, how many bars were left out, and the bars of each leg.

    A row is closed when bars of both legs reach its end: no clock decides, so it does not matter when bars arrived.
    """
    after_ns = 0 if memory is None else int(memory["closed_ns"])
    known, skipped = [], 0
    for leg, symbol in zip("yx", legs, strict=True):
        held = None if memory is None else _leg(memory, leg)
        mine = {name: rows[name][rows["symbol"] == symbol] for name in BAR_COLUMNS if name in rows} if rows else {}
        new, left_out = _new_rows(mine, BAR_COLUMNS, None if held is None else held.start_ns, "start_ns")
        bars = Bars(**new)
        known.append(
            bars
            if held is None
            else Bars(*(np.concatenate(both) for both in zip(_arrays(held), _arrays(bars), strict=True)))
        )
        skipped += left_out
    y, x = known
    until_ns = min(int(y.start_ns[-1]), int(x.start_ns[-1])) + interval_ns if len(y) and len(x) else after_ns
    closed = align(y, x, interval_ns, after_ns=after_ns, until_ns=until_ns)
    kept: dict[str, Any] = {"closed_ns": np.array(until_ns)}
    for leg, bars in zip("yx", known, strict=True):
        first = max(int(np.searchsorted(bars.start_ns, until_ns)) - 1, 0)  # the price of later rows without a trade
        kept |= {f"{leg}.{name}": getattr(bars, name)[first:] for name in BAR_COLUMNS}
    return closed, kept, skipped, known


def _leg(memory: Columns, leg: str) -> Bars:
    return Bars(**{name: memory[f"{leg}.{name}"] for name in BAR_COLUMNS})


def _arrays(bars: Bars) -> list[Any]:
    return [getattr(bars, name) for name in BAR_COLUMNS]


def _new_rows(
    rows: Columns, kinds: Mapping[str, np.dtype[Any]], newest: Any, time: str = "time_ns"
) -> tuple[dict[str, Any], int]:
    """Rows after the newest that is known, by time, each once; and how many were left out."""
    if not rows:
        return {name: np.empty(0, kind) for name, kind in kinds.items()}, 0
    if missing := [name for name in kinds if name not in rows]:
        raise ParameterError(f"rows lack {', '.join(missing)}: they have {', '.join(rows)}")
    columns = {name: np.asarray(rows[name], kind) for name, kind in kinds.items()}
    times, first = np.unique(columns[time], return_index=True)
    later = first if newest is None or not len(newest) else first[times > newest[-1]]
    return {name: values[later] for name, values in columns.items()}, len(columns[time]) - len(later)


def _states(graph: Graph) -> dict[str, Any]:
    return {node.name: graph.state(node).values for node in graph.nodes()}


def _restore(graph: Graph, sources: Sequence[Source] | Mapping[Source, None], memory: Columns | None) -> None:
    if memory is None:
        return
    for source in sources:
        states: dict[Node, State] = {}
        for node in graph.nodes(source):
            assert isinstance(node.estimator, Fold)
            states[node] = State(node.estimator, memory[node.name])
        graph.restore(source, states)
