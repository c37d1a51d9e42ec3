"""The bootstrap of baskets: the pair's where there are two legs, its size where nothing returns, and its power."""

import numpy as np
import pytest

from alphastream.core.types import Floats
from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.estimators import adf, basket_wild, engle_granger_wild, spread_wild
from alphastream.estimators.tests.rescaled import HiddenByBounceError


def returning(rows: int, half_life: float, rng: np.random.Generator) -> Floats:
    return np.convolve(rng.normal(size=rows + 99), 0.5 ** (np.arange(100) / half_life), "valid")


@pytest.mark.parametrize("seed", range(5))
def test_of_two_legs_it_is_the_test_of_a_pair(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = np.cumsum(rng.normal(size=400))
    y = 2.0 * x + returning(400, 30.0, rng)
    pair, basket = engle_granger_wild(y, x), basket_wild(np.column_stack([y, x]))
    assert basket.statistic == pytest.approx(pair.statistic, rel=1e-9)
    assert (basket.pvalue, basket.lags, basket.replications) == (pair.pvalue, pair.lags, pair.replications)


@pytest.mark.parametrize("legs", [1, 3, 6])
def test_of_independent_walks_it_rejects_as_often_as_it_says(legs: int) -> None:
    """Of 400, 5 % are 20; three standard errors of a binomial are 13."""
    rng = np.random.default_rng(legs)
    rejected = 0
    for _ in range(400):
        walks = np.cumsum(rng.normal(size=(250, legs)), axis=0)
        rejected += (spread_wild(walks[:, 0]) if legs == 1 else basket_wild(walks)).pvalue <= 0.05
    assert rejected <= 33


def test_a_spread_of_three_legs_is_found() -> None:
    rng = np.random.default_rng(8)
    found = 0
    for _ in range(40):
        b, c = np.cumsum(rng.normal(size=(2, 400)), axis=1)
        found += basket_wild(np.column_stack([b - 0.5 * c + returning(400, 5.0, rng), b, c])).pvalue <= 0.05
    assert found >= 36


def test_the_statistic_of_a_spread_of_one_variance_is_close_to_the_plain_one() -> None:
    spread = returning(2000, 20.0, np.random.default_rng(3))
    assert spread_wild(spread).statistic == pytest.approx(adf(spread).statistic, abs=0.6)


def test_the_scale_and_the_level_of_prices_do_not_matter() -> None:
    rng = np.random.default_rng(5)
    walks = np.cumsum(rng.normal(size=(300, 3)), axis=0)
    one, other = basket_wild(walks), basket_wild(walks * 1024.0 + 4096.0)
    assert other.statistic == pytest.approx(one.statistic, rel=1e-6)
    assert other.pvalue == one.pvalue


def test_what_it_cannot_test_is_refused() -> None:
    rng = np.random.default_rng(6)
    walks = np.cumsum(rng.normal(size=(300, 3)), axis=0)
    with pytest.raises(ParameterError, match="2 to 10 legs"):
        basket_wild(walks[:, :1])
    with pytest.raises(NotEnoughObservations, match="test of a basket"):
        basket_wild(walks[:29])
    with pytest.raises(ParameterError, match="combination of the others"):
        basket_wild(np.column_stack([walks[:, 0], walks[:, 1], walks[:, 0] + walks[:, 1]]))
    gap = walks.copy()
    gap[4, 1] = np.nan
    with pytest.raises(ParameterError, match="row 4 of leg 2 is nan"):
        basket_wild(gap)
    with pytest.raises(HiddenByBounceError):
        spread_wild(np.cumsum(rng.normal(size=600)) * 0.15 + rng.choice([-1.0, 1.0], size=600))
