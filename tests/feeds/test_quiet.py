"""Instruments that go quiet, each measured by its own pace."""

import random

import pytest

from alphastream.feeds.quiet import QuietWatch


def after(watch: QuietWatch, paces: dict[str, float], seconds: float, start_s: float = 0.0, seed: int = 1) -> float:
    """Let instruments trade at their paces, trades a second, at random times."""
    chance, now_s = random.Random(seed), start_s
    while now_s < start_s + seconds:
        now_s += 0.25
        counts = {
            symbol: count
            for symbol, pace in paces.items()
            if (count := sum(chance.random() < pace / 100 for _ in range(25)))
        }
        watch.heard(counts, now_s)
    return now_s


def test_one_that_stops_is_told_after_a_minute_and_until_it_trades_again() -> None:
    watch = QuietWatch()
    now_s = after(watch, {"A": 20.0, "B": 10.0}, 600)
    assert watch.quiet(["A", "B"], now_s) == {}
    now_s = after(watch, {"A": 20.0}, 59, now_s)
    assert watch.quiet(["A", "B"], now_s) == {}
    now_s = after(watch, {"A": 20.0}, 5, now_s)
    assert watch.quiet(["A", "B"], now_s).keys() == {"B"}
    now_s = after(watch, {"A": 20.0}, 36_000, now_s)
    assert watch.quiet(["A", "B"], now_s)["B"] > 36_000  # silence does not become what is expected
    assert watch.quiet(["A"], now_s) == {}
    watch.heard({"B": 1}, now_s)
    assert watch.quiet(["A", "B"], now_s) == {}


@pytest.mark.parametrize("pace", [0.05, 0.2, 1.0])
def test_a_slow_one_is_given_its_time(pace: float) -> None:
    watch = QuietWatch()
    now_s = after(watch, {"A": 20.0, "SLOW": pace}, 7_200)
    for _ in range(20):
        now_s = after(watch, {"A": 20.0, "SLOW": pace}, 60, now_s, seed=int(now_s))
        assert watch.quiet(["A", "SLOW"], now_s) == {}
    now_s = after(watch, {"A": 20.0}, 15.0 / pace, now_s)
    assert watch.quiet(["A", "SLOW"], now_s).keys() <= ({"SLOW"} if pace == 1.0 else set())
    now_s = after(watch, {"A": 20.0}, 60.0 + 45.0 / pace, now_s)
    assert watch.quiet(["A", "SLOW"], now_s).keys() == {"SLOW"}


def test_where_all_are_silent_none_is_quiet() -> None:
    watch = QuietWatch()
    now_s = after(watch, {"A": 20.0, "B": 10.0}, 600)
    assert watch.quiet(["A", "B"], now_s + 500.0) == {}


def test_a_time_without_a_connection_is_no_silence() -> None:
    watch = QuietWatch()
    now_s = after(watch, {"A": 20.0, "B": 10.0}, 600) + 3_600.0
    watch.begin(now_s)
    now_s = after(watch, {"A": 20.0}, 10, now_s)
    assert watch.quiet(["A", "B"], now_s) == {}
    now_s = after(watch, {"A": 20.0}, 60, now_s)
    assert watch.quiet(["A", "B"], now_s).keys() == {"B"}
    watch.forget("B")
    assert watch.quiet(["A", "B"], now_s) == {}


def test_a_pace_must_be_known_first() -> None:
    watch = QuietWatch()
    watch.heard({"NEW": 3}, 1.0)
    now_s = after(watch, {"A": 20.0}, 5_000)
    assert watch.quiet(["A", "NEW"], now_s) == {}
