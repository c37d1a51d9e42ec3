"""Durations in buckets: counted as numpy counts them, in memory that does not grow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphastream.core.durations import BOUNDS_S, DurationHistogram, Durations

SECONDS = st.lists(st.floats(-1.0, 500.0), min_size=1, max_size=150)


@given(SECONDS)
def test_counts_are_those_of_a_plain_loop(seconds: list[float]) -> None:
    histogram = DurationHistogram()
    for start, end in ((0, 7), (7, 14), (14, None)):  # few at once and many
        histogram.add(seconds[start:end])
    expected = [0] * (len(BOUNDS_S) + 1)
    for value in seconds:
        expected[next((place for place, bound in enumerate(BOUNDS_S) if value <= bound), len(BOUNDS_S))] += 1
    counted = histogram.snapshot()
    assert counted.counts == tuple(expected)
    assert counted.total == len(seconds)
    assert counted.sum_s == pytest.approx(sum(seconds), abs=1e-9)


@given(SECONDS, st.floats(0.01, 1.0))
def test_a_bound_keeps_at_least_the_share_and_the_one_below_less(seconds: list[float], share: float) -> None:
    histogram = DurationHistogram()
    histogram.add(seconds)
    bound = histogram.snapshot().at_most_s(share)
    assert bound is not None
    assert sum(value <= bound for value in seconds) >= share * len(seconds)
    below = [each for each in BOUNDS_S if each < bound]
    if below:
        assert sum(value <= below[-1] for value in seconds) < share * len(seconds)


def test_weights_count_as_often() -> None:
    weighted, repeated = DurationHistogram(), DurationHistogram()
    weighted.add([0.003, 0.003, 7.0], [2, 3, 4])
    repeated.add([0.003] * 5 + [7.0] * 4)
    assert weighted.snapshot().counts == repeated.snapshot().counts
    assert weighted.snapshot().sum_s == pytest.approx(repeated.snapshot().sum_s)


def test_nothing_counted_has_no_bound_and_sums_add_up() -> None:
    assert Durations().at_most_s(0.5) is None
    both = Durations((1, *[0] * 16), 0.5) + Durations((2, *[0] * 15, 1), 300.0)
    assert both == Durations((3, *[0] * 15, 1), 300.5)
    assert both.at_most_s(1.0) == np.inf
