"""Ids that go on, leave some out, begin anew, or cannot be right."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphastream.feeds.id_watch import IdWatch
from alphastream.tape.ring import MOST_SKIPPED

SECOND = 10**9


def note(watch: IdWatch, ids: list[int], time_s: float = 0.0) -> str:
    return watch.note("A", np.array(ids), np.full(len(ids), int((1_000 + time_s) * SECOND)))


@pytest.mark.parametrize(
    ("ids", "verdict"),
    [
        ([11, 12, 13], "goes on"),
        ([12, 13], "hole"),
        ([11, 13], "hole"),
        ([11, 11, 12, 10, 13], "goes on"),
        ([13, 12, 11], "hole"),
        ([9, 10], "goes on"),
        ([11, 11, 11, 14], "hole"),
        ([10 + MOST_SKIPPED], "hole"),
    ],
)
def test_what_the_next_ids_say(ids: list[int], verdict: str) -> None:
    watch = IdWatch()
    assert note(watch, [10]) == "hole"  # what was before nobody knows
    assert note(watch, ids) == verdict
    assert watch.newest("A") == max(10, *ids)


def test_one_id_that_cannot_be_right_changes_nothing() -> None:
    watch = IdWatch()
    note(watch, [10])
    assert note(watch, [11, 10**15, 12]) == "goes on"
    assert note(watch, [10**15 + 7]) == "goes on"  # does not go on from the other one
    assert note(watch, [13]) == "goes on"
    assert note(watch, [15]) == "hole"
    assert watch.newest("A") == 15


def test_a_second_one_that_goes_on_from_it_makes_it_true() -> None:
    watch = IdWatch()
    note(watch, [10])
    assert [note(watch, [10**15]), note(watch, [10**15 + 1])] == ["goes on", "hole"]
    assert watch.newest("A") == 10**15 + 1


def test_known_ids_at_a_later_time_begin_anew() -> None:
    watch = IdWatch()
    note(watch, [1_000, 1_001])
    assert note(watch, [5], time_s=10) == "goes on"
    assert note(watch, [6], time_s=10) == "anew"
    assert note(watch, [7], time_s=11) == "goes on"
    assert note(watch, [500], time_s=0) == "hole"
    assert note(watch, [3, 4], time_s=-5) == "goes on"  # late, not anew


def test_a_new_connection_may_have_missed_some() -> None:
    watch = IdWatch()
    note(watch, [1])
    watch.begin()
    assert [note(watch, [2]), note(watch, [3])] == ["hole", "goes on"]
    watch.forget("A")
    assert watch.newest("A") is None
    assert note(watch, [4]) == "hole"


@given(parts=st.lists(st.lists(st.integers(0, 40), min_size=1, max_size=6), min_size=1, max_size=8))
def test_a_hole_is_seen_however_the_ids_are_parted(parts: list[list[int]]) -> None:
    watch, newest = IdWatch(), None
    for ids in parts:
        verdict = note(watch, ids)
        left_out = newest is None
        for number in ids:
            left_out = left_out or (newest is not None and number > newest + 1)
            newest = number if newest is None else max(newest, number)
        if len(ids) == 1 or parts[0] is not ids:  # the first burst has no id before it
            assert (verdict == "hole") == left_out
        assert watch.newest("A") == newest


def test_ids_that_prove_nothing_make_a_hole_at_the_beginning_of_a_connection_only() -> None:
    watch, second = IdWatch(numbered=False), np.array([10**9])
    assert [watch.note("A", np.array([number]), second) for number in (5, 10**15, 9)] == ["hole", "goes on", "goes on"]
    watch.begin()
    assert watch.note("A", np.array([10**16]), second) == "hole"
    assert watch.newest("A") == 10**16
