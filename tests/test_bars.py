"""Ticks to bars to rows: against pandas, against brute force, and in any order of arrival."""

from dataclasses import fields, replace
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from alphastream.bars import UNKNOWN_TRADES, Bars, LegGrid, PairRows, aggregate, align, empty_bars, merge, resample
from alphastream.core.types import Floats, Ints
from alphastream.errors import ParameterError

SECOND = 10**9


def _ticks(seed: int, count: int = 400) -> tuple[Ints, Floats, Floats]:
    rng = np.random.default_rng(seed)
    time_ns = np.sort(rng.integers(0, 60 * SECOND, count))
    return time_ns, 100 + rng.normal(size=count).cumsum(), rng.uniform(0.1, 2.0, count)


def _assert_same(a: Bars, b: Bars) -> None:
    for item in fields(Bars):
        left, right = getattr(a, item.name), getattr(b, item.name)
        if item.name == "volume":
            np.testing.assert_allclose(left, right, rtol=1e-12)
        else:
            assert_array_equal(left, right, err_msg=item.name)


def test_bars_agree_with_pandas() -> None:
    time_ns, price, quantity = _ticks(1)
    bars = aggregate(time_ns, price, quantity, 5 * SECOND)
    frame = pd.DataFrame({"price": price, "quantity": quantity}, index=pd.to_datetime(time_ns, utc=True))
    expected = frame["price"].resample("5s").ohlc().dropna()
    assert_array_equal(bars.start_ns, pd.DatetimeIndex(expected.index).as_unit("ns").astype("int64"))
    for column in ("open", "high", "low", "close"):
        assert_array_equal(getattr(bars, column), expected[column])
    np.testing.assert_allclose(bars.volume, frame["quantity"].resample("5s").sum().loc[expected.index], rtol=1e-12)
    assert bars.trades.sum() == len(price)


def test_ticks_of_one_time_count_in_their_order() -> None:
    same = np.full(3, 7 * SECOND)
    bars = aggregate(same, np.array([1.0, 3.0, 2.0]), np.ones(3), SECOND)
    assert (bars.open[0], bars.high[0], bars.low[0], bars.close[0], bars.trades[0]) == (1.0, 3.0, 1.0, 2.0, 3)


@given(seed=st.integers(0, 10_000), cut=st.integers(0, 400))
def test_merging_two_parts_is_the_whole(seed: int, cut: int) -> None:
    time_ns, price, quantity = _ticks(seed)
    time_ns = np.unique(time_ns)  # ties across the cut have no order of their own
    price, quantity = price[: len(time_ns)], quantity[: len(time_ns)]
    parts = [aggregate(time_ns[rows], price[rows], quantity[rows], SECOND) for rows in (slice(cut), slice(cut, None))]
    whole = aggregate(time_ns, price, quantity, SECOND)
    _assert_same(merge(*parts), whole)


@given(seed=st.integers(0, 10_000))
def test_late_ticks_find_their_bar(seed: int) -> None:
    time_ns, price, quantity = _ticks(seed)
    time_ns = np.unique(time_ns)
    price, quantity = price[: len(time_ns)], quantity[: len(time_ns)]
    late = np.random.default_rng(seed).random(len(time_ns)) < 0.3
    first = aggregate(time_ns[~late], price[~late], quantity[~late], SECOND)
    rest = aggregate(time_ns[late], price[late], quantity[late], SECOND)
    _assert_same(merge(first, rest), aggregate(time_ns, price, quantity, SECOND))


def test_longer_bars_from_shorter_ones() -> None:
    time_ns, price, quantity = _ticks(3)
    short = aggregate(time_ns, price, quantity, SECOND)
    _assert_same(resample(short, 10 * SECOND), aggregate(time_ns, price, quantity, 10 * SECOND))


def test_rows_show_the_last_trade_and_its_age() -> None:
    y = aggregate(np.array([500, 2_500]) * 10**6, np.array([10.0, 11.0]), np.ones(2), SECOND)
    x = aggregate(np.array([1_200, 3_900]) * 10**6, np.array([50.0, 51.0]), np.ones(2), SECOND)
    rows = align(y, x, SECOND)
    assert_array_equal(rows.end_ns, np.array([2, 3, 4]) * SECOND)  # before 2 s the hedge leg has no price
    assert_array_equal(rows.y, [10.0, 11.0, 11.0])
    assert_array_equal(rows.x, [50.0, 50.0, 51.0])
    assert_array_equal(rows.y_age_ns, np.array([1_500, 500, 1_500]) * 10**6)
    assert_array_equal(rows.y_volume, [0.0, 1.0, 0.0])
    assert_array_equal(rows.y_trades, [0, 1, 0])
    assert_array_equal(rows.both_traded, (rows.y_trades > 0) & (rows.x_trades > 0))


def test_bars_whose_trades_nobody_counted_have_traded() -> None:
    bars = replace(aggregate(np.array([0, 10, 30]), np.ones(3), np.ones(3), 10), trades=np.zeros(3, dtype=np.int64))
    rows = align(bars, bars.take(slice(2)), 10)
    assert_array_equal(rows.y_trades, [UNKNOWN_TRADES] * 3)
    assert_array_equal(rows.x_trades, [UNKNOWN_TRADES, UNKNOWN_TRADES, 0])
    assert_array_equal(rows.both_traded, [True, True, False])


