"""What a pair's figure shows: panels that close up, a ratio, prices from 100, candles, words where nothing is."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from alphastream.bars import aggregate
from tests.views.shared.test_charts import SECOND_NS, START_NS, by_column, make_series
from views.component import pair_frame
from views.component.frames import template
from views.shared.chart_columns import MOST_CANDLES, Candles, candles_at, joined
from views.shared.chart_options import CHOICES, FOR_SPREAD, HEIGHTS, NO_RATIO, OWN_PANEL, ChartOptions, Panel, panels_of
from views.shared.charts import pair_figure
from views.shared.series import AS_USUAL, PairSeries, series_columns

EVERY: tuple[Panel, ...] = tuple(HEIGHTS)


def test_a_choice_of_panels_keeps_their_order_and_is_never_none() -> None:
    assert panels_of(list(CHOICES), NO_RATIO) == AS_USUAL.panels
    assert panels_of(["Volumes", "Prices"], OWN_PANEL) == ("price", "ratio", "volume")
    assert panels_of(list(CHOICES), FOR_SPREAD) == tuple(panel for panel in EVERY if panel != "spread")
    assert panels_of([], NO_RATIO) == ("price",)


@pytest.mark.parametrize("alone", EVERY)
def test_each_panel_may_stand_alone(alone: Panel) -> None:
    frame = pair_frame(make_series(60), options=ChartOptions(panels=(alone,)))
    made = frame.template()
    assert made["data"]
    assert isinstance(made["layout"]["annotations"], list)  # what draws in the browser goes through them


@pytest.mark.parametrize("hidden", EVERY)
def test_a_hidden_panel_leaves_no_trace_axis_threshold_or_column_and_the_others_close_up(hidden: Panel) -> None:
    series = make_series(60)
    options = ChartOptions(panels=tuple(panel for panel in EVERY if panel != hidden))
    whole, figure = pair_figure(series, options=ChartOptions(panels=EVERY)), pair_figure(series, options=options)
    frame = pair_frame(series, options=options)
    assert set(frame.columns) - {"time"} == set(by_column(figure)) < set(by_column(whole))
    assert set(frame.columns) == {"time", *template(series, "", options)["layout"]["meta"]["decimals"]}
    assert figure.layout.height == whole.layout.height - HEIGHTS[hidden] - 28
    axes = {trace.yaxis for trace in figure.data}
    places = sorted({tuple(figure.layout[f"yaxis{axis[1:]}"].domain) for axis in axes}, reverse=True)
    assert len(places) == len(options.panels)
    assert places[0][1] == 1.0
    assert places[-1][0] == 0.0
    for (low, _), (_, high) in pairwise(places):
        assert 0 < low - high < 0.06
    assert {shape.yref for shape in figure.layout.shapes} <= axes
    assert {tag.yref for tag in figure.layout.annotations} <= axes
    assert figure.layout.xaxis.anchor in axes


def test_traces_keep_their_identity_and_axes_while_panels_come_and_go() -> None:
    series = make_series(60)
    figures = [pair_figure(series, options=ChartOptions(panels=panels)) for panels in (EVERY, ("zscore", "volume"))]
    whole, few = ({trace.uid: trace.yaxis for trace in figure.data} for figure in figures)
    assert few.items() <= whole.items()
    assert figures[0].layout.uirevision == figures[1].layout.uirevision


def test_the_ratio_is_one_price_over_the_other() -> None:
    series = make_series(60)
    drawn = by_column(pair_figure(series, options=ChartOptions(panels=("price", "ratio"))))["ratio"]
    np.testing.assert_allclose(drawn.y, series.y_price / series.x_price)
    nothing = replace(series, x_price=np.zeros(60))
    assert np.isnan(series_columns(nothing, ChartOptions(panels=("ratio",)))["ratio"]).all()


def test_prices_from_100_share_an_axis_and_begin_there() -> None:
    series = make_series(60)
    figure = pair_figure(series, options=ChartOptions(from_100=True))
    traces = by_column(figure)
    for leg, prices in (("y_price", series.y_price), ("x_price", series.x_price)):
        assert traces[leg].y[0] == pytest.approx(100.0)
        np.testing.assert_allclose(traces[leg].y, prices / prices[0] * 100.0)
        assert traces[leg].yaxis == "y"
        assert "100 at the first bar shown" in traces[leg].name
    assert "yaxis2" not in figure.layout.to_plotly_json()
    dated = replace(series, bases=(2_000.0, 50_000.0))
    since = series_columns(dated, ChartOptions(from_100=True, since_ns=1))
    np.testing.assert_allclose(since["y_price"], series.y_price / 20.0)


def with_candles(rows: int = 60) -> PairSeries:
    """A leg with three trades a second, but none in every fifth."""
    series = make_series(rows)
    seconds = np.array([row for row in range(rows) if row % 5])
    time_ns = START_NS + (np.repeat(seconds, 3) - 1) * SECOND_NS + np.tile([1, 2, 3], len(seconds))
    prices = series.y_price.repeat(3)[: len(time_ns)] + np.tile([0.0, 2.0, 1.0], len(seconds))
    bars = aggregate(time_ns, prices, np.ones(len(time_ns)), SECOND_NS)
    return replace(series, candles=candles_at(series.time_ns, rows - 1, bars, SECOND_NS))


def test_candles_stand_at_the_ends_of_their_bars_and_nowhere_else() -> None:
    series = with_candles()
    assert series.candles is not None
    found = np.isfinite(series.candles.close)
    assert not found[::5].any()
    assert found.sum() == 48
    np.testing.assert_allclose((series.candles.high - series.candles.open)[found], 2.0)
    np.testing.assert_allclose((series.candles.close - series.candles.low)[found], 1.0)
    assert np.flatnonzero(np.isfinite(series.candles.forming)).tolist() == [59]
    short = series.last(10).candles
    assert short is not None
    np.testing.assert_array_equal(short.open, series.candles.open[-10:])


def test_candles_take_the_place_of_one_line() -> None:
    figure = pair_figure(with_candles(), options=ChartOptions(candles="y"))
    first, second, *_ = figure.data
    assert (first.type, second.type, second.meta["y"]) == ("candlestick", "scatter", "x_price")
    assert len(first.close) == 48
    assert figure.layout.xaxis.rangeslider.visible is False
    assert first.increasing.fillcolor != first.decreasing.fillcolor  # not by colour alone
    assert {"open", "high", "low", "close", "forming"} <= set(
        pair_frame(with_candles(), options=ChartOptions(candles="y")).columns
    )
    plain = pair_figure(make_series(60), options=ChartOptions(candles="y"))  # no bars yet
    assert plain.data[0].type == "scatter"


def test_too_many_candles_become_one_of_several_bars() -> None:
    count = 3 * MOST_CANDLES
    value = np.arange(float(count))
    candles = {"open": value, "high": value + 2, "low": value - 1, "close": value + 1}
    time, fewer, each = joined(np.arange(count), candles)
    assert (each, len(time)) == (3, MOST_CANDLES)
    assert (fewer["open"][0], fewer["high"][0], fewer["low"][0], fewer["close"][0]) == (0.0, 4.0, -1.0, 3.0)
    assert candles_at(np.arange(3), 3, aggregate(np.empty(0, np.int64), np.empty(0), np.empty(0), 1), 1) is not None
    assert isinstance(with_candles().candles, Candles)


def test_an_empty_panel_says_why_and_has_no_axis_that_counts() -> None:
    warm = make_series(60)
    unknown = np.full(60, np.nan)
    waits = "Calibrating: the z-score needs 100 closed bars"
    series = replace(warm, zscore=unknown, y_volume=np.zeros(60), x_volume=unknown, waiting={"zscore": waits})
    figure = pair_figure(series)
    said = {shape.yref: shape.label.text for shape in figure.layout.shapes if (shape.name or "").startswith("empty:")}
    assert said == {"y4 domain": waits, "y6 domain": "No values"}
    for axis in (figure.layout.yaxis4, figure.layout.yaxis6, figure.layout.yaxis7):
        assert not axis.showticklabels
        assert tuple(axis.range) == (0, 1)
    assert not any(shape.yref == "y4" for shape in figure.layout.shapes)
    assert pair_frame(series).look != pair_frame(warm).look


def test_an_axis_of_a_value_that_never_changes_stays_about_it() -> None:
    series = replace(make_series(60), hedge_ratio=np.full(60, 0.8))
    low, high = pair_figure(series).layout.yaxis5.autorangeoptions.include
    assert 0.79 < low < 0.8 < high < 0.81
