"""Figures over positions and signals, against plain formulas."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from alphastream.portfolio import (
    PositionConfig,
    SlidingWindow,
    exposure,
    information_coefficient,
    optimise,
    returns,
    sharpe_over_shrinkage,
    sharpe_ratio,
    spectrum,
)
from tests.portfolio import oracle
from tests.portfolio.histories import history

CONFIG = PositionConfig(vola=6, corr=12, clip=3.0, shrink=0.6, aum=1e8, max_turnover=60.0, cost_per_unit=1e-4)


def test_exposure() -> None:
    prices, signals = history("zero signals", 4)
    found = optimise(prices, signals, CONFIG)
    seen = exposure(found, CONFIG)
    t = 50
    cash = found.cash_position[t]
    assert seen.gross[t] == pytest.approx(np.abs(cash).sum())
    assert seen.net[t] == pytest.approx(cash.sum())
    assert seen.leverage[t] == pytest.approx(np.abs(cash).sum() * 1e6 / 1e8)
    assert seen.turnover[t] == pytest.approx(np.abs(cash - found.cash_position[t - 1]).sum())
    assert seen.cap_used.max() == pytest.approx(1.0)
    assert np.isnan(exposure(found, CONFIG.replace(max_turnover=None)).cap_used).all()


@pytest.mark.parametrize("window", [None, SlidingWindow(window=20, n_factors=2)])
def test_spectrum(window: SlidingWindow | None) -> None:
    prices, signals = history("nulls", 4)
    config = CONFIG.replace(covariance=window)
    seen, plain = spectrum(prices, signals, config), oracle.optimise(prices, signals, config)
    known = np.isfinite(plain["condition"]) & (plain["condition"] < 1e6)
    np.testing.assert_allclose(seen.condition_number[known], plain["condition"][known], rtol=1e-8)
    assert np.isnan(seen.condition_number[:11]).all()
    assert ((seen.effective_rank[known] >= 1.0) & (seen.effective_rank[known] <= 4.0 + 1e-9)).all()


def test_effective_rank_of_uncorrelated_assets_is_their_number() -> None:
    prices, signals = history("clean", 4)
    assert spectrum(prices, signals, CONFIG.replace(shrink=0.0)).effective_rank[-1] == pytest.approx(4.0)


@pytest.mark.parametrize("horizon", [1, 5])
def test_information_coefficients(horizon: int) -> None:
    prices, signals = history("missing signals", 8)
    signals = np.round(signals, 1)  # ties
    plain, ranked = (information_coefficient(prices, signals, horizon=horizon, ranked=r) for r in (False, True))
    follows = prices[40 + horizon] / prices[40] - 1.0
    there = np.isfinite(signals[40])
    assert plain[40] == pytest.approx(np.corrcoef(signals[40, there], follows[there])[0, 1])
    assert ranked[40] == pytest.approx(spearmanr(signals[40, there], follows[there]).statistic)
    assert np.isnan(plain[-horizon:]).all()
    assert np.isnan(information_coefficient(prices, np.ones_like(signals))).all()


def test_returns_and_sharpe() -> None:
    prices, signals = history("clean", 3)
    found = optimise(prices, signals, CONFIG)
    earned = returns(found, prices, CONFIG)
    t = 70
    profit = (found.cash_position[t - 1] * (prices[t] / prices[t - 1] - 1.0)).sum()
    cost = 1e-4 * np.abs(found.cash_position[t] - found.cash_position[t - 1]).sum()
    assert earned[t] == pytest.approx((profit - cost) * 1e6 / 1e8)
    assert sharpe_ratio(earned, 252.0) == pytest.approx(earned.mean() / earned.std(ddof=1) * np.sqrt(252.0))
    assert np.isnan(sharpe_ratio(np.ones(5)))
    grid = sharpe_over_shrinkage(prices, signals, CONFIG, (0.0, 0.6), rows_per_year=252.0)
    assert grid[0.6] == pytest.approx(sharpe_ratio(earned[CONFIG.rows_needed :], 252.0))
    assert grid[0.0] != grid[0.6]
