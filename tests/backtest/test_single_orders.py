"""Orders of every kind: what must hold whatever they are, and that a growing tape gives what history gives."""

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alphastream.backtest import BarMarket, LiveRun, RunResult, TickMarket, backtest
from alphastream.trading import BrokerRules, Contract, Fees, FillRule, FixedLatency, Margin, PowerImpact
from tests.backtest.restless import Answering, Restless
from tests.backtest.test_live import SECOND, START, columns, play, split, tape

RULES: tuple[FillRule, ...] = ("next_trade", "next_open", "next_close", "same_close")


def rules(fill: FillRule, share: float | None = 0.4) -> BrokerRules:
    return BrokerRules(
        fill=fill, fees=Fees(4.0, 1.0), half_spread_bps=0.5, impact=PowerImpact(1.0), latency=FixedLatency(120_000_000),
        max_share=share, margin=Margin(max_leverage=3.0), contracts={"ETH": Contract(lot=0.01)},
    )  # fmt: skip


def run(seed: int, fill: FillRule, share: float | None = None, strategy: type[Restless] = Restless) -> RunResult:
    return backtest(TickMarket(columns(tape(seed))), strategy(seed), rules(fill, share), capital=200_000.0)


@pytest.mark.parametrize("fill", RULES)
@pytest.mark.parametrize("strategy", [Restless, Answering])
@given(seed=st.integers(0, 99), cuts=st.lists(st.integers(0, 5_000), max_size=12))
@settings(max_examples=4, deadline=None)
def test_live_equals_history(strategy: type[Restless], fill: FillRule, seed: int, cuts: list[int]) -> None:
    ticks, begin_ns = tape(seed), START + 5 * SECOND
    live = LiveRun(strategy(seed), rules(fill), 200_000.0)
    live.warm_up(columns([tick for tick in ticks if tick.time_ns < begin_ns]), begin_ns)
    play(live, split([tick for tick in ticks if tick.time_ns >= begin_ns], cuts))
    market = TickMarket(columns([tick for tick in ticks if tick.time_ns < live.until_ns]), live.until_ns)
    history = backtest(market, strategy(seed), rules(fill), capital=200_000.0, begin_ns=begin_ns)
    account = live.simulation.account
    assert len(history.fills) > 20
    assert account.fills == list(history.fills)
    assert live.simulation.broker.orders == list(history.orders)
    assert account.cash == history.cash[-1]


@pytest.mark.parametrize("fill", RULES)
@given(seed=st.integers(0, 999))
@example(seed=970)  # fills in parts that leave 1e-16 of a position
@settings(max_examples=6, deadline=None)
def test_what_must_hold_whatever_is_sent(fill: FillRule, seed: int) -> None:
    result = run(seed, fill)
    orders = {order.id: order for order in result.orders}
    positions, filled = defaultdict[str, float](float), defaultdict[int, float](float)
    for fill_ in result.fills:
        order, held = orders[fill_.order], positions[fill_.symbol]
        (part,) = [leg for leg in order.legs if leg.symbol == fill_.symbol]
        assert order.good_till_ns is None or fill_.time_ns < order.good_till_ns
        if part.reduce_only:
            assert held * fill_.quantity < 0.0
            assert abs(fill_.quantity) <= abs(held) * (1.0 + 1e-9)
        if part.limit is not None:
            assert (part.limit - fill_.price) * np.sign(fill_.quantity) >= 0.0
            assert fill_.price == part.limit or not fill_.maker
        positions[fill_.symbol] += fill_.quantity
        if abs(positions[fill_.symbol]) < 1e-9:
            positions[fill_.symbol] = 0.0
        filled[order.id] += fill_.quantity
    assert list(result.positions[-1]) == pytest.approx([positions[s] for s in result.symbols], abs=1e-9)
    _check_brackets(result)
    marks = dict(zip(result.symbols, result.marks[-1], strict=True))
    gained = sum(f.quantity * (marks[f.symbol] - f.trade_price) for f in result.fills)
    costs = sum(f.fee + f.spread_cost + f.impact_cost for f in result.fills)
    assert result.equity[-1] == pytest.approx(200_000.0 + gained - costs, rel=1e-9)


def _check_brackets(result: RunResult) -> None:
    """Of the two sides of a bracket at most one has traded, and where one has, the other is over."""
    sides = defaultdict(list)
    for order in result.orders:
        if order.bracket is not None:
            sides[order.bracket].append(order)
    assert sides
    for both in sides.values():
        traded = [order for order in both if order.legs[0].filled]
        assert len(traded) <= 1
        if traded and traded[0].state == "filled":
            assert [order.state for order in both if order is not traded[0]] == ["cancelled"]


@given(seed=st.integers(0, 999))
@settings(max_examples=6, deadline=None)
def test_bars_of_a_file_fill_as_ticks_do_at_their_opens(seed: int) -> None:
    ticks = columns(tape(seed))
    market = TickMarket(ticks)
    bars = BarMarket({symbol: market.bars(symbol, SECOND) for symbol in ticks}, SECOND)
    one, two = (backtest(each, Restless(seed), rules("next_open", None), capital=200_000.0) for each in (market, bars))
    assert [(f.symbol, f.quantity, f.price) for f in one.fills if orders_price(one, f.order)] == [
        (f.symbol, f.quantity, f.price) for f in two.fills if orders_price(two, f.order)
    ]


def orders_price(result: RunResult, number: int) -> bool:
    """Whether an order has a price of its own."""
    return result.orders[number - 1].legs[0].kind != "market"
