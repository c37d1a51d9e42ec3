"""One measure of the tape in a process of its own: ``python benchmarks/tape_measures.py NAME ARGUMENTS``.

It prints its figures as JSON. It uses only what the program has had since before ticks became columns, or asks what is
there, so that `bench_tape` can run it in an older copy of the program, too: in that folder, by PYTHONPATH.
"""

import gc
import importlib.util
import json
import logging
import os
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

import config
import pipelines
from alphastream.events import Tick
from alphastream.feeds import FEEDS
from benchmarks.bench_storage import busy_thread
from storage import TickStore

Figures = dict[str, float]

VENUE = "binance-usdm"
BURST = 300  # frames that one read of a socket gives
START_NS = 1_723_075_200_000_000_000
HOUR_NS = 3_600 * 10**9
FLUSH_S = 0.25
FOREVER_S = 3_600.0
FOREVER = 2**63 - 1


def hand_over_often() -> None:
    """Set the interpreter up as the program does, where it does, and load what it compiles for frames."""
    if importlib.util.find_spec("alphastream.feeds.binance.bursts") is not None:
        importlib.import_module("alphastream.feeds.binance.bursts").warm_up()
    if importlib.util.find_spec("runtime.startup") is not None:
        importlib.import_module("runtime.startup").hand_over_often()


def in_memory(frames_file: str, busy: str) -> Figures:
    """From frames in memory, by the codec and the ring, until the last trade is durable."""
    frames = payloads_of(Path(frames_file).read_bytes())
    times = [time.time_ns()] * BURST
    codec: Any = FEEDS[VENUE].fresh()
    hand_over_often()
    with tempfile.TemporaryDirectory() as folder, TickStore(Path(folder) / "ticks.db") as store:
        with busy_thread() if busy == "busy" else nullcontext():
            begun, begun_cpu = time.perf_counter(), time.process_time()
            for start in range(0, len(frames), BURST):
                burst = frames[start : start + BURST]
                if hasattr(codec, "parse_columns"):
                    store.take(codec.parse_columns(burst, times[: len(burst)]))
                else:
                    store.append([tick for frame in burst for tick in codec.parse(frame, times[0])])
            store.flush(FOREVER_S)
            took, cpu = time.perf_counter() - begun, time.process_time() - begun_cpu
        assert store.health.written == len(frames)
    return {"ticks_per_s": len(frames) / took, "cpu_us": 1e6 * cpu / len(frames)}


def payloads_of(data: bytes) -> list[bytes]:
    """Take unmasked frames with two bytes of length apart."""
    found, start = [], 0
    while start < len(data):
        end = start + 4 + int.from_bytes(data[start + 2 : start + 4], "big")
        found.append(data[start + 4 : end])
        start = end
    return found


def over_a_socket(ws_url: str, trades: str, busy: str) -> Figures:
    """From a peer's frames, by transport, feed and ring, until the last trade is durable."""
    wanted = int(trades)
    load = busy_thread() if busy == "busy" else nullcontext()
    with tempfile.TemporaryDirectory() as folder, recording(ws_url, folder) as store, load:
        while not store.symbols():
            time.sleep(0.000_2)
        begun, begun_cpu = time.perf_counter(), time.process_time()
        while store.health.written < wanted:
            time.sleep(0.002)
        took, cpu = time.perf_counter() - begun, time.process_time() - begun_cpu
    return {"ticks_per_s": wanted / took, "cpu_us": 1e6 * cpu / wanted}


def latency(ws_url: str, seconds: str) -> Figures:
    """From the moment a trade is received until a reader of the ring has it, in ms."""
    waits: list[Any] = []
    cursors: dict[str, int] = {}
    opened: list[TickStore] = []

    def arrived() -> None:
        now_ns = time.time_ns()
        for store in opened:
            for symbol in store.symbols():
                batch = store.since(symbol, cursors.get(symbol))
                cursors[symbol] = batch.cursor
                waits.append(now_ns - received_of(batch))

    with tempfile.TemporaryDirectory() as folder, recording(ws_url, folder, arrived) as store:
        while not store.symbols():
            time.sleep(0.01)
        opened.append(store)
        time.sleep(2.0)
        waits.clear()
        time.sleep(float(seconds))
        found = np.concatenate(waits) / 1e6
    p50, p99, worst = np.percentile(found, [50, 99, 100])
    return {"p50_ms": p50, "p99_ms": p99, "worst_ms": worst, "ticks_per_s": len(found) / float(seconds)}


