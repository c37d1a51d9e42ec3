"""One test for each choice of docs/decisions/0014-positions-row-by-row.md."""

import numpy as np
import pytest

from alphastream.portfolio import PositionConfig, PositionStream, SlidingWindow, optimise
from tests.portfolio.histories import history

CONFIG = PositionConfig(vola=6, corr=12, clip=3.0, shrink=0.6, aum=1e6)


def test_a_missing_asset_removes_only_itself() -> None:
    prices, signals = history("clean", 4)
    prices[60, 2] = np.nan
    stream = PositionStream.from_warmup(prices[:60], signals[:60], CONFIG)
    gap = stream.step(prices[60], signals[60])
    back = gap.next_stream.step(prices[61], signals[61])  # no return, but a price, a volatility and correlations
    for result, missing in ((gap, ["2"]), (back, [])):
        assert result.status == "valid"
        assert result.cash_position is not None
        assert [asset for asset, cash in result.cash_position.items() if cash is None] == missing
    assert gap.reason == "positions, but not for 2"
    assert back.reason == "positions for every asset"
    kept = PositionStream.from_warmup(prices[:60], signals[:60], CONFIG).matrix()[2]
    np.testing.assert_allclose(back.next_stream.matrix()[2], kept, rtol=1e-13)


def test_an_asset_flat_at_the_start_recovers() -> None:
    prices, signals = history("flat start", 3)
    found = optimise(prices, signals, CONFIG)
    assert np.isnan(found.cash_position[30, 0])
    assert np.isfinite(found.cash_position[30, 1:]).all()
    assert np.isfinite(found.cash_position[-40:]).all()


def test_infinite_cash_is_degenerate() -> None:
    doubling = 2.0 ** np.arange(30)[:, np.newaxis]  # returns of 1 and nothing else have no deviation
    config = CONFIG.replace(covariance=SlidingWindow(window=20, n_factors=1))
    result = PositionStream.from_warmup(doubling[:-1], np.ones((29, 1)), config).step(doubling[-1], [1.0])
    assert result.status == "degenerate"
    assert "infinite" in result.reason


def test_one_row_of_memory_has_no_deviation() -> None:
    prices, signals = history("clean", 3)
    found = optimise(prices, signals, CONFIG.replace(vola=1))
    assert np.isnan(found.volatility).all()
    assert set(found.status) == {"warmup", "degenerate"}


@pytest.mark.parametrize("late", [0, 40])
def test_the_first_return_of_an_asset_counts_in_no_correlation(late: int) -> None:
    prices, signals = history("clean", 2)
    prices[:late, 0] = np.nan
    found = optimise(prices, signals, CONFIG)
    first = late + 1 + CONFIG.corr  # a price, a return without deviation, then returns adjusted by one
    assert np.isnan(found.cash_position[:first, 0]).all()
    assert np.isfinite(found.cash_position[first:]).all()
    stream = PositionStream.from_warmup(prices[: first + 1], signals[: first + 1], CONFIG)
    assert stream.rows - late == CONFIG.rows_needed


def test_a_floored_residual_is_solved_densely() -> None:
    rng = np.random.default_rng(5)
    common = rng.normal(0.0, 0.02, (150, 1))
    prices = 100.0 * np.exp(np.cumsum(common + rng.normal(0.0, 0.002, (150, 2)), axis=0))
    signals = rng.normal(size=(150, 2))
    config = CONFIG.replace(covariance=SlidingWindow(window=20, n_factors=1))
    stream = PositionStream.from_warmup(prices[:40], signals[:40], config)
    floored = 0
    for price_row, signal_row in zip(prices[40:], signals[40:], strict=True):
        result = stream.step(price_row, signal_row)
        stream = result.next_stream
        matrix = stream.matrix()
        over = (np.diag(matrix) > 1.0 + 1e-9).sum()  # a diagonal above 1 is one whose residual is at its floor
        if over == 1 and np.linalg.cond(matrix) < 1e6:
            floored += 1
            assert result.risk_position is not None
            x = np.linalg.solve(matrix, signal_row)
            risk = np.array(list(result.risk_position.values()), dtype=float)
            np.testing.assert_allclose(risk, x / np.sqrt(signal_row @ x), rtol=1e-9)
    assert floored > 5


