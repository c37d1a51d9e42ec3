"""Several venues at once, and the one that serves: what they cost the recorder, and how soon trades come.

The recorder runs in a process of its own against the local exchange. At one total rate of trades it takes one venue
without books, one with them, and four with them; its processor time is that between two moments of one run, so starting
is not in it. Then the default start where Binance refuses this place: seconds from the start of the system to the first
trade of another venue.

The exchange sends a quote for each trade and ten changes a second of each book, of about 220 levels at this rate.
Binance futures sent 3.1 quotes a trade in August 2024; of those read together, one of each instrument is parsed.

    python -m benchmarks.bench_venues
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

import config
from system import System
from tools.exchange import LocalExchange, Rate, Refuse451

ROOT = Path(__file__).resolve().parent.parent
RATE = 12_000  # trades a second, of all venues together
SECONDS = (8.0, 24.0)
FOUR = ("binance-usdm", "binance-spot", "coinbase", "kraken")
REFUSED = ("binance-usdm", "binance-spot")
SYMBOLS = "BTCUSDT,ETHUSDT"
ROUNDS = 3


def recorded(exchange: LocalExchange, venues: Sequence[str], books: bool) -> tuple[float, int]:
    """Processor seconds and ticks of the recorder between the two moments."""
    runs = [_run(exchange, venues, books, seconds) for seconds in SECONDS]
    return runs[1][0] - runs[0][0], runs[1][1] - runs[0][1]


def _run(exchange: LocalExchange, venues: Sequence[str], books: bool, seconds: float) -> tuple[float, int]:
    with tempfile.TemporaryDirectory() as folder:
        environ = {
            **os.environ,
            **exchange.settings,
            "ALPHASTREAM_DATA_DIR": folder,
            "ALPHASTREAM_BOOKS": str(books).lower(),
            "ALPHASTREAM_VENUE": ",".join(venues),
            "ALPHASTREAM_SYMBOLS": SYMBOLS,
        }
        command = [sys.executable, "ingest.py", "--seconds", str(seconds)]
        log = Path(folder) / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(command, cwd=ROOT, env=environ, stderr=out)
            _, _, usage = os.wait4(process.pid, 0)
        ticks = sum(map(int, re.findall(r"recorded symbol=\S+ .*?ticks=(\d+)", log.read_text())))
    return usage.ru_utime + usage.ru_stime, ticks


def seconds_to_trades(environ: Mapping[str, str]) -> float:
    """From the start of the system to the first trade of a venue that serves."""
    with tempfile.TemporaryDirectory() as folder:
        system = System(config.load({**environ, "ALPHASTREAM_DATA_DIR": folder}))
        began_s = time.perf_counter()
        system.start()
        try:
            while (live := system.live) is None or live.ticks == 0:
                time.sleep(0.01)
            return time.perf_counter() - began_s
        finally:
            system.stop()


def main() -> None:
    """Print both."""
    runs = {
        "one venue, trades alone": (FOUR[:1], False),
        "one venue, with books": (FOUR[:1], True),
        "four venues, trades alone": (FOUR, False),
        "four venues, with books": (FOUR, True),
    }
    found: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, (venues, books) in runs.items():
            with LocalExchange(market=list(venues), pace=Rate(RATE / len(venues)), loop=True) as exchange:
                busy_s, ticks = recorded(exchange, venues, books)
            found[name].append(ticks / busy_s)
    base = median(found["one venue, trades alone"])
    print(f"recorder, {RATE:,} trades a second in all: trades for each second of one core, median of {ROUNDS}")
    for name, rates in found.items():
        print(f"  {name:<28}{median(rates):>12,.0f}   {median(rates) / base:.0%}")
    faults = {venue: [Refuse451()] for venue in REFUSED}
    with LocalExchange(market=list(FOUR), faults=faults, pace=Rate(500), loop=True) as exchange:
        times = [seconds_to_trades(exchange.settings) for _ in range(ROUNDS)]
    print(f"default start, {' and '.join(REFUSED)} refuse: {median(times):.2f} s to the first trade of another venue")
    with LocalExchange(pace=Rate(500), loop=True) as exchange:
        times = [seconds_to_trades(exchange.settings) for _ in range(ROUNDS)]
    print(f"default start, {FOUR[0]} serves: {median(times):.2f} s to its first trade")


if __name__ == "__main__":
    main()
