"""A year of minutes of many pairs, run over a history on disk: seconds, rows a second and the memory that it takes.

``python -m benchmarks.bench_year [PAIRS]``. Bars are made and written by a process of its own, a Parquet file a day of
each instrument, so that the memory told is that of reading and running. Each pair has two legs of its own, which is the
most there is to read; then the same with every leg in two pairs.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from alphastream.backtest import RecordedMarket, run_pairs, warm_up
from alphastream.bars import Bars
from alphastream.core.units import DAY, SECOND
from alphastream.history import open_tape
from alphastream.history.files import write as store
from alphastream.history.places import Place
from alphastream.pairs import PairSpec
from alphastream.strategies import FixedNotional, ZScoreThreshold
from alphastream.trading.broker.costs import BrokerRules, Fees

PAIRS, DAYS, WINDOW, MINUTE = 20, 365, 240, 60 * SECOND
START_NS = 1_735_689_600 * 10**9
"""2025-01-01 00:00 UTC."""


def name(pair: int, leg: str) -> str:
    """Instrument of a leg."""
    return f"binance-usdm:{leg}{pair:02d}USDT"


def write(folder: Path, pairs: int) -> None:
    """Legs of pairs that come back to each other, as bars of a minute."""
    rows = DAYS * DAY // MINUTE
    start_ns = START_NS + MINUTE * np.arange(rows, dtype=np.int64)
    for pair in range(pairs):
        rng = np.random.default_rng(pair)
        x = np.cumsum(rng.normal(0.0, 5e-4, rows))
        away = rng.normal(0.0, 5e-4, rows)
        for row in range(1, rows):
            away[row] += 0.98 * away[row - 1]
        for leg, walk in (("Y", 1.2 * x + away), ("X", x)):
            close = 100.0 * np.exp(walk)
            opened = np.concatenate((close[:1], close[:-1]))
            high, low, volume = np.maximum(opened, close), np.minimum(opened, close), rng.exponential(1.0, rows)
            counts = np.full(rows, 50)
            last_ns = start_ns + MINUTE - 1
            bars = Bars(start_ns, opened, high, low, close, volume, counts, start_ns, last_ns, 0.5 * volume)
            store(Place(folder), "bars", name(pair, leg), bars, bar_ns=MINUTE)


def strategies(pairs: int, shift: int) -> list[ZScoreThreshold]:
    """One of each pair; with a shift the other leg is that of the next pair."""
    return [
        ZScoreThreshold(
            PairSpec(name(pair, "Y"), name((pair + step) % pairs, "X"), MINUTE, "ols", WINDOW), sizer=FixedNotional(1e4)
        )
        for pair in range(pairs // (1 + shift))
        for step in range(1 + shift)
    ]


def measure(folder: Path, pairs: int) -> None:
    """Run, and print."""
    warm_up()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rules = BrokerRules(fill="next_open", fees=Fees(2.0), half_spread_bps=0.5)
    for shift, what in ((0, "legs of their own"), (1, "legs in two pairs")):
        start = time.perf_counter()
        rows = fills = 0
        gain = 0.0
        for run in run_pairs(RecordedMarket(open_tape(folder)), strategies(pairs, shift), rules):
            rows, fills = rows + len(run.history), fills + len(run.fills)
            gain += run.final_equity - run.capital
        seconds, memory = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{pairs} pairs, {what:18}{rows:12,} rows {fills:9,} fills {seconds:6.1f} s"
            f"{rows / seconds / 1e6:6.2f} M rows/s, memory {memory:,.0f} MB ({before:,.0f} before), gain {gain:,.0f}"
        )


def main() -> None:
    """Write in one process, run in another."""
    if len(sys.argv) > 2:
        (write if sys.argv[2] == "write" else measure)(Path(sys.argv[3]), int(sys.argv[1]))
        return
    pairs = sys.argv[1] if len(sys.argv) > 1 else str(PAIRS)
    with tempfile.TemporaryDirectory() as folder:
        for what in ("write", "run"):
            subprocess.run([sys.executable, "-m", "benchmarks.bench_year", pairs, what, folder], check=True)


if __name__ == "__main__":
    main()
