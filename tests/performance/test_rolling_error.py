"""Moving Sharpe ratios and their errors, window by window against the functions of one window."""

import math

import numpy as np
import pandas as pd
import pytest

from alphastream.errors import ParameterError
from alphastream.performance import moments, rolling_sharpe, rolling_sharpe_error, sharpe_error


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e6])
def test_each_window_is_that_of_its_own_returns(scale: float) -> None:
    row_returns = np.random.default_rng(2).standard_t(3, 400) * scale
    found = rolling_sharpe_error(row_returns, 50, 252.0)
    assert found.row.tolist() == list(range(49, 400))
    np.testing.assert_allclose(found.sharpe, rolling_sharpe(row_returns, 50, 252.0)[49:], rtol=1e-9)
    series = pd.Series(row_returns)
    by_pandas = series.rolling(50).mean() / series.rolling(50).std() * math.sqrt(252.0)
    np.testing.assert_allclose(found.sharpe, by_pandas.iloc[49:], rtol=1e-6)
    for row, error in zip(found.row.tolist(), found.error.tolist(), strict=True):
        alone = moments(row_returns[row - 49 : row + 1])
        expected = sharpe_error(alone.sharpe, 50, alone.skew, alone.kurtosis) * math.sqrt(252.0)
        assert error == pytest.approx(expected, rel=1e-9)


def test_the_truth_is_in_the_band_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    inside = []
    for _ in range(400):
        found = rolling_sharpe_error(rng.normal(0.1, 1.0, 120), 120)
        inside.append(abs(found.sharpe[0] - 0.1) <= 1.96 * found.error[0])
    assert 0.92 <= float(np.mean(inside)) <= 0.98


def test_long_runs_have_as_many_windows_as_asked_for_and_both_ends() -> None:
    row_returns = np.random.default_rng(4).normal(size=60_000)
    found = rolling_sharpe_error(row_returns, 10_000, most=300)
    assert len(found) == 300
    assert (found.row[0], found.row[-1]) == (9_999, 59_999)
    np.testing.assert_allclose(found.sharpe, rolling_sharpe(row_returns, 10_000)[found.row], rtol=1e-8, atol=1e-12)


def test_what_does_not_vary_or_is_not_known_has_no_ratio() -> None:
    assert len(rolling_sharpe_error([0.1, 0.2], 3)) == 0
    assert np.isnan(rolling_sharpe_error(np.full(6, 0.1), 3).sharpe).all()
    found = rolling_sharpe_error([0.1, -0.1, 0.2, math.nan, 0.1, 0.3, 0.2], 3)
    assert np.isnan(found.sharpe).tolist() == [False, True, True, True, False]
    with pytest.raises(ParameterError):
        rolling_sharpe_error([0.1, 0.2], 1)
