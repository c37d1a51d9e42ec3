"""Recipes of two books of E. P. Chan, written out plainly, against a study.

"Quantitative Trading" (2008), example 3.6: a pair with a fixed hedge. "Algorithmic Trading" (2013), example 3.1: linear
strategies on a price spread, a spread of logs and a ratio. What is held at a close earns the change to the next one,
free of costs.
"""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from alphastream.core.types import Floats
from alphastream.estimators import HedgedValue, RollingOLS, ThresholdSignal, ZScore
from alphastream.strategies import Portfolio, Units
from alphastream.study import Data, Study
from alphastream.trading import BrokerRules, Fees

BOOK = BrokerRules(fill="same_close", fees=Fees(0.0, 0.0))
BOUND = 10.0  # of a z-score over 20 rows, which cannot pass 19 / √20 = 4.2


def closes(seed: int, rows: int = 600) -> pd.DataFrame:
    """Two funds that wander together, closes of business days."""
    rng = np.random.default_rng(seed)
    x = 60.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, rows)))
    away = np.zeros(rows)
    for row in range(1, rows):
        away[row] = 0.93 * away[row - 1] + rng.normal(0.0, 0.6)
    days = pd.bdate_range("2010-01-04", periods=rows)
    return pd.DataFrame({"GLD": 12.0 + 1.6 * x + away, "GDX": x}, index=days)


def sharpe(returns: Floats) -> float:
    return math.sqrt(252) * float(np.mean(returns)) / float(np.std(returns, ddof=1))


@pytest.mark.parametrize("seed", [1, 2])
def test_a_pair_with_the_hedge_of_its_training(seed: int) -> None:
    prices, train = closes(seed), 252
    y, x = prices["GLD"].to_numpy(), prices["GDX"].to_numpy()
    hedge = float(np.linalg.lstsq(x[:train, None], y[:train], rcond=None)[0][0])
    spread = y - hedge * x
    mean, deviation = float(np.mean(spread[:train])), float(np.std(spread[:train], ddof=1))
    z = (spread - mean) / deviation
    held = np.zeros((len(z), 2))
    now = np.zeros(2)
    for row, value in enumerate(z):
        if value <= -2.0:
            now = np.array([1.0, -1.0])
        elif value >= 2.0:
            now = np.array([-1.0, 1.0])
        elif abs(value) <= 1.0:
            now = np.zeros(2)
        held[row] = now
    changes = prices.pct_change().to_numpy()[1:]
    expected = (held[:-1] * changes).sum(axis=1)

    def zscore(y: Floats, x: Floats, hedge: float, mean: float, deviation: float) -> Floats:
        return (y - hedge * x - mean) / deviation

    def a_dollar_each(strength: float, portfolio: Portfolio) -> dict[str, float]:
        return {"GLD": strength, "GDX": -strength}

    study = Study(BOOK)
    data = study.add_data(prices)
    known = {"hedge": hedge, "mean": mean, "deviation": deviation}
    zs = study.add_indicator(zscore, data["GLD"]["close"], data["GDX"]["close"], look_back=1, **known)
    pulse = study.add_indicator(ThresholdSignal(entry=2.0, exit=1.0), zs)
    study.add_strat(pulse["position"], a_dollar_each)
    result = study.run()
    assert len(result.orders) > 20
    # a dollar each: what is made is a return on a dollar
    np.testing.assert_allclose(np.diff(result.equity), expected, atol=1e-10)
    for part in (slice(None, train - 1), slice(train - 1, None)):
        assert sharpe(np.diff(result.equity)[part]) == pytest.approx(sharpe(expected[part]), rel=1e-6)


def rolling_hedge(y: Floats, x: Floats, window: int) -> Floats:
    out = np.full(len(y), np.nan)
    for row in range(window - 1, len(y)):
        part = slice(row - window + 1, row + 1)
        out[row] = np.polyfit(x[part], y[part], 1)[0]
    return out


def units_of(value: Floats, window: int) -> Floats:
    series = pd.Series(value)
    return np.asarray(-(series - series.rolling(window).mean()) / series.rolling(window).std())


