"""When a busy connection is read: never a message waits longer than it may, and a quiet one is read at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.connections.read_pace import LOOK_S, ReadPace

LONGEST_S, ENOUGH = 0.005, 16


def reads(rate: float) -> tuple[list[float], list[int]]:
    """Play a steady stream: pauses between reads, and messages of each, once the pace is known."""
    pace, at_s, seen = ReadPace(LONGEST_S, ENOUGH), 100.0, 0
    seconds = max(2.0, 10.0 / rate)
    pauses, counts = [], []
    while at_s < 100.0 + seconds:
        came = max(int((at_s - 100.0) * rate) - seen, 1)  # a read waits for one at least
        seen += came
        due_s = pace.due_s(at_s, came)
        if at_s > 100.0 + 2 * LOOK_S:
            pauses.append(due_s - at_s)
            counts.append(came)
        at_s = max(due_s, 100.0 + (seen + 1) / rate)
    return pauses, counts


@pytest.mark.parametrize("rate", [1.0, 30.0, 300.0, 700.0])
def test_a_connection_that_brings_little_is_read_at_once(rate: float) -> None:
    pauses, _ = reads(rate)
    assert set(pauses) == {0.0}


@pytest.mark.parametrize("rate", [3_200.0, 12_000.0, 100_000.0])
def test_a_busy_one_is_read_once_enough_has_come(rate: float) -> None:
    _, counts = reads(rate)
    assert sum(counts) / len(counts) == pytest.approx(ENOUGH, rel=0.15)


@given(st.lists(st.tuples(st.floats(0.0, 1.0), st.integers(0, 10_000)), max_size=60))
def test_no_message_waits_longer_than_it_may(steps: list[tuple[float, int]]) -> None:
    pace, at_s = ReadPace(LONGEST_S, ENOUGH), 0.0
    for pause_s, messages in steps:
        at_s += pause_s
        assert at_s <= pace.due_s(at_s, messages) <= at_s + LONGEST_S


def test_after_a_burst_the_first_message_does_not_wait() -> None:
    pace = ReadPace(LONGEST_S, ENOUGH)
    for step in range(300):
        due_s = pace.due_s(step * 0.001, 10)
    assert due_s > 0.299
    assert pace.due_s(10.0, 1) == 10.0
