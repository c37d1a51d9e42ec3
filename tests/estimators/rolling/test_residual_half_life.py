"""The rolling half-life of a fixed-ratio residual: each window is the single estimate on statsmodels' residual."""

import numpy as np
import pytest

from alphastream.core.types import Floats
from alphastream.estimators import ResidualHalfLife, half_life

WINDOW = 60


def legs(seed: int, size: int = 240, persistence: float = 0.8) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    x = 100.0 + np.cumsum(rng.normal(size=size))
    spread = np.zeros(size)
    for row in range(1, size):
        spread[row] = persistence * spread[row - 1] + rng.normal()
    return x, 5.0 + 0.7 * x + spread


def oracle(x: Floats, y: Floats) -> float:
    """Least squares by numpy, then ``half_life``, which has its own oracle."""
    ratio, intercept = np.polynomial.polynomial.polyfit(x, y, 1)[::-1]
    return half_life(y - intercept - ratio * x).half_life


@pytest.mark.parametrize(("scale", "level"), [(1.0, 0.0), (1e-8, 0.0), (1e6, 0.0), (0.01, 1e5)])
def test_each_window_is_the_single_estimate(scale: float, level: float) -> None:
    x, y = legs(1)
    x, y = level + scale * x, level + scale * y
    rows, _ = ResidualHalfLife(WINDOW).run(x, y)
    assert np.isnan(rows.half_life[: WINDOW - 1]).all()
    for end in range(WINDOW, 241):
        window = slice(end - WINDOW, end)
        expected = oracle(x[window] - level, y[window] - level)
        np.testing.assert_allclose(rows.half_life[end - 1], expected, rtol=1e-6)


def test_the_longer_the_window_the_less_it_is_too_short() -> None:
    shown = {
        window: np.mean(
            [
                np.nanmedian(ResidualHalfLife(window).run(*legs(seed, 2_000, persistence=0.95))[0].half_life)
                for seed in range(12)
            ]
        )
        for window in (60, 500)
    }
    assert shown[60] < 0.5 * shown[500] < 0.5 * 13.5


def test_gaps_are_passed_over() -> None:
    x, y = legs(2)
    clean, _ = ResidualHalfLife(WINDOW).run(x, y)
    holes = np.array([0, 70, 71, 200])
    gappy, _ = ResidualHalfLife(WINDOW).run(np.insert(x, holes, np.nan), np.insert(y, holes, 1.0))
    kept = np.ones(244, dtype=bool)
    kept[holes + np.arange(4)] = False
    np.testing.assert_array_equal(gappy.half_life[kept], clean.half_life)
    assert np.isnan(gappy.half_life[~kept]).all()


def test_nothing_to_measure_is_nan_and_a_runaway_spread_never_halves() -> None:
    index = np.arange(80.0)
    flat, line = np.full(80, 3.0), 2.0 * index + 1.0
    assert np.isnan(ResidualHalfLife(WINDOW).run(flat, index)[0].half_life).all()
    assert np.isnan(ResidualHalfLife(WINDOW).run(index, line)[0].half_life).all()
    assert ResidualHalfLife(20).run(np.cos(np.pi * index), 2.0**index)[0].half_life[-1] == np.inf
