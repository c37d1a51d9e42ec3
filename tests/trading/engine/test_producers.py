"""Producers: initialized before, running beside, finalized whatever happens."""

import asyncio

import pytest

from alphastream.trading import (
    EventDispatcher,
    FifoQueueEventSource,
    Producer,
    backtesting_dispatcher,
    realtime_dispatcher,
)
from tests.trading.engine.tapes import Mark, queue, run


class Feeder(Producer):
    """Says what happens to it, and may fail in one of its three parts."""

    def __init__(self, log: list[str], name: str = "feeder", fails_in: str = "") -> None:
        self.log, self.name, self.fails_in = log, name, fails_in
        self.source = FifoQueueEventSource(producer=self)

    async def _part(self, part: str) -> None:
        self.log.append(f"{self.name} {part}")
        await asyncio.sleep(0)
        if part == self.fails_in:
            raise ConnectionError(f"{self.name} {part}")

    async def initialize(self) -> None:
        await self._part("initialize")

    async def main(self) -> None:
        await self._part("main")
        for place in range(3):
            self.source.push(Mark(place, f"{self.name} {place}"))
            await asyncio.sleep(0.001)

    async def finalize(self) -> None:
        await self._part("finalize")


class Endless(Feeder):
    """Never returns from main."""

    async def main(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.log.append(f"{self.name} cancelled")


BOTH = pytest.mark.parametrize("make", [backtesting_dispatcher, realtime_dispatcher])


def test_a_backtest_waits_for_mains() -> None:
    log: list[str] = []
    dispatcher = backtesting_dispatcher()
    feeder = Feeder(log, "f")
    dispatcher.subscribe(feeder.source, lambda event: log.append(event.name))
    dispatcher.schedule(10, lambda: log.append("job"))
    run(dispatcher)
    assert log == ["f initialize", "f main", "f 0", "f 1", "f 2", "job", "f finalize"]


def test_what_a_main_pushes_at_once_comes_in_time() -> None:
    class Prompt(Feeder):
        async def main(self) -> None:
            self.source.push(Mark(1, "prompt"))

    log: list[str] = []
    dispatcher = backtesting_dispatcher()
    for source in (queue("a", 2), Prompt([]).source):
        dispatcher.subscribe(source, lambda event: log.append(event.name))
    run(dispatcher)
    assert log == ["prompt", "a0"]


@BOTH
def test_all_are_initialized_before_any_event(make: "type[EventDispatcher]") -> None:
    log: list[str] = []
    dispatcher = make()  # type: ignore[call-arg]
    feeders = [Feeder(log, name) for name in "fgh"]
    shared = FifoQueueEventSource(producer=feeders[0])
    last = FifoQueueEventSource()

    def seen(event: Mark) -> None:
        log.append("event")
        if log.count("event") == 9:
            dispatcher.stop()

    for source in (*(feeder.source for feeder in feeders), shared, last):
        dispatcher.subscribe(source, seen)
    run(dispatcher)
    assert log[:3] == ["f initialize", "g initialize", "h initialize"]
    assert log[-3:] == ["f finalize", "g finalize", "h finalize"]
    assert log.count("f initialize") == 1


@BOTH
@pytest.mark.parametrize("part", ["initialize", "main"])
def test_a_producer_that_fails_ends_the_run_and_all_are_finalized(make: "type[EventDispatcher]", part: str) -> None:
    log: list[str] = []
    dispatcher = make()  # type: ignore[call-arg]
    feeders = [Endless(log, "endless"), Feeder(log, "broken", part)]
    for feeder in feeders:
        dispatcher.subscribe(feeder.source, lambda event: None)
    with pytest.raises(ConnectionError, match=f"broken {part}"):
        run(dispatcher)
    assert log[-2:] == ["endless finalize", "broken finalize"]
    assert ("endless cancelled" in log) == (part == "main")
    assert dispatcher.stopped


@BOTH
def test_a_finalize_that_fails_is_counted(make: "type[EventDispatcher]", caplog: pytest.LogCaptureFixture) -> None:
    log: list[str] = []
    dispatcher = make()  # type: ignore[call-arg]
    feeders = [Feeder(log, "broken", "finalize"), Feeder(log, "other")]
    for feeder in feeders:
        dispatcher.subscribe(feeder.source, lambda event: None)
    dispatcher.stop()
    run(dispatcher)
    assert log[-2:] == ["broken finalize", "other finalize"]
    assert dispatcher.errors == 1
    assert "broken finalize" in caplog.text


@BOTH
def test_stopping_cancels_mains(make: "type[EventDispatcher]") -> None:
    log: list[str] = []
    dispatcher = make()  # type: ignore[call-arg]
    dispatcher.subscribe(Endless(log, "endless").source, lambda event: None)
    dispatcher.subscribe(queue("a", 1), lambda event: dispatcher.stop())
    run(dispatcher)
    assert log == ["endless initialize", "endless cancelled", "endless finalize"]


@BOTH
def test_a_main_may_stop_the_run(make: "type[EventDispatcher]") -> None:
    dispatcher = make()  # type: ignore[call-arg]

    class Stopper(Feeder):
        async def main(self) -> None:
            await asyncio.sleep(0.01)
            dispatcher.stop()

    log: list[str] = []
    dispatcher.subscribe(Stopper(log, "s").source, lambda event: None)
    run(dispatcher)
    assert log == ["s initialize", "s finalize"]


@BOTH
def test_stopping_while_producers_initialize(make: "type[EventDispatcher]") -> None:
    log: list[str] = []
    dispatcher = make()  # type: ignore[call-arg]

    class Slow(Feeder):
        async def initialize(self) -> None:
            asyncio.get_running_loop().call_later(0.01, dispatcher.stop)
            await asyncio.Event().wait()

    dispatcher.subscribe(Slow(log, "slow").source, lambda event: None)
    run(dispatcher)
    assert log == ["slow finalize"]


@BOTH
def test_a_producer_may_come_while_running(make: "type[EventDispatcher]") -> None:
    log: list[str] = []
    dispatcher = make()  # type: ignore[call-arg]
    late = Feeder(log, "late")

    def seen(event: Mark) -> None:
        log.append(event.name)
        if event.name == "late 2":
            dispatcher.stop()

    dispatcher.subscribe(queue("a", 0), lambda event: dispatcher.subscribe(late.source, seen))
    run(dispatcher)
    assert log == ["late initialize", "late main", "late 0", "late 1", "late 2", "late finalize"]


def test_a_producer_that_fails_while_it_is_cancelled_is_counted() -> None:
    class Stubborn(Feeder):
        async def main(self) -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                raise ConnectionError("could not say goodbye") from None

    log: list[str] = []
    dispatcher = backtesting_dispatcher()
    dispatcher.subscribe(Stubborn(log).source, lambda event: None)
    dispatcher.subscribe(queue("a", 1), lambda event: dispatcher.stop())
    run(dispatcher)
    assert dispatcher.errors == 1
