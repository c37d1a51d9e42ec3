"""Johansen's test against statsmodels, ArbitrageLab's published figures, and the model's own symmetries."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.tsa.vector_ar.vecm import coint_johansen

from alphastream.core.types import Floats
from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.estimators.tests.johansen import johansen
from alphastream.estimators.tests.mackinnon import Trend

DATA = Path(__file__).parents[2] / "data"


def system(seed: int, size: int, n_series: int) -> Floats:
    """Random walks, and one series that holds on to the first."""
    rng = np.random.default_rng(seed)
    levels = np.cumsum(rng.normal(size=(size, n_series)), axis=0)
    for t in range(1, size):
        levels[t, -1] = levels[t - 1, -1] - 0.2 * (levels[t - 1, -1] - levels[t - 1, 0]) + rng.normal()
    return levels


@pytest.mark.parametrize(("trend", "order"), [("n", -1), ("c", 0), ("ct", 1)])
@pytest.mark.parametrize("n_series", [2, 3, 6])
@pytest.mark.parametrize("lags", [1, 2, 5])
def test_equals_statsmodels(trend: Trend, order: int, n_series: int, lags: int) -> None:
    levels = system(n_series, 400, n_series)
    ours, theirs = johansen(levels, trend, lags), coint_johansen(levels, order, lags)
    np.testing.assert_allclose(ours.trace, theirs.trace_stat, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(ours.max_eigen, theirs.max_eig_stat, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(ours.eigenvalues, theirs.eig, rtol=1e-9)
    np.testing.assert_allclose(ours.eigenvectors, theirs.evec * np.sign(theirs.evec[0]), rtol=1e-7, atol=1e-8)
    np.testing.assert_array_equal(ours.trace_critical_values, theirs.trace_stat_crit_vals)
    np.testing.assert_array_equal(ours.max_eigen_critical_values, theirs.max_eig_stat_crit_vals)
    assert johansen(levels, order, lags).trace.tolist() == ours.trace.tolist()  # type: ignore[arg-type]


def test_figures_of_five_funds_in_the_tests_of_arbitragelab() -> None:
    funds = pd.read_csv(DATA / "stock_prices.csv", index_col="Date")[["EEM", "EWG", "TIP", "EWJ", "EFA"]]
    result = johansen(funds, "c", lags=1)
    assert result.trace[:2].round(2).tolist() == [64.01, 41.44]
    assert result.trace_critical_values[:, 1].mean() == pytest.approx(33.36, abs=0.01)
    assert result.max_eigen_critical_values[:, 0].mean() == pytest.approx(18.05, abs=0.01)


@pytest.mark.parametrize("trend", ["n", "c", "ct"])
def test_a_nearly_collinear_basis_changes_nothing(trend: Trend) -> None:
    levels = system(1, 300, 3)
    mixed = levels @ np.array([[1.0, 0.999, 0.0], [1.0, 1.0, 0.0], [0.0, 0.3, 1.0]])
    np.testing.assert_allclose(johansen(mixed, trend, 2).trace, johansen(levels, trend, 2).trace, rtol=1e-8)


@pytest.mark.parametrize("trend", ["n", "c", "ct"])
def test_scale_of_prices_does_not_matter(trend: Trend) -> None:
    levels = 100.0 + system(2, 300, 3)
    scaled = johansen(levels * [1e-8, 1.0, 1e8], trend)
    plain = johansen(levels, trend)
    np.testing.assert_allclose(scaled.trace, plain.trace, rtol=1e-9)
    np.testing.assert_allclose(scaled.eigenvectors * [[1e-8], [1.0], [1e8]], plain.eigenvectors, rtol=1e-6)


def test_without_lags_it_regresses_on_the_level_before_the_change() -> None:
    levels = system(3, 300, 2)
    change, level = (rows - rows.mean(axis=0) for rows in (np.diff(levels, axis=0), levels[:-1]))
    moments = np.linalg.solve(level.T @ level, level.T @ change) @ np.linalg.solve(change.T @ change, change.T @ level)
    expected = np.sort(np.linalg.eigvals(moments).real)[::-1]
    np.testing.assert_allclose(johansen(levels, "c", lags=0).eigenvalues, expected, rtol=1e-9)


@pytest.mark.parametrize("lags", [0, 1, 3])
@pytest.mark.parametrize("series", [2, 3])
def test_restricted_constant_is_a_level_of_the_relation(lags: int, series: int) -> None:
    """The eigenvalues of the reduced rank regression with the constant among the levels, from plain moments."""
    levels = system(9, 200, series) + 50.0
    change = np.diff(levels, axis=0)
    rows = len(change) - lags
    lagged = [change[lags - lag : len(change) - lag] for lag in range(1, lags + 1)]
    before = np.column_stack((levels[lags:-1], np.ones(rows)))
    left = []
    for target in (change[lags:], before):
        short_run = np.hstack([np.empty((rows, 0)), *lagged])
        left.append(target - short_run @ np.linalg.lstsq(short_run, target)[0] if lags else target)
    moments = {(i, j): left[i].T @ left[j] / rows for i in range(2) for j in range(2)}
    product = np.linalg.solve(moments[0, 0], moments[0, 1]) @ np.linalg.solve(moments[1, 1], moments[1, 0])
    expected = np.sort(np.linalg.eigvals(product).real)[::-1]
    found = johansen(levels, lags=lags, restricted=True)
    np.testing.assert_allclose(found.eigenvalues, expected, rtol=1e-7)
    np.testing.assert_allclose(found.trace[0], -rows * np.log1p(-expected).sum(), rtol=1e-7)
    assert found.restricted
    assert found.eigenvectors.shape == (series, series)


def test_each_constant_has_its_size_where_it_belongs() -> None:
    """Two independent walks without and with a drift of .1 sd a row; 300 runs of 500 rows: 10 and 5, 5 and 45 %."""
    rng = np.random.default_rng(10)
    rates = {}
    for drift in (0.0, 0.1):
        walks = [np.cumsum(drift + rng.normal(size=(500, 2)), axis=0) for _ in range(300)]
        for restricted in (False, True):
            rates[drift, restricted] = np.mean([johansen(each, restricted=restricted).rank() > 0 for each in walks])
    assert rates[0.0, False] == pytest.approx(0.1, abs=0.05)
    assert rates[0.0, True] == pytest.approx(0.05, abs=0.035)
    assert rates[0.1, False] == pytest.approx(0.05, abs=0.035)
    assert rates[0.1, True] > 0.3


def test_restricted_critical_values_are_those_of_walks() -> None:
    rng = np.random.default_rng(11)
    found = [johansen(np.cumsum(rng.normal(size=(400, 2)), axis=0), lags=0, restricted=True) for _ in range(800)]
    for statistic, critical in (("trace", "trace_critical_values"), ("max_eigen", "max_eigen_critical_values")):
        beyond = np.mean([getattr(each, statistic)[0] > getattr(each, critical)[0] for each in found], axis=0)
        np.testing.assert_allclose(beyond, [0.1, 0.05, 0.01], atol=0.03)


def test_restricted_constant_is_refused_where_its_values_are_not_known() -> None:
    with pytest.raises(ParameterError, match="needs trend 'c' and at most 4 series"):
        johansen(system(12, 100, 2), "ct", restricted=True)
    with pytest.raises(ParameterError, match="needs trend 'c' and at most 4 series"):
        johansen(system(12, 100, 5), restricted=True)


def test_rank_counts_the_stationary_combinations() -> None:
    walks = np.cumsum(np.random.default_rng(8).normal(size=(500, 3)), axis=0)
    assert johansen(walks).rank() == 0
    assert johansen(system(4, 500, 3)).rank() == johansen(system(4, 500, 3)).rank("99%", "max_eigen") == 1
    assert johansen(np.random.default_rng(4).normal(size=(500, 3))).rank("99%") == 3
    with pytest.raises(ParameterError, match="no critical values for 'trace' at '97%'"):
        johansen(walks).rank("97%")  # type: ignore[arg-type]


def test_first_vector_leaves_a_stationary_combination() -> None:
    levels = system(5, 1000, 2)
    weights = johansen(levels).eigenvectors[:, 0]
    assert weights[0] > 0.0
    assert -weights[1] / weights[0] == pytest.approx(1.0, abs=0.1)


def test_results_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="read-only"):
        johansen(system(6, 100, 2)).trace[0] = 0.0


def test_what_cannot_be_tested_is_refused_in_words() -> None:
    levels = system(7, 100, 3)
    with pytest.raises(NotEnoughObservations, match="needs 30 observations, has 20"):
        johansen(levels[:20])
    with pytest.raises(NotEnoughObservations, match="needs 149 observations, has 100"):
        johansen(levels, lags=20)
    with pytest.raises(ParameterError, match="collinear"):
        johansen(np.column_stack([levels, 2.0 * levels[:, 0] - levels[:, 1]]))
    with pytest.raises(ParameterError, match="series 1 is constant"):
        johansen(np.column_stack([levels[:, 0], np.full(100, 4.0)]))
    with pytest.raises(ParameterError, match="2 to 12 series"):
        johansen(levels[:, 0])
    with pytest.raises(ParameterError, match="trend is 2"):
        johansen(levels, 2)  # type: ignore[arg-type]
    levels[5, 2] = np.nan
    with pytest.raises(ParameterError, match="row 5 of series 2 is nan"):
        johansen(levels)
