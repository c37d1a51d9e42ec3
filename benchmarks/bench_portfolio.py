"""One step of the position optimiser beside basanos: median microseconds and ratios, dictionaries in and out.

``python -m benchmarks.bench_portfolio``. Reading the status, the cash positions and the next stream is part of our
step; basanos gives its positions as an array. The two take turns, block by block, so that a busy machine slows both.
"""

import importlib.metadata
import logging
import statistics
import time
import tracemalloc
import warnings
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from alphastream.core.types import Floats
from alphastream.portfolio import PositionConfig, PositionStream, SlidingWindow, warm_up

Row = dict[str, float]

CONFIG = PositionConfig(vola=16, corr=32, clip=3.5, shrink=0.5, aum=1e6)
WINDOW = SlidingWindow(window=60, n_factors=3)
WARMUP, BLOCKS = 300, 8
ASSETS = {2: (100, 1_000), 10: (100, 1_000), 50: (40, 400), 200: (8, 80)}  # rows a block: theirs, ours
FAR = 100_000


def history(assets: int, rows: int) -> tuple[Floats, Floats]:
    """Prices with one common factor, and signals."""
    rng = np.random.default_rng(1)
    common = rng.normal(0.0, 0.01, (rows, 1)) * rng.uniform(0.3, 1.2, assets)
    return (
        100.0 * np.exp(np.cumsum(common + rng.normal(0.0, 0.01, (rows, assets)), axis=0)),
        rng.normal(size=(rows, assets)),
    )


def dictionaries(table: Floats, names: list[str]) -> list[Row]:
    return [dict(zip(names, row, strict=True)) for row in table.tolist()]


class Ours:
    """A stream of ours and the time of each of its steps."""

    def __init__(self, prices: Floats, signals: Floats, names: list[str], window: SlidingWindow | None) -> None:
        self.stream = PositionStream.from_warmup(prices, signals, CONFIG.replace(covariance=window), assets=names)
        self.times: list[int] = []

    def run(self, prices: list[Row], signals: list[Row]) -> None:
        stream, clock = self.stream, time.perf_counter_ns
        for price_row, signal_row in zip(prices, signals, strict=True):
            start = clock()
            result = stream.step(price_row, signal_row)
            stream, _, _ = result.next_stream, result.status, result.cash_position
            self.times.append(clock() - start)
        self.stream = stream


class Theirs:
    """A stream of basanos and the time of each of its steps."""

    def __init__(self, prices: Floats, signals: Floats, names: list[str], window: SlidingWindow | None) -> None:
        import polars  # type: ignore[import-not-found,unused-ignore]
        from basanos.math import BasanosConfig, BasanosStream  # type: ignore[import-not-found,unused-ignore]
        from basanos.math._config import SlidingWindowConfig  # type: ignore[import-not-found,unused-ignore]

        more = {} if window is None else {"covariance_config": SlidingWindowConfig(window=60, n_factors=3)}
        config = BasanosConfig(vola=16, corr=32, clip=3.5, shrink=0.5, aum=1e6, **more)
        index = {"date": list(range(len(prices)))}
        frames = [polars.DataFrame({**index, **dict(zip(names, t.T, strict=True))}) for t in (prices, signals)]
        self.stream: Any = BasanosStream.from_warmup(*frames, config)
        self.times: list[int] = []

    def run(self, prices: list[Row], signals: list[Row]) -> None:
        stream, clock = self.stream, time.perf_counter_ns
        for price_row, signal_row in zip(prices, signals, strict=True):
            start = clock()
            result = stream.step(price_row, signal_row)
            _, _ = result.status, result.cash_position
            self.times.append(clock() - start)


def compare(assets: int, window: SlidingWindow | None, rival: bool) -> None:
    theirs_rows, ours_rows = ASSETS[assets]
    names = [f"asset{i}" for i in range(assets)]
    prices, signals = history(assets, WARMUP + BLOCKS * ours_rows)
    price_rows, signal_rows = dictionaries(prices[WARMUP:], names), dictionaries(signals[WARMUP:], names)
    kinds: list[tuple[type[Ours] | type[Theirs], int]] = [(Ours, ours_rows)]
    kinds += [(Theirs, theirs_rows)] if rival else []
    tools = [(kind(prices[:WARMUP], signals[:WARMUP], names, window), rows) for kind, rows in kinds]
    for at in range(BLOCKS):
        for tool, rows in tools:
            part = slice(at * rows, (at + 1) * rows)
            tool.run(price_rows[part], signal_rows[part])
    medians = [statistics.median(tool.times) / 1e3 for tool, _ in tools]
    line = f"{'weights' if window is None else 'window':10} {assets:6} {medians[0]:12.2f}"
    print(line + (f" {medians[1]:12,.0f} {medians[1] / medians[0]:8,.1f} x" if rival else ""))


def far() -> None:
    """Time and memory of a step early and late."""
    names = [f"asset{i}" for i in range(10)]
    prices, signals = history(10, 1_000)
    price_rows, signal_rows = dictionaries(prices, names), dictionaries(signals, names)
    for window in (None, WINDOW):
        tool = Ours(prices, signals, names, window)
        for rows in (1_000, FAR):
            while tool.stream.rows < rows:
                tool.stream = tool.stream.run(prices, signals)[1]
            tool.times.clear()
            tracemalloc.start()
            held = tool.stream.step(price_rows[0], signal_rows[0])
            memory = tracemalloc.get_traced_memory()[0]
            tracemalloc.stop()
            tool.stream = held.next_stream
            tool.run(price_rows, signal_rows)
            step, kind = statistics.median(tool.times) / 1e3, "weights" if window is None else "window"
            print(f"{kind:10} 10 assets, row {rows:7,}: {step:8.2f} µs a step, {memory:,} B")


def main() -> None:
    warnings.simplefilter("ignore")  # basanos warns of matrices it solves all the same
    logging.disable()
    warm_up()
    try:
        rival = importlib.metadata.version("basanos")
    except importlib.metadata.PackageNotFoundError:
        rival = ""
        print("basanos is not installed (pip install -r benchmarks/requirements.txt): ours alone")
    print(
        f"{'covariance':10} {'assets':>6} {'ours, µs':>12}"
        + (f" {'basanos ' + rival:>12} {'ratio':>9}" if rival else "")
    )
    with threadpool_limits(limits=1):
        for window in (None, WINDOW):
            for assets in ASSETS:
                compare(assets, window, bool(rival))
    far()


if __name__ == "__main__":
    main()
