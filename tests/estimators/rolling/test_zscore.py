import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphastream.estimators import ZScore


@pytest.mark.parametrize("window", [2, 3, 20, 150])
def test_equals_pandas(window: int) -> None:
    spread = np.random.default_rng(0).normal(size=500)
    rows, _ = ZScore(window).run(spread)
    rolling = pd.Series(spread).rolling(window)
    np.testing.assert_allclose(rows.mean, rolling.mean().to_numpy(), atol=1e-12)
    np.testing.assert_allclose(rows.std, rolling.std().to_numpy(), rtol=1e-9)
    np.testing.assert_allclose(rows.zscore, (spread - rolling.mean() / 1.0) / rolling.std(), atol=1e-9)


def test_the_definition_in_one_window() -> None:
    rows, _ = ZScore(4).run([1.0, 2.0, 3.0, 6.0])
    assert rows.mean[-1] == 3.0
    assert rows.std[-1] == pytest.approx(np.sqrt(14.0 / 3.0))
    assert rows.zscore[-1] == pytest.approx(3.0 / np.sqrt(14.0 / 3.0))


def test_a_constant_window_has_no_zscore_but_bands() -> None:
    rows, _ = ZScore(3).run([0.3, 0.3, 0.3, 0.3, 0.4])
    assert np.isnan(rows.zscore[:4]).all()
    assert rows.std[3] == 0.0
    assert rows.mean[3] == 0.3
    assert rows.zscore[4] == pytest.approx(2.0 / np.sqrt(3.0))


def test_a_tiny_spread_is_not_damped() -> None:
    """A small constant in the denominator would show 1e-9 moves as nothing."""
    spread = np.random.default_rng(1).normal(size=200)
    rows, _ = ZScore(50).run(spread)
    tiny, _ = ZScore(50).run(spread * 2.0**-40)
    np.testing.assert_array_equal(tiny.zscore, rows.zscore)


@settings(max_examples=50, deadline=None)
@given(scale=st.floats(1e-6, 1e6), shift=st.floats(-1e3, 1e3))
def test_scale_and_shift_do_not_matter(scale: float, shift: float) -> None:
    spread = np.random.default_rng(2).normal(size=100)
    rows, _ = ZScore(20).run(spread)
    moved, _ = ZScore(20).run(scale * (spread + shift))
    np.testing.assert_allclose(moved.zscore, rows.zscore, atol=1e-9)


def test_the_window_bounds_the_zscore() -> None:
    """No member of n values is further from their mean than (n − 1)/√n deviations."""
    rows, _ = ZScore(10).run([0.0] * 9 + [1e9])
    assert rows.zscore[-1] == pytest.approx(9.0 / np.sqrt(10.0), rel=1e-12)


def test_no_drift_over_a_million_rows() -> None:
    spread = 60_000.0 + np.cumsum(np.random.default_rng(3).normal(size=1_000_000))
    rows, _ = ZScore(100).run(spread)
    for t in range(999_000, 1_000_000, 37):
        window = spread[t - 99 : t + 1].astype(np.longdouble)
        zscore = float((window[-1] - window.mean()) / window.std(ddof=1))
        assert rows.zscore[t] == pytest.approx(zscore, abs=1e-12)
