"""The ingest thread: what it says when the recorder or the feed itself fails."""

import threading
from collections.abc import Sequence

import pytest

from alphastream.events import Tick
from alphastream.feeds.feed import FeedContext
from alphastream.tape.recordings import Recording, read_tape
from ingest import Ingest
from runtime.connections.replay_feed import ReplayFeed
from tests.runtime.connections.feed_runs import BUNDLED, Recorder, exchange_with, live_feed, running, until


@pytest.fixture(scope="module")
def tape() -> Recording:
    return read_tape(BUNDLED)


def test_a_recorder_that_fails_is_named_and_served_on(caplog: pytest.LogCaptureFixture) -> None:
    recorder = Recorder()
    broken = threading.Event()
    broken.set()

    def take(ticks: Sequence[Tick]) -> None:
        if broken.is_set():
            raise OSError("disk full")
        recorder.take(ticks)

    with exchange_with() as exchange:
        ingest = Ingest(live_feed(exchange), take, recorder.gaps)
        ingest.start()
        until(lambda: ingest.health.failed_batches > 5)
        assert "the recorder did not take the last ticks (OSError: disk full)" in ingest.health.reason
        assert ingest.health.ticks == 0
        broken.clear()
        until(lambda: ingest.health.ticks > 50)
        assert "disk full" not in ingest.health.reason
        assert ingest.health.failed_batches > 5
        ingest.stop()
    assert sum("did not take" in record.message for record in caplog.records) == 1


def test_a_recorder_that_does_not_know_its_gaps_does_not_end_the_feed() -> None:
    def gaps(symbol: str) -> list[tuple[int, int]]:
        raise OSError(f"{symbol}: file is gone")

    with exchange_with() as exchange:
        ingest = Ingest(live_feed(exchange), Recorder().take, gaps)
        ingest.start()
        until(lambda: "does not know its gaps" in ingest.health.reason or ingest.health.ticks > 100)
        ticks = ingest.health.ticks
        until(lambda: ingest.health.ticks > ticks + 50)
        ingest.stop()


def test_a_defect_of_the_feed_is_said_and_the_feed_begins_again(
    tape: Recording, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("ingest.RESTART_S", (0.3, 0.6))
    feed = ReplayFeed(tape, 50.0)
    play, failures = feed.run, [ZeroDivisionError("a defect"), ZeroDivisionError("another")]

    def run(context: FeedContext) -> None:
        if failures:
            raise failures.pop(0)
        play(context)

    monkeypatch.setattr(feed, "run", run)
    with running(feed) as ingest:
        until(lambda: "ended by a defect (ZeroDivisionError: a defect), begins again" in ingest.health.reason)
        assert ingest.health.state == "connecting"
        assert ingest.health.next_attempt_ns is not None
        until(lambda: ingest.health.state == "live" and ingest.health.ticks > 0)
    assert caplog.text.count("ended by a defect") == 2
