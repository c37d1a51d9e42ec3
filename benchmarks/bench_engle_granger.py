"""Engle-Granger with AIC lags: ours and statsmodels' coint in turn, on the same pairs of random walks.

``python -m benchmarks.bench_engle_granger`` prints medians. BLAS gets one thread: on matrices this thin a second one
costs coint more than it gives, and on a busy machine a hundred times more.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from statsmodels.tsa.stattools import coint
from threadpoolctl import threadpool_limits

from alphastream.estimators.tests.engle_granger import engle_granger, warm_up

ROUNDS = {1_000: 60, 10_000: 5}
CALLS = 20  # of ours in a round: one alone would time the clock


def milliseconds(call: Callable[[], object]) -> float:
    start = time.perf_counter_ns()
    call()
    return (time.perf_counter_ns() - start) / 1e6


def main() -> None:
    """Print a line for each length: medians of both, their ratio, and how far the statistics differ."""
    warm_up()
    print(f"{'rows':>7} {'ours ms':>9} {'coint ms':>10} {'ratio':>8} {'difference':>11}")
    for rows, rounds in ROUNDS.items():
        y, x = 100.0 + np.cumsum(np.random.default_rng(rows).normal(size=(2, rows)), axis=1)
        ours, theirs = partial(engle_granger, y, x), partial(coint, y, x)
        timings = [
            (statistics.median(milliseconds(ours) for _ in range(CALLS)), milliseconds(theirs)) for _ in range(rounds)
        ]
        our_median, their_median = (statistics.median(column) for column in zip(*timings, strict=True))
        difference = abs(ours().statistic - theirs().coint_t)
        ratio = their_median / our_median
        print(f"{rows:>7,} {our_median:>9.4f} {their_median:>10.2f} {ratio:>8,.0f} {difference:>11.1e}")


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
