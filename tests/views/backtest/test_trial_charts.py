"""Figures, words and tables of sweeps and walk-forwards."""

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alphastream.backtest import PairHistory, Sweep, WalkForward, pair_history, sweep, walk_forward
from alphastream.performance import DeflatedSharpe
from alphastream.strategies import ZScoreThreshold
from alphastream.trading.broker.costs import BrokerRules
from tests.views.runs import PAIR, market
from views.backtest.trial_charts import METRICS, metric_of, sweep_map, walk_forward_figure
from views.backtest.trial_tables import ended_sentence, folds_frame, luck_sentence, sweep_csv, walk_forward_csv

WINDOWS, ENTRIES = (10, 20, 40), (1.0, 1.5, 2.0, 9.0)
STRATEGY = ZScoreThreshold(PAIR)
RULES = BrokerRules()


@pytest.fixture(scope="module")
def history() -> PairHistory:
    return pair_history(market(900), PAIR, RULES)


@pytest.fixture(scope="module")
def swept(history: PairHistory) -> Sweep:
    return sweep(history, STRATEGY, WINDOWS, ENTRIES)


@pytest.fixture(scope="module")
def walked(history: PairHistory) -> WalkForward:
    return walk_forward(history, STRATEGY, WINDOWS, ENTRIES, train_rows=300, test_rows=150)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dark", [False, True])
def test_a_map_has_every_combination_and_the_best_marked(swept: Sweep, metric: str, dark: bool) -> None:
    figure = sweep_map(swept, metric, (20, 1.5), capital=100_000.0, dark=dark)
    heat, best, here = figure.data
    values, name = metric_of(swept, metric, 100_000.0)
    np.testing.assert_array_equal(heat.z, values)
    assert heat.colorbar.title.text == name
    window, threshold = swept.best()
    assert (best.y[0], best.x[0]) == (str(WINDOWS[window]), f"{ENTRIES[threshold]:g}")
    assert (here.y[0], here.x[0]) == ("20", "1.5")


def test_settings_outside_the_grid_have_no_mark(swept: Sweep) -> None:
    assert len(sweep_map(swept, "plain Sharpe", (21, 1.5), capital=100_000.0).data) == 2


def test_what_never_traded_has_no_value(swept: Sweep) -> None:
    for metric in ("plain Sharpe", "profit", "drawdown"):
        values, _ = metric_of(swept, metric, 100_000.0)
        assert np.isnan(values[:, 3]).all()
        assert np.isfinite(values[:, 0]).all()


def test_a_year_is_a_factor(swept: Sweep) -> None:
    values, name = metric_of(swept, "plain Sharpe", 100_000.0, yearly=10.0)
    np.testing.assert_allclose(values, swept.sharpe * 10.0)
    assert name == "plain Sharpe, annualised"


@pytest.mark.parametrize(
    ("probability", "sharpe", "title"),
    [
        (0.2, 0.1, "No better than luck"),
        (0.7, 0.1, "Not shown to be more than luck"),
        (0.99, 0.1, "More than luck, on these bars"),
        (0.99, -0.1, "No combination made money"),
        (float("nan"), 0.1, "Luck cannot be told from skill"),
    ],
)
def test_luck_is_said_in_words(swept: Sweep, probability: float, sharpe: float, title: str) -> None:
    luck = DeflatedSharpe(sharpe, 0.05, probability, 9.0, 899)
    said, sentence = luck_sentence(swept, luck)
    assert said == title
    window, threshold = swept.best()
    assert f"Window {WINDOWS[window]}, entry {ENTRIES[threshold]:g}" in sentence


def test_few_trades_are_called_few(swept: Sweep) -> None:
    few = replace(swept, trades=np.full_like(swept.trades, 3))
    assert "3 round trips. So few say little" in luck_sentence(few, swept.deflated())[1]
    many = replace(swept, trades=np.full_like(swept.trades, 300))
    assert "few" not in luck_sentence(many, swept.deflated())[1]


def test_the_sweep_as_a_file(swept: Sweep) -> None:
    table = pd.read_csv(io.BytesIO(sweep_csv(swept)))
    assert len(table) == 12
    one = table[(table["window"] == 40) & (table["entry"] == 1.5)].iloc[0]
    assert one["sharpe_per_bar"] == pytest.approx(swept.sharpe[2, 1])
    assert one["trades"] == swept.trades[2, 1]


def test_walk_forward_is_drawn_fold_by_fold(history: PairHistory, walked: WalkForward) -> None:
    start, stop = walked.rows
    hindsight = np.linspace(100_000.0, 100_100.0, stop - start)
    figure = walk_forward_figure(history.rows.end_ns[start:stop], walked, hindsight)
    lines = {trace.name: np.asarray(trace.y) for trace in figure.data}
    np.testing.assert_array_equal(lines["out of sample"], walked.equity)
    np.testing.assert_array_equal(lines["best in hindsight"], hindsight)
    assert len(figure.layout.shapes) == len(walked.folds)
    frame = folds_frame(history, walked, yearly=2.0)
    assert frame["test_bars"].tolist() == [150] * len(walked.folds)
    assert frame["train_sharpe"].tolist() == [fold.train_sharpe * 2.0 for fold in walked.folds]
    assert (frame["train_from"] < frame["test_from"]).all()
    table = pd.read_csv(io.BytesIO(walk_forward_csv(history, walked, hindsight)))
    assert table["fold"].tolist() == np.repeat(np.arange(1, len(walked.folds) + 1), 150).tolist()
    np.testing.assert_allclose(table["equity_out_of_sample"], walked.equity)


def test_accounts_that_came_to_their_end_are_said(swept: Sweep) -> None:
    end_row = swept.end_row.copy()
    end_row[0, 1] = 5
    ended = replace(swept, end_row=end_row)
    assert ended_sentence(swept) == ""
    assert (
        ended_sentence(ended) == " 1 account was liquidated or ruined: profit and trades until then, no Sharpe ratio."
    )
    notes = sweep_map(ended, "profit", (20, 1.5), capital=100_000.0).data[0].customdata
    assert notes[0][1] == f"{swept.trades[0, 1]:,} round trips, liquidated or ruined"
    assert notes[0][0] == f"{swept.trades[0, 0]:,} round trips"
    frame = pd.read_csv(io.BytesIO(sweep_csv(ended)))
    assert frame["ended"].sum() == 1
    refused = replace(swept, refused=np.where(swept.trades > 0, 2, 0))
    assert ended_sentence(refused).endswith("combinations were refused, beyond the leverage limit.")
