"""The scan against the estimators it is made of, pair by pair, and against chance."""

import itertools
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from statsmodels.tsa.stattools import coint

from alphastream.core.types import Floats
from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.estimators.tests.engle_granger import engle_granger
from alphastream.estimators.tests.mackinnon import Trend
from alphastream.estimators.tests.observations import AutoLag
from alphastream.estimators.tests.rescaled import engle_granger_wild
from alphastream.estimators.tests.residual_half_life import residual_half_life
from alphastream.scan import COLUMNS, Direction, ScanCancelled, correlation_matrix, scan_pairs, summarise
from tests.scan.panels import frame, mixed, walks

Row = dict[str, Any]


def records(table: pd.DataFrame) -> list[Row]:
    """The rows of a table."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def legs(prices: pd.DataFrame, row: Row, log: bool = True) -> tuple[Floats, Floats]:
    """The rows that both legs of a table's row have, y and x."""
    common = prices[[row["y"], row["x"]]].dropna().to_numpy(dtype=np.float64)
    y, x = (np.log(common) if log else common).T.copy()
    return y, x


def assert_equals_estimators(
    prices: pd.DataFrame,
    table: pd.DataFrame,
    trend: Trend,
    max_lags: int | None,
    autolag: AutoLag,
    log: bool = True,
) -> None:
    for row in records(table):
        y, x = legs(prices, row, log)
        test, reverse = (engle_granger(*pair, trend, max_lags, autolag) for pair in ((y, x), (x, y)))
        assert (row["lags"], row["n_obs"], row["rows"]) == (test.lags, test.n_obs, y.size)
        np.testing.assert_allclose(
            [row[name] for name in ("statistic_yx", "pvalue_yx", "statistic_xy", "pvalue_xy")],
            [test.statistic, test.pvalue, reverse.statistic, reverse.pvalue],
            rtol=0.0,
            atol=1e-10,
        )
        assert row["statistic"] == row["statistic_yx"]
        assert row["hedge_ratio"] == pytest.approx(test.hedge_ratio, rel=1e-10)


@pytest.mark.parametrize("trend", ["n", "c", "ct"])
@pytest.mark.parametrize(
    ("max_lags", "autolag"), [(None, "aic"), (None, "bic"), (0, None), (1, None), (2, "aic"), (7, None)]
)
def test_every_pair_equals_engle_granger(trend: Trend, max_lags: int | None, autolag: AutoLag) -> None:
    prices = mixed()
    table = scan_pairs(prices, trend=trend, max_lags=max_lags, autolag=autolag)
    assert list(table.columns) == list(COLUMNS)
    assert len(table) == 45
    assert table["note"].eq("").all()
    assert table["pvalue"].is_monotonic_increasing
    assert_equals_estimators(prices, table, trend, max_lags, autolag)


def test_equals_statsmodels_at_a_thousand_rows() -> None:
    prices = mixed(seed=5, rows=1_000)
    table = scan_pairs(prices)
    for row in records(table.iloc[::4]):
        theirs = coint(*legs(prices, row))
        assert row["statistic"] == pytest.approx(theirs.coint_t, abs=1e-10)
        assert row["pvalue"] == pytest.approx(theirs.pvalue, abs=1e-10)


def test_finds_the_groups_and_nothing_else() -> None:
    table = scan_pairs(mixed(seed=3, rows=800))
    found = table[table["qvalue_by"] < 0.05]
    assert len(found) == 6
    assert all(y[:6] == x[:6] and y.startswith("GROUP") for y, x in zip(found["y"], found["x"], strict=True))
    assert found["persists"].all()
    assert (found["hedge_ratio_stability"] > 0.9).all()


@pytest.mark.parametrize("factor", [1e-8, 1.0, 1e8])
def test_prices_of_any_size(factor: float) -> None:
    prices = mixed() * factor
    table = scan_pairs(prices, log=False)
    assert_equals_estimators(prices, table, "c", None, "aic", log=False)
    pd.testing.assert_series_equal(table["statistic"], scan_pairs(mixed(), log=False)["statistic"], rtol=1e-7)


