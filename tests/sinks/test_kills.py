"""Broker and reader are killed while trades flow: nothing is missing, nothing is double.

The suite kills a few times; ``make bus-kills`` many, during 200,000 trades.
"""

import asyncio
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest

from alphastream.errors import BusError
from alphastream.sinks import Batch, Bus, open_bus
from storage import TickStore
from tests.servers import Server, nats_cluster, nats_server, need
from tests.sinks.reading import ORIGIN
from tests.sinks.trades import BTC, batches, trades

ROOT = Path(__file__).resolve().parents[2]
TICKS = int(os.environ.get("BUS_TICKS", "20000"))
KILLS = int(os.environ.get("BUS_KILLS", "3"))


class Reader:
    """A process that reads, killed and started again."""

    def __init__(self, address: str, path: Path) -> None:
        self._command = [sys.executable, "-m", "tests.sinks.reading", address, str(path), str(TICKS)]
        self.process = self._start()

    def _start(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(self._command, cwd=ROOT, stdout=subprocess.PIPE, text=True)

    def progress(self) -> int:
        """Wait until it has made something durable; how many ticks it holds."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the reader ended by itself"
        return int(line)

    def kill(self) -> None:
        """Kill it and start another one."""
        self.end()
        self.process = self._start()

    def end(self) -> None:
        """Kill it."""
        self.process.kill()
        self.process.communicate()


@contextmanager
def reading(address: str, path: Path) -> Iterator[Reader]:
    reader = Reader(address, path)
    try:
        yield reader
    finally:
        reader.end()


def publish(bus: Bus, part: list[Batch]) -> None:
    """Publish until all is acknowledged, as a recorder does."""
    for _ in range(100):
        try:
            for batch in part:
                bus.publish(batch)
            bus.flush(20)
            return
        except BusError:
            continue
    raise AssertionError("the bus took nothing")


def check(path: Path) -> None:
    """Each trade is held once, bit for bit."""
    with TickStore(path, origin=ORIGIN) as store:
        held = store.columns(BTC, 0, 2**62)
        coverage = store.coverage(BTC)
        written = store.health.written
    assert written == 0  # nothing had waited
    assert coverage is not None
    assert (coverage.complete, coverage.ticks) == (True, TICKS)
    want = trades(1, TICKS)
    assert all(np.array_equal(one, other) for one, other in zip(held.arrays(), want.arrays(), strict=True))


def through(address: str, path: Path, kill_broker: Callable[[], Callable[[], object]]) -> None:
    """Publish all while broker and reader are killed in turn, then wait for the reader."""
    draw, sent = random.Random(KILLS), batches(TICKS)
    size = len(sent) // (KILLS + 1) + 1
    bus = open_bus(address)
    with reading(address, path) as reader:
        for number, start in enumerate(range(0, len(sent), size)):
            part = sent[start : start + size]
            half = draw.randrange(len(part))
            restart: Callable[[], object] = int
            if number < KILLS:
                publish(bus, part[: half // 2])
                for batch in part[half // 2 : half]:  # these are under way
                    bus.publish(batch)
                if number % 2:
                    reader.progress()
                    reader.kill()
                else:
                    restart = kill_broker()
            again = threading.Timer(draw.random(), restart)
            again.start()
            publish(bus, part)
            again.join()
        bus.close()
        while reader.progress() < TICKS:
            pass
        reader.process.wait(60)
    check(path)


@pytest.mark.slow
def test_one_nats_server_and_its_reader_are_killed(tmp_path: Path) -> None:
    need("nats")
    with nats_server(tmp_path / "nats") as server:

        def kill_broker() -> Callable[[], object]:
            server.kill()
            return server.start

        through(f"nats://127.0.0.1:{server.port}", tmp_path / "read.db", kill_broker)


@pytest.mark.slow
def test_the_leader_of_three_nats_servers_and_the_reader_are_killed(tmp_path: Path) -> None:
    need("nats")
    nodes = nats_cluster(tmp_path / "nats")
    address = ",".join(f"nats://127.0.0.1:{node.port}" for node in nodes)
    with ExitStack() as running:
        for node in nodes:
            running.enter_context(node)

        def kill_leader() -> Callable[[], object]:
            leader = _leader_of(nodes)
            leader.kill()
            return leader.start

        through(address, tmp_path / "read.db", kill_leader)


def _leader_of(nodes: list[Server]) -> Server:
    """The node that leads the stream."""
    import nats

    async def ask() -> str:
        client = await nats.connect([f"nats://127.0.0.1:{node.port}" for node in nodes])
        for _ in range(200):
            try:
                info = await client.jetstream().stream_info("alphastream-ticks")
                if info.cluster is not None and info.cluster.leader:
                    await client.close()
                    return info.cluster.leader
            except nats.errors.Error:  # it has none now
                pass
            await asyncio.sleep(0.1)
        raise AssertionError("the stream has no leader")

    leader = asyncio.run(ask())
    return next(node for node in nodes if leader.endswith(f"-{node.port}"))


@pytest.mark.slow
def test_a_process_with_its_bus_in_memory_is_killed(tmp_path: Path) -> None:
    """The bus dies with publisher and reader: what the reader had not acknowledged is published from the tape again."""
    with TickStore(tmp_path / "tape.db", origin=ORIGIN) as tape:
        tape.take({BTC: trades(1, TICKS)})
        tape.flush(60)
    with reading(f"memory:{tmp_path / 'tape.db'}", tmp_path / "read.db") as reader:
        for _ in range(KILLS):
            reader.progress()
            reader.kill()
        while reader.progress() < TICKS:
            pass
        reader.process.wait(60)
    check(tmp_path / "read.db")