def received_of(batch: Any) -> Any:
    """When the ticks of a batch were received."""
    columns = getattr(batch, "columns", None)
    return np.array([tick.receive_ns for tick in batch]) if columns is None else columns.receive_ns


@contextmanager
def recording(ws_url: str, folder: str, arrived: Callable[[], None] = lambda: None) -> Iterator[TickStore]:
    """The recorder of the program on an address that answers no REST."""
    rest_url = ws_url.replace("ws", "http", 1)
    settings = {"WS_URL": ws_url, "REST_URL": rest_url, "DATA_DIR": folder, "CONNECT_TIMEOUT_S": "2"}
    hand_over_often()
    pipeline = pipelines.live_pipeline(
        config.load({f"ALPHASTREAM_{name}": value for name, value in settings.items()}), arrived=arrived
    )
    pipeline.lines[0].ingest.start()
    try:
        yield pipeline.lines[0].store
    finally:
        pipeline.lines[0].ingest.stop()
        pipeline.lines[0].store.close()


def real_trades(symbol: str, rows: int) -> dict[str, Any]:
    """Columns of a symbol of the bundled recording, lap after lap with ids, times and prices moved on.

    A lap's prices lie some steps above those of the lap before, so that no lap repeats another's bytes.
    """
    table = pq.read_table(config.Settings().replay_tape)
    table = table.filter(np.array(table["symbol"].to_pylist()) == symbol)
    columns = {name: table[name].to_numpy() for name in ("id", "time_ns", "receive_ns", "buyer_is_maker")}
    price, quantity = (np.array(table[name].to_pylist()).astype(float) for name in ("price_text", "quantity_text"))
    size = len(price)
    laps, places = np.divmod(np.arange(rows), size)
    span_ns = int(columns["time_ns"][-1] - columns["time_ns"][0]) + 40_000_000
    jitter_ns = np.random.default_rng(7).integers(0, 1_000_000, rows)
    return {
        "id": columns["id"][0] + np.arange(rows),
        "price": np.round(price[places] + np.random.default_rng(3).integers(-500, 500, laps[-1] + 1)[laps] * 0.1, 2),
        "quantity": quantity[places],
        "time_ns": columns["time_ns"][places] + laps * span_ns,
        "receive_ns": columns["receive_ns"][places] + laps * span_ns + jitter_ns,
        "buyer_is_maker": columns["buyer_is_maker"][places],
    }


def take(store: Any, symbol: str, columns: Mapping[str, Any]) -> None:
    """Give a store columns, or ticks where it takes no columns."""
    if hasattr(store, "take"):
        from alphastream.tape.columns import TickColumns

        store.take({symbol: TickColumns(**columns)})
    else:
        store.append(list(map(Tick, [symbol] * len(columns["id"]), *(column.tolist() for column in columns.values()))))


def rows_of(columns: Mapping[str, Any], start: int, stop: int) -> dict[str, Any]:
    """Some rows of columns."""
    return {name: column[start:stop] for name, column in columns.items()}


