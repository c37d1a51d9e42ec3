"""Charts and tables of single trades and of the book."""

import numpy as np
import pytest

from alphastream.core.units import SECOND
from alphastream.microstructure import (
    depth_map,
    effective_spread_bps,
    large_prints,
    resilience,
    trade_sizes,
    volume_profile,
)
from alphastream.windows import Trades
from tests.views.microstructure.legs import made_book
from tests.windows.tapes import recorded
from views.microstructure.charts import depth_figure, profile_figure, sizes_figure
from views.microstructure.tables import SHOWN_PRINTS, liquidity_metrics, prints_frame, prints_words
from views.shared.metrics import UNKNOWN


def eth() -> Trades:
    return Trades.of(recorded("ETHUSDT"))


@pytest.mark.parametrize("dark", [True, False])
def test_a_profile_names_its_point_of_control_and_value_area(dark: bool) -> None:
    profile = volume_profile(eth(), 0.5)
    figure = profile_figure(profile, 2, dark=dark)
    assert sum(np.sum(trace.x) for trace in figure.data) == pytest.approx(profile.volume.sum())
    texts = [note.text for note in figure.layout.annotations]
    assert f"point of control {profile.point_of_control:,.2f}" in texts
    assert f"value area low {profile.value_area[0]:,.2f}" in texts
    assert set(figure.data[0].marker.opacity) == {0.35, 1.0}


def test_charts_of_nothing_are_empty() -> None:
    nothing = eth().rows(slice(0))
    assert not profile_figure(volume_profile(nothing, 1.0), 2).layout.annotations
    assert len(sizes_figure(trade_sizes(nothing)).data[0].y) == 0
    assert len(prints_frame(large_prints(eth())).columns) == 5


def test_sizes_add_up() -> None:
    figure = sizes_figure(trade_sizes(eth()))
    assert sum(np.sum(trace.y) for trace in figure.data[:2]) == len(eth())
    assert np.sum(figure.data[2].y) == pytest.approx(100.0)


def test_the_newest_prints_come_first() -> None:
    prints = large_prints(eth(), 0.9)
    frame = prints_frame(prints)
    assert len(frame) == min(SHOWN_PRINTS, len(prints))
    assert frame["time"].is_monotonic_decreasing
    assert frame["notional"].iloc[0] == prints.price[-1] * prints.quantity[-1]
    assert prints_words(prints).startswith(f"{len(prints):,} of {len(eth()):,} trades are at least")


def test_a_depth_map_has_the_best_prices_and_a_gap_where_the_book_was_lost() -> None:
    ticks = recorded("ETHUSDT")
    moments = np.arange(ticks.time_ns.min() + SECOND, ticks.time_ns.max(), SECOND)
    figure = depth_figure(depth_map(made_book(ticks), moments, 0.05), 2)
    assert [trace.type for trace in figure.data] == ["heatmap", "scatter", "scatter"]
    assert 1 <= np.isnan(figure.data[2].y).sum() <= 3


def test_liquidity_is_said_with_what_it_rests_on() -> None:
    trades, book = eth(), made_book(recorded("ETHUSDT"))
    prints = large_prints(trades)
    spread = effective_spread_bps(trades, book)
    effective, back, depth_back = liquidity_metrics(spread, trades.quantity, resilience(prints, book))
    known = np.isfinite(spread)
    assert effective.value == f"{np.average(spread[known], weights=trades.quantity[known]):.3f} bps"
    assert effective.sub == f"mean of {known.sum():,} trades, by quantity"
    assert back.value.endswith(" s")
    assert depth_back.value == UNKNOWN  # 20 levels of a tick do not reach 5 bps
    assert depth_back.sub == "median of 0 large prints"