def test_spread_barely_above_rounding() -> None:
    x = 1e5 + np.cumsum(np.random.default_rng(2).normal(size=(400, 2)), axis=0)
    prices = frame(np.column_stack([x, 3.0 * x[:, 0] + 1e-6 * np.random.default_rng(3).normal(size=400)]))
    table = scan_pairs(prices, log=False)
    assert table["note"].eq("").all()
    for row in records(table):
        y, x = legs(prices, row, log=False)
        # Of a residual of 1e-6 beside prices of 3e5 five digits are left; how sums round depends on the processor.
        assert row["statistic"] == pytest.approx(engle_granger(y, x).statistic, rel=1e-9)


@pytest.mark.parametrize(("max_lags", "autolag"), [(7, None), (None, "aic")])
@pytest.mark.parametrize("row", [0, 3, 6, 7, 8, 200, 391, 392, 398, 399])
def test_one_bad_tick(row: int, max_lags: int | None, autolag: AutoLag) -> None:
    prices = frame(100.0 + walks(4, 400, 3))
    prices.iloc[row, 1] = 1e9  # near the ends of the sample it is in some of the columns and not in others
    table = scan_pairs(prices, log=False, max_lags=max_lags, autolag=autolag)
    assert_equals_estimators(prices, table, "c", max_lags, autolag, log=False)


def test_spread_so_smooth_that_its_lags_are_collinear() -> None:
    time = np.arange(400.0)
    noise = 1e-6 * np.random.default_rng(6).normal(size=(400, 2))
    prices = frame(np.column_stack([np.sin(time / 25.0), np.cos(time / 40.0)]) + noise)
    table = scan_pairs(prices, log=False)
    assert table["note"].eq("").all()
    assert_equals_estimators(prices, table, "c", None, "aic", log=False)


def test_rescaled_tests_equal_those_of_one_pair() -> None:
    prices = mixed(seed=7)
    for row in records(scan_pairs(prices)):
        y, x = legs(prices, row)
        assert row["pvalue_rescaled"] == pytest.approx(engle_granger_wild(y, x).rescaled_pvalue, abs=1e-8)


def test_traits_of_the_spread() -> None:
    prices = mixed(seed=8)
    table = scan_pairs(prices, cost_bps=3.0)
    for row in records(table):
        y, x = legs(prices, row)
        fit = engle_granger(y, x)
        spread = y - fit.intercept - fit.hedge_ratio * x
        freed = residual_half_life(y, x)
        assert [row["half_life"], row["half_life_low"], row["half_life_high"]] == pytest.approx(
            [freed.half_life, freed.low, freed.high], rel=1e-6
        )
        assert row["crossings"] == np.count_nonzero(np.diff(spread > spread.mean()))
        assert row["spread_std"] == pytest.approx(spread.std(ddof=1), rel=1e-9)
        move = 2e4 * spread.std(ddof=1) / (1.0 + abs(fit.hedge_ratio))
        assert row["expected_move_bps"] == pytest.approx(move, rel=1e-9)
        assert row["edge_bps"] == pytest.approx(move - 6.0, rel=1e-9)
        assert row["correlation"] == pytest.approx(np.corrcoef(np.diff(y), np.diff(x))[0, 1], abs=1e-12)


def test_cost_does_not_depend_on_the_unit_of_prices() -> None:
    prices = mixed(seed=8)
    table, cents = scan_pairs(prices, log=False), scan_pairs(prices * 100.0, log=False)
    np.testing.assert_allclose(table["expected_move_bps"], cents["expected_move_bps"], rtol=1e-9)


def test_halves_are_tests_of_their_own() -> None:
    prices = mixed(seed=9, rows=301)
    table = scan_pairs(prices)
    for row in records(table):
        y, x = legs(prices, row)
        first, second = engle_granger(y[:150], x[:150]), engle_granger(y[150:], x[150:])
        assert row["pvalue_first_half"] == pytest.approx(first.pvalue, abs=1e-10)
        assert row["pvalue_second_half"] == pytest.approx(second.pvalue, abs=1e-10)
        assert row["persists"] == (first.pvalue < 0.05 and second.pvalue < 0.05)
        b1, b2 = first.hedge_ratio, second.hedge_ratio
        assert row["hedge_ratio_stability"] == pytest.approx(1 - abs(b1 - b2) / (abs(b1) + abs(b2)), abs=1e-9)


