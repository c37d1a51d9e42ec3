"""What the tick store takes and gives, beside the plain ways to use SQLite and DuckDB.

``python -m benchmarks.bench_storage`` prints medians over fresh files. The rivals keep the same columns under the
same key. "busy" has one other thread of the process run pure Python all the while, as a dashboard may: there, rows
bound or fetched one by one may wait for the interpreter lock at each of them. How often they do depends on whether
each thread has a core to itself, so the slowest run is printed beside the median.
"""

import importlib.util
import random
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from itertools import count
from pathlib import Path

from alphastream.events import Tick
from alphastream.tape.columns import by_symbol
from runtime.startup import hand_over_often
from storage import TickStore

ROUNDS = 5
SYMBOLS = ("BTCUSDT", "ETHUSDT")
START_NS = 1_723_075_200_000_000_000
STEP_NS = 40_000_000  # 25 ticks/s a symbol, the mean of BTCUSDT
FIVE_MINUTES_NS = 300 * 10**9
FRAME, BURST, BATCH = 20, 500, 5_000
TABLE = (
    "CREATE TABLE ticks(symbol VARCHAR, id BIGINT, price DOUBLE, quantity DOUBLE, time_ns BIGINT, receive_ns BIGINT, "
    "buyer_is_maker BOOLEAN, PRIMARY KEY(symbol, id))"
)
INSERT = "INSERT OR IGNORE INTO ticks VALUES (?,?,?,?,?,?,?)"
COLUMNS = ("symbol", "id", "price", "quantity", "time_ns", "receive_ns", "buyer_is_maker")


