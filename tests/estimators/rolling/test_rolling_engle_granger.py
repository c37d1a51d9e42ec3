"""The rolling Engle-Granger test: each window is the single test, at any split of the rows."""

from typing import Literal

import numpy as np
import pytest

from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.estimators.rolling.rolling_engle_granger import RollingEngleGranger
from alphastream.estimators.tests.engle_granger import engle_granger
from alphastream.estimators.tests.mackinnon import Trend


def legs(seed: int, size: int = 120) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    x = 100.0 + np.cumsum(rng.normal(size=size))
    return x, 5.0 + 0.7 * x + np.cumsum(rng.normal(size=size))


@pytest.mark.parametrize("lags", ["aic", "bic", 2])
@pytest.mark.parametrize("trend", ["n", "c", "ct"])
def test_each_window_is_the_single_test(lags: Literal["aic", "bic"] | int, trend: Trend) -> None:
    x, y = legs(1)
    rows, _ = RollingEngleGranger(window=40, lags=lags, trend=trend).run(x, y)
    assert np.isnan(rows.statistic[:39]).all()
    for t in range(39, 120):
        window = slice(t - 39, t + 1)
        if isinstance(lags, str):
            single = engle_granger(y[window], x[window], trend, autolag=lags)
        else:
            single = engle_granger(y[window], x[window], trend, max_lags=lags, autolag=None)
        assert (rows.statistic[t], rows.pvalue[t], rows.lags[t]) == (single.statistic, single.pvalue, single.lags)


def test_between_two_tests_the_last_one_stands() -> None:
    x, y = legs(2)
    dense, _ = RollingEngleGranger(window=40).run(x, y)
    sparse, _ = RollingEngleGranger(window=40, every=10).run(x, y)
    for t in range(39, 120):
        assert sparse.statistic[t] == dense.statistic[39 + (t - 39) // 10 * 10]


@pytest.mark.parametrize("every", [1, 7])
def test_same_bits_at_every_split(every: int) -> None:
    x, y = legs(3, 80)
    x[[0, 33]], y[[34, 60]] = np.nan, np.inf
    fold = RollingEngleGranger(window=30, every=every)
    whole, end = fold.run(x, y)
    for split in range(0, 81, 3):
        head, state = fold.run(x[:split], y[:split])
        tail, last = fold.run(x[split:], y[split:], state)
        for field in ("statistic", "pvalue", "lags"):
            joined = np.append(getattr(head, field), getattr(tail, field))
            np.testing.assert_array_equal(joined, getattr(whole, field))
        np.testing.assert_array_equal(last.values, end.values)


def test_rows_one_by_one_give_the_same_bits() -> None:
    x, y = legs(4, 60)
    fold = RollingEngleGranger(window=30, every=3)
    whole, _ = fold.run(x, y)
    state, statistics = None, []
    for t in range(60):
        row, state = fold.run(x[t : t + 1], y[t : t + 1], state)
        statistics.append(row.statistic[0])
    np.testing.assert_array_equal(statistics, whole.statistic)


def test_nan_rows_are_passed_over() -> None:
    x, y = legs(5, 60)
    clean, _ = RollingEngleGranger(window=30).run(x, y)
    gappy, _ = RollingEngleGranger(window=30).run(np.insert(x, [10, 45], np.nan), np.insert(y, [10, 45], 3.0))
    np.testing.assert_array_equal(np.delete(gappy.pvalue, [10, 46]), clean.pvalue)
    assert np.isnan(gappy.pvalue[[10, 46]]).all()


def test_a_window_without_a_test_is_nan_and_the_next_is_not() -> None:
    x, y = legs(6, 150)
    x[40:80] = x[40]
    rows, _ = RollingEngleGranger(window=30).run(x, y)
    flat = np.flatnonzero(np.isnan(rows.pvalue[29:])) + 29
    assert flat.tolist() == list(range(69, 80))
    collinear, _ = RollingEngleGranger(window=30).run(y, 2.0 * y)
    assert np.isnan(collinear.pvalue).all()


def test_the_state_given_is_not_written_and_has_a_fixed_size() -> None:
    x, y = legs(7)
    fold = RollingEngleGranger(window=30)
    _, early = fold.run(x[:10], y[:10])
    before = early.values.copy()
    _, late = fold.run(x[10:], y[10:], early)
    np.testing.assert_array_equal(early.values, before)
    assert early.values.shape == late.values.shape
    with pytest.raises(ValueError, match="read-only"):
        early.values[0, 0] = 1.0


def test_progress_counts_towards_the_window() -> None:
    x, y = legs(8)
    fold = RollingEngleGranger(window=30)
    assert fold.progress(None) == (0, 30)
    assert fold.progress(fold.run(x[:12], y[:12])[1]) == (12, 30)
    assert fold.progress(fold.run(x, y)[1]) == (30, 30)


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ParameterError, match="window is 20, needs an integer ≥ 30"):
        RollingEngleGranger(window=20)
    with pytest.raises(ParameterError, match="every is 0"):
        RollingEngleGranger(window=50, every=0)
    with pytest.raises(ParameterError, match="lags is 25, too many for a window of 50: use at most 24"):
        RollingEngleGranger(window=50, lags=25)
    with pytest.raises(ParameterError, match="autolag is 'hqic'"):
        RollingEngleGranger(window=50, lags="hqic")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="trend is 'ctt'"):
        RollingEngleGranger(window=50, trend="ctt")  # type: ignore[arg-type]
