"""The maximum likelihood fit of an Ornstein-Uhlenbeck process."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm

from alphastream.core.types import Floats
from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.estimators import half_life, ornstein_uhlenbeck


def path(rows: int, speed: float, deviation: float = 1.0, mean: float = 0.0, seed: int = 1) -> Floats:
    """An exact sample, from the long-run distribution on."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(0.0, deviation, rows)
    kept = math.exp(-speed)
    found = np.empty(rows)
    found[0] = noise[0]
    for row in range(1, rows):
        found[row] = kept * found[row - 1] + math.sqrt(1.0 - kept * kept) * noise[row]
    return mean + found


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e5])
def test_the_fit_is_the_maximum_of_the_likelihood(scale: float) -> None:
    series = scale * path(400, 0.08, 2.0, 30.0)
    found = ornstein_uhlenbeck(series)

    def minus_likelihood(at: Floats) -> float:
        mean, speed, noise = scale * at[0], math.exp(at[1]), scale * math.exp(at[2])
        kept = math.exp(-speed)
        spread = noise * math.sqrt(-math.expm1(-2.0 * speed) / (2.0 * speed))
        return -float(norm.logpdf(series[1:], mean + kept * (series[:-1] - mean), spread).sum())

    best = minimize(minus_likelihood, [30.0, -2.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-9})
    known = [found.mean / scale, math.log(found.speed), math.log(found.noise / scale)]
    np.testing.assert_allclose(known, best.x, atol=2e-5)
    assert found.n_obs == 399
    assert found.deviation == pytest.approx(found.noise / math.sqrt(2.0 * found.speed))
    assert found.persistence == pytest.approx(math.exp(-found.speed))


def test_a_long_sample_gives_the_process_back() -> None:
    found = ornstein_uhlenbeck(path(200_000, 0.1, 3.0, -7.0))
    assert found.speed == pytest.approx(0.1, rel=0.02)
    assert found.deviation == pytest.approx(3.0, rel=0.02)
    assert found.mean == pytest.approx(-7.0, abs=0.1)


def test_the_interval_is_that_of_the_half_life() -> None:
    series = path(500, 0.05)
    found, interval = ornstein_uhlenbeck(series, 0.9), half_life(series, 0.9)
    assert found.low == pytest.approx(math.log(2.0) / interval.high)
    assert found.high == pytest.approx(math.log(2.0) / interval.low)
    assert found.low < found.speed < found.high
    walk = np.cumsum(np.random.default_rng(3).normal(size=300))
    assert ornstein_uhlenbeck(walk).low == 0.0


def test_the_interval_has_the_speed() -> None:
    """Half-lives of 10 and 500 rows: 94 of 100 with more samples."""
    speed = math.log(2.0) / 10.0
    found = [ornstein_uhlenbeck(path(500, speed, seed=seed)) for seed in range(200)]
    assert 0.9 <= np.mean([each.low <= speed <= each.high for each in found]) <= 0.98


def test_the_correction_takes_the_bias_of_short_samples() -> None:
    """Half-lives of 14 bars, 200 bars each: plain ones come out too short on average, corrected ones do not."""
    found = [ornstein_uhlenbeck(path(200, 0.05, seed=seed)) for seed in range(300)]
    plain = np.mean([each.persistence for each in found])
    corrected = np.mean([each.less_biased().persistence for each in found])
    assert plain < math.exp(-0.05) - 0.01
    assert corrected == pytest.approx(math.exp(-0.05), abs=0.005)
    walk = ornstein_uhlenbeck(np.cumsum(np.random.default_rng(9).normal(size=60)) + 0.3 * np.arange(60))
    assert 0.0 < walk.less_biased().speed < walk.speed


def test_another_speed_keeps_the_noise_of_a_row() -> None:
    found = ornstein_uhlenbeck(path(500, 0.05))
    slow = found.at_speed(0.01)
    assert slow.speed == 0.01
    assert slow.deviation > found.deviation
    for each in (found, slow):
        of_a_row = each.deviation * math.sqrt(1.0 - each.persistence**2)
        assert of_a_row == pytest.approx(found.deviation * math.sqrt(1.0 - found.persistence**2))
    with pytest.raises(ParameterError, match="above 0"):
        found.at_speed(0.0)


def test_what_does_not_return_is_refused() -> None:
    for series in (1.1 ** np.arange(60), np.resize([1.0, -1.0, 0.5], 60)):
        with pytest.raises(ParameterError, match="between 0 and 1"):
            ornstein_uhlenbeck(series)
    with pytest.raises(NotEnoughObservations):
        ornstein_uhlenbeck(path(29, 0.1))
    with pytest.raises(ParameterError, match="confidence"):
        ornstein_uhlenbeck(path(50, 0.1), 1.0)
