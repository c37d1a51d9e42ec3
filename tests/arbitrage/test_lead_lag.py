"""Who leads: the contrast against sums by hand, planted lags, and feeds of which nothing may be said."""

import numpy as np
import pytest

from alphastream.arbitrage import LeadLag, TopLevels, lead_lag
from alphastream.arbitrage.lead_lag_kernels import block_contrasts
from alphastream.core.types import Floats, Ints
from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.estimators import hayashi_yoshida
from calibration.lead_lag import CONDITIONS, Quoted, coverage
from tests.arbitrage.recorded import FUTURES, recorded_quotes

MS = 10**6
GRID = {"max_lag_ns": 150 * MS, "step_ns": 5 * MS}


def mids(quotes: TopLevels) -> Floats:
    return (quotes.bid_price[:, 0] + quotes.ask_price[:, 0]) / 2.0


def prices(rng: np.random.Generator, rows: int) -> tuple[Ints, Floats]:
    times = np.cumsum(rng.integers(1, 9, rows))
    moves = rng.standard_normal(rows) * (rng.random(rows) < 0.7)
    return times, np.cumsum(moves)


def test_the_contrast_is_the_sum_over_intervals_that_overlap() -> None:
    rng = np.random.default_rng(5)
    (a_time, a_log), (b_time, b_log) = prices(rng, 60), prices(rng, 50)
    lags = np.array([-7, 0, 3])
    bounds = np.array([10, 100, 180])
    found = block_contrasts(a_time, a_log, b_time, b_log, lags, bounds)
    expected = np.zeros((2, 3))
    for k, lag in enumerate(lags.tolist()):
        for i in range(1, 60):
            if a_time[i - 1] < 10 or a_time[i] > 180:
                continue
            for j in range(1, 50):
                overlap = min(a_time[i], b_time[j] - lag) - max(a_time[i - 1], b_time[j - 1] - lag)
                if overlap > 0:
                    block = int(a_time[i] > 100)
                    expected[block, k] += (a_log[i] - a_log[i - 1]) * (b_log[j] - b_log[j - 1])
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_without_a_lag_it_is_the_hayashi_yoshida_covariance() -> None:
    rng = np.random.default_rng(6)
    (a_time, a_log), (b_time, b_log) = prices(rng, 400), prices(rng, 300)
    bounds = np.array([0, a_time[-1]])
    found = block_contrasts(a_time, a_log, b_time, b_log, np.array([0]), bounds)
    expected = hayashi_yoshida(a_time, np.exp(a_log), b_time, np.exp(b_log)).covariance
    assert found.item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("planted_ms", [50, -50])
def test_a_planted_lag_of_recorded_quotes_is_recovered(planted_ms: int) -> None:
    """Futures quotes and the same 50 ms later, every stamp of both off by up to 5 ms."""
    feed, rng = recorded_quotes()[FUTURES], np.random.default_rng(3)
    stamps = [
        np.maximum.accumulate(feed.receive_ns + shift * MS + rng.integers(-5 * MS, 5 * MS, len(feed.receive_ns)))
        for shift in (0, planted_ms)
    ]
    answer = lead_lag(
        stamps[0], mids(feed), stamps[1], mids(feed), max_lag_ns=100 * MS, step_ns=5 * MS, error_ns=10 * MS
    )
    assert answer.low_ns <= planted_ms * MS <= answer.high_ns
    assert abs(answer.lag_ns - planted_ms * MS) <= 10 * MS
    assert answer.leader == ("first" if planted_ms > 0 else "second")


def test_a_planted_lag_within_the_clock_error_is_not_called_a_lead() -> None:
    answer = of(Quoted(50), 1, error_ms=60)
    assert answer.low_ns <= 50 * MS <= answer.high_ns
    assert answer.low_ns <= -10 * MS
    assert answer.leader is None


def of(condition: Quoted, seed: int, error_ms: int = 0) -> LeadLag:
    return lead_lag(*condition.draw(np.random.default_rng(seed)), **GRID, error_ns=error_ms * MS)


def test_one_feed_twice_with_shuffled_stamps_tells_no_lead() -> None:
    feed = recorded_quotes()[FUTURES]
    for seed in range(10):
        rng = np.random.default_rng(seed)
        stamps = [
            np.maximum.accumulate(feed.receive_ns + rng.integers(-10 * MS, 10 * MS, len(feed.receive_ns)))
            for _ in range(2)
        ]
        answer = lead_lag(stamps[0], mids(feed), stamps[1], mids(feed), max_lag_ns=100 * MS, step_ns=5 * MS)
        assert answer.leader is None
        assert answer.low_ns <= 0 <= answer.high_ns


def test_two_shuffles_of_one_feed_tell_no_lead() -> None:
    """The same moves in two random orders have nothing in common."""
    feed = recorded_quotes()[FUTURES]
    moves = np.diff(np.log(mids(feed)), prepend=np.log(mids(feed)[0]))
    named = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        one, other = (np.exp(np.cumsum(rng.permutation(moves))) for _ in range(2))
        answer = lead_lag(feed.receive_ns, one, feed.receive_ns, other, max_lag_ns=100 * MS, step_ns=5 * MS)
        named += answer.leader is not None
    assert named <= 1


@pytest.mark.parametrize("name", ["50 ms, 20 a second each", "0 ms", "nothing in common"])
def test_the_set_holds_the_true_lag(name: str) -> None:
    """A small version of ``python -m calibration.lead_lag``."""
    counted = coverage(CONDITIONS[name], runs=25)
    assert counted.covered >= 0.88
    assert counted.wrong <= 0.08


def test_both_ways_round_it_is_the_same() -> None:
    a_time, a_price, b_time, b_price = Quoted(40, noise=0.3).draw(np.random.default_rng(2))
    one, other = lead_lag(a_time, a_price, b_time, b_price, **GRID), lead_lag(b_time, b_price, a_time, a_price, **GRID)
    assert other.lag_ns == pytest.approx(-one.lag_ns, abs=5 * MS)
    assert (one.leader, other.leader) == ("first", "second")


def test_what_is_refused() -> None:
    times, some = np.arange(1_000) * MS, np.exp(np.random.default_rng(0).standard_normal(1_000) * 1e-4)
    with pytest.raises(NotEnoughObservations, match="changes of each price"):
        lead_lag(times[:200], some[:200], times, some, max_lag_ns=20 * MS, step_ns=MS)
    with pytest.raises(NotEnoughObservations):
        lead_lag(times[:0], some[:0], times, some, max_lag_ns=20 * MS, step_ns=MS)
    with pytest.raises(ParameterError, match=r"cover 0.8 s, lags up to 100 ms need 24.0 s"):
        lead_lag(times, some, times, some, max_lag_ns=100 * MS, step_ns=MS)
    with pytest.raises(ParameterError, match="runs backwards at row 1"):
        lead_lag(times[::-1], some, times, some, max_lag_ns=20 * MS, step_ns=MS)
    with pytest.raises(ParameterError, match="no numbers > 0"):
        lead_lag(times, -some, times, some, max_lag_ns=20 * MS, step_ns=MS)
    with pytest.raises(ParameterError, match="one length"):
        lead_lag(times, some[1:], times, some, max_lag_ns=20 * MS, step_ns=MS)
    with pytest.raises(ParameterError, match="make step_ns larger"):
        lead_lag(times, some, times, some, max_lag_ns=20_000 * MS, step_ns=MS)
