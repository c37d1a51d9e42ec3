"""Scans of 100 and 500 symbols, and what statsmodels' coint would take for them, extrapolated from a sample of pairs.

``python -m benchmarks.bench_scan``. A scan is all that a page shows: both directions, both halves, the spreads' traits,
q-values and the ranked table. coint does one direction of the whole sample, with one BLAS thread (a second one costs
it more than it gives).
"""

import resource
import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from statsmodels.tsa.stattools import coint
from threadpoolctl import threadpool_limits

from alphastream.estimators.tests.observations import AutoLag
from alphastream.scan import scan_pairs, warm_up

ROWS = 1_000
ROUNDS = 3
SAMPLE = 40  # pairs given to coint
SETTINGS: dict[str, tuple[int | None, AutoLag]] = {"AIC": (None, "aic"), "1": (1, None)}


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def coint_seconds(columns: NDArray[np.float64], max_lags: int | None, autolag: AutoLag) -> float:
    """Mean time of one pair, over neighbouring columns."""

    def sample() -> None:
        for place in range(SAMPLE):
            coint(columns[:, place], columns[:, place + 1], maxlag=max_lags, autolag=autolag)

    with threadpool_limits(1):
        return seconds(sample) / SAMPLE


def main() -> None:
    """Print a line for each size and lag rule: medians of the scan, of coint for as many pairs, and memory."""
    warm_up()
    before = peak_megabytes()
    print(
        f"{'symbols':>8} {'pairs':>8} {'lags':>5} {'scan s':>8} {'cpu s':>8} {'coint s':>9} {'ratio':>7} {'peak MB':>8}"
    )
    for symbols in (100, 500):
        walks = np.cumsum(np.random.default_rng(symbols).normal(size=(ROWS, symbols)), axis=0) / 100.0
        prices = pd.DataFrame(np.exp(walks)).add_prefix("S")
        pairs = symbols * (symbols - 1) // 2
        for name, (max_lags, autolag) in SETTINGS.items():
            scan = partial(scan_pairs, prices, max_lags=max_lags, autolag=autolag)
            used = time.process_time()
            times = [seconds(scan) for _ in range(ROUNDS)]
            cpu = (time.process_time() - used) / ROUNDS
            ours, theirs = statistics.median(times), coint_seconds(walks, max_lags, autolag) * pairs
            grown = peak_megabytes() - before
            print(
                f"{symbols:>8} {pairs:>8,} {name:>5} {ours:>8.2f} {cpu:>8.2f} {theirs:>9.1f} {theirs / ours:>7.0f} "
                f"{grown:>8.0f}"
            )


if __name__ == "__main__":
    main()
