"""Gram matrix, factors and lag search against numpy's least squares."""

import numpy as np
import pytest

from alphastream.core.types import Floats
from alphastream.estimators.tests.lags import (
    best_lags,
    cholesky,
    design,
    design_base,
    dickey_fuller,
    engle_granger_kernel,
    lagged_gram,
    level_last_order,
    orthogonal_factor,
    remove_trend,
    search_order,
)


def walk(seed: int, size: int = 200) -> Floats:
    return np.cumsum(np.random.default_rng(seed).normal(size=size))


@pytest.mark.parametrize("terms", [0, 1, 2])
@pytest.mark.parametrize("max_lags", [0, 1, 7])
def test_gram_matrix_is_that_of_the_design(terms: int, max_lags: int) -> None:
    series = walk(1)
    base, change = design_base(series, terms), np.diff(series)
    columns = design(base, change, max_lags, np.arange(terms + max_lags + 2))
    np.testing.assert_allclose(lagged_gram(base, change, max_lags), columns @ columns.T, rtol=1e-12, atol=1e-10)


@pytest.mark.parametrize("place", [0, 3, 199])
def test_one_huge_change_does_not_cancel_in_the_gram_matrix(place: int) -> None:
    series = walk(2)
    series[place] += 1e9
    base, change = design_base(series, 0), np.diff(series)
    columns = design(base, change, 5, np.arange(7)).astype(np.longdouble)
    np.testing.assert_allclose(lagged_gram(base, change, 5), (columns @ columns.T).astype(float), rtol=1e-13)


def test_orders_name_each_column_once_with_the_target_last() -> None:
    assert search_order(2, 3).tolist() == [0, 1, 3, 4, 5, 2]  # level, constant, lags 1 to 3, target
    assert level_last_order(2, 3).tolist() == [1, 3, 4, 5, 0, 2]
    assert level_last_order(1, 0).tolist() == [0, 1]


def test_both_factors_are_the_same() -> None:
    series = walk(3)
    columns = design(design_base(series, 1), np.diff(series), 4, search_order(2, 4))
    factor, sound = cholesky(columns @ columns.T)
    assert sound
    np.testing.assert_allclose(factor, orthogonal_factor(columns), rtol=1e-10, atol=1e-10)


def test_cholesky_says_when_collinear_columns_cost_it_its_digits() -> None:
    column = walk(4)
    columns = np.stack([column, column + 1e-5 * walk(5), walk(6)])
    assert not cholesky(columns @ columns.T)[1]


def test_a_dependent_column_gets_a_zero_pivot() -> None:
    columns = np.stack([walk(4), 2.0 * walk(4), walk(6)])
    np.testing.assert_array_equal(np.diag(orthogonal_factor(columns)) > 0.0, [True, False, True])


@pytest.mark.parametrize(("criterion", "penalty"), [(1, 2.0), (2, np.log(192))])
def test_best_lags_minimises_the_criterion_over_every_fit(criterion: int, penalty: float) -> None:
    series = walk(7)
    for t in range(3, series.size):
        series[t] += 0.4 * (series[t - 1] - series[t - 3])
    columns = design(design_base(series, 0), np.diff(series), 7, search_order(1, 7))
    target, n_rows = columns[-1], columns.shape[1]
    values = [
        n_rows * np.log(np.linalg.lstsq(columns[: lags + 1].T, target)[1][0]) + penalty * lags for lags in range(8)
    ]
    assert best_lags(cholesky(columns @ columns.T)[0], 1, n_rows, criterion) == np.argmin(values) > 0


def test_an_exact_fit_has_no_statistic() -> None:
    alternating = np.tile([-1.0, 1.0], 50)
    assert np.isnan(dickey_fuller(alternating, 0, 2, 1)[0])


def test_remove_trend_returns_residual_and_coefficients() -> None:
    time = np.arange(50.0)
    left, intercept, slope = remove_trend(1e5 + 3.0 * time + np.cos(time), 2)
    expected_slope, expected_intercept = np.polyfit(time, 1e5 + 3.0 * time + np.cos(time), 1)
    assert (intercept, slope) == pytest.approx((expected_intercept, expected_slope), rel=1e-12)
    assert abs(left.mean()) < 1e-10
    assert abs(left @ time) < 1e-8


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_the_kernel_gives_nan_and_not_a_perfect_score_for_a_bad_row(bad: float) -> None:
    y, x = walk(8), walk(9)
    x[50] = bad
    assert np.isnan(engle_granger_kernel(y, x, 1, 3, 1).statistic)
    assert np.isnan(engle_granger_kernel(x, y, 1, 3, 1).statistic)
