"""What becomes of signals and positions, against plain formulas and, written down, basanos 0.7.2."""

import numpy as np
import pytest

from alphastream.errors import ParameterError
from alphastream.portfolio import (
    PositionConfig,
    SlidingWindow,
    ic_statistics,
    information_coefficient,
    optimise,
    returns,
    returns_over_costs,
    returns_over_lags,
    returns_over_smoothing,
    solve_diagnostics,
    spectrum,
    tilt_and_timing,
)
from tests.portfolio.histories import history

CONFIG = PositionConfig(vola=6, corr=12, clip=3.0, shrink=0.6, aum=1e8, cost_per_unit=1e-4)


@pytest.mark.parametrize("window", [None, SlidingWindow(window=20, n_factors=2)])
def test_the_solve_of_each_row(window: SlidingWindow | None) -> None:
    prices, signals = history("nulls", 4)
    config = CONFIG.replace(covariance=window)
    found, sound = solve_diagnostics(prices, signals, config), spectrum(prices, signals, config)
    np.testing.assert_array_equal(found.condition_number, sound.condition_number)
    np.testing.assert_array_equal(found.effective_rank, sound.effective_rank)
    positions = optimise(prices, signals, config)
    known = np.flatnonzero(positions.status == "valid")
    assert (found.residual[known] < 1e-10).all()
    # The risk position is the solution up to a factor of the row: utilisation gives it back.
    for t in known[-20:]:
        x = found.utilisation[t] * signals[t]
        both = np.isfinite(x) & np.isfinite(positions.risk_position[t])
        ratio = positions.risk_position[t][both] / x[both]
        np.testing.assert_allclose(ratio, ratio[0], rtol=1e-6)


def test_two_assets_by_hand() -> None:
    prices, signals = history("clean", 2)
    found = solve_diagnostics(prices, signals, CONFIG)
    rho = np.sqrt(1.0 - 4.0 * found.condition_number[-1] / (1.0 + found.condition_number[-1]) ** 2)
    a, b = signals[-1]
    one = [(1.0 - sign * rho * b / a) / (1.0 - rho**2) for sign in (1.0, -1.0)]
    assert min(abs(found.utilisation[-1, 0] - value) for value in one) < 1e-9


def test_without_correlation_all_of_a_signal_is_used() -> None:
    prices, signals = history("zero signals", 3)
    found = solve_diagnostics(prices, signals, CONFIG.replace(shrink=0.0))
    np.testing.assert_allclose(found.utilisation[-10:], 1.0)
    assert (found.utilisation[55:59] == 0.0).all()
    assert (found.residual[55:59] == 0.0).all()
    assert np.isnan(found.utilisation[:11]).all()


def test_ic_statistics() -> None:
    prices, signals = history("clean", 8)
    ic = information_coefficient(prices, signals)
    found, known = ic_statistics(ic), ic[np.isfinite(ic)]
    assert (found.mean, found.rows) == (known.mean(), len(known))
    assert found.icir == known.mean() / known.std(ddof=1)
    assert np.isnan(ic_statistics(np.full(3, np.nan)).mean)
    assert np.isnan(ic_statistics(np.full(3, 0.1)[:1]).icir)
    same = ic_statistics(np.full(7, 0.1))  # whose deviation in floating point is not 0
    assert (same.std, np.isnan(same.icir)) == (0.0, True)


def test_tilt_and_timing_add_up() -> None:
    prices, signals = history("clean", 4)
    positions = optimise(prices, signals, CONFIG)
    found = tilt_and_timing(positions, prices, CONFIG)
    np.testing.assert_allclose(found.tilt + found.timing, found.total, atol=1e-18)
    np.testing.assert_array_equal(found.total, returns(positions, prices, CONFIG.replace(cost_per_unit=0.0)))
    first = int(np.flatnonzero(positions.status == "valid")[0])
    mean = positions.held[first:].mean(axis=0)
    growth = prices[-1] / prices[-2] - 1.0
    assert found.tilt[-1] == pytest.approx(float(mean @ growth) * 1e6 / CONFIG.aum)


