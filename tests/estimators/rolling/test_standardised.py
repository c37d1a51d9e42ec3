"""The calibrated Kalman filter: independent of scale, a fold at every split, and never ahead of its rows."""

from dataclasses import fields
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.estimators import KalmanHedge, KalmanRows, Standardised

MODEL = Standardised(KalmanHedge(), window=12)


def legs(rows: int = 60, seed: int = 4) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    x = np.cumsum(rng.normal(size=rows))
    return x, 2.0 * x + rng.normal(size=rows) + 7.0


def table(rows: KalmanRows) -> Floats:
    return np.array([getattr(rows, item.name) for item in fields(rows)])


@given(cuts=st.lists(st.integers(0, 60), max_size=5), holes=st.sets(st.integers(0, 59), max_size=9))
def test_any_split_gives_the_same_bits(cuts: list[int], holes: set[int]) -> None:
    x, y = legs()
    x[list(holes)] = np.nan
    whole, _ = MODEL.run(x, y)
    state, pieces = None, []
    edges = [0, *sorted(cuts), 60]
    for begin, end in pairwise(edges):
        rows, state = MODEL.run(x[begin:end], y[begin:end], state=state)
        pieces.append(table(rows))
    assert_array_equal(np.concatenate(pieces, axis=1), table(whole))
    assert np.isnan(table(whole)[:, sorted(holes)]).all()


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_scale_of_prices_does_not_matter(scale: float) -> None:
    x, y = legs()
    plain, _ = MODEL.run(x, y)
    scaled, _ = MODEL.run(x * scale, y)
    assert_allclose(scaled.zscore, plain.zscore, rtol=1e-9)
    assert_allclose(scaled.hedge_ratio * scale, plain.hedge_ratio, rtol=1e-9)
    assert_allclose(scaled.innovation_var, plain.innovation_var, rtol=1e-9)
    assert_allclose(scaled.spread, plain.spread, rtol=1e-6, atol=1e-9)


def test_outputs_fit_together_in_the_units_of_the_legs() -> None:
    x, y = legs()
    rows, _ = MODEL.run(x, y)
    known = np.isfinite(rows.zscore)
    assert_array_equal(known, np.arange(60) >= 12)
    assert_allclose(rows.spread[known], (y - rows.intercept - rows.hedge_ratio * x)[known], atol=1e-10)
    assert_allclose(rows.zscore[known], (rows.forecast_error / np.sqrt(rows.innovation_var))[known], rtol=1e-12)
    ahead = y[13:] - rows.intercept[12:-1] - rows.hedge_ratio[12:-1] * x[13:]
    assert_allclose(rows.forecast_error[13:], ahead, atol=1e-10)


def test_progress_counts_valid_rows() -> None:
    x, y = legs()
    x[3] = np.nan
    assert MODEL.progress(None) == (0, 12)
    _, state = MODEL.run(x[:6], y[:6])
    assert MODEL.progress(state) == (5, 12)
    _, state = MODEL.run(x[6:], y[6:], state=state)
    assert MODEL.progress(state) == (12, 12)


def test_the_state_given_is_not_touched() -> None:
    x, y = legs()
    _, state = MODEL.run(x[:8], y[:8])
    before = state.x.copy()
    MODEL.run(x[8:], y[8:], state=state)
    assert_array_equal(state.x, before)
    with pytest.raises(ValueError, match="read-only"):
        state.x[0] = 1.0


def test_a_constant_leg_has_no_scale() -> None:
    _, y = legs()
    rows, state = MODEL.run(np.full(60, 5.0), y)
    assert np.isnan(table(rows)).all()
    assert MODEL.progress(state)[0] < 12


def test_a_window_of_two_is_refused() -> None:
    with pytest.raises(ParameterError, match="window"):
        Standardised(KalmanHedge(), window=2)


@pytest.mark.parametrize("noise", [1e-4, 0.1, 10.0])
@pytest.mark.parametrize("walks", [False, True], ids=["cointegrated", "random walks"])
def test_two_standard_deviations_are_two(noise: float, walks: bool) -> None:
    rng = np.random.default_rng(8)
    x = np.cumsum(rng.normal(size=3_000))
    shocks = noise * rng.normal(size=3_000)
    y = np.cumsum(shocks) if walks else 2.0 * x + shocks
    rows, _ = Standardised(KalmanHedge(), window=100).run(x, y)
    spread = rows.zscore[np.isfinite(rows.zscore)]
    assert 0.5 < spread.std() < 2.0
