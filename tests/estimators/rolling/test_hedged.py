"""What a hedged position is worth, against plain arithmetic."""

import numpy as np
import pytest

from alphastream.estimators import HedgedValue, RollingOLS


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_the_value_is_y_less_the_ratio_times_x(scale: float) -> None:
    rng = np.random.default_rng(4)
    x, y, ratio = scale * rng.normal(100.0, 5.0, 200), scale * rng.normal(50.0, 5.0, 200), rng.normal(size=200)
    ratio[:3] = np.nan
    rows, _ = HedgedValue().run(x, y, ratio)
    np.testing.assert_array_equal(rows.value, y - ratio * x)


def test_it_is_the_spread_with_its_intercept_left_in() -> None:
    rng = np.random.default_rng(5)
    x = 100.0 + np.cumsum(rng.normal(size=100))
    y = 7.0 + 0.5 * x + rng.normal(size=100)
    fit, _ = RollingOLS(20).run(x, y)
    rows, _ = HedgedValue().run(x, y, fit.hedge_ratio)
    np.testing.assert_allclose(rows.value, fit.spread + fit.intercept, atol=1e-12)


@pytest.mark.parametrize("hole", [float("nan"), float("inf"), float("-inf")])
def test_a_row_that_is_not_whole_has_no_value(hole: float) -> None:
    for place in range(3):
        row = [3.0, 5.0, 0.0]
        row[place] = hole
        x, y, ratio = ([value] for value in row)
        rows, state = HedgedValue().run(x, y, ratio)
        assert np.isnan(rows.value[0])
        assert HedgedValue().progress(state) == (0, 1)
