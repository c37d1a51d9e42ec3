"""One order for the same input, whatever the process, the priorities and the ties."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphastream.trading import Event, EventOrderError, FifoQueueEventSource, backtesting_dispatcher
from tests.trading.engine.tapes import Mark, Scripted, queue, run

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = """
from alphastream.trading import FifoQueueEventSource, Producer, backtesting_dispatcher
from tests.trading.engine.tapes import Mark, run

class Feeder(Producer):
    def __init__(self, source, name):
        self.source, self.name = source, name
    async def initialize(self):
        for place in range(20):
            self.source.push(Mark(place // 3, f"{self.name}{place}"))

log = []
dispatcher = backtesting_dispatcher(max_concurrent=%d)
sources = [FifoQueueEventSource(priority=number %% 2) for number in range(9)]
for number, source in enumerate(sources):
    source.producer = Feeder(source, "abcdefghi"[number])

async def slow(event):
    log.append(event.name)

for source in sources:
    dispatcher.subscribe(source, slow)
for number in range(5):
    dispatcher.schedule(3, lambda number=number: log.append(number))
run(dispatcher)
print(log)
"""


def names(log: list[Event]) -> list[str]:
    return [event.name for event in log if isinstance(event, Mark)]


def test_time_then_priority_then_order_of_subscription() -> None:
    log: list[Event] = []
    dispatcher = backtesting_dispatcher()
    for source in (queue("a", 1, 2, 2), queue("b", 0, 2, 3), queue("c", 2, 2, priority=1), queue("d", 2, priority=-1)):
        dispatcher.subscribe(source, log.append)
    run(dispatcher)
    assert names(log) == ["b0", "a0", "c0", "c1", "a1", "a2", "b1", "d0", "b2"]
    assert dispatcher.dispatched == 9


@given(
    st.lists(
        st.tuples(st.integers(-2, 2), st.lists(st.integers(0, 6), max_size=12), st.booleans()), min_size=1, max_size=6
    )
)
def test_dispatching_is_sorting(tapes: list[tuple[int, list[int], bool]]) -> None:
    log: list[Event] = []
    dispatcher = backtesting_dispatcher()
    expected = []
    for sequence, (priority, times, plain) in enumerate(tapes):
        marks = [Mark(when_ns, f"{sequence}/{place}") for place, when_ns in enumerate(sorted(times))]
        expected += [(mark.when_ns, -priority, sequence, place, mark.name) for place, mark in enumerate(marks)]
        source = FifoQueueEventSource(events=marks, priority=priority) if plain else Scripted(marks, priority)
        dispatcher.subscribe(source, log.append)
    run(dispatcher)
    assert names(log) == [name for *_, name in sorted(expected)]


@pytest.mark.parametrize("concurrent", [1, 3])
def test_the_same_log_in_every_process(concurrent: int) -> None:
    logs = set()
    for seed in ("0", "1", "77", "random"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT % concurrent], capture_output=True, text=True, env=environment, check=True
        )
        logs.add(done.stdout)
    assert len(logs) == 1
    assert logs.pop().count(",") == 9 * 20 + 5 - 1


def test_the_same_log_a_hundred_times() -> None:
    logs = set()
    for _ in range(100):
        keep = [object() for _ in range(_ % 7)]  # moves what follows to other addresses
        log: list[Event] = []
        dispatcher = backtesting_dispatcher()
        for name in "abcd":
            dispatcher.subscribe(queue(name, 1, 1, 2, 3, 3), log.append)
        run(dispatcher)
        logs.add((*names(log), len(keep) < 0))
    assert len(logs) == 1


def test_front_runners_then_own_handlers_then_the_others() -> None:
    log: list[str] = []
    dispatcher = backtesting_dispatcher()
    source = queue("a", 1)
    dispatcher.subscribe_all(lambda event: log.append("all"))
    dispatcher.subscribe(source, lambda event: log.append("own 1"))
    dispatcher.subscribe(source, lambda event: log.append("own 2"))
    dispatcher.subscribe_all(lambda event: log.append("front"), front_run=True)
    run(dispatcher)
    assert log == ["front", "own 1", "own 2", "all"]


def test_a_handler_is_subscribed_once() -> None:
    log: list[Event] = []
    dispatcher = backtesting_dispatcher()
    source = queue("a", 1)

    def handler(event: Event) -> None:
        log.append(event)

    for _ in range(3):
        dispatcher.subscribe(source, handler)
        dispatcher.subscribe_all(handler)
    run(dispatcher)
    assert len(log) == 2  # as a handler of the source and as one of all


def test_what_a_handler_pushes_takes_its_place() -> None:
    log: list[str] = []
    dispatcher = backtesting_dispatcher()
    urgent, echo = FifoQueueEventSource(priority=5), FifoQueueEventSource()
    bars = queue("bar", 1, 1, 2)

    def on_bar(event: Mark) -> None:
        log.append(event.name)
        echo.push(Mark(event.when_ns, f"echo of {event.name}"))
        urgent.push(Mark(event.when_ns, f"urgent of {event.name}"))

    dispatcher.subscribe(bars, on_bar)
    for source in (echo, urgent):
        dispatcher.subscribe(source, lambda event: log.append(event.name))
    run(dispatcher)
    assert log == [
        *("bar0", "urgent of bar0", "bar1", "urgent of bar1", "echo of bar0", "echo of bar1"),
        *("bar2", "urgent of bar2", "echo of bar2"),
    ]


def test_a_priority_may_change() -> None:
    log: list[Event] = []
    dispatcher = backtesting_dispatcher()
    first, second = queue("a", 1, 2), queue("b", 1, 2)

    def swap(event: Mark) -> None:
        log.append(event)
        second.priority = 1

    dispatcher.subscribe(first, swap)
    dispatcher.subscribe(second, log.append)
    run(dispatcher)
    assert names(log) == ["a0", "b0", "b1", "a1"]
    assert second.priority == 1
    with pytest.raises(ValueError, match=r"1001 is out of range: it goes from -1000 to 1000"):
        second.priority = 1001


def test_a_source_out_of_order_names_both_times() -> None:
    dispatcher = backtesting_dispatcher()
    day_ns = 86_400 * 10**9
    dispatcher.subscribe(queue("a", 2 * day_ns, day_ns), lambda event: None)
    with pytest.raises(EventOrderError, match=r"1970-01-02T00:00:00\+00:00 when the run had reached 1970-01-03T00"):
        run(dispatcher)
    assert dispatcher.stopped
    assert dispatcher.dispatched == 1


@pytest.mark.parametrize("source", [FifoQueueEventSource(), Scripted()], ids=["queue", "other"])
def test_a_push_into_the_past_is_an_error(source: FifoQueueEventSource | Scripted) -> None:
    dispatcher = backtesting_dispatcher()

    def push_back(event: Event) -> None:
        past = Event(event.when_ns - 1)
        if isinstance(source, Scripted):
            source.events.append(past)
        else:
            source.push(past)

    dispatcher.subscribe(queue("a", 5000, 6000), push_back)
    dispatcher.subscribe(source, push_back)
    with pytest.raises(EventOrderError, match="oldest first"):
        run(dispatcher)
