"""Ratios against closed forms and tables made by hand."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from alphastream import portfolio
from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.performance import (
    Drawdown,
    Ruin,
    annual_growth,
    calmar_ratio,
    drawdown,
    exposure,
    moments,
    returns,
    rows_per_year,
    sharpe_error,
    sharpe_ratio,
    sortino_ratio,
    volatility,
    worst_drawdown,
)

DAY_NS = 86_400 * 10**9
EARNED = st.lists(st.floats(-0.2, 0.2).map(lambda r: round(r, 5)), min_size=3, max_size=40)
CURVES = st.lists(st.floats(1.0, 1e6), min_size=1, max_size=60)


def days(*numbers: int) -> list[int]:
    return [number * DAY_NS for number in numbers]


def test_returns_of_a_table() -> None:
    np.testing.assert_allclose(returns([100.0, 110.0, 99.0, 99.0]), [0.1, -0.1, 0.0], atol=1e-15)
    assert returns([100.0]).size == 0


def test_ruin_has_no_returns() -> None:
    with pytest.raises(Ruin, match="equity is -5 at row 2") as caught:
        returns([100.0, 50.0, -5.0, 20.0])
    assert caught.value.row == 2
    with pytest.raises(Ruin):
        annual_growth(days(0, 300), [100.0, 0.0])


@pytest.mark.parametrize("bad", [[[1.0]], [1.0, math.nan]])
def test_no_equity(bad: Any) -> None:
    with pytest.raises(ParameterError, match="equity"):
        returns(bad)
    with pytest.raises(NotEnoughObservations):
        returns([])


def test_pace_of_the_rows() -> None:
    assert rows_per_year(days(0, 1, 2, 3)) == pytest.approx(365.25)
    assert rows_per_year(days(0, 1, 5)) == pytest.approx(365.25 * 2 / 5)  # gaps are time as well
    assert math.isnan(rows_per_year(days(7)))
    with pytest.raises(ParameterError, match="does not rise at row 2"):
        rows_per_year(days(0, 3, 3))
    with pytest.raises(ParameterError, match="integer nanoseconds"):
        rows_per_year([0.0, 1.0])


def test_ratios_of_a_table() -> None:
    earned = [0.02, -0.01, 0.03, -0.02]
    assert volatility(earned) == pytest.approx(math.sqrt(17.0 / 3.0) / 100.0)
    assert sharpe_ratio(earned, 4.0) == pytest.approx(0.5 / math.sqrt(17.0 / 3.0) * 2.0)
    assert sortino_ratio(earned, 4.0) == pytest.approx(0.5 / math.sqrt(5.0 / 4.0) * 2.0)
    found = moments(earned)
    assert found.rows == 4
    assert found.mean == pytest.approx(0.005)
    assert found.sharpe == pytest.approx(sharpe_ratio(earned))


@given(EARNED)
def test_moments_equal_scipy(earned: list[float]) -> None:
    found = moments(earned)
    if np.ptp(earned) > 0.0:
        assert found.skew == pytest.approx(stats.skew(earned), abs=1e-9)
        assert found.kurtosis == pytest.approx(stats.kurtosis(earned, fisher=False), rel=1e-9)
    else:
        assert math.isnan(found.skew)
        assert math.isnan(found.kurtosis)


def test_undefined_ratios_are_nan() -> None:
    for few in ([], [0.1]):
        assert math.isnan(sharpe_ratio(few))
        assert math.isnan(volatility(few))
        assert math.isnan(sortino_ratio(few))
        assert math.isnan(moments(few).sharpe)
    assert math.isnan(sharpe_ratio([0.1] * 7))  # their computed deviation is 1e-17
    assert math.isnan(moments([0.1] * 7).sharpe)
    assert math.isnan(sortino_ratio([0.1, 0.2]))
    assert math.isnan(sharpe_ratio([0.1, math.nan, 0.2]))
    with pytest.raises(ParameterError, match="rows_per_year"):
        sharpe_ratio([0.1, 0.2], 0.0)


@given(EARNED, st.floats(1e-3, 1e3))
def test_ratios_do_not_depend_on_scale(earned: list[float], scale: float) -> None:
    scaled = np.array(earned) * scale
    for ratio in (sharpe_ratio, sortino_ratio):
        assert ratio(scaled, 252.0) == pytest.approx(ratio(earned, 252.0), rel=1e-9, abs=1e-9, nan_ok=True)


def test_portfolio_offers_the_same_sharpe_ratio() -> None:
    assert portfolio.sharpe_ratio is sharpe_ratio


def test_errors_of_the_sharpe_ratio() -> None:
    assert sharpe_error(0.5, 60) == pytest.approx(math.sqrt((1.0 + 0.5 * 0.5**2) / 60))  # Lo, equation 9
    assert sharpe_error(0.5, 60, -1.0, 6.0) == pytest.approx(math.sqrt((1.0 + 0.5 + 1.25 * 0.25) / 60))
    assert math.isnan(sharpe_error(math.nan, 60))
    assert math.isnan(sharpe_error(0.5, 0))
    with pytest.raises(ParameterError, match="plain kurtosis"):
        sharpe_error(0.5, 60, 0.0, 0.0)


@pytest.mark.parametrize("tails", ["normal", "exponential losses"])
def test_errors_are_those_of_many_samples(tails: str) -> None:
    rng = np.random.default_rng(11)
    draws = rng.normal(0.3, 1.0, (4_000, 200)) if tails == "normal" else 1.3 - rng.exponential(1.0, (4_000, 200))
    skew, kurtosis = (0.0, 3.0) if tails == "normal" else (-2.0, 9.0)
    scatter = float(np.std([sharpe_ratio(row) for row in draws]))
    assert scatter == pytest.approx(sharpe_error(0.3, 200, skew, kurtosis), rel=0.05)
    if tails != "normal":
        assert scatter > 1.2 * sharpe_error(0.3, 200)


def test_growth_and_calmar() -> None:
    when = [0, int(365.25 * DAY_NS), int(730.5 * DAY_NS)]
    assert annual_growth(when, [100.0, 80.0, 121.0]) == pytest.approx(0.1)
    assert calmar_ratio(when, [100.0, 80.0, 121.0]) == pytest.approx(0.1 / 0.2)
    assert math.isnan(calmar_ratio(when, [100.0, 110.0, 121.0]))
    assert math.isnan(annual_growth(days(0, 6), [100.0, 101.0]))
    assert annual_growth(days(0, 7), [100.0, 101.0]) == pytest.approx(1.01 ** (365.25 / 7) - 1.0)
    assert annual_growth(days(0, 7), [1.0, 1e9]) == math.inf


def test_drawdowns_of_a_table() -> None:
    equity = [100.0, 100.0, 90.0, 100.0, 120.0, 60.0, 90.0, 100.0, 130.0, 129.0, 128.0, 127.0]
    assert drawdown(equity)[[0, 2, 5, 8]].tolist() == pytest.approx([0.0, -0.1, -0.5, 0.0])
    assert worst_drawdown(days(*range(12)), equity) == Drawdown(-0.5, 4 * DAY_NS, 5 * DAY_NS, 8 * DAY_NS, 4 * DAY_NS)
    unrecovered = worst_drawdown(days(*range(8)), equity[:8])
    assert unrecovered == Drawdown(-0.5, 4 * DAY_NS, 5 * DAY_NS, None, 3 * DAY_NS)
    late = worst_drawdown(days(*range(11), 90), equity)
    assert late.under_water_ns == 82 * DAY_NS
    assert worst_drawdown([5], [100.0]) == Drawdown(0.0, None, None, None, 0)


def test_debt_is_a_drawdown_of_more_than_all() -> None:
    assert drawdown([100.0, -50.0]).tolist() == [0.0, -1.5]
    with pytest.raises(ParameterError, match="first row"):
        drawdown([0.0, 1.0])


@given(CURVES)
def test_equity_that_only_rises_has_no_drawdown(curve: list[float]) -> None:
    rising = np.sort(curve)
    assert not drawdown(rising).any()
    assert worst_drawdown(np.arange(len(curve)), rising) == Drawdown(0.0, None, None, None, 0)


@given(CURVES)
def test_drawdowns_agree_with_their_definition(curve: list[float]) -> None:
    found = worst_drawdown(np.arange(len(curve)), curve)
    pairs = [(late / early - 1.0, i, j) for i, early in enumerate(curve) for j, late in enumerate(curve) if i < j]
    assert found.depth == pytest.approx(min([0.0, *(depth for depth, _, _ in pairs)]))
    if found.trough_ns is not None and found.peak_ns is not None:
        end = len(curve) if found.recovered_ns is None else found.recovered_ns
        assert curve[found.trough_ns] / curve[found.peak_ns] - 1.0 == found.depth
        assert all(value < curve[found.peak_ns] for value in curve[found.peak_ns + 1 : end])
        assert found.recovered_ns is None or curve[found.recovered_ns] >= curve[found.peak_ns]
        assert found.under_water_ns >= min(end, len(curve) - 1) - found.peak_ns


def test_exposure_of_a_table() -> None:
    found = exposure(
        [[0.0, 0.0], [2.0, -1.0], [2.0, 0.0], [1.0, 0.0]],
        [[10.0, np.nan], [10.0, 5.0], [11.0, np.nan], [12.0, 6.0]],
        [100.0, 100.0, 50.0, -1.0],
    )
    assert found.gross.tolist() == [0.0, 25.0, 22.0, 12.0]
    assert found.net.tolist() == [0.0, 15.0, 22.0, 12.0]
    np.testing.assert_allclose(found.leverage, [0.0, 0.25, 0.44, np.nan])
    assert found.in_market == 0.75
    with pytest.raises(ParameterError, match="do not fit"):
        exposure([[1.0]], [[1.0, 2.0]], [1.0])
