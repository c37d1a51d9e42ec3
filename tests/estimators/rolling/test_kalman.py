from dataclasses import fields
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pykalman import KalmanFilter

from alphastream.core.types import Floats
from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.estimators import KalmanHedge, RollingOLS, Standardised, run_many
from alphastream.estimators.rolling.kalman import Start

ETFS = Path(__file__).parents[2] / "data" / "stock_prices.csv"


def pair(length: int, seed: int = 0, intercept_sd: float = 0.05, slope_sd: float = 0.003) -> tuple[Floats, Floats]:
    """A pair of the model itself, with observation noise of variance 0.25."""
    rng = np.random.default_rng(seed)
    x = 100.0 + np.cumsum(rng.normal(size=length))
    intercept = 5.0 + np.cumsum(rng.normal(size=length) * intercept_sd)
    slope = 1.0 + np.cumsum(rng.normal(size=length) * slope_sd)
    return x, intercept + slope * x + 0.5 * rng.normal(size=length)


def oracle(x: Floats, model: KalmanHedge, mean: Floats, covariance: Floats) -> KalmanFilter:
    intercept_delta = model.delta if model.intercept_delta is None else model.intercept_delta
    return KalmanFilter(
        transition_matrices=np.eye(2),
        observation_matrices=np.column_stack([np.ones(x.size), x])[:, np.newaxis, :],
        transition_covariance=np.diag([intercept_delta, model.delta]),
        observation_covariance=model.obs_var,
        initial_state_mean=mean,
        initial_state_covariance=covariance,
    )


def reference(x: Floats, y: Floats, model: KalmanHedge, mean: Floats, covariance: Floats) -> dict[str, Floats]:
    """The textbook's matrices, one row after the other; mean and covariance are those predicted for the first row."""
    intercept_delta = model.delta if model.intercept_delta is None else model.intercept_delta
    steps = np.diag([intercept_delta, model.delta])
    columns: dict[str, list[float]] = {field.name: [] for field in fields(KalmanHedge.row_type)}
    for x_t, y_t in zip(x, y, strict=True):
        H = np.array([1.0, x_t])
        e, Q = y_t - H @ mean, H @ covariance @ H + model.obs_var
        K = covariance @ H / Q
        mean = mean + K * e
        shrink = np.eye(2) - np.outer(K, H)
        covariance = shrink @ covariance @ shrink.T + model.obs_var * np.outer(K, K) + steps
        loglik = -0.5 * (np.log(2.0 * np.pi * Q) + e**2 / Q)
        row = (mean[1], mean[0], y_t - H @ mean, e, Q, e / np.sqrt(Q), loglik)
        for column, value in zip(columns.values(), row, strict=True):
            column.append(float(value))
    return {name: np.array(column) for name, column in columns.items()}


@pytest.mark.parametrize(
    ("delta", "intercept_delta", "obs_var"), [(1e-4, None, 1e-3), (1e-5, 2e-3, 0.25), (0.0, None, 1.0)]
)
def test_equals_pykalman(delta: float, intercept_delta: float | None, obs_var: float) -> None:
    x, y = pair(400)
    x, y = x / x[0], y / y[0]
    model = KalmanHedge(delta, obs_var, intercept_delta=intercept_delta)
    rows, _ = model.run(x, y)
    filtered = oracle(x, model, np.zeros(2), np.zeros((2, 2)))
    means, _ = filtered.filter(y)
    np.testing.assert_allclose(rows.intercept, means[:, 0], atol=1e-10)
    np.testing.assert_allclose(rows.hedge_ratio, means[:, 1], atol=1e-10)
    assert rows.loglik.sum() == pytest.approx(filtered.loglikelihood(y), rel=1e-10)


