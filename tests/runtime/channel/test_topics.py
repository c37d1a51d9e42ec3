"""Topics: everything once, then only what changed, and a receiver that loses messages ends with the right rows."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.channel.topics import OVERLAP_S, Frame, Topic
from tests.runtime.channel.figures import ROWS, UPDATE_BYTES, Receiver, Stage, card, frame_of, read
from tests.views.shared.test_charts import SECOND_NS, make_series
from views.component import Card, pair_frame
from views.shared.charts import pair_figure
from views.shared.series import PairSeries


def test_the_base_comes_first_and_is_whole() -> None:
    stage = Stage(frame_of([1.0, 2.0, 3.0, 4.0], [card("a", "1")], status="live"))
    base = stage.told(stage.frame)
    assert (base["topic"], base["seq"], base["figure"]) == ("pair", 1, stage.topic.figure)
    assert base["base"]["from_row"] == 0
    assert base["base"]["columns"] == {"time": [0, 1_000, 2_000, 3_000], "price": [1, 2, 3, 4], "z": [None] * 3 + [4]}
    assert base["cards"] == [card("a", "1")]
    assert base["status"] == "live"
    assert "delta" not in base


def test_deltas_hold_the_rows_that_changed() -> None:
    stage = Stage(frame_of([1.0, 2.0, 3.0, 4.0]))
    stage.topic.advance()
    forming = stage.told(frame_of([1.0, 2.0, 3.0, 4.5]))
    assert forming["seq"] == 2
    assert "base" not in forming
    assert forming["delta"] == {
        "first_row": 0,
        "from_row": 3,
        "rows": 1,
        "columns": {"time": [3_000], "price": [4.5], "z": [4.5]},
    }
    closed = stage.told(frame_of([1.0, 2.0, 3.0, 4.6, 5.0]))
    assert closed["delta"]["from_row"] == 3
    assert closed["delta"]["columns"]["price"] == [4.6, 5.0]


def test_nothing_is_said_when_nothing_changed() -> None:
    stage = Stage(frame_of([1.0, 2.0, 3.0, 4.0], [card("a", "1")]))
    stage.topic.advance()
    again = replace(frame_of([1.0, 2.0, 3.0, 4.0], [card("a", "1")]), stamps={"received": 5.0})
    assert stage.show(again) is None
    assert stage.topic.seq == 1


def test_a_patch_holds_the_fields_that_changed() -> None:
    stage = Stage(frame_of([1.0], [card("a", "1"), card("b", "2")]))
    stage.topic.advance()
    message = stage.told(frame_of([1.0], [card("a", "1"), card("b", "3")]))
    assert message["patch"] == [{"id": "b", "value": "3"}]
    assert not {"cards", "delta", "base"} & message.keys()


@pytest.mark.parametrize(
    "after", [["a"], ["b", "a"], ["a", "b", "c"], ["a", "c"]], ids=["fewer", "another order", "more", "another"]
)
def test_all_cards_are_sent_when_there_are_others(after: list[str]) -> None:
    stage = Stage(frame_of([1.0], [card("a", "1"), card("b", "2")]))
    stage.topic.advance()
    message = stage.told(frame_of([1.0], [card(name, "1") for name in after]))
    assert [each["id"] for each in message["cards"]] == after
    assert "patch" not in message


def test_a_status_alone_makes_a_message() -> None:
    stage = Stage(frame_of([1.0], [card("a", "1")]))
    stage.topic.advance()
    message = stage.told(frame_of([1.0], [card("a", "1")], status="reconnecting"))
    assert message["status"] == "reconnecting"
    assert not {"delta", "cards", "patch", "base"} & message.keys()


def test_stamps_travel_with_what_they_belong_to() -> None:
    stage = Stage(frame_of([1.0], stamps={"received": 1.5}))
    assert stage.told(stage.frame)["stamps"] == {"received": 1.5}
    assert "stamps" not in stage.told(frame_of([2.0]))


def test_rows_that_drop_off_are_told_by_number() -> None:
    stage = Stage(frame_of([3.0, 4.0, 5.0], first=3))
    stage.topic.advance()
    first = stage.told(frame_of([5.0, 6.0], first=5))
    assert first["delta"]["first_row"] == 2
    assert first["delta"]["from_row"] == 3
    assert first["delta"]["columns"]["price"] == [6.0]
    assert read(stage.topic.snapshot())["base"]["from_row"] == 2


def test_rows_may_be_taken_back() -> None:
    stage, receiver = Stage(frame_of([3.0, 4.0, 5.0], first=3)), Receiver()
    receiver.take(stage.topic.snapshot())
    stage.frame = frame_of([3.0, 4.0], first=3)
    message = stage.topic.advance()
    assert message is not None
    assert read(message)["delta"]["rows"] == 0
    assert receiver.take(message)
    receiver.assert_shows(stage.frame)


def test_a_column_that_is_undefined_is_left_out_and_read_as_undefined() -> None:
    stage, receiver = Stage(frame_of([1.0, 2.0])), Receiver()
    receiver.take(stage.topic.snapshot())
    stage.frame = frame_of([1.0, 2.5])
    message = stage.topic.advance()
    assert message is not None
    assert read(message)["delta"]["columns"] == {"time": [1_000], "price": [2.5]}
    receiver.take(message)
    assert receiver.columns["z"] == [None, None]


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
def test_what_cannot_be_continued_begins_a_new_figure(change: Callable[[PairSeries], PairSeries]) -> None:
    stage = Stage(pair_frame(make_series(ROWS)))
    first = stage.told(stage.frame)
    second = stage.told(pair_frame(change(make_series(ROWS))))
    assert second["figure"] != first["figure"]
    assert second["seq"] == 2
    assert second["base"]["from_row"] == 0
    assert read(stage.topic.window(first["figure"], 1))["base"]


def test_a_corrected_old_row_is_sent_again_with_all_after_it() -> None:
    stage, receiver = Stage(pair_frame(make_series(ROWS))), Receiver()
    receiver.take(stage.topic.snapshot())
    late = make_series(ROWS)
    late.x_price[10] += 5.0
    stage.frame = pair_frame(late)
    message = stage.topic.advance()
    assert message is not None
    assert read(message)["delta"]["from_row"] == 10
    assert receiver.take(message)
    receiver.assert_shows(stage.frame)


def test_whoever_holds_nothing_gets_everything_made_once() -> None:
    stage = Stage(frame_of([1.0, 2.0, 3.0]))
    first = stage.topic.window(None)
    assert read(first)["base"]["columns"]["price"] == [1, 2, 3]
    assert stage.topic.window("somebody-elses") is first
    assert stage.topic.window("somebody-elses", 1) is first
    assert stage.topic.snapshot() is first
    assert stage.asked == 1
    stage.told(frame_of([1.0, 2.0, 4.0]))
    assert read(stage.topic.snapshot())["base"]["columns"]["price"] == [1, 2, 4]


def test_a_window_overlaps_the_last_seconds() -> None:
    stage = Stage(frame_of([0.0]))
    stage.topic.advance()
    for row in range(1, 12):
        stage.clock.s += 1.0
        stage.told(frame_of([float(value) for value in range(row + 1)]))
    message = read(stage.topic.window(stage.topic.figure))
    assert message["delta"]["from_row"] == 11 - OVERLAP_S
    assert message["delta"]["columns"]["price"] == list(range(11 - int(OVERLAP_S), 12))
    assert message["after"] == message["seq"] - OVERLAP_S - 1
    assert message["cards"] == []


def test_whoever_tells_the_newest_message_gets_exactly_what_it_missed() -> None:
    stage = Stage(frame_of([0.0]))
    stage.topic.advance()
    for row in range(1, 5):
        stage.clock.s += 1.0
        stage.told(frame_of([float(value) for value in range(row + 1)]))
    figure = stage.topic.figure
    assert read(stage.topic.window(figure, 3))["delta"]["columns"]["price"] == [3, 4]
    assert read(stage.topic.window(figure, 5))["delta"]["rows"] == 0
    stage.clock.s += OVERLAP_S + 1
    stage.told(frame_of([0.0, 1.0, 2.0, 3.0, 9.0]))
    assert read(stage.topic.window(figure, 5))["delta"]["columns"]["price"] == [9]
    assert "base" in read(stage.topic.window(figure, 4))  # what the fifth changed is not known any more


def test_a_receiver_notices_what_a_window_does_not_reach() -> None:
    """Bars longer than the overlap leave no hole between rows: only the numbers of messages tell."""
    stage, receiver = Stage(frame_of([1.0, 2.0, 3.0])), Receiver()
    receiver.take(stage.topic.snapshot())
    for values in ([1.0, 2.0, 7.0, 4.0], [1.0, 2.0, 7.0, 5.0]):  # lost: the third row's last price
        stage.clock.s += OVERLAP_S + 1
        stage.told(frame_of(values))
    assert not receiver.take(stage.topic.window(receiver.figure))
    assert receiver.take(stage.topic.window(receiver.figure))
    receiver.assert_shows(stage.frame)


def test_a_window_on_a_new_figure_knows_nothing_of_the_one_before() -> None:
    stage, receiver = Stage(frame_of([1.0, 2.0, 3.0])), Receiver()
    stage.topic.advance()
    stage.told(frame_of([1.0, 2.0, 4.0, 5.0]))
    stage.told(frame_of([9.0], look="another"))
    receiver.take(stage.topic.snapshot())
    assert receiver.take(stage.topic.window(receiver.figure))
    stage.told(frame_of([9.5], look="another"))
    assert receiver.take(stage.topic.window(receiver.figure))
    receiver.assert_shows(stage.frame)


ONE_STEP = st.tuples(
    st.integers(0, 3),  # rows that closed
    st.floats(0, 6),  # price of the forming row
    st.none() | st.integers(1, 30),  # a correction so many rows back
    st.sampled_from([0.0, 0.2, 1.0, 4.0, 7.0]),  # seconds since the step before
    st.booleans(),  # whether the message arrives
)


@settings(max_examples=60)
@given(st.lists(ONE_STEP, min_size=1, max_size=40), st.booleans())
def test_whatever_is_lost_the_receiver_ends_with_the_right_rows(steps: list[Any], over_page: bool) -> None:
    """Over the channel a hole is followed by a question; the page asks each time and knows the figure alone."""
    first = pair_frame(make_series(ROWS).last(40))
    look = first.template()  # takes longer than all the rest
    stage, receiver = Stage(replace(first, template=lambda: look)), Receiver()
    rows, corrections = ROWS, dict[int, float]()
    last = (1, 3.0, None, 0.2, True)
    for closed, price, back, seconds, arrives in [*steps, last, last]:
        rows += closed
        stage.clock.s += seconds
        if back is not None:
            corrections[rows - 1 - back] = price
        series = make_series(rows, price=price)
        for row, extra in corrections.items():
            series.x_price[row] += extra
        cards = [card("row", str(rows)), card("price", f"{price:.2f}")][: 1 + rows % 2]
        frame = pair_frame(series.last(40), cards, status=str(rows // 4))  # type: ignore[arg-type]
        stage.frame = replace(frame, template=lambda: look)
        message = stage.topic.advance()
        if over_page:
            message = stage.topic.window(receiver.figure)
        if message is None or not arrives:
            continue
        complete = receiver.take(message)
        if not complete and not over_page:
            complete = receiver.take(stage.topic.window(receiver.figure, receiver.seq))
        if complete:
            receiver.assert_shows(stage.frame)
    receiver.assert_shows(stage.frame)


def test_the_base_of_a_pair_has_no_numbers_outside_its_columns() -> None:
    base = read(Topic("t", lambda: pair_frame(make_series(ROWS))).snapshot())["base"]
    assert all("x" not in trace and "y" not in trace for trace in base["data"])
    assert {trace["meta"]["y"] for trace in base["data"]} == set(base["columns"]) - {"time"}
    assert {tag["text"] for tag in base["layout"]["annotations"]} == {""}
    assert base["layout"]["height"] == pair_figure(make_series(1)).layout.height
    assert base["columns"]["zscore"][0] is None
    assert base["columns"]["time"][:2] == [1_723_100_000_000, 1_723_100_001_000]


def test_numbers_are_rounded_two_digits_beyond_what_is_shown() -> None:
    series = replace(make_series(ROWS), y_price=np.full(ROWS, 2_600.123456789))
    base = read(Topic("t", lambda: pair_frame(series)).snapshot())["base"]
    assert base["columns"]["y_price"][-1] == 2_600.1235


def test_a_typical_update_is_small() -> None:
    def frame(rows: int, price: float) -> Frame:
        cards = [
            Card(
                id=f"card-{number}",
                label="Half-life",
                value=f"{price:,.2f}" if number < 2 else "12.5",
                sub=f"{price:+.4f} in this bar" if number < 2 else "bars",
                tone="neutral",
                title="What it means, in a sentence or two.",
                group="",
            )
            for number in range(14)
        ]
        stamps = dict.fromkeys(("traded", "first", "received", "computed"), 1_790_000_000_123.4)
        return pair_frame(make_series(rows, price=price).last(600), cards, status="[]", stamps=stamps)

    stage = Stage(frame(900, 1.0))
    stage.topic.advance()
    forming, closed = stage.told(frame(900, 2.0)), stage.told(frame(901, 3.0))
    assert forming["delta"]["rows"] == 1
    assert len(forming["patch"]) == 2
    assert len(orjson.dumps(forming)) < UPDATE_BYTES
    assert closed["delta"]["rows"] == 2
    assert len(orjson.dumps(closed)) < 1.5 * UPDATE_BYTES


def test_a_figure_whose_look_failed_once_is_begun_anew() -> None:
    frame = frame_of([1.0, 2.0])

    def broken() -> dict[str, Any]:
        raise ValueError("a defect")

    topic = Topic("topic", lambda: replace(frame, template=broken))
    for _ in range(2):
        with pytest.raises(ValueError, match="a defect"):
            topic.advance()
    topic.source = lambda: frame
    message = topic.advance()
    assert message is not None
    assert "base" in json.loads(message)


def test_the_clock_travels_and_has_gone_on_where_a_message_is_made_later() -> None:
    now_s = 100.0
    topic = Topic("pair", lambda: replace(frame_of([1.0]), clock=(5_000.0, 2.0)), lambda: now_s)
    assert json.loads(topic.advance() or b"")["clock"] == {"now": 5_000.0, "pace": 2.0}
    now_s = 101.0
    assert json.loads(topic.snapshot())["clock"] == {"now": 7_000.0, "pace": 2.0}
    assert topic.advance() is None  # a clock alone is no news
    assert json.loads(topic.window(topic.figure))["clock"] == {"now": 5_000.0, "pace": 2.0}
    assert "clock" not in json.loads(Topic("pair", lambda: frame_of([1.0])).snapshot())
