"""The live figure's Python side: frames of a pair, the files a browser needs, and what the page hands over."""

import json
import multiprocessing
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import orjson
import plotly
import pytest
import streamlit
from streamlit.testing.v1 import AppTest

import views.component as room
from runtime.channel.topics import Topic
from tests.views.shared.test_charts import make_series
from views.component import Card, live_figure, pair_frame, publish_assets, way_of
from views.shared.series import series_columns

CARD = Card(id="z", label="z", value="+1.20", sub="", tone="long", title="", group="")


def test_a_frame_has_the_newest_rows_of_every_column() -> None:
    series = make_series(60)
    frame = pair_frame(series, [CARD], status="live", stamps={"received": 1.0}, max_points=40)
    expected = series_columns(series.last(40))
    assert set(frame.columns) == set(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(frame.columns[name], values.astype(frame.columns[name].dtype))
    assert frame.columns["time"].dtype == np.int64
    assert list(frame.cards) == [CARD]
    assert (frame.status, frame.stamps) == ("live", {"received": 1.0})


def test_frames_look_equal_while_only_numbers_move() -> None:
    one, other = pair_frame(make_series(60)), pair_frame(make_series(61, price=3.0))
    assert one.look == other.look
    assert one.template() == other.template()
    assert orjson.dumps(one.template())


# ---- what the page hands over --------------------------------------------------------------------------------


class Mounted:
    """In place of the component: keeps what it was given. ``state`` is what the browser reported."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.state: dict[str, Any] = {}
        self.session: dict[str, Any] = {"pair": self.state}
        self.reruns = 0
        self.given: dict[str, Any] = {}
        monkeypatch.setattr(room, "_COMPONENT", self._mount)
        monkeypatch.setattr(streamlit, "session_state", self.session)
        monkeypatch.setattr(streamlit, "rerun", self._rerun)

    def _mount(self, *, data: bytes, **callbacks: Any) -> None:
        self.given = {"data": json.loads(data), **callbacks}

    def _rerun(self) -> None:
        self.reruns += 1

    def show(self, topic: Topic) -> dict[str, Any] | None:
        live_figure(topic, ticket="the-ticket", key="pair")
        data = self.given["data"]
        assert (data["topic"], data["ticket"]) == (topic.name, "the-ticket")
        message: dict[str, Any] | None = data["message"]
        return message


@pytest.fixture
def topic() -> Topic:
    return Topic("t", lambda: pair_frame(make_series(30), [CARD]))


def test_the_page_brings_the_base_and_then_leaves_it_to_the_channel(
    topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounted = Mounted(monkeypatch)
    first = mounted.show(topic)
    assert first is not None
    assert first["base"]
    mounted.state["have"] = topic.figure
    assert mounted.show(topic) is None
    mounted.state["have"] = "of-a-server-that-is-gone"
    again = mounted.show(topic)
    assert again is not None
    assert again["base"]


def test_without_the_channel_the_page_brings_everything(topic: Topic, monkeypatch: pytest.MonkeyPatch) -> None:
    mounted = Mounted(monkeypatch)
    mounted.show(topic)
    mounted.state |= {"have": topic.figure, "way": "page"}
    message = mounted.show(topic)
    assert message is not None
    assert message["delta"]["rows"] == 0
    assert message["cards"] == [CARD]
    assert way_of("pair") == "page"
    mounted.state["have"] = None
    lost = mounted.show(topic)
    assert lost is not None
    assert lost["base"]


def test_a_change_of_way_runs_the_whole_page_once(topic: Topic, monkeypatch: pytest.MonkeyPatch) -> None:
    mounted = Mounted(monkeypatch)
    assert way_of("pair") == way_of("never mounted") == "channel"
    mounted.show(topic)
    assert mounted.reruns == 0
    mounted.given["on_way_change"]()
    mounted.show(topic)
    mounted.show(topic)
    assert mounted.reruns == 1


# ---- the files a browser needs -------------------------------------------------------------------------------


def test_assets_are_published_once_under_names_of_their_content(tmp_path: Path) -> None:
    static = tmp_path / "static"
    names = publish_assets(static)
    source = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    assert (static / names.plotly).read_bytes() == source.read_bytes()
    folder = (static / names.module).parent
    published = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    assert {"live_figure.js", "live_figure.css", "rows.js"} <= set(published)
    assert "loader.js" not in published  # travels with each message
    assert {name for text in published.values() for name in re.findall(r'from "\./(.+?)"', text)} <= set(published)
    before = {path: path.stat().st_mtime_ns for path in static.rglob("*")}
    assert publish_assets(static) == names
    assert {path: path.stat().st_mtime_ns for path in static.rglob("*")} == before


def test_two_processes_may_publish_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A script under AppTest takes the place of __main__, which a spawned process would run.
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
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
    app = AppTest.from_function(_script).run(timeout=60)
    assert not app.exception


def _script() -> None:
    from runtime.channel.topics import Topic
    from tests.views.shared.test_charts import make_series
    from views.component import live_figure, pair_frame

    live_figure(Topic("t", lambda: pair_frame(make_series(30))), ticket="t", key="pair")
