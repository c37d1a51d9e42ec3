"""History through the event path: ``backtest(market, strategy)``.

Rows are events, where a strategy says so only those on which it can act. Trades stay columns: before anything else
happens, orders meet those that came first.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count, islice
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alphastream.backtest.book_tapes import BookTapes
from alphastream.backtest.market import BarMarket, Market
from alphastream.backtest.result import RunResult, result_of
from alphastream.backtest.simulation import (
    ROWS_THEN,
    RowFold,
    Simulation,
    require_one_interval,
)
from alphastream.backtest.trade_tapes import TradeTapes
from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.graph import Series
from alphastream.strategies import Strategy, Table
from alphastream.trading.broker.costs import BrokerRules
from alphastream.trading.engine.backtesting import BacktestingDispatcher
from alphastream.trading.engine.events import Dated
from alphastream.trading.engine.sources import EventSource, FifoQueueEventSource

FEW: Final = 20  # orders that may miss their trade before a run says so
LOOKED_AT: Final = 4096  # rows at whose prices the margin is looked at together
CHAINS: Final = 1000  # of jobs that orders leave behind, after the last row on which a strategy turns
TOLD_EVERY: Final = 64  # events: telling costs little, and a strategy may be slow
CHUNK: Final = 128  # rows made ahead: few enough that the garbage collector does not see them


class TableSource(FifoQueueEventSource):
    """Rows of a table, one after another; events are made some at a time."""

    in_order = True

    def __init__(self, table: Table) -> None:
        super().__init__(priority=ROWS_THEN)
        self._events = table.rows()

    def pop(self) -> Dated | None:
        """The next row, and some more into the queue."""
        self._queue.extend(islice(self._events, CHUNK))
        return self._queue.popleft() if self._queue else None


class TurnSource(EventSource):
    """Rows on which something can happen, where a strategy follows a direction: those on which it turns, all while the
    account has another, those in which an order goes on waiting for trades, and the first at whose prices the margin
    does not do. Where orders are filled before a row and nothing else happens there, they are filled without it.

    Parameters
    ----------
    table : with ``follows``.
    simulation : whose account has a direction that only decisions change, and positions that only trades do.
    tapes : trades that orders wait for.
    """

    announces = True

    def __init__(self, table: Table, simulation: Simulation, tapes: TradeTapes | BookTapes) -> None:
        super().__init__(priority=ROWS_THEN)
        assert table.follows is not None
        self._account = account = simulation.account
        before = np.concatenate(([float(account.direction)], table.follows[:-1]))
        self._turns = [*np.flatnonzero(table.follows != before).tolist(), len(table)]
        self._before = before.item
        self._row, self._rows = table.row(), len(table)
        self._at = self._turn = 0
        self._simulation, self._tapes, self._singles = simulation, tapes, simulation.broker.singles
        self._at_close = _closes_first(simulation.broker.rules)
        self._time_ns, self._marks = table.time_ns, table.marks
        self._lowest = [float(of_leg.min()) for of_leg in table.marks.T]  # much faster than along an axis
        self._highest = [float(of_leg.max()) for of_leg in table.marks.T]

    def pop(self) -> Dated | None:
        """The next row on which something can happen."""
        at = self._at
        if self._simulation.ended is not None and self._account.cash >= 0.0 and not self._tapes.waiting:
            return None
        if at < self._rows and self._account.direction == self._before(at):
            while self._turns[self._turn] < at:
                self._turn += 1
            at = self._before_turn(at, self._turns[self._turn])
        self._at = at + 1
        return self._row(at) if at < self._rows else None

    def _before_turn(self, at: int, turn: int) -> int:
        """First row from here on in which a trade may change positions, or at whose prices the margin does not do."""
        account, rate = self._account, self._simulation.broker.rules.margin.maintenance
        if self._singles.open:
            return at  # their time may be over at any row, and they are measured at its prices
        if self._tapes.waiting:
            next_ns, row_ns = self._tapes.next_ns, self._time_ns.item(at)
            if row_ns < next_ns:
                turn = min(turn, max(at, int(self._time_ns.searchsorted(next_ns))))
            elif at == turn or row_ns >= self._simulation.first_job_ns or self._simulation.ended is not None:
                return at
            else:
                self._tapes.play(row_ns + self._at_close)  # nothing else comes before this row
                if self._tapes.waiting:
                    return at
        if turn == at or self._is_far(rate):
            return turn
        while at < turn:
            marks = self._marks[at : min(turn, at + LOOKED_AT)]
            worth, gross = np.zeros((2, len(marks)))
            for leg, held in enumerate(account.positions):
                if held:
                    of_leg = held * marks[:, leg]
                    worth += of_leg
                    gross += np.abs(of_leg)
            short = account.cash + worth <= rate * gross
            first = int(short.argmax())
            if short[first]:
                return at + first
            at += len(marks)
        return turn

    def _is_far(self, rate: float) -> bool:
        """Whether the margin does at any prices of the table: then no row needs to be looked at."""
        account = self._account
        least = account.cash
        for held, lowest, highest in zip(account.positions, self._lowest, self._highest, strict=True):
            least += held * (lowest if held > 0.0 else highest) - rate * abs(held) * highest
        return bool(least > 1e-9 * account.capital)


def backtest(
    market: Market,
    strategy: Strategy,
    rules: BrokerRules | None = None,
    *,
    capital: float = 100_000.0,
    begin_ns: int | None = None,
    observe: Mapping[str, Series] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> RunResult:
    """Run a strategy over all of a market; see ``backtests``."""
    return backtests(market, [strategy], rules, capital=capital, begin_ns=begin_ns, observe=observe, progress=progress)[
        0
    ]


def backtests(
    market: Market,
    strategies: Sequence[Strategy],
    rules: BrokerRules | None = None,
    *,
    capital: float = 100_000.0,
    begin_ns: int | None = None,
    observe: Mapping[str, Series] | None = None,
    progress: Callable[[int, int], None] | None = None,
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
    progress : called now and then with the rows of a run that are done, and all of it; a ``BaseException`` that it
        raises, such as KeyboardInterrupt, ends the run.

    Raises
    ------
    ParameterError : the market has no row for a strategy, or a setting cannot be.
    Exception : what a strategy raised.
    """
    rules = rules or BrokerRules()
    fold = RowFold(strategies, observe)
    for strategy in fold.strategies:
        require_one_interval(strategy)
    tables, seen = fold.run(fold.rows_of(market))
    return [
        run_table(
            market,
            strategy,
            table,
            rules,
            capital,
            begin_ns=begin_ns,
            observed={n: _placed(*f, table.time_ns) for n, f in seen.items()},
            progress=progress,
        )
        for strategy, table in zip(fold.strategies, tables, strict=True)
    ]


