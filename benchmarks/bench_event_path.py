"""A two-asset z-score strategy through events, with its order log: rows a second beside other engines, on one result.

``python -m benchmarks.bench_event_path``. All engines trade the same signals at next opens for 4 bps, so their final
equities must agree. We compute the signals within the time that is taken; the others find them in arrays. Rounds
alternate, and what is timed is processor time. An engine that is not installed is left out.

basana runs twice: "basana" is its dispatcher with bar events and books kept by the strategy in floats, the fastest
that it can do; "its exchange" is the whole of it, with loans for short legs.
"""

import asyncio
import gc
import importlib.util
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import numpy as np

from alphastream.backtest import BarMarket, backtest
from alphastream.bars import Bars
from alphastream.core.types import Floats
from alphastream.estimators import RollingOLS, ThresholdSignal, ZScore
from alphastream.pairs import PairSpec
from alphastream.strategies import FixedNotional, ZScoreThreshold
from alphastream.trading import BrokerRules, Fees

ROWS: Final = 20_000
ROUNDS: Final = 5
MINUTE: Final = 60 * 10**9
CAPITAL, NOTIONAL, FEE_BPS = 100_000.0, 10_000.0, 4.0
WINDOW, ENTRY, EXIT = 60, 2.0, 0.5
BEGIN: Final = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Case:
    """Bars of two assets, and what the strategy says to each row."""

    opens: Floats  # (T, 2), y then x
    closes: Floats
    direction: Floats
    ratio: Floats  # units of x against one of y

    def units(self, row: int, direction: float) -> tuple[float, float]:
        y = direction * NOTIONAL / self.closes[row, 0]
        return y, -self.ratio[row] * y


def make(rows: int, seed: int = 3) -> Case:
    """Two cointegrated random walks."""
    rng = np.random.default_rng(seed)
    x = np.cumsum(rng.normal(0.0, 1e-3, rows))
    spread = np.zeros(rows)
    for t in range(1, rows):
        spread[t] = 0.9 * spread[t - 1] + rng.normal(0.0, 1e-3)
    closes = np.column_stack((2_000.0 * np.exp(1.1 * x + spread), 40_000.0 * np.exp(x)))
    opens = np.vstack((closes[:1], closes[:-1])) * np.exp(rng.normal(0.0, 1e-4, (rows, 2)))
    y_log, x_log = np.log(closes).T
    fit, _ = RollingOLS(WINDOW).run(x_log, y_log)
    score, _ = ZScore(WINDOW).run(fit.spread)
    signal, _ = ThresholdSignal(ENTRY, EXIT).run(score.zscore)
    return Case(opens, closes, signal.position, fit.hedge_ratio * closes[:, 0] / closes[:, 1])


def ours(case: Case) -> tuple[float, int, float]:
    """Final equity, orders and seconds of the event path."""
    rows = len(case.closes)
    start = np.arange(rows, dtype=np.int64) * MINUTE

    def bars(leg: int) -> Bars:
        first, last = case.opens[:, leg], case.closes[:, leg]
        high, low, volume, trades = np.maximum(first, last), np.minimum(first, last), np.ones(rows), np.ones_like(start)
        return Bars(start, first, high, low, last, volume, trades, start, start + MINUTE)

    market = BarMarket({"Y": bars(0), "X": bars(1)}, MINUTE)
    spec = PairSpec("Y", "X", MINUTE, "ols", WINDOW, entry=ENTRY, exit=EXIT)
    strategy = ZScoreThreshold(spec, sizer=FixedNotional(NOTIONAL))
    rules = BrokerRules(fill="next_open", fees=Fees(FEE_BPS))
    begin = time.process_time()
    result = backtest(market, strategy, rules, capital=CAPITAL)
    seconds = time.process_time() - begin
    return float(result.equity[-1]), sum(len(order.legs) for order in result.orders), seconds


