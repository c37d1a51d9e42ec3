"""Edges between 2, 4 and 8 venues, at once and as they come, and who leads: ``python -m benchmarks.bench_arbitrage``.

Each venue has the recorded futures quotes of 45 s (tests/data), ten levels deep, by a clock of its own.
"""

import sys
import time
from collections.abc import Callable

import numpy as np

from alphastream.arbitrage import (
    Alignment,
    ArbitrageMonitor,
    Assumptions,
    Leg,
    MonitorState,
    TopLevels,
    lead_lag,
    warm_up,
)
from alphastream.core.units import MS
from tests.arbitrage.recorded import FUTURES, recorded_quotes, rows_of

LEVELS = 10
ERROR_NS = 50 * MS
LOOK_NS = 200 * MS
ROUNDS = 3


def deep(quotes: TopLevels, shift_ns: int) -> TopLevels:
    """Ten levels a tenth of a bp apart, seen so much later."""
    steps = 1e-5 * np.arange(LEVELS)
    return TopLevels(
        quotes.time_ns,
        quotes.receive_ns + shift_ns,
        quotes.bid_price * (1.0 - steps),
        np.repeat(quotes.bid_quantity, LEVELS, axis=1),
        quotes.ask_price * (1.0 + steps),
        np.repeat(quotes.ask_quantity, LEVELS, axis=1),
    )


def best_of(call: Callable[[], object]) -> float:
    """Least seconds of a few rounds."""
    found = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        call()
        found.append(time.perf_counter() - start)
    return min(found)


def in_looks(monitor: ArbitrageMonitor, quotes: dict[str, TopLevels], begin_ns: int, end_ns: int) -> int:
    """Take what came since the last look, five looks a second; how many there were."""
    state: MonitorState | None = None
    looks = 0
    rows = dict.fromkeys(quotes, 0)
    for now_ns in range(begin_ns, end_ns, LOOK_NS):
        new = {}
        for name, each in quotes.items():
            until = int(each.receive_ns.searchsorted(now_ns, side="right"))
            new[name], rows[name] = rows_of(each, slice(rows[name], until)), until
        _, state = monitor.run(new, monitor.known_until(now_ns), state)
        looks += 1
    return looks


def main() -> None:
    """Print a line a number of venues, then the lags."""
    warm_up()
    feed = recorded_quotes()[FUTURES]
    alignment = Alignment.of_arrival(0, 2 * ERROR_NS)
    for count in (2, 4, 8):
        quotes = {f"venue-{at}:X": deep(feed, at * 7 * MS) for at in range(count)}
        monitor = ArbitrageMonitor("X", tuple(Leg(name, 0.0, alignment) for name in quotes), Assumptions(0.0))
        begin, end = int(feed.receive_ns[0]), int(feed.receive_ns[-1])
        rows = count * len(feed.receive_ns)
        whole = best_of(lambda monitor=monitor, quotes=quotes, end=end: monitor.run(quotes, end))  # type: ignore[misc]
        start = time.perf_counter()
        looks = in_looks(monitor, quotes, begin, end)
        pieces = time.perf_counter() - start
        sys.stdout.write(
            f"{count} venues: {rows:,} books in {whole:.3f} s ({rows / whole:,.0f} a second); "
            f"in {looks} looks {1e3 * pieces / looks:.2f} ms each\n"
        )
    mids = (feed.bid_price[:, 0] + feed.ask_price[:, 0]) / 2.0
    for lags in (41, 201):
        grid = {"max_lag_ns": (lags // 2) * MS, "step_ns": MS}
        took = best_of(
            lambda grid=grid: lead_lag(feed.receive_ns, mids, feed.receive_ns + 5 * MS, mids, **grid)  # type: ignore[misc]
        )
        sys.stdout.write(f"lead of 2 x {len(mids):,} quotes over {lags} lags with its set: {took:.3f} s\n")


if __name__ == "__main__":
    main()
