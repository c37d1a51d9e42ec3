"""History through the event path: ``backtest(market, strategy)``."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alphastream.backtest.market import BarMarket, Market, Tape
from alphastream.backtest.result import RunResult, result_of
from alphastream.backtest.simulation import (
    CLOSES_FIRST,
    ROWS_THEN,
    RowFold,
    Simulation,
    TradeEvent,
    require_one_interval,
)
from alphastream.errors import ParameterError
from alphastream.graph import Series
from alphastream.strategies import Strategy, Table
from alphastream.trading.backtesting import BacktestingDispatcher
from alphastream.trading.costs import BrokerRules
from alphastream.trading.events import Dated
from alphastream.trading.sources import EventSource, FifoQueueEventSource

FEW: Final = 20  # orders that may miss their trade before a run says so
CHUNK: Final = 128  # rows made ahead: few enough that the garbage collector does not see them


class TableSource(FifoQueueEventSource):
    """Rows of a table, one after another; events are made some thousands at a time."""

    in_order = True

    def __init__(self, table: Table) -> None:
        super().__init__(priority=ROWS_THEN)
        self._events = table.rows()

    def pop(self) -> Dated | None:
        """The next row, and some more into the queue."""
        self._queue.extend(islice(self._events, CHUNK))
        return self._queue.popleft() if self._queue else None


class TapeSource(EventSource):
    """Trades of one leg from the moment on that an order waits for; while none waits it is silent.

    Parameters
    ----------
    leg : place of the symbol.
    tape : its trades.
    """

    announces = True

    def __init__(self, leg: int, tape: Tape, priority: int = 0) -> None:
        super().__init__(priority=priority)
        self._leg = leg
        self._time_ns = tape.time_ns
        self._columns = tape.time_ns.item, tape.price.item, tape.quantity.item  # of an array, the fastest to one number
        self._at = 0
        self._wanted = False

    def seek(self, from_ns: int | None) -> None:
        """Go on with the first trade at or after a moment; None: nothing is wanted any more."""
        self._wanted = from_ns is not None
        if from_ns is not None:
            self._at = max(self._at, int(self._time_ns.searchsorted(from_ns)))
            if self._listener is not None and self._listener.drained:
                self._listener.announce()

    def pop(self) -> Dated | None:
        """The next trade that somebody waits for."""
        at = self._at
        if not self._wanted or at >= len(self._time_ns):
            return None
        self._at = at + 1
        time_ns, price, quantity = self._columns
        return TradeEvent(time_ns(at), self._leg, price(at), quantity(at))


def backtest(
    market: Market,
    strategy: Strategy,
    rules: BrokerRules | None = None,
    *,
    capital: float = 100_000.0,
    begin_ns: int | None = None,
    observe: Mapping[str, Series] | None = None,
) -> RunResult:
    """Run a strategy over all of a market; see ``backtests``."""
    return backtests(market, [strategy], rules, capital=capital, begin_ns=begin_ns, observe=observe)[0]


def backtests(
    market: Market,
    strategies: Sequence[Strategy],
    rules: BrokerRules | None = None,
    *,
    capital: float = 100_000.0,
    begin_ns: int | None = None,
    observe: Mapping[str, Series] | None = None,
) -> list[RunResult]:
    """Run strategies over all of a market, each with an account of its own.

    Series that several of them read are computed once. Nothing looks ahead: a row is decided on when it has closed,
    and orders meet trades after it.

    Parameters
    ----------
    rules : fills and costs, the same for all; None for the defaults of ``BrokerRules``.
    capital : cash of each account at the beginning, in the quote currency.
    begin_ns : rows up to here make series ready and are not decided on; a position that the rule is in by then is not
        joined. None begins with the first row.
    observe : further series to record beside the trades.

    Raises
    ------
    ParameterError : the market has no row for a strategy, or a setting cannot be.
    Exception : what a strategy raised.
    """
    rules = rules or BrokerRules()
    fold = RowFold(strategies, observe)
    rows = {key: market.rows(*key) for key in fold.keys}
    tables, seen = fold.run(rows)
    results = []
    for strategy, table in zip(fold.strategies, tables, strict=True):
        interval_ns = require_one_interval(strategy)
        table, direction = _begun(strategy, table, begin_ns)
        simulation = _play(market, strategy, table, direction, rules, capital, interval_ns)
        if isinstance(market, BarMarket) and rules.fill == "next_trade":
            _require_fills(simulation)
        observed = {name: _placed(*found, table.time_ns) for name, found in seen.items()}
        orders = tuple(simulation.broker.orders)
        results.append(result_of(strategy.name, interval_ns, simulation.account, orders, table, observed))
    return results


def _require_fills(simulation: Simulation) -> None:
    """Say it where most orders are replaced before they can meet a trade, as happens to those that come on each bar."""
    orders = simulation.broker.orders
    missed = sum(order.state == "cancelled" and not any(leg.filled for leg in order.legs) for order in orders)
    if missed > FEW and missed > len(orders) / 2:
        raise ParameterError(
            f"{missed} of {len(orders)} orders were replaced before they met a trade. Bars have no trade between two "
            "opens, and with a latency an order misses the next: choose fill='next_open', or ticks"
        )


def _begun(strategy: Strategy, table: Table, begin_ns: int | None) -> tuple[Table, int]:
    """Rows to decide on, and the direction of the rule before them."""
    first = 0 if begin_ns is None else int(np.searchsorted(table.time_ns, begin_ns, side="right"))
    if first == len(table):
        raise ParameterError(
            f"{strategy.name} has {len(table)} rows and none to decide on: "
            f"{', '.join(strategy.symbols)} must both have a price, after the beginning; take longer data"
        )
    direction = strategy.standing(next(islice(table.rows(), first - 1, None))) if first else 0
    return table.take(slice(first, None)), direction


def _play(
    market: Market,
    strategy: Strategy,
    table: Table,
    direction: int,
    rules: BrokerRules,
    capital: float,
    interval_ns: int,
) -> Simulation:
    dispatcher = BacktestingDispatcher()
    dispatcher.stop_on_handler_exceptions = True
    priority = CLOSES_FIRST if rules.fill in ("next_close", "same_close") else 0
    tapes = [
        TapeSource(leg, market.tape(symbol, rules.fill, interval_ns), priority)
        for leg, symbol in enumerate(strategy.symbols)
    ]
    seek = [tape.seek for tape in tapes]
    simulation = Simulation(strategy, rules, capital, dispatcher, lambda leg, from_ns: seek[leg](from_ns))
    simulation.account.direction = direction
    dispatcher.subscribe(TableSource(table), simulation.on_row)
    for tape in tapes:
        dispatcher.subscribe(tape, simulation.on_trade)
    first_ns, last_ns = int(table.time_ns[0]), int(table.time_ns[-1])
    simulation.broker.begin_funding(first_ns, until_ns=last_ns)
    dispatcher.schedule(last_ns + 1, dispatcher.stop)  # what happens later belongs to no row
    _complete(dispatcher.run(stop_signals=[]))
    if dispatcher.last_error is not None:
        raise dispatcher.last_error
    simulation.finish()
    return simulation


def _complete(run: Coroutine[Any, Any, None]) -> None:
    """Run to the end, also where the caller's thread has a loop of its own, as notebooks have."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(run)
        return
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, run).result()


def _placed(at_ns: NDArray[np.int64], values: NDArray[np.float64], time_ns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Values at the rows of a table, NaN where they have none."""
    out = np.full(len(time_ns), np.nan)
    place = np.searchsorted(at_ns, time_ns)
    there = place < len(at_ns)
    there[there] = at_ns[place[there]] == time_ns[there]
    out[there] = values[place[there]]
    return out
