"""What one refresh of the engine costs with 2,000 closed bars and every model, and whether history matters.

"new ticks": trades came, no bar closed. "closed bar": one bar closed, tests recomputed.
"""

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from alphastream.estimators import warm_up
from alphastream.events import Tick
from alphastream.pairs import MODELS, PairSpec
from analytics import QuantEngine
from storage import TickStore

SECOND = 10**9
START = 1_790_000_000 * SECOND
ROUNDS = 200


def trades(seconds: int) -> list[Tick]:
    """Two trades a second in each leg."""
    rng = np.random.default_rng(5)
    found = []
    for symbol, level in (("BTCUSDT", 60_000.0), ("ETHUSDT", 2_600.0)):
        prices = level * np.exp(np.cumsum(rng.normal(size=2 * seconds)) * 1e-4)
        found += [
            Tick(symbol, 1 + i, float(price), 0.1, START + i * SECOND // 2, 0, False) for i, price in enumerate(prices)
        ]
    return sorted(found, key=lambda tick: (tick.time_ns, tick.symbol))


def measure(history: int) -> dict[str, float]:
    """Median milliseconds of a refresh after ``history`` bars."""
    ticks = trades(history + ROUNDS + 5)
    now = START
    with tempfile.TemporaryDirectory() as folder, TickStore(Path(folder) / "ticks.db") as store:
        engine = QuantEngine(store, lambda: now, history_bars=2_000)
        for model in MODELS:
            engine.snapshot(PairSpec("ETHUSDT", "BTCUSDT", model=model))
        head = [tick for tick in ticks if tick.time_ns < START + history * SECOND]
        store.append(head)
        now = head[-1].time_ns
        engine.refresh(now)
        times: dict[str, list[float]] = {"new ticks": [], "closed bar": []}
        for tick_pair in zip(*[iter(ticks[len(head) : len(head) + 4 * ROUNDS])] * 2, strict=True):
            store.append(tick_pair)
            now = tick_pair[-1].time_ns
            kind = "closed bar" if now % SECOND == 0 else "new ticks"
            begin = time.perf_counter()
            engine.refresh(now)
            times[kind].append(time.perf_counter() - begin)
    return {kind: statistics.median(values) * 1e3 for kind, values in times.items()}


def main() -> None:
    """Print the table."""
    warm_up()
    measure(200)
    print(f"refresh of one pair under {len(MODELS)} models, median ms of {ROUNDS}")
    for history in (500, 2_000, 8_000):
        costs = measure(history)
        print(f"after {history:5d} bars   " + "   ".join(f"{kind} {cost:6.2f}" for kind, cost in costs.items()))


if __name__ == "__main__":
    main()
