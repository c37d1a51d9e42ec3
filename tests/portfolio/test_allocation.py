"""Answers of pairs to rows of prices and signals by symbol, and what positions would have earned."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from alphastream.cointegration import Cointegration
from alphastream.errors import ParameterError
from alphastream.estimators import Floats, ZScore
from alphastream.pairs import PairAnalytics, PairSpec, Progress
from alphastream.performance import lo_sharpe
from alphastream.portfolio import PositionConfig, Positions, SlidingWindow, optimise, sharpe_ratio, spectrum
from alphastream.portfolio.allocation import (
    AllocationRows,
    allocate,
    filled,
    ic_summary,
    net_returns,
    pair_rows,
    price_pairs,
    sharpe_by_shrinkage,
    soundness,
    symbol_rows,
)

SECOND = 10**9
NAN = float("nan")
CONFIG = PositionConfig(vola=4, corr=8, clip=3.5, shrink=0.5, aum=1e6, position_scale=100.0, cost_per_unit=1e-4)


def answer(
    legs: str,
    ends: Sequence[int],
    zscore: Sequence[float],
    *,
    y: Sequence[float] | None = None,
    x: Sequence[float] | None = None,
    ratio: float = 0.5,
    stale_y: Sequence[int] = (),
    stale_x: Sequence[int] = (),
    forming: Sequence[int] = (),
    price: Any = "log",
    calibration: tuple[Progress, ...] = (),
) -> PairAnalytics:
    """An answer with closed bars that end at these seconds; stale legs traded in an earlier bar."""
    rows = len(ends)
    ages = {"y": np.full(rows, SECOND), "x": np.full(rows, SECOND // 2)}
    for leg, stale in (("y", stale_y), ("x", stale_x)):
        ages[leg][np.isin(ends, stale)] = SECOND + 1
    closed = {
        "time_ns": np.array(ends, dtype=np.int64) * SECOND,
        "y": np.full(rows, 100.0) if y is None else np.array(y, dtype=float),
        "x": np.full(rows, 50.0) if x is None else np.array(x, dtype=float),
        "y_age_ns": ages["y"],
        "x_age_ns": ages["x"],
        "hedge_ratio": np.full(rows, ratio),
        "settled_zscore": np.array(zscore, dtype=float),
    }
    y_symbol, _, x_symbol = legs.partition("/")
    return PairAnalytics(
        spec=PairSpec(y_symbol, x_symbol, SECOND, price=price),
        version=1,
        closed=closed,
        forming={"time_ns": np.array(forming, dtype=np.int64) * SECOND},
        calibration=calibration,
        cointegration=Cointegration(0),
    )


def table(rows: AllocationRows, values: Floats) -> dict[str, list[float]]:
    return {asset: values[:, column].tolist() for column, asset in enumerate(rows.assets)}


def walk(rows: int = 80, assets: int = 3, seed: int = 5) -> AllocationRows:
    rng = np.random.default_rng(seed)
    prices = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, (rows, assets)), axis=0))
    ends = (np.arange(rows, dtype=np.int64) + 1) * SECOND
    return AllocationRows(tuple("ABC"[:assets]), ends, prices, rng.normal(size=(rows, assets)))


def test_signals_are_z_times_the_share_of_each_leg_summed_over_pairs() -> None:
    rows = pair_rows([answer("A/B", [1, 2], [2.0, -1.0]), answer("C/B", [1, 2], [0.4, NAN], ratio=2.0)])
    assert rows.assets == ("A", "B", "C")
    signals = table(rows, rows.signals)
    assert signals["A"] == [-2.0, 1.0]
    assert signals["B"] == pytest.approx([2.0 * 0.5 + 0.4 * 2.0, -0.5])
    np.testing.assert_array_equal(signals["C"], [-0.4, NAN])
    np.testing.assert_array_equal(rows.prices, [[100.0, 50.0, 100.0]] * 2)


def test_momentum_is_reversal_with_the_other_sign() -> None:
    answers = [answer("A/B", [1, 2], [2.0, -1.0])]
    np.testing.assert_array_equal(pair_rows(answers, "momentum").signals, -pair_rows(answers).signals)


def test_a_ratio_of_units_becomes_one_of_notionals() -> None:
    rows = pair_rows([answer("A/B", [1], [1.0], y=[200.0], x=[50.0], ratio=3.0, price="price")])
    assert rows.signals.tolist() == [[-1.0, 3.0 * 50.0 / 200.0]]


def test_a_symbol_without_a_trade_in_the_bar_is_missing_and_its_pair_does_not_count() -> None:
    pairs = [answer("A/B", [1, 2, 3], [1.0, 1.0, 1.0], stale_x=[2]), answer("A/C", [1, 3], [1.0, 1.0])]
    rows = pair_rows(pairs)
    np.testing.assert_array_equal(rows.prices[1], [100.0, NAN, NAN])
    np.testing.assert_array_equal(rows.signals[1], [NAN, NAN, NAN])
    np.testing.assert_array_equal(rows.signals[[0, 2]], [[-2.0, 0.5, 0.5]] * 2)


def test_rows_end_where_some_pair_still_has_an_open_bar() -> None:
    pairs = [answer("A/B", [1, 2, 3], [1.0] * 3, forming=[4]), answer("C/B", [1, 2], [1.0] * 2, forming=[3, 4])]
    assert (pair_rows(pairs).time_ns // SECOND).tolist() == [1, 2]
    assert (pair_rows(pairs[:1]).time_ns // SECOND).tolist() == [1, 2, 3]
    assert len(pair_rows([answer("A/B", [], [], forming=[1])])) == 0


def test_what_calibrates_is_named() -> None:
    steps = (Progress("hedge ratio", 20, 20), Progress("z-score", 3, 20))
    rows = pair_rows([answer("A/B", [1], [NAN], calibration=steps), answer("C/B", [1], [1.0])])
    assert rows.calibrating == (("A/B", steps[1]),)


def test_symbols_alone_have_the_z_score_of_their_own_log_price() -> None:
    rng = np.random.default_rng(2)
    y, x = 100.0 + rng.normal(size=(2, 30))
    ends = list(range(1, 31))
    pair = answer("A/B", ends, [NAN] * 30, y=y.tolist(), x=x.tolist(), stale_x=[7])
    rows = symbol_rows([pair], ["B", "A"], 10)
    expected = ZScore(10).run(np.log(np.where(np.array(ends) == 7, NAN, x)))[0].zscore
    assert rows.assets == ("B", "A")
    np.testing.assert_array_equal(rows.signals[:, 0], -expected)
    np.testing.assert_array_equal(symbol_rows([pair], ["B", "A"], 10, "momentum").signals, -rows.signals)
    assert rows.calibrating == ()
    assert symbol_rows([pair], ["B"], 40).calibrating == (("B", Progress("z-score", 29, 40)),)
    assert len(symbol_rows([pair], ["B"], 10)) == 29  # the bar in which only the other leg traded is left out


def test_every_symbol_is_a_leg_of_some_pair() -> None:
    def legs(*symbols: str, others: Sequence[str] = ()) -> list[tuple[str, str]]:
        return [(spec.y, spec.x) for spec in price_pairs(symbols, others, SECOND)]

    assert legs("A", "B", "C", "D") == [("A", "B"), ("C", "D")]
    assert legs("A", "B", "C") == [("A", "B"), ("C", "A")]
    assert legs("A", "A", others=["A", "Z"]) == [("A", "Z")]
    with pytest.raises(ParameterError, match="A is the only symbol"):
        legs("A")


def test_an_allocation_is_the_optimiser_over_all_rows() -> None:
    rows = walk()
    found = allocate(rows, CONFIG)
    expected = optimise(rows.prices, rows.signals, CONFIG)
    for name in ("cash_position", "risk_position", "volatility", "held", "status"):
        np.testing.assert_array_equal(getattr(found.positions, name), getattr(expected, name))
    assert found.last.status == "valid"
    assert found.last.cash_position == dict(zip(rows.assets, expected.cash_position[-1].tolist(), strict=True))
    assert found.matrix.shape == (3, 3)
    with pytest.raises(ParameterError, match="no closed bar"):
        allocate(AllocationRows(("A",), np.empty(0, np.int64), np.empty((0, 1)), np.empty((0, 1))), CONFIG)


def held(values: Sequence[Sequence[float]]) -> Positions:
    table = np.array(values)
    return Positions(("A",), table, table, table, table, np.full(len(table), "valid"))


def test_a_decision_is_filled_a_bar_later_and_earns_from_there() -> None:
    prices = np.array([[100.0], [110.0], [121.0], [121.0], [242.0]])
    positions = held([[1.0], [0.0], [0.0], [2.0], [0.0]])
    assert filled(positions, prices).held[:, 0].tolist() == [0.0, 1.0, 0.0, 0.0, 2.0]
    free = CONFIG.replace(cost_per_unit=0.0)
    unit = CONFIG.position_scale / CONFIG.aum
    # the rise from 100 to 110 is over when the decision made at 100 can be filled; nor is 121 to 242 to be had
    np.testing.assert_allclose(net_returns(positions, prices, free), np.array([0.0, 0.0, 0.1, 0.0, 0.0]) * unit)
    paid = net_returns(positions, prices, free) - net_returns(positions, prices, CONFIG)
    np.testing.assert_allclose(paid, np.array([0.0, 1.0, 1.0, 0.0, 2.0]) * 1e-4 * unit)


def test_a_symbol_that_does_not_trade_is_held_on_and_earns_when_it_trades_again() -> None:
    prices = np.array([[100.0], [100.0], [NAN], [120.0], [120.0]])
    positions = held([[1.0], [1.0], [0.0], [0.0], [0.0]])  # the optimiser has no target on the row without a price
    assert filled(positions, prices).held[:, 0].tolist() == [0.0, 1.0, 1.0, 1.0, 0.0]
    gained = net_returns(positions, prices, CONFIG.replace(cost_per_unit=0.0)) * CONFIG.aum / CONFIG.position_scale
    np.testing.assert_allclose(gained, [0.0, 0.0, 0.0, 0.2, 0.0])


def test_a_symbol_has_a_position_again_on_the_bar_after_a_gap() -> None:
    rows = walk()
    rows.prices[40, 0] = NAN
    positions = allocate(rows, CONFIG).positions
    assert np.isnan(positions.cash_position[40, 0])
    assert np.isfinite(positions.cash_position[41]).all()
    before = positions.held[39, 0]
    now = filled(positions, rows.prices).held
    assert now[40:43, 0].tolist() == [positions.held[38, 0], before, positions.held[41, 0]]


def test_a_symbol_passed_over_is_held_on() -> None:
    cash = np.array([[1.0, 1.0], [NAN, 2.0], [3.0, 3.0], [3.0, 3.0]])
    positions = Positions(("A", "B"), cash, cash, cash, np.nan_to_num(cash), np.full(4, "valid"))
    assert filled(positions, np.full((4, 2), 100.0)).held[:, 0].tolist() == [0.0, 1.0, 1.0, 3.0]


@pytest.mark.parametrize("covariance", [None, SlidingWindow(window=20, n_factors=1)])
def test_nothing_looks_ahead(covariance: SlidingWindow | None) -> None:
    config = CONFIG.replace(covariance=covariance)
    rows = walk()
    rows.prices[[20, 41], [0, 2]] = NAN
    before = net_returns(allocate(rows, config).positions, rows.prices, config)
    cut = AllocationRows(rows.assets, rows.time_ns[:50], rows.prices[:50], rows.signals[:50])
    found = allocate(cut, config)
    np.testing.assert_array_equal(net_returns(found.positions, cut.prices, config), before[:50])
    np.testing.assert_array_equal(found.positions.held, allocate(rows, config).positions.held[:50])
    # signals of the newest row cannot have earned anything yet, nor cost
    rows.signals[49] *= -1.0
    changed = allocate(rows, config).positions
    np.testing.assert_array_equal(net_returns(changed, rows.prices, config)[:50], before[:50])


def test_the_sharpe_in_use_is_that_of_what_was_earned() -> None:
    rows = walk()
    trials = sharpe_by_shrinkage(rows, CONFIG)
    assert [trial.shrink for trial in trials] == [step / 10 for step in range(11)]
    positions = allocate(rows, CONFIG).positions
    first = int(np.flatnonzero(positions.status == "valid")[0])
    gained = net_returns(positions, rows.prices, CONFIG)[first + 1 :]
    found = lo_sharpe(gained)
    assert trials[5].sharpe == found.sharpe == pytest.approx(sharpe_ratio(gained) / found.factor)
    assert trials[5].rows == len(gained)
    assert trials[5].error == found.error
    short = sharpe_by_shrinkage(walk(rows=5), CONFIG)
    assert all(trial.rows == 0 and np.isnan(trial.sharpe) for trial in short)


def test_skill_is_measured_on_the_returns_that_can_be_had() -> None:
    rows = walk()
    coming = np.zeros_like(rows.prices)
    coming[:-2] = rows.prices[2:] / rows.prices[1:-1] - 1.0
    seer = AllocationRows(rows.assets, rows.time_ns, rows.prices, coming)
    for ranked in (False, True):
        found = ic_summary(seer, ranked=ranked)
        assert found.mean == pytest.approx(1.0)
        assert found.rows == 78
        assert found.error == pytest.approx(0.0, abs=1e-9)
    luck = ic_summary(rows)
    assert abs(luck.mean) < 4 * luck.error
    assert ic_summary(walk(rows=2)).rows == 0


def test_soundness_is_the_spectrum_without_rows_of_one_symbol() -> None:
    rows = walk()
    rows.prices[:, 2] = NAN  # never traded
    rows.prices[40, 1] = NAN
    found = soundness(rows, CONFIG)
    expected = spectrum(rows.prices[:, :2], rows.signals[:, :2], CONFIG)
    assert np.isnan(found.condition_number[40])
    assert expected.condition_number[40] == 1.0
    np.testing.assert_array_equal(found.effective_rank[41:], expected.effective_rank[41:])
