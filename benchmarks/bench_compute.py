"""What a task costs on each backend, and a scan on one worker and on two: seconds, and the cores that were busy.

``python -m benchmarks.bench_compute``. Dask runs as a scheduler and workers of one thread on loopback, Ray in this
machine; those that are not installed are left out. Cores are processor time over time, of this process and all that it
started. Results are compared bit for bit.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphastream.compute import run
from alphastream.scan import scan_pairs, warm_up
from tests.compute.clusters import dask_cluster, ray_cluster

TASKS, SYMBOLS, ROWS, ROUNDS = 400, 300, 1_000, 3


@dataclass(frozen=True, slots=True)
class Number:
    """A chunk of nothing."""

    value: int


def nothing(chunk: Number) -> NDArray[np.int64]:
    """The number again."""
    return np.array([chunk.value])


def cpu_seconds() -> float:
    """Of this process, of its children, and of theirs."""
    psutil: Any = import_module("psutil")  # comes with Dask
    me = psutil.Process()
    total = 0.0
    for each in (me, *me.children(recursive=True)):
        try:
            times = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


@contextmanager
def engine(name: str, workers: int) -> Iterator[str]:
    """The backend of a name with as many workers."""
    if name == "dask":
        with tempfile.TemporaryDirectory() as folder, dask_cluster(Path(folder), workers) as address:
            yield f"dask:{address}"
    elif name == "ray":
        with ray_cluster(workers) as address:
            yield address
    else:
        yield name


def main() -> None:
    """Print a line for each backend and number of workers."""
    warm_up()
    rng = np.random.default_rng(3)
    prices = pd.DataFrame(np.exp(np.cumsum(rng.normal(size=(ROWS, SYMBOLS)), axis=0) / 100.0)).add_prefix("S")
    alone = scan_pairs(prices, threads=1)
    names = [name for name in ("threads", "processes", "dask", "ray") if find_spec(name) or name not in ("dask", "ray")]
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {len(alone):,} pairs of {ROWS:,} rows")
    print("backend    workers  task ms  first s  scan s  cores  cpu s  equal")
    for name in names:
        for workers in (1, 2):
            with engine(name, workers) as backend:
                run(nothing, [Number(-1)], backend, workers=workers)  # starts what is to be started
                start = time.perf_counter()
                run(nothing, [Number(value) for value in range(TASKS)], backend, workers=workers)
                task = (time.perf_counter() - start) / TASKS
                start = time.perf_counter()
                table = scan_pairs(prices, threads=workers, backend=backend)
                first, best = time.perf_counter() - start, (float("inf"), 0.0)
                for _ in range(ROUNDS):
                    start, used = time.perf_counter(), cpu_seconds()
                    scan_pairs(prices, threads=workers, backend=backend)
                    best = min(best, (time.perf_counter() - start, cpu_seconds() - used))
                seconds, cpu = best
                print(
                    f"{name:10} {workers:>7} {task * 1e3:>8.3f} {first:>8.2f} {seconds:>7.2f} {cpu / seconds:>6.2f} "
                    f"{cpu:>6.2f} {alone.equals(table)!s:>6}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