def book_returns(positions: Floats, prices: Floats) -> Floats:
    """Profit of a day over yesterday's gross value; positions are values in the quote currency."""
    profit = (positions[:-1] * np.diff(prices, axis=0) / prices[:-1]).sum(axis=1)
    gross = np.abs(positions[:-1]).sum(axis=1)
    found: Floats = np.divide(profit, gross, out=np.zeros_like(profit), where=gross > 0.0)
    return found


def linear(zscore: Floats) -> Floats:
    """A strength that is smaller the further above its mean a value is; the allocation gives the bound back."""
    return -zscore / BOUND


def run_linear(study: Study, zscore: Any, allocation: Any, **more: Any) -> Floats:
    pulse = study.add_indicator(linear, zscore, look_back=1)
    study.add_strat(pulse, allocation, **more)
    found: Floats = study.run().gross_returns()
    return found[1:]


def study_of(prices: pd.DataFrame) -> tuple[Study, Data]:
    study = Study(BOOK, capital=1e4)
    return study, study.add_data(prices, symbols=("GLD", "GDX"))


@pytest.mark.parametrize("seed", [3, 4])
def test_a_linear_strategy_on_a_price_spread(seed: int) -> None:
    prices, window = closes(seed), 20
    y, x = prices["GLD"].to_numpy(), prices["GDX"].to_numpy()
    hedge = rolling_hedge(y, x, window)
    units = units_of(y - hedge * x, window)
    positions = np.nan_to_num(np.column_stack((units * y, -units * hedge * x)))
    expected = book_returns(positions, np.column_stack((y, x)))

    study, data = study_of(prices)
    gld, gdx = data["GLD"]["close"], data["GDX"]["close"]
    ratio = study.add_indicator(RollingOLS(window=window), gdx, gld)["hedge_ratio"]
    value = study.add_indicator(HedgedValue(), gdx, gld, ratio)
    found = run_linear(study, study.add_indicator(ZScore(window), value)["zscore"], Units(BOUND), hedge=ratio)
    np.testing.assert_allclose(found, expected, atol=1e-8)
    assert np.count_nonzero(found) > 500


@pytest.mark.parametrize("seed", [3, 4])
def test_a_linear_strategy_on_a_spread_of_logs(seed: int) -> None:
    prices, window = closes(seed), 20
    y, x = prices["GLD"].to_numpy(), prices["GDX"].to_numpy()
    hedge = rolling_hedge(np.log(y), np.log(x), window)
    units = units_of(np.log(y) - hedge * np.log(x), window)
    positions = np.nan_to_num(np.column_stack((units, -units * hedge)))
    expected = book_returns(positions, np.column_stack((y, x)))

    def dollars(strength: float, portfolio: Portfolio) -> tuple[float, float]:
        return BOUND * strength, -BOUND * strength * portfolio["hedge"]

    study, data = study_of(prices)
    gld, gdx = (study.add_indicator(np.log, data[name]["close"], look_back=1) for name in ("GLD", "GDX"))
    ratio = study.add_indicator(RollingOLS(window=window), gdx, gld)["hedge_ratio"]
    value = study.add_indicator(HedgedValue(), gdx, gld, ratio)
    zscore = study.add_indicator(ZScore(window), value)["zscore"]
    found = run_linear(study, zscore, dollars, hedge=ratio)
    np.testing.assert_allclose(found, expected, atol=1e-8)


@pytest.mark.parametrize("seed", [3, 4])
def test_a_linear_strategy_on_a_ratio(seed: int) -> None:
    prices, window = closes(seed), 20
    y, x = prices["GLD"].to_numpy(), prices["GDX"].to_numpy()
    units = units_of(y / x, window)
    expected = book_returns(np.nan_to_num(np.column_stack((units, -units))), np.column_stack((y, x)))

    def dollars(strength: float, portfolio: Portfolio) -> tuple[float, float]:
        return BOUND * strength, -BOUND * strength

    study, data = study_of(prices)
    ratio = study.add_indicator(np.divide, data["GLD"]["close"], data["GDX"]["close"], look_back=1)
    zscore = study.add_indicator(ZScore(window), ratio)["zscore"]
    np.testing.assert_allclose(run_linear(study, zscore, dollars), expected, atol=1e-8)
