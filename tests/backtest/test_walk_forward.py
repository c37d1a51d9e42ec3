from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from alphastream.backtest.pair_history import PairHistory
from alphastream.backtest.pair_series import pair_series
from alphastream.backtest.sweep import sweep
from alphastream.backtest.vectorised import keep_books
from alphastream.backtest.walk_forward import Training, WalkForward, best_in_hindsight, ranges, walk_forward
from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.performance import returns, sharpe_ratio
from alphastream.strategies import FixedNotional, VolatilityTarget, ZScoreThreshold
from alphastream.trading.broker.costs import BrokerRules
from alphastream.trading.broker.margin import Margin
from tests.backtest.histories import bands, history, prices

WINDOWS, ENTRIES = (10, 20), (1.0, 1.5, 2.0)
RULES = BrokerRules(fill="next_open", half_spread_bps=0.5)
TRAINING: tuple[Training, ...] = ("rolling", "anchored")


def walked(
    found: PairHistory,
    training: Training = "rolling",
    strategy: ZScoreThreshold | None = None,
    *,
    stay_out: bool = False,
) -> WalkForward:
    return walk_forward(
        found,
        strategy or bands(),
        WINDOWS,
        ENTRIES,
        train_rows=200,
        test_rows=100,
        training=training,
        stay_out=stay_out,
        workers=1,
    )


@pytest.mark.parametrize("training", TRAINING)
@pytest.mark.parametrize("purge", [0, 7])
def test_ranges_neither_overlap_nor_leave_a_row_between_tests(training: Training, purge: int) -> None:
    pieces = ranges(1_003, 200, 100, purge, training)
    for train, test in pieces:
        assert test[0] - train[1] == purge
        assert test[1] - test[0] == 100
        assert train[0] == 0 if training == "anchored" else train[1] - train[0] == 200
    for (_, before), (_, after) in pairwise(pieces):
        assert after[0] == before[1]
    assert pieces[0][0] == (0, 200)
    assert 1_003 - 100 < pieces[-1][1][1] <= 1_003


def test_too_few_rows_are_said_in_words() -> None:
    with pytest.raises(NotEnoughObservations, match="200 rows to train, 20 between and 100 to test needs 320 obs"):
        walked(history(*prices(319), RULES))
    assert len(walked(history(*prices(320), RULES)).folds) == 1
    for wrong in ({"train_rows": 1}, {"test_rows": 0}, {"purge_rows": -1}):
        with pytest.raises(ParameterError, match=next(iter(wrong))):
            ranges(**{"rows": 500, "train_rows": 10, "test_rows": 10, "purge_rows": 0, **wrong})  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="it is 'rolling' or 'anchored'"):
        ranges(500, 10, 10, 0, "expanding")  # type: ignore[arg-type]


@pytest.mark.parametrize("training", TRAINING)
@pytest.mark.parametrize("sizer", [FixedNotional(500.0), VolatilityTarget(0.01)])
def test_a_walk_in_processes_has_the_same_bits(training: Training, sizer: FixedNotional | VolatilityTarget) -> None:
    found, strategy = history(*prices(600), RULES), replace(bands(), sizer=sizer)
    here = walked(found, training, strategy)
    there = walk_forward(
        found,
        strategy,
        WINDOWS,
        ENTRIES,
        train_rows=200,
        test_rows=100,
        training=training,
        backend="processes",
        workers=2,
    )
    assert here.folds == there.folds
    np.testing.assert_array_equal(here.equity, there.equity)


@pytest.mark.parametrize("training", TRAINING)
def test_a_fold_trains_and_trades_on_its_rows(training: Training) -> None:
    found = history(*prices(1_000), RULES)
    walk = walked(found, training)
    assert walk.rows == (220, 920)
    assert len(walk.equity) == len(walk.run.history) == 700
    assert sum(fold.trades for fold in walk.folds) == walk.run.trades > 20
    for at, fold in enumerate(walk.folds):
        swept = walk.trainings[at]
        place = swept.best()
        assert (fold.window, fold.entry) == (WINDOWS[place[0]], ENTRIES[place[1]])
        assert swept.sharpe[place] == np.nanmax(swept.sharpe)
        learnt = pair_series(found.rows, walk.grid.strategies[place[0]]).cut(*fold.train)
        trained = keep_books(found.cut(*fold.train), walk.grid.strategy(place), learnt, walk.run.capital)
        assert fold.train_sharpe == trained.sharpe.sharpe
        assert sharpe_ratio(returns(trained.equity)) == pytest.approx(float(swept.sharpe[place]))
        assert fold.profitable == (fold.train_sharpe > 0.0)
        assert swept.rows == fold.train[1] - fold.train[0] - 1
        here = slice(fold.test[0] - 220, fold.test[1] - 220)
        series = pair_series(found.rows, walk.grid.strategies[place[0]]).cut(*fold.test)
        np.testing.assert_array_equal(walk.run.observed["zscore"][here], series.zscore)
        expected = walk.grid.signals[place[1]].run(series.zscore)[0].position
        np.testing.assert_array_equal(walk.run.observed["direction"][here], expected)
    assert len({(fold.window, fold.entry) for fold in walk.folds}) > 1


def test_the_first_training_is_a_sweep_of_its_rows() -> None:
    """Nothing was there before the first training, so that it warms up as a sweep of these rows alone does."""
    found = history(*prices(600), RULES)
    alone = sweep(found.cut(0, 200), bands(), WINDOWS, ENTRIES)
    np.testing.assert_array_equal(walked(found).trainings[0].sharpe, alone.sharpe)
    np.testing.assert_array_equal(walked(found).trainings[0].final_equity, alone.final_equity)


