"""The frozen fit: numpy's line of the training rows, held out of sample, and fitted again in time."""

from math import sqrt

import numpy as np
import pytest

from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.estimators import FrozenHedge


def legs(rows: int, seed: int = 0) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    x = 100.0 + np.cumsum(rng.normal(size=rows))
    return x, 5.0 + 0.7 * x + rng.normal(size=rows)


@pytest.mark.parametrize(("train", "hold"), [(30, 10), (30, 30), (12, 50), (30, 1)])
def test_every_row_uses_the_line_of_the_newest_fit_before_it(train: int, hold: int) -> None:
    x, y = legs(200)
    rows, _ = FrozenHedge(train, hold).run(x, y)
    assert np.isnan(rows.zscore[:train]).all()
    for t in range(train, 200):
        fitted = train + (t - train) // hold * hold
        sample = slice(fitted - train, fitted)
        slope, intercept = np.polyfit(x[sample], y[sample], 1)
        residual = y[sample] - intercept - slope * x[sample]
        std = sqrt(residual @ residual / (train - 2))
        assert rows.hedge_ratio[t] == pytest.approx(slope, rel=1e-9)
        assert rows.intercept[t] == pytest.approx(intercept, rel=1e-7)
        assert rows.spread[t] == pytest.approx(y[t] - intercept - slope * x[t], abs=1e-8)
        assert rows.std[t] == pytest.approx(std, rel=1e-9)
        assert rows.zscore[t] == pytest.approx((y[t] - intercept - slope * x[t]) / std, abs=1e-8)


def test_it_is_held_as_long_as_it_was_trained_unless_told_otherwise() -> None:
    x, y = legs(150)
    default, _ = FrozenHedge(40).run(x, y)
    told, _ = FrozenHedge(40, 40).run(x, y)
    np.testing.assert_array_equal(default.zscore, told.zscore)
    assert np.count_nonzero(np.diff(default.hedge_ratio[40:])) == 2


def test_scale_and_bad_ticks_leave_no_trace() -> None:
    x, y = legs(300)
    rows, _ = FrozenHedge(40).run(x, y)
    small, _ = FrozenHedge(40).run(x * 2.0**-40, y * 2.0**-40)
    np.testing.assert_array_equal(small.zscore, rows.zscore)
    bad = y.copy()
    bad[50] = 1e9
    after, _ = FrozenHedge(40).run(x, bad)
    np.testing.assert_allclose(after.zscore[120:], rows.zscore[120:], rtol=1e-12)


def test_without_a_line_there_is_no_spread() -> None:
    x, y = legs(90)
    flat, _ = FrozenHedge(30).run(np.r_[np.full(30, 0.1 + 0.2), x[30:]], y)
    assert np.isnan(flat.zscore[30:60]).all()
    assert np.isfinite(flat.zscore[60:]).all()
    same, _ = FrozenHedge(30).run(x, 2.0 * x + 1.0)
    assert np.isnan(same.zscore).all()
    np.testing.assert_allclose(same.hedge_ratio[30:], 2.0)


@pytest.mark.parametrize("arguments", [{"train": 2}, {"train": 10, "hold": 0}, {"train": 10.0}])
def test_impossible_lengths_are_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(ParameterError, match="needs an integer"):
        FrozenHedge(**arguments)
