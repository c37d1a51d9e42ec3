"""Strategies on baskets: what they hold, the same over history and live, and Chan's recipe against plain numpy."""

import math
from typing import Any

import numpy as np
import pytest

from alphastream.backtest import BarMarket, Definition, LiveRun, TickMarket, backtest, pnl_by_leg, returns_on_gross
from alphastream.bars import Bars
from alphastream.baskets import BasketSpec, analyse_basket
from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.estimators import basket_weights, half_life
from alphastream.events import Tick
from alphastream.strategies import (
    BasketLinear,
    BasketThreshold,
    BetaNeutral,
    FixedNotional,
    ThresholdRule,
    Units,
    VolatilityTarget,
)
from alphastream.trading import BrokerRules, Fees
from tests.backtest.test_live import columns, play, split

SECOND = 10**9
DAY = 86_400 * SECOND
START = 1_700_000_000 * SECOND
SYMBOLS = ("A", "B", "C", "D")


def closes(rows: int, seed: int = 0) -> Floats:
    """A first leg that is a combination of three walks and noise that returns, (T, 4)."""
    rng = np.random.default_rng(seed)
    walks = 60.0 + np.cumsum(rng.normal(0.0, 0.3, size=(rows, 3)), axis=0)
    noise = np.convolve(rng.normal(size=rows + 99), 0.5 ** (np.arange(100) / 5.0), "valid") / 3.0
    return np.column_stack([walks @ [0.5, 0.4, -0.3] + noise + 20.0, walks])


def daily(prices: Floats) -> BarMarket:
    starts = np.arange(len(prices), dtype=np.int64) * DAY
    bars = {}
    for leg, symbol in enumerate(SYMBOLS[: prices.shape[1]]):
        price = prices[:, leg]
        last = starts + DAY - 1
        bars[symbol] = Bars(starts, price, price, price, price, np.ones(len(price)), starts * 0, last, last)
    return BarMarket(bars, DAY)


def tape(seed: int = 0, seconds: int = 400) -> list[Tick]:
    prices, rng = closes(seconds, seed), np.random.default_rng(seed)
    ticks = []
    for leg, symbol in enumerate(SYMBOLS):
        for place, second in enumerate(np.flatnonzero(rng.random(seconds) < 0.9).tolist()):
            when = START + second * SECOND + int(rng.integers(0, SECOND))
            price, quantity = float(prices[second, leg]), float(rng.uniform(0.5, 2.0))
            ticks.append(Tick(symbol, place, price, quantity, when, when, False))
    return sorted(ticks, key=lambda tick: tick.time_ns)


def trades(seed: int = 0, seconds: int = 400) -> TickMarket:
    return TickMarket(columns(tape(seed, seconds)))


def strategies() -> list[Any]:
    ols = BasketSpec(SYMBOLS, SECOND, "ols", 60, entry=1.2, exit=0.3, hold=20)
    return [
        BasketThreshold(ols),
        BasketThreshold(BasketSpec(SYMBOLS, SECOND, "johansen", 80, "price", 1.2, 0.3), sizer=BetaNeutral(5_000.0)),
        BasketThreshold(ols, sizer=VolatilityTarget(0.3), rebalance=True, rule=ThresholdRule(stop=4.0, cool_down=5)),
        BasketThreshold(BasketSpec(SYMBOLS, SECOND, "sparse", 60, entry=1.2, hold=1), sizer=Units(3.0)),
        BasketLinear(BasketSpec(SYMBOLS, SECOND, "pca", 60, hold=30), lookback=25, units=2.0),
        BasketLinear(BasketSpec(SYMBOLS, SECOND, "fixed", price="price", weights=(2.0, -1.0, -0.8, 0.6)), lookback=25),
    ]


@pytest.mark.parametrize("strategy", strategies(), ids=lambda each: f"{each.name} {each.basket.method}")
def test_history_and_live_trade_alike_and_all_legs_are_one_order(strategy: Any) -> None:
    rules = BrokerRules(fees=Fees(5.0, 2.0), half_spread_bps=1.0, timeout_ns=20 * SECOND)
    ticks, begin_ns = tape(), START + 20 * SECOND
    run = LiveRun(strategy, rules)
    run.warm_up(columns([tick for tick in ticks if tick.time_ns < begin_ns]), begin_ns)
    play(run, split([tick for tick in ticks if tick.time_ns >= begin_ns], [7, 100, 101, 500, 1_100]))
    market = TickMarket(columns([tick for tick in ticks if tick.time_ns < run.until_ns]), run.until_ns)
    history = backtest(market, strategy, rules, begin_ns=begin_ns)
    assert len(history.fills) >= 8
    assert run.simulation.account.fills == [fill for fill in history.fills if fill.time_ns <= run.until_ns]
    assert all(len({leg.eligible_ns for leg in order.legs}) == 1 for order in history.orders)
    assert len(history.orders[0].legs) == (3 if strategy.basket.method == "sparse" else 4)


def test_legs_that_are_ahead_of_one_that_stays_unfilled_are_unwound_together() -> None:
    ticks = [tick for tick in tape() if tick.symbol != "D" or tick.time_ns < START + 120 * SECOND]
    basket = BasketSpec(SYMBOLS, SECOND, "ols", 60, entry=1.2, exit=0.3)
    result = backtest(TickMarket(columns(ticks)), BasketThreshold(basket), BrokerRules(timeout_ns=5 * SECOND))
    late = [order for order in result.orders if order.decided_ns > START + 121 * SECOND]
    unwound = [order for order in late if order.state == "unwound"]
    assert unwound
    for order in unwound:
        states = {leg.symbol: leg.state for leg in order.legs}
        assert states == {"A": "filled", "B": "filled", "C": "filled", "D": "cancelled"}
        back = next(other for other in result.orders if other.unwinds == order.id)
        filled = {leg.symbol: leg.quantity for leg in order.legs if leg.symbol != "D"}
        assert {leg.symbol: -leg.quantity for leg in back.legs} == filled


