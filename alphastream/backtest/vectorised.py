"""The compiled path: the same strategies and rules as ``backtest``, a whole history in one call.

A history is made ready once (``pair_history``). Then every run is the strategy's series, each a fold over all rows, and
the walk of ``walking``; both go over the rows piece by piece, so that what one makes is near when the other reads it.
"""

from collections.abc import Callable

import numpy as np

from alphastream.backtest import kernel, walking
from alphastream.backtest.compiled_run import VectorisedRun
from alphastream.backtest.market import LegTrades
from alphastream.backtest.pair_history import PairHistory, ready
from alphastream.backtest.pair_series import PIECE, PairSeries, PairStrategy, pair_series, series_pieces
from alphastream.bars import PairRows
from alphastream.core.compilation import loads_from_disk
from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.pairs import PairSpec
from alphastream.strategies import BetaNeutral, FixedNotional, Units, VolatilityTarget, ZScoreThreshold
from alphastream.trading.broker.costs import BrokerRules, Contract, PowerImpact
from alphastream.trading.broker.margin import Ended, ended_at


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
    signal, state = strategy.signal(), None
    books = _Books(history, strategy, capital)
    for start, series in series_pieces(history.rows, strategy):
        rows, state = signal.run(series.zscore, state)
        books.walk(start, rows.position, series)
    return books.run()


def warm_up() -> None:
    """Compile the kernels, or load them from numba's cache: some twenty seconds the first time, tenths after."""
    ends, price = np.arange(1, 5, dtype=np.int64), np.array([1.0, 2.0, 4.0, 3.0])
    rows, tape = (
        PairRows(ends, price, price[::-1].copy(), ends, ends, price, price, ends, ends),
        LegTrades(ends, price, price),
    )
    strategy = ZScoreThreshold(PairSpec("y", "x", 1, "ols", 2, "price"))
    history = ready(rows, (tape, tape), ("y", "x"), BrokerRules())
    run = run_pair(history, strategy, capital=1.0)
    series, direction = pair_series(history.rows, strategy), run.observed["direction"]
    walking.all_statistics(
        direction.reshape(1, -1),
        series.hedge_ratio,
        series.leverage,
        history.market,
        terms_of(strategy, history.rules, 1.0),
    )


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
    books = _Books(history, strategy, capital)
    for start in range(0, len(history), PIECE):
        books.walk(start, direction[start : start + PIECE], series.cut(start, start + PIECE))
    return books.run((series, direction))


class _Books:
    """The books of one run while it walks."""

    def __init__(self, history: PairHistory, strategy: PairStrategy, capital: float) -> None:
        self._history, self._strategy, self._capital = history, strategy, capital
        self._terms = terms_of(strategy, history.rules, capital)
        self._books, self._curve = np.empty(kernel.PLACES), np.empty(walking.CURVE)
        self._payments = np.zeros(len(history.market.rates))
        self._fills, self._moves = np.empty((0, kernel.COLUMNS)), np.empty((0, kernel.MOVE_COLUMNS))
        self._last = 0.0
        walking.begin(history.market, self._terms, self._books, self._curve)

    def walk(self, start: int, direction: Floats, series: PairSeries) -> None:
        """Rows from ``start`` on."""
        changes = int(direction[0] != self._last) + int(np.count_nonzero(direction[1:] != direction[:-1]))
        decisions = len(direction) if self._strategy.rebalance else changes
        self._last = float(direction[-1])
        fills, moves = int(self._books[kernel.LINES]), int(self._books[kernel.MOVES])
        # A decision is two fills of up to two lines; those decided before may still come, and the end of an account.
        self._fills = _with_room(self._fills, fills, 4 * decisions + 8)
        self._moves = _with_room(self._moves, moves, 2 * decisions + len(self._payments) + 8)
        record = kernel.Record(self._fills, self._payments, self._moves)
        inputs = (direction, series.hedge_ratio, series.leverage, self._history.market, self._terms, record)
        walking.run_books(start, *inputs, self._books, self._curve)

    def run(self, given: tuple[PairSeries, Floats] | None = None) -> VectorisedRun:
        """What all rows came to."""
        books, numbers = self._books, np.empty(kernel.STATISTICS)
        walking.statistics(books, self._curve, numbers)
        return VectorisedRun(
            strategy=self._strategy,
            history=self._history,
            capital=self._capital,
            lines=self._fills[: int(books[kernel.LINES])],
            moves=self._moves[: int(books[kernel.MOVES])],
            numbers=numbers,
            payments=self._payments,
            trades=int(books[kernel.TRADES]),
            ended=_end_of(books, self._history, self._strategy.symbols),
            refused=int(books[kernel.REFUSALS]),
            refusal=self._history.rules.margin.refusal(*books[kernel.REFUSED : kernel.REFUSED + 3].tolist()),
            given=given,
        )


def _with_room(table: Floats, used: int, more: int) -> Floats:
    """A table with room for ``more`` lines after those that are used."""
    if used + more <= len(table):
        return table
    larger = np.empty((max(used + more, 2 * len(table)), table.shape[1]))
    larger[:used] = table[:used]
    return larger


def _end_of(books: Floats, history: PairHistory, symbols: tuple[str, ...]) -> Ended | None:
    """How the account came to its end."""
    row = int(books[kernel.ENDED])
    if row < 0:
        return None
    rows, held = history.rows, books[kernel.POSITION_LEFT : kernel.POSITION_LEFT + 2].tolist()
    marks, cash = (float(rows.y[row]), float(rows.x[row])), float(books[kernel.CASH_LEFT])
    return ended_at(history.rules.margin, int(rows.end_ns[row]), symbols, cash, held, marks)


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
