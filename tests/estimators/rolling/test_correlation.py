import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphastream.core.types import Floats
from alphastream.estimators import RollingCorrelation


def pair(length: int, seed: int = 0) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=length)
    return x, 0.6 * x + rng.normal(size=length)


@pytest.mark.parametrize("window", [3, 20, 150])
def test_equals_pandas(window: int) -> None:
    x, y = pair(500)
    rows, _ = RollingCorrelation(window).run(x, y)
    expected = pd.Series(x).rolling(window).corr(pd.Series(y)).to_numpy()
    np.testing.assert_allclose(rows.correlation, expected, atol=1e-9)


def test_equals_numpy_at_the_level_of_prices() -> None:
    x, y = pair(300)
    x, y = 60_000.0 + np.cumsum(x), 3_000.0 + np.cumsum(y)
    rows, _ = RollingCorrelation(50).run(x, y)
    expected = [np.corrcoef(x[t - 50 : t], y[t - 50 : t])[0, 1] for t in range(50, 301)]
    np.testing.assert_allclose(rows.correlation[49:], expected, rtol=1e-9)


def test_legs_may_be_swapped() -> None:
    x, y = pair(200)
    forward, _ = RollingCorrelation(20).run(x, y)
    backward, _ = RollingCorrelation(20).run(y, x)
    np.testing.assert_allclose(forward.correlation, backward.correlation, atol=1e-12)


@settings(max_examples=50, deadline=None)
@given(slope=st.floats(-1e6, 1e6).filter(lambda value: abs(value) > 1e-6), shift=st.floats(-1e3, 1e3))
def test_a_line_is_one_and_never_more(slope: float, shift: float) -> None:
    x, _ = pair(100)
    rows, _ = RollingCorrelation(10).run(x, slope * (x + shift))
    np.testing.assert_allclose(rows.correlation[9:], np.sign(slope), atol=1e-9)
    assert np.nanmax(np.abs(rows.correlation)) <= 1.0


@pytest.mark.parametrize("flat", [0, 1])
def test_a_constant_leg_has_no_correlation(flat: int) -> None:
    x, y = pair(20)
    (x, y)[flat][:] = 0.1
    rows, _ = RollingCorrelation(5).run(x, y)
    assert np.isnan(rows.correlation).all()
