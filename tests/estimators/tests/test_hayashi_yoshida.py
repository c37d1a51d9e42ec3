"""Hayashi-Yoshida against the double loop of its definition."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.estimators.tests.hayashi_yoshida import hayashi_yoshida

Times = list[int]


def covariance_by_definition(a: list[tuple[int, float]], b: list[tuple[int, float]]) -> float:
    total = 0.0
    for (start_a, p), (end_a, q) in itertools.pairwise(a):
        for (start_b, r), (end_b, s) in itertools.pairwise(b):
            if max(start_a, start_b) < min(end_a, end_b):
                total += math.log(q / p) * math.log(s / r)
    return total


ticks = st.dictionaries(st.integers(0, 40), st.floats(0.5, 2.0), min_size=2, max_size=30).map(
    lambda tape: sorted(tape.items())
)


@given(ticks, ticks)
def test_equals_the_double_loop(a: list[tuple[int, float]], b: list[tuple[int, float]]) -> None:
    if len({price for _, price in a}) == 1 or len({price for _, price in b}) == 1:
        return
    result = hayashi_yoshida(*zip(*a, strict=True), *zip(*b, strict=True))
    variance_a = sum(math.log(q / p) ** 2 for (_, p), (_, q) in itertools.pairwise(a))
    variance_b = sum(math.log(q / p) ** 2 for (_, p), (_, q) in itertools.pairwise(b))
    assert result.covariance == pytest.approx(covariance_by_definition(a, b), abs=1e-12)
    assert result.correlation == pytest.approx(result.covariance / math.sqrt(variance_a * variance_b), rel=1e-9)
    assert (result.variance_a, result.variance_b) == pytest.approx((variance_a, variance_b), rel=1e-9)


def sampled(walk: NDArray[np.float64], keep: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    time = np.flatnonzero(np.random.default_rng(seed).random(walk.size) < keep)
    return time, np.exp(0.001 * walk[time])


def test_asynchronous_ticks_keep_the_correlation_that_bars_lose() -> None:
    rng = np.random.default_rng(0)
    common, own_a, own_b = rng.normal(size=(3, 60_000))
    walk_a, walk_b = np.cumsum(common * 0.9 + own_a * np.sqrt(0.19)), np.cumsum(common * 0.9 + own_b * np.sqrt(0.19))
    (time_a, price_a), (time_b, price_b) = sampled(walk_a, 0.1, 1), sampled(walk_b, 0.05, 2)
    truth = 0.81
    assert hayashi_yoshida(time_a, price_a, time_b, price_b).correlation == pytest.approx(truth, abs=0.06)
    grid = np.arange(100, 60_000, 5)
    bars = [
        np.diff(np.log(p[np.searchsorted(t, grid, "right") - 1])) for t, p in ((time_a, price_a), (time_b, price_b))
    ]
    assert np.corrcoef(bars)[0, 1] < 0.4


def test_of_one_instant_the_last_tick_counts() -> None:
    once = hayashi_yoshida([0, 5, 9], [1.0, 1.2, 1.1], [0, 4, 9], [2.0, 2.5, 2.2])
    twice = hayashi_yoshida([0, 5, 5, 9], [1.0, 7.0, 1.2, 1.1], [0, 0, 4, 9], [9.0, 2.0, 2.5, 2.2])
    assert once == twice
    assert (twice.n_a, twice.n_b) == (3, 3)


def test_scale_of_prices_and_origin_of_time_do_not_matter() -> None:
    rng = np.random.default_rng(3)
    time_a, time_b = np.cumsum(rng.integers(1, 9, size=(2, 200)), axis=1)
    price_a, price_b = np.exp(0.01 * np.cumsum(rng.normal(size=(2, 200)), axis=1))
    plain = hayashi_yoshida(time_a, price_a, time_b, price_b)
    origin = 1_700_000_000_000_000_000
    moved = hayashi_yoshida(time_a + origin, 1e-8 * price_a, time_b + origin, 1e8 * price_b)
    assert moved.correlation == pytest.approx(plain.correlation, rel=1e-9)
    stamps_a, stamps_b = (time.astype("datetime64[ns]") for time in (time_a, time_b))
    assert hayashi_yoshida(stamps_a, price_a, stamps_b, price_b) == plain


def test_swapping_the_legs_swaps_nothing_else() -> None:
    a, b = ([0, 3, 4, 8], [1.0, 1.1, 1.3, 1.2]), ([1, 2, 6, 7], [2.0, 1.9, 2.4, 2.2])
    assert hayashi_yoshida(*a, *b).covariance == pytest.approx(hayashi_yoshida(*b, *a).covariance, rel=1e-12)


def test_what_cannot_be_correlated_is_refused_in_words() -> None:
    good: tuple[Times, list[float]] = ([0, 1, 2], [1.0, 2.0, 1.5])
    with pytest.raises(NotEnoughObservations, match="needs 2 observations, has 1"):
        hayashi_yoshida([5, 5], [1.0, 2.0], *good)
    with pytest.raises(NotEnoughObservations, match="needs 2 observations, has 0"):
        hayashi_yoshida(*good, np.empty(0, dtype=np.int64), [])
    with pytest.raises(ParameterError, match="time_b runs backwards at row 2"):
        hayashi_yoshida(*good, [0, 7, 3], [1.0, 2.0, 1.5])
    with pytest.raises(ParameterError, match="row 1 of price_a is 0"):
        hayashi_yoshida([0, 1, 2], [1.0, 0.0, 1.5], *good)
    with pytest.raises(ParameterError, match="row 2 of price_a is nan"):
        hayashi_yoshida([0, 1, 2], [1.0, 2.0, math.nan], *good)
    with pytest.raises(ParameterError, match="price_b never moves"):
        hayashi_yoshida(*good, [0, 1, 2], [3.0, 3.0, 3.0])
    with pytest.raises(ParameterError, match="time_a has 2 rows and price_a has 3"):
        hayashi_yoshida([0, 1], [1.0, 2.0, 1.5], *good)
    with pytest.raises(ParameterError, match="time_a needs integers"):
        hayashi_yoshida([0.0, 1.0, 2.0], [1.0, 2.0, 1.5], *good)
