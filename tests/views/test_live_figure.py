"""The feed behind the live figure: base until acknowledged, then only what changed, whatever got lost."""

import json
import multiprocessing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import plotly
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from tests.views.test_charts import SECOND_NS, make_series
from views.charts import PairSeries, pair_figure, series_columns
from views.live_figure import Card, FigureFeed, publish_assets
from views.live_figure.feed import OVERLAP

ROWS = 60


class Receiver:
    """What rows.js does, in Python: an independent reading of the protocol."""

    def __init__(self) -> None:
        self.figure: str | None = None
        self.first = 0
        self.columns: dict[str, list[Any]] = {}

    def take(self, message: bytes) -> bool:
        """Apply a message; False where rows are missing."""
        content = json.loads(message)
        base, delta = content["base"], content["delta"]
        if base:
            self.figure, self.first, self.columns = content["figure"], base["from_row"], base["columns"]
            return True
        if content["figure"] != self.figure or delta["from_row"] > self.first + len(self.columns["time"]):
            self.figure = None
            return False
        keep, drop = delta["from_row"] - self.first, delta["first_row"] - self.first
        self.columns = {name: (old[:keep] + delta["columns"][name])[drop:] for name, old in self.columns.items()}
        self.first += drop
        return True


def shown(series: PairSeries) -> dict[str, list[Any]]:
    """The columns a browser must hold, without the rounding."""
    columns = series_columns(series)
    return {name: values.astype(np.int64 if name == "time" else float).tolist() for name, values in columns.items()}


def assert_shows(receiver: Receiver, series: PairSeries) -> None:
    for name, values in shown(series).items():
        held = np.array(receiver.columns[name], dtype=np.float64)
        if name in ("long_entry", "short_entry", "exit"):  # the first row's mark depends on the row before it
            held, values = held[1:], values[1:]
        np.testing.assert_allclose(held, values, rtol=2e-3, atol=1e-6, err_msg=name)


def test_the_base_is_repeated_until_it_is_acknowledged() -> None:
    feed = FigureFeed(name="t")
    first, second = json.loads(feed.message(make_series(ROWS))), json.loads(feed.message(make_series(ROWS + 1)))
    assert first["base"]
    assert second["base"]
    assert (first["seq"], second["seq"], second["figure"]) == (1, 2, "t-1")
    assert len(second["base"]["columns"]["zscore"]) == ROWS + 1
    feed.acknowledge("t-1")
    third = json.loads(feed.message(make_series(ROWS + 2)))
    assert third["base"] is None
    assert third["delta"]["from_row"] >= ROWS - 1
    feed.acknowledge(None)
    assert json.loads(feed.message(make_series(ROWS + 2)))["base"]


def test_an_older_figure_is_no_acknowledgement() -> None:
    feed = FigureFeed(name="t")
    feed.message(make_series(ROWS))
    feed.acknowledge("someone-else-1")
    assert json.loads(feed.message(make_series(ROWS)))["base"]


def test_the_base_has_no_numbers_outside_its_columns() -> None:
    base = json.loads(FigureFeed().message(make_series(ROWS)))["base"]
    assert all("x" not in trace and "y" not in trace for trace in base["data"])
    assert {trace["meta"]["y"] for trace in base["data"]} == set(base["columns"]) - {"time"}
    assert {tag["text"] for tag in base["layout"]["annotations"]} == {""}
    assert base["layout"]["height"] == pair_figure(make_series(1)).layout.height
    assert base["columns"]["zscore"][0] is None
    assert base["columns"]["time"][:2] == [1_723_100_000_000, 1_723_100_001_000]


def test_a_quiet_update_costs_little() -> None:
    feed = FigureFeed(name="t")
    feed.acknowledge("t-1")
    for row in range(600, 650):
        message = feed.message(make_series(row).last(500))
    content = json.loads(message)
    assert content["delta"]["first_row"] == 650 - 1 - 500 - 100
    assert len(content["delta"]["columns"]["time"]) == OVERLAP
    same = json.loads(feed.message(make_series(649).last(500)))
    assert len(same["delta"]["columns"]["time"]) == OVERLAP - 1