def test_statuses_come_in_order() -> None:
    prices, signals = history("clean", 3)
    nothing, silence = np.full(3, np.nan), np.zeros(3)
    early = PositionStream.begin("abc", CONFIG).step(nothing, silence)
    assert (early.status, early.reason) == ("warmup", "calibrating: 1 of 14 rows")
    stream = PositionStream.from_warmup(prices, signals, CONFIG)
    assert stream.step(nothing, silence).status == "degenerate"
    assert "price" in stream.step(nothing, silence).reason
    quiet = stream.step(prices[-1], silence + 1e-8)
    assert (quiet.status, quiet.cash_position, quiet.risk_position) == ("zero_signal", None, None)
    assert stream.step(prices[-1] * 1.01, signals[-1] * np.nan).status == "zero_signal"
    assert stream.step(prices[-1] * 1.01, signals[-1]).status == "valid"


def test_a_window_is_full_on_its_last_row() -> None:
    prices, signals = history("clean", 12)
    config = CONFIG.replace(covariance=SlidingWindow(window=20, n_factors=2))
    assert set(optimise(prices, signals, config).status[:19]) == {"warmup"}
    assert optimise(prices, signals, config).status[19] != "warmup"


def test_collinear_assets_without_shrinkage_are_degenerate() -> None:
    prices, signals = history("collinear", 3)
    result = PositionStream.from_warmup(prices, signals, CONFIG.replace(shrink=1.0)).step(prices[0], signals[0])
    assert result.status == "degenerate"
    assert "singular" in result.reason


def test_pairs_that_never_met_are_degenerate() -> None:
    prices, signals = history("clean", 2)
    prices[:50, 0] = prices[50:, 1] = np.nan
    stream = PositionStream.from_warmup(prices, signals, CONFIG)
    for _ in range(3):
        result = stream.step(prices[60] + np.array([0.0, 100.0]), signals[60])
        stream = PositionStream.from_warmup(prices, signals, CONFIG)
    assert result.status == "valid"  # the other one has no return yet
    back = history("clean", 2)[0]
    for row in back[:5]:
        result = stream.step(row, signals[60])
        stream = result.next_stream
    assert result.status == "degenerate"
    assert "too few rows together" in result.reason


def test_rows_without_any_return_use_the_last_matrix() -> None:
    prices, signals = history("all missing", 3)
    found = optimise(prices, signals, CONFIG)
    assert found.status[54:59].tolist() == ["valid", "degenerate", "degenerate", "valid", "valid"]


def test_matrix_of_pairs_that_is_indefinite_is_still_solved() -> None:
    rng = np.random.default_rng(11)
    indefinite = 0
    for seed in range(12):
        prices, signals = history("nulls", 9, seed=seed)
        prices[rng.random(prices.shape) < 0.1] = np.nan
        config = CONFIG.replace(shrink=1.0)
        stream = PositionStream.from_warmup(prices[:40], signals[:40], config)
        for price_row, signal_row in zip(prices[40:], signals[40:], strict=True):
            result = stream.step(price_row, signal_row)
            stream = result.next_stream
            matrix = stream.matrix()
            used = np.flatnonzero(np.isfinite(np.diag(matrix)))
            square = matrix[np.ix_(used, used)]
            if np.isfinite(square).all() and used.size and np.linalg.eigvalsh(square)[0] < -1e-3:
                indefinite += 1
                x = np.linalg.solve(square, signal_row[used])
                assert result.status == ("valid" if x @ signal_row[used] > 0.0 else "degenerate")
    assert indefinite > 0


def test_cap_lets_go_step_by_step_on_rows_without_positions() -> None:
    prices, signals = history("clean", 3)
    signals[60:64] = 0.0
    config = CONFIG.replace(max_turnover=20.0)
    found = optimise(prices, signals, config)
    moved = np.abs(np.diff(found.held, axis=0)).sum(axis=1)
    assert moved.max() <= 20.0 + 1e-9
    assert np.isnan(found.cash_position[60:64]).all()
    assert np.abs(found.held[59]).sum() > 0.0


@pytest.mark.parametrize("cap", [None, 30.0])
def test_risk_is_cash_times_volatility(cap: float | None) -> None:
    prices, signals = history("clean", 3)
    found = optimise(prices, signals, CONFIG.replace(max_turnover=cap))
    np.testing.assert_allclose(found.risk_position, found.cash_position * found.volatility, rtol=1e-15)