def test_rows_made_by_hand_have_traded_where_there_is_volume() -> None:
    ends, price, none = np.arange(3), np.ones(3), np.zeros(3)
    rows = PairRows(ends, price, price, ends, ends, np.array([1.0, 0.0, 2.0]), none)
    assert_array_equal(rows.y_trades, [UNKNOWN_TRADES, 0, UNKNOWN_TRADES])
    assert_array_equal(rows.x_trades, [UNKNOWN_TRADES] * 3)
    assert_array_equal(rows.take(slice(1, 2)).y_trades, [0])


def test_silence_of_both_legs_makes_no_rows() -> None:
    y = aggregate(np.array([0, 3_600]) * SECOND, np.array([1.0, 2.0]), np.ones(2), SECOND)
    x = aggregate(np.array([0, 3_600]) * SECOND, np.array([1.0, 2.0]), np.ones(2), SECOND)
    assert len(align(y, x, SECOND)) == 2


@given(seed=st.integers(0, 10_000), after=st.integers(0, 60), until=st.integers(0, 60))
def test_a_part_of_the_rows_is_the_part_of_all_rows(seed: int, after: int, until: int) -> None:
    y = aggregate(*_ticks(seed, 40), SECOND)
    x = aggregate(*_ticks(seed + 1, 25), SECOND)
    everything = align(y, x, SECOND)
    some = align(y, x, SECOND, after_ns=after * SECOND, until_ns=until * SECOND)
    keep = (everything.end_ns > after * SECOND) & (everything.end_ns <= until * SECOND)
    for item in fields(everything):
        assert_array_equal(getattr(some, item.name), getattr(everything, item.name)[keep], err_msg=item.name)


@given(seed=st.integers(0, 10_000), after=st.integers(0, 60), more=st.integers(0, 5))
def test_a_grid_gives_each_pair_the_rows_of_its_own_alignment(seed: int, after: int, more: int) -> None:
    rng = np.random.default_rng(seed)
    legs = {
        name: aggregate(*_ticks(seed + place, int(rng.integers(1, 60))), SECOND) for place, name in enumerate("abcd")
    }
    legs["late"] = aggregate(np.array([55 * SECOND]), np.array([3.0]), np.array([1.0]), SECOND)
    legs["never"] = empty_bars()
    grid = LegGrid(legs, SECOND, after * SECOND)
    for y, x in permutations(legs, 2):
        own_ns = (after + more) * SECOND
        rows, expected = grid.rows(y, x, own_ns), align(legs[y], legs[x], SECOND, after_ns=own_ns)
        for item in fields(expected):
            found, wanted = getattr(rows, item.name), getattr(expected, item.name)
            assert_array_equal(found, wanted, err_msg=f"{y} {x} {item.name}")
            assert found.dtype == wanted.dtype


def test_nothing_in_nothing_out() -> None:
    assert len(aggregate(np.empty(0, dtype=np.int64), np.empty(0), np.empty(0), SECOND)) == 0
    assert len(align(empty_bars(), empty_bars(), SECOND)) == 0
    assert len(resample(empty_bars(), SECOND)) == 0
    one = aggregate(np.array([0]), np.array([1.0]), np.array([1.0]), SECOND)
    assert len(merge(one, empty_bars())) == len(merge(empty_bars(), one)) == 1
    assert len(align(one, empty_bars(), SECOND)) == 0


def test_unusable_arguments_are_named() -> None:
    with pytest.raises(ParameterError, match="interval_ns=0"):
        aggregate(np.array([0]), np.array([1.0]), np.array([1.0]), 0)
    with pytest.raises(ParameterError, match="1, 2 and 1 rows"):
        aggregate(np.array([0]), np.array([1.0, 2.0]), np.array([1.0]), SECOND)


def test_bars_as_events() -> None:
    bars = aggregate(np.array([1, 2]) * SECOND, np.array([5.0, 6.0]), np.ones(2), SECOND)
    first, second = bars.events("BTCUSDT", SECOND)
    assert (first.symbol, first.start_ns, first.end_ns, first.close) == ("BTCUSDT", SECOND, 2 * SECOND, 5.0)
    assert second.trades == 1


def test_what_takers_bought_is_summed_like_the_volume() -> None:
    rng = np.random.default_rng(5)
    times, quantity, sold = np.sort(rng.integers(0, 10_000, 500)), rng.random(500), rng.random(500) < 0.5
    price = np.ones(500)
    whole = aggregate(times, price, quantity, 100, sold)
    np.testing.assert_allclose(whole.buy_volume, aggregate(times, price, np.where(sold, 0.0, quantity), 100).volume)
    halves = [
        aggregate(times[part], price[part], quantity[part], 100, sold[part]) for part in (slice(250), slice(250, None))
    ]
    np.testing.assert_allclose(merge(*halves).buy_volume, whole.buy_volume)
    np.testing.assert_allclose(resample(whole, 1_000).buy_volume.sum(), quantity[~sold].sum())
    backwards = aggregate(times[::-1], price, quantity[::-1], 100, sold[::-1])
    np.testing.assert_allclose(backwards.buy_volume, whole.buy_volume)
    assert np.isnan(aggregate(times, price, quantity, 100).buy_volume).all()
