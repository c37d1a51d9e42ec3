"""Thirty pairs of ten symbols in one table at 2,000 trades a second: how late a cell is, and what the table costs.

From a trade's arrival at the server to the browser's finished frame that shows it, in one session and in one among 100;
bytes a second that each of them gets; and in this process what a refresh of the engine and a message cost (in brackets
the processor time: on a busy machine it is what the clock would show on an idle one).
Eight of the ten symbols are made of the recorded two. Needs Chromium and playwright.

python -m benchmarks.bench_watchlist [seconds a scenario]
"""

import statistics
import sys
import tempfile
import time
from itertools import combinations, islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from playwright.sync_api import sync_playwright

from alphastream.estimators import warm_up
from alphastream.pairs import PairSpec
from analytics import QuantEngine
from benchmarks.bench_engine import START, measure, pairs, trades
from benchmarks.bench_first_line import FLAGS, chromium
from benchmarks.bench_live import Crowd, exchange, open_page, report, server
from pipelines import Pipeline
from runtime.channel.tables import TableTopic
from storage import TickStore
from tools.exchange.tape import Tape
from views.shared.watching import pairs_text
from views.watchlist.live_table import LiveTable
from views.watchlist.rows import Shown

PAIRS, SYMBOLS = 30, 10
BARS, ROUNDS = 300, 40
OTHERS = 99
WINDOW = 20
KNOWN = "() => [...document.querySelectorAll('.wl-row .wl-zscore .wl-value')].every(z => z.textContent !== '–')"


def address() -> str:
    """Of the page with all pairs."""
    names = Tape.read().widened(SYMBOLS).symbols
    chosen = islice(combinations(sorted(names), 2), PAIRS)
    return f"watchlist?pairs={pairs_text(((y, x) for x, y in chosen), '').replace(' ', '+')}&window={WINDOW}"


def message_costs(specs: list[PairSpec]) -> tuple[float, float]:
    """Median ms of processor time of one message of the table, and its bytes, after trades in all legs."""
    symbols = list(dict.fromkeys(leg for spec in specs for leg in (spec.y, spec.x)))
    ticks = trades(symbols, BARS + ROUNDS + 5)
    now = START
    with tempfile.TemporaryDirectory() as folder, TickStore(Path(folder) / "ticks.db") as store:
        engine = QuantEngine(store, lambda: now, history_bars=2_000)
        pipeline = cast(Pipeline, SimpleNamespace(engine=engine, venue="", kind="live", now_ns=lambda: now))
        topic = TableTopic(
            "table", LiveTable(Shown(tuple(specs), 8.0), lambda: pipeline, lambda: "", lambda _: (now / 1e6, 1.0))
        )
        for spec in specs:
            engine.snapshot(spec)
        head = 2 * BARS * len(symbols)
        store.append(ticks[:head])
        now = ticks[head - 1].time_ns
        engine.refresh(now)
        topic.advance()
        times: list[float] = []
        sizes: list[int] = []
        for batch in zip(*[iter(ticks[head:])] * len(symbols), strict=False):
            store.append(batch)
            now = batch[-1].time_ns
            engine.refresh(now)
            begin = time.thread_time()
            message = topic.advance()
            times.append(time.thread_time() - begin)
            sizes.append(len(message or b""))
    return statistics.median(times) * 1e3, statistics.median(sizes)


def in_process() -> None:
    """Print what the engine and the topic cost without a server."""
    warm_up()
    for count in (1, PAIRS):
        costs = measure(pairs(count, SYMBOLS), BARS, ROUNDS)
        text = ", ".join(f"{kind} {clock:.2f} ({cpu:.2f}) ms" for kind, (clock, cpu) in costs.items())
        print(f"engine refresh, {count} pairs of {SYMBOLS} symbols at most: {text}")
    took, size = message_costs(pairs(PAIRS, SYMBOLS))
    print(f"one message of {PAIRS} rows that all moved: {took:.2f} ms, {size:.0f} bytes", flush=True)


def main(seconds: float) -> None:
    """Print the table."""
    in_process()
    print(f"{'received -> painted, ms':<44} {'p50':>6} {'p95':>6} {'p99.9':>7} {'paint/s':>9} {'server cores':>12}")
    shows = f"[data-testid=watch-list][data-rows='{PAIRS}']"
    with exchange("--symbols", str(SYMBOLS)) as venue, sync_playwright() as playwright:
        browser: Any = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        with server(venue) as (host, pid):
            page, seen = open_page(browser, host, address(), shows)
            page.wait_for_function(KNOWN, timeout=120_000)  # windows are full: every cell moves
            alone = report(f"{PAIRS} pairs, 1 session", page, pid, seconds)
            crowd = Crowd()
            crowd.add(OTHERS, crowd.follow, seen["url"], seen["topics"])
            page.wait_for_timeout(3_000)
            crowd.sizes.clear()
            many = report(f"{PAIRS} pairs, {OTHERS + 1} sessions", page, pid, seconds)
            got = sum(crowd.sizes) / OTHERS / seconds
            print(f"{OTHERS} more clients: {many - alone:.2f} core; each gets {got / 1e3:.1f} kB/s, ", end="")
            print(f"median update {statistics.median(crowd.sizes):.0f} bytes")
            crowd.leave()
        browser.close()


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 30.0)
