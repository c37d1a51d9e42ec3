"""Backtests: jobs, time, subscriptions while running, concurrency, the end."""

import asyncio
import logging
import threading
from datetime import UTC, datetime, timedelta

import pytest

from alphastream.errors import ParameterError
from alphastream.trading import (
    BacktestingDispatcher,
    DispatchError,
    Event,
    FifoQueueEventSource,
    backtesting_dispatcher,
)
from tests.trading.engine.tapes import Mark, Scripted, queue, run

DAY = datetime(2024, 1, 1, tzinfo=UTC)


def test_time_is_that_of_the_event() -> None:
    log = []
    dispatcher = backtesting_dispatcher()
    with pytest.raises(DispatchError, match="no time before its first event"):
        dispatcher.now()
    assert not dispatcher.now_available
    source = FifoQueueEventSource(events=[Event(DAY), Event(DAY + timedelta(hours=1))])
    dispatcher.subscribe(source, lambda event: log.append((dispatcher.now(), dispatcher.dispatched)))
    run(dispatcher)
    assert log == [(DAY, 1), (DAY + timedelta(hours=1), 2)]
    assert dispatcher.now() == DAY + timedelta(hours=1)
    assert dispatcher.now_ns == source_ns(DAY) + 3600 * 10**9


def source_ns(when: datetime) -> int:
    return Event(when).when_ns


def test_an_empty_run_ends() -> None:
    dispatcher = backtesting_dispatcher()
    run(dispatcher)
    assert dispatcher.stopped
    assert dispatcher.dispatched == dispatcher.errors == 0


def test_functions_and_coroutine_functions() -> None:
    log: list[str] = []
    dispatcher = backtesting_dispatcher()
    source = queue("a", 1, 2)

    async def waits(event: Mark) -> None:
        await asyncio.sleep(0)
        log.append(f"waited for {event.name}")

    def returns(event: Mark) -> str:
        log.append(event.name)
        return "what nobody awaits"

    dispatcher.subscribe(source, waits)
    dispatcher.subscribe(source, returns)
    run(dispatcher)
    assert log == ["waited for a0", "a0", "waited for a1", "a1"]
    assert dispatcher.errors == 0


def test_a_single_coroutine_handler_is_awaited() -> None:
    log: list[str] = []
    dispatcher = backtesting_dispatcher()

    async def waits(event: Mark) -> None:
        await asyncio.sleep(0)
        log.append(event.name)

    dispatcher.subscribe(queue("a", 1, 2, 3), waits)
    run(dispatcher)
    assert log == ["a0", "a1", "a2"]


def test_jobs_run_before_the_events_of_their_moment() -> None:
    log: list[object] = []
    dispatcher = backtesting_dispatcher()
    dispatcher.subscribe(queue("a", 10_000, 20_000), lambda event: log.append(event.name))

    def job(name: str) -> None:
        log.append((name, dispatcher.now_ns))

    async def awaited() -> None:
        await asyncio.sleep(0)
        job("awaited")

    dispatcher.schedule(20_000, lambda: job("second"))
    dispatcher.schedule(20_000, lambda: job("third"))
    dispatcher.schedule(5_000, lambda: job("first"))
    dispatcher.schedule(datetime(1970, 1, 1, tzinfo=UTC), awaited)
    dispatcher.schedule(30_000, lambda: job("last"))
    run(dispatcher)
    assert log == [
        *(("awaited", 0), ("first", 5_000), "a0", ("second", 20_000), ("third", 20_000), "a1", ("last", 30_000)),
    ]


def test_a_job_of_the_past_runs_before_the_next_event_and_moves_no_clock() -> None:
    log: list[object] = []
    dispatcher = backtesting_dispatcher()

    def on_event(event: Mark) -> None:
        log.append(event.name)
        if event.name == "a1":
            dispatcher.schedule(0, lambda: log.append(dispatcher.now_ns))

    dispatcher.subscribe(queue("a", 1, 2, 3), on_event)
    run(dispatcher)
    assert log == ["a0", "a1", 2, "a2"]


def test_jobs_that_follow_jobs_after_the_last_event_run() -> None:
    log: list[int] = []
    dispatcher = backtesting_dispatcher()
    dispatcher.subscribe(queue("a", 1), lambda event: dispatcher.schedule(2, chained))

    def chained() -> None:
        log.append(dispatcher.now_ns)
        if len(log) < 6:
            dispatcher.schedule(dispatcher.now_ns + 5, chained)

    run(dispatcher)
    assert log == [2, 7, 12, 17, 22, 27]
    assert dispatcher.abandoned_jobs == 0


