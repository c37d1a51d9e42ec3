"""From a frame's bytes to a tick that readers see: parsing, building events, appending to the store.

Frames are made from the bundled tape. Beside our codec: the standard library's json and a frozen dataclass.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq

from alphastream.events import Tick
from alphastream.feeds import FEEDS
from config import Settings
from storage import TickStore

ROUNDS = 5


@dataclass(frozen=True, slots=True)
class PlainTick:
    """What an event costs as a frozen dataclass."""

    symbol: str
    id: int
    price: float
    quantity: float
    time_ns: int
    receive_ns: int
    buyer_is_maker: bool


def frames() -> list[bytes]:
    """The bundled tape as combined-stream frames, in order of arrival."""
    rows = pq.read_table(Settings().replay_tape).to_pylist()
    return [
        json.dumps(
            {
                "stream": f"{row['symbol'].lower()}@aggTrade",
                "data": {
                    "e": "aggTrade",
                    "E": row["event_ns"] // 10**6,
                    "a": row["id"],
                    "s": row["symbol"],
                    "p": row["price_text"],
                    "q": row["quantity_text"],
                    "f": row["first_id"],
                    "l": row["last_id"],
                    "T": row["time_ns"] // 10**6,
                    "m": row["buyer_is_maker"],
                },
            },
            separators=(",", ":"),
        ).encode()
        for row in rows
    ]


def ours(messages: list[bytes]) -> list[Tick]:
    """Parse with the codec."""
    parse = FEEDS["binance-usdm"].fresh().parse
    return [tick for message in messages for tick in parse(message, 1)]


def plain(messages: list[bytes]) -> list[PlainTick]:
    """Parse with json into a dataclass, without any check."""
    found = []
    for message in messages:
        data = json.loads(message)["data"]
        found.append(
            PlainTick(data["s"], data["a"], float(data["p"]), float(data["q"]), data["T"] * 10**6, 1, data["m"])
        )
    return found


def stored(ticks: list[Tick]) -> None:
    """Append to a store as an ingest thread does, and wait until all is durable."""
    with tempfile.TemporaryDirectory() as folder, TickStore(Path(folder) / "ticks.db") as store:
        for start in range(0, len(ticks), 500):
            store.append(ticks[start : start + 500])
        store.flush()


def median_s(work: Callable[[], object]) -> float:
    """Median seconds of some rounds."""
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def main() -> None:
    """Print the table."""
    messages = frames()
    ticks = ours(messages)
    count = len(messages)
    values: list[tuple[object, ...]] = [
        (t.symbol, t.id, t.price, t.quantity, t.time_ns, t.receive_ns, t.buyer_is_maker) for t in ticks
    ]
    rows = (
        (
            "parse, checks included",
            median_s(lambda: ours(messages)),
            "json + dataclass",
            median_s(lambda: plain(messages)),
        ),
        (
            "build an event",
            median_s(partial(build, Tick, values)),
            "dataclass",
            median_s(partial(build, PlainTick, values)),
        ),
    )
    print(f"{count} frames of {sum(map(len, messages)) // count} bytes, median of {ROUNDS} rounds")
    for what, us, rival, them in rows:
        cost, theirs = us / count * 1e6, them / count * 1e6
        print(f"{what:24s}{cost:6.2f} us   {rival:18s}{theirs:6.2f} us   {them / us:5.1f}x")
    durable = median_s(lambda: stored(ticks))
    print(f"{'append until durable':24s}{durable / count * 1e6:6.2f} us   {count / durable:,.0f} ticks/s")


def build(kind: Callable[..., object], values: list[tuple[object, ...]]) -> None:
    """Make an event of each row."""
    for row in values:
        kind(*row)


if __name__ == "__main__":
    main()