def test_equals_the_textbooks_matrices() -> None:
    x, y = pair(300)
    model = KalmanHedge(1e-5, 0.25, intercept_delta=1e-3)
    rows, _ = model.run(x, y)
    expected = reference(x, y, model, np.zeros(2), np.zeros((2, 2)))
    for name, column in expected.items():
        np.testing.assert_allclose(getattr(rows, name), column, rtol=1e-9, atol=1e-9, err_msg=name)


def test_arbitragelabs_published_figures() -> None:
    """Kalman filter of IEF on TIP: mean of e and of √Q in the tests of hudson-and-thames/arbitragelab."""
    prices = pd.read_csv(ETFS)
    rows, _ = KalmanHedge(delta=1e-4, obs_var=1e-3).run(prices["TIP"], prices["IEF"])
    assert rows.forecast_error.mean() == pytest.approx(0.089165, abs=1e-6)
    assert np.sqrt(rows.innovation_var).mean() == pytest.approx(1.109202, abs=1e-6)


def test_innovations_use_the_row_before_and_the_zscore_their_variance() -> None:
    x, y = pair(200)
    rows, _ = KalmanHedge(1e-5, 0.25, start="ols", burn_in=20).run(x, y)
    before = y[1:] - rows.intercept[:-1] - rows.hedge_ratio[:-1] * x[1:]
    np.testing.assert_allclose(rows.forecast_error[21:], before[20:], atol=1e-10)
    np.testing.assert_allclose(rows.zscore, rows.forecast_error / np.sqrt(rows.innovation_var))
    np.testing.assert_allclose(rows.spread, y - rows.intercept - rows.hedge_ratio * x, atol=1e-10)


def test_zscores_of_the_right_model_are_standard_normal() -> None:
    x, y = pair(20_000, intercept_sd=0.05, slope_sd=0.001)
    rows, _ = KalmanHedge(1e-6, 0.25, start="diffuse", burn_in=50, intercept_delta=0.0025).run(x, y)
    z = rows.zscore[50:]
    assert abs(z.mean()) < 4.0 / np.sqrt(z.size)
    assert z.std() == pytest.approx(1.0, abs=0.02)
    assert abs(np.corrcoef(z[1:], z[:-1])[0, 1]) < 4.0 / np.sqrt(z.size)


@pytest.mark.parametrize("still", [0, 1, 5])
def test_a_diffuse_start_is_the_limit_of_a_wide_prior(still: int) -> None:
    x, y = pair(60)
    x -= 97.0
    x[: still + 1] = x[0] - 5.0  # the level there is known before the slope is
    model = KalmanHedge(1e-3, 0.25, start="diffuse", intercept_delta=1e-2)
    rows, _ = model.run(x, y)
    wide = reference(x, y, model, np.zeros(2), np.eye(2) * 1e8)
    assert np.isnan(rows.forecast_error[: still + 2]).all()
    for name, column in wide.items():
        np.testing.assert_allclose(getattr(rows, name)[still + 2 :], column[still + 2 :], rtol=1e-5, atol=1e-5)


def test_without_steps_a_diffuse_start_is_growing_least_squares() -> None:
    x, y = pair(100)
    rows, _ = KalmanHedge(0.0, 0.25, start="diffuse").run(x, y)
    for t in (2, 3, 10, 99):
        whole, _ = RollingOLS(t + 1).run(x, y)
        assert rows.hedge_ratio[t] == pytest.approx(whole.hedge_ratio[t], rel=1e-8)


def test_an_ols_start_without_steps_is_the_diffuse_one() -> None:
    x, y = pair(100)
    ols, _ = KalmanHedge(0.0, 0.25, start="ols", burn_in=15).run(x, y)
    diffuse, _ = KalmanHedge(0.0, 0.25, start="diffuse", burn_in=15).run(x, y)
    for field in fields(ols):
        np.testing.assert_allclose(getattr(ols, field.name), getattr(diffuse, field.name), rtol=1e-7, atol=1e-8)
        assert np.isnan(getattr(ols, field.name)[:15]).all()
        assert np.isfinite(getattr(ols, field.name)[15:]).all()


