"""The compiled path: the same strategies and rules as ``backtest``, a whole history in one call.

A history is made ready once (``pair_history``). Then every run is the strategy's series, each a fold over all rows, and
the books of ``kernel``.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Final, TypeAlias

import numpy as np

from alphastream.backtest import kernel
from alphastream.backtest.market import LegTrades
from alphastream.backtest.pair_history import PairHistory, ready
from alphastream.backtest.result import RunResult
from alphastream.bars import PairRows
from alphastream.core.compilation import loads_from_disk
from alphastream.core.types import Floats, Ints
from alphastream.errors import ParameterError
from alphastream.graph import Graph, Node
from alphastream.pairs import PairSpec, source_columns
from alphastream.performance import LoSharpe, lo_sharpe, returns
from alphastream.strategies import (
    BetaNeutral,
    FixedNotional,
    InnovationThreshold,
    Units,
    VolatilityTarget,
    ZScoreThreshold,
)
from alphastream.trading.broker.costs import BrokerRules, Contract, PowerImpact
from alphastream.trading.broker.margin import Ended, ended_at
from alphastream.trading.broker.orders import Fill, FundingPayment

PairStrategy: TypeAlias = ZScoreThreshold | InnovationThreshold

PIECE: Final = 1 << 16  # rows folded at once: memory fresh from the system costs more than the arithmetic on it


@dataclass(frozen=True, slots=True, eq=False)
class PairSeries:
    """What a strategy computes of its pair, (T,) each; ``leverage`` is (0,) unless the size asks for it."""

    zscore: Floats
    hedge_ratio: Floats
    leverage: Floats

    def cut(self, start: int, stop: int) -> "PairSeries":
        """Rows from ``start`` on, before ``stop``."""
        return PairSeries(*(getattr(self, item.name)[start:stop] for item in fields(self)))


@dataclass(frozen=True, slots=True, eq=False)
class FillTable:
    """Fills in order of time, (K,) each; a fill that turns a position is two lines.

    Parameters
    ----------
    row : that was decided on.
    leg : 0 for y, 1 for x.
    round_trip : number of the round trip.
    quantity : units, buying positive.
    trade_price, price : of the trade in the market; what was paid.
    fee, spread_cost, impact_cost : in the quote currency, costs positive.
    """

    row: Ints
    leg: Ints
    time_ns: Ints
    round_trip: Ints
    quantity: Floats
    trade_price: Floats
    price: Floats
    fee: Floats
    spread_cost: Floats
    impact_cost: Floats

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True, slots=True, eq=False)
class VectorisedRun:
    """What a run came to; amounts in the quote currency.

    Parameters
    ----------
    positions : (T, 2), units of y and x at the end of each row.
    cash, equity : (T,).
    fills : all of them.
    payments : (F,) funding received, negative where paid, in the order of ``history.market.due``.
    trades : round trips of which a leg was filled.
    observed : the strategy's z-score, hedge ratio and direction, (T,) each.
    ended : how the account came to its end, None where it did not.
    refused : decisions whose order was beyond the leverage limit; one that is adjusted on every row counts on each.
    refusal : the first of them with its numbers, None where there was none.
    """

    strategy: PairStrategy
    history: PairHistory
    capital: float
    positions: Floats
    cash: Floats
    equity: Floats
    fills: FillTable
    payments: Floats
    trades: int
    observed: Mapping[str, Floats]
    ended: Ended | None = None
    refused: int = 0
    refusal: str | None = None

    @property
    def sharpe(self) -> LoSharpe:
        """Sharpe ratio of a row over the autocorrelation of the rows; NaN after an end, or where nothing moved."""
        if self.ended is not None or self.equity.min() <= 0.0:
            return LoSharpe(math.nan, math.nan, math.nan, 0)
        held = np.count_nonzero(self.positions.any(axis=1))
        return lo_sharpe(returns(self.equity), holding_rows=held / max(self.trades, 1))

    @property
    def result(self) -> RunResult:
        """The same in the form of the event path. Orders are not kept: a fill's order counts decisions with fills."""
        rows, symbols = self.history.rows, self.strategy.symbols
        return RunResult(
            name=self.strategy.name,
            symbols=symbols,
            interval_ns=self.strategy.pair.interval_ns,
            capital=self.capital,
            time_ns=rows.end_ns,
            marks=np.column_stack((rows.y, rows.x)),
            positions=self.positions,
            cash=self.cash,
            equity=self.equity,
            orders=(),
            fills=_fill_values(self.fills, symbols),
            funding=self._funding(symbols),
            observed=self.observed,
            ended=self.ended,
        )

    def _funding(self, symbols: tuple[str, ...]) -> tuple[FundingPayment, ...]:
        due, table = self.history.market.due, self.fills
        found = []
        for at in np.flatnonzero(self.payments):
            leg, due_ns = int(due[at, kernel.DUE_LEG]), int(due[at, kernel.DUE])
            held = np.flatnonzero((table.leg == leg) & (table.time_ns < due_ns))
            round_trip = int(table.round_trip[held[-1]])
            found.append(FundingPayment(due_ns, symbols[leg], float(self.payments[at]), round_trip))
        return tuple(found)