def basana_dispatcher(case: Case) -> tuple[float, int, float]:
    """Bar events through basana's dispatcher, books in floats."""
    import basana as bs  # type: ignore[import-not-found,unused-ignore]

    pairs = bs.Pair("Y", "USD"), bs.Pair("X", "USD")
    opens, closes, direction = case.opens.tolist(), case.closes.tolist(), case.direction.tolist()
    rows, minute = len(closes), timedelta(minutes=1)
    held, cash, wanted, now, log = [0.0, 0.0], CAPITAL, (0.0, 0.0), 0.0, []
    place = [-1, -1]

    async def on_bar(event: Any) -> None:
        nonlocal cash, wanted, now
        bar = event.bar
        leg = 0 if bar.pair is pairs[0] else 1
        place[leg] += 1
        change = wanted[leg] - held[leg]
        if change:
            held[leg] = wanted[leg]
            cash -= change * bar.open + abs(change) * bar.open * FEE_BPS * 1e-4
            log.append((event.when, bar.pair, change, bar.open))
        row = place[leg]
        if leg == 1 and direction[row] != now:
            now = direction[row]
            wanted = case.units(row, now) if now else (0.0, 0.0)

    begin = time.process_time()
    dispatcher = bs.backtesting_dispatcher()
    for leg, pair in enumerate(pairs):
        events = []
        for row in range(rows):
            first, last = opens[row][leg], closes[row][leg]
            bar = bs.Bar(BEGIN + row * minute, pair, first, max(first, last), min(first, last), last, 1.0, minute)
            events.append(bs.BarEvent(BEGIN + (row + 1) * minute, bar))
        dispatcher.subscribe(bs.FifoQueueEventSource(events=events, priority=1 - leg), on_bar)
    asyncio.run(dispatcher.run())
    seconds = time.process_time() - begin
    equity = cash + sum(units * price for units, price in zip(held, closes[-1], strict=True))
    return equity, len(log), seconds


def basana_exchange(case: Case) -> tuple[float, int, float]:
    """The same through basana's simulated exchange."""
    import basana as bs  # type: ignore[import-not-found,unused-ignore]
    from basana.backtesting import exchange as venue  # type: ignore[import-not-found,unused-ignore]
    from basana.backtesting import fees, lending, liquidity  # type: ignore[import-not-found,unused-ignore]

    pairs = bs.Pair("Y", "USD"), bs.Pair("X", "USD")
    direction = case.direction.tolist()
    rows, minute = len(case.closes), timedelta(minutes=1)
    state: dict[str, Any] = {"now": 0.0, "held": [Decimal(0), Decimal(0)], "row": -1}

    def amount(units: float) -> Any:
        return bs.round_decimal(Decimal(units), 12)

    async def decide(event: Any) -> None:
        state["row"] += 1
        row = state["row"]
        if direction[row] == state["now"]:
            return
        state["now"] = direction[row]
        wanted = case.units(row, state["now"]) if state["now"] else (0.0, 0.0)
        for leg, pair in enumerate(pairs):
            change = amount(wanted[leg]) - state["held"][leg]
            state["held"][leg] = amount(wanted[leg])
            operation = bs.OrderOperation.BUY if change > 0 else bs.OrderOperation.SELL
            await exchange.create_market_order(operation, pair, abs(change), auto_borrow=True, auto_repay=True)

    begin = time.process_time()
    dispatcher = bs.backtesting_dispatcher()
    conditions = lending.MarginLoanConditions("USD", Decimal(0), timedelta(days=365), Decimal(0))
    exchange = venue.Exchange(
        dispatcher,
        {"USD": Decimal(CAPITAL)},
        liquidity_strategy_factory=liquidity.InfiniteLiquidity,
        fee_strategy=fees.Percentage(Decimal(str(FEE_BPS / 100))),
        lending_strategy=lending.MarginLoans("USD", Decimal("0.01"), default_conditions=conditions),
    )
    for symbol in ("Y", "X", "USD"):
        exchange.set_symbol_precision(symbol, 12)
    for leg, pair in enumerate(pairs):
        exchange.set_pair_info(pair, bs.PairInfo(12, 12))
        events = []
        for row in range(rows):
            first, last = Decimal(str(case.opens[row, leg])), Decimal(str(case.closes[row, leg]))
            bar = bs.Bar(
                BEGIN + row * minute, pair, first, max(first, last), min(first, last), last, Decimal(10**9), minute
            )
            events.append(bs.BarEvent(BEGIN + (row + 1) * minute, bar))
        exchange.add_bar_source(bs.FifoQueueEventSource(events=events, priority=1 - leg))
    exchange.subscribe_to_bar_events(pairs[1], decide)
    asyncio.run(dispatcher.run())
    seconds = time.process_time() - begin

    async def worth() -> tuple[float, int]:
        balances = await exchange.get_balances()
        price = {"USD": 1.0, "Y": float(case.closes[-1, 0]), "X": float(case.closes[-1, 1])}
        orders = await exchange.get_orders()
        filled = [order for order in orders if order.amount_filled]
        return sum(float(balance.total) * price[symbol] for symbol, balance in balances.items()), len(filled)

    return (*asyncio.run(worth()), seconds)


