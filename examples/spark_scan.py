"""A scan of a universe as Spark jobs over a history: workers read closes from its files, then test pairs.

    python -m examples.spark_scan s3://bucket/history --days 365

Without a history it writes one of random walks: 30 symbols and a week of minutes, or as many as are asked for. The
table is that of ``scan_pairs`` in one process, bit for bit.
"""

import argparse
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd

from alphastream.bars import Bars
from alphastream.compute import run
from alphastream.core.types import Floats
from alphastream.core.units import DAY, SECOND
from alphastream.history import open_tape
from alphastream.history.files import write
from alphastream.history.places import Place
from alphastream.scan import scan_pairs
from examples.spark_streaming import session

MINUTE = 60 * SECOND
BEGIN_NS = 1_735_689_600 * 10**9  # 2025-01-01


@dataclass(frozen=True, slots=True)
class Minutes:
    """Closes of one instrument: which history, and days from ``BEGIN_NS`` on."""

    history: str
    instrument: str
    days: int


def closes(chunk: Minutes) -> Floats:
    """Closes of every minute, (T,); NaN where nothing traded."""
    end_ns = BEGIN_NS + chunk.days * DAY
    bars = open_tape(chunk.history).bars(chunk.instrument, "1m", BEGIN_NS, end_ns)
    found = np.full((end_ns - BEGIN_NS) // MINUTE, np.nan)
    found[(bars.start_ns - BEGIN_NS) // MINUTE] = bars.close
    return found


def scan(history: str, days: int, backend: str = "spark", folder: str | None = None) -> pd.DataFrame:
    """Every pair of a history; see ``scan_pairs``. Of a cluster, ``folder`` is where all its machines look."""
    instruments = open_tape(history).instruments("bars")
    read = run(closes, [Minutes(history, each, days) for each in instruments], backend)
    return scan_pairs(pd.DataFrame(dict(zip(instruments, read, strict=True))), backend=backend, folder=folder)


def write_walks(history: str, symbols: int, days: int) -> None:
    """Write minutes of random walks in groups of ten that move together, a file a symbol and day."""
    place, rows = Place(history), days * DAY // MINUTE
    start_ns = BEGIN_NS + np.arange(rows) * MINUTE
    for symbol in range(symbols):
        common, own = np.random.default_rng(symbol // 10), np.random.default_rng(1_000 + symbol)
        walk = np.cumsum(common.normal(size=rows)) + np.cumsum(own.normal(size=rows)) * (symbol % 10) / 9.0
        close = np.exp((walk + own.normal(size=rows)) * 5e-4 + 4.0)
        ones = np.ones(rows, np.int64)
        bars = Bars(start_ns, close, close, close, close, ones.astype(float), ones, start_ns, start_ns + MINUTE - 1)
        write(place, "bars", f"example:S{symbol:03}", bars, bar_ns=MINUTE)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Scan all pairs of a history on Spark.")
    parser.add_argument("history", nargs="?", default="var/spark_scan", help="a folder or s3:// URL")
    parser.add_argument("--symbols", type=int, default=30, help="of walks that are written where there is no history")
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--folder", help="for finished parts; a scan that was stopped goes on there")
    arguments = parser.parse_args()
    if not open_tape(arguments.history).instruments("bars"):
        write_walks(arguments.history, arguments.symbols, arguments.days)
    spark, began = session(), time.perf_counter()
    table = scan(arguments.history, arguments.days, folder=arguments.folder)
    cores, took = spark.sparkContext.defaultParallelism, time.perf_counter() - began
    print(table.head(10).to_string(columns=["y", "x", "pvalue_rescaled", "qvalue_by", "half_life"]))
    print(f"{len(table):,} pairs in {took:.1f} s on {cores} cores")
