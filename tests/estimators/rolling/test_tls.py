import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphastream.core.types import Floats
from alphastream.estimators import RollingTLS


def pair(length: int, seed: int = 0, ratio: float = 0.8) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    x = 100.0 + np.cumsum(rng.normal(size=length))
    return x, 3.0 + ratio * x + rng.normal(size=length)


@pytest.mark.parametrize("ratio", [0.8, -1.3, 30.0, 0.001])
def test_equals_the_closed_form(ratio: float) -> None:
    x, y = pair(200, ratio=ratio)
    rows, _ = RollingTLS(30).run(x, y)
    for t in range(29, 200):
        (xx, xy), (_, yy) = np.cov(x[t - 29 : t + 1], y[t - 29 : t + 1])
        slope = (yy - xx + np.sqrt((yy - xx) ** 2 + 4.0 * xy**2)) / (2.0 * xy)
        assert rows.hedge_ratio[t] == pytest.approx(slope, rel=1e-9)


def test_equals_the_first_principal_axis() -> None:
    x, y = pair(200)
    rows, _ = RollingTLS(30).run(x, y)
    for t in range(29, 200):
        legs = np.column_stack([x, y])[t - 29 : t + 1]
        axis = np.linalg.svd(legs - legs.mean(axis=0))[2][0]
        assert rows.hedge_ratio[t] == pytest.approx(axis[1] / axis[0], rel=1e-9)
        assert rows.intercept[t] == pytest.approx(legs[:, 1].mean() - rows.hedge_ratio[t] * legs[:, 0].mean(), rel=1e-9)


def test_spread_and_forecast_error_use_their_fits() -> None:
    x, y = pair(100)
    rows, _ = RollingTLS(20).run(x, y)
    np.testing.assert_allclose(rows.spread[19:], (y - rows.intercept - rows.hedge_ratio * x)[19:], atol=1e-11)
    before = y[1:] - rows.intercept[:-1] - rows.hedge_ratio[:-1] * x[1:]
    np.testing.assert_allclose(rows.forecast_error[20:], before[19:], atol=1e-11)


def test_swapping_the_legs_inverts_the_ratio() -> None:
    x, y = pair(200)
    forward, _ = RollingTLS(20).run(x, y)
    backward, _ = RollingTLS(20).run(y, x)
    np.testing.assert_allclose(forward.hedge_ratio * backward.hedge_ratio, np.where(np.arange(200) < 19, np.nan, 1.0))


@settings(max_examples=50, deadline=None)
@given(slope=st.floats(-1e3, 1e3, allow_subnormal=False).filter(lambda value: abs(value) > 1e-6))
def test_a_line_is_recovered(slope: float) -> None:
    x, _ = pair(60)
    rows, _ = RollingTLS(10).run(x, 4.0 + slope * x)
    np.testing.assert_allclose(rows.hedge_ratio[9:], slope, rtol=1e-9)


@settings(max_examples=50, deadline=None)
@given(factor=st.floats(1e-6, 1e6))
def test_a_common_scale_scales_the_spread(factor: float) -> None:
    x, y = pair(60)
    rows, _ = RollingTLS(10).run(x, y)
    scaled, _ = RollingTLS(10).run(factor * x, factor * y)
    np.testing.assert_allclose(scaled.hedge_ratio, rows.hedge_ratio, rtol=1e-9)
    np.testing.assert_allclose(scaled.spread, factor * rows.spread, atol=1e-10 * factor)


def test_without_a_slope_it_is_nan() -> None:
    flat, _ = RollingTLS(4).run([1.0] * 4, [1.0, 2.0, 3.0, 4.0])
    assert np.isnan(flat.hedge_ratio[-1])
    level, _ = RollingTLS(4).run([1.0, 2.0, 3.0, 4.0], [1.0] * 4)
    assert level.hedge_ratio[-1] == 0.0
    upright, _ = RollingTLS(4).run([1.0, -1.0, 1.0, -1.0], [5.0, 5.0, -5.0, -5.0])
    assert np.isnan(upright.hedge_ratio[-1])