@pytest.mark.parametrize("start", ["diffuse", "ols"])
def test_a_flat_hedge_leg_prolongs_the_start(start: Start) -> None:
    x, y = pair(30)
    x[:12] = 100.0
    rows, _ = KalmanHedge(1e-4, 0.25, start=start, burn_in=5).run(x, y)
    assert np.isnan(rows.hedge_ratio[:12]).all()
    assert np.isfinite(rows.hedge_ratio[13:]).all()


@pytest.mark.parametrize("scale", [2.0**-26, 2.0**26])
def test_scaling_y_and_its_variances_scales_the_spread(scale: float) -> None:
    x, y = pair(200)
    rows, _ = KalmanHedge(1e-5, 0.25, intercept_delta=1e-3).run(x, y)
    square = scale * scale
    scaled, _ = KalmanHedge(1e-5 * square, 0.25 * square, intercept_delta=1e-3 * square).run(x, y * scale)
    np.testing.assert_array_equal(scaled.spread, rows.spread * scale)
    np.testing.assert_array_equal(scaled.zscore, rows.zscore)


def test_the_covariance_stays_positive_over_a_million_rows() -> None:
    rng = np.random.default_rng(6)
    x = 60_000.0 + np.cumsum(rng.normal(size=1_000_000))
    rows, state = KalmanHedge(1e-12, 1.0, intercept_delta=1e-6).run(x, 0.05 * x + rng.normal(size=x.size))
    aa, ab, bb, determinant = state.values[0, 4:8]
    assert aa > 0.0
    assert bb > 0.0
    assert determinant == pytest.approx(aa * bb - ab * ab, rel=1e-3)
    assert rows.innovation_var.min() >= 1.0


def test_fit_finds_the_top_of_the_likelihood() -> None:
    x, y = pair(1_500, intercept_sd=0.1, slope_sd=0.0)
    x -= 100.0  # so that steps of level and slope can be told apart
    model = KalmanHedge.fit(x, y)

    def loglik(factors: tuple[float, ...]) -> float:
        assert model.intercept_delta is not None
        delta, intercept_delta, obs_var = np.array([model.delta, model.intercept_delta, model.obs_var]) * factors
        near = KalmanHedge(delta, obs_var, start="diffuse", intercept_delta=intercept_delta)
        return float(np.nansum(near.run(x, y)[0].loglik))

    top = loglik((1.0, 1.0, 1.0))
    assert all(loglik(factors) <= top + 1e-6 for factors in product((0.97, 1.0, 1.03), repeat=3))
    truth = KalmanHedge(0.0, 0.25, start="diffuse", intercept_delta=0.01)
    assert top >= np.nansum(truth.run(x, y)[0].loglik) - 1e-6
    assert model.obs_var == pytest.approx(0.25, rel=0.15)


def test_fit_agrees_with_statsmodels() -> None:
    from statsmodels.tsa.statespace.mlemodel import MLEModel

    x, y = pair(400, intercept_sd=0.2, slope_sd=0.01, seed=2)
    x -= 100.0
    model = KalmanHedge.fit(x, y)
    state_space = MLEModel(y, k_states=2, k_posdef=2)
    state_space["design"] = np.stack([np.ones(x.size), x])[np.newaxis]
    state_space["transition"] = state_space["selection"] = np.eye(2)
    state_space.ssm.initialize_diffuse()

    def loglik(delta: float, intercept_delta: float, obs_var: float) -> float:
        state_space["state_cov"] = np.diag([intercept_delta, delta])
        state_space["obs_cov"] = np.array([[obs_var]])
        return float(state_space.ssm.loglike())

    assert model.intercept_delta is not None
    best = np.array([model.delta, model.intercept_delta, model.obs_var])
    top = loglik(*best)
    for factors in product((0.9, 1.0, 1.1), repeat=3):
        assert loglik(*(best * factors)) <= top + 1e-6


