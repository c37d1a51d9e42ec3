"""An account cannot lose what it does not have: refusals, liquidation and ruin on the event path."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from alphastream.backtest import TickMarket, backtest
from alphastream.pairs import PairSpec
from alphastream.performance import summarise
from alphastream.strategies import FixedNotional, ThresholdRule, ZScoreThreshold
from alphastream.trading import BrokerRules, Contract, Fees, FixedFunding, FixedLatency, Margin, SpreadRequest, Target
from tests.backtest.markets import SECOND, Scripted, Ticks, random_market, ticks

FREE = BrokerRules(fees=Fees(0.0, 0.0), latency=FixedLatency(0), margin=Margin(10.0, 0.05, 0.0))
THRESHOLD = ZScoreThreshold(PairSpec("Y", "X", SECOND, "ols", 10, "price", 1.0, 0.0), sizer=FixedNotional(1e9))


def falling(step: float = 1.0, seconds: int = 60) -> TickMarket:
    """Y loses a step a second from 100 on, X stays; both trade at half seconds."""
    at = [second + 0.5 for second in range(seconds)]
    y = [max(100.0 - step * second, 1.0) for second in range(seconds)]
    return TickMarket({"Y": ticks(*zip(at, y, strict=True)), "X": ticks(*((when, 50.0) for when in at))})


def test_a_notional_that_the_capital_cannot_carry_is_refused() -> None:
    result = backtest(random_market(1), THRESHOLD, BrokerRules(), capital=1_000.0)
    assert result.orders
    assert {order.state for order in result.orders} == {"rejected"}
    assert "on an equity of 1,000.00" in result.orders[0].reason
    assert "the limit is 20 times, 20,000.00" in result.orders[0].reason
    assert (result.equity == 1_000.0).all()
    assert result.ended is None


def test_the_account_ends_where_its_margin_does() -> None:
    """Bought 50 of Y at 99: at 83 are 200 left of 1,000, under 5 % of 4,150; closed at 82."""
    script = [Target((50.0, 0.0), 1), *[None] * 30, Target((1.0, 0.0), -1)]
    result = backtest(falling(), Scripted(script), FREE, capital=1_000.0)
    ended = result.ended
    assert ended is not None
    assert (ended.time_ns, ended.equity) == (18 * SECOND, 200.0)
    assert ended.maintenance == pytest.approx(207.5)
    assert ended.prices[0] == pytest.approx((99.0 * 50.0 - 1_000.0) / (50.0 * 0.95))
    assert [(order.state, order.reason) for order in result.orders[1:]] == [("filled", ended.reason)]
    assert result.fills[-1].price == 82.0
    assert result.equity[-30:].tolist() == [150.0] * 30
    assert not result.positions[-30:].any()


def test_nobody_loses_more_than_he_has() -> None:
    """From 100 to 1 within a second: bought at 100 with five times the equity, all of it is gone and no more."""
    y = [(second + 0.5, 100.0 if second < 5 else 1.0) for second in range(10)]
    market = TickMarket({"Y": ticks(*y), "X": ticks(*((when, 50.0) for when, _ in y))})
    script = [Target((50.0, 0.0), 1)]
    result = backtest(market, Scripted(script), replace(FREE, fees=Fees(5.0)), capital=1_000.0)
    assert result.equity.min() == 0.0
    assert result.cash[-1] == 0.0
    assert result.ended is not None
    assert result.ended.equity < -3_900.0
    assert result.fills[-1].fee == pytest.approx(-3_950.0, abs=3.0)  # borne by the venue
    found = summarise(
        result.time_ns, result.equity, result.symbols, result.positions, result.marks, result.fills, result.funding,
        capital=1_000.0, ended_ns=result.ended.time_ns,
    )  # fmt: skip
    assert found.profit == pytest.approx(found.split.net) == -1_000.0
    assert np.isnan(found.ratios.sharpe)


def test_an_exit_that_leaves_nothing_ends_the_run() -> None:
    y = [(second + 0.5, 100.0 if second < 3 else 1.0) for second in range(10)]
    market = TickMarket({"Y": ticks(*y), "X": ticks(*((when, 50.0) for when, _ in y))})
    script = [Target((50.0, 0.0), 1), None, Target((0.0, 0.0), 0), *[Target((1.0, 0.0), 1)] * 5]
    result = backtest(market, Scripted(script), FREE, capital=1_000.0)
    assert result.ended is not None
    assert result.ended.reason == "ruined: an equity of 0.00, nothing to trade with"
    assert len(result.orders) == 2


@pytest.mark.parametrize("seed", range(1, 5))
def test_rows_between_decisions_are_looked_at(seed: int) -> None:
    """A strategy that follows a direction is asked on few rows; the end comes on the same row as where it sees all."""
    strategy = replace(THRESHOLD, sizer=FixedNotional(9_000.0), rule=ThresholdRule(time_stop=40))
    rng = np.random.default_rng(seed)
    legs = {}
    for leg in "YX":
        steps = np.where(rng.random(600) < 0.05, rng.normal(0.0, 0.3, 600), rng.normal(0.0, 1e-3, 600))
        at = np.sort(rng.integers(0, 3_000, 600)) * (SECOND // 10)
        legs[leg] = Ticks(at, 100.0 * np.exp(np.cumsum(steps)), np.ones(600))
    market, rules = TickMarket(legs), replace(FREE, latency=FixedLatency(SECOND))
    few = backtest(market, strategy, rules, capital=1_000.0)
    # a rate of funding that is nothing has every row handed over
    every = backtest(market, strategy, replace(rules, funding=FixedFunding(0.0)), capital=1_000.0)
    assert few.ended is not None
    assert few.ended == every.ended
    assert few.fills == every.fills
    np.testing.assert_array_equal(few.equity, every.equity)
    assert few.equity.min() >= 0.0


@pytest.mark.parametrize(
    "settings", [{"max_share": 0.3}, {"timeout_ns": SECOND // 4}, {"contracts": {"Y": Contract(0.5, 0.01, 10.0)}}]
)
def test_a_liquidation_is_carried_through_under_every_rule(settings: dict[str, Any]) -> None:
    """Thin trades, time limits and steps: it waits until everything is closed."""
    script = [SpreadRequest((40.0, -20.0), direction=1, timeout_ns=100 * SECOND, on_timeout="keep")]
    result = backtest(falling(seconds=300), Scripted(script), replace(FREE, **settings), capital=1_000.0)
    assert result.ended is not None
    assert result.ended.is_liquidation
    assert not result.positions[-1].any()
    assert result.equity.min() >= 0.0
    assert result.orders[-1].state == "filled"
