"""Engle-Granger under changing volatility: what each step does, and how often walks are called cointegrated."""

import pickle
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pytest

from alphastream.core.types import Floats
from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.estimators.tests.engle_granger import engle_granger
from alphastream.estimators.tests.lags import engle_granger_kernel
from alphastream.estimators.tests.mackinnon import tau_pvalue
from alphastream.estimators.tests.rescaled import (
    EXCEEDANCES,
    SCALE_HALF_LIFE,
    HiddenByBounceError,
    draw_signs,
    engle_granger_wild,
    local_scale,
    rescaled_kernel,
    rescaled_legs,
    scale_half_life,
    sign_seed,
    wild_pvalue,
    without_spikes,
)

Draw = Callable[[np.random.Generator, int], tuple[Floats, Floats]]


def walks(rng: np.random.Generator, size: int) -> tuple[Floats, Floats]:
    y, x = np.cumsum(rng.normal(size=(2, size)), axis=1)
    return y, x


def calmer(rng: np.random.Generator, size: int) -> tuple[Floats, Floats]:
    """Independent walks whose volatility falls to a quarter half-way."""
    scale = np.where(np.arange(size) < size // 2, 1.0, 0.25)
    y, x = np.cumsum(scale * rng.normal(size=(2, size)), axis=1)
    return y, x


def pair(rng: np.random.Generator, size: int, half_life: float = 10.0) -> tuple[Floats, Floats]:
    x = np.cumsum(rng.normal(size=size))
    deviation = np.zeros(size)
    for t in range(1, size):
        deviation[t] = 0.5 ** (1.0 / half_life) * deviation[t - 1] + rng.normal()
    return 5.0 + 2.0 * x + deviation, x


# ---- steps -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", [1, 250, 498])
@pytest.mark.parametrize("jump", [-50.0, 15.0])
def test_a_jump_that_comes_back_is_taken_out(row: int, jump: float) -> None:
    y, _ = walks(np.random.default_rng(1), 500)
    np.testing.assert_array_equal(without_spikes(y), y)
    y[row] += jump
    clean = without_spikes(y)
    assert clean[row] == y[row - 1]
    np.testing.assert_array_equal(np.delete(clean, row), np.delete(y, row))


def test_a_jump_that_stays_is_none_and_neither_are_ticks() -> None:
    y, _ = walks(np.random.default_rng(2), 500)
    y[250:] += 50.0
    np.testing.assert_array_equal(without_spikes(y), y)
    ticks = 3.0 * np.round(y / 3.0)  # most changes are zero, the others come back at once
    np.testing.assert_array_equal(without_spikes(ticks), ticks)


def test_local_scale_is_the_two_sided_mean_of_squares() -> None:
    change = np.random.default_rng(3).normal(size=60) * np.linspace(1.0, 4.0, 60)
    weight = 0.5 ** (np.abs(np.subtract.outer(np.arange(60), np.arange(60))) / 7.0)
    expected = np.sqrt(weight @ change**2 / weight.sum(axis=1))
    np.testing.assert_allclose(local_scale(change, 7.0), expected, rtol=1e-12)
    change[:50] = 0.0
    assert local_scale(change, 1.0)[0] == pytest.approx(0.01 * np.sqrt(np.mean(change**2)))


def test_a_linear_relation_stays_what_it_is() -> None:
    y, x = pair(np.random.default_rng(4), 300)
    y_scaled, x_scaled, varies = rescaled_legs(y, x, SCALE_HALF_LIFE)
    assert varies
    spread = np.diff(y - 2.0 * x)
    np.testing.assert_allclose(np.diff(y_scaled - 2.0 * x_scaled), spread * (np.diff(x_scaled) / np.diff(x)), rtol=1e-6)


def test_kernel_is_the_test_of_the_rescaled_legs() -> None:
    y, x = calmer(np.random.default_rng(5), 300)
    y_scaled, x_scaled, _ = rescaled_legs(y, x, 20.0)
    expected = engle_granger(y_scaled, x_scaled)
    test = rescaled_kernel(y, x, 16, 20.0)
    assert (test.statistic, test.lags) == (expected.statistic, expected.lags)


def test_wild_pvalue_counts_replications() -> None:
    y, x = walks(np.random.default_rng(6), 120)
    state, signs = np.uint64(sign_seed(y)), np.empty((199, 119))
    for row in signs:
        state = np.uint64(draw_signs(state, row))
    assert abs(signs.mean()) < 0.02
    flipped = [[np.append(0.0, np.cumsum(row * np.diff(leg))) for leg in (y, x)] for row in signs]
    drawn = [engle_granger(y_walk, x_walk).statistic for y_walk, x_walk in flipped]
    ordered = np.sort(drawn)
    for rank in (3, 15, 60, 190):
        statistic = 0.5 * (ordered[rank - 1] + ordered[rank])
        assert wild_pvalue(y, x, statistic, 13, 1, 199, 1_000) == ((1 + rank) / 200, 199)
        needed = int(np.searchsorted(np.cumsum(np.array(drawn) < statistic), EXCEEDANCES)) + 1
        expected = ((1 + rank) / 200, 199) if rank < EXCEEDANCES else (EXCEEDANCES / needed, needed)
        assert wild_pvalue(y, x, statistic, 13, 1, 199, EXCEEDANCES) == expected


# ---- the test --------------------------------------------------------------------------------------------------


def test_the_same_rows_give_the_same_answer_and_scale_does_not_matter() -> None:
    y, x = calmer(np.random.default_rng(7), 200)
    first = engle_granger_wild(y, x)
    assert engle_granger_wild(y, x) == first
    scaled = engle_granger_wild(1e-8 * y, 1e6 * x)
    assert scaled.pvalue == first.pvalue
    assert scaled.statistic == pytest.approx(first.statistic, rel=1e-8)
    assert first.plain == engle_granger(y, x)
    assert first.hedge_ratio == first.plain.hedge_ratio  # nothing was taken out
    assert first.rescaled_pvalue == tau_pvalue(first.statistic, 1, 2)


def test_refuses_what_the_plain_test_refuses() -> None:
    x = np.cumsum(np.random.default_rng(8).normal(size=100))
    with pytest.raises(NotEnoughObservations, match="needs 30 observations, has 20"):
        engle_granger_wild(x[:20], x[:20])
    with pytest.raises(ParameterError, match="perfectly collinear"):
        engle_granger_wild(2.0 * x + 1.0, x)
    x[50] = x[49]
    spiked = 2.0 * x
    spiked[50] += 100.0
    with pytest.raises(ParameterError, match="no spread to test"):
        engle_granger_wild(spiked, x)
    assert np.isnan(rescaled_kernel(spiked, x, 12, 20.0).statistic)


def rejections(draw: Draw, size: int, runs: int) -> tuple[float, float, float]:
    """Shares of p < 5 %: plain, rescaled with MacKinnon, wild; a refusal is no rejection."""
    rng = np.random.default_rng(9)
    lags = int(np.ceil(12 * (size / 100) ** 0.25))
    found = np.zeros(3)
    for _ in range(runs):
        y, x = draw(rng, size)
        found[0] += tau_pvalue(engle_granger_kernel(y, x, 1, lags, 1).statistic, 1, 2) < 0.05
        found[1] += tau_pvalue(rescaled_kernel(y, x, lags, scale_half_life(size)).statistic, 1, 2) < 0.05
        with suppress(HiddenByBounceError):
            found[2] += engle_granger_wild(y, x).pvalue < 0.05
    plain, rescaled, wild = found / runs
    return float(plain), float(rescaled), float(wild)


def test_size_where_volatility_falls() -> None:
    """Two thousand runs of 500 rows: 19.3, 5.2, 3.6 %; without the fall 4.6, 4.1, 3.7 % (one standard error .4)."""
    plain, rescaled, wild = rejections(calmer, 500, 400)
    assert plain > 0.13
    assert rescaled < 0.08
    assert wild < 0.08


def bouncing(rng: np.random.Generator, size: int, correlation: float = 0.9) -> tuple[Floats, Floats]:
    """Correlated walks, each seen at bid or ask, one step of a row away from the middle."""
    steps = rng.normal(size=(2, size))
    y, x = np.cumsum([correlation * steps[0] + np.sqrt(1.0 - correlation**2) * steps[1], steps[0]], axis=1)
    return y + rng.choice((-1.0, 1.0), size), x + rng.choice((-1.0, 1.0), size)


def bouncing_pair(rng: np.random.Generator, size: int) -> tuple[Floats, Floats]:
    y, x = pair(rng, size)
    return y + rng.choice((-1.0, 1.0), size), x + rng.choice((-1.0, 1.0), size)


def test_size_and_power_where_prices_bounce() -> None:
    """Two thousand runs of 500 rows: walks 12.1, 7.2 and 6.0 %, pairs of half-life ten 97.5, 95.1 and 92.5 %."""
    plain, rescaled, wild = rejections(bouncing, 500, 400)
    assert plain > 0.08
    assert rescaled < 0.11
    assert wild < 0.08
    _, rescaled, wild = rejections(bouncing_pair, 500, 150)
    assert rescaled > 0.90
    assert wild > 0.85


def test_a_spread_that_returns_at_once_is_no_bounce() -> None:
    """White noise about a fixed ratio is the plainest cointegration, though its changes reverse as a bounce does."""
    rng = np.random.default_rng(12)
    found = 0
    for _ in range(50):
        x = np.cumsum(rng.normal(size=300))
        found += engle_granger_wild(2.0 * x + rng.normal(size=300), x).pvalue < 0.01
    assert found >= 48


def test_a_bounce_that_hides_the_spread_is_refused_with_the_bars_it_takes() -> None:
    rng = np.random.default_rng(11)
    y, x = bouncing(rng, 500, correlation=0.99)
    with pytest.raises(HiddenByBounceError, match=r"hide what lasts: use bars \d+ times as long") as refused:
        engle_granger_wild(y, x)
    assert 2.0 < refused.value.longer < 15.0
    assert np.isfinite(rescaled_kernel(y, x, 18, SCALE_HALF_LIFE).statistic)  # many at once: with the most lags
    for half_life in (1.0, 2.0, 5.0):
        engle_granger_wild(*pair(rng, 500, half_life))  # returns fast, and is no bounce


def test_power_is_kept() -> None:
    _, rescaled, wild = rejections(pair, 500, 150)
    assert rescaled > 0.93
    assert wild > 0.93


def test_a_refusal_may_cross_processes() -> None:
    refusal = HiddenByBounceError(0.01)
    again = pickle.loads(pickle.dumps(refusal))
    assert (str(again), again.longer) == (str(refusal), refusal.longer)