def test_an_endless_chain_is_cut_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    dispatcher = BacktestingDispatcher(chain_limit=3)
    beats: list[int] = []
    echo = FifoQueueEventSource()

    def beat() -> None:
        beats.append(dispatcher.now_ns)
        dispatcher.schedule(dispatcher.now_ns + 10, beat)
        echo.push(Event(dispatcher.now_ns + 1))  # events made by a job do not begin a new count

    dispatcher.schedule(10, beat)
    dispatcher.subscribe(queue("a", 35), lambda event: None)
    dispatcher.subscribe(echo, lambda event: None)
    with caplog.at_level(logging.WARNING):
        run(dispatcher)
    assert beats[:3] == [10, 20, 30]
    assert len(beats) == 3 + 1 + 3  # the one pending at the last event, and three generations after it
    assert dispatcher.abandoned_jobs == 1
    assert "chain_limit=3" in caplog.text


def test_a_job_may_bring_events_back() -> None:
    log: list[str] = []
    dispatcher = backtesting_dispatcher()
    source = queue("a", 1)
    dispatcher.subscribe(source, lambda event: log.append(event.name))
    dispatcher.schedule(5, lambda: source.push(Mark(6, "late comer")))
    dispatcher.schedule(7, lambda: log.append("job"))
    run(dispatcher)
    assert log == ["a0", "late comer", "job"]


def test_the_start_is_told_once() -> None:
    log: list[object] = []
    dispatcher = backtesting_dispatcher()

    async def started() -> None:
        log.append(dispatcher.now_ns)
        dispatcher.schedule(3_000, lambda: log.append(("job", dispatcher.now_ns)))

    for _ in range(2):
        dispatcher.subscribe_event_loop_started(started)
    dispatcher.subscribe(queue("a", 5_000), lambda event: log.append(event.name))
    run(dispatcher)
    assert log == [5_000, ("job", 3_000), "a0"]


def test_sources_and_handlers_may_come_while_running() -> None:
    log: list[str] = []
    dispatcher = backtesting_dispatcher()
    first, second = queue("a", 1, 3, 5), queue("b", 2, 4)

    def on_first(event: Mark) -> None:
        log.append(event.name)
        dispatcher.subscribe(second, lambda event: log.append(event.name)) if event.name == "a0" else None
        if event.name == "a1":
            dispatcher.subscribe(first, lambda event: log.append(f"also {event.name}"))
            dispatcher.subscribe_all(lambda event: log.append(f"front {event.name}"), front_run=True)

    dispatcher.subscribe(first, on_first)
    run(dispatcher)
    assert log == ["a0", "b0", "a1", "front b1", "b1", "front a2", "a2", "also a2"]


def test_a_source_that_does_not_announce_is_asked_again() -> None:
    log: list[str] = []
    dispatcher = backtesting_dispatcher()
    silent = Scripted()

    def feed(event: Mark) -> None:
        log.append(event.name)
        silent.events.append(Mark(event.when_ns, f"answer to {event.name}"))

    dispatcher.subscribe(silent, lambda event: log.append(event.name))
    dispatcher.subscribe(queue("a", 1, 2), feed)
    run(dispatcher)
    assert log == ["a0", "answer to a0", "a1", "answer to a1"]


def test_stopping_in_a_handler_calls_nothing_more() -> None:
    log: list[str] = []
    dispatcher = backtesting_dispatcher()
    source = queue("a", 1, 2, 3)

    async def stops(event: Mark) -> None:
        log.append(event.name)
        if event.name == "a1":
            dispatcher.stop()
            await asyncio.sleep(0)
            log.append("went on to its end")

    dispatcher.subscribe(source, stops)
    dispatcher.subscribe(source, lambda event: log.append(f"then {event.name}"))
    dispatcher.schedule(9, lambda: log.append("job"))
    run(dispatcher)
    assert dispatcher.stopped
    assert log == ["a0", "then a0", "a1", "went on to its end"]


def test_stopped_before_it_ran() -> None:
    dispatcher = backtesting_dispatcher()
    dispatcher.subscribe(queue("a", 1), lambda event: None)
    dispatcher.stop()
    run(dispatcher)
    assert dispatcher.dispatched == 0


def test_a_dispatcher_runs_once() -> None:
    dispatcher = backtesting_dispatcher()
    run(dispatcher)
    with pytest.raises(DispatchError, match="has run already: make a new one"):
        run(dispatcher)


