"""Stretches of sorted events: what is seen is what one by one would be seen, whatever handlers do meanwhile."""

import asyncio
import random
from typing import Any

import pytest

from alphastream.trading import EventOrderError, FifoQueueEventSource, backtesting_dispatcher
from alphastream.trading.engine import backtesting
from alphastream.trading.engine.slots import Slot
from alphastream.trading.engine.stretches import Head, take_stretch
from tests.trading.engine.tapes import Mark, queue, run

SOURCES = 5


class Tape:
    """A run whose handlers do things of all kinds at random events, and its log."""

    def __init__(self, seed: int, calm: int) -> None:
        self.random = random.Random(seed)
        self.calm = calm  # events between two at which something is done, on the average
        self.log: list[Any] = []
        self.pushed = 0
        self.dispatcher = backtesting_dispatcher()
        count, span = self.random.choice((20, 300, 900)), self.random.choice((30, 3_000, 10**12))
        self.sources = [
            queue(f"{name}-", *sorted(self.random.randrange(-span, span) for _ in range(count)), priority=priority)
            for name, priority in zip("abcde", (0, 0, 1, -1, 0), strict=True)
        ]
        for place, source in enumerate(self.sources):
            self.dispatcher.subscribe(source, self.awaited if place == 3 else self.plain)
        self.late = FifoQueueEventSource()
        self.dispatcher.subscribe(self.late, self.plain)

    def plain(self, event: Mark) -> None:
        dispatcher = self.dispatcher
        self.log.append((event.name, dispatcher.now_ns, dispatcher.dispatched))
        if self.random.randrange(self.calm) == 0:
            self.random.choice((self.push, self.schedule, self.rank, self.listen, self.fail, self.come, self.end))()

    async def awaited(self, event: Mark) -> None:
        self.plain(event)
        if self.random.randrange(50) == 0:
            await asyncio.sleep(0)

    def push(self) -> None:
        self.pushed += 1
        self.late.push(Mark(self.dispatcher.now_ns + self.random.choice((0, 0, 5)) * self.pushed, f"p{self.pushed}"))

    def schedule(self) -> None:
        when_ns = self.dispatcher.now_ns + self.random.choice((-3, 0, 1, 40))
        self.dispatcher.schedule(when_ns, lambda: self.log.append(("job", self.dispatcher.now_ns)))

    def rank(self) -> None:
        self.random.choice(self.sources).priority = self.random.randrange(-2, 3)

    def listen(self) -> None:
        def also(event: Mark) -> None:
            self.log.append(("also", event.name, self.dispatcher.now_ns))

        if self.random.randrange(4) == 0:
            self.dispatcher.subscribe(self.random.choice(self.sources), also)

    def fail(self) -> None:
        raise ValueError("a defect")

    def come(self) -> None:
        now_ns = self.dispatcher.now_ns
        source = queue(f"new{now_ns}-", *(now_ns + step for step in range(9)))
        self.dispatcher.subscribe(source, self.plain)

    def end(self) -> None:
        if self.random.randrange(10) == 0:
            self.dispatcher.stop()

    def run(self) -> list[Any]:
        try:
            run(self.dispatcher)
        except EventOrderError as error:  # what was pushed into a queue can be older than what is there
            self.log.append(str(error).partition(" gave ")[2])  # without an address
        waiting = [len(source._queue) for source in self.sources]
        return [*self.log, waiting, self.dispatcher.dispatched, self.dispatcher.errors]


@pytest.mark.parametrize("calm", [3, 40, 400])
def test_all_that_is_seen_is_as_one_by_one(calm: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []

    def counted(heads: list[Head], before_ns: int, reach: int) -> Any:
        stretch = take_stretch(heads, before_ns, reach)
        lengths.append(len(stretch))
        return stretch

    for seed in range(60):
        monkeypatch.setattr(backtesting, "take_stretch", counted)
        found = Tape(seed, calm).run()
        monkeypatch.setattr(backtesting, "take_stretch", lambda *_: [])
        assert found == Tape(seed, calm).run(), seed
    assert max(lengths) > 16


def test_an_event_out_of_order_is_met_after_those_before_it() -> None:
    dispatcher, seen = backtesting_dispatcher(), list[str]()
    bad = [*range(0, 400, 2), 100, *range(400, 600, 2)]
    for source in (queue("a", *range(1, 600, 2)), queue("b", *bad)):
        dispatcher.subscribe(source, lambda event: seen.append(event.name))
    with pytest.raises(EventOrderError, match="oldest first"):
        run(dispatcher)
    assert seen[-1] == "b199"
    assert seen[-2] == "a198"


def test_a_run_that_is_cancelled_leaves_what_it_has_not_reached() -> None:
    async def hang(event: Mark) -> None:
        if event.name == "a100":
            await asyncio.sleep(60.0)

    dispatcher = backtesting_dispatcher()
    sources = [queue(name, *range(start, 2000, 2)) for start, name in enumerate("ab")]
    for source in sources:
        dispatcher.subscribe(source, hang)

    async def cancelled() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(dispatcher.run(stop_signals=[]), 0.05)

    asyncio.run(cancelled())
    assert [next(iter(source._queue)).when_ns for source in sources] == [202, 203]


def heads_of(*sources: FifoQueueEventSource) -> list[Head]:
    """The next event of each source, in order of their subscription."""
    heads = []
    for sequence, source in enumerate(sources):
        slot = Slot(source, sequence, backtesting_dispatcher(), lambda slot: None, lambda: None)
        slot.only = print
        event = slot.queue.popleft()
        heads.append((event.when_ns, slot.order, slot, event))
    return heads


def names(stretch: list[Any]) -> list[str]:
    """Of its events."""
    return [event.name for _, _, event, _ in stretch]


def test_a_stretch_ends_before_the_last_moment_it_has_looked_at() -> None:
    heads = heads_of(queue("a", 1, 2, 3, 3, 9), queue("b", 2, 3, 8, 9))
    assert names(take_stretch(heads, 100, 2)) == ["a0", "a1", "b0"]
    assert [(when_ns, event.name) for when_ns, _, _, event in sorted(heads)] == [(3, "a2"), (3, "b1")]  # type: ignore[attr-defined]
    assert names(take_stretch(heads, 8, 9)) == ["a2", "a3", "b1"]


def test_priority_goes_first_at_one_moment() -> None:
    assert names(take_stretch(heads_of(queue("a", 1, 1, 5), queue("b", 1, 1, 5, priority=1)), 100, 9)) == [
        "b0",
        "b1",
        "a0",
        "a1",
    ]


def test_nothing_is_taken_of_a_source_that_is_out_of_order() -> None:
    sources = queue("a", 1, 2, 3, 4, 5, 6), queue("b", 1, 4, 3, 5, 6, 7)
    heads = heads_of(*sources)
    assert take_stretch(heads, 100, 9) == []
    assert [len(source._queue) for source in sources] == [5, 5]
