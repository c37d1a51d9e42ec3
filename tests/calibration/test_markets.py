"""Simulated markets are what they say: their correlation, volatility, half-life, noise and trades."""

import math

import numpy as np
import pytest

from alphastream.bars import PairRows
from calibration.markets import BAD_TICK, CONDITIONS, LEVEL, Market


def drawn(market: Market, bars: int = 20_000, half_life: float = math.inf, seed: int = 1) -> PairRows:
    return market.rows(np.random.default_rng(seed), bars, half_life)


@pytest.mark.parametrize("name", CONDITIONS)
def test_every_condition_has_rows_of_the_share_it_says(name: str) -> None:
    rows = drawn(CONDITIONS[name], 4_000)
    assert rows.both_traded.mean() == pytest.approx(CONDITIONS[name].share_of_both, abs=0.03)
    assert np.all((rows.y > LEVEL / 2) & (rows.x > LEVEL / 2))
    assert np.all(np.diff(rows.end_ns) > 0)
    assert np.array_equal(rows.y_age_ns < 10**9, rows.y_trades > 0)
    again = drawn(CONDITIONS[name], 4_000)
    np.testing.assert_array_equal(again.y, rows.y)
    np.testing.assert_array_equal(again.x, rows.x)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.97])
def test_steps_of_walks_correlate_and_have_deviation_one(correlation: float) -> None:
    rows = drawn(Market(correlation=correlation))
    y, x = np.diff(rows.y), np.diff(rows.x)
    assert np.corrcoef(y, x)[0, 1] == pytest.approx(correlation, abs=0.03)
    assert (y.std(), x.std()) == pytest.approx((1.0, 1.0), abs=0.02)


@pytest.mark.parametrize(("correlation", "moments"), [(0.0, 1), (0.9, 1), (0.0, 20)])
@pytest.mark.parametrize("half_life", [5.0, 50.0])
def test_a_pair_returns_with_its_half_life(half_life: float, correlation: float, moments: int) -> None:
    market = Market(correlation=correlation, y_trades=moments, x_trades=moments, moments=moments)
    rows = drawn(market, half_life=half_life)
    ratio = correlation if correlation > 0.0 else 1.0
    spread = rows.y - ratio * rows.x
    assert np.corrcoef(spread[1:], spread[:-1])[0, 1] == pytest.approx(0.5 ** (1.0 / half_life), abs=0.01)
    deviation = math.sqrt((1.0 - correlation**2) / (1.0 - 0.25 ** (1.0 / half_life)))
    assert spread.std() == pytest.approx(deviation, rel=0.15)


def test_volatility_changes_half_way() -> None:
    for market, ratio in ((Market(volatility="rises"), 4.0), (Market(volatility="falls"), 0.25)):
        steps = np.diff(drawn(market).y)
        assert steps[10_000:].std() / steps[:10_000].std() == pytest.approx(ratio, rel=0.05)


def test_garch_comes_in_clusters_with_fat_tails() -> None:
    steps = np.diff(drawn(Market(volatility="garch")).x)
    assert np.mean((steps / steps.std()) ** 4) > 6.0
    squares = np.minimum(steps**2, 10.0)
    assert np.corrcoef(squares[1:], squares[:-1])[0, 1] > 0.1


def test_bounce_ticks_drift_and_a_bad_tick() -> None:
    quiet = drawn(Market(), 1_000)
    bounced = drawn(Market(bounce=2.0), 1_000)
    np.testing.assert_allclose(np.abs(bounced.y - quiet.y), 2.0)
    assert abs(np.mean(bounced.x - quiet.x)) < 0.3
    rounded = drawn(Market(tick=3.0), 1_000)
    assert np.abs(rounded.y - quiet.y).max() <= 1.5 + 1e-9
    assert np.all(np.abs((rounded.y - LEVEL) / 3.0 % 1.0 - 0.5) > 0.49)
    assert np.mean(np.diff(rounded.y) == 0.0) > 0.5
    np.testing.assert_allclose((drawn(Market(drift=0.1), 1_000).x - quiet.x)[-1], 100.0)
    off = drawn(Market(bad_tick=True), 1_000)
    assert np.flatnonzero(off.y != quiet.y).size == 1
    assert (off.y - quiet.y).max() == pytest.approx(BAD_TICK)


def test_trades_come_at_their_rate_and_carry_the_last_price() -> None:
    rows = drawn(Market(y_trades=0.5, x_trades=5.0, moments=20))
    assert (rows.y_trades.mean(), rows.x_trades.mean()) == pytest.approx((0.5, 5.0), rel=0.05)
    stale = rows.y_trades == 0
    assert np.all((np.diff(rows.y) == 0.0)[stale[1:]])
    assert np.median(rows.x_age_ns) < 0.2e9 < np.median(rows.y_age_ns)