def test_a_source_belongs_to_one_dispatcher_until_it_stops() -> None:
    source = queue("a", 1)
    first, second = backtesting_dispatcher(), backtesting_dispatcher()
    first.subscribe(source, lambda event: None)
    with pytest.raises(DispatchError, match="subscribed at another dispatcher"):
        second.subscribe(source, lambda event: None)
    run(first)
    source.push(Mark(2, "b"))
    second.subscribe(source, lambda event: None)
    run(second)
    assert second.dispatched == 1


def test_handlers_of_one_moment_overlap_if_allowed() -> None:
    log: list[str] = []
    dispatcher = backtesting_dispatcher(max_concurrent=2)
    running = 0
    most = 0

    async def waits(event: Mark) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        now_ns = dispatcher.now_ns
        for _ in range(3):
            await asyncio.sleep(0)
        assert dispatcher.now_ns == now_ns == event.when_ns
        running -= 1
        log.append(event.name)

    for name in "abc":
        source = queue(name, 1, 2)
        dispatcher.subscribe(source, waits)
        dispatcher.subscribe(source, lambda event: log.append(f"then {event.name}"))
    dispatcher.schedule(2, lambda: log.append("job"))
    run(dispatcher)
    assert most == 2
    assert log.index("job") > max(log.index(name) for name in ("a0", "b0", "c0", "then c0"))
    assert [log.index(f"then {name}") > log.index(name) for name in ("a0", "b0", "c0", "a1", "b1", "c1")] == [True] * 6
    assert len(log) == 13


def test_time_waits_for_handlers_in_flight() -> None:
    seen: list[int] = []
    dispatcher = backtesting_dispatcher(max_concurrent=8)

    async def waits(event: Mark) -> None:
        await asyncio.sleep(0)
        seen.append(dispatcher.now_ns - event.when_ns)

    for name in "ab":
        dispatcher.subscribe(queue(name, 1, 2, 2, 3), waits)
    run(dispatcher)
    assert seen == [0] * 8


def test_other_tasks_have_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alphastream.trading.engine.backtesting.BURST", 10)
    turns: list[int] = []
    dispatcher = backtesting_dispatcher()
    dispatcher.subscribe(queue("a", *range(100)), lambda event: None)

    async def beside() -> None:
        while not dispatcher.stopped:
            turns.append(dispatcher.dispatched)
            await asyncio.sleep(0)

    async def both() -> None:
        await asyncio.gather(beside(), dispatcher.run(stop_signals=[]))

    asyncio.run(both())
    assert {10, 50, 90} <= set(turns)


def test_runs_in_any_thread() -> None:
    log: list[Event] = []
    dispatcher = backtesting_dispatcher()
    dispatcher.subscribe(queue("a", 1, 2), log.append)
    thread = threading.Thread(target=run, args=(dispatcher,))
    thread.start()
    thread.join()
    assert len(log) == 2


@pytest.mark.parametrize("build", [lambda: backtesting_dispatcher(0), lambda: BacktestingDispatcher(chain_limit=-1)])
def test_settings_out_of_range(build: "type[BacktestingDispatcher]") -> None:
    with pytest.raises(ParameterError, match=r"or more|at least 1"):
        build()


def test_a_timer_does_not_go_on_for_long_after_the_last_event() -> None:
    for made, expected in ((backtesting_dispatcher(), 1 + 10), (backtesting_dispatcher(chain_limit=0), 1)):
        beats: list[int] = []

        def beat(made: BacktestingDispatcher = made, beats: list[int] = beats) -> None:
            beats.append(made.now_ns)
            made.schedule(made.now_ns + 10, beat)

        made.schedule(10, beat)
        made.subscribe(queue("a", 5), lambda event: None)
        run(made)
        assert len(beats) == expected
        assert made.abandoned_jobs == 1


def test_errors_are_told_to_who_overrides_on_error() -> None:
    told: list[str] = []

    class Telling(BacktestingDispatcher):
        def on_error(self, error: Exception) -> None:
            told.append(str(error))
            raise RuntimeError("and this one is only logged")

    def fail(event: object) -> None:
        raise ValueError("of a handler")

    dispatcher = Telling()
    assert dispatcher.current_event_dt is None
    dispatcher.subscribe(queue("a", 5, 6), fail)
    run(dispatcher)
    assert told == ["of a handler", "of a handler"]
    assert dispatcher.errors == 2
    assert dispatcher.current_event_dt == dispatcher.now()
