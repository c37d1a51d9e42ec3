"""Waking and stopping: other threads, signals, cancelling."""

import asyncio
import os
import signal
import threading
import time

import pytest

from alphastream.trading import (
    DispatchError,
    Event,
    FifoQueueEventSource,
    RealtimeDispatcher,
    backtesting_dispatcher,
    realtime_dispatcher,
)
from alphastream.trading.engine.events import Dated
from tests.trading.engine.tapes import Mark, Scripted, queue, run


def test_a_push_from_another_thread_wakes_it() -> None:
    log: list[tuple[str, int]] = []
    dispatcher = realtime_dispatcher()
    source = FifoQueueEventSource()
    asleep = threading.Semaphore(0)

    def on_event(event: Mark) -> None:
        log.append((event.name, threading.get_ident()))
        if event.name == "b":
            dispatcher.stop()

    def pushes() -> None:
        for name in "ab":
            asleep.acquire()
            source.push(Mark(1, name))

    dispatcher.subscribe(source, on_event)
    dispatcher.subscribe_idle(asleep.release)
    thread = threading.Thread(target=pushes)
    thread.start()
    run(dispatcher)
    thread.join()
    assert log == [("a", threading.get_ident()), ("b", threading.get_ident())]


def test_many_threads_lose_no_event() -> None:
    """A push that falls between the last look into a queue and sleep must not be forgotten."""
    threads, each = 4, 300
    dispatcher = realtime_dispatcher()
    sources = [FifoQueueEventSource() for _ in range(threads)]

    def counted(event: Event) -> None:
        if dispatcher.dispatched == threads * each:
            dispatcher.stop()

    def pushes(source: FifoQueueEventSource) -> None:
        for place in range(each):
            source.push(Event(place))
            if place % 7 == 0:
                time.sleep(0)

    for source in sources:
        dispatcher.subscribe(source, counted)
    workers = [threading.Thread(target=pushes, args=(source,)) for source in sources]
    for worker in workers:
        dispatcher.subscribe_event_loop_started(worker.start)
    run(dispatcher)
    for worker in workers:
        worker.join()
    assert dispatcher.dispatched == threads * each


def test_a_push_just_before_it_falls_asleep_is_not_overslept() -> None:
    dispatcher = realtime_dispatcher()
    source = FifoQueueEventSource()
    dispatcher.subscribe(source, lambda event: dispatcher.stop())
    sleep = dispatcher._sleep

    async def pushed_at_the_last_moment() -> None:
        if not dispatcher.dispatched:
            source.push(Mark(1, "a"))
        await sleep()

    dispatcher._sleep = pushed_at_the_last_moment  # type: ignore[method-assign]
    run(dispatcher)
    assert dispatcher.dispatched == 1


def test_a_push_between_an_empty_look_and_its_mark_is_found() -> None:
    class Raced(FifoQueueEventSource):
        raced = False

        def pop(self) -> Dated | None:
            event = super().pop()
            if event is None and not self.raced:
                self.raced = True
                self.push(Mark(1, "a"))  # as another thread would, right after the look
            return event

    dispatcher = backtesting_dispatcher()
    dispatcher.subscribe(Raced(), lambda event: None)
    run(dispatcher)
    assert dispatcher.dispatched == 1


def test_stop_from_another_thread_ends_a_run_that_sleeps_or_waits() -> None:
    for waits in (False, True):
        dispatcher = RealtimeDispatcher(1)
        ended: list[str] = []

        async def forever(event: Event, ended: list[str] = ended) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append("cancelled")

        if waits:
            dispatcher.subscribe(queue("a", 1), forever)
        thread = threading.Timer(0.02, dispatcher.stop)
        thread.start()
        run(dispatcher)
        thread.join()
        assert dispatcher.stopped
        assert ended == ["cancelled"] * waits


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_and_its_handler_is_put_back(number: signal.Signals) -> None:
    dispatcher = realtime_dispatcher()
    dispatcher.subscribe_idle(lambda: os.kill(os.getpid(), number))

    def mine(*_: object) -> None:
        """Whoever handled it before."""

    async def runs() -> None:
        signal.signal(number, mine)
        await asyncio.wait_for(dispatcher.run(), 20)
        assert signal.getsignal(number) is mine

    before = signal.getsignal(number)
    try:
        asyncio.run(runs())
    finally:
        signal.signal(number, before)
    assert dispatcher.stopped


def test_a_signal_stops_a_busy_backtest() -> None:
    dispatcher = backtesting_dispatcher()
    source = queue("a", 1)

    def again(event: Mark) -> None:
        source.push(Mark(event.when_ns + 1, "a"))
        if event.when_ns == 100:
            os.kill(os.getpid(), signal.SIGTERM)

    dispatcher.subscribe(source, again)
    asyncio.run(asyncio.wait_for(dispatcher.run(stop_signals=[signal.SIGTERM]), 20))
    assert dispatcher.dispatched >= 100


def test_signals_outside_the_main_thread_are_refused_in_words() -> None:
    errors: list[str] = []

    def runs() -> None:
        try:
            asyncio.run(realtime_dispatcher().run())
        except DispatchError as error:
            errors.append(str(error))

    thread = threading.Thread(target=runs)
    thread.start()
    thread.join()
    assert "run(stop_signals=[])" in errors[0]


def test_a_job_scheduled_by_another_thread_wakes_it() -> None:
    dispatcher = realtime_dispatcher()
    thread = threading.Timer(0.02, dispatcher.schedule, (1, dispatcher.stop))
    thread.start()
    run(dispatcher)
    thread.join()
    assert dispatcher.stopped


def test_a_source_that_does_not_announce_is_asked_while_idle() -> None:
    dispatcher = realtime_dispatcher()
    silent = Scripted()
    dispatcher.subscribe(silent, lambda event: dispatcher.stop())
    thread = threading.Timer(0.02, silent.events.append, (Mark(1, "a"),))
    thread.start()
    run(dispatcher)
    thread.join()
    assert dispatcher.dispatched == 1


def test_sources_may_come_while_it_sleeps() -> None:
    log: list[str] = []
    dispatcher = realtime_dispatcher()

    def on_event(event: Mark) -> None:
        log.append(event.name)
        dispatcher.stop()

    thread = threading.Timer(0.02, dispatcher.subscribe, (queue("a", 1), on_event))
    thread.start()
    run(dispatcher)
    thread.join()
    assert log == ["a0"]


def test_cancelling_a_run_that_stops_is_not_swallowed() -> None:
    async def cancels() -> None:
        dispatcher = realtime_dispatcher()
        task = asyncio.create_task(dispatcher.run(stop_signals=[]))

        def both() -> None:
            dispatcher.stop()
            task.cancel()

        dispatcher.schedule(1, both)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancels())


def test_cancelling_the_run_is_not_swallowed() -> None:
    async def cancels() -> None:
        dispatcher = realtime_dispatcher()
        task = asyncio.create_task(dispatcher.run(stop_signals=[]))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert dispatcher.stopped

    asyncio.run(cancels())
