"""IdRuns against a plain set."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphastream.errors import ParameterError
from alphastream.tape.id_ranges import IdRuns

IDS = st.integers(min_value=0, max_value=60)
# A set of 40 ids out of 60 runs together often; ids near 2**63 show that nothing is narrower than a venue's numbers.
STEPS = st.lists(st.tuples(st.sampled_from(["add", "add", "add", "discard", "drop_below"]), IDS), max_size=120)


def holes_of(known: set[int]) -> list[int]:
    return [i for i in range(min(known), max(known)) if i not in known] if known else []


@given(STEPS, st.sampled_from([0, 2**63 - 100]))
def test_any_steps_leave_what_a_set_would_hold(steps: list[tuple[str, int]], offset: int) -> None:
    runs, known = IdRuns(), set[int]()
    for step, small in steps:
        value = small + offset
        if step == "add":
            assert runs.add(value) is (value not in known)
            known.add(value)
        elif step == "discard":
            assert runs.discard(value) is (value in known)
            known.discard(value)
        else:
            assert runs.drop_below(value) == sum(i < value for i in known)
            known = {i for i in known if i >= value}
        assert list(runs) == sorted(known)
        assert len(runs) == len(known)
        assert runs.missing == len(holes_of(known))
        assert [i for a, b in runs.gaps() for i in range(a, b + 1)] == holes_of(known)
        assert (runs.first, runs.last) == ((min(known), max(known)) if known else (None, None))
        assert all((i + offset in runs) is (i + offset in known) for i in range(61))


@given(st.sets(IDS))
def test_pairs_restore_an_equal_and_independent_set(known: set[int]) -> None:
    runs = IdRuns()
    for value in known:
        runs.add(value)
    restored, twin = IdRuns(runs.pairs()), runs.copy()
    assert restored == runs == twin
    assert len(restored) == len(twin) == len(known)
    twin.add(61)
    assert 61 not in runs
    assert twin != runs


@given(st.sets(IDS, min_size=1))
def test_runs_never_touch(known: set[int]) -> None:
    runs = IdRuns()
    for value in sorted(known, reverse=True):
        runs.add(value)
    pairs = runs.pairs()
    assert all(b + 1 < c for (_, b), (c, _) in pairwise(pairs))


@pytest.mark.parametrize("pairs", [[(5, 4)], [(1, 3), (4, 6)], [(1, 3), (2, 6)], [(7, 9), (1, 3)]])
def test_pairs_that_are_no_runs_are_refused(pairs: list[tuple[int, int]]) -> None:
    with pytest.raises(ParameterError, match="first <= last"):
        IdRuns(pairs)


def test_a_set_of_ids_is_equal_to_sets_only_and_never_a_key() -> None:
    assert IdRuns([(1, 2)]) != [(1, 2)]
    assert "1" not in IdRuns([(1, 2)])
    assert repr(IdRuns([(1, 2)])) == "IdRuns([(1, 2)])"
    with pytest.raises(TypeError):
        hash(IdRuns())
