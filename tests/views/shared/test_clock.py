"""Times on the clocks of a place: the offset that held at each moment, in words, columns, figures and live ones."""

import json

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from alphastream.errors import ParameterError
from tests.views.shared.test_charts import make_series
from views.component import pair_frame
from views.component.frames import template
from views.shared.chart_options import ChartOptions
from views.shared.clock import column_name, in_zone, moment_text, offset_ns, on_clocks, turns, zone_of

HOUR_NS = 3_600_000_000_000
BACK_NS = int(pd.Timestamp("2026-10-25 01:00", tz="UTC").value)  # Berlin goes from 03:00 back to 02:00
FORTH_NS = int(pd.Timestamp("2026-03-29 01:00", tz="UTC").value)


def test_zones_are_known_by_their_names_and_others_are_refused_with_the_nearest() -> None:
    assert zone_of("Europe/Berlin") == "Europe/Berlin"
    assert zone_of("Etc/UTC") == zone_of("UTC") == "UTC"
    with pytest.raises(ParameterError, match="did you mean Europe/Berlin"):
        zone_of("Europe/Berlim")
    with pytest.raises(ParameterError, match="choose a place"):
        zone_of("../../etc/passwd")


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])
def test_changes_of_the_clocks_are_found_to_the_second(zone: str) -> None:
    start = int(pd.Timestamp("2025-12-31", tz="UTC").value)
    found = turns(zone, start, start + 370 * 24 * HOUR_NS)
    for at_ns, ahead in found:
        assert offset_ns(zone, at_ns) == ahead
        if at_ns != start:
            assert offset_ns(zone, at_ns - 1_000_000_000) != ahead
    hours = np.arange(start, start + 370 * 24 * HOUR_NS, HOUR_NS // 2)
    ahead_of = np.array([ahead for _, ahead in found])
    by_turns = hours + ahead_of[np.searchsorted([at_ns for at_ns, _ in found], hours, side="right") - 1]
    shown = on_clocks(hours.astype("datetime64[ns]"), zone)
    np.testing.assert_array_equal(by_turns.astype("datetime64[ns]").astype("datetime64[ms]"), shown)


def test_a_moment_names_its_zone_also_in_the_hour_that_comes_twice() -> None:
    first, second = (moment_text(BACK_NS + way * HOUR_NS // 2, "%H:%M", "Europe/Berlin") for way in (-1, 1))
    assert (first, second) == ("02:30 CEST", "02:30 CET")
    assert moment_text(BACK_NS, "%H:%M", "Asia/Dubai") == "05:00 UTC+04:00"
    assert moment_text(BACK_NS) == "2026-10-25 01:00:00 UTC"
    assert column_name("opened", "UTC") == "opened, UTC"
    assert column_name("opened", "America/New_York") == "opened, New York time"


def figure_about(middle_ns: int) -> go.Figure:
    times = (middle_ns + np.arange(-4, 5) * HOUR_NS // 2).astype("datetime64[ns]").astype("datetime64[ms]")
    layout = {
        "xaxis": {"type": "date", "title": {"text": "UTC"}, "range": [str(times[0]), str(times[-1])]},
        "xaxis2": {"title": {"text": "lag, s"}},
        "shapes": [{"type": "line", "xref": "x", "x0": str(times[0]), "x1": str(times[0])}],
    }
    data = [{"x": times, "y": np.arange(9.0)}, {"x": [1, 2], "y": [3, 4], "xaxis": "x2"}]
    return go.Figure(data, layout)


def test_a_figure_shows_each_moment_with_its_own_offset_and_says_where_clocks_change() -> None:
    figure = in_zone(figure_about(BACK_NS), "Europe/Berlin")
    clocks = [str(at)[11:16] for at in figure.data[0].x]
    assert clocks == ["01:00", "01:30", "02:00", "02:30", "02:00", "02:30", "03:00", "03:30", "04:00"]
    assert figure.layout.xaxis.title.text == "Europe/Berlin, UTC+01:00 and +02:00"
    assert figure.layout.xaxis.range[0].startswith("2026-10-25T01:00")
    assert figure.layout.shapes[0].x0.startswith("2026-10-25T01:00")
    assert figure.layout.shapes[1].label.text == "clocks go from 03:00 to 02:00"
    assert list(figure.data[1].x) == [1, 2]  # no time, no zone
    forth = in_zone(figure_about(FORTH_NS), "Europe/Berlin")
    assert [str(at)[11:16] for at in forth.data[0].x][3:6] == ["01:30", "03:00", "03:30"]
    assert forth.layout.shapes[1].label.text == "clocks go from 02:00 to 03:00"


def test_utc_stays_as_it_is() -> None:
    figure = figure_about(BACK_NS)
    assert in_zone(figure_about(BACK_NS), "UTC").to_json() == figure.to_json()
    assert "offsets" not in template(make_series(30))["layout"]["meta"]


def test_a_live_figure_is_told_its_offsets_and_sends_utc() -> None:
    series, berlin = make_series(30), ChartOptions(zone="Europe/Berlin")
    layout = template(series, options=berlin)["layout"]
    json.dumps(layout["meta"]["offsets"])
    (first_ms, ahead_ms), (next_ms, next_ahead), *_ = layout["meta"]["offsets"]
    assert first_ms == series.time_ns[0] // 1_000_000
    assert (ahead_ms, next_ahead) == (7_200_000, 3_600_000)
    assert str(pd.Timestamp(next_ms, unit="ms")) == "2024-10-27 01:00:00"
    assert layout["xaxis"]["title"]["text"] == "Europe/Berlin, UTC+02:00"
    assert layout["xaxis"]["uirevision"] != template(series)["layout"]["xaxis"]["uirevision"]
    frame = pair_frame(series, options=berlin)
    np.testing.assert_array_equal(frame.columns["time"], series.time_ns // 1_000_000)
    assert frame.look != pair_frame(series).look
    assert template(make_series(0), options=berlin)["layout"]["xaxis"]["title"]["text"].startswith("Europe/Berlin")
