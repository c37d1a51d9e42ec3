"""Live runs: what is due, what is late, what waits, what overlaps."""

import asyncio
from datetime import timedelta

import pytest

from alphastream.errors import ParameterError
from alphastream.trading import (
    EventOrderError,
    FifoQueueEventSource,
    RealtimeDispatcher,
    realtime_dispatcher,
    utc_now,
)
from alphastream.trading.engine.realtime import Late
from tests.trading.engine.tapes import Mark, queue, run

MS = 1_000_000


class HandClock:
    """A clock that a test sets."""

    def __init__(self, now_ns: int) -> None:
        self.now_ns = now_ns

    def __call__(self) -> int:
        return self.now_ns


def test_the_past_is_dispatched_in_order_then_it_is_idle() -> None:
    log: list[str] = []
    dispatcher = realtime_dispatcher()
    for source in (queue("a", 1, 3), queue("b", 2, 3, priority=1)):
        dispatcher.subscribe(source, lambda event: log.append(event.name))
    dispatcher.subscribe_idle(dispatcher.stop)
    dispatcher.subscribe_event_loop_started(lambda: log.append("started"))
    run(dispatcher)
    assert log == ["started", "a0", "b0", "b1", "a1"]
    assert (dispatcher.dispatched, dispatcher.late, dispatcher.errors) == (4, 0, 0)


def test_now_is_the_clock() -> None:
    assert abs(realtime_dispatcher().now() - utc_now()) < timedelta(hours=1)
    assert RealtimeDispatcher(clock=lambda: 5_000).now_ns == 5_000


@pytest.mark.parametrize("concurrent", [1, 50])
def test_idle_is_told_once_each_time_and_nothing_polls(concurrent: int) -> None:
    """Between idle and the push nothing may run: the number of the loop's turns is what is counted."""
    idles: list[int] = []
    sleeps = 0
    dispatcher = RealtimeDispatcher(concurrent)
    source = FifoQueueEventSource()
    sleep = dispatcher._sleep

    async def counted() -> None:
        nonlocal sleeps
        sleeps += 1
        await sleep()

    dispatcher._sleep = counted  # type: ignore[method-assign]

    async def idle() -> None:
        idles.append(dispatcher.dispatched)
        await asyncio.sleep(0)
        if len(idles) == 3:
            dispatcher.stop()

    async def pushes() -> None:
        for name in "ab":
            await asyncio.sleep(0.02)
            source.push(Mark(1, name))

    dispatcher.subscribe(source, lambda event: None)
    dispatcher.subscribe_idle(idle)
    dispatcher.subscribe_idle(idle)

    async def both() -> None:
        await asyncio.gather(pushes(), dispatcher.run(stop_signals=[]))

    asyncio.run(both())
    assert idles == [0, 1, 2]
    assert sleeps <= 6  # one of 20 ms each; polling every millisecond would be 40


@pytest.mark.parametrize(("late", "seen"), [("drop", ["a0", "a2"]), ("accept", ["a0", "a1", "a2"])])
def test_late_events_are_counted_and(late: Late, seen: list[str], caplog: pytest.LogCaptureFixture) -> None:
    log: list[str] = []
    dispatcher = RealtimeDispatcher(late=late)
    dispatcher.subscribe(queue("a", 20_000, 10_000, 20_000), lambda event: log.append(event.name))
    dispatcher.subscribe(queue("b", 1), lambda event: None)  # an older event of another source is not late
    dispatcher.subscribe_idle(dispatcher.stop)
    run(dispatcher)
    assert log == seen
    assert dispatcher.late == 1
    assert dispatcher.dispatched == len(seen) + 1
    assert "1970-01-01T00:00:00.000010+00:00" in caplog.text
    assert "1970-01-01T00:00:00.000020+00:00" in caplog.text


def test_late_events_may_end_the_run() -> None:
    dispatcher = RealtimeDispatcher(late="error")
    dispatcher.subscribe(queue("a", 20_000, 10_000), lambda event: None)
    with pytest.raises(EventOrderError, match=r"00\.000010\+00:00 after one of 1970-01-01T00:00:00\.000020"):
        run(dispatcher)
    assert dispatcher.late == 1


