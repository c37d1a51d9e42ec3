import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphastream.core.types import Floats
from alphastream.estimators import RollingOLS
from alphastream.estimators.rolling.moments import AGE

finite = st.floats(-1e3, 1e3, allow_subnormal=False)


def pair(length: int, seed: int = 0, level: float = 100.0) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    x = level + np.cumsum(rng.normal(size=length))
    return x, 3.0 + 0.8 * x + np.cumsum(rng.normal(size=length)) * 0.3


def least_squares(x: Floats, y: Floats) -> tuple[float, float]:
    """Slope and intercept of one window by numpy's SVD, about the first row for the digits."""
    design = np.column_stack([x - x[0], np.ones(x.size)])
    slope, first = np.linalg.lstsq(design, y - y[0], rcond=None)[0]
    return float(slope), float(y[0] + first - slope * x[0])


@pytest.mark.parametrize("window", [2, 3, 20, 100])
@pytest.mark.parametrize("level", [0.0, 100.0, 60_000.0])
def test_equals_least_squares_of_each_window(window: int, level: float) -> None:
    x, y = pair(400, level=level)
    rows, _ = RollingOLS(window).run(x, y)
    fits = np.array([least_squares(x[t - window : t], y[t - window : t]) for t in range(window, 401)])
    slope, intercept = fits.T
    rtol = 1e-9 if window > 2 else 1e-7  # two points may lie close together
    np.testing.assert_allclose(rows.hedge_ratio[window - 1 :], slope, rtol=rtol)
    np.testing.assert_allclose(rows.intercept[window - 1 :], intercept, rtol=rtol, atol=1e-9 * max(level, 1.0))
    spread = y[window - 1 :] - intercept - slope * x[window - 1 :]
    np.testing.assert_allclose(rows.spread[window - 1 :], spread, atol=1e-10 * max(level, 1.0))
    error = y[window:] - intercept[:-1] - slope[:-1] * x[window:]
    np.testing.assert_allclose(rows.forecast_error[window:], error, atol=1e-9 * max(level, 1.0))
    assert np.isnan(rows.hedge_ratio[: window - 1]).all()
    assert np.isnan(rows.forecast_error[:window]).all()


def test_equals_statsmodels() -> None:
    from statsmodels.regression.rolling import RollingOLS as Oracle
    from statsmodels.tools import add_constant

    x, y = pair(600, seed=3)
    params = Oracle(y, add_constant(x), window=50).fit(params_only=True).params
    rows, _ = RollingOLS(50).run(x, y)
    np.testing.assert_allclose(rows.intercept[49:], params[49:, 0], rtol=1e-8)
    np.testing.assert_allclose(rows.hedge_ratio[49:], params[49:, 1], rtol=1e-9)


@settings(max_examples=50, deadline=None)
@given(slope=finite, intercept=finite, seed=st.integers(0, 1000))
def test_a_line_is_recovered(slope: float, intercept: float, seed: int) -> None:
    x, _ = pair(60, seed)
    rows, _ = RollingOLS(10).run(x, intercept + slope * x)
    size = abs(intercept) + abs(slope) * 100.0
    np.testing.assert_allclose(rows.hedge_ratio[9:], slope, atol=1e-12 * size)
    np.testing.assert_allclose(rows.intercept[9:], intercept, atol=1e-10 * size)
    np.testing.assert_allclose(rows.spread[9:], 0.0, atol=1e-12 * size)


@settings(max_examples=50, deadline=None)
@given(factor=st.floats(1e-6, 1e6), shift_x=finite, shift_y=finite)
def test_scale_and_shift_of_prices(factor: float, shift_x: float, shift_y: float) -> None:
    x, y = pair(60)
    rows, _ = RollingOLS(10).run(x, y)
    scaled, _ = RollingOLS(10).run(x, factor * y)
    np.testing.assert_allclose(scaled.spread, factor * rows.spread, atol=1e-11 * factor)
    np.testing.assert_allclose(scaled.forecast_error, factor * rows.forecast_error, atol=1e-10 * factor)
    shifted, _ = RollingOLS(10).run(x + shift_x, y + shift_y)
    np.testing.assert_allclose(shifted.hedge_ratio, rows.hedge_ratio, atol=1e-9)
    np.testing.assert_allclose(shifted.forecast_error, rows.forecast_error, atol=1e-9)


