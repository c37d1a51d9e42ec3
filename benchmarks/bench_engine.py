"""What one refresh of the engine costs: whether history matters, and what many pairs cost.

"new ticks": trades came, no bar closed. "closed bar": one bar closed in every pair, tests recomputed. In brackets the
processor time: on a busy machine it is what the clock would show on an idle one.
"""

import statistics
import tempfile
import time
from collections.abc import Iterable, Sequence
from itertools import combinations, islice
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
MANY_ROUNDS = 30
MANY_BARS = 600
TURNS = 5  # sizes take turns: a shared machine is fast for seconds and slow for seconds


def trades(symbols: Sequence[str], seconds: int) -> list[Tick]:
    """Two trades a second in each symbol, at its beginning and in its middle, in order of time."""
    rng = np.random.default_rng(5)
    found = []
    for symbol in symbols:
        level = 2_600.0 if symbol == "ETHUSDT" else 60_000.0
        prices = level * np.exp(np.cumsum(rng.normal(size=2 * seconds)) * 1e-4)
        found += [
            Tick(symbol, 1 + i, float(price), 0.1, START + i * SECOND // 2, 0, False) for i, price in enumerate(prices)
        ]
    return sorted(found, key=lambda tick: (tick.time_ns, tick.symbol))


def measure(specs: Iterable[PairSpec], history: int, rounds: int = ROUNDS) -> dict[str, tuple[float, float]]:
    """Median milliseconds of a refresh after ``history`` bars, by the clock and of processor time."""
    specs = list(specs)
    symbols = list(dict.fromkeys(leg for spec in specs for leg in (spec.y, spec.x)))
    ticks = trades(symbols, history + rounds + 5)
    now = START
    with tempfile.TemporaryDirectory() as folder, TickStore(Path(folder) / "ticks.db") as store:
        engine = QuantEngine(store, lambda: now, history_bars=2_000)
        for spec in specs:
            engine.snapshot(spec)
        head = 2 * history * len(symbols)
        store.append(ticks[:head])
        now = ticks[head - 1].time_ns
        engine.refresh(now)
        times: dict[str, list[tuple[float, float]]] = {"new ticks": [], "closed bar": []}
        for batch in zip(*[iter(ticks[head : head + 2 * rounds * len(symbols)])] * len(symbols), strict=True):
            store.append(batch)
            now = batch[-1].time_ns
            kind = "closed bar" if now % SECOND == 0 else "new ticks"
            begin, begin_cpu = time.perf_counter(), time.thread_time()
            engine.refresh(now)
            times[kind].append((time.perf_counter() - begin, time.thread_time() - begin_cpu))
    return {kind: _medians(values) for kind, values in times.items()}


def _medians(times: list[tuple[float, float]]) -> tuple[float, float]:
    clock, processor = (statistics.median(column) * 1e3 for column in zip(*times, strict=True))
    return clock, processor


def _median_costs(turns: Sequence[dict[str, tuple[float, float]]]) -> dict[str, tuple[float, float]]:
    return {
        kind: (statistics.median(turn[kind][0] for turn in turns), statistics.median(turn[kind][1] for turn in turns))
        for kind in turns[0]
    }


def pairs(count: int, symbols: int) -> list[PairSpec]:
    """Pairs of the default model among some symbols; both directions once the combinations are used up."""
    names = [f"S{place:02d}USDT" for place in range(symbols)]
    both = [*combinations(names, 2), *combinations(reversed(names), 2)]
    return [PairSpec(y, x) for y, x in islice(both, count)]


def _print(what: str, costs: dict[str, tuple[float, float]]) -> None:
    print(f"{what:32s}" + "   ".join(f"{kind} {cost:7.2f} ({cpu:.2f})" for kind, (cost, cpu) in costs.items()))


def main() -> None:
    """Print the tables."""
    warm_up()
    models = [PairSpec("ETHUSDT", "BTCUSDT", model=model) for model in MODELS]
    measure(models, 200)
    print(f"refresh of one pair under {len(MODELS)} models, median ms of {ROUNDS}")
    for history in (500, 2_000, 8_000):
        _print(f"after {history} bars", measure(models, history))
    print(f"refresh of many pairs, 1 s bars, OLS 100, after {MANY_BARS} bars, median ms of {TURNS} x {MANY_ROUNDS}")
    sizes = {10: 5, 90: 20, 200: 20}
    turns = [
        {count: measure(pairs(count, sizes[count]), MANY_BARS, MANY_ROUNDS) for count in sizes} for _ in range(TURNS)
    ]
    for count in sizes:
        _print(f"{count} pairs of {sizes[count]} symbols", _median_costs([turn[count] for turn in turns]))
    ratios = [
        {
            kind: (many[0] / few[0], many[1] / few[1])
            for (kind, few), many in zip(turn[10].items(), turn[90].values(), strict=True)
        }
        for turn in turns
    ]
    _print("90 pairs in units of 10 pairs", _median_costs(ratios))


if __name__ == "__main__":
    main()