def run_pair(history: PairHistory, strategy: PairStrategy, *, capital: float = 100_000.0) -> VectorisedRun:
    """Run a strategy over a history: the books that ``backtest`` keeps, without its events.

    Parameters
    ----------
    history : of the strategy's pair; see ``pair_history``.
    capital : cash at the beginning, in the quote currency.

    Raises
    ------
    ParameterError : a size that is none of ``Units``, ``FixedNotional``, ``BetaNeutral`` and ``VolatilityTarget``.
    """
    return keep_books(history, strategy, pair_series(history, strategy), capital)


def warm_up() -> None:
    """Compile the kernels, or load them from numba's cache: some twenty seconds the first time, tenths after."""
    ends, price = np.arange(1, 5, dtype=np.int64), np.array([1.0, 2.0, 4.0, 3.0])
    rows, tape = (
        PairRows(ends, price, price[::-1].copy(), ends, ends, price, price, ends, ends),
        LegTrades(ends, price, price),
    )
    strategy = ZScoreThreshold(PairSpec("y", "x", 1, "ols", 2, "price"))
    history = ready(rows, (tape, tape), ("y", "x"), BrokerRules())
    series = pair_series(history, strategy)
    run = keep_books(history, strategy, series, 1.0)
    record = kernel.FillRecord(np.empty((0, kernel.COLUMNS)), np.empty(0))
    inputs = (run.observed["direction"].reshape(1, -1), series.hedge_ratio, series.leverage, history.market)
    kernel.run_all(*inputs, terms_of(strategy, history.rules, 1.0), record, np.empty((1, kernel.STATISTICS)))


def is_compiled() -> bool:
    """Whether ``warm_up`` only loads: the machine code is on disk and made from the sources as they are now.

    Compiles nothing, and loads what it finds.
    """
    return loads_from_disk(warm_up)


def keep_books(
    history: PairHistory, strategy: PairStrategy, series: PairSeries, capital: float, direction: Floats | None = None
) -> VectorisedRun:
    """``run_pair`` with series that are known, and with the directions they lead to or with others."""
    if direction is None:
        direction = strategy.signal().run(series.zscore)[0].position
    rows, terms = len(history), terms_of(strategy, history.rules, capital)
    decisions = rows if strategy.rebalance else 1 + int(np.count_nonzero(direction[1:] != direction[:-1]))
    record = kernel.FillRecord(np.empty((4 * decisions + 1, kernel.COLUMNS)), np.zeros(len(history.market.rates)))
    positions, cash, equity = np.empty((rows, 2)), np.empty(rows), np.empty(rows)
    inputs = (direction, series.hedge_ratio, series.leverage, history.market, terms, record)
    lines, trades, books = kernel.run_ledger(*inputs, positions, cash, equity)
    return VectorisedRun(
        strategy=strategy,
        history=history,
        capital=capital,
        positions=positions,
        cash=cash,
        equity=equity,
        fills=_fill_table(record.fills[:lines], history.market),
        payments=record.payments,
        trades=int(trades),
        observed={"zscore": series.zscore, "hedge_ratio": series.hedge_ratio, "direction": direction},
        ended=_end_of(books, history, strategy.symbols),
        refused=int(books[kernel.REFUSALS]),
        refusal=history.rules.margin.refusal(*books[kernel.REFUSED : kernel.REFUSED + 3].tolist()),
    )


def _end_of(books: Floats, history: PairHistory, symbols: tuple[str, ...]) -> Ended | None:
    """How the account came to its end."""
    row = int(books[kernel.ENDED])
    if row < 0:
        return None
    rows, held = history.rows, books[kernel.POSITION_LEFT : kernel.POSITION_LEFT + 2].tolist()
    marks, cash = (float(rows.y[row]), float(rows.x[row])), float(books[kernel.CASH_LEFT])
    return ended_at(history.rules.margin, int(rows.end_ns[row]), symbols, cash, held, marks)


