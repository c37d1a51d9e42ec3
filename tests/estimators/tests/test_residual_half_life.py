"""The half-life of a residual: least squares inside, without bias in the median, in an interval that covers."""

import numpy as np
import pytest

from alphastream.core.types import Floats
from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.estimators import ResidualHalfLife, corrected_half_life, half_life, residual_half_life
from alphastream.estimators.tests.residual_half_life import _BIAS, DISTANCES
from calibration.half_life_bias import bias, persistences


def legs(seed: int, size: int, persistence: float) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    x = np.cumsum(rng.normal(size=size))
    deviation = np.zeros(size)
    for row in range(1, size):
        deviation[row] = persistence * deviation[row - 1] + rng.normal()
    return 5.0 + 0.7 * x + deviation, x


def test_persistence_and_its_error_are_those_of_least_squares() -> None:
    y, x = legs(1, 300, 0.9)
    ratio, level = np.polyfit(x, y, 1)
    plain, found = half_life(y - ratio * x - level), residual_half_life(y, x)
    assert found.lambda_ == pytest.approx(plain.lambda_, rel=1e-9)
    assert found.standard_error == pytest.approx(plain.standard_error, rel=1e-9)
    assert found.half_life > plain.half_life
    assert found.low < found.half_life < found.high


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_scale_and_level_do_not_matter(scale: float) -> None:
    y, x = legs(2, 300, 0.9)
    plain, scaled = residual_half_life(y, x), residual_half_life(scale * y + 3.0, x - 2.0)
    assert (scaled.half_life, scaled.low) == pytest.approx((plain.half_life, plain.low), rel=1e-6)


@pytest.mark.parametrize(("rows", "true"), [(60, 5.0), (250, 10.0), (500, 25.0), (500, 50.0), (500, 100.0)])
def test_the_median_is_right_and_the_interval_covers(rows: int, true: float) -> None:
    """Two thousand runs: medians 5.2, 10.0, 25.4, 53 and 108, coverage 94.5 to 95.2 %."""
    shown, low, high = corrected_half_life(persistences(rows, true, 1_000, seed=2), rows)
    assert true / 1.25 < np.median(shown) < true * 1.25
    assert 0.92 < np.mean((low <= true) & (true <= high)) < 0.975
    naive = np.log(0.5) / np.log(np.maximum(persistences(rows, true, 1_000, seed=2), 1e-9))
    assert np.median(naive) < np.median(shown)


def test_on_walks_the_upper_end_is_open() -> None:
    shown, _, high = corrected_half_life(persistences(500, np.inf, 1_000), 500)
    assert np.mean(np.isinf(high)) == pytest.approx(0.975, abs=0.015)
    assert np.mean(np.isinf(shown)) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("at", [0.0, 4.0, 12.0])
def test_the_table_is_what_its_program_prints(at: float) -> None:
    place = int(np.flatnonzero(at == DISTANCES)[0])
    np.testing.assert_allclose(bias(at, runs=4_000, seed=3), _BIAS[place], atol=0.12)


def test_ends_of_the_range() -> None:
    shown, low, high = corrected_half_life([-0.2, 0.0, 0.99, 1.2, np.nan], 500)
    np.testing.assert_array_equal(shown[2:], [np.inf, np.inf, np.nan])
    assert (shown[:2] < 0.2).all()
    np.testing.assert_array_equal(low[:2], [0.0, 0.0])
    assert np.isfinite(low[2])
    assert np.isinf(low[3])  # further right than 97.5 % of walks
    np.testing.assert_array_equal(high[2:], [np.inf, np.inf, np.nan])


def test_the_rolling_one_is_the_single_one() -> None:
    y, x = legs(3, 130, 0.8)
    rows, _ = ResidualHalfLife(100, corrected=True).run(x, y)
    for end in (100, 117, 130):
        assert rows.half_life[end - 1] == residual_half_life(y[end - 100 : end], x[end - 100 : end]).half_life


def test_refuses_in_words() -> None:
    y, x = legs(4, 60, 0.5)
    with pytest.raises(NotEnoughObservations, match="needs 30 observations, has 29"):
        residual_half_life(y[:29], x[:29])
    with pytest.raises(ParameterError, match="align the legs"):
        residual_half_life(y, x[1:])
    with pytest.raises(ParameterError, match="collinear"):
        residual_half_life(2.0 * x, x)
