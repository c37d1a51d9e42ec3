"""Settings of a trial that are taken over: what the map, the tables and the sentence give."""

import numpy as np
import pytest

from alphastream.backtest import Sweep, WalkForward, pair_history, sweep, walk_forward
from alphastream.strategies import ZScoreThreshold
from alphastream.trading.broker.costs import BrokerRules
from tests.views.running import app, words
from tests.views.runs import PAIR, market
from views.backtest.take_over_controls import TAKEN, Taken
from views.backtest.trial_charts import sweep_map, with_cells
from views.backtest.trial_tables import sweep_frame, trained_on

WINDOWS, ENTRIES = (10, 20, 40), (1.0, 1.5, 2.0, 9.0)
HISTORY = pair_history(market(900), PAIR, BrokerRules())
BACKTEST = "views/backtest/page.py"


@pytest.fixture(scope="module")
def swept() -> Sweep:
    return sweep(HISTORY, ZScoreThreshold(PAIR), WINDOWS, ENTRIES)


def test_a_point_lies_over_each_cell_and_says_what_the_cell_says(swept: Sweep) -> None:
    figure = sweep_map(swept, "plain Sharpe", (20, 1.5), capital=100_000.0)
    heat = figure.data[0]
    with_cells(figure, swept)
    cells = figure.data[-1]
    assert cells.marker.opacity == cells.selected.marker.opacity == cells.unselected.marker.opacity == 0.0
    for at, (window, entry) in enumerate(zip(cells.y, cells.x, strict=True)):
        place = np.unravel_index(at, swept.grid.shape)
        pair = swept.grid.strategy((int(place[0]), int(place[1]))).pair
        assert (window, entry) == (str(pair.window), f"{pair.entry:g}")
        assert cells.customdata[at].startswith(f"window {window}, entry {entry}<br>{heat.colorbar.title.text}")
        assert cells.customdata[at].endswith(heat.customdata[place])
    assert "none" in cells.customdata[3]  # never traded


def test_rows_are_the_combinations_with_the_best_first(swept: Sweep) -> None:
    frame = sweep_frame(swept, 100_000.0, 2.0)
    window, entry = swept.best()
    assert (frame.loc[0, "window_at"], frame.loc[0, "entry_at"]) == (window, entry)
    assert frame.loc[0, "sharpe"] == pytest.approx(2.0 * swept.sharpe[window, entry])
    assert len(frame) == 12
    for bars, level, trades, *at in frame[["window", "entry", "trades", "window_at", "entry_at"]].to_numpy():
        place = int(at[0]), int(at[1])
        assert (bars, level) == (WINDOWS[place[0]], ENTRIES[place[1]])
        assert trades == swept.trades[place]
    assert frame.loc[frame["trades"] == 0, ["profit", "drawdown"]].isna().all(axis=None)


def test_a_fold_says_on_which_rows_its_settings_were_chosen() -> None:
    walk: WalkForward = walk_forward(HISTORY, ZScoreThreshold(PAIR), WINDOWS, ENTRIES, train_rows=300, test_rows=150)
    fold, ends = walk.folds[0], HISTORY.rows.end_ns
    assert trained_on(HISTORY, fold).startswith("300 bars from ")
    stamp = np.datetime64(int(ends[fold.train[1] - 1]), "ns").astype("datetime64[s]")
    assert f"to {str(stamp).replace('T', ' ')} UTC and tested on the 150 from" in trained_on(HISTORY, fold)


@pytest.mark.usefixtures("replaying")
def test_what_was_taken_over_is_said_while_the_controls_stand_there() -> None:
    query = {
        "data": "Files",
        "source": "Bundled recording",
        "window": "40",
        "backtest_tab": "Sweep",
        "window_high": "40",
    }
    test = app(BACKTEST, **query, entry="1.5")
    assert not test.exception
    test.session_state[TAKEN] = Taken(40, 1.5, "the sweep, with 3 round trips")
    assert "Window 40, entry 1.5, of the sweep, with 3 round trips" in words(test.run())
    test.number_input(key="entry").set_value(2.0).run()
    assert "of the sweep" not in words(test)
    test.session_state[TAKEN] = Taken(
        10, 1.5, "", "The window of 10 is not offered above, where it goes from 20 to 500."
    )
    assert "is not offered above" in words(test.run())


@pytest.mark.usefixtures("replaying")
def test_a_sweep_is_not_made_again_for_a_window_and_an_entry_of_its_grid() -> None:
    query = {
        "data": "Files",
        "source": "Bundled recording",
        "window": "40",
        "backtest_tab": "Sweep",
        "window_high": "40",
    }
    test = app(BACKTEST, **query)
    first = test.session_state["backtest_sweep"][1]
    test.slider(key="window").set_value(25).run()
    assert test.session_state["backtest_sweep"][1] is first
    test.number_input(key="taker").set_value(9.0).run()
    assert test.session_state["backtest_sweep"][1] is not first
    assert not test.exception
