"""A history beside DuckDB's own table and Parquet file, and Polars: how fast it takes ticks in and gives them out.

    python -m benchmarks.bench_history                    # 10 M ticks of two symbols and one day, some minutes
    python -m benchmarks.bench_history --rows 1000000 --rounds 1
    python -m benchmarks.bench_history --hundred-million  # and 1e8 ticks aggregated, its memory: two minutes more

Everybody gets the same ticks (``history_ticks``: bursts, a grid of prices, arrival times to the nanosecond), in turn,
and medians are printed with the ratio to ours. QuestDB has no Python of its own: what it publishes is printed, as that.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa

from alphastream.core.units import DAY, SECOND
from alphastream.history import open_tape
from alphastream.history.files import FileWriter
from alphastream.history.layout import Partition, day_of
from alphastream.history.places import Place
from alphastream.history.tables import table_of
from alphastream.tape.columns import TickColumns
from benchmarks.history_ticks import START_NS, made_ticks
from storage import TickStore

VENUE: Final = "binance-usdm"
SYMBOLS: Final = ("BTCUSDT", "ETHUSDT")
BATCH: Final = 100_000
MINUTES_5: Final = 300 * SECOND
HUNDRED_MILLION: Final = 100_000_000
DAY_ROWS: Final = 2_000_000
PUBLISHED: Final = (
    (
        "ingest, QuestDB 6.0, TSBS, one instance",
        "1.4 M rows/s",
        "questdb.io/blog/2021/05/10/questdb-release-6-0-tsbs-benchmark",
    ),
    ("ingest at its peak, QuestDB 10.0, its QWP", "19 M rows/s", "github.com/questdb/questdb, README"),
    ("results streamed to Arrow, QuestDB 10.0", "220 M rows/s", "github.com/questdb/questdb, README"),
)
Work = Callable[[], object]
Ticks = Mapping[str, TickColumns]

BARS = """
    select symbol, time_bucket(interval 1 second, time) as at, arg_min(price, id) as open, max(price) as high,
           min(price) as low, arg_max(price, id) as close, sum(quantity) as volume, count(*) as trades
    from {ticks} group by all order by all
"""


def table(symbol: str, ticks: TickColumns) -> pa.Table:
    """Ticks as everybody else gets them: a table with the symbol beside."""
    names = pa.array([symbol], pa.string()).dictionary_encode().take(pa.array(np.zeros(len(ticks), np.int32)))
    return table_of("ticks", ticks).add_column(0, "symbol", names)


def batches(ticks: TickColumns, rows: int) -> list[TickColumns]:
    """Ticks in pieces of so many rows."""
    return [ticks.rows(slice(start, start + rows)) for start in range(0, len(ticks), rows)]


class World:
    """The same ticks in every store, below one folder."""

    def __init__(self, folder: Path, ticks: Ticks) -> None:
        self.folder, self.ticks = folder, ticks
        self.rows = sum(map(len, ticks.values()))
        self.tables = {symbol: table(symbol, columns) for symbol, columns in ticks.items()}
        self.end_ns = max(int(columns.time_ns[-1]) for columns in ticks.values()) + 1
        self.written = 0

    def history(self) -> Path:
        """Write a history, batch by batch."""
        place = self._fresh("history")
        for symbol, columns in self.ticks.items():
            partition = Partition.of("ticks", f"{VENUE}:{symbol}", day_of(int(columns.time_ns[0])))
            with FileWriter(Place(place), partition, "day") as file:
                for batch in batches(columns, BATCH):
                    file.add(table_of("ticks", batch))
        return place

    def hot(self) -> Path:
        """Fill the tape's file, as a recorder does, and wait until all is durable."""
        path = self._fresh("hot") / "tape.db"
        with TickStore(path, ring_ticks=1_000) as store:
            for symbol, columns in self.ticks.items():
                for batch in batches(columns, 5_000):
                    store.take({symbol: batch})
            store.flush(600)
        return path

    def duckdb_table(self, batch: int) -> Path:
        """Insert Arrow tables into a table of DuckDB."""
        path = self._fresh(f"duckdb{batch}") / "ticks.duckdb"
        with duckdb.connect(str(path)) as connection:
            first = next(iter(self.tables.values())).slice(0, 0)
            connection.register("part", first)
            connection.execute("create table ticks as select * from part")
            for rows in self.tables.values():
                for start in range(0, len(rows), batch):
                    connection.register("part", rows.slice(start, batch))
                    connection.execute("insert into ticks select * from part")
        return path

    def duckdb_parquet(self) -> Path:
        """Have DuckDB write Parquet."""
        folder = self._fresh("duckdb-parquet")
        with duckdb.connect() as connection:
            for symbol, rows in self.tables.items():
                connection.register("part", rows)
                target = folder / f"{symbol}.parquet"
                connection.execute(f"copy part to '{target}' (format parquet, compression zstd, parquet_version v2)")
        return folder

    def polars_parquet(self) -> Path:
        """Have Polars write Parquet."""
        folder = self._fresh("polars")
        for symbol, rows in self.tables.items():
            frame = pl.from_arrow(rows)
            assert isinstance(frame, pl.DataFrame)
            frame.write_parquet(folder / f"{symbol}.parquet", compression="zstd")
        return folder

    def _fresh(self, name: str) -> Path:
        self.written += 1
        path = self.folder / f"{name}-{self.written}"
        path.mkdir()
        return path


