"""Events a second through a backtest with one trivial handler, beside basana where it is installed.

``python -m benchmarks.bench_dispatch``. Rounds alternate, and what is timed is processor time, which other work on the
machine disturbs least. Events are built before. basana knows coroutine handlers only.
"""

import asyncio
import gc
import importlib.util
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from alphastream.trading import Event, FifoQueueEventSource, backtesting_dispatcher

ROUNDS = 7
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
CASES = ((1, 0, 100_000), (2, 0, 100_000), (10, 0, 100_000), (2, 100, 20_000), (2, 1000, 4_000))
"""Sources with events, idle sources, events for basana; we get ten times as many."""


def plain(event: object) -> None:
    """A handler that does nothing."""


async def awaited(event: object) -> None:
    """A coroutine handler that does nothing."""


def ours(handler: Callable[[Any], object]) -> Callable[[int, int, int], float]:
    """Runs of our dispatcher with this handler."""

    def run(busy: int, idle: int, count: int) -> float:
        dispatcher = backtesting_dispatcher()
        for place in range(busy):
            events = [Event(number * 1000) for number in range(place, count, busy)]
            dispatcher.subscribe(FifoQueueEventSource(events=events), handler)
        for _ in range(idle):
            dispatcher.subscribe(FifoQueueEventSource(), handler)
        rate = count / seconds(dispatcher.run)
        assert dispatcher.dispatched == count
        return rate

    return run


def theirs(busy: int, idle: int, count: int) -> float:
    """A run of basana's."""
    import basana  # type: ignore[import-not-found,unused-ignore]

    dispatcher = basana.backtesting_dispatcher()
    for place in range(busy):
        events = [basana.Event(BEGIN + timedelta(microseconds=number)) for number in range(place, count, busy)]
        dispatcher.subscribe(basana.FifoQueueEventSource(events=events), awaited)
    for _ in range(idle):
        dispatcher.subscribe(basana.FifoQueueEventSource(), awaited)
    return count / seconds(dispatcher.run)


def seconds(run: Callable[[], Any]) -> float:
    """Processor time of a run."""
    gc.collect()
    begin = time.process_time()
    asyncio.run(run())
    return time.process_time() - begin


def main() -> None:
    """Print a line for each number of sources."""
    runners = {"function": ours(plain), "coroutine": ours(awaited)}
    rival = importlib.util.find_spec("basana") is not None
    if rival:
        runners["basana"] = theirs
    print(f"thousand events/s, median of {ROUNDS} alternating rounds" + ("" if rival else "; basana is not installed"))
    print(f"{'sources':>8}{'idle':>6}" + "".join(f"{name:>11}" for name in runners) + f"{'ratio':>8}{'lost':>6}")
    alone: dict[int, float] = {}  # sources -> our rate without idle ones
    for busy, idle, count in CASES:
        rates: dict[str, list[float]] = {name: [] for name in runners}
        for _ in range(ROUNDS):
            for name, run in runners.items():
                rates[name].append(run(busy, idle, count if name == "basana" else count * 10))
        medians = {name: statistics.median(values) for name, values in rates.items()}
        best = medians["function"]
        lost = 1 - best / alone.setdefault(busy, best)
        ratio = f"{best / medians['basana']:7.1f}x" if rival else f"{'':8}"
        numbers = "".join(f"{median / 1000:11,.0f}" for median in medians.values())
        print(f"{busy:8}{idle:6}{numbers}{ratio}{lost:6.0%}")


if __name__ == "__main__":
    main()
