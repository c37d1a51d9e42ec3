"""The compiled backtest of a pair beside vectorbt: one run, and a sweep; seconds, rows and combinations a second.

``python -m benchmarks.bench_backtest``. vectorbt runs in a process of its own over the same prices, so that its memory
can be told: that of VECTORBT_PYTHON, or of this interpreter where it is installed. Both find hedge ratio, z-score and
directions, keep the books and tell final value, Sharpe ratio and drawdown; first calls, which compile, are left out.
"""

import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from alphastream.backtest import ready, run_pair, sweep
from alphastream.backtest.market import LegTrades
from alphastream.backtest.pair_history import PairHistory
from alphastream.backtest.pair_series import pair_series
from alphastream.bars import PairRows
from alphastream.core.types import Floats
from alphastream.pairs import PairSpec
from alphastream.strategies import Units, ZScoreThreshold
from alphastream.trading.broker.costs import BrokerRules, Fees

SECOND = 10**9
ROWS, SWEEP_ROWS, ROUNDS = 1_000_000, 10_000, 9
WINDOW, ENTRY, LEAVE, UNITS, HALF_SPREAD_BPS = 100, 2.0, 0.5, 1.0, 1.0
WINDOWS, ENTRIES = list(range(20, 220, 2)), [float(entry) for entry in np.linspace(1.0, 3.0, 10)]
CAPITAL = 1e9  # the prices are bitcoin's: nothing is ruined


def prices() -> dict[str, Floats]:
    """A walk, a leg that follows it, and where their next bars open."""
    rng = np.random.default_rng(7)
    x = 60_000.0 + np.cumsum(rng.normal(size=ROWS))
    noise, spread = rng.normal(size=ROWS), np.zeros(ROWS)
    for t in range(1, ROWS):
        spread[t] = 0.97 * spread[t - 1] + noise[t]
    y = 3_000.0 + 2.0 * x + spread  # steep: vectorbt signals cannot express a ratio that changes its sign
    opened = {f"{name}_open": np.concatenate((price[:1], price[:-1])) for name, price in (("y", y), ("x", x))}
    return {"y": y, "x": x, **opened}


def history(data: dict[str, Floats], rows: int) -> PairHistory:
    """Bars of a second with these closes and opens."""
    ends = SECOND * np.arange(1, rows + 1, dtype=np.int64)
    ages, ones = np.zeros(rows, dtype=np.int64), np.ones(rows)
    of_y, of_x = (LegTrades(ends - SECOND, data[f"{leg}_open"][:rows], ones) for leg in ("y", "x"))
    rules = BrokerRules(fill="next_open", fees=Fees(0.0), half_spread_bps=HALF_SPREAD_BPS)
    table = PairRows(ends, data["y"][:rows], data["x"][:rows], ages, ages, ones, ones, ages - 1, ages - 1)
    return ready(table, (of_y, of_x), ("Y", "X"), rules)


def strategy() -> ZScoreThreshold:
    """A rolling regression on prices, one unit of the spread."""
    return ZScoreThreshold(PairSpec("Y", "X", SECOND, "ols", WINDOW, "price", ENTRY, LEAVE), sizer=Units(UNITS))


def seconds(call: Callable[[], object]) -> tuple[float, float]:
    """Median and least of some rounds, after one that may compile."""
    call()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times), min(times)