def test_an_unknown_way_with_late_events() -> None:
    with pytest.raises(ParameterError, match=r"'count': it is one of 'drop', 'accept', 'error'"):
        RealtimeDispatcher(late="count")  # type: ignore[arg-type]


def test_the_future_waits_and_holds_up_nothing() -> None:
    log: list[str] = []
    clock = HandClock(100)
    dispatcher = RealtimeDispatcher(clock=clock)
    ahead, other = queue("ahead", 300, 200, 90), queue("other", 95, 250)

    def idle() -> None:
        log.append(f"idle at {clock.now_ns}")
        clock.now_ns += 100
        if clock.now_ns > 300:
            dispatcher.stop()

    for source in (ahead, other):
        dispatcher.subscribe(source, lambda event: log.append(event.name))
    dispatcher.subscribe_idle(idle)
    run(dispatcher)
    assert log == ["ahead2", "other0", "idle at 100", "ahead1", "idle at 200", "other1", "ahead0", "idle at 300"]
    assert dispatcher.late == 0


def test_what_waited_does_not_upset_the_order_of_its_source() -> None:
    log: list[str] = []
    clock = HandClock(100)
    dispatcher = RealtimeDispatcher(clock=clock)
    source = queue("a", 300, 90)

    def idle() -> None:
        if clock.now_ns == 350:
            dispatcher.stop()
        else:
            clock.now_ns = 350
            source.push(Mark(310, "a2"))
            source.push(Mark(305, "a3"))

    dispatcher.subscribe(source, lambda event: log.append(event.name))
    dispatcher.subscribe_idle(idle)
    run(dispatcher)
    assert log == ["a1", "a0", "a2"]
    assert dispatcher.late == 1


def test_events_and_jobs_of_the_future_come_in_order_when_their_time_has_come() -> None:
    log: list[str] = []
    dispatcher = realtime_dispatcher()
    start_ns = dispatcher.now_ns
    dispatcher.subscribe(queue("a", start_ns + 20 * MS, start_ns + 30 * MS), lambda event: log.append(event.name))
    dispatcher.schedule(utc_now() + timedelta(milliseconds=25), lambda: log.append("job"))
    dispatcher.schedule(start_ns + 35 * MS, dispatcher.stop)
    dispatcher.schedule(1, lambda: log.append("overdue"))
    run(dispatcher)
    assert dispatcher.now_ns >= start_ns + 35 * MS
    assert log == ["overdue", "a0", "job", "a1"]


@pytest.mark.parametrize("concurrent", [1, 2, 50])
def test_slow_handlers_overlap_as_far_as_allowed(concurrent: int) -> None:
    dispatcher = RealtimeDispatcher(concurrent)
    running: list[str] = []
    most = 0
    log: list[str] = []

    async def slow(event: Mark) -> None:
        nonlocal most
        running.append(event.name)
        most = max(most, len(running))
        for _ in range(20):
            await asyncio.sleep(0)
        running.remove(event.name)
        log.append(event.name)

    def idle() -> None:
        assert not running  # whoever waits is not idle
        if len(log) == 10:
            dispatcher.stop()

    dispatcher.subscribe(queue("a", *range(10)), slow)
    dispatcher.subscribe_idle(idle)
    run(dispatcher)
    assert log == [f"a{place}" for place in range(10)]
    assert most == min(concurrent, 10)
    assert dispatcher.errors == 0


def test_what_is_in_flight_at_the_end_is_cancelled() -> None:
    ended: list[str] = []
    dispatcher = realtime_dispatcher()

    async def forever(event: Mark) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(event.name)

    dispatcher.subscribe(queue("a", 1, 2), forever)
    dispatcher.schedule(dispatcher.now_ns + 20 * MS, lambda: source.push(Mark(1, "b")))
    source = FifoQueueEventSource()
    dispatcher.subscribe(source, lambda event: dispatcher.stop())

    async def runs() -> None:
        await dispatcher.run(stop_signals=[])
        assert sorted(ended) == ["a0", "a1"]  # not only when asyncio sweeps up

    asyncio.run(runs())
