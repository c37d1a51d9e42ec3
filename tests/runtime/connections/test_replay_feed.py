"""A recorded tape as a feed."""

import math
import time

import pytest

from alphastream.errors import FeedBlocked, ParameterError
from alphastream.tape.recordings import Recording
from ingest import Health, Ingest
from runtime.connections.replay_feed import ReplayFeed
from tests.runtime.connections.feed_runs import (
    BTC,
    ETH,
    SECOND,
    SOL,
    SYMBOLS,
    Recorder,
    running,
    until,
)


def test_a_replay_begins_with_its_head_and_says_what_it_is(tape: Recording) -> None:
    recorder = Recorder()
    feed = ReplayFeed(tape, head_s=30.0)
    with running(feed, recorder) as ingest:
        until(lambda: ingest.health.ticks > 700)
        health: Health = ingest.health
        assert health.state == "live"
        assert health.reason.startswith("Replay of Binance USDS-M Futures, recorded 2024-08-08")
        assert set(health.last_tick_ns) == set(SYMBOLS)
        assert abs(ingest.now_ns() - time.time_ns()) < SECOND
        assert recorder.ticks[0].time_ns < ingest.now_ns() - 29 * SECOND
        assert max(health.last_tick_ns.values()) <= ingest.now_ns()
        assert ingest.instruments == {}
    assert recorder.complete


def test_a_fast_replay_lives_in_its_own_time(tape: Recording) -> None:
    recorder = Recorder()
    with running(ReplayFeed(tape, 1_000.0), recorder) as ingest:
        started_ns = ingest.now_ns()
        until(lambda: ingest.health.ticks > 15_000)  # beyond the end of the tape
        assert ingest.now_ns() - started_ns > 300 * SECOND
        assert max(ingest.health.last_tick_ns.values()) <= ingest.now_ns()
    assert recorder.complete


def test_as_fast_as_possible_and_to_its_end(tape: Recording) -> None:
    recorder = Recorder()
    with running(ReplayFeed(tape, math.inf, loop=False), recorder) as ingest:
        until(lambda: ingest.health.reason == "the tape has ended")
        assert ingest.health.state == "stopped"
        assert ingest.now_ns() == recorder.ticks[-1].receive_ns
    assert len(recorder.ticks) == len(tape)


def test_a_replay_step_by_step(tape: Recording) -> None:
    recorder = Recorder()
    feed = ReplayFeed(tape, 0.0)
    with running(feed, recorder) as ingest:
        time.sleep(0.1)
        assert ingest.health.ticks == 0
        feed.step(3)
        until(lambda: ingest.health.ticks == 3)
        feed.step()
        until(lambda: ingest.health.ticks == 4)
        assert ingest.now_ns() == recorder.ticks[-1].receive_ns


def test_a_replay_of_some_symbols(tape: Recording) -> None:
    recorder = Recorder()
    with running(ReplayFeed(tape, 100.0, symbols=[ETH, SOL]), recorder) as ingest:
        until(lambda: ingest.health.ticks > 20)
        assert ingest.health.symbols == (ETH,)
        assert "SOLUSDT is not on the tape" in ingest.health.reason
        with pytest.raises(FeedBlocked, match="it holds BTCUSDT, ETHUSDT"):
            ingest.add_symbol("SOLUSDT")
        assert set(recorder.runs) == {ETH}
        ingest.add_symbol("BTCUSDT")
        until(lambda: BTC in recorder.runs)
    with running(ReplayFeed(tape, symbols=[SOL])) as ingest:
        until(lambda: ingest.health.state == "blocked")


@pytest.mark.parametrize("speed", [-1.0, math.nan])
def test_a_speed_that_is_none_is_refused(tape: Recording, speed: float) -> None:
    with pytest.raises(ParameterError, match="speed is"):
        ReplayFeed(tape, speed)


def test_after_stop_nothing_is_delivered_and_a_second_stop_is_harmless(tape: Recording) -> None:
    recorder = Recorder()
    ingest = Ingest(ReplayFeed(tape, math.inf), recorder.take)
    assert ingest.health.state == "stopped"
    ingest.start()
    until(lambda: recorder.ticks)
    ingest.stop()
    count = len(recorder.ticks)
    ingest.stop()
    time.sleep(0.05)
    assert len(recorder.ticks) == count