def test_fit_does_not_depend_on_units() -> None:
    x, y = pair(500)
    model, scaled = KalmanHedge.fit(x, y), KalmanHedge.fit(x * 2.0**26, y * 2.0**-26)
    assert scaled.obs_var == pytest.approx(model.obs_var * 2.0**-52, rel=1e-9)
    assert scaled.delta == pytest.approx(model.delta * 2.0**-104, rel=1e-9)


def test_fit_leaves_gaps_out() -> None:
    x, y = pair(300)
    gappy_x, gappy_y = np.insert(x, 50, 1.0), np.insert(y, 50, np.nan)
    assert KalmanHedge.fit(gappy_x, gappy_y) == KalmanHedge.fit(x, y)


def test_fit_says_what_it_lacks() -> None:
    x, y = pair(40)
    with pytest.raises(NotEnoughObservations, match=r"KalmanHedge.fit needs 15 observations, has 12"):
        KalmanHedge.fit(x[:12], y[:12], burn_in=5)
    with pytest.raises(ParameterError, match="x is constant"):
        KalmanHedge.fit(np.ones(40), y)
    with pytest.raises(ParameterError, match="y is constant"):
        KalmanHedge.fit(x, np.ones(40))
    with pytest.raises(ParameterError, match="x and y need equal shapes"):
        KalmanHedge.fit(x, y[:-1])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"delta": -1e-9}, "delta is .* needs a finite number ≥ 0"),
        ({"delta": (1e-4, 1e-4)}, "delta is"),
        ({"obs_var": 0.0}, "obs_var is .* needs a finite number > 0"),
        ({"intercept_delta": float("nan")}, "intercept_delta is nan"),
        ({"start": "smooth"}, "start is 'smooth', needs one of zero, diffuse, ols"),
        ({"start": "ols"}, "burn_in is 0, needs an integer ≥ 3"),
        ({"burn_in": -1}, "burn_in is -1, needs an integer ≥ 0"),
    ],
)
def test_parameters_out_of_range(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        KalmanHedge(**parameters)


def test_noise_in_other_units_than_y_is_refused() -> None:
    """At 1e-10 the default variances gave a ratio of 6e-17 instead of .5, and no word."""
    rng = np.random.default_rng(3)
    x = 1.0 + np.cumsum(rng.normal(size=400)) * 1e-2
    y = 0.5 * x + rng.normal(size=400) * 1e-2
    model = KalmanHedge()
    with pytest.raises(ParameterError, match=r"x has not been beyond ±\d.*e-10 in 400 rows.*moves y by \d.*e-12"):
        model.run(x * 1e-10, y * 1e-10)
    _, state = model.run(x[:29] * 1e-10, y[:29] * 1e-10)  # too few to tell
    with pytest.raises(ParameterError, match="in 30 rows"):
        model.run(x[29:30] * 1e-10, y[29:30] * 1e-10, state=state)
    with pytest.raises(ParameterError, match="Give variances in the units of the legs"):
        run_many(model, np.column_stack([x, x * 1e-10]), np.column_stack([y, y * 1e-10]))
    small, _ = KalmanHedge(1e-4, 1e-23, intercept_delta=1e-24).run(x * 1e-10, y * 1e-10)
    own, _ = KalmanHedge(1e-4, 1e-3).run(x, y)
    assert small.hedge_ratio[-1] == pytest.approx(own.hedge_ratio[-1], abs=0.1)
    fitted, _ = KalmanHedge.fit(x * 1e-10, y * 1e-10).run(x * 1e-10, y * 1e-10)
    assert fitted.hedge_ratio[-1] == pytest.approx(0.5, abs=0.1)
    standardised = Standardised(KalmanHedge(), 50)
    tiny, usual = standardised.run(x * 1e-10, y * 1e-10)[0], standardised.run(x, y)[0]
    np.testing.assert_allclose(tiny.hedge_ratio, usual.hedge_ratio, rtol=1e-6)
