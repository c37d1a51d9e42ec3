"""Every row of every history against the plain implementation."""

import numpy as np
import pytest

from alphastream.portfolio import PositionConfig, SlidingWindow, optimise
from tests.portfolio import oracle
from tests.portfolio.histories import KINDS, history

CONFIG = PositionConfig(vola=6, corr=12, clip=3.0, shrink=0.6, aum=1e6)
WINDOW = CONFIG.replace(covariance=SlidingWindow(window=20, n_factors=2))
WELL_POSED = 1e6  # beyond it nine digits cannot be asked for
CASES = [
    *[(kind, assets, CONFIG) for kind in KINDS for assets in (1, 2, 5)],
    *[(kind, assets, WINDOW) for kind in KINDS for assets in (1, 2, 5)],
    *[(kind, 5, CONFIG.replace(max_turnover=40.0)) for kind in KINDS],
    ("clean", 50, CONFIG),
    ("nulls", 50, CONFIG),
    ("clean", 50, CONFIG.replace(covariance=SlidingWindow(window=30, n_factors=5))),
    ("dropout", 50, CONFIG.replace(covariance=SlidingWindow(window=30, n_factors=5))),
    ("clean", 30, CONFIG.replace(covariance=SlidingWindow(window=40, n_factors=11))),
    ("clean", 7, CONFIG.replace(covariance=SlidingWindow(window=40, n_factors=9, max_components=3))),
    ("clean", 4, CONFIG.replace(covariance=SlidingWindow(window=10, n_factors=4))),
    ("clean", 5, CONFIG.replace(shrink=1.0)),
    ("nulls", 3, CONFIG.replace(shrink=1.0)),
    ("clean", 5, CONFIG.replace(shrink=0.0)),
    ("clean", 5, CONFIG.replace(vola=12, clip=0.7)),
]


@pytest.mark.parametrize(("kind", "assets", "config"), CASES)
def test_equals_the_plain_implementation(kind: str, assets: int, config: PositionConfig) -> None:
    prices, signals = history(kind, assets)
    ours, plain = optimise(prices, signals, config), oracle.optimise(prices, signals, config)
    # a row whose matrix is nearly singular has no digits to compare, and under a cap neither have those after it
    compared = ~(plain["condition"] > WELL_POSED)
    if config.max_turnover is not None:
        assert compared.all()
    assert compared.mean() > 0.5
    assert ours.status[compared].tolist() == plain["status"][compared].tolist()
    assert (ours.status == "valid").any()
    scale = np.nanmax(np.abs(plain["cash"][compared]), axis=1, initial=1e-300, keepdims=True)
    assert np.isnan(ours.cash_position[compared]).tolist() == np.isnan(plain["cash"][compared]).tolist()
    assert np.nanmax(np.abs(ours.cash_position[compared] - plain["cash"][compared]) / scale) <= 1e-9
    np.testing.assert_allclose(ours.risk_position[compared], plain["risk"][compared], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(ours.volatility, plain["volatility"], rtol=1e-9, atol=1e-12)
