"""A table's topic: everything once, then only cells and points that are new, and a sign of life each second."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
from hypothesis import given
from hypothesis import strategies as st

from runtime.channel.hub import Hub
from runtime.channel.tables import BEAT_S, Cell, TableFrame, TableRow, TableTopic
from tests.runtime.channel.figures import frame_of

KEPT = 4


def row(key: str, points: Sequence[float], first: int = 0, **cells: Cell) -> TableRow:
    return TableRow(key, cells, np.arange(first, first + len(points)), np.array(points, dtype=np.float64))


def frame(*rows: TableRow, status: str = "", **moments: int) -> TableFrame:
    return TableFrame(
        [each.key for each in rows].__repr__(), lambda: {"points": KEPT}, rows, moments, (5.0, 2.0), status
    )


class Stage:
    """A topic, the frame it is shown, and a clock that stands still until told."""

    def __init__(self, first: TableFrame) -> None:
        self.frame = first
        self.now_s = 0.0
        self.topic = TableTopic("t", lambda: self.frame, lambda: self.now_s)

    def told(self, shown: TableFrame) -> Any:
        self.frame = shown
        message = self.topic.advance()
        return None if message is None else orjson.loads(message)


def test_the_base_is_whole_and_then_only_what_changed_is_told() -> None:
    first = frame(row("a", [1.0, 2.0], z=("+2.00", "now +2.10", "", 2.0)), row("b", []), ETH=10, BTC=20)
    stage = Stage(first)
    base = stage.told(first)
    assert base["base"]["rows"][0] == {"id": "a", "cells": {"z": ["+2.00", "now +2.10", "", 2.0]}, "points": [1, 2]}
    assert (base["moments"], base["clock"]) == ({"ETH": 10, "BTC": 20}, {"now": 5.0, "pace": 2.0})
    moved = replace(
        first, rows=(row("a", [1.0, 2.0, 3.0], z=("+3.00", "", "", 3.0)), first.rows[1]), moments={"ETH": 11}
    )
    delta = stage.told(moved)
    assert delta["delta"] == {"rows": {"0": {"cells": {"z": ["+3.00", "", "", 3.0]}, "add": [3.0]}}}
    assert delta["moments"] == {"ETH": 11}
    assert "base" not in delta
    assert delta["seq"] == base["seq"] + 1


def test_nothing_is_told_twice_but_a_sign_of_life_each_second() -> None:
    shown = frame(row("a", [1.0], z=("1",)))
    stage = Stage(shown)
    stage.told(shown)
    assert stage.told(frame(row("a", [1.0], z=("1",)))) is None
    stage.now_s = BEAT_S
    beat = stage.told(shown)
    assert beat is not None
    assert not {"base", "delta", "moments"} & beat.keys()


def test_points_of_before_that_changed_come_all_again() -> None:
    shown = frame(row("a", [1.0, np.nan, 3.0]))
    stage = Stage(shown)
    stage.told(shown)
    assert stage.told(frame(row("a", [1.0, np.nan, 3.0, 4.0])))["delta"]["rows"] == {"0": {"add": [4.0]}}
    late = stage.told(frame(row("a", [1.0, 2.0, 3.0, 4.0])))
    assert late["delta"]["rows"] == {"0": {"points": [1.0, 2.0, 3.0, 4.0]}}


def test_another_list_begins_anew_and_a_holder_of_the_latest_gets_no_rows() -> None:
    stage = Stage(frame(row("a", [1.0])))
    first = stage.told(stage.frame)
    other = stage.told(frame(row("a", [1.0]), row("b", [2.0])))
    assert other["figure"] != first["figure"]
    assert [each["id"] for each in other["base"]["rows"]] == ["a", "b"]
    assert "base" not in orjson.loads(stage.topic.window(other["figure"], other["seq"]))
    assert "base" in orjson.loads(stage.topic.window(other["figure"], other["seq"] - 1))
    assert "base" in orjson.loads(stage.topic.window(None))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 8), st.integers(0, 2)), min_size=1, max_size=12))
def test_who_hears_all_messages_holds_the_newest_points(steps: list[tuple[int, int, int]]) -> None:
    """Rows advance, are cut to the newest few, and now and then an old one changes."""
    values, start = [0.0], 0
    stage = Stage(frame(row("a", values)))
    held = list(stage.told(stage.frame)["base"]["rows"][0]["points"])
    for new, number, rewritten in steps:
        values = [*values, *(float(number + place) for place in range(new))]
        if rewritten and len(values) > 1:
            values[-rewritten] += 0.5
        start += max(0, len(values) - KEPT)
        values = values[-KEPT:]
        message = stage.told(frame(row("a", values, start)))
        change = message["delta"]["rows"].get("0", {}) if message and "delta" in message else {}
        held = change.get("points", [*held, *change.get("add", [])])[-KEPT:]
        assert held == values


def test_a_hub_keeps_figures_and_tables_of_one_key_apart() -> None:
    hub = Hub()
    figure, table = hub.topic("key", lambda: frame_of([1.0])), hub.table("key", lambda: frame(row("a", [])))
    assert figure.name != table.name
    assert hub.table("key", lambda: frame()) is table
