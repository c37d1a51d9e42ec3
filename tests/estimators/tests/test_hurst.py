"""Hurst exponent against its definition and against series whose exponent is known."""

import numpy as np
import pytest

from alphastream.core.types import Floats
from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.estimators.tests.hurst import hurst


def fractional_walk(exponent: float, size: int, seed: int) -> Floats:
    """Fractional Brownian motion by the Cholesky factor of its exact covariance."""
    time = np.arange(1, size + 1, dtype=np.float64)
    power = 2.0 * exponent
    covariance = 0.5 * (time[:, None] ** power + time**power - np.abs(time[:, None] - time) ** power)
    walk: Floats = np.linalg.cholesky(covariance) @ np.random.default_rng(seed).normal(size=size)
    return walk


def test_exponent_is_the_slope_of_the_definition() -> None:
    series = np.cumsum(np.random.default_rng(0).normal(size=700))
    result = hurst(series)
    spreads = [np.std([series[t + lag] - series[t] for t in range(700 - lag)]) for lag in result.lags]
    slope = np.polyfit(np.log(result.lags), np.log(spreads), 1)[0]
    assert result.exponent == pytest.approx(slope, rel=1e-9)
    assert float(result) == result.exponent
    assert (result.lags[0], result.lags[-1], result.n_obs) == (1, 70, 700)


@pytest.mark.parametrize("exponent", [0.25, 0.5, 0.75])
def test_exponent_of_fractional_brownian_motion_is_found(exponent: float) -> None:
    found = [hurst(fractional_walk(exponent, 600, seed)).exponent for seed in range(20)]
    assert np.mean(found) == pytest.approx(exponent, abs=0.06)


def test_r_squared_is_that_of_the_line() -> None:
    series = np.random.default_rng(1).normal(size=500)
    result = hurst(series)
    spreads = [np.std(series[lag:] - series[:-lag]) for lag in result.lags]
    assert result.r_squared == pytest.approx(np.corrcoef(np.log(result.lags), np.log(spreads))[0, 1] ** 2, rel=1e-7)
    assert hurst(np.cumsum(series)).r_squared > 0.95


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_scale_of_prices_does_not_matter(scale: float) -> None:
    series = 100.0 + np.cumsum(np.random.default_rng(2).normal(size=200))
    assert hurst(scale * series).exponent == pytest.approx(hurst(series).exponent, rel=1e-9)


def test_what_has_no_exponent_is_refused_in_words() -> None:
    with pytest.raises(NotEnoughObservations, match="needs 100 observations, has 30"):
        hurst(np.arange(30.0))
    with pytest.raises(ParameterError, match="straight line"):
        hurst(1e5 + 0.1 * np.arange(200.0))
    with pytest.raises(ParameterError, match=r"changes over 2 rows .* cycle"):
        hurst(np.tile([0.0, 1.0], 100))
    with pytest.raises(ParameterError, match="constant"):
        hurst(np.ones(200))
    with pytest.raises(ParameterError, match="row 5 of series is nan"):
        hurst(np.where(np.arange(200) == 5, np.nan, np.arange(200.0)))
