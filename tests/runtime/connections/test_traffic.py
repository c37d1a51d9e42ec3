"""What a live feed counts of its connections, against the local exchange."""

from tests.runtime.connections.feed_runs import Recorder, exchange_with, live_feed, running, until
from tools.exchange.faults import Drop, SkipIds


def test_bytes_weights_and_lags_are_those_of_what_was_delivered() -> None:
    recorder = Recorder()
    with exchange_with() as exchange, running(live_feed(exchange), recorder) as ingest:
        until(lambda: ingest.health.ticks > 100)
        ingest.stop()
        counts = ingest.health.traffic
        assert counts.transport.startswith("picows ")
        assert counts.bytes_received > 100 * ingest.health.ticks
        assert counts.rest_requests >= 2, "symbols and time were asked for"
        assert 0 < counts.rest_weight == counts.rest_weight_minute <= counts.rest_weight_allowed
        assert sum(counts.ticks.values()) == ingest.health.ticks == len(recorder.ticks)
        cut_off = counts.lag.total - (ingest.health.ticks - ingest.health.backfilled)
        assert cut_off == 0
        assert counts.breaks == ()


def test_a_lost_connection_is_listed_with_its_reason() -> None:
    with exchange_with(Drop(after=20)) as exchange, running(live_feed(exchange)) as ingest:
        until(lambda: ingest.health.reconnects and ingest.health.traffic.breaks[0].lasted_s is not None)
        (lost,) = ingest.health.traffic.breaks
        assert "the connection was lost" in lost.reason
        assert lost.state == "connecting"


def test_what_was_fetched_afterwards_is_listed() -> None:
    recorder = Recorder()
    with exchange_with(SkipIds(after=20, count=50)) as exchange, running(live_feed(exchange), recorder) as ingest:
        until(lambda: ingest.health.backfilled >= 50 and recorder.complete)
        healed = ingest.health.traffic.healed
        assert sum(each.ticks for each in healed) == ingest.health.backfilled
        assert all(each.last - each.first + 1 >= each.ticks for each in healed)
