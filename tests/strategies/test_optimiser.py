"""The optimiser as a strategy: what was decided on a bar is held from the next trade on."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from alphastream.backtest import RunResult, TickMarket, backtest
from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.pairs import PairSpec, analyse
from alphastream.portfolio import PositionConfig, optimise
from alphastream.portfolio.allocation import pair_rows
from alphastream.strategies import PositionOptimiser
from alphastream.trading import BrokerRules, Contract, Fees, FixedLatency, Margin
from tests.backtest.markets import SECOND, Ticks, random_ticks

PAIRS = (PairSpec("A", "B", SECOND, window=10), PairSpec("C", "B", SECOND, window=12))
CONFIG = PositionConfig(vola=4, corr=8, clip=3.5, shrink=0.5, aum=1e6, position_scale=100.0)
FREE = BrokerRules(fees=Fees(0.0, 0.0), latency=FixedLatency(0))


def market(seed: int = 3, seconds: int = 120, sparse: bool = True) -> TickMarket:
    """Three walks; where they are sparse, each misses some bars."""
    rng = np.random.default_rng(seed)
    if sparse:
        return TickMarket({leg: random_ticks(rng, seconds * 2, seconds) for leg in "ABC"})
    ends = np.arange(seconds) * SECOND + SECOND // 2
    paths = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 1e-3, (3, seconds)), axis=1))
    return TickMarket({leg: Ticks(ends, path, np.ones(seconds)) for leg, path in zip("ABC", paths, strict=True)})


def wanted(data: TickMarket) -> tuple[Any, Floats]:
    """Rows as the portfolio page makes them, and the units that the optimiser decides on, NaN for no decision."""
    rows = pair_rows([analyse(data.rows(spec.y, spec.x, SECOND), spec) for spec in PAIRS])
    found = optimise(rows.prices, rows.signals, CONFIG)
    skipped = np.isnan(found.cash_position) & (found.status == "valid")[:, None]
    return rows, np.where(skipped, np.nan, found.held * CONFIG.position_scale / rows.prices)


def run(data: TickMarket, rules: BrokerRules = FREE) -> RunResult:
    return backtest(data, PositionOptimiser(PAIRS, CONFIG), rules)


def test_names_and_symbols() -> None:
    strategy = PositionOptimiser(PAIRS, CONFIG)
    assert strategy.name == "optimiser A/B, C/B"
    assert strategy.symbols == ("A", "B", "C")
    assert strategy.pairs == PAIRS


@pytest.mark.parametrize("specs", [(), (PAIRS[0], PairSpec("C", "B", 5 * SECOND))])
def test_pairs_of_several_lengths_or_none_are_refused(specs: Any) -> None:
    with pytest.raises(ParameterError, match="give at least one, and all with bars of one length"):
        PositionOptimiser(specs, CONFIG)


def test_each_decision_is_filled_at_the_next_trade_of_its_symbol() -> None:
    """By hand: walk over rows and trades and keep what was decided last before each trade."""
    data = market()
    rows, units = wanted(data)
    result = run(data)
    np.testing.assert_array_equal(result.time_ns, rows.time_ns)
    for leg, symbol in enumerate(rows.assets):
        tape = data.ticks[symbol]
        held, decided, row = 0.0, 0.0, 0
        own: list[Any] = []
        for when, price in zip(tape.time_ns.tolist(), tape.price.tolist(), strict=True):
            while row < len(rows) and rows.time_ns[row] <= when:
                decided = decided if np.isnan(units[row, leg]) else float(units[row, leg])
                row += 1
            if decided != held and when <= rows.time_ns[-1]:
                own.append((when, price, pytest.approx(decided - held)))
                held = decided
        assert len(own) > 50
        assert _merged(result, symbol) == own
        assert result.positions[-1, leg] == held


def _merged(result: RunResult, symbol: str) -> list[tuple[int, float, float]]:
    """Fills with the two parts of those that turned a position put together again."""
    found: list[tuple[int, float, float]] = []
    for fill in (fill for fill in result.fills if fill.symbol == symbol):
        quantity = fill.quantity
        if found and found[-1][0] == fill.time_ns:
            quantity += found.pop()[2]
        found.append((fill.time_ns, fill.trade_price, quantity))
    return found


def test_a_decision_outlives_bars_without_a_trade() -> None:
    """C is silent for five bars after a decision about it, while A and B are decided about anew on each of them."""
    data = market(sparse=False)
    dense = data.ticks["C"]
    silent = np.r_[0:60, 65:120]
    gap = TickMarket({**data.ticks, "C": Ticks(dense.time_ns[silent], dense.price[silent], dense.quantity[silent])})
    _, units = wanted(gap)
    result = run(gap)
    (filled,) = {fill.time_ns for fill in result.fills if fill.symbol == "C" and 60 <= fill.time_ns / SECOND < 66}
    assert filled == 65 * SECOND + SECOND // 2
    assert np.isnan(units[60:65, 2]).all()
    assert result.positions[64, 2] == units[58, 2]  # the last one filled, at 59.5
    assert result.positions[65, 2] == units[59, 2]  # what was decided at 60


def test_it_earns_what_the_portfolio_page_says() -> None:
    """Where every symbol trades once in each bar, filled at the closes: held · change of price, from the fill on."""
    data = market(sparse=False)
    _, units = wanted(data)
    result = run(data, BrokerRules(fill="next_close", fees=Fees(0.0, 0.0)))
    held = np.zeros_like(units)
    held[1:] = np.nan_to_num(units[:-1])
    assert np.isfinite(units[20:]).all()
    np.testing.assert_allclose(result.positions, held, atol=1e-12)
    earned = (held[:-1] * np.diff(result.marks, axis=0)).sum(axis=1)
    np.testing.assert_allclose(np.diff(result.equity), earned, atol=1e-7)
    assert abs(earned).sum() > 10.0


def test_one_small_adjustment_does_not_hold_up_the_others() -> None:
    data = market(sparse=False)
    bound = BrokerRules(fees=Fees(0.0, 0.0), contracts={"A": Contract(min_notional=1e9)})
    free, limited = run(data), run(data, bound)
    assert not [fill for fill in limited.fills if fill.symbol == "A"]
    for leg in (1, 2):
        np.testing.assert_array_equal(limited.positions[:, leg], free.positions[:, leg])


def test_both_styles_bet_against_each_other() -> None:
    data = market(sparse=False)
    results = [backtest(data, PositionOptimiser(PAIRS, CONFIG, style), FREE) for style in ("reversal", "momentum")]
    np.testing.assert_allclose(results[0].positions, -results[1].positions, atol=1e-9)
    assert np.abs(results[0].positions).max() > 1.0


def test_positions_beyond_the_limit_are_refused_once() -> None:
    """A million times as large: what it asks for on every row is refused on every row, and stands there once."""
    large = CONFIG.replace(position_scale=1e8)
    result = backtest(market(), PositionOptimiser(PAIRS, large), FREE)
    assert [order.state for order in result.orders] == ["rejected"]
    assert "on an equity of 100,000.00" in result.orders[0].reason
    assert (result.equity == 100_000.0).all()


@pytest.mark.parametrize("seed", [3, 4])
def test_an_account_of_many_legs_is_liquidated_whole(seed: int) -> None:
    margin = Margin(max_leverage=20.0, maintenance=0.0495, liquidation_fee_bps=10.0)
    rules = replace(FREE, margin=margin)
    result = backtest(market(seed), PositionOptimiser(PAIRS, CONFIG.replace(position_scale=1_500.0)), rules)
    ended = result.ended
    assert ended is not None
    assert ended.symbols == ("A", "B", "C")
    assert ended.equity <= ended.maintenance
    assert sorted(fill.symbol for fill in result.fills if fill.order == len(result.orders)) == ["A", "B", "C"]
    assert not result.positions[-1].any()
    assert result.orders[-1].reason == ended.reason
    assert result.equity.min() >= 0.0