def test_numbers_are_rounded_two_digits_beyond_what_is_shown() -> None:
    series = replace(make_series(ROWS), y_price=np.full(ROWS, 2_600.123456789))
    base = json.loads(FigureFeed().message(series))["base"]
    assert base["columns"]["y_price"][-1] == 2_600.1235


@pytest.mark.parametrize(
    "change",
    [
        lambda series: replace(series, entry_z=2.5),
        lambda series: replace(series, y_symbol="SOLUSDT"),
        lambda series: replace(series, time_ns=series.time_ns + 10_000 * SECOND_NS),
        lambda series: replace(series, time_ns=series.time_ns - SECOND_NS),
        lambda series: series.last(0),
    ],
    ids=["thresholds", "symbol", "later tape", "earlier row in front", "no rows"],
)
def test_what_cannot_be_continued_begins_a_new_figure(change: Any) -> None:
    feed = FigureFeed(name="t")
    feed.message(make_series(ROWS))
    feed.acknowledge("t-1")
    content = json.loads(feed.message(change(make_series(ROWS))))
    assert content["figure"] == "t-2"
    assert content["base"]["from_row"] == 0


def test_a_corrected_old_row_is_sent_again_with_all_after_it() -> None:
    feed = FigureFeed(name="t")
    feed.acknowledge("t-1")
    receiver = Receiver()
    feed.acknowledge(None)
    receiver.take(feed.message(make_series(ROWS)))
    feed.acknowledge("t-1")
    late = make_series(ROWS)
    late.x_price[10] += 5.0
    message = feed.message(late)
    assert json.loads(message)["delta"]["from_row"] == 10
    assert receiver.take(message)
    assert_shows(receiver, late)


def test_cards_travel_with_every_message() -> None:
    card = Card(id="z", label="z", value="+1.20", sub="", tone="long", title="")
    assert json.loads(FigureFeed().message(make_series(0), [card]))["cards"] == [card]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.floats(0, 6), st.booleans()), min_size=1, max_size=60
    )  # rows that closed, price of the forming bar, whether the message arrives
)
def test_whatever_is_lost_the_browser_ends_with_the_right_rows(steps: list[tuple[int, float, bool]]) -> None:
    feed, receiver, rows = FigureFeed(), Receiver(), ROWS
    lost = 0
    for closed, price, arrives in [*steps, (1, 3.0, True), (0, 3.0, True)]:
        rows += closed
        series = make_series(rows, price=price).last(40)
        feed.acknowledge(receiver.figure)
        message = feed.message(series)
        if not arrives:
            lost += 1
            continue
        complete = receiver.take(message)
        assert complete or lost > OVERLAP - 2
        lost = 0
        if complete:
            assert_shows(receiver, series)
    assert_shows(receiver, series)


def test_assets_are_published_once_under_names_of_their_content(tmp_path: Path) -> None:
    static = tmp_path / "static"
    names = publish_assets(static)
    source = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    assert (static / names.plotly).read_bytes() == source.read_bytes()
    folder = (static / names.module).parent
    assert {path.name for path in folder.iterdir()} == {
        "live_figure.js",
        "figure.js",
        "preview.js",
        "rows.js",
        "cards.js",
        "live_figure.css",
    }
    before = {path: path.stat().st_mtime_ns for path in static.rglob("*")}
    assert publish_assets(static) == names
    assert {path: path.stat().st_mtime_ns for path in static.rglob("*")} == before


def test_two_processes_may_publish_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=publish_assets, args=(tmp_path,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_static_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "static").write_text("a file is in the way")
    with pytest.raises(OSError, match="static"):
        publish_assets(tmp_path / "static")


def test_the_component_mounts_in_a_script() -> None:
    app = AppTest.from_function(_script).run(timeout=30)
    assert not app.exception


def _script() -> None:
    from tests.views.test_charts import make_series
    from views.live_figure import FigureFeed, live_figure

    feed = FigureFeed()
    live_figure(feed.message(make_series(30)), feed=feed, key="pair")
