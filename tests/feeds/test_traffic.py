"""What went over a feed's connections: breaks are told once, rates forget, weights are those of a minute."""

import pytest

from alphastream.feeds.traffic import KEPT, Break, Healed, Traffic


def test_attempts_for_one_reason_are_one_break_until_a_tick_comes() -> None:
    traffic = Traffic()
    traffic.delivered({"BTCUSDT": 1}, 0.0)
    for at_s in (1.0, 2.0, 4.0):
        traffic.broke(int(at_s), at_s, "connecting", "cannot be reached")
    traffic.broke(5, 5.0, "blocked", "HTTP 418")
    assert traffic.counts(6.0).breaks == (
        Break(1, "connecting", "cannot be reached", 3),
        Break(5, "blocked", "HTTP 418"),
    )
    traffic.delivered({"BTCUSDT": 1}, 9.0)
    assert [each.lasted_s for each in traffic.counts(9.0).breaks] == [8.0, 8.0]
    traffic.broke(10, 10.0, "connecting", "cannot be reached")
    assert len(traffic.counts(10.0).breaks) == 3


def test_only_the_newest_are_kept() -> None:
    traffic = Traffic()
    for number in range(KEPT + 7):
        traffic.broke(number, float(number), "connecting", f"reason {number}")
        traffic.heal(Healed("BTCUSDT", number, number, 1, number))
    counts = traffic.counts(0.0)
    assert [each.time_ns for each in counts.breaks] == list(range(7, KEPT + 7))
    assert [each.first for each in counts.healed] == list(range(7, KEPT + 7))


def test_rates_are_those_of_the_last_seconds_by_symbol() -> None:
    traffic = Traffic()
    for tenth in range(600):
        traffic.delivered({"BTCUSDT": 5} if tenth >= 300 else {"BTCUSDT": 1, "ETHUSDT": 2}, tenth / 10)
    counts = traffic.counts(59.9)
    assert counts.ticks == {"BTCUSDT": 300 * 5 + 300, "ETHUSDT": 600}
    assert counts.rates["BTCUSDT"] == pytest.approx(50.0, rel=0.1)
    assert counts.rates["ETHUSDT"] == 0.0
    assert traffic.counts(80.0).rates["BTCUSDT"] <= 50 / 20, "at most the last second, over the silence since"


def test_a_rate_of_no_time_is_not_known() -> None:
    traffic = Traffic()
    traffic.delivered({"BTCUSDT": 1_000}, 5.0)
    assert traffic.counts(5.2).rates == {}


def test_weight_of_the_last_minute_beside_all_of_it() -> None:
    traffic = Traffic()
    for at_s in (0.0, 30.0, 61.0):
        traffic.asked(20, at_s)
    counts = traffic.counts(61.0)
    assert (counts.rest_requests, counts.rest_weight, counts.rest_weight_minute) == (3, 60, 40)
    assert traffic.counts(200.0).rest_weight_minute == 0
