"""Half-life on processes whose half-life is known, against least squares, and as a fold."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from statsmodels.regression.linear_model import OLS

from alphastream.core.types import Floats
from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.estimators.tests.half_life import HalfLife, half_life


def reverting(rate: float, size: int, seed: int, level: float = 0.0) -> Floats:
    """The exact discrete form of an Ornstein-Uhlenbeck process: 1 + λ = exp(−rate)."""
    noise = np.random.default_rng(seed).normal(size=size)
    spread = np.empty(size)
    spread[0] = noise[0]
    for t in range(1, size):
        spread[t] = math.exp(-rate) * spread[t - 1] + noise[t]
    return level + spread


@pytest.mark.parametrize("rate", [0.05, 0.3])
def test_half_life_of_an_ornstein_uhlenbeck_process_is_found(rate: float) -> None:
    result = half_life(reverting(rate, 20_000, 1))
    assert result.half_life == pytest.approx(math.log(2.0) / rate, rel=0.1)
    assert result.low < math.log(2.0) / rate < result.high


def test_interval_covers_the_truth_as_often_as_it_says() -> None:
    truth = math.log(2.0) / 0.2
    results = [half_life(reverting(0.2, 500, seed), confidence=0.9) for seed in range(400)]
    assert np.mean([result.low <= truth <= result.high for result in results]) == pytest.approx(0.9, abs=0.05)


def test_slope_and_error_are_those_of_least_squares() -> None:
    spread = reverting(0.1, 300, 2, level=50.0)
    fit = OLS(np.diff(spread), np.column_stack([spread[:-1], np.ones(299)])).fit()
    result = half_life(spread, confidence=0.99)
    assert result.lambda_ == pytest.approx(fit.params[0], rel=1e-9)
    assert result.standard_error == pytest.approx(fit.bse[0], rel=1e-9)
    low = fit.params[0] - NormalDist().inv_cdf(0.995) * fit.bse[0]
    assert result.low == pytest.approx(-math.log(2.0) / math.log1p(low), rel=1e-9)
    assert result.half_life == pytest.approx(-math.log(2.0) / math.log1p(fit.params[0]), rel=1e-9)


def test_what_is_not_pulled_back_has_an_infinite_half_life_and_never_a_negative_one() -> None:
    result = half_life(1.02 ** np.arange(100.0))
    assert result.lambda_ > 0.0
    assert (result.half_life, result.high) == (math.inf, math.inf)
    walk = half_life(np.cumsum(np.random.default_rng(5).normal(size=100)))
    assert 0.0 < walk.low < walk.half_life < walk.high == math.inf


def test_what_overshoots_within_a_row_has_half_life_zero() -> None:
    assert half_life(np.tile([1.0, -1.0], 50) + np.random.default_rng(4).normal(size=100) / 100).half_life == 0.0


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_scale_of_prices_does_not_matter(scale: float) -> None:
    spread = reverting(0.1, 300, 5, level=1e3)
    assert half_life(scale * spread).half_life == pytest.approx(half_life(spread).half_life, rel=1e-9)


def test_what_cannot_be_fitted_is_refused_in_words() -> None:
    spread = reverting(0.1, 100, 6)
    with pytest.raises(NotEnoughObservations, match="needs 30 observations, has 12"):
        half_life(spread[:12])
    with pytest.raises(ParameterError, match="constant"):
        half_life(np.ones(50))
    with pytest.raises(ParameterError, match="constant but for its last row"):
        half_life(np.append(np.ones(50), 2.0))
    with pytest.raises(ParameterError, match="confidence is 95"):
        half_life(spread, confidence=95)
    spread[9] = np.nan
    with pytest.raises(ParameterError, match="row 9 of spread is nan"):
        half_life(spread)


def test_every_row_of_the_fold_is_the_half_life_of_its_window() -> None:
    spread = reverting(0.2, 200, 7, level=1e5)
    rows, _ = HalfLife(window=60).run(spread)
    assert np.isnan(rows.half_life[:59]).all()
    expected = [half_life(spread[t - 59 : t + 1]).half_life for t in range(59, 200)]
    np.testing.assert_allclose(rows.half_life[59:], expected, rtol=1e-8)


def test_the_fold_gives_the_same_bits_at_every_split() -> None:
    spread = np.cumsum(np.random.default_rng(8).normal(size=80))
    spread[[0, 11, 12, 50]] = np.nan
    whole, _ = HalfLife(window=10).run(spread)
    for split in range(81):
        head, state = HalfLife(window=10).run(spread[:split])
        tail, _ = HalfLife(window=10).run(spread[split:], state)
        np.testing.assert_array_equal(np.append(head.half_life, tail.half_life), whole.half_life)


def test_the_fold_passes_nan_over_and_leaves_the_state_it_was_given() -> None:
    spread = reverting(0.2, 100, 9)
    gappy = np.insert(spread, [20, 50, 50], np.nan)
    clean, _ = HalfLife(window=15).run(spread)
    rows, _ = HalfLife(window=15).run(gappy)
    np.testing.assert_array_equal(rows.half_life[np.isfinite(gappy)], clean.half_life)
    assert np.isnan(rows.half_life[np.isnan(gappy)]).all()
    _, state = HalfLife(window=15).run(spread[:30])
    before = state.values.copy()
    HalfLife(window=15).run(spread[30:], state)
    np.testing.assert_array_equal(state.values, before)


def test_the_fold_counts_towards_its_window() -> None:
    fold = HalfLife(window=5)
    assert fold.progress(None) == (0, 5)
    for seen in range(1, 8):
        _, state = fold.run(np.random.default_rng(10).normal(size=seen))
        assert fold.progress(state) == (min(seen, 5), 5)


def test_the_fold_forgets_a_bad_tick_that_left_its_window() -> None:
    spread = reverting(0.2, 300, 11)
    glitch = spread.copy()
    glitch[100] = 1e9
    np.testing.assert_allclose(
        HalfLife(window=50).run(glitch)[0].half_life[150:],
        HalfLife(window=50).run(spread)[0].half_life[150:],
        rtol=1e-9,
    )


def test_flat_and_runaway_windows_of_the_fold() -> None:
    assert np.isnan(HalfLife(window=5).run(np.ones(20))[0].half_life).all()
    assert (HalfLife(window=5).run(2.0 ** np.arange(20.0))[0].half_life[4:] == np.inf).all()
    assert (HalfLife(window=5).run(np.tile([1.0, -1.0], 10))[0].half_life[4:] == 0.0).all()