def run_table(
    market: Market,
    strategy: Strategy,
    table: Table,
    rules: BrokerRules,
    capital: float,
    *,
    begin_ns: int | None = None,
    observed: Mapping[str, Floats] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> RunResult:
    """Run a strategy over rows that ``RowFold`` gave it; see ``backtests``.

    Parameters
    ----------
    observed : further series at the rows of the table, (T,) each.
    """
    interval_ns = require_one_interval(strategy)
    rows = len(table)
    table, direction = _begun(strategy, table, begin_ns)
    simulation = _play(market, strategy, table, direction, rules, capital, interval_ns, progress)
    if isinstance(market, BarMarket) and rules.fill == "next_trade":
        _require_fills(simulation)
    shown = {name: values[rows - len(table) :] for name, values in (observed or {}).items()}
    orders = tuple(simulation.broker.orders)
    return result_of(strategy.name, interval_ns, simulation.account, orders, table, shown, simulation.ended, rules)


def _require_fills(simulation: Simulation) -> None:
    """Say it where most orders are replaced before they can meet a trade, as happens to those that come on each bar."""
    orders = simulation.broker.orders
    missed = sum(
        order.state == "cancelled" and not order.is_single and not any(leg.filled for leg in order.legs)
        for order in orders
    )
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
    direction = strategy.direction_at(next(islice(table.rows(), first - 1, None))) if first else 0
    return table.take(slice(first, None)), direction


def _play(
    market: Market,
    strategy: Strategy,
    table: Table,
    direction: int,
    rules: BrokerRules,
    capital: float,
    interval_ns: int,
    progress: Callable[[int, int], None] | None,
) -> Simulation:
    dispatcher = BacktestingDispatcher(chain_limit=CHAINS)
    dispatcher.stop_on_handler_exceptions = True
    first_ns, last_ns = int(table.time_ns[0]), int(table.time_ns[-1])
    tapes = _tapes(market, strategy.symbols, rules, interval_ns, last_ns + 1)

    def schedule(when_ns: int, job: Callable[[], object]) -> None:
        def after_trades() -> None:
            tapes.play(when_ns)
            job()

        dispatcher.schedule(when_ns, after_trades)

    simulation = Simulation(strategy, rules, capital, schedule, tapes.wait)
    simulation.account.direction = direction
    if isinstance(tapes, BookTapes):
        tapes.meet = simulation.meet_book
    else:
        tapes.meet, tapes.meet_bar = simulation.meet_trade, simulation.meet_bar
        simulation.broker.singles.in_bars |= isinstance(market, BarMarket)
    at_close = _closes_first(rules)

    def on_row(row: Any) -> None:
        if tapes.waiting:
            tapes.play(row.when_ns + at_close)
        simulation.on_row(row)

    handler = on_row if progress is None else _told(on_row, table, progress)

    # Time limits change directions between rows, and funding wants the marks of every row.
    sparse = table.follows is not None and rules.timeout_ns is None and rules.funding is None
    sparse = sparse and not simulation.acting.listens
    dispatcher.subscribe(TurnSource(table, simulation, tapes) if sparse else TableSource(table), handler)
    simulation.broker.funding.begin(first_ns, until_ns=last_ns)
    schedule(last_ns + 1, dispatcher.stop)  # what happens later belongs to no row
    _complete(dispatcher.run(stop_signals=[]))
    if dispatcher.last_error is not None:
        raise dispatcher.last_error
    simulation.finish()
    return simulation


def _told(on_row: Callable[[Any], None], table: Table, progress: Callable[[int, int], None]) -> Callable[[Any], None]:
    """The same, telling now and then how far it is."""
    events, times, rows = count(1), table.time_ns, len(table)

    def on_row_and_tell(row: Any) -> None:
        if next(events) % TOLD_EVERY == 0:
            progress(int(times.searchsorted(row.when_ns)), rows)
        on_row(row)

    return on_row_and_tell


def _closes_first(rules: BrokerRules) -> bool:
    """Whether a trade at the very end of a row comes before it: a close does."""
    return rules.fill in ("next_close", "same_close")


def _tapes(
    market: Market, symbols: Sequence[str], rules: BrokerRules, interval_ns: int, until_ns: int
) -> TradeTapes | BookTapes:
    """What orders meet before a moment."""
    if rules.fill != "recorded_depth":
        return TradeTapes(
            [market.tape(symbol, rules.fill, interval_ns) for symbol in symbols],
            lambda leg: market.leg_bars(symbols[leg], rules.fill, interval_ns),
        )
    if market.books is None:
        raise ParameterError(
            "no books were recorded beside these prices: fill at the next trade or open, or take a tape with books"
        )
    return BookTapes(market.books, symbols, until_ns)


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