def rival(data: dict[str, Floats]) -> dict[str, Any] | None:
    """What vectorbt measures over the same prices, None where it is not to be had."""
    python = os.environ.get("VECTORBT_PYTHON", sys.executable if importlib.util.find_spec("vectorbt") else None)
    if python is None:
        return None
    terms = {"window": WINDOW, "entry": ENTRY, "leave": LEAVE, "units": UNITS, "cost": HALF_SPREAD_BPS * 1e-4}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "prices.npz"
        arrays: dict[str, Any] = {**data, **terms, "windows": WINDOWS, "entries": ENTRIES, "sweep_rows": SWEEP_ROWS}
        np.savez(file, **arrays)
        script = Path(__file__).with_name("rival_vectorbt.py")
        done = subprocess.run([python, str(script), str(file)], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def one_run(data: dict[str, Floats], theirs: dict[str, Any] | None) -> None:
    """A run with its series, by parts and beside vectorbt."""
    found, bands = history(data, ROWS), strategy()

    def run() -> float:
        done = run_pair(found, bands, capital=CAPITAL)
        return done.final_equity + done.moments.sharpe + done.drawdown

    for what, call in (
        ("ready: what orders meet", lambda: history(data, ROWS)),
        ("hedge ratio and z-score", lambda: pair_series(found.rows, bands)),
        ("the same with every row's equity", lambda: run_pair(found, bands, capital=CAPITAL).equity),
        ("a run with its metrics", run),
    ):
        median, least = seconds(call)
        rate = ROWS / median / 1e6
        print(f"{what:34}{median * 1e3:9.1f} ms (least {least * 1e3:6.1f}){rate:8.1f} M rows/s")
    result = run_pair(found, bands, capital=CAPITAL)
    print(f"{len(result.fills):,} fills, gain {result.equity[-1] - CAPITAL:,.2f}")
    if theirs is not None:
        taken, first, (gain,) = theirs["run"]
        print(f"vectorbt {taken * 1e3:,.0f} ms, first call {first:.1f} s, gain {gain:,.2f}: {taken / median:,.1f} x")


def many_runs(few: dict[str, Floats], theirs: dict[str, Any] | None) -> None:
    """Sweep in a process of its own, so that its memory can be told, and print."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "prices.npz"
        arrays: dict[str, Any] = few
        np.savez(file, **arrays)
        command = [sys.executable, "-m", "benchmarks.bench_backtest", str(file)]
        found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    count, median = len(WINDOWS) * len(ENTRIES), 0.0
    for workers, median, least in found["times"]:
        rate = f"{count / median:8,.0f} combinations/s (most {count / least:,.0f})"
        print(f"{f'sweep of {count:,}, {workers} threads':34}{median * 1e3:9.1f} ms {rate}")
    print(f"memory {found['megabytes']:,.0f} MB, {found['before']:,.0f} MB of it before the first sweep")
    if theirs is not None:
        taken, _, gained = theirs["sweep"]
        gains = np.array(found["gains"])
        away = float(np.abs(gains - gained).max())
        print(
            f"vectorbt {count / taken:,.0f} combinations/s, {theirs['megabytes']:,.0f} MB: {taken / median:,.0f} x; "
            f"gains differ by at most {away:.2g} of {np.abs(gains).max():,.0f}"
        )


def sweeps(file: str) -> None:
    """Sweep on one thread and on all cores, and print numbers as JSON."""
    with np.load(file) as arrays:
        found, bands = history(dict(arrays), SWEEP_ROWS), strategy()
    before = megabytes()
    times = [
        (workers, *seconds(lambda: sweep(found, bands, WINDOWS, ENTRIES, capital=CAPITAL, workers=workers)))  # noqa: B023 (called at once)
        for workers in (1, os.cpu_count() or 1)
    ]
    gains = (sweep(found, bands, WINDOWS, ENTRIES, capital=CAPITAL).final_equity - CAPITAL).ravel().tolist()
    print(json.dumps({"times": times, "gains": gains, "megabytes": megabytes(), "before": before}))


def megabytes() -> float:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print both."""
    if len(sys.argv) > 1:
        sweeps(sys.argv[1])
        return
    data = prices()
    few = {name: values[:SWEEP_ROWS].copy() for name, values in data.items()}
    theirs = rival(data)
    print("vectorbt is not installed" if theirs is None else f"vectorbt {theirs['version']}")
    many_runs(few, theirs)
    one_run(data, theirs)


if __name__ == "__main__":
    main()