@pytest.mark.parametrize("strategy", strategies(), ids=lambda each: f"{each.name} {each.basket.method}")
def test_what_legs_earned_is_what_the_account_earned(strategy: Any) -> None:
    result = backtest(trades(1), strategy, BrokerRules(fees=Fees(5.0, 2.0), half_spread_bps=1.0))
    legs = pnl_by_leg(result)
    assert math.fsum(legs.net) == pytest.approx(legs.total, rel=1e-15)
    assert legs.total == pytest.approx(result.equity[-1] - result.capital, abs=1e-9 * result.capital)
    assert legs.fees.sum() == pytest.approx(sum(fill.fee for fill in result.fills))
    np.testing.assert_allclose(
        legs.net, legs.gross - legs.fees - legs.spread_costs - legs.impact_costs + legs.funding, atol=1e-9
    )


def test_sizes_are_of_what_they_say() -> None:
    spec = BasketSpec(SYMBOLS, SECOND, "ols", 60, entry=1.2, exit=0.3)
    sized: list[tuple[Any, int]] = [(FixedNotional(700.0), 1), (BetaNeutral(700.0), 4)]
    for sizer, legs in sized:
        result = backtest(trades(), BasketThreshold(spec, sizer=sizer))
        opened = [order for order in result.orders if "spread" in order.reason]
        assert opened
        for order in opened:
            row = int(np.searchsorted(result.time_ns, order.decided_ns))
            targets = np.array([leg.target for leg in order.legs])
            assert np.abs(targets * result.marks[row])[:legs].sum() == pytest.approx(700.0)
            sides = np.sign(targets) * (1 if order.reason.startswith("long") else -1)
            weights = np.array([result.observed[name][row] for name in spec.weight_columns])
            np.testing.assert_array_equal(sides, np.sign(weights))


def test_chans_linear_basket_is_the_plain_recipe() -> None:
    """Algorithmic Trading, example 2.8: weights of Johansen's first vector, look-back of the half-life, daily."""
    prices = closes(600, 3)[:, :3]
    weights = basket_weights(prices, "johansen").weights
    value = prices @ weights
    lookback = round(half_life(value).half_life)
    spec = BasketSpec(SYMBOLS[:3], DAY, "fixed", price="price", weights=tuple(weights.tolist()))
    rules = BrokerRules(fill="same_close", fees=Fees(0.0, 0.0), half_spread_bps=0.0)
    result = backtest(daily(prices), BasketLinear(spec, lookback), rules)
    # the recipe
    average, deviation = np.full((2, 600), np.nan)
    for t in range(lookback - 1, 600):
        window = value[t - lookback + 1 : t + 1]
        average[t], deviation[t] = window.mean(), window.std(ddof=1)
    held = np.nan_to_num(-(value - average) / deviation)[:, None] * weights
    gained = (held[:-1] * np.diff(prices, axis=0)).sum(axis=1)
    gross = np.abs(held * prices)[:-1].sum(axis=1)
    expected = np.divide(gained, gross, out=np.zeros(599), where=gross > 0.0)
    np.testing.assert_allclose(result.positions, held, atol=1e-9)
    found = returns_on_gross(result)
    np.testing.assert_allclose(found[1:], expected, atol=1e-9)
    apr = np.prod(1.0 + found) ** (252 / len(found)) - 1.0
    assert apr == pytest.approx(np.prod(1.0 + expected) ** (252 / 600) - 1.0, rel=1e-6)


def test_a_definition_is_written_and_read_back_with_other_names() -> None:
    for strategy in strategies():
        definition = Definition(strategy)
        assert Definition.of(definition.plain()) == definition


def test_analytics_of_a_basket_are_those_of_its_estimator_and_its_legs_are_tested() -> None:
    spec = BasketSpec(SYMBOLS, SECOND, "ols", 60)
    rows = trades(2, 900).bar_rows(SYMBOLS, SECOND)
    answer = analyse_basket(rows, spec)
    found, _ = spec.hedge().run(*rows.close.T)
    np.testing.assert_array_equal(answer.closed["zscore"], found.zscore)
    np.testing.assert_array_equal(answer.closed["w_3"], found.weights[:, 2])
    assert (answer.have, answer.needed) == (61, 61)
    assert answer.evidence.refusal is None
    assert answer.evidence.pvalue < 0.05
    assert answer.evidence.trace > answer.evidence.trace_critical
    few = analyse_basket(rows.take(slice(100)), spec)
    assert few.evidence.refusal is not None
    assert "bars in which all legs traded" in few.evidence.refusal
    with pytest.raises(ParameterError, match="the basket is of"):
        analyse_basket(rows, BasketSpec(SYMBOLS[:3], SECOND, window=60))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"symbols": ("A", "B")}, "2 legs: a basket has 3 to 10"),
        ({"symbols": ("A", "B", "A")}, "each once"),
        ({"price": "logs"}, "choose 'log' or 'price'"),
        ({"window": 5}, "train is 5"),
    ],
)
def test_a_basket_that_is_none_is_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        BasketSpec(**{"symbols": SYMBOLS, **arguments})
