"""The pair figure: every column drawn once, at the right place, thinned without losing an extreme."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from alphastream.errors import ParameterError
from alphastream.reports.palette import DARK, LIGHT
from views.component import pair_frame
from views.shared.charts import pair_figure
from views.shared.series import PairSeries, column_decimals, price_decimals, series_columns

START_NS = 1_723_100_000_000_000_000
SECOND_NS = 1_000_000_000
WARMUP = 20


def make_series(rows: int, *, price: float = 0.0) -> PairSeries:
    """A pair whose row n has the same values however many rows follow it; ``price`` moves the last row alone."""
    index = np.arange(rows, dtype=np.float64)
    x = 60_000.0 + 30.0 * np.sin(index / 37.0) + np.sin(index * 1.7)
    spread = 0.002 * np.sin(index / 9.0) + 0.0003 * np.sin(index * 2.3)
    y = 2_600.0 + 0.04 * (x - 60_000.0) + 100.0 * spread
    if rows:
        y[-1] += price % 7 / 100.0
    warm = index >= WARMUP
    mean, std = np.where(warm, 0.0001 * np.cos(index / 50.0), np.nan), np.where(warm, 0.001, np.nan)
    zscore = (spread - mean) / std
    flat = np.nan_to_num(zscore)
    position = np.where(flat > 1.5, -1, np.where(flat < -1.5, 1, 0))
    return PairSeries(
        y_symbol="ETHUSDT",
        x_symbol="BTCUSDT",
        time_ns=START_NS + np.arange(rows, dtype=np.int64) * SECOND_NS,
        y_price=y,
        x_price=x,
        spread=spread,
        spread_mean=mean,
        spread_std=std,
        zscore=zscore,
        hedge_ratio=0.04 + 0.0001 * np.sin(index / 80.0),
        correlation=0.9 + 0.05 * np.sin(index / 60.0),
        pvalue=np.where(warm, 0.3 + 0.29 * np.sin(index / 40.0), np.nan),
        evidence_p=np.where(warm, 1.0 / (1.0 + index), np.nan),
        half_life=np.where(warm, 4.0 + 3.0 * np.cos(index / 40.0), np.nan),
        y_volume=20.0 + 15.0 * np.sin(index * 1.1),
        x_volume=2.0 + 1.5 * np.sin(index * 1.3),
        position=position,
        entry_z=1.5,
        exit_z=0.5,
        tested_rows=WARMUP,
        y_decimals=2,
        x_decimals=1,
    )


def by_column(figure: go.Figure) -> dict[str, Any]:
    return {trace.meta["y"]: trace for trace in figure.data}


def test_every_column_feeds_one_trace() -> None:
    series = make_series(100)
    columns = series_columns(series)
    traces = by_column(pair_figure(series))
    assert set(traces) == set(columns) - {"time"}
    for name, trace in traces.items():
        if trace.mode == "lines":
            np.testing.assert_array_equal(trace.y, columns[name])
            np.testing.assert_array_equal(np.asarray(trace.x, "datetime64[ms]"), columns["time"])


def test_panels_share_the_time_axis_and_do_not_overlap() -> None:
    figure = pair_figure(make_series(50))
    assert {trace.xaxis for trace in figure.data} == {"x"}
    own = ("yaxis", "yaxis3", "yaxis4", "yaxis5", "yaxis9", "yaxis6")
    domains = [figure.layout[name].domain for name in own]
    for (low, _), (_, high) in pairwise(domains):
        assert high < low
    assert figure.layout.height == 988  # the same for every width and every pair: nothing on the page jumps
    assert figure.layout.hovermode == "x unified"
    assert figure.layout.uirevision == "ETHUSDT/BTCUSDT"


def test_price_axes_have_the_colours_of_their_lines() -> None:
    for dark, palette in ((False, LIGHT), (True, DARK)):
        figure = pair_figure(make_series(50), dark=dark)
        traces = by_column(figure)
        assert traces["y_price"].line.color == figure.layout.yaxis.title.font.color == palette.y_leg
        assert traces["x_price"].line.color == figure.layout.yaxis2.title.font.color == palette.x_leg
        assert figure.layout.paper_bgcolor == "rgba(0,0,0,0)"
        assert figure.layout.font.color is None


def test_thresholds_are_drawn_at_entry_exit_and_zero() -> None:
    levels = {(shape.yref, shape.y0) for shape in pair_figure(make_series(50)).layout.shapes}
    own = {("y4", z) for z in (0.0, 1.5, -1.5, 0.5, -0.5)}
    assert levels == own | {("y9", 0.05)}
    without_exit = pair_figure(replace(make_series(50), exit_z=0.0))
    assert len(without_exit.layout.shapes) == 4
    text = {shape.label.text for shape in pair_figure(make_series(50)).layout.shapes}
    assert {"short entry +1.5", "long entry -1.5", "exit ±0.5", "5% level"} <= text


def test_a_half_life_beyond_its_window_is_not_drawn() -> None:
    series = replace(make_series(4), half_life=np.array([np.nan, 3.0, WARMUP + 1.0, np.inf]))
    np.testing.assert_array_equal(series_columns(series)["half_life"], [np.nan, 3.0, np.nan, np.nan])


def test_positions_are_marked_where_they_change_by_shape_and_not_colour_alone() -> None:
    series = replace(make_series(6), position=np.array([1, 1, 0, -1, -1, 1]), zscore=np.arange(6.0))
    columns = series_columns(series)
    assert np.flatnonzero(np.isfinite(columns["long_entry"])).tolist() == [5]
    assert np.flatnonzero(np.isfinite(columns["short_entry"])).tolist() == [3]
    assert np.flatnonzero(np.isfinite(columns["exit"])).tolist() == [2]
    traces = by_column(pair_figure(series))
    assert traces["short_entry"].y.tolist() == [3.0]
    shapes = [traces[name].marker.symbol for name in ("long_entry", "short_entry", "exit")]
    assert shapes == ["triangle-up", "triangle-down", "circle-open"]


def test_an_unknown_position_counts_as_flat() -> None:
    series = replace(make_series(4), position=np.array([np.nan, np.nan, 0.0, 1.0]))
    columns = series_columns(series)
    assert not np.isfinite(columns["exit"]).any()
    assert np.flatnonzero(np.isfinite(columns["long_entry"])).tolist() == [3]


def test_bands_are_entry_standard_deviations_wide() -> None:
    series = make_series(60)
    columns = series_columns(series)
    np.testing.assert_allclose(columns["spread_upper"] - columns["spread_lower"], 2 * 1.5 * series.spread_std)
    assert np.isnan(columns["spread_upper"][: WARMUP - 1]).all()


def test_last_values_stand_on_their_axes_with_the_tick_size() -> None:
    series = make_series(60)
    tags = {tag.name: tag for tag in pair_figure(series).layout.annotations}
    assert tags["last:y_price"].text == f"{series.y_price[-1]:,.2f}"
    assert tags["last:x_price"].text == f"{series.x_price[-1]:,.1f}"
    assert tags["last:x_price"].yref == "y2"
    calibrating = {tag.name: tag for tag in pair_figure(make_series(WARMUP - 5)).layout.annotations}
    assert calibrating["last:zscore"].visible is False


def test_no_rows_and_undefined_columns_are_drawn_empty() -> None:
    figure = pair_figure(make_series(0))
    assert all(len(trace.x) == 0 for trace in figure.data)
    assert column_decimals(make_series(0))["spread"] == 4
    assert by_column(pair_figure(make_series(5)))["zscore"].connectgaps is False


def test_an_axis_without_a_value_has_no_numbers_until_the_first_one() -> None:
    full = make_series(60)
    nothing = np.full(60, np.nan)
    empty = replace(full, spread=nothing, spread_std=nothing, hedge_ratio=nothing)
    for series, shown in ((empty, False), (full, True)):
        layout = pair_figure(series).layout
        assert (layout.yaxis3.showticklabels, layout.yaxis5.showticklabels) == (shown, shown)
    assert column_decimals(empty)["spread"] != column_decimals(full)["spread"]
    assert pair_frame(empty).look != pair_frame(full).look  # who has the page open gets the other template


def test_a_wider_gap_moves_panels_apart_and_leaves_their_heights() -> None:
    narrow, wide = pair_figure(make_series(30)).layout, pair_figure(make_series(30), gap=40).layout
    heights = [
        [(axis.domain[1] - axis.domain[0]) * (layout.height - layout.margin.t - layout.margin.b) for axis in axes]
        for layout in (narrow, wide)
        for axes in [(layout.yaxis, layout.yaxis3, layout.yaxis6)]
    ]
    assert heights[0] == pytest.approx(heights[1])
    assert wide.height == narrow.height + 5 * 12


def test_long_series_keep_first_last_and_every_extreme() -> None:
    series = make_series(30_000)
    zscore = series.zscore.copy()
    zscore[[777, 12_345]] = 9.0, -9.0
    zscore[20_000:21_000] = np.nan
    traces = by_column(pair_figure(replace(series, zscore=zscore), max_points=500))
    thin = traces["zscore"]
    assert len(thin.y) <= 500
    assert np.nanmax(thin.y) == 9.0
    assert np.nanmin(thin.y) == -9.0
    assert np.isnan(thin.y[:3]).any()
    inside = (np.asarray(thin.x, "datetime64[ms]").astype(np.int64) * 1_000_000 - START_NS) // SECOND_NS
    assert np.isnan(thin.y[(inside >= 20_100) & (inside < 20_900)]).all()
    assert traces["y_price"].y[0] == series.y_price[0]
    assert traces["y_price"].y[-1] == series.y_price[-1]
    assert len(traces["exit"].y) <= 500


def test_columns_of_unequal_length_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"spread has shape \(3,\), time_ns has \(4,\)"):
        replace(make_series(4), spread=np.zeros(3))


@pytest.mark.parametrize(
    ("prices", "decimals"),
    [
        ([60_000.0, 61_000.0], 1),
        ([2_600.25, 2_600.5], 2),
        ([0.1 + 0.2, 298.47 * (1 + 2e-16)], 2),
        ([100.0 / 7.0], 7),
        ([1.25e-8, np.nan], 10),
        ([], 2),
    ],
)
def test_digits_that_say_nothing_are_not_shown(prices: list[float], decimals: int) -> None:
    assert price_decimals("AAA", np.array(prices), {}) == decimals
