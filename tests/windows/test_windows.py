"""Windows against Polars and pandas, and batch against stream."""

import pickle
from dataclasses import fields
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphastream.bars import aggregate
from alphastream.core.units import SECOND
from alphastream.errors import ParameterError
from alphastream.feeds.market import Quote
from alphastream.instruments import InstrumentId
from alphastream.windows import (
    ImbalanceWindow,
    SessionWindow,
    TimeWindow,
    Trades,
    TradeWindow,
    VolumeWindow,
    Window,
    WindowRows,
    WindowState,
)
from tests.windows.tapes import quoted, recorded

SAMPLES: list[Window] = [
    TimeWindow(every_ns=7),
    TimeWindow(every_ns=5, period_ns=23, offset_ns=3, closed="right"),
    TimeWindow(every_ns=5, period_ns=20, closed="both"),
    TimeWindow(every_ns=9, period_ns=4, closed="none"),
    TradeWindow(every=3),
    TradeWindow(every=2, period=7),
    VolumeWindow(every=2.5),
    VolumeWindow(every=1.0, period=3.7),
    ImbalanceWindow(threshold=2.0),
    SessionWindow(gap_ns=6),
]


def whole(window: Window, trades: Trades) -> WindowRows:
    """Every window of the rows, the open ones last."""
    rows, state = window.run(trades)
    return rows.followed_by(window.forming(state))


def of_polars(window: TimeWindow, trades: Trades) -> pl.DataFrame:
    """What ``group_by_dynamic`` makes of the same rows."""
    frame = pl.DataFrame({name: getattr(trades, name) for name in trades.__match_args__})
    floats = [name for name in frame.columns if frame[name].dtype == pl.Float64]
    frame = frame.with_columns(pl.col(floats).fill_nan(None), pl.col("time_ns").cast(pl.Datetime("ns")).alias("at"))
    quantity, sold = pl.col("quantity"), pl.col("buyer_is_maker")
    return frame.group_by_dynamic(
        "at",
        every=f"{window.every_ns}ns",
        period=f"{window.period_ns or window.every_ns}ns",
        offset=f"{window.offset_ns}ns",
        closed=window.closed,
        include_boundaries=True,
    ).agg(
        pl.col("time_ns").first().alias("first_ns"),
        pl.col("time_ns").last().alias("last_ns"),
        pl.col("price").drop_nulls().first().alias("open"),
        pl.col("price").max().alias("high"),
        pl.col("price").min().alias("low"),
        pl.col("price").drop_nulls().last().alias("close"),
        quantity.sum().alias("volume"),
        (pl.col("price") * quantity).sum().alias("quote_volume"),
        quantity.filter(~sold).sum().alias("buy_volume"),
        quantity.filter(sold).sum().alias("sell_volume"),
        pl.col("price").count().alias("trades"),
        (~sold & pl.col("price").is_not_null()).sum().alias("buys"),
        pl.col("bid").drop_nulls().last().alias("bid"),
        pl.col("ask").drop_nulls().last().alias("ask"),
        (pl.col("ask") - pl.col("bid")).mean().alias("spread"),
        ((pl.col("price") * quantity).sum() / quantity.sum()).alias("vwap"),
    )


SUMS = {"volume", "quote_volume", "buy_volume", "sell_volume", "spread", "vwap"}