def make_ticks(rows: int) -> list[Tick]:
    """Alternating symbols, ids without holes, prices about 60,000."""
    draw, ticks = random.Random(7), []
    for i in range(rows):
        price, time_ns = round(60_000 + draw.gauss(0, 50), 2), START_NS + i // 2 * STEP_NS
        ticks.append(
            Tick(SYMBOLS[i % 2], 3_000_000_000 + i // 2, price, round(draw.random(), 3) + 0.001, time_ns, 0, i % 3 == 0)
        )
    return ticks


def parts_of(ticks: list[Tick], size: int) -> Iterator[list[Tick]]:
    return (ticks[start : start + size] for start in range(0, len(ticks), size))


def rows_of(ticks: list[Tick]) -> list[tuple[object, ...]]:
    return [(t.symbol, t.id, t.price, t.quantity, t.time_ns, t.receive_ns, t.buyer_is_maker) for t in ticks]


def fill_store(path: Path, ticks: list[Tick]) -> None:
    """In small frames, as ingest hands them over, until the last tick is durable."""
    with TickStore(path) as store:
        for frame in parts_of(ticks, FRAME):
            store.append(frame)
        store.flush(600)


def take_columns(path: Path, ticks: list[Tick]) -> None:
    """The same as columns, 500 at a time, as a burst of frames comes."""
    whole, _ = by_symbol(ticks)
    with TickStore(path) as store:
        for start in range(0, len(ticks) // len(whole), BURST):
            store.take({symbol: columns.rows(slice(start, start + BURST)) for symbol, columns in whole.items()})
        store.flush(600)


def fill_sqlite(path: Path, ticks: list[Tick], batch: int, index: bool = False) -> None:
    """executemany and a commit for every ``batch`` rows, write-ahead logging on."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"{TABLE} WITHOUT ROWID")
        if index:
            connection.execute("CREATE INDEX ticks_by_time ON ticks(symbol, time_ns)")
        for part in parts_of(ticks, batch):
            connection.executemany(INSERT, rows_of(part))
            connection.commit()


def fill_duckdb(path: Path, ticks: list[Tick]) -> None:
    """Append a data frame for every batch."""
    import duckdb
    import pandas as pd

    with closing(duckdb.connect(str(path))) as connection:
        connection.execute(TABLE)
        for part in parts_of(ticks, BATCH):
            connection.append("ticks", pd.DataFrame(rows_of(part), columns=pd.Index(COLUMNS)))


@contextmanager
def busy_thread() -> Iterator[None]:
    """Run pure Python in a second thread for as long as the block lasts."""
    done = threading.Event()

    def spin() -> None:
        for _ in count():
            if done.is_set():
                return

    thread = threading.Thread(target=spin)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def seconds(work: Callable[[], object], rounds: int = ROUNDS) -> tuple[float, float]:
    """Median and longest wall time of one call."""
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken), max(taken)


def report_writing(ticks: list[Tick], folder: Path) -> None:
    """Print the durable ticks a second of every way, idle and busy."""
    fresh = (folder / f"{number}.db" for number in count())
    few, some = ticks[:300], ticks[:20_000]  # few where a row may take 15 ms
    ways: list[tuple[str, Callable[[list[Tick]], None], list[Tick], list[Tick]]] = [
        ("TickStore.append, frames of 20", lambda t: fill_store(next(fresh), t), ticks, some),
        ("TickStore.take, columns of 500", lambda t: take_columns(next(fresh), t), ticks, some),
        ("SQLite, a commit a row", lambda t: fill_sqlite(next(fresh), t, 1), some, few),
        (
            "SQLite, a commit a batch, index by time",
            lambda t: fill_sqlite(next(fresh), t, BATCH, index=True),
            ticks,
            few,
        ),
    ]
    if importlib.util.find_spec("duckdb") is not None:
        ways.append(("DuckDB, a data frame a batch", lambda t: fill_duckdb(next(fresh), t), ticks, some))
    print(f"{'append until durable, ticks/s':42}{'idle':>10}{'busy':>10}{'slowest':>10}")
    for name, fill, idle_ticks, busy_ticks in ways:
        idle, _ = seconds(partial(fill, idle_ticks))
        with busy_thread():
            busy, slowest = seconds(partial(fill, busy_ticks))
        rates = len(idle_ticks) / idle, len(busy_ticks) / busy, len(busy_ticks) / slowest
        print(f"{name:42}" + "".join(f"{rate:10,.0f}" for rate in rates))


def report_reading(ticks: list[Tick], folder: Path) -> None:
    """Print how long readers wait, idle and busy."""
    path, symbol = folder / "read.db", SYMBOLS[0]
    fill_store(path, ticks)
    middle = ticks[len(ticks) // 2].time_ns
    rival = folder / "rival.db"
    fill_sqlite(rival, ticks, BATCH, index=True)
    with TickStore(path) as store, closing(sqlite3.connect(rival)) as plain:
        cursor = store.since(symbol).cursor - 10
        query = "SELECT * FROM ticks WHERE symbol = 'BTCUSDT' AND time_ns >= ? AND time_ns < ? ORDER BY time_ns"

        def fetch(span_ns: int) -> list[object]:
            return plain.execute(query, (middle, middle + span_ns)).fetchall()

        five_minutes = len(store.window(symbol, middle, middle + FIVE_MINUTES_NS))
        ways: list[tuple[str, Callable[[], object]]] = [
            ("since(), 10 new of a full ring", lambda: store.since(symbol, cursor)),
            (
                f"window(), 5 min: {five_minutes:,} ticks",
                lambda: store.window(symbol, middle, middle + FIVE_MINUTES_NS),
            ),
            ("columns(), the same", lambda: store.columns(symbol, middle, middle + FIVE_MINUTES_NS)),
            ("SQLite fetchall, 12 s: 300 ticks", lambda: fetch(12 * 10**9)),
        ]
        print(f"\n{'read, ms':42}{'idle':>10}{'busy':>10}{'slowest':>10}")
        for name, read in ways:
            idle, _ = seconds(read, 21)
            with busy_thread():
                busy, slowest = seconds(read)
            print(f"{name:42}" + "".join(f"{1e3 * took:10.3f}" for took in (idle, busy, slowest)))
    print(f"\nopen with {len(ticks):,} ticks in the file: {seconds(lambda: TickStore(path).close())[0] * 1e3:.0f} ms")
    ours, rows = (each.stat().st_size / len(ticks) for each in (path, rival))
    print(f"file: {ours:.1f} bytes a tick, rows of SQLite {rows:.0f}")


def main() -> None:
    hand_over_often()  # as the app and the recorder do
    ticks = make_ticks(200_000)
    with tempfile.TemporaryDirectory() as folder:
        report_writing(ticks, Path(folder))
        report_reading(ticks, Path(folder))


if __name__ == "__main__":
    main()
