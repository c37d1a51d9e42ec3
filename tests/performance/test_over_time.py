"""Drawdowns, calendar periods, moving windows, a benchmark, tails and profit by symbol, against plain formulas."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from alphastream.errors import ParameterError
from alphastream.performance import (
    against_benchmark,
    held_equally,
    period_returns,
    profit_by_symbol,
    profit_over_time,
    returns,
    rolling_sharpe,
    rolling_volatility,
    split_by_symbol,
    split_costs,
    tails,
    worst_drawdown,
    worst_drawdowns,
)

DAY = 86_400 * 10**9
HOUR = DAY // 24


def curve(rows: int = 900, seed: int = 3) -> tuple["np.ndarray[tuple[int], np.dtype[np.int64]]", pd.Series]:
    rng = np.random.default_rng(seed)
    when = 1_700_000_000 * 10**9 + np.arange(1, rows + 1, dtype=np.int64) * 7 * HOUR
    equity = 1e5 * np.exp(np.cumsum(rng.normal(1e-4, 0.01, rows)))
    return when, pd.Series(equity, index=pd.to_datetime(when, utc=True))


def test_worst_drawdowns_are_the_spells_between_peaks() -> None:
    when, equity = curve()
    values = equity.to_numpy()
    found = worst_drawdowns(when, values, most=10_000)
    peak = np.maximum.accumulate(values)
    spells: dict[float, float] = {}
    for high, value in zip(peak, values, strict=True):
        if value < high:
            spells[high] = min(spells.get(high, 0.0), value / high - 1.0)
    assert [each.depth for each in found] == sorted(spells.values())
    worst = worst_drawdown(when, values)
    assert found[0].depth == worst.depth
    assert (found[0].peak_ns, found[0].trough_ns, found[0].recovered_ns) == (
        worst.peak_ns,
        worst.trough_ns,
        worst.recovered_ns,
    )
    assert max(each.under_water_ns for each in found) == worst.under_water_ns
    assert len(worst_drawdowns(when, values, most=3)) == 3


def test_what_never_falls_has_no_drawdown() -> None:
    assert worst_drawdowns(range(4), [1.0, 1.0, 2.0, 2.0]) == ()
    assert worst_drawdowns(range(1), [1.0]) == ()


@pytest.mark.parametrize("period", ["h", "D", "M", "Y"])
def test_periods_multiply_to_the_whole(period: str) -> None:
    when, equity = curve()
    found = period_returns(when, equity.to_numpy(), period, capital=90_000.0)  # type: ignore[arg-type]
    assert np.prod(1.0 + found.returns) == pytest.approx(equity.iloc[-1] / 90_000.0, rel=1e-12)
    rule = {"h": "h", "D": "D", "M": "ME", "Y": "YE"}[period]
    plain = equity.set_axis(pd.to_datetime(when - 1, utc=True)).resample(rule).last().dropna()
    changes = plain / plain.shift(fill_value=90_000.0) - 1.0
    np.testing.assert_allclose(found.returns, changes.to_numpy(), rtol=1e-12)


def test_nothing_left_has_no_return_after_it() -> None:
    found = period_returns(np.arange(1, 4) * 40 * DAY, [100.0, 0.0, 0.0], "M")
    assert found.returns[1] == -1.0
    assert np.isnan(found.returns[2])


@pytest.mark.parametrize("scale", [1e-6, 1.0])
def test_moving_windows(scale: float) -> None:
    changes = pd.Series(returns(curve()[1].to_numpy()) * scale)
    window = changes.rolling(60)
    np.testing.assert_allclose(rolling_volatility(changes, 60, 252.0), window.std() * math.sqrt(252.0), rtol=1e-9)
    sharpe = (window.mean() / window.std() * math.sqrt(252.0)).to_numpy()
    np.testing.assert_allclose(rolling_sharpe(changes, 60, 252.0), sharpe, rtol=1e-9, atol=1e-9)


def test_moving_windows_that_do_not_vary_or_are_too_short() -> None:
    still = np.full(50, 0.001)
    assert np.isnan(rolling_sharpe(still, 10)).all()
    assert (rolling_volatility(still, 10)[9:] == 0.0).all()
    assert np.isnan(rolling_volatility(still, 51)).all()
    still[20] = np.nan
    assert np.isnan(rolling_volatility(still, 10)[20:30]).all()
    after = rolling_sharpe(np.concatenate((np.random.default_rng(0).normal(size=50), np.zeros(50))), 10)
    assert np.isnan(after[60:]).all()


def test_a_benchmark_by_least_squares() -> None:
    rng = np.random.default_rng(8)
    other = rng.normal(3e-4, 0.01, 500)
    own = 1e-4 + 0.7 * other + rng.normal(0.0, 0.004, 500)
    found, plain = against_benchmark(own, other, 252.0), stats.linregress(other, own)
    assert found.beta == pytest.approx(plain.slope)
    assert found.alpha == pytest.approx(plain.intercept * 252.0)
    assert found.correlation == pytest.approx(plain.rvalue)
    assert found.beta_error == pytest.approx(plain.stderr)
    assert found.alpha_error == pytest.approx(plain.intercept_stderr * 252.0)
    assert math.isnan(against_benchmark(own[:2], other[:2]).alpha_error)
    assert found.tracking_error == pytest.approx(np.std(own - other, ddof=1) * math.sqrt(252.0))
    own[3] = np.nan
    assert against_benchmark(own, other).rows == 499
    still = against_benchmark(own, np.zeros(500))
    assert math.isnan(still.beta)
    assert math.isnan(still.correlation)
    same = against_benchmark(other, other)
    assert same.beta == 1.0
    assert math.isnan(same.information_ratio)
    with pytest.raises(ParameterError, match="same periods"):
        against_benchmark(own, other[1:])


def test_equal_parts_are_bought_once_and_held() -> None:
    rng = np.random.default_rng(6)
    prices = 50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, (100, 3)), axis=0))
    np.testing.assert_allclose(held_equally(prices), (prices / prices[0]).mean(axis=1))
    np.testing.assert_allclose(held_equally(prices[:, :1]), prices[:, 0] / prices[0, 0])
    late = prices.copy()
    late[:10, 1], late[50, 2] = np.nan, np.nan
    frame = pd.DataFrame(late).ffill()
    expected = (frame / frame.bfill().iloc[0]).fillna(1.0).mean(axis=1)
    np.testing.assert_allclose(held_equally(late), expected)
    assert held_equally(np.full((3, 2), np.nan)).tolist() == [1.0, 1.0, 1.0]
    for wrong in (prices[:, 0], -prices, prices[:0]):
        with pytest.raises(ParameterError):
            held_equally(wrong)


def test_tails_count_what_is_there() -> None:
    rng = np.random.default_rng(1)
    fat = rng.standard_t(3, 2_000) * 0.01
    found = tails(fat)
    away = (fat - fat.mean()) / fat.std(ddof=1)
    assert [tail.below for tail in found.far] == [(away < -limit).sum() for limit in (2, 3, 4)]
    assert found.far[2].below + found.far[2].above > 5 * 2 * found.far[2].expected
    assert found.far[0].expected == pytest.approx(2_000 * stats.norm.sf(2.0))
    lowest = np.sort(fat)
    assert found.shortfall[0.95] == pytest.approx(-lowest[:100].mean())
    assert found.value_at_risk[0.99] == -lowest[19]
    assert tails(np.zeros(5)).far == ()
    assert math.isnan(tails([]).shortfall[0.95])


@dataclass(frozen=True)
class Traded:
    time_ns: int
    symbol: str
    quantity: float
    price: float
    trade_price: float
    fee: float = 0.1
    spread_cost: float = 0.0
    impact_cost: float = 0.0
    round_trip: int = 1


@dataclass(frozen=True)
class Paid:
    time_ns: int
    symbol: str
    amount: float
    round_trip: int = 1


def test_profit_by_symbol_sums_to_the_account() -> None:
    rng = np.random.default_rng(5)
    rows, symbols = 200, ("A", "B", "C", "D")
    marks = 50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, (rows, 4)), axis=0))
    fills, funding, positions, cash = [], [], np.zeros((rows, 4)), np.full(rows, 1e4)
    for row in range(0, rows, 7):
        for leg in rng.choice(4, 2, replace=False):
            quantity, price = float(rng.normal(0.0, 3.0)), float(marks[row, leg])
            spread = quantity * price * 0.001
            fills.append(Traded(row * 10 + 10, symbols[leg], quantity, price * 1.001, price, spread_cost=spread))
            positions[row:, leg] += quantity
            cash[row:] -= quantity * price * 1.001 + 0.1
        funding.append(Paid(row * 10 + 5, "C", 0.25))
        cash[row:] += 0.25
    when = np.arange(1, rows + 1, dtype=np.int64) * 10
    equity = cash + (positions * marks).sum(axis=1)
    paths = profit_by_symbol(when, symbols, positions, marks, fills, funding)
    np.testing.assert_allclose(paths.sum(axis=1), equity - 1e4, atol=1e-8)
    grown = profit_over_time(when, symbols, positions, marks, fills, funding)
    np.testing.assert_array_equal(grown.net, paths)
    np.testing.assert_allclose(grown.gross - grown.costs + grown.funding, grown.net, atol=1e-9)
    assert grown.funding[-1].tolist() == pytest.approx([0.0, 0.0, 0.25 * len(funding), 0.0])
    costs = [sum(fill.fee + fill.spread_cost for fill in fills if fill.symbol == symbol) for symbol in symbols]
    np.testing.assert_allclose(grown.costs[-1], costs)
    last = dict(zip(symbols, marks[-1].tolist(), strict=True))
    parts = split_by_symbol(symbols, fills, funding, last)
    whole = split_costs(fills, funding, last)
    for name in ("gross", "fees", "spread", "impact", "funding", "net"):
        assert math.fsum(getattr(each, name) for each in parts.values()) == pytest.approx(
            getattr(whole, name), abs=1e-9
        )
    np.testing.assert_allclose([part.net for part in parts.values()], paths[-1], atol=1e-8)
    with pytest.raises(ParameterError, match="D was traded"):
        split_by_symbol(symbols[:3], fills, funding, last)
