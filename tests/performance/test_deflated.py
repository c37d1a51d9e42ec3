"""Probabilistic and deflated Sharpe ratios against published figures and against chance itself."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import norm

from alphastream.errors import ParameterError
from alphastream.performance import (
    ReturnMoments,
    deflated_sharpe,
    effective_trials,
    expected_maximum_sharpe,
    moments,
    probabilistic_sharpe,
    sharpe_ratio,
)

YEAR = 250


def chosen(skew: float, kurtosis: float) -> ReturnMoments:
    """A Sharpe ratio of 2.5 a year from 1,250 days."""
    return ReturnMoments(1250, 2.5, math.sqrt(YEAR), skew, kurtosis)


@pytest.mark.parametrize(
    ("trials", "skew", "kurtosis", "published"),
    [(100, -3.0, 10.0, 0.9004), (46, -3.0, 10.0, 0.9505), (88, 0.0, 3.0, 0.9505)],
)
def test_published_deflated_sharpe(trials: int, skew: float, kurtosis: float, published: float) -> None:
    """Bailey and López de Prado (2014), numerical example."""
    found = deflated_sharpe(chosen(skew, kurtosis), trials=trials, variance=0.5 / YEAR)
    assert found.probability == pytest.approx(published, abs=5e-5)
    assert (found.trials, found.rows) == (float(trials), 1250)
    assert found.sharpe == pytest.approx(2.5 / math.sqrt(YEAR))


def test_published_expected_maximum() -> None:
    assert expected_maximum_sharpe(100, 0.5 / YEAR) == pytest.approx(0.1132, abs=5e-5)


@pytest.mark.parametrize(("skew", "kurtosis", "published"), [(0.0, 3.0, 0.982), (-2.448, 10.164, 0.913)])
def test_published_probabilistic_sharpe(skew: float, kurtosis: float, published: float) -> None:
    """Bailey and López de Prado (2012), two years of months of a hedge fund."""
    assert probabilistic_sharpe(0.458, 0.0, 24, skew, kurtosis) == pytest.approx(published, abs=1e-3)


def test_undefined_probabilities_are_nan() -> None:
    assert math.isnan(probabilistic_sharpe(0.5, 0.0, 1))
    assert math.isnan(probabilistic_sharpe(math.nan, 0.0, 50))
    assert math.isnan(probabilistic_sharpe(0.5, math.nan, 50))
    for few in ([], [0.1], [0.1, 0.1, 0.1]):
        assert math.isnan(deflated_sharpe(few, trials=10).probability)


def test_a_single_trial_is_not_deflated() -> None:
    earned = np.random.default_rng(3).normal(0.1, 1.0, 200)
    found = moments(earned)
    alone = probabilistic_sharpe(found.sharpe, 0.0, 200, found.skew, found.kurtosis)
    for given_as in (deflated_sharpe(earned, trials=1), deflated_sharpe(earned, [found.sharpe])):
        assert given_as.expected_maximum == 0.0
        assert given_as.probability == alone


def test_trials_by_their_ratios() -> None:
    earned = np.random.default_rng(3).normal(0.1, 1.0, 200)
    ratios = np.array([[0.1, -0.2, np.nan], [0.3, 0.05, 0.0]])  # a sweep's table: windows by thresholds
    by_ratios = deflated_sharpe(earned, ratios)
    known = ratios[np.isfinite(ratios)]
    assert by_ratios == deflated_sharpe(earned, trials=5, variance=float(np.var(known, ddof=1)))
    assert by_ratios.expected_maximum > 0.0


def test_what_was_tried_must_be_said() -> None:
    with pytest.raises(ParameterError, match="how many were tried"):
        deflated_sharpe([0.1, 0.2])
    with pytest.raises(ParameterError, match="leave out"):
        deflated_sharpe([0.1, 0.2], [0.1], trials=3)
    for trials, variance in ((0.5, 1.0), (math.inf, 1.0), (10, -1.0), (10, math.nan)):
        with pytest.raises(ParameterError, match="trials of variance"):
            expected_maximum_sharpe(trials, variance)


@given(st.floats(1.0, 1e6), st.floats(1.0, 1e6))
def test_more_trials_expect_more(some: float, more: float) -> None:
    low, high = sorted((some, more))
    assert 0.0 <= expected_maximum_sharpe(low, 1.0) <= expected_maximum_sharpe(high, 1.0) + 1e-12


@pytest.mark.parametrize("trials", [2, 10, 100])
def test_the_expected_maximum_is_the_mean_of_maxima(trials: int) -> None:
    maxima = np.random.default_rng(5).normal(size=(20_000, trials)).max(axis=1)
    assert maxima.mean() == pytest.approx(expected_maximum_sharpe(trials, 1.0), abs=0.06)


def noise(rng: np.random.Generator, rows: int, trials: int, correlation: float) -> NDArray[np.float64]:
    """Returns of strategies without skill."""
    common = rng.normal(size=(rows, 1))
    return math.sqrt(correlation) * common + math.sqrt(1.0 - correlation) * rng.normal(size=(rows, trials))


def best_of_noise(trials: int, correlation: float, runs: int) -> tuple[list[float], list[float]]:
    """Deflated and plain probability of the best of trials without skill."""
    rng = np.random.default_rng(17)
    deflated, plain = [], []
    for _ in range(runs):
        earned = noise(rng, 120, trials, correlation)
        ratios = earned.mean(axis=0) / earned.std(axis=0, ddof=1)
        best = earned[:, ratios.argmax()]
        deflated.append(deflated_sharpe(best, ratios).probability)
        plain.append(deflated_sharpe(best, trials=1).probability)
    return deflated, plain


def test_one_strategy_of_noise_passes_in_one_case_of_twenty() -> None:
    deflated, plain = best_of_noise(1, 0.0, 4_000)
    assert deflated == plain
    assert np.mean(np.array(deflated) > 0.95) == pytest.approx(0.05, abs=0.012)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.95])
def test_the_best_of_many_of_noise_passes_in_no_more(correlation: float) -> None:
    deflated, plain = best_of_noise(50, correlation, 1_000)
    assert np.mean(np.array(deflated) > 0.95) < 0.065
    assert np.mean(np.array(plain) > 0.95) > (0.9 if correlation == 0.0 else 0.08)
    assert np.median(deflated) == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.5, 0.8])
def test_effective_trials_with_the_variance_of_chance(correlation: float) -> None:
    """Expected maximum in standard errors, against the mean of maxima: within a fifth."""
    rng = np.random.default_rng(23)
    maxima = noise(rng, 20_000, 100, correlation).max(axis=1)
    count = effective_trials(noise(rng, 5_000, 100, correlation))
    assert expected_maximum_sharpe(count, 1.0) == pytest.approx(maxima.mean(), abs=0.2)


def test_effective_trials_of_known_matrices() -> None:
    rng = np.random.default_rng(29)
    independent = rng.normal(size=(2_000, 20))
    assert effective_trials(independent) == pytest.approx(20 * math.exp(-20 / 4_000), abs=0.1)
    assert effective_trials(np.tile(independent[:, :5], 4)) == pytest.approx(5.0, abs=0.1)
    assert effective_trials(independent[:, :1] * [1.0, -2.0, 30.0]) == pytest.approx(1.0)
    assert effective_trials(independent[:10]) <= 9.0 + 1e-9  # ten rows cannot tell more than nine apart
    never_traded = np.column_stack([independent, np.zeros((2_000, 3))])
    assert effective_trials(never_traded) == pytest.approx(effective_trials(independent))


def test_no_trial_that_varies() -> None:
    assert math.isnan(effective_trials(np.zeros((10, 3))))
    assert math.isnan(effective_trials(np.ones((1, 3))))
    with pytest.raises(ParameterError, match=r"need \(T, N\)"):
        effective_trials([0.1, 0.2])
    with pytest.raises(ParameterError, match="without NaN"):
        effective_trials([[0.1, np.nan], [0.2, 0.1]])


def test_number_of_trials_without_their_variance_takes_that_of_chance() -> None:
    earned = np.random.default_rng(3).normal(0.1, 1.0, 101)
    assert deflated_sharpe(earned, trials=7) == deflated_sharpe(earned, trials=7, variance=0.01)
    found = moments(earned)
    excess = (sharpe_ratio(earned) - expected_maximum_sharpe(7, 0.01)) * 10.0
    spread = 1.0 - found.skew * found.sharpe + (found.kurtosis - 1.0) / 4.0 * found.sharpe**2
    assert deflated_sharpe(found, trials=7).probability == pytest.approx(norm.cdf(excess / math.sqrt(spread)))