def check_against_polars(window: TimeWindow, trades: Trades) -> None:
    found, frame = whole(window, trades), of_polars(window, trades)
    assert found.start_ns.tolist() == frame["_lower_boundary"].cast(pl.Int64).to_list()
    assert found.end_ns.tolist() == frame["_upper_boundary"].cast(pl.Int64).to_list()
    for name in frame.columns[3:]:
        expected = frame[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
        close = 1e-12 if name in SUMS else 0.0
        np.testing.assert_allclose(getattr(found, name), expected, rtol=close, atol=close, err_msg=name)


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
@pytest.mark.parametrize("closed", ["left", "right", "both", "none"])
@pytest.mark.parametrize(
    ("every_s", "period_s", "offset_s"), [(1, 1, 0), (1, 5, 0), (0.1, 60, 0), (10, 7, 3), (3, 8, -1), (60, 60, 0.25)]
)
def test_windows_by_time_are_those_of_polars_on_the_recorded_tape(
    symbol: str, closed: Any, every_s: float, period_s: float, offset_s: float
) -> None:
    every, period, offset = (int(seconds * SECOND) for seconds in (every_s, period_s, offset_s))
    check_against_polars(TimeWindow(every, period, offset, closed), Trades.of(recorded(symbol)))


@pytest.mark.parametrize("closed", ["left", "right", "both", "none"])
@pytest.mark.parametrize(("every_s", "period_s"), [(1, 1), (1, 5), (0.25, 3.1)])
def test_bid_ask_and_spread_are_those_of_polars_on_recorded_quotes(
    closed: Any, every_s: float, period_s: float
) -> None:
    window = TimeWindow(int(every_s * SECOND), int(period_s * SECOND), 0, closed)
    check_against_polars(window, quoted())


@settings(max_examples=200, deadline=None)
@given(
    times=st.lists(st.integers(-200, 2_000), min_size=1, max_size=40).map(sorted),
    every=st.integers(1, 60),
    period=st.integers(2, 300),
    offset=st.integers(-50, 50),
    closed=st.sampled_from(["left", "right", "both", "none"]),
)
def test_windows_of_any_size_are_those_of_polars(
    times: list[int], every: int, period: int, offset: int, closed: Any
) -> None:
    rng = np.random.default_rng(len(times))
    shape = len(times)
    price, quantity = (rng.integers(1, 9, shape).astype(np.float64) for _ in range(2))
    trades = Trades(np.array(times), price, quantity / 2.0, rng.random(shape) < 0.5)
    check_against_polars(TimeWindow(every, period, offset, closed), trades)


def test_tumbling_windows_are_the_bars_of_pairs() -> None:
    ticks = recorded("ETHUSDT")
    bars, rows = (
        aggregate(ticks.time_ns, ticks.price, ticks.quantity, SECOND),
        whole(TimeWindow(SECOND), Trades.of(ticks)),
    )
    for name in ("start_ns", "open", "high", "low", "close", "trades", "first_ns", "last_ns"):
        np.testing.assert_array_equal(getattr(rows, name), getattr(bars, name), err_msg=name)
    np.testing.assert_allclose(rows.volume, bars.volume, rtol=1e-13)


@pytest.mark.parametrize(("every", "period"), [(100, 100), (10, 50), (7, 25), (5, 3)])
def test_windows_by_trades_are_those_of_polars(every: int, period: int) -> None:
    trades = Trades.of(recorded("BTCUSDT"))
    frame = pl.DataFrame({"at": np.arange(len(trades)), "price": trades.price, "quantity": trades.quantity})
    frame = frame.group_by_dynamic("at", every=f"{every}i", period=f"{period}i").agg(
        pl.col("price").first().alias("open"),
        pl.col("price").max().alias("high"),
        pl.col("price").last().alias("close"),
        pl.col("quantity").sum().alias("volume"),
        pl.len().alias("trades"),
    )
    found = whole(TradeWindow(every, period), trades)
    assert found.window.tolist() == (frame["at"] // every).to_list()
    for name in ("open", "high", "close", "trades"):
        assert getattr(found, name).tolist() == frame[name].to_list()
    np.testing.assert_allclose(found.volume, frame["volume"].to_numpy(), rtol=1e-12)


def test_a_window_by_trades_closes_with_its_last_trade() -> None:
    rows, state = TradeWindow(every=2).run(made(4))
    assert rows.trades.tolist() == [2, 2]
    assert state is not None
    assert not len(state.ids)


@pytest.mark.parametrize(("every", "period"), [(20, 20), (5, 25), (10, 17)])
def test_windows_by_volume_hold_the_trades_that_begin_in_them(every: int, period: int) -> None:
    trades = Trades.of(recorded("BTCUSDT"))
    steps = np.round(trades.quantity * 1_000).astype(np.int64)  # the venue's steps: whole numbers do not round
    before = np.cumsum(steps) - steps
    found = whole(VolumeWindow(float(every), float(period)), trades)
    first = [int(np.searchsorted(before, index * every * 1_000)) for index in found.window.tolist()]
    last = [int(np.searchsorted(before, (index * every + period) * 1_000)) for index in found.window.tolist()]
    assert found.trades.tolist() == [end - begin for begin, end in zip(first, last, strict=True)]
    assert found.open.tolist() == trades.price[first].tolist()
    expected = [steps[begin:end].sum() / 1_000 for begin, end in zip(first, last, strict=True)]
    np.testing.assert_allclose(found.volume, expected, rtol=1e-12)


def test_imbalance_bars_are_those_of_a_plain_loop() -> None:
    trades, threshold = Trades.of(recorded("ETHUSDT")), 150.0
    signed, sizes, bars, count = 0, [], [], 0
    for quantity, sold in zip(np.round(trades.quantity * 1_000).astype(int), trades.buyer_is_maker, strict=True):
        signed, count = signed + (-quantity if sold else quantity), count + 1
        if abs(signed) >= threshold * 1_000:
            sizes.append(count)
            bars.append(signed / 1_000)
            signed = count = 0
    rows, _ = ImbalanceWindow(threshold).run(trades)
    assert len(sizes) > 10
    assert rows.trades.tolist() == sizes
    np.testing.assert_allclose(rows.signed_volume, bars, rtol=1e-9)


def test_sessions_are_those_of_pandas() -> None:
    trades, gap = Trades.of(recorded("ETHUSDT")), SECOND // 2
    frame = pd.DataFrame({"time": trades.time_ns, "price": trades.price, "quantity": trades.quantity})
    groups = frame.groupby((frame["time"].diff() > gap).cumsum())
    found = whole(SessionWindow(gap), trades)
    assert len(found) > 10
    assert found.trades.tolist() == groups.size().tolist()
    assert found.start_ns.tolist() == groups["time"].min().tolist()
    assert found.close.tolist() == groups["price"].last().tolist()


def made(rows: int, seed: int = 0) -> Trades:
    """Trades and quotes with pauses, ties and rows of either kind."""
    rng = np.random.default_rng(seed)
    price = np.where(rng.random(rows) < 0.2, np.nan, 100.0 + rng.normal(size=rows)) if seed else np.full(rows, 100.0)
    bid = np.where(rng.random(rows) < 0.5, np.nan, 99.0 + rng.random(rows))
    ask = np.where(rng.random(rows) < 0.5, np.nan, 101.0 + rng.random(rows))
    pauses = rng.integers(0, 4, rows) + 30 * (rng.random(rows) < 0.05)
    return Trades(-40 + np.cumsum(pauses), price, rng.exponential(size=rows), rng.random(rows) < 0.5, bid, ask)


def same_bits(left: WindowRows, right: WindowRows) -> bool:
    return all(getattr(left, each.name).tobytes() == getattr(right, each.name).tobytes() for each in fields(left))


@pytest.mark.parametrize("window", SAMPLES, ids=repr)
@settings(max_examples=40, deadline=None)
@given(data=st.data(), seed=st.integers(1, 2**32 - 1))
def test_every_split_gives_the_bits_of_one_run(window: Window, data: st.DataObject, seed: int) -> None:
    trades = made(120, seed)
    cuts = data.draw(st.lists(st.integers(0, 120), max_size=10).map(sorted))
    rows, end = window.run(trades)
    parts, state = window.run(trades.rows(slice(0)))[0], None
    for begin, until in pairwise([0, *cuts, 120]):
        new, state = window.run(trades.rows(slice(begin, until)), state)
        parts = parts.followed_by(new)
    assert same_bits(parts, rows)
    assert same_bits(window.forming(state), window.forming(end))


@pytest.mark.parametrize("window", SAMPLES, ids=repr)
def test_one_row_at_a_time_gives_the_bits_of_one_run(window: Window) -> None:
    trades = made(400, 5)
    rows, _ = window.run(trades)
    parts, state = window.run(trades.rows(slice(0)))[0], None
    sizes = []
    for row in range(len(trades)):
        new, state = window.run(trades.rows(slice(row, row + 1)), state)
        parts = parts.followed_by(new)
        assert state is not None
        sizes.append(len(pickle.dumps(state)))
    assert same_bits(parts, rows)
    assert max(sizes) < 12_000  # a state is as large as its windows, not as the tape


@pytest.mark.parametrize("window", SAMPLES, ids=repr)
def test_a_state_pickles_and_is_not_written(window: Window) -> None:
    trades = made(200, 3)
    _, state = window.run(trades.rows(slice(100)))
    assert isinstance(state, WindowState)
    before = pickle.dumps(state)
    rows, _ = window.run(trades.rows(slice(100, 200)), state)
    again, _ = window.run(trades.rows(slice(100, 200)), pickle.loads(before))
    assert same_bits(rows, again)
    assert pickle.dumps(state) == before


@pytest.mark.parametrize("window", SAMPLES, ids=repr)
def test_no_rows_give_no_windows(window: Window) -> None:
    rows, state = window.run(made(0))
    assert len(rows) == 0
    assert state is None
    assert len(window.forming(None)) == 0


def test_one_trade_is_a_window_that_is_open() -> None:
    rows, state = TimeWindow(every_ns=10).run(Trades(*np.array([[5], [2], [3], [1]])))
    assert len(rows) == 0
    forming = TimeWindow(every_ns=10).forming(state)
    assert (forming.vwap.tolist(), forming.sell_volume.tolist(), forming.buys.tolist()) == ([2.0], [3.0], [0])
    assert np.isnan(forming.spread[0])


def test_quotes_alone_make_a_window_without_prices() -> None:
    trades = made(0).with_quotes([Quote(InstrumentId("okx", "A-B"), 9.0, 1.0, 11.0, 1.0, time, 0) for time in (3, 4)])
    forming = TimeWindow(every_ns=10).forming(TimeWindow(every_ns=10).run(trades)[1])
    assert (forming.trades.tolist(), forming.bid.tolist(), forming.spread.tolist()) == ([0], [9.0], [2.0])
    assert np.isnan([forming.open[0], forming.vwap[0]]).all()


def test_a_quote_of_the_time_of_a_trade_counts_before_it() -> None:
    trade = Trades(np.array([5]), np.ones(1), np.ones(1), np.zeros(1, np.bool_))
    both = trade.with_quotes([Quote(InstrumentId("okx", "A-B"), 1.0, 1.0, 2.0, 1.0, 5, 0)])
    assert np.isnan(both.price).tolist() == [True, False]


def test_a_far_pause_costs_nothing() -> None:
    trades = Trades(np.array([0, 10**18]), np.ones(2), np.ones(2), np.zeros(2, np.bool_))
    assert whole(TimeWindow(every_ns=1, period_ns=3), trades).start_ns.tolist() == [0, 10**18 - 2, 10**18 - 1, 10**18]


@pytest.mark.parametrize(
    "call",
    [
        lambda: TimeWindow(every_ns=0),
        lambda: TimeWindow(every_ns=1, closed="none"),
        lambda: TimeWindow(every_ns=5, closed="open"),  # type: ignore[arg-type]
        lambda: TradeWindow(every=5, period=0),
        lambda: VolumeWindow(every=float("nan")),
        lambda: ImbalanceWindow(threshold=0.0),
        lambda: SessionWindow(gap_ns=-1),
        lambda: Trades(np.array([2, 1]), np.ones(2), np.ones(2), np.zeros(2, np.bool_)),
        lambda: Trades(np.array([1, 2]), np.ones(1), np.ones(2), np.zeros(2, np.bool_)),
        lambda: TimeWindow(1).run(made(5), TimeWindow(2).run(made(5))[1]),
        lambda: TimeWindow(1).run(made(5), TimeWindow(1).run(made(50))[1]),
    ],
)
def test_what_cannot_be_is_refused(call: Any) -> None:
    with pytest.raises(ParameterError):
        call()