def test_swapped_legs_meet_in_the_correlation() -> None:
    x, y = pair(100)
    forward, _ = RollingOLS(20).run(x, y)
    backward, _ = RollingOLS(20).run(y, x)
    r = np.array([np.corrcoef(x[t - 20 : t], y[t - 20 : t])[0, 1] for t in range(20, 101)])
    np.testing.assert_allclose((forward.hedge_ratio * backward.hedge_ratio)[19:], r**2, rtol=1e-10)


@pytest.mark.parametrize(("level", "step"), [(1e5, 0.01), (1e-8, 1e-12), (1e8, 1.0)])
def test_sizes_of_real_prices(level: float, step: float) -> None:
    rng = np.random.default_rng(2)
    x: Floats = level + np.cumsum(step * rng.integers(-3, 4, size=500))
    y: Floats = 0.05 * x + rng.normal(scale=step, size=500)
    rows, _ = RollingOLS(100).run(x, y)
    slopes = [least_squares(x[t - 100 : t], y[t - 100 : t])[0] for t in range(100, 501)]
    np.testing.assert_allclose(rows.hedge_ratio[99:], slopes, rtol=1e-9)


def test_a_flat_hedge_leg_has_no_ratio_and_the_next_forecast_neither() -> None:
    x = np.array([1.0, 2.0, 5.0, 5.0, 5.0, 6.0, 8.0])
    y = np.array([1.0, 3.0, 2.0, 4.0, 4.0, 5.0, 5.0])
    rows, _ = RollingOLS(3).run(x, y)
    assert np.isnan(rows.hedge_ratio).tolist() == [True, True, False, False, True, False, False]
    assert np.isnan(rows.forecast_error).tolist() == [True, True, True, False, False, True, False]


def test_a_flat_dependent_leg_has_ratio_zero() -> None:
    x, _ = pair(50)
    rows, _ = RollingOLS(10).run(x, np.full(50, 7.7))
    np.testing.assert_array_equal(rows.hedge_ratio[9:], 0.0)
    np.testing.assert_array_equal(rows.intercept[9:], 7.7)


@pytest.mark.parametrize("quiet", [1e-3, 1e-5])
def test_digits_survive_a_jump_that_leaves_the_window(quiet: float) -> None:
    """A window of small moves after a large one: naive sums keep the rounding of the large one."""
    rng = np.random.default_rng(4)
    x = 100.0 + quiet * np.cumsum(rng.normal(size=300))
    x[:120] += 50.0
    y = 0.5 * x + quiet * rng.normal(size=300)
    rows, _ = RollingOLS(40).run(x, y)
    for t in (165, 200, 299):
        slope, _ = least_squares(x[t - 39 : t + 1], y[t - 39 : t + 1])
        assert rows.hedge_ratio[t] == pytest.approx(slope, rel=1e-10)


def test_no_drift_over_a_million_rows_at_the_price_of_bitcoin() -> None:
    rng = np.random.default_rng(5)
    x = 60_000.0 + np.cumsum(rng.normal(size=1_000_000))
    y = 3_000.0 + 0.05 * x + rng.normal(size=x.size)
    rows, _ = RollingOLS(100).run(x, y)
    for t in range(999_000, 1_000_000, 37):
        exact_x, exact_y = x[t - 99 : t + 1].astype(np.longdouble), y[t - 99 : t + 1].astype(np.longdouble)
        dx, dy = exact_x - exact_x.mean(), exact_y - exact_y.mean()
        slope = float((dx @ dy) / (dx @ dx))
        assert rows.hedge_ratio[t] == pytest.approx(slope, rel=1e-12)


@pytest.mark.parametrize(("window", "oldest"), [(10, 64), (100, 100)])
def test_sums_never_grow_old(window: int, oldest: int) -> None:
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(2, 1_000))  # gentle: nothing but their age makes the sums afresh
    ages = []
    state = None
    for t in range(1_000):
        _, state = RollingOLS(window).run(x[t : t + 1], y[t : t + 1], state)
        ages.append(int(state.values[0, AGE]))
    assert max(ages) == oldest - 1
