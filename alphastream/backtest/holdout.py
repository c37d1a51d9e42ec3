"""A history in two: what a run earns on its first rows, and on the others, which its settings have not seen."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alphastream.backtest.market import BarMarket, Market, TickMarket
from alphastream.backtest.result import RunResult
from alphastream.backtest.runner import backtest
from alphastream.core.types import Floats, Ints
from alphastream.errors import ParameterError
from alphastream.graph import Series
from alphastream.strategies import Strategy
from alphastream.tape.protocols import SidedArrays, TickArrays
from alphastream.trading.broker.costs import BrokerRules


@dataclass(frozen=True, slots=True)
class _Ticks:
    time_ns: Ints
    price: Floats
    quantity: Floats


@dataclass(frozen=True, slots=True)
class _SidedTicks(_Ticks):
    buyer_is_maker: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class HoldoutRun:
    """A strategy on either side of a split.

    Parameters
    ----------
    split_ns : rows that end by then are the training.
    train : over a market that ends at the split: nothing can look beyond.
    test : an account of its own that begins flat after the split; series have seen the rows before and none behind.
    looked_ahead_ns : the first row of the training that is another where the rows behind the split are there too; None
        where none is, as it must be.
    """

    split_ns: int
    train: RunResult
    test: RunResult
    looked_ahead_ns: int | None


def market_before(market: Market, until_ns: int) -> Market:
    """The part of a market that is known at a time: trades before it, bars that have ended by then.

    Raises
    ------
    ParameterError : a market that is neither ticks nor bars.
    """
    if isinstance(market, BarMarket):
        return BarMarket(
            {
                symbol: bars.take(np.flatnonzero(bars.start_ns + market.interval_ns <= until_ns))
                for symbol, bars in market.bars.items()
            },
            market.interval_ns,
        )
    if isinstance(market, TickMarket):
        end_ns = until_ns if market.until_ns is None else min(until_ns, market.until_ns)
        return TickMarket(
            {symbol: _before(ticks, until_ns) for symbol, ticks in market.ticks.items()}, end_ns, market.books
        )
    raise ParameterError(f"a {type(market).__name__} cannot be cut at a time: give a TickMarket or a BarMarket")


def _before(ticks: TickArrays, until_ns: int) -> TickArrays:
    kept = ticks.time_ns < until_ns
    columns = ticks.time_ns[kept], ticks.price[kept], ticks.quantity[kept]
    if isinstance(ticks, SidedArrays):
        return _SidedTicks(*columns, ticks.buyer_is_maker[kept])
    return _Ticks(*columns)


def holdout_run(
    market: Market,
    strategy: Strategy,
    rules: BrokerRules | None = None,
    *,
    split_ns: int,
    whole: RunResult,
    capital: float = 100_000.0,
    observe: Mapping[str, Series] | None = None,
) -> HoldoutRun:
    """Run a strategy on both sides of a split, and look whether it looked over it.

    Parameters
    ----------
    split_ns : rows that end by then are the training.
    whole : the run over the whole market with the same arguments.
    rules, capital, observe : as in ``backtest``.

    Raises
    ------
    ParameterError, NotEnoughObservations : as ``backtest``; also where a side has no row.
    """
    if not whole.time_ns[0] <= split_ns < whole.time_ns[-1]:
        raise ParameterError("one side of the split has no row: move the split, or take more rows")
    train = backtest(market_before(market, split_ns), strategy, rules, capital=capital, observe=observe)
    test = backtest(market, strategy, rules, capital=capital, begin_ns=split_ns, observe=observe)
    return HoldoutRun(split_ns, train, test, _first_other_row(train, whole))


def _first_other_row(train: RunResult, whole: RunResult) -> int | None:
    """The first row of a training that the same run with more rows behind it has otherwise."""
    rows = len(train)
    if len(whole) < rows or not np.array_equal(whole.time_ns[:rows], train.time_ns):
        return int(train.time_ns[0])
    differs = (whole.equity[:rows] != train.equity) | (whole.positions[:rows] != train.positions).any(axis=1)
    differs[-1] = False  # an order of before may be filled at the very moment of the split, which the training lacks
    for name, values in train.observed.items():
        other = whole.observed.get(name)
        if other is not None:
            differs |= ~((other[:rows] == values) | (np.isnan(other[:rows]) & np.isnan(values)))
    at = np.flatnonzero(differs)
    return int(train.time_ns[at[0]]) if at.size else None