def seconds(rounds: int, works: Mapping[str, Work]) -> dict[str, float]:
    """Median seconds of each, all in turn; once before, unmeasured."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            if number or rounds == 0:
                taken[name].append(time.perf_counter() - began)
    return {name: statistics.median(found) for name, found in taken.items()}


def show(title: str, found: Mapping[str, float], unit: str, goal: str = "") -> None:
    """Print figures and their ratio to the first one, ours."""
    print(f"\n{title}{f' (goal: {goal})' if goal else ''}")
    ours = next(iter(found.values()))
    for name, value in found.items():
        print(f"  {name:<44}{value:>10.3f} {unit:<12}{value / ours:>7.2f} x")


def size(path: Path) -> int:
    """Bytes of a file, or of all files of a folder."""
    return (
        path.stat().st_size
        if path.is_file()
        else sum(each.stat().st_size for each in path.rglob("*") if each.is_file())
    )


def ingest(world: World, rounds: int) -> dict[str, Path]:
    """Time how ticks are taken in; the last of what each wrote."""
    paths: dict[str, Path] = {}

    def keep(name: str, work: Callable[[], Path]) -> Work:
        def run() -> None:
            paths[name] = work()

        return run

    works = {
        "history, batches of 100,000": world.history,
        "hot store, batches of 5,000": world.hot,
        "DuckDB table, batches of 100,000": lambda: world.duckdb_table(100_000),
        "DuckDB table, batches of 1,000,000": lambda: world.duckdb_table(1_000_000),
        "DuckDB, COPY to Parquet zstd": world.duckdb_parquet,
        "Polars, write_parquet zstd": world.polars_parquet,
    }
    taken = seconds(max(rounds // 2, 1), {name: keep(name, work) for name, work in works.items()})
    show("taking in", {name: world.rows / each / 1e6 for name, each in taken.items()}, "M rows/s", ">= 1.5")
    show("on disk", {name: size(path) / world.rows for name, path in paths.items()}, "bytes/tick", "<= 7")
    return paths


def read(world: World, paths: Mapping[str, Path], rounds: int) -> None:
    """Time how ticks and bars are given out."""
    ours, hot, _, own_table, own_parquet, polars = paths.values()
    tape = open_tape(ours)
    names = [f"{VENUE}:{symbol}" for symbol in world.ticks]
    database = duckdb.connect(str(own_table), read_only=True)
    files = duckdb.connect()
    scan = pl.scan_parquet(polars / "*.parquet")
    since = world.end_ns - MINUTES_5
    late = f"time >= make_timestamp_ns({since})"
    store = TickStore(hot, ring_ticks=1_000, read_only=True)
    glob = f"read_parquet('{own_parquet}/*.parquet')"
    bucket = scan.sort("symbol", "time", maintain_order=True).group_by_dynamic("time", every="1s", group_by="symbol")
    price = pl.col("price")
    polars_bars = bucket.agg(
        price.first().alias("open"),
        price.max().alias("high"),
        price.min().alias("low"),
        price.last().alias("close"),
        pl.col("quantity").sum(),
        pl.len(),
    )
    with store, database, files, ThreadPoolExecutor() as pool:  # as DuckDB and Polars use all cores
        taken = seconds(
            rounds,
            {
                "history, bars": lambda: list(pool.map(lambda name: tape.bars(name, "1s"), names)),
                "history, SQL": lambda: tape.sql(BARS.format(ticks="ticks")),
                "DuckDB table": lambda: database.sql(BARS.format(ticks="ticks")).to_arrow_table(),
                "DuckDB over its own Parquet": lambda: files.sql(BARS.format(ticks=glob)).to_arrow_table(),
                "Polars over its own Parquet": polars_bars.collect,
            },
        )
        show(f"1 s bars of {len(names)} symbols of one day", _ms(taken), "ms", "<= 150")
        newest = names[-1]
        symbol = SYMBOLS[-1]
        taken = seconds(
            5 * rounds,
            {
                "history, ticks": lambda: tape.ticks(newest, since),
                "history, opened anew": lambda: open_tape(ours).ticks(newest, since),
                "hot store": lambda: store.columns(newest, since, world.end_ns),
                "DuckDB table": lambda: database.sql(
                    f"select * from ticks where symbol = '{symbol}' and {late}"
                ).fetchnumpy(),
                "DuckDB over its own Parquet": lambda: files.sql(
                    f"select * from {glob} where symbol = '{symbol}' and {late}"
                ).fetchnumpy(),
                "Polars over its own Parquet": lambda: scan.filter(
                    pl.col("symbol") == symbol, pl.col("time") >= pl.lit(since).cast(pl.Datetime("ns"))
                ).collect(),
            },
        )
        show("the last five minutes of one symbol", _ms(taken), "ms", "<= 5")
        taken = seconds(
            rounds,
            {
                "history, ticks": lambda: tape.ticks(newest),
                "DuckDB table": lambda: database.sql(f"select * from ticks where symbol = '{symbol}'").fetchnumpy(),
                "DuckDB over its own Parquet": lambda: files.sql(
                    f"select * from read_parquet('{own_parquet}/{symbol}.parquet')"
                ).fetchnumpy(),
                "Polars over its own Parquet": lambda: pl.read_parquet(polars / f"{symbol}.parquet"),
            },
        )
        show(f"a day of {symbol} as columns, {len(world.ticks[symbol]):,} ticks", _ms(taken), "ms")


def _ms(taken: Mapping[str, float]) -> dict[str, float]:
    return {name: each * 1e3 for name, each in taken.items()}


def hundred_million(folder: Path) -> None:
    """Aggregate 1e8 ticks of fifty days to one-minute bars in a process of its own, and tell its memory."""
    place = Place(folder / "hundred-million")
    for day in range(HUNDRED_MILLION // DAY_ROWS):
        partition = Partition.of("ticks", f"{VENUE}:{SYMBOLS[0]}", day_of(START_NS + day * DAY))
        with FileWriter(place, partition, "day") as file:
            for part in batches(made_ticks(DAY_ROWS, 0, day=day, first_id=day * DAY_ROWS + 1), BATCH):
                file.add(table_of("ticks", part))
    for what in ("bars", "sql"):
        command = [sys.executable, "-m", "benchmarks.bench_history", "--aggregate", what, "--folder", place.root]
        print(subprocess.run(command, check=True, capture_output=True, text=True).stdout, end="")


def aggregate(folder: Path, what: str) -> None:
    """Make one-minute bars of all that a history holds, and print how long it took and the most memory in use."""
    tape = open_tape(folder)
    began = time.perf_counter()
    if what == "bars":
        count = len(tape.bars(f"{VENUE}:{SYMBOLS[0]}", "1m"))
    else:
        count = len(tape.sql(BARS.format(ticks="ticks").replace("1 second", "1 minute")))
    took = time.perf_counter() - began
    print(f"1e8 ticks to {count:,} bars by {what}: {took:.1f} s, {peak_gb():.2f} GB at its peak (goal: <= 1 GB)")


def peak_gb() -> float:
    """The most memory this process has had; not by getrusage, which also counts what the parent had before exec."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1_024 / 1e9


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--hundred-million", action="store_true")
    parser.add_argument("--aggregate", choices=("bars", "sql"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help="where to write; a temporary one where it is left out")
    chosen = parser.parse_args()
    if chosen.aggregate:
        aggregate(chosen.folder, chosen.aggregate)
        return
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        each = chosen.rows // len(SYMBOLS)
        world = World(Path(folder), {symbol: made_ticks(each, seed) for seed, symbol in enumerate(SYMBOLS)})
        read(world, ingest(world, chosen.rounds), chosen.rounds)
        print("\nQuestDB, as published, on machines of its own choice")
        for what, figure, source in PUBLISHED:
            print(f"  {what:<44}{figure:<16}{source}")
        if chosen.hundred_million:
            hundred_million(Path(folder))


if __name__ == "__main__":
    main()