def test_costs_take_their_rate_of_what_is_traded() -> None:
    prices, signals = history("clean", 4)
    positions = optimise(prices, signals, CONFIG)
    found = returns_over_costs(positions, prices, CONFIG, (0.0, 1.0, 10.0))
    first = int(np.flatnonzero(positions.status == "valid")[0])
    np.testing.assert_array_equal(found[1.0], returns(positions, prices, CONFIG)[first + 1 :])
    traded = np.abs(np.diff(positions.held, axis=0)).sum(axis=1)[first:] * 1e6 / CONFIG.aum
    np.testing.assert_allclose(found[0.0] - found[10.0], traded * 1e-3, atol=1e-15)
    with pytest.raises(ParameterError):
        returns_over_costs(positions, prices, CONFIG, (-1.0,))


def test_lags_hold_later_and_leads_earlier() -> None:
    prices, signals = history("clean", 4)
    config = CONFIG.replace(cost_per_unit=0.0)
    positions = optimise(prices, signals, config)
    found = returns_over_lags(positions, prices, config, (-1, 0, 2))
    first = int(np.flatnonzero(positions.status == "valid")[0])
    growth = prices[1:] / prices[:-1] - 1.0
    held = positions.held
    for lag, values in found.items():
        for place, row in ((0, first + 3), (len(values) - 1, len(held) - 2)):
            expected = float(held[row - 1 - lag] @ growth[row - 1]) * 1e6 / config.aum
            assert values[place] == pytest.approx(expected)
    assert len({len(values) for values in found.values()}) == 1
    with pytest.raises(ParameterError, match="whole numbers"):
        returns_over_lags(positions, prices, config, (0.5,))  # type: ignore[arg-type]


def test_smoothing_is_a_moving_mean() -> None:
    prices, signals = history("clean", 4)
    positions = optimise(prices, signals, CONFIG)
    found = returns_over_smoothing(positions, prices, CONFIG, (1, 5))
    first = int(np.flatnonzero(positions.status == "valid")[0])
    np.testing.assert_array_equal(found[1], returns(positions, prices, CONFIG)[first + 1 :])
    smooth = np.array([positions.held[max(0, t - 4) : t + 1].mean(axis=0) for t in range(len(prices))])
    growth, traded = prices[-1] / prices[-2] - 1.0, np.abs(smooth[-1] - smooth[-2]).sum()
    assert found[5][-1] == pytest.approx((float(smooth[-2] @ growth) - 1e-4 * traded) * 1e6 / CONFIG.aum)


def test_without_positions_there_is_nothing() -> None:
    prices, signals = history("clean", 2)
    positions = optimise(prices[:8], signals[:8], CONFIG)
    assert all(values.size == 0 for values in returns_over_costs(positions, prices[:8], CONFIG).values())
    assert all(values.size == 0 for values in returns_over_lags(positions, prices[:8], CONFIG).values())
    assert (tilt_and_timing(positions, prices[:8], CONFIG).total == 0.0).all()


def test_utilisation_and_ratios_are_those_of_basanos() -> None:
    """What its ``signal_utilisation``, ``icir`` and ``rank_ic_mean`` said to this history, nine digits of it."""
    prices, signals = history("clean", 5, 120, 3)
    config = PositionConfig(vola=16, corr=32, clip=3.5, shrink=0.5, aum=1e6)
    said = {
        40: [-0.162440527, 0.90897092, 0.981613973, 0.288745575, 1.539830306],
        80: [3.722783267, 0.916132061, -0.498046982, 0.897882514, 1.743263301],
        119: [0.721202226, 0.275172238, -0.039881857, 0.831874432, 0.560399065],
    }
    found = solve_diagnostics(prices, signals, config)
    for row, values in said.items():
        np.testing.assert_allclose(found.utilisation[row], values, rtol=1e-7)
    assert ic_statistics(information_coefficient(prices, signals)).icir == pytest.approx(0.054205060889494235)
    ranked = ic_statistics(information_coefficient(prices, signals, ranked=True))
    assert ranked.mean == pytest.approx(0.03277310924369748)