def backtrader(case: Case) -> tuple[float, int, float]:
    """Market orders of backtrader, filled at next opens."""
    import backtrader as bt  # type: ignore[import-not-found,import-untyped,unused-ignore]
    import pandas as pd

    direction = case.direction.tolist()
    index = pd.date_range(BEGIN.replace(tzinfo=None), periods=len(case.closes), freq="1min")
    log: list[Any] = []

    class Pairs(bt.Strategy):  # type: ignore[misc,no-any-unimported,unused-ignore]
        def __init__(self) -> None:
            self.now = 0.0

        def notify_order(self, order: Any) -> None:
            if order.status == order.Completed:
                log.append((order.executed.dt, order.executed.size, order.executed.price))

        def next(self) -> None:
            row = len(self) - 1
            if direction[row] == self.now:
                return
            self.now = direction[row]
            wanted = case.units(row, self.now) if self.now else (0.0, 0.0)
            for leg, data in enumerate(self.datas):
                change = wanted[leg] - self.getposition(data).size
                (self.buy if change > 0 else self.sell)(data, size=abs(change))

    begin = time.process_time()
    engine = bt.Cerebro(stdstats=False)
    for leg, name in enumerate("YX"):
        first, last = case.opens[:, leg], case.closes[:, leg]
        frame = pd.DataFrame(
            {
                "open": first,
                "high": np.maximum(first, last),
                "low": np.minimum(first, last),
                "close": last,
                "volume": 1.0,
            },
            index=index,
        )
        engine.adddata(bt.feeds.PandasData(dataname=frame, openinterest=None), name=name)
    engine.addstrategy(Pairs)
    engine.broker.setcash(CAPITAL)
    engine.broker.setcommission(commission=FEE_BPS * 1e-4)
    engine.broker.set_checksubmit(False)
    engine.run()
    return float(engine.broker.getvalue()), len(log), time.process_time() - begin


def vectorbt(case: Case) -> tuple[float, int, float]:
    """One run of vectorbt over arrays of orders."""
    import vectorbt as vbt  # type: ignore[import-not-found,import-untyped,unused-ignore]

    begin = time.process_time()
    targets = np.zeros_like(case.closes)
    changed = np.flatnonzero(np.diff(case.direction, prepend=0.0))
    now = np.zeros(2)
    for row in changed.tolist():
        wanted = np.array(case.units(row, case.direction[row]) if case.direction[row] else (0.0, 0.0))
        if row + 1 < len(targets):
            targets[row + 1] = wanted - now
            now = wanted
    size = np.where(targets == 0.0, np.nan, targets)
    found = vbt.Portfolio.from_orders(
        case.closes, size, price=case.opens, fees=FEE_BPS * 1e-4, init_cash=CAPITAL, cash_sharing=True, group_by=True
    )
    return float(found.final_value()), int(found.orders.count()), time.process_time() - begin


ENGINES: Final[dict[str, tuple[str, Callable[[Case], tuple[float, int, float]]]]] = {
    "alphastream": ("alphastream", ours),
    "basana": ("basana", basana_dispatcher),
    "its exchange": ("basana", basana_exchange),
    "backtrader": ("backtrader", backtrader),
    "vectorbt": ("vectorbt", vectorbt),
}


def main() -> None:
    """Print a line for each engine."""
    case = make(ROWS)
    engines = {name: run for name, (package, run) in ENGINES.items() if importlib.util.find_spec(package)}
    found: dict[str, list[tuple[float, int, float]]] = {name: [] for name in engines}
    for run in engines.values():
        run(make(500))  # imports, kernels, caches
    for _ in range(ROUNDS):
        for name, run in engines.items():
            gc.collect()
            found[name].append(run(case))
    print(f"two assets, {ROWS:,} rows, medians of {ROUNDS} alternating rounds, processor time")
    print(f"{'':>14}{'final equity':>14}{'orders':>8}{'rows/s':>12}{'ratio':>9}")
    base = statistics.median(seconds for *_, seconds in found["alphastream"])
    for name, runs in found.items():
        equity, orders, _ = runs[-1]
        seconds = statistics.median(taken for *_, taken in runs)
        print(f"{name:>14}{equity:>14,.2f}{orders:>8,}{ROWS / seconds:>12,.0f}{seconds / base:>8.1f}x")


if __name__ == "__main__":
    main()