def test_halves_too_short_to_test() -> None:
    table = scan_pairs(mixed(rows=59))
    assert table["pvalue"].notna().all()
    assert table[["pvalue_first_half", "pvalue_second_half", "hedge_ratio_stability"]].isna().all(axis=None)
    assert not table["persists"].any()


def test_better_direction_is_doubled() -> None:
    prices = mixed(seed=11)
    given, better = scan_pairs(prices), scan_pairs(prices, direction="better")
    lowest = {frozenset((row["y"], row["x"])): min(row["pvalue_yx"], row["pvalue_xy"]) for row in records(given)}
    assert set(lowest) == {frozenset(pair) for pair in zip(better["y"], better["x"], strict=True)}
    for row in records(better):
        assert row["pvalue_yx"] <= row["pvalue_xy"]
        assert row["pvalue"] == min(1.0, 2.0 * lowest[frozenset((row["y"], row["x"]))])
    assert_equals_estimators(prices, better, "c", None, "aic")
    order = list(prices.columns)
    assert any(order.index(row["y"]) > order.index(row["x"]) for row in records(better))


def test_better_direction_does_so_in_each_half() -> None:
    prices = mixed(seed=12)
    for row in records(scan_pairs(prices, direction="better").iloc[::5]):
        y, x = legs(prices, row)
        lowest = min(engle_granger(y[:150], x[:150]).pvalue, engle_granger(x[:150], y[:150]).pvalue)
        assert row["pvalue_first_half"] == pytest.approx(min(1.0, 2.0 * lowest), abs=1e-10)


@pytest.mark.parametrize("direction", ["given", "better"])
def test_walks_pass_no_more_often_than_they_may(direction: Direction) -> None:
    levels = walks(21, 500, 800)
    hits = 0
    for left in range(0, 800, 2):
        table = scan_pairs(frame(levels[:, left : left + 2]), log=False, direction=direction, threads=1)
        hits += int((table["pvalue"] < 0.05).sum())
    assert 0.01 <= hits / 400 <= 0.075


def test_gaps_use_the_rows_that_both_have() -> None:
    prices = mixed(seed=13)
    rng = np.random.default_rng(0)
    prices.loc[prices.index[:70], ["WALK0", "WALK1"]] = np.nan  # listed later, both on one day
    prices.loc[prices.index[rng.choice(300, 40, replace=False)], "GROUP01"] = np.nan
    prices.loc[prices.index[-60:], "GROUP12"] = np.nan
    prices.iloc[100] = np.nan  # a day without trading
    table = scan_pairs(prices)
    assert table["rows"].nunique() > 4
    assert_equals_estimators(prices, table, "c", None, "aic")
    order = list(prices.columns)
    assert all(order.index(y) < order.index(x) for y, x in zip(table["y"], table["x"], strict=True))
    assert {frozenset(pair) for pair in zip(table["y"], table["x"], strict=True)} == {
        frozenset(pair) for pair in itertools.combinations(order, 2)
    }


def test_refused_pairs_say_why_and_count_as_no_test() -> None:
    prices = mixed()
    prices["FLAT"] = 2.0
    prices["TWIN"] = prices["WALK0"] ** 2 * 5.0  # log price: 2·WALK0 + ln 5
    prices["YOUNG"] = prices["WALK1"].where(np.arange(300) >= 275)
    table = scan_pairs(prices)
    assert len(table) == 78
    notes = {(row["y"], row["x"]): row["note"] for row in records(table)}
    assert notes["WALK0", "FLAT"] == "FLAT is constant"
    assert notes["WALK0", "TWIN"] == "perfectly collinear: WALK0 is 0.5·TWIN and deterministic terms"
    assert notes["WALK0", "YOUNG"] == "25 common rows, needs 30"
    refused = table["note"].ne("")
    assert refused.sum() == 12 + 11 + 1
    assert refused.tail(24).all()
    assert (
        table.loc[refused, ["statistic", "pvalue", "qvalue_bh", "hedge_ratio", "lags", "half_life"]]
        .isna()
        .all(axis=None)
    )
    kept = scan_pairs(prices.drop(columns=["FLAT", "YOUNG"]))
    np.testing.assert_array_equal(table["qvalue_by"].dropna(), kept["qvalue_by"].dropna())
    assert summarise(table).tested == 54


