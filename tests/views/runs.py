"""Backtests for tests of charts, tables and reports: a pair that comes back, traded a second at a time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alphastream.backtest import RunResult, TickMarket, backtest
from alphastream.pairs import PairSpec, series_of
from alphastream.performance import Performance, summarise
from alphastream.strategies import FixedNotional, ThresholdRule, ZScoreThreshold
from alphastream.trading.broker.costs import BrokerRules, Contract, Fees, FixedFunding, FixedLatency, PowerImpact

SECOND = 10**9
BEGIN = 1_723_075_200 * SECOND  # 2024-08-08 00:00 UTC, a funding time
PAIR = PairSpec("ETHUSDT", "BTCUSDT", SECOND, window=20, entry=1.5, exit=0.25)
RULES = BrokerRules(
    fees=Fees(taker_bps=1.0),
    half_spread_bps=0.5,
    impact=PowerImpact(0.2),
    latency=FixedLatency(100_000_000),
    funding=FixedFunding(1.0, every_ns=60 * SECOND),
)


@dataclass(frozen=True, slots=True, eq=False)
class Trades:
    """Ticks of one symbol."""

    time_ns: NDArray[np.int64]
    price: NDArray[np.float64]
    quantity: NDArray[np.float64]


def market(rows: int = 600, y: str = "ETHUSDT", x: str = "BTCUSDT", quantity: float = 3.0) -> TickMarket:
    """Two legs that trade every second, the spread an AR(1)."""
    rng = np.random.default_rng(11)
    common = np.cumsum(rng.normal(0.0, 2e-4, rows))
    away = np.zeros(rows)
    for row in range(1, rows):
        away[row] = 0.8 * away[row - 1] + rng.normal(0.0, 1e-3)
    time_ns = BEGIN + np.arange(rows, dtype=np.int64) * SECOND
    units = np.full(rows, quantity)
    return TickMarket(
        {
            y: Trades(time_ns + 300_000_000, 2_600.0 * np.exp(common + away), units),
            x: Trades(time_ns + 500_000_000, 60_000.0 * np.exp(common), units),
        }
    )


def played(
    rows: int = 600, rules: BrokerRules = RULES, pair: PairSpec = PAIR, stop: float | None = None
) -> tuple[RunResult, Performance]:
    """A run with costs and funding, and what it was worth."""
    strategy = ZScoreThreshold(pair, rule=ThresholdRule(stop), sizer=FixedNotional(10_000.0))
    run = backtest(
        market(rows, pair.y, pair.x),
        strategy,
        rules,
        capital=50_000.0,
        observe={"correlation": series_of(pair)["correlation"]},
    )
    return run, performance(run)


def performance(run: RunResult) -> Performance:
    """What a run of a pair was worth."""
    return summarise(
        run.time_ns,
        run.equity,
        run.symbols,
        run.positions,
        run.marks,
        run.fills,
        run.funding,
        capital=run.capital,
        lead=run.symbols[0],
    )


SMALL = BrokerRules(contracts={"BTCUSDT": Contract(min_notional=1e9)})
"""Rules under which every entry is refused."""
