"""Rows and trades as they come give what history at once gives."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphastream.backtest import TickMarket, backtest
from alphastream.backtest.live import LiveRun
from alphastream.bar_rows import BarsSpec, column_of
from alphastream.books import BookColumns
from alphastream.estimators import RollingCorrelation as Correlated
from alphastream.estimators import ZScore
from alphastream.events import Tick
from alphastream.graph import Node, Series, as_of
from alphastream.pairs import PairSpec
from alphastream.portfolio import PositionConfig
from alphastream.strategies import (
    BarsColumns,
    Decision,
    InnovationThreshold,
    PositionOptimiser,
    Strategy,
    Table,
    ThresholdRule,
    Units,
    ZScoreThreshold,
    pair_table,
)
from alphastream.trading import Account, BrokerRules, Fees, FillRule, FixedFunding, FixedLatency, Target
from tests.backtest.markets import Sampled
from tests.backtest.restless import Answering

SECOND = 10**9
START = 1_700_000_000 * SECOND
SPEC = PairSpec("ETH", "BTC", SECOND, "ols", 20, entry=1.2, exit=0.3)
OTHER = PairSpec("SOL", "BTC", SECOND, "tls", 25, entry=1.2, exit=0.3)
KALMAN = PairSpec("ETH", "BTC", SECOND, "kalman", 5, entry=0.8, exit=0.3)


@dataclass(frozen=True)
class Instruments:
    """Trades the instruments whose close is far from the mean of closed long bars, by the volume of their own bar."""

    spec: BarsSpec
    long_ns: int = 5 * SECOND

    @property
    def name(self) -> str:
        return f"instruments {', '.join(self.symbols)}"

    @property
    def pairs(self) -> tuple[BarsSpec, ...]:
        return (self.spec,)

    @property
    def symbols(self) -> tuple[str, ...]:
        return self.spec.symbols

    def series(self, spec: BarsSpec) -> Mapping[str, Series]:
        longer, found = BarsSpec(self.symbols, self.long_ns).source, {}
        for symbol in self.symbols:
            close, volume = (column_of(self.symbols, symbol, name) for name in ("close", "volume"))
            slow = Node(ZScore(4), (longer[close],))
            held = as_of(slow["mean"], spec.source)
            found[f"{symbol} volume"] = as_of(longer[volume], spec.source)
            found[f"{symbol} away"] = Node(Correlated(6), (spec.source[close], held))["correlation"]
        return found

    def table(self, found: Sequence[BarsColumns], state: Any) -> tuple[Table, Any]:
        table = pair_table(found[0])
        wide = {
            kind: np.column_stack([table.columns[f"{s} {kind}"] for s in self.symbols]) for kind in ("away", "volume")
        }
        return Table(table.time_ns, table.marks, table.volumes, wide), None

    def direction_at(self, row: Any) -> int:
        return 0

    def decide(self, row: Any, account: Account) -> Decision:
        wanted = [
            held if away != away or volume != volume else math.copysign(round(volume / 100, 6), away)
            for held, away, volume in zip(account.positions, row.away, row.volume, strict=True)
        ]
        return Target(tuple(wanted)) if wanted != list(account.positions) else None


STRATEGIES: tuple[Strategy, ...] = (
    ZScoreThreshold(SPEC, rule=ThresholdRule(stop=4.0, time_stop=30, cool_down=3)),
    ZScoreThreshold(SPEC, rebalance=True),
    InnovationThreshold(KALMAN),
    PositionOptimiser(
        (SPEC, OTHER), PositionConfig(vola=8, corr=12, clip=3.5, shrink=0.5, aum=1e5, position_scale=100.0)
    ),
    Instruments(BarsSpec(("ETH",), SECOND)),
    Instruments(BarsSpec(("ETH", "SOL", "BTC"), SECOND), 20 * SECOND),
)


@dataclass(frozen=True)
class Columns:
    """Ticks of a symbol as arrays."""

    time_ns: Any
    price: Any
    quantity: Any


def tape(seed: int, seconds: int = 200) -> list[Tick]:
    """Trades of three symbols in order of time."""
    rng = np.random.default_rng(seed)
    count = seconds * 6
    times = np.sort(rng.integers(0, seconds * SECOND, count)) + START
    who = rng.choice(3, count, p=[0.5, 0.35, 0.15])
    common = np.cumsum(rng.normal(0, 2e-4, count))
    own = {leg: np.cumsum(rng.normal(0, 1e-4, count)) for leg in range(3)}
    base, names, ids = (60_000.0, 3_000.0, 150.0), ("BTC", "ETH", "SOL"), [0, 0, 0]
    ticks = []
    for place, (when, leg) in enumerate(zip(times.tolist(), who.tolist(), strict=True)):
        price = float(np.round(base[leg] * np.exp(common[place] + own[leg][place] % 2e-3), 2))
        ticks.append(Tick(names[leg], ids[leg], price, float(rng.integers(1, 9)), when, when, False))
        ids[leg] += 1
    return ticks


def columns(ticks: Sequence[Tick]) -> Mapping[str, Columns]:
    """The same trades by symbol."""
    found = {}
    for symbol in dict.fromkeys(tick.symbol for tick in ticks):
        own = [tick for tick in ticks if tick.symbol == symbol]
        found[symbol] = Columns(
            np.array([t.time_ns for t in own]), np.array([t.price for t in own]), np.array([t.quantity for t in own])
        )
    return found


def play(run: LiveRun, chunks: Sequence[Sequence[Tick]]) -> None:
    """Feed chunks one after another, each dispatched before the next comes."""

    async def feed() -> None:
        running = asyncio.ensure_future(run.dispatcher.run(stop_signals=[]))
        for chunk in chunks:
            run.take(chunk)
            run.advance()
            for _ in range(4):
                await asyncio.sleep(0)
        run.dispatcher.stop()
        await running

    run.dispatcher.stop_on_handler_exceptions = True
    asyncio.run(feed())
    if run.dispatcher.last_error is not None:
        raise run.dispatcher.last_error


def split(ticks: Sequence[Tick], cuts: Sequence[int]) -> list[Sequence[Tick]]:
    """Ticks in chunks."""
    places = [0, *sorted(cut % (len(ticks) + 1) for cut in cuts), len(ticks)]
    return [ticks[begin:end] for begin, end in pairwise(places)]


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: strategy.name)
@pytest.mark.parametrize("fill", ["next_trade", "next_open", "next_close", "same_close"])
@given(seed=st.integers(0, 99), cuts=st.lists(st.integers(0, 5_000), max_size=12))
@settings(max_examples=4, deadline=None)
def test_live_equals_history(strategy: Strategy, fill: FillRule, seed: int, cuts: list[int]) -> None:
    ticks = tape(seed)
    begin_ns = START + 40 * SECOND
    rules = BrokerRules(
        fill=fill, fees=Fees(4.0), half_spread_bps=0.5, latency=FixedLatency(120_000_000), max_share=0.4,
        funding=FixedFunding(1.0, 30 * SECOND), timeout_ns=2 * SECOND,
    )  # fmt: skip
    run = LiveRun(strategy, rules)
    warm = [tick for tick in ticks if tick.time_ns < begin_ns]
    rest = [tick for tick in ticks if tick.time_ns >= begin_ns]
    run.warm_up(columns(warm), begin_ns)
    play(run, split(rest, cuts))

    seen = [tick for tick in ticks if tick.time_ns < run.until_ns]
    # jobs that fall due after the newest row have not come yet live: history is cut where live stands
    market = TickMarket(columns(seen), run.until_ns)
    history = backtest(market, strategy, rules, begin_ns=begin_ns)
    account = run.simulation.account
    assert history.fills
    assert account.fills == [fill for fill in history.fills if fill.time_ns <= run.until_ns]
    assert account.funding == list(history.funding)
    live, past = (
        [order for order in orders if not order.is_open and order.decided_ns < run.until_ns - 5 * SECOND]
        for orders in (run.simulation.broker.orders, history.orders)
    )
    assert live == past
    assert run.late == 0


@pytest.mark.parametrize("kind", ["targets", "single orders"])
@given(seed=st.integers(0, 99), cuts=st.lists(st.integers(0, 5_000), max_size=12))
@settings(max_examples=8, deadline=None)
def test_live_equals_history_in_recorded_books(kind: str, seed: int, cuts: list[int]) -> None:
    ticks, begin_ns = tape(seed), START + 40 * SECOND
    rng = np.random.default_rng(seed)
    market = TickMarket(columns(ticks))
    books = {}
    for leg in ("ETH", "BTC"):
        own = market.ticks[leg]
        levels, quantities = np.arange(1, 4) * 1e-4, rng.uniform(0.1, 4.0, (len(own.time_ns), 2, 3))
        quantities[rng.random(len(own.time_ns)) < 0.1] = np.nan  # a book that was lost
        known = np.where(np.isnan(quantities[:, 0]), np.nan, own.price[:, None])
        bids, asks = known * (1.0 - levels), known * (1.0 + levels)
        books[leg] = BookColumns(own.time_ns + 1, own.time_ns + 9, bids, quantities[:, 0], asks, quantities[:, 1])
    rules = BrokerRules(fill="recorded_depth", latency=FixedLatency(120_000_000))
    strategy: Strategy = ZScoreThreshold(SPEC, sizer=Units(2.0)) if kind == "targets" else Answering(seed)
    run = LiveRun(strategy, rules)
    run.warm_up(columns([tick for tick in ticks if tick.time_ns < begin_ns]), begin_ns)
    for leg, rows in books.items():
        half = len(rows) // 2
        run.take_books(leg, rows.rows(slice(None, half)))
        run.take_books(leg, rows.rows(slice(half, None)))
    play(run, split([tick for tick in ticks if tick.time_ns >= begin_ns], cuts))
    seen = columns([tick for tick in ticks if tick.time_ns < run.until_ns])
    history = backtest(TickMarket(seen, run.until_ns, Sampled(books)), strategy, rules, begin_ns=begin_ns)
    assert history.fills
    assert run.simulation.account.fills == [fill for fill in history.fills if fill.time_ns < run.until_ns]


@dataclass(frozen=True)
class Quoted(Instruments):
    """Trades where the mean of bid and ask has gone, by more where they are far from each other."""

    def series(self, spec: BarsSpec) -> Mapping[str, Series]:
        found = {}
        for symbol in self.symbols:
            bid, ask = (spec.source[column_of(self.symbols, symbol, name)] for name in ("bid", "ask"))
            found[f"{symbol} away"] = Node(ZScore(6), (bid,))["zscore"]
            found[f"{symbol} volume"] = ask
        return found


@given(seed=st.integers(0, 99), cuts=st.lists(st.integers(0, 5_000), max_size=12))
@settings(max_examples=8, deadline=None)
def test_quotes_that_a_strategy_reads_are_those_of_history(seed: int, cuts: list[int]) -> None:
    ticks, begin_ns = tape(seed), START + 40 * SECOND
    rng = np.random.default_rng(seed)
    books = Sampled({})
    for leg in ("ETH", "SOL"):
        times = np.sort(rng.integers(0, 200 * SECOND, 900)) + START
        price = 10.0 + np.cumsum(rng.normal(0, 0.01, 900))
        price[rng.random(900) < 0.05] = np.nan  # a book that was lost
        one = np.ones((900, 1))
        books[leg] = BookColumns(times, times, price[:, None] - 0.01, one, price[:, None] + 0.01, one)
    strategy = Quoted(BarsSpec(("ETH", "SOL"), SECOND))
    run = LiveRun(strategy)
    assert run.booked == ("ETH", "SOL")
    run.warm_up(columns([tick for tick in ticks if tick.time_ns < begin_ns]), begin_ns, books)
    for leg, rows in books.items():
        run.take_books(leg, rows.rows(rows.time_ns >= begin_ns - 10 * SECOND))
    play(run, split([tick for tick in ticks if tick.time_ns >= begin_ns], cuts))
    seen = columns([tick for tick in ticks if tick.time_ns < run.until_ns])
    history = backtest(TickMarket(seen, run.until_ns, books), strategy, begin_ns=begin_ns)
    assert history.fills
    assert run.simulation.account.fills == [fill for fill in history.fills if fill.time_ns < run.until_ns]


def test_a_symbol_that_was_read_later_closes_no_bar_of_one_read_before() -> None:
    ticks, begin_ns = tape(3), START + 40 * SECOND
    run = LiveRun(ZScoreThreshold(SPEC), BrokerRules(latency=FixedLatency(0)))
    run.warm_up(columns([tick for tick in ticks if tick.time_ns < begin_ns]), begin_ns)
    split_ns = begin_ns + 10 * SECOND
    arrived = [tick for tick in ticks if begin_ns <= tick.time_ns < split_ns]
    later = [tick for tick in ticks if split_ns <= tick.time_ns < split_ns + 60 * SECOND]
    run.take(tick for tick in arrived if tick.symbol == "ETH")
    run.take(tick for tick in [*arrived, *later] if tick.symbol == "BTC")  # came while ETH was read
    run.advance(SECOND, arrived[-1].time_ns)
    assert run.until_ns <= split_ns
    run.take(tick for tick in later if tick.symbol == "ETH")
    run.advance(SECOND, later[-1].time_ns)
    assert run.until_ns > split_ns + 50 * SECOND
    assert run.late == 0
