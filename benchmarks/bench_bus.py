"""What a bus takes and gives, beside nats-py with the same bytes and beside memory.

``python -m benchmarks.bench_bus`` prints medians of fresh servers on this machine: publisher, server and reader share
its cores. "durable" is a server that syncs its file before each acknowledgement (sync_interval: always), as one does
where a power cut may lose nothing; the server's own default syncs every two minutes. The three servers are set to sync.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import nats
import numpy as np

from alphastream.sinks import Batch, Bus, MemoryBus, encode, open_bus, open_sink
from alphastream.tape.columns import TickColumns
from runtime.startup import hand_over_often
from tests.servers import Server, nats_cluster, nats_server, postgres
from tests.sinks.trades import BTC, START_NS

ROUNDS = 5
TICKS = 1_000_000
DURABLE_TICKS = 100_000
SIZES = (100, 1_000)
UNACKNOWLEDGED = 1_024


def batches(ticks: int, size: int) -> list[Batch]:
    """Trades of one instrument as they come from a venue, 25 a second."""
    draw = np.random.default_rng(7)
    times = START_NS + np.cumsum(draw.integers(0, 80, ticks)) * 1_000_000
    price = np.round(60_000 + np.cumsum(draw.integers(-3, 4, ticks)) * 0.1, 1)
    quantity = draw.integers(1, 2_000, ticks) / 1_000
    received = times + draw.integers(10**7, 10**8, ticks)
    whole = TickColumns(np.arange(1, ticks + 1), price, quantity, times, received, draw.random(ticks) < 0.5)
    return [Batch(BTC, whole.rows(slice(start, start + size))) for start in range(0, ticks, size)]


def through(bus: Bus, ticks: int, size: int) -> tuple[float, float]:
    """Seconds to publish so many ticks until all are acknowledged, and to read them and acknowledge."""
    sent = batches(ticks, size)
    bus.sources()  # connected
    began_s = time.perf_counter()
    for batch in sent:
        bus.publish(batch)
    bus.flush(120)
    published_s = time.perf_counter() - began_s
    consumer = bus.subscribe("binance-usdm", "reader")
    began_s, came = time.perf_counter(), 0
    while came < ticks:
        came += sum(len(batch.ticks) for batch in consumer.receive(5))
        consumer.ack()
    read_s = time.perf_counter() - began_s
    consumer.close()
    return published_s, read_s


async def raw(address: str, ticks: int, size: int) -> tuple[float, float]:
    """The same with nats-py alone: publish_async, then fetch and an acknowledgement a message; bytes not looked at."""
    messages = [encode(batch) for batch in batches(ticks, size)]
    client = await nats.connect(address)
    stream = client.jetstream(publish_async_max_pending=UNACKNOWLEDGED)
    await stream.add_stream(name="raw", subjects=["raw.>"])
    began_s = time.perf_counter()
    for number, message in enumerate(messages):
        await stream.publish_async("raw.ticks", message, headers={"Nats-Msg-Id": str(number)})
    await stream.publish_async_completed()
    published_s = time.perf_counter() - began_s
    reader = await stream.pull_subscribe("raw.>", "reader", stream="raw")
    began_s, came = time.perf_counter(), 0
    while came < len(messages):
        for delivered in await reader.fetch(500, timeout=5):
            await delivered.ack()
            came += 1
    read_s = time.perf_counter() - began_s
    await client.close()
    return published_s, read_s


def with_server(run: Callable[[str], tuple[float, float]], *, durable: bool) -> tuple[float, float]:
    """Run it against a fresh server."""
    with tempfile.TemporaryDirectory() as folder:
        server: Server = nats_server(Path(folder))
        configuration = Path(server.command[-1])
        if not durable:
            configuration.write_text(configuration.read_text().replace(", sync_interval: always", ""))
        with server:
            return run(f"nats://127.0.0.1:{server.port}")


def with_three(run: Callable[[str], tuple[float, float]]) -> tuple[float, float]:
    """Run it against three fresh servers that each keep a copy, all on this machine."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        nodes = [running.enter_context(node) for node in nats_cluster(Path(folder))]
        return run("nats://" + ",".join(f"127.0.0.1:{node.port}" for node in nodes))


def ours(address: str, ticks: int, size: int) -> tuple[float, float]:
    bus = open_bus(address)
    try:
        return through(bus, ticks, size)
    finally:
        bus.close()


def into_rows(ticks: int) -> float:
    """Seconds to keep so many ticks in a fresh PostgreSQL, which does not sync its files here."""
    sent = batches(ticks, 1_000)
    with postgres() as address:
        sink = open_sink(address)
        sink.publish(sent[0])
        sink.flush(60)
        began_s = time.perf_counter()
        for batch in sent[1:]:
            sink.publish(batch)
        sink.flush(600)
        took_s = time.perf_counter() - began_s
        sink.close()
    return took_s


def main() -> None:
    hand_over_often()  # as the application does
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    print(f"{'bus':16}{'ticks a message':>16}{'bytes a tick':>14}{'publish':>12}{'consume':>12}  M ticks/s")
    for size in SIZES:
        weight = len(encode(batches(size, size)[0])) / size
        cases: dict[str, tuple[int, Callable[[], tuple[float, float]]]] = {
            "memory": (TICKS, lambda size=size: through(MemoryBus(), TICKS, size)),  # type: ignore[misc]
            "nats": (
                TICKS,
                lambda size=size: with_server(lambda at: ours(at, TICKS, size), durable=False),  # type: ignore[misc]
            ),
            "nats three": (TICKS, lambda size=size: with_three(lambda at: ours(at, TICKS, size))),  # type: ignore[misc]
            "nats durable": (
                DURABLE_TICKS,
                lambda size=size: with_server(lambda at: ours(at, DURABLE_TICKS, size), durable=True),  # type: ignore[misc]
            ),
            "raw nats-py": (
                TICKS,
                lambda size=size: with_server(  # type: ignore[misc]
                    lambda at: asyncio.run(raw(at, TICKS, size)), durable=False
                ),
            ),
        }
        for name, (ticks, run) in cases.items():
            published, read = zip(*(run() for _ in range(rounds)), strict=True)
            speeds = [ticks / statistics.median(seconds) / 1e6 for seconds in (published, read)]
            print(f"{name:16}{size:>16}{weight:>14.1f}{speeds[0]:>12.2f}{speeds[1]:>12.2f}")
    rows_s = statistics.median(into_rows(DURABLE_TICKS) for _ in range(rounds))
    print(f"{'postgresql rows':16}{1_000:>16}{'':>14}{DURABLE_TICKS / rows_s / 1e6:>12.2f}")


if __name__ == "__main__":
    main()
