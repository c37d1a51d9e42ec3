"""The discounted regression: its equations, and a z-score that is the same after an hour and after a week."""

from functools import lru_cache
from math import exp, sqrt

import numpy as np
import pytest

from alphastream.core.types import Floats
from alphastream.estimators import DiscountedRegression, DiscountedRows, Settled, ThresholdSignal, run_many
from alphastream.estimators.rolling.discounted_regression import SETTLING_WINDOWS

WINDOW = 100
MODEL = DiscountedRegression(WINDOW)
ROWS, BLOCK, PAIRS = 80_000, 5_000, 4
SETTLED = (SETTLING_WINDOWS + 1) * WINDOW


def gaussian(rng: np.random.Generator, rows: int = ROWS) -> Floats:
    """Steps of both legs of several pairs, (T, P, 2)."""
    return rng.normal(size=(rows, PAIRS, 2))


def garch(rng: np.random.Generator) -> Floats:
    """GARCH(1, 1) with .1 and .85, innovations of Student's t with 4 degrees of freedom."""
    shocks = rng.standard_t(4, size=(ROWS, PAIRS, 2)) / sqrt(2.0)
    steps, variance = np.empty_like(shocks), np.ones((PAIRS, 2))
    for t in range(ROWS):
        steps[t] = np.sqrt(variance) * shocks[t]
        variance = 0.05 + 0.1 * steps[t] ** 2 + 0.85 * variance
    return steps


