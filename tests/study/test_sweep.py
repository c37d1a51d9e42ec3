"""Sweeps and walks forward: each number is that of a run, and the best of many shows its luck."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from alphastream.errors import LookAheadError, NotEnoughObservations, ParameterError
from alphastream.indicators import RSI, SMA
from alphastream.strategies import EquityShare, PulseStrategy
from alphastream.study import Indicator, Study
from alphastream.trading import BrokerRules, Fees
from tests.study import functions
from tests.study.frames import walk
from tests.study.functions import half_of_equity, low_is_long

FREE = BrokerRules(fill="next_open", fees=Fees(0.0, 0.0))


def pulses(
    frame: pd.DataFrame, window: int = 14, width: float = 20.0, allocation: Any = half_of_equity
) -> tuple[Study, Indicator, Indicator, PulseStrategy]:
    study = Study(FREE)
    data = study.add_data(frame, symbol="BTCUSDT")
    rsi = study.add_indicator(RSI(window), data["close"])
    pulse = study.add_indicator(low_is_long, rsi, look_back=1, width=width)
    return study, rsi, pulse, study.add_strat(pulse, allocation)


def test_a_row_is_what_run_gives_with_its_values() -> None:
    frame = walk(1, rows=300)
    study, rsi, pulse, _ = pulses(frame)
    grid = study.sweep({rsi: {"window": [7, 14]}, pulse: {"width": [10.0, 20.0]}})
    assert list(grid.columns[:2]) == ["RSI.window", "low_is_long.width"]
    assert grid[["RSI.window", "low_is_long.width"]].values.tolist() == [[7, 10.0], [7, 20.0], [14, 10.0], [14, 20.0]]
    for _, row in grid.iterrows():
        alone = pulses(frame, int(row["RSI.window"]), row["low_is_long.width"])[0].run().summary()
        for name in alone.index:
            np.testing.assert_equal(row[name], alone[name])
    assert grid.attrs["best"] == grid["plain_sharpe"].idxmax()


@pytest.mark.parametrize("backend", ["sequential", "processes"])
def test_every_backend_gives_the_same(backend: str) -> None:
    frame = walk(2, rows=200)
    study, rsi, _, strat = pulses(frame, allocation=EquityShare(0.5))
    parameters: dict[Any, Any] = {rsi: {"window": [5, 9]}, strat: {"share": [0.5, 1.0], "rebalance": [True, False]}}
    expected = study.sweep(parameters)
    pd.testing.assert_frame_equal(study.sweep(parameters, backend=backend, workers=2), expected)
    assert expected["total_return"].nunique() == len(expected)


def test_functions_that_nobody_can_find_stay_in_this_process() -> None:
    study, rsi, _, _ = pulses(walk(3, rows=60), allocation=lambda s, p: s)
    with pytest.raises(ParameterError, match="cannot be written down"):
        study.sweep({rsi: {"window": [5, 9]}}, backend="processes", workers=2)


def test_what_does_not_change_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    run = SMA.run

    def counted(self: SMA, *inputs: Any, **state: Any) -> Any:
        calls.append(self.window)
        return run(self, *inputs, **state)

    monkeypatch.setattr(SMA, "run", counted)
    study = Study(FREE)
    data = study.add_data(walk(4, rows=200), symbol="A")
    slow = study.add_indicator(SMA(50), data["close"])
    fast = study.add_indicator(SMA(5), data["close"])

    def above(fast: Any, slow: Any) -> Any:
        return np.sign(fast - slow)

    study.add_strat(study.add_indicator(above, fast, slow, look_back=1), half_of_equity)
    study.run()  # tests the function for looking ahead
    calls.clear()
    study.sweep({fast: {"window": [3, 4, 5]}})
    tried = [window for window in calls if window != 5]
    assert tried.count(50) == 2  # once for the sweep, once for tests of functions that are new
    assert sorted(set(calls)) == [3, 4, 5, 50]


def test_the_best_of_many_on_walks_is_luck() -> None:
    """Of forty combinations without skill the best looks good, and is told to be no better than the luckiest."""
    told, plain = [], []
    for seed in range(8):
        study, rsi, pulse, _ = pulses(walk(100 + seed, rows=500))
        grid = study.sweep(
            {rsi: {"window": [2, 3, 5, 8, 13, 21, 34, 55]}, pulse: {"width": [2.0, 5.0, 10.0, 30.0, 60.0]}}
        )
        best = grid.loc[grid.attrs["best"]]
        assert best["trials"] == 40
        assert best["luck_sharpe"] > 0.0
        told.append(best["deflated_sharpe"])
        plain.append(best["plain_sharpe"])
    assert np.median(plain) > 0.5  # a year: what one would be tempted by
    assert sum(probability > 0.95 for probability in told) == 0


def test_walking_forward_is_runs_of_what_was_chosen() -> None:
    frame = walk(5, rows=600)
    study, rsi, _, _ = pulses(frame)
    windows = [5, 9, 21]
    walk_ = study.walk_forward({rsi: {"window": windows}}, train_rows=150, test_rows=100, embargo_rows=3)
    folds = walk_.folds
    assert len(folds) == 4  # 150 + 22 + 3 rows before the first test, 100 each
    times = frame["time"] + pd.Timedelta(hours=1)
    assert folds["test_start"].tolist() == [times[175 + 100 * fold] for fold in range(4)]
    assert folds["train_end"].tolist() == [times[149 + 100 * fold] for fold in range(4)]
    assert len(walk_.equity) == 400
    assert walk_.equity[-1] - 100_000.0 == pytest.approx(folds["test_profit"].sum())
    best: list[Any] = []
    for fold in range(4):
        sharpes, profits = [], []
        for window in windows:
            alone = pulses(frame.iloc[: 150 + 100 * fold], window)[0]
            begin = None if fold == 0 else int(times[100 * fold - 1].value)
            summary = alone.run(begin_ns=begin).summary()
            sharpes.append(summary.plain_sharpe)
            profits.append(summary.profit)
        chosen = int(np.argmax(sharpes))
        best.append(windows[chosen] if profits[chosen] > 0.0 else np.nan)
    np.testing.assert_array_equal(folds["RSI.window"].astype(float), best)
    np.testing.assert_array_equal(folds["stayed_out"], np.isnan(best))
    assert folds["stayed_out"].any()
    for fold in np.flatnonzero(folds["stayed_out"]).tolist():
        assert not walk_.result.positions[100 * fold + 1 : 100 * (fold + 1), 0].any()
    always = study.walk_forward({rsi: {"window": windows}}, train_rows=150, test_rows=100, stay_out=False)
    assert not always.folds["stayed_out"].any()
    anchored = study.walk_forward({rsi: {"window": windows}}, train_rows=150, test_rows=100, training="anchored")
    assert anchored.folds["train_start"].nunique() == 1


def test_no_row_of_a_training_is_in_what_a_test_reads() -> None:
    """An average of an average of bars four times as long: a change of the last training row reaches no test."""
    frame = walk(9, rows=400)

    def above(close: Any, mean: Any) -> Any:
        return np.tanh(close - mean)

    def first_test(frame: pd.DataFrame) -> tuple[int, Any]:
        study = Study(FREE)
        data = study.add_data(frame, symbol="A")
        mean = study.add_indicator(SMA(6), study.add_indicator(SMA(5), data.every("4h")["close"]))
        slow = study.add_indicator(SMA(7), mean)
        study.add_strat(study.add_indicator(above, data["close"], slow, look_back=1), half_of_equity)
        found = study.walk_forward({mean: {"window": [6]}}, train_rows=100, test_rows=50, stay_out=False)
        begin = int(np.searchsorted(frame["time"] + pd.Timedelta(hours=1), found.folds["test_start"][0]))
        return begin, found.result.observed["pulse"]

    begin, pulse = first_test(frame)
    changed = frame.copy()
    changed.loc[99, ["open", "high", "low", "close"]] *= 1.5
    assert begin == 100 + 4 * (5 + 6 + 7 - 2) + 3  # a longer bar is up to three rows old
    np.testing.assert_array_equal(first_test(changed)[1], pulse)


def test_walking_forward_over_whether_a_value_is_held_as_prices_move() -> None:
    frame = walk(11, rows=700)
    study, rsi, _, strat = pulses(frame)
    both: dict[Any, Any] = {strat: {"rebalance": [False, True]}, rsi: {"window": [5, 9]}}
    found = study.walk_forward(both, train_rows=150, test_rows=100, stay_out=False)
    chosen = found.folds["strategy.rebalance"].tolist()
    assert {True, False} == set(chosen)
    orders = [order.decided_ns for order in found.result.orders]
    ends = found.time_ns.reshape(-1, 100)
    for rebalance, (first, last) in zip(chosen, ends[:, [0, -1]], strict=True):
        decided = sum(first <= when <= last for when in orders)
        assert decided == 100 if rebalance else 0 < decided <= 100


def test_what_cannot_be_swept_is_said() -> None:
    study, rsi, _, strat = pulses(walk(6, rows=100))
    other = Study().add_indicator(RSI(3), Study().add_data(walk(6), symbol="B")["close"])
    with pytest.raises(ParameterError, match="did you mean 'window'"):
        study.sweep({rsi: {"windw": [3]}})
    with pytest.raises(ParameterError, match="read by nothing"):
        study.sweep({other: {"window": [3]}})
    with pytest.raises(ParameterError, match="nothing to sweep"):
        study.sweep({})
    with pytest.raises(ParameterError, match="list of values"):
        study.sweep({rsi: {"window": []}})
    for wrong in (14, (window for window in (7, 9))):
        with pytest.raises(ParameterError, match="list of values"):
            study.sweep({rsi: {"window": wrong}})  # type: ignore[dict-item]
    with pytest.raises(ParameterError, match="parameter"):
        study.sweep({rsi: [7, 9]})  # type: ignore[dict-item]
    with pytest.raises(ParameterError, match="'rebalance'"):
        study.sweep({strat: {"rebalanc": [True]}})
    with pytest.raises(ParameterError, match="cannot be chosen by their result"):
        study.walk_forward({"rules": {"half_spread_bps": [0.0, 1.0]}}, train_rows=20, test_rows=20)
    with pytest.raises(NotEnoughObservations):
        study.walk_forward({rsi: {"window": [3]}}, train_rows=90, test_rows=20)


def test_costs_are_swept_as_rules() -> None:
    study, *_ = pulses(walk(7, rows=200))
    grid = study.sweep({"rules": {"half_spread_bps": [0.0, 5.0], "fees": [Fees(0.0, 0.0), Fees(5.0, 5.0)]}})
    free, fees, spread, both = grid["profit"]
    assert free > fees > both
    assert free > spread > both
    assert grid["rules.fees"].tolist() == [Fees(0.0, 0.0), Fees(5.0, 5.0)] * 2


def test_a_sweep_over_a_function_that_peeks_is_refused() -> None:
    study = Study(FREE)
    data = study.add_data(walk(8, rows=100), symbol="A")
    ahead = study.add_indicator(functions.peek, data["close"], window=2)
    study.add_strat(study.add_indicator(np.tanh, ahead, look_back=1), half_of_equity)
    with pytest.raises(LookAheadError):
        study.sweep({ahead: {"window": [2, 3]}})
