"""Waits before another attempt."""

from runtime.backoff import Backoff


def test_backoff_is_full_jitter_and_repeatable() -> None:
    backoff = Backoff(1.0, 8.0, seed=3)
    waits = [backoff.next_s() for _ in range(2_000)]
    for attempt, bound in enumerate((1.0, 2.0, 4.0, 8.0)):
        assert 0.0 <= waits[attempt] <= bound
    assert max(waits) <= 8.0
    assert max(waits[3:]) > 7.5
    assert min(waits[3:]) < 0.5
    again = Backoff(1.0, 8.0, seed=3)
    assert [again.next_s() for _ in range(2_000)] == waits
    backoff.reset()
    assert backoff.next_s() <= 1.0


def test_equal_jitter_keeps_half_of_the_bound_and_none_all_of_it() -> None:
    equal = Backoff(1.0, 8.0, jitter=0.5, seed=3)
    for failures, bound in ((0, 1.0), (1, 2.0), (2, 4.0), (3, 8.0), (4, 8.0), (2_000, 8.0)):
        waits = [equal.after_s(failures) for _ in range(500)]
        assert 0.5 * bound <= min(waits) < 0.6 * bound
        assert 0.9 * bound < max(waits) <= bound
    plain = Backoff(1.0, 30.0, jitter=0.0)
    assert [plain.next_s() for _ in range(7)] == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