def regimes(rng: np.random.Generator) -> Floats:
    """Volatility times four and back every 5,000 rows."""
    return gaussian(rng) * 4.0 ** ((np.arange(ROWS) // BLOCK) % 2)[:, np.newaxis, np.newaxis]


STEPS = {"gaussian": gaussian, "garch": garch, "regimes": regimes}


@lru_cache
def walks(kind: str) -> Floats:
    """z-scores of independent walks, (T, P)."""
    steps = STEPS[kind](np.random.default_rng(20_261_128))
    paths = np.cumsum(steps, axis=0)
    rows, _ = run_many(MODEL, paths[:, :, 0], paths[:, :, 1])
    return rows.zscore


def cointegrated(rng: np.random.Generator, rows: int, half_life: float) -> tuple[Floats, Floats, Floats]:
    """x, y = .8 x + s and s, which reverts by half in so many rows and moves as much as x does in one."""
    x = np.cumsum(rng.normal(size=rows))
    spread, keep, shocks = np.zeros(rows), 2.0 ** (-1.0 / half_life), rng.normal(size=rows)
    for t in range(1, rows):
        spread[t] = keep * spread[t - 1] + shocks[t]
    return x, 0.8 * x + spread, spread


def profit(zscore: Floats, ratio: Floats, x: Floats, y: Floats) -> float:
    """What ±2 in and .5 out earn before costs, filled at the close after the one that decides, the hedge held."""
    direction = ThresholdSignal(2.0, 0.5).run(zscore)[0].position[:-1]
    opened = np.flatnonzero((direction != 0.0) & (direction != np.concatenate(([0.0], direction[:-1]))))
    held = np.zeros(len(direction))
    for begin, end in zip(opened, [*opened[1:], len(direction)], strict=True):
        held[begin:end] = ratio[begin]
    earned = direction[:-1] * (np.diff(y)[1:] - held[:-1] * np.diff(x)[1:])
    return float(earned.sum())


def test_the_equations_row_by_row() -> None:
    """The docstring in plain Python, with sums over all rows before in place of recursions."""
    rng = np.random.default_rng(1)
    x = 50.0 + np.cumsum(rng.normal(size=90))
    y = 0.7 * x + rng.normal(size=90)
    window, model = 10, DiscountedRegression(10)
    rows, _ = model.run(x, y)
    quick, slow = exp(-1.0 / window), exp(-1.0 / (2.0 * window))
    squares: list[float] = []
    ratios: list[float] = []

    def mean(values: list[float] | Floats, keep: float) -> float:
        weights = keep ** np.arange(len(values))[::-1]
        return float(weights @ np.asarray(values) / weights.sum())

    for t in range(2, 90):
        weights = slow ** np.arange(t)[::-1]
        centred_x, centred_y = x[:t] - mean(x[:t], slow), y[:t] - mean(y[:t], slow)
        xx, xy = weights @ centred_x**2, weights @ (centred_x * centred_y)
        slope, level_x, level_y = xy / xx, mean(x[:t], quick), mean(y[:t], quick)
        away, error = x[t] - level_x, y[t] - level_y - slope * (x[t] - level_x)
        known = (quick ** np.arange(t)).sum()
        leverage = 1.0 + 1.0 / (quick * known) + away**2 / (slow * xx)
        if ratios:
            unit = mean(squares, quick) * leverage
            expected = sqrt(mean(ratios, slow) * unit)
            if t >= window - 1:
                assert rows.forecast_error[t] == pytest.approx(error, rel=1e-9)
                assert rows.innovation_std[t] == pytest.approx(expected, rel=1e-9)
                assert rows.zscore[t] == pytest.approx(error / expected, rel=1e-9)
                assert rows.hedge_ratio[t - 1] == pytest.approx(slope, rel=1e-9) or t == window - 1
                assert rows.intercept[t - 1] == pytest.approx(level_y - slope * level_x, rel=1e-9) or t == window - 1
        if squares:
            ratio = error**2 / (mean(squares, quick) * leverage)
            ratios.append(min(ratio, 16.0 * mean(ratios, slow)) if t >= 30 and ratios else ratio)
        square = (y[t] - y[t - 1] - slope * (x[t] - x[t - 1])) ** 2
        squares.append(min(square, 16.0 * mean(squares, quick)) if t >= 30 else square)


def test_the_scale_and_the_origin_of_either_leg_do_not_matter() -> None:
    rng = np.random.default_rng(2)
    x = 50.0 + np.cumsum(rng.normal(size=500))
    y = 0.7 * x + rng.normal(size=500)
    plain, _ = MODEL.run(x, y)
    scaled, _ = MODEL.run(x * 2.0**-40, y * 2.0**30)
    np.testing.assert_array_equal(scaled.zscore, plain.zscore)
    np.testing.assert_array_equal(scaled.hedge_ratio, plain.hedge_ratio * 2.0**70)
    small, _ = MODEL.run(x * 1e-10, y * 3e-10)
    np.testing.assert_allclose(small.zscore, plain.zscore, rtol=1e-9)
    np.testing.assert_allclose(small.hedge_ratio, plain.hedge_ratio * 3.0, rtol=1e-9)
    moved, _ = MODEL.run(x + 1e4, y - 3e3)
    np.testing.assert_allclose(moved.zscore, plain.zscore, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(moved.hedge_ratio, plain.hedge_ratio, rtol=1e-8)


@pytest.mark.parametrize("kind", STEPS)
def test_the_z_score_does_not_age(kind: str) -> None:
    """80 runs: .91 to 1.05 by blocks of 5,000 rows for Gaussian walks and regimes, .94 to 1.04 for GARCH."""
    zscore = walks(kind)
    deviations = [np.nanstd(zscore[begin : begin + BLOCK], axis=0) for begin in range(0, ROWS, BLOCK)]
    assert np.min(deviations) > 0.85
    assert np.max(deviations) < 1.15
    assert np.nanmean(np.abs(zscore) >= 2.0) == pytest.approx(0.04, abs=0.01)


def test_it_does_not_matter_when_it_began_once_it_is_settled() -> None:
    paths = np.cumsum(gaussian(np.random.default_rng(3), 20_000), axis=0)
    old, _ = run_many(MODEL, paths[:, :, 0], paths[:, :, 1])
    for begin in range(2_000, 18_000, 1_000):
        young, _ = run_many(MODEL, paths[begin:, :, 0], paths[begin:, :, 1])
        apart = np.abs(young.zscore - old.zscore[begin:])
        assert apart[SETTLED : SETTLED + 500].mean() < 0.05
        assert apart[SETTLED + 500 :].max(initial=0.0) < 0.2
        assert apart[WINDOW : 2 * WINDOW].mean() > 0.1  # which is why it has to settle


def test_settling_ends_after_ten_windows() -> None:
    paths = np.cumsum(gaussian(np.random.default_rng(4), 1_500), axis=0)
    rows, _ = MODEL.run(paths[:, 0, 0], paths[:, 0, 1])
    passed, _ = Settled(SETTLING_WINDOWS * WINDOW).run(rows.zscore)
    assert np.flatnonzero(np.isfinite(passed.value))[0] == SETTLED - 2  # the first z-score ends the first window


@pytest.mark.parametrize(("half_life", "least"), [(10.0, 0.85), (50.0, 0.65)])
def test_the_rule_earns_most_of_what_one_earns_who_knows_the_spread(half_life: float, least: float) -> None:
    """Of eight runs of 40,000 rows: 100 % (error 2) at a half-life of 10, 89 % (error 4) at 50."""
    x, y, spread = cointegrated(np.random.default_rng(5), 60_000, half_life)
    rows, _ = MODEL.run(x, y)
    deviation = 1.0 / sqrt(1.0 - 4.0 ** (-1.0 / half_life))
    known = profit(spread / deviation, np.full(len(x), 0.8), x, y)
    assert known > 0.0
    assert profit(rows.zscore, rows.hedge_ratio, x, y) > least * known


def around(change: int, steps: Floats) -> tuple[Floats, Floats]:
    paths = 1_000.0 + np.cumsum(steps, axis=0)
    return paths[:, :, 0], paths[:, :, 1]


def rms(values: Floats) -> float:
    return float(np.sqrt(np.nanmean(values**2)))


@pytest.mark.parametrize("size", [50.0, 1e4, 1e9])
def test_one_bad_tick_leaves_no_trace(size: float) -> None:
    x, y = around(6_000, gaussian(np.random.default_rng(6), 8_000))
    clean, _ = run_many(MODEL, x, y)
    y = y.copy()
    y[6_000] += size
    rows, _ = run_many(MODEL, x, y)
    assert (rows.zscore[6_000] > 3.0).all()
    np.testing.assert_allclose(rows.hedge_ratio[6_002:], clean.hedge_ratio[6_002:], atol=0.05)
    np.testing.assert_allclose(rows.innovation_std[6_001:], clean.innovation_std[6_001:], rtol=0.25)
    assert np.abs(rows.zscore[6_001:] - clean.zscore[6_001:]).max() < 0.6


def test_a_jump_that_stays_is_followed() -> None:
    steps = gaussian(np.random.default_rng(7), 8_000)
    steps[6_000, :, 1] += 100.0
    rows, _ = run_many(MODEL, *around(6_000, steps))
    assert (rows.zscore[6_000:6_005] > 4.0).all()
    assert rms(rows.zscore[6_600:]) < 1.2


@pytest.mark.parametrize("factor", [4.0, 0.25])
def test_the_scale_follows_volatility(factor: float) -> None:
    steps = gaussian(np.random.default_rng(7), 8_000)
    steps[6_000:] *= factor
    rows, _ = run_many(MODEL, *around(6_000, steps))
    assert 0.5 < rms(rows.zscore[6_000:6_400]) < 1.5
    assert 0.8 < rms(rows.zscore[6_400:]) < 1.2


def test_a_motionless_spread_has_no_z_score_and_a_long_halt_is_over_soon() -> None:
    steps = gaussian(np.random.default_rng(8), 12_000)
    steps[4_000:9_000] = 0.0
    rows, _ = run_many(MODEL, *around(9_000, steps))
    assert np.isnan(rows.zscore[8_000:9_000]).all()
    assert rms(rows.zscore[9_500:]) < 2.0
    assert 0.6 < rms(rows.zscore[10_000:]) < 1.4
    twice, _ = MODEL.run(np.arange(400.0) % 7.0, 3.0 + 2.0 * (np.arange(400.0) % 7.0))
    assert np.isnan(twice.zscore[100:]).all()
    assert np.isfinite(twice.hedge_ratio[100:]).all()


def test_rows_are_the_fields_that_pages_read() -> None:
    x, y = around(0, gaussian(np.random.default_rng(9), 300))
    rows, _ = MODEL.run(x[:, 0], y[:, 0])
    assert isinstance(rows, DiscountedRows)
    np.testing.assert_allclose(rows.spread, y[:, 0] - rows.intercept - rows.hedge_ratio * x[:, 0], atol=1e-9)
    expected = y[1:, 0] - rows.intercept[:-1] - rows.hedge_ratio[:-1] * x[1:, 0]
    np.testing.assert_allclose(rows.forecast_error[WINDOW:], expected[WINDOW - 1 :], atol=1e-9)
    np.testing.assert_allclose(rows.zscore, rows.forecast_error / rows.innovation_std)


def test_legs_that_stood_still_at_first_have_a_zscore_once_they_move() -> None:
    """A scale that is 0 when caps begin must not cap everything at 0."""
    rng = np.random.default_rng(5)
    steps = rng.normal(size=(4_000, 2)) * (np.arange(4_000)[:, np.newaxis] % 3 == 0)
    steps[:40] = 0.0
    rows, _ = MODEL.run(*np.cumsum(steps, axis=0).T)
    assert np.isfinite(rows.zscore[500:]).mean() > 0.9