def test_straight_line_is_refused_under_a_trend() -> None:
    prices = frame(np.column_stack([walks(1, 100, 2), np.linspace(1.0, 2.0, 100)]))
    table = scan_pairs(prices, log=False, trend="ct")
    notes = {(row["y"], row["x"]): row["note"] for row in records(table)}
    assert notes["S0", "S2"] == "S2 is a straight line"
    assert notes["S0", "S1"] == ""


def test_same_table_for_any_number_of_threads() -> None:
    prices = frame(walks(2, 200, 60))
    one, three = (scan_pairs(prices, log=False, threads=threads) for threads in (1, 3))
    pd.testing.assert_frame_equal(one, three, check_exact=True)


def test_progress_reaches_the_end_in_the_calling_thread() -> None:
    seen: list[tuple[int, int]] = []
    threads = set()

    def progress(done: int, total: int) -> None:
        seen.append((done, total))
        threads.add(threading.current_thread())

    scan_pairs(frame(walks(3, 100, 70)), log=False, progress=progress)
    assert len(seen) > 3
    assert seen == sorted(seen)
    assert seen[-1] == (2_415, 2_415)
    assert threads == {threading.current_thread()}


def test_cancelled_scan_stops_early() -> None:
    done: list[int] = []
    with pytest.raises(ScanCancelled, match=r"after .* of 2,415 pairs") as caught:
        scan_pairs(
            frame(walks(3, 100, 70)),
            log=False,
            progress=lambda pairs, total: done.append(pairs),
            cancelled=lambda: bool(done),
        )
    assert caught.value.done == done[-1] == 500
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("compute")]


def test_an_index_of_any_kind() -> None:
    prices = mixed()
    pd.testing.assert_frame_equal(scan_pairs(prices), scan_pairs(prices.reset_index(drop=True)))


def test_input_is_not_changed() -> None:
    prices = mixed()
    before = prices.copy()
    scan_pairs(prices)
    pd.testing.assert_frame_equal(prices, before)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p.assign(BAD=p["WALK0"].where(np.arange(300) != 7, -1.0)), r"column BAD is -1 in row 7 .*price > 0"),
        (lambda p: p.assign(BAD=p["WALK0"].where(np.arange(300) != 7, np.inf)), r"column BAD is inf in row 7"),
        (lambda p: p.assign(BAD="x"), r"column BAD holds .*needs prices"),
        (lambda p: p[["WALK0"]], r"has 1 columns: a pair needs two"),
        (lambda p: p[["WALK0", "WALK1", "WALK0"]], r"several columns named WALK0"),
        (lambda p: p.to_numpy(), r"is a ndarray: pass a DataFrame"),
    ],
)
def test_unusable_prices(change: Callable[[pd.DataFrame], pd.DataFrame], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        scan_pairs(change(mixed()))


def test_too_few_rows() -> None:
    with pytest.raises(NotEnoughObservations, match="needs 30 observations, has 29"):
        scan_pairs(mixed(rows=29))
    with pytest.raises(NotEnoughObservations, match="needs 102 observations, has 100"):
        scan_pairs(mixed(rows=100), max_lags=50)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"trend": "ctt"}, "trend is 'ctt'"),
        ({"autolag": "hqic"}, "autolag is 'hqic'"),
        ({"direction": "both"}, "direction is 'both'"),
        ({"max_lags": -1}, "max_lags is -1"),
        ({"cost_bps": -1.0}, "cost_bps is -1.0"),
        ({"threads": 0}, "threads is 0"),
    ],
)
def test_unusable_arguments(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        scan_pairs(mixed(), **arguments)  # type: ignore[arg-type]


def test_correlation_column_is_the_matrix() -> None:
    prices = mixed()
    prices.loc[prices.index[50:60], "WALK1"] = np.nan
    matrix = correlation_matrix(prices)
    for row in records(scan_pairs(prices)):
        assert row["correlation"] == matrix.loc[row["y"], row["x"]]