def on_disk(rows: str) -> Figures:
    """Bytes a trade in the file, written as a live feed comes: a transaction each quarter of a second."""
    columns = real_trades("BTCUSDT", int(rows))
    edges = np.flatnonzero(np.diff(columns["receive_ns"] // int(FLUSH_S * 1e9))) + 1
    figures = {"ticks_a_transaction": int(rows) / (len(edges) + 1)}
    if hasattr(TickStore, "take"):
        from alphastream.tape.blocks import encode
        from alphastream.tape.columns import TickColumns

        parts = [TickColumns(**rows_of(columns, start, stop)) for start, stop in pairwise(edges.tolist())]
        figures["live_edge_bytes"] = sum(len(encode(part)) for part in parts[:2_000]) / sum(map(len, parts[:2_000]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ticks.db"
        with TickStore(path, flush_s=FOREVER_S) as store:
            for start, stop in zip([0, *edges], [*edges, int(rows)], strict=True):
                take(store, "BTCUSDT", rows_of(columns, start, stop))
                store.flush(FOREVER_S)
            time.sleep(3.0)  # small blocks are put together while nothing comes
        figures["bytes"] = path.stat().st_size / int(rows)
    return figures


def five_minutes(rows: str, busy: str) -> Figures:
    """Read five minutes of a busy symbol out of the middle of a file."""
    columns = real_trades("BTCUSDT", int(rows))
    with tempfile.TemporaryDirectory() as folder, TickStore(Path(folder) / "ticks.db") as store:
        take(store, "BTCUSDT", columns)
        store.flush(FOREVER_S)
        middle_ns = int(columns["time_ns"][int(rows) // 2])
        hand_over_often()
        took = []
        with busy_thread() if busy == "busy" else nullcontext():
            for _ in range(5 if busy == "busy" else 31):
                begun = time.perf_counter()
                found = store.columns("BTCUSDT", middle_ns, middle_ns + 300 * 10**9)
                took.append(time.perf_counter() - begun)
    return {"ms": statistics.median(took) * 1e3, "slowest_ms": max(took) * 1e3, "ticks": len(found.id)}


def opening(rows: str) -> Figures:
    """Open a file of many trades, and have its ring."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ticks.db"
        with TickStore(path) as store:
            size = 250_000
            columns = real_trades("BTCUSDT", int(rows))
            for start in range(0, int(rows), size):
                take(store, "BTCUSDT", rows_of(columns, start, start + size))
                store.flush(FOREVER_S)
        del columns
        took = []
        for _ in range(3):
            begun = time.perf_counter()
            store = TickStore(path)
            took.append(time.perf_counter() - begun)
            store.close()
    return {"s": statistics.median(took)}


def ring() -> Figures:
    """Bytes of memory a trade in a full ring."""
    size = 50_000
    columns = real_trades("BTCUSDT", 2 * size)
    with tempfile.TemporaryDirectory() as folder, TickStore(Path(folder) / "ticks.db", ring_ticks=size) as store:
        take(store, "ETHUSDT", rows_of(columns, 0, 10))
        store.flush(FOREVER_S)
        gc.collect()
        tracemalloc.start()
        for start in range(0, 2 * size, 500):
            take(
                store, "BTCUSDT", {name: column.copy() for name, column in rows_of(columns, start, start + 500).items()}
            )
        store.flush(FOREVER_S)
        time.sleep(2.0)  # small blocks are put together in the meantime
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return {"bytes": held / size}


def a_day(hours: str) -> Figures:
    """Resident memory at each full hour of recording, an hour of retention, in simulated time at full speed."""
    sizes, hour_ticks, step = [], 86_400, 24
    with (
        tempfile.TemporaryDirectory() as folder,
        TickStore(Path(folder) / "ticks.db", retention_ns=HOUR_NS, flush_s=FOREVER_S) as store,
    ):
        columns = real_trades("BTCUSDT", hour_ticks)
        shift = int(columns["time_ns"][-1] - columns["time_ns"][0]) + 1
        for _ in range(int(hours)):
            for start in range(0, hour_ticks, step):
                take(store, "BTCUSDT", rows_of(columns, start, start + step))
                store.flush(FOREVER_S)
            columns["id"] += hour_ticks
            columns["time_ns"] += shift
            columns["receive_ns"] += shift
            sizes.append(resident())
    after_first = sizes[1:]
    return {
        "first_mb": sizes[0] / 1e6,
        "last_mb": sizes[-1] / 1e6,
        "spread": (max(after_first) - min(after_first)) / min(after_first),
    }


def resident() -> int:
    """Bytes of memory this process has now."""
    with closing(Path("/proc/self/statm").open(encoding="ascii")) as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


MEASURES: dict[str, Callable[..., Figures]] = {
    measure.__name__: measure
    for measure in (in_memory, over_a_socket, latency, on_disk, five_minutes, opening, ring, a_day)
}

if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    print(json.dumps(MEASURES[sys.argv[1]](*sys.argv[2:])))
