"""The Sharpe ratio of returns that are not independent: Lo's factor and its error."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.performance import deflated_sharpe, lo_sharpe, moments, sharpe_error, sharpe_ratio
from alphastream.performance.serial_correlation import DIRECT, _autocovariances

YEAR = 365.25 * 24 * 60  # bars of a minute


def marks(rows: int, bounce_bps: float, gain_bps: float, seed: int = 1) -> Floats:
    """Worth of a position of one in bps: steps of 3.33 a minute with a steady gain, marked at bid or ask in turn."""
    rng = np.random.default_rng(seed)
    true = np.cumsum(rng.normal(gain_bps, 3.33, rows + 1))
    return true + bounce_bps * rng.choice([-1.0, 1.0], rows + 1)


def sampled(levels: Floats, every: int) -> float:
    """Plain ratio of a year from every so many bars."""
    return sharpe_ratio(np.diff(levels[::every]), YEAR / every)


def test_a_bounce_of_5_bps_no_longer_hides_what_is_earned() -> None:
    """A ratio of 5.4 looks like 2.3 from one bar to the next, and like 5.4 from 360 to 360; now also bar by bar.

    Four years of minutes: the error is .5.
    """
    levels = marks(4 * int(YEAR), 5.0, 5.4 * 3.33 / math.sqrt(YEAR))
    found = lo_sharpe(np.diff(levels), YEAR)
    assert sampled(levels, 1) == pytest.approx(2.3, abs=0.25)
    assert sampled(levels, 360) == pytest.approx(5.4, abs=0.5)
    assert found.sharpe == pytest.approx(sampled(levels, 360), rel=0.05)
    assert found.sharpe == pytest.approx(5.4, abs=2.0 * found.error)
    assert found.error == pytest.approx(0.5, abs=0.01)
    assert found.lags == 1


def test_where_nothing_is_earned_nothing_is_shown() -> None:
    found = [lo_sharpe(np.diff(marks(20_000, 5.0, 0.0, seed)), YEAR) for seed in range(60)]
    inside = [abs(each.sharpe) < 1.96 * each.error for each in found]
    assert sum(inside) >= 53  # 57 expected
    assert np.mean([each.sharpe / each.error for each in found]) == pytest.approx(0.0, abs=0.4)


def independent(rng: np.random.Generator, rows: int) -> Floats:
    return rng.normal(0.05, 1.0, rows)


def lasting(rng: np.random.Generator, rows: int) -> Floats:
    """Autocorrelation .3; many rows together deviate by 1/.7 times √rows."""
    found = rng.normal(size=rows + 100)
    for row in range(1, found.size):
        found[row] += 0.3 * found[row - 1]
    return found[100:] + 0.05 / 0.7


def bouncing(rng: np.random.Generator, rows: int) -> Floats:
    return np.diff(np.cumsum(rng.normal(0.05, 1.0, rows + 1)) + 1.5 * rng.normal(size=rows + 1))


@pytest.mark.parametrize("returns", [independent, lasting, bouncing])
def test_the_error_is_what_the_ratio_scatters_by(returns: Callable[[np.random.Generator, int], Floats]) -> None:
    """The true ratio of a row is .05 in all three; 200 samples of 1,000 rows."""
    rng = np.random.default_rng(7)
    found = [lo_sharpe(returns(rng, 1_000)) for _ in range(200)]
    inside = np.mean([abs(each.sharpe - 0.05) < 1.96 * each.error for each in found])
    assert 0.89 <= inside <= 0.985  # 93 to 95 % with more samples
    assert np.mean([each.sharpe for each in found]) == pytest.approx(0.05, abs=0.008)


def test_positions_that_last_undo_within_their_holding_time_what_the_rows_scatter() -> None:
    """A spread that returns, traded from one side to the other: rows deviate far more than round trips do."""
    rng = np.random.default_rng(3)
    spread = np.zeros(40_000)
    for row in range(1, spread.size):
        spread[row] = 0.93 * spread[row - 1] + math.sqrt(1.0 - 0.93**2) * rng.normal()
    held, side = np.zeros(spread.size), 1.0
    for row, level in enumerate(spread):
        side = 1.0 if level <= -0.8 else -1.0 if level >= 0.8 else side
        held[row] = side
    earned = held[:-1] * np.diff(spread)
    holding = earned.size / np.count_nonzero(np.diff(held))
    by_blocks = sharpe_ratio(earned[: earned.size // 400 * 400].reshape(-1, 400).sum(axis=1), 1.0 / 400.0)
    found = lo_sharpe(earned, holding_rows=holding)
    assert sharpe_ratio(earned) < 0.8 * by_blocks
    assert found.sharpe == pytest.approx(by_blocks, rel=0.15)


def test_independent_rows_have_the_plain_ratio_and_mertens_error() -> None:
    row_returns = np.random.default_rng(11).normal(0.1, 2.0, 3_000)
    found, known = lo_sharpe(row_returns, 252.0), moments(row_returns)
    assert (found.factor, found.lags) == (1.0, 0)
    assert found.sharpe == pytest.approx(sharpe_ratio(row_returns, 252.0))
    error = sharpe_error(known.sharpe, known.rows, known.skew, known.kurtosis)
    assert found.error == pytest.approx(error * math.sqrt(252.0))


def test_lo_s_factor_of_a_first_order_autocorrelation() -> None:
    """Lo (2002): q/√(q + 2·Σ(q − k)·ρᵏ) over √q tends to √((1 − ρ)/(1 + ρ))."""
    rng = np.random.default_rng(5)
    assert 1.0 / lo_sharpe(lasting(rng, 100_000)).factor == pytest.approx(math.sqrt(0.7 / 1.3), rel=0.03)


def test_both_ways_to_autocovariances_agree() -> None:
    away = np.random.default_rng(2).normal(size=1_001)
    direct = [float(away[lag:] @ away[:-lag]) for lag in range(1, 2 * DIRECT)]
    np.testing.assert_allclose(_autocovariances(away, 2 * DIRECT - 1), direct, atol=1e-9)
    np.testing.assert_allclose(_autocovariances(away, 5), direct[:5], atol=1e-9)


def test_what_is_undefined_is_nan() -> None:
    for few in ([], [0.1], [0.1] * 9):
        found = lo_sharpe(few)
        assert math.isnan(found.sharpe)
        assert math.isnan(found.error)
    assert math.isfinite(lo_sharpe([0.1, -0.2, 0.3]).sharpe)
    zigzag = lo_sharpe(np.resize([1.0, -1.0], 200) + np.random.default_rng(1).normal(0.01, 1e-3, 200))
    assert math.isfinite(zigzag.sharpe)
    with pytest.raises(ParameterError, match="holding_rows"):
        lo_sharpe([0.1, 0.2], holding_rows=-1.0)


def test_a_deflated_ratio_takes_the_deviation_of_many_rows() -> None:
    earned = bouncing(np.random.default_rng(8), 2_000)
    known, factor = moments(earned), lo_sharpe(earned).factor
    assert factor < 0.6
    assert known.over_many_rows(factor).sharpe == pytest.approx(lo_sharpe(earned).sharpe)
    assert deflated_sharpe(known.over_many_rows(factor), trials=1).probability > (
        deflated_sharpe(known, trials=1).probability
    )
    assert known.over_many_rows(math.nan) is known
