"""What was missed is fetched, whatever made the gap, and what cannot be is told once."""

from pathlib import Path

import pytest

from runtime.connections import refill
from storage import TickStore
from tests.runtime.connections.feed_runs import BTC, SYMBOLS, Recorder, exchange_with, live_feed, running, until
from tools.exchange import JumpIds, SkipIds


def test_what_the_recorder_loses_later_is_fetched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refill, "LOOK_AGAIN_S", (0.2, 0.4))
    recorder = Recorder()
    with exchange_with(SkipIds(after=20, count=10)) as exchange, running(live_feed(exchange), recorder) as ingest:
        until(lambda: ingest.health.backfilled >= 10 and recorder.complete)
        first = recorder.runs[BTC].first
        assert first is not None
        for lost in (first + 1, first + 2):  # a disk was full: given up, and no other trade says so
            recorder.runs[BTC].discard(lost)
        until(lambda: recorder.complete)
        assert ingest.health.unfillable == ()
        assert ingest.health.reconnects == 0


def test_one_id_that_cannot_be_right_asks_for_nothing(tmp_path: Path) -> None:
    with (
        TickStore(tmp_path / "tape.db") as store,
        exchange_with(JumpIds(after=20), SkipIds(after=40, count=5)) as exchange,
    ):
        recorder = Recorder()
        recorder.take, recorder.gaps = store.append, store.gaps  # type: ignore[assignment,method-assign]
        with running(live_feed(exchange), recorder) as ingest:
            until(lambda: ingest.health.backfilled >= 5)  # a hole after the jump is seen all the same
            until(lambda: ingest.health.state == "live" and not any(store.gaps(symbol) for symbol in SYMBOLS))
            assert ingest.health.unfillable == ()
            assert sum("aggTrades" in request for request in exchange.requests) <= 4
            assert not any("%3A" in request for request in exchange.requests)  # the venue never sees its own name
            assert all(held.last_id < 10**13 for symbol in SYMBOLS if (held := store.coverage(symbol)) is not None)