def pair_series(
    history: PairHistory, strategy: PairStrategy, columns: Mapping[str, Floats] | None = None
) -> PairSeries:
    """What a strategy computes of its pair, and nothing that it does not need.

    Parameters
    ----------
    columns : the source's columns, for those who run several strategies on it; None takes them from the rows.
    """
    spec = strategy.pair
    known = strategy.series(spec)
    of_size = strategy.sizer.series(spec)
    series = {name: known[name] for name in ("zscore", "hedge_ratio", *of_size)}
    nodes = {name: each.of for name, each in series.items() if isinstance(each.of, Node)}
    columns, rows = columns or source_columns(history.rows, spec.price), len(history)
    graph, found = Graph(nodes.values()), {name: np.empty(rows) for name in nodes}
    for start in range(0, rows, PIECE):  # what the estimators give beside these columns is gone before the next piece
        here = slice(start, start + PIECE)
        outputs = graph.run(spec.source, {name: values[here] for name, values in columns.items()})
        for name, node in nodes.items():
            found[name][here] = getattr(outputs[node], series[name].column)
    return PairSeries(found["zscore"], found["hedge_ratio"], _leverage(history, strategy, found))


def terms_of(strategy: PairStrategy, rules: BrokerRules, capital: float) -> kernel.Terms:
    """Sizes and costs for the kernels."""
    if not capital > 0.0:
        raise ParameterError(f"capital is {capital}: give an amount above 0, returns are measured against it")
    assert isinstance(rules.impact, PowerImpact)
    contracts = [rules.contract(symbol) for symbol in strategy.symbols]
    sizing, size = _sizing(strategy)

    def both(read: Callable[[Contract], float]) -> tuple[float, float]:
        y, x = (float(read(contract)) for contract in contracts)
        return y, x

    return kernel.Terms(
        capital=float(capital),
        sizing=sizing,
        size=float(size),
        of_logs=strategy.pair.price == "log",
        rebalance=strategy.rebalance,
        at_close=rules.fill in ("next_close", "same_close"),
        lot=both(lambda contract: contract.lot),
        tick=both(lambda contract: contract.tick),
        min_notional=both(lambda contract: contract.min_notional),
        fee_bps=float(rules.fees.fee_bps(maker=False)),
        half_spread_bps=float(rules.half_spread_bps),
        impact_bps=float(rules.impact.bps),
        impact_exponent=float(rules.impact.exponent),
        max_leverage=float(rules.margin.max_leverage),
        maintenance=float(rules.margin.maintenance),
        liquidation_fee_bps=float(rules.margin.liquidation_fee_bps),
    )


def _sizing(strategy: PairStrategy) -> tuple[int, float]:
    match strategy.sizer:
        case Units(quantity):
            return kernel.UNITS, quantity
        case FixedNotional(notional):
            return kernel.NOTIONAL, notional
        case BetaNeutral(gross):
            return kernel.GROSS, gross
        case VolatilityTarget():
            return kernel.LEVERAGE, 1.0
    raise ParameterError(
        f"the compiled path has no {type(strategy.sizer).__name__}: take Units, FixedNotional, BetaNeutral or "
        "VolatilityTarget, or use backtest"
    )


def _leverage(history: PairHistory, strategy: PairStrategy, found: Mapping[str, Floats]) -> Floats:
    """Value of y over equity that has the wanted deviation a year, (T,), NaN where that is not known; or (0,)."""
    sizer = strategy.sizer
    if not isinstance(sizer, VolatilityTarget):
        return np.empty(0)
    return sizer.leverages(found["hedge_ratio"], found, history.rows.y, strategy.pair)


def _fill_table(lines: Floats, market: kernel.KernelMarket) -> FillTable:
    row, leg, round_trip = lines[:, : kernel.QUANTITY].T.astype(np.int64)
    _, _, _, quantity, price, fee, spread, impact = lines.T.copy()
    return FillTable(
        row=row,
        leg=leg,
        time_ns=market.times[row, kernel.FILL_TIME + leg],
        round_trip=round_trip,
        quantity=quantity,
        trade_price=market.prices[row, kernel.FILL_PRICE + leg],
        price=price,
        fee=fee,
        spread_cost=spread,
        impact_cost=impact,
    )


def _fill_values(table: FillTable, symbols: tuple[str, ...]) -> tuple[Fill, ...]:
    orders = np.unique(table.row, return_inverse=True)[1] + 1
    return tuple(
        Fill(when, symbols[leg], quantity, price, trade_price, fee, spread, impact, order, round_trip)
        for leg, when, round_trip, quantity, trade_price, price, fee, spread, impact, order in zip(
            table.leg.tolist(),
            table.time_ns.tolist(),
            table.round_trip.tolist(),
            table.quantity.tolist(),
            table.trade_price.tolist(),
            table.price.tolist(),
            table.fee.tolist(),
            table.spread_cost.tolist(),
            table.impact_cost.tolist(),
            orders.tolist(),
            strict=True,
        )
    )
