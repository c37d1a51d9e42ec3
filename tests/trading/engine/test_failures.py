"""Handlers and jobs that raise: logged, counted, and the run goes on or stops as told."""

import asyncio
import logging

import pytest

from alphastream.trading import BacktestingDispatcher, EventDispatcher, RealtimeDispatcher
from tests.trading.engine.tapes import Mark, Scripted, queue, run


def made(kind: str, concurrent: int) -> EventDispatcher:
    if kind == "backtest":
        return BacktestingDispatcher(concurrent)
    dispatcher = RealtimeDispatcher(concurrent)
    dispatcher.subscribe_idle(dispatcher.stop)
    return dispatcher


@pytest.mark.parametrize("concurrent", [1, 4])
@pytest.mark.parametrize("kind", ["backtest", "live"])
@pytest.mark.parametrize("others", [0, 1])
@pytest.mark.parametrize("awaited", [False, True])
def test_a_handler_that_raises(
    kind: str, concurrent: int, others: int, awaited: bool, caplog: pytest.LogCaptureFixture
) -> None:
    log: list[str] = []
    dispatcher = made(kind, concurrent)
    source = queue("a", 1, 2, 3)

    def raises(event: Mark) -> None:
        if event.name == "a1":
            raise LookupError("no such price")

    async def raises_later(event: Mark) -> None:
        await asyncio.sleep(0)
        raises(event)

    dispatcher.subscribe(source, raises_later if awaited else raises)
    if others:
        dispatcher.subscribe(source, lambda event: log.append(event.name))
    run(dispatcher)
    assert dispatcher.errors == 1
    assert isinstance(dispatcher.last_error, LookupError)
    assert log == ["a0", "a1", "a2"][: 3 * others]
    assert dispatcher.dispatched == 3
    records = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(records) == 1
    assert "no such price" in caplog.text
    assert "raises" in records[0].getMessage()
    assert "Mark" in records[0].getMessage()


@pytest.mark.parametrize("kind", ["backtest", "live"])
@pytest.mark.parametrize("others", [0, 1])
def test_it_stops_if_told(kind: str, others: int) -> None:
    log: list[str] = []
    dispatcher = made(kind, 1)
    dispatcher.stop_on_handler_exceptions = True
    source = queue("a", 1, 2, 3)

    def raises(event: Mark) -> None:
        log.append(event.name)
        if event.name == "a1":
            raise ZeroDivisionError

    dispatcher.subscribe(source, raises)
    if others:
        dispatcher.subscribe(source, lambda event: log.append(f"then {event.name}"))
    run(dispatcher)
    assert log == (["a0", "then a0", "a1"] if others else ["a0", "a1"])
    assert dispatcher.errors == 1
    assert dispatcher.dispatched == 2


@pytest.mark.parametrize("kind", ["backtest", "live"])
@pytest.mark.parametrize("concurrent", [1, 4])
@pytest.mark.parametrize("stops", [False, True])
def test_a_job_that_raises(kind: str, concurrent: int, stops: bool) -> None:
    log: list[str] = []
    dispatcher = made(kind, concurrent)
    dispatcher.stop_on_handler_exceptions = stops

    def raises() -> None:
        raise ZeroDivisionError

    async def raises_later() -> None:
        await asyncio.sleep(0)
        raise ZeroDivisionError

    dispatcher.schedule(1, raises)
    if not stops:
        dispatcher.schedule(2, raises_later)
    dispatcher.schedule(3, lambda: log.append("job"))
    run(dispatcher)
    assert dispatcher.errors == (1 if stops else 2)
    assert log == ([] if stops else ["job"])


def test_a_start_and_an_idle_handler_that_raise() -> None:
    dispatcher = made("live", 50)
    assert isinstance(dispatcher, RealtimeDispatcher)

    def raises() -> None:
        raise ZeroDivisionError

    dispatcher.subscribe_event_loop_started(raises)
    dispatcher.subscribe_idle(raises)
    run(dispatcher)
    assert dispatcher.errors == 2


@pytest.mark.parametrize("kind", ["backtest", "live"])
def test_a_source_that_raises_ends_the_run(kind: str) -> None:
    class Broken(Scripted):
        def pop(self) -> None:
            raise OSError("file is gone")

    dispatcher = made(kind, 1)
    dispatcher.subscribe(Broken(), lambda event: None)
    with pytest.raises(OSError, match="file is gone"):
        run(dispatcher)
    assert dispatcher.stopped