@pytest.mark.parametrize("strategy", [bands(), replace(bands(), sizer=VolatilityTarget(0.01), rebalance=True)])
@pytest.mark.parametrize("at", [1, 3])
def test_later_rows_change_nothing_before_them(strategy: ZScoreThreshold, at: int) -> None:
    """Rows after a fold's test become noise: its choice, its decisions and its equity stay."""
    y, x = prices(1_000)
    before = walked(history(y, x, RULES), strategy=strategy)
    stop = before.folds[at].test[1]
    rng = np.random.default_rng(1)
    y, x = y.copy(), x.copy()
    y[stop:], x[stop:] = rng.uniform(20.0, 200.0, (2, 1_000 - stop))
    after = walked(history(y, x, RULES), strategy=strategy)
    assert after.folds[: at + 1] == before.folds[: at + 1]
    rows = stop - before.rows[0] - 1  # orders of the last row itself meet the next open, which is one of later
    for name in ("direction", "zscore", "hedge_ratio"):
        np.testing.assert_array_equal(after.run.observed[name][: rows + 1], before.run.observed[name][: rows + 1])
    np.testing.assert_array_equal(after.equity[:rows], before.equity[:rows])
    assert not np.array_equal(after.equity[rows + 1 :], before.equity[rows + 1 :])


def test_purged_rows_are_used_by_neither() -> None:
    """Decisions of the training end where the purge begins, and those of the test begin where it ends."""
    y, x = prices(320)
    walk = walked(history(y, x, RULES))
    (fold,) = walk.folds
    assert (fold.train, fold.test) == ((0, 200), (220, 320))
    y, x = y.copy(), x.copy()
    y[200:220] += np.linspace(0.0, 5.0, 20)
    other = walked(history(y, x, RULES))
    np.testing.assert_array_equal(other.trainings[0].mean, walk.trainings[0].mean)
    assert (walk.run.fills.time_ns >= walk.run.history.rows.end_ns[0]).all()


def test_where_nothing_gained_the_best_trades_all_the_same() -> None:
    dear = BrokerRules(fill="next_open", half_spread_bps=500.0)
    walk = walked(history(*prices(500), dear))
    for fold, swept in zip(walk.folds, walk.trainings, strict=True):
        assert fold.profitable is False
        assert np.nanmax(swept.sharpe) < 0.0
        assert fold.train_sharpe < 0.0
    assert walk.run.trades > 0


def test_where_nothing_gained_one_may_stay_out() -> None:
    dear = BrokerRules(fill="next_open", half_spread_bps=500.0)
    out = walked(history(*prices(500), dear), stay_out=True)
    assert out.run.trades == 0
    assert (out.equity == 100_000.0).all()
    assert [fold.trades for fold in out.folds] == [0] * len(out.folds)
    found = history(*prices(1_000), RULES)
    free, careful = walked(found), walked(found, stay_out=True)
    gained = [fold.profitable for fold in free.folds]
    assert [fold.trades > 0 for fold in careful.folds] == [
        fold.trades > 0 and gains for fold, gains in zip(free.folds, gained, strict=True)
    ]


def test_where_nothing_traded_there_is_no_sharpe_ratio() -> None:
    found = history(*prices(500), RULES)
    walk = walk_forward(found, bands(), (10,), (50.0,), train_rows=200, test_rows=100, purge_rows=0)
    for fold in walk.folds:
        assert np.isnan(fold.train_sharpe)
        assert np.isnan(fold.test_sharpe)
        assert (fold.trades, fold.profitable) == (0, False)
    assert (walk.equity == 100_000.0).all()


def test_no_combination_does_better_on_the_tests_than_the_best_in_hindsight() -> None:
    found = history(*prices(1_000), RULES)
    walk = walked(found)
    best = best_in_hindsight(found, walk)
    start, stop = walk.rows
    sharpes = {}
    for window, strategy in enumerate(walk.grid.strategies):
        series = pair_series(found.rows, strategy).cut(start, stop)
        for threshold in range(len(ENTRIES)):
            each = walk.grid.strategy((window, threshold))
            run = keep_books(found.cut(start, stop), each, series, walk.run.capital)
            sharpes[each.pair.window, each.pair.entry] = sharpe_ratio(returns(run.equity))
    place = max(sharpes, key=lambda combination: sharpes[combination])
    assert (best.strategy.pair.window, best.strategy.pair.entry) == place
    assert sharpe_ratio(returns(best.equity)) == sharpes[place]
    assert len(best.equity) == stop - start


def test_an_account_that_came_to_its_end_trades_no_further_test() -> None:
    """The relation breaks in the second test: what is held then is liquidated, the folds after it have no trades."""
    y, x = prices(1_000)
    y = y + np.where(np.arange(1_000) >= 420, np.linspace(-126.0, 174.0, 1_000), 0.0)
    rules = BrokerRules(fill="next_open", margin=Margin(20.0, 0.045))
    strategy = replace(bands(), sizer=FixedNotional(900.0))
    walk = walk_forward(
        history(y, x, rules), strategy, WINDOWS, ENTRIES, train_rows=200, test_rows=100, purge_rows=20, capital=100.0
    )
    ended = walk.run.ended
    assert ended is not None
    assert walk.equity.min() >= 0.0
    over = [fold.ended for fold in walk.folds]
    assert over == sorted(over)
    assert over[-1]
    first = over.index(True)
    assert walk.run.history.rows.end_ns[100 * first] <= ended.time_ns <= walk.run.history.rows.end_ns[100 * first + 99]
    for fold in walk.folds[first:]:
        assert np.isnan(fold.test_sharpe)
    assert all(fold.trades == 0 for fold in walk.folds[first + 1 :])
