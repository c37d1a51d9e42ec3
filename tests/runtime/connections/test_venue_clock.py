"""A venue's clock under a computer's clock that jumps."""

import time

import pytest

from runtime.connections import picows_client, venue_clock
from runtime.connections.venue_clock import VenueClock
from tests.runtime.connections.feed_runs import SECOND, exchange_with, live_feed, running, until


class Clocks:
    """A wall clock that can be set, and one that cannot."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall_ns, self.steady_ns = 1_700_000_000 * SECOND, 5 * SECOND
        monkeypatch.setattr(time, "time_ns", lambda: self.wall_ns)
        monkeypatch.setattr(time, "monotonic_ns", lambda: self.steady_ns)
        monkeypatch.setattr(time, "monotonic", lambda: self.steady_ns / SECOND)

    def pass_by(self, seconds: float) -> None:
        self.wall_ns += int(seconds * SECOND)
        self.steady_ns += int(seconds * SECOND)


class AnHourBack:
    """The computer's clocks after the one on the wall was set; the exchange goes by the right time."""

    monotonic, monotonic_ns = staticmethod(time.monotonic), staticmethod(time.monotonic_ns)

    @staticmethod
    def time_ns() -> int:
        return time.time_ns() - 3_600 * SECOND


def test_a_jump_of_the_wall_clock_moves_the_offset_by_as_much(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks, clock = Clocks(monkeypatch), VenueClock()
    assert clock.is_due()
    assert clock.offset_ns() is None
    asked_ns = clock.asking()
    clocks.pass_by(0.2)
    clock.told(clocks.wall_ns + 3 * SECOND - SECOND // 10, asked_ns)
    assert clock.offset_ns() == 3 * SECOND
    clocks.pass_by(60)
    assert clock.offset_ns() == 3 * SECOND
    clocks.wall_ns -= 3_600 * SECOND
    assert clock.offset_ns() == 3_603 * SECOND
    clocks.wall_ns += 2 * 3_600 * SECOND
    assert clock.offset_ns() == -3_597 * SECOND
    assert not clock.is_due()
    clocks.pass_by(venue_clock.ASK_AGAIN_S)
    assert clock.is_due()


def test_a_feed_asks_again_and_outlives_a_clock_that_jumps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(venue_clock, "ASK_AGAIN_S", 0.1)
    with exchange_with() as exchange, running(live_feed(exchange)) as ingest:

        def asked() -> int:
            return sum(each.endswith("/time") for each in exchange.requests)

        until(lambda: ingest.health.state == "live" and asked() > 2)
        assert abs(ingest.health.clock_offset_ns or 0) < SECOND
        monkeypatch.setattr(venue_clock, "ASK_AGAIN_S", 600.0)
        for module in (venue_clock, picows_client):
            monkeypatch.setattr(module, "time", AnHourBack)
        until(lambda: (ingest.health.clock_offset_ns or 0) > 3_599 * SECOND)
        ticks = ingest.health.ticks
        until(lambda: ingest.health.ticks > ticks + 50)
        assert ingest.health.lag_ns is not None
        assert abs(ingest.health.lag_ns) < 10 * SECOND
        assert ingest.health.reconnects == 0
