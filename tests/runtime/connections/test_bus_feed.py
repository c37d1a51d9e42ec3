"""A bus as a feed: acknowledged once durable, again after a failure, and told in words."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from alphastream.errors import BusError, FeedBlocked, StorageError
from alphastream.instruments import InstrumentId
from alphastream.sinks import Batch, Bus, MemoryBus
from alphastream.sinks import batches as codec
from alphastream.tape.columns import TickGroups
from ingest import Ingest
from runtime.connections import bus_feed
from runtime.connections.bus_feed import BusFeed
from storage import Origin, TickStore
from tests.sinks.trades import BTC, batches, trades

ETH = InstrumentId("binance-usdm", "ETHUSDT")


class SharedBus(MemoryBus):
    """A bus that outlives the feed that closes it, and that can be away."""

    is_away = False

    def close(self) -> None:
        """Go on."""

    def opened(self) -> Bus:
        """Give it, unless it is away."""
        if self.is_away:
            raise BusError("no server answers")
        return self


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus_feed, "RETRY_S", (0.02, 0.05))
    monkeypatch.setattr(bus_feed, "SETTLE_EVERY_S", 0.05)


@contextmanager
def fed(
    store: TickStore, bus: SharedBus, take: Callable[[TickGroups], object], settle: Callable[[], object]
) -> Iterator[Ingest]:
    feed = BusFeed("Binance", "binance-usdm", "binance-usdm", bus.opened, "here", settle, [BTC], stall_s=0.5)
    ingest = Ingest(feed, take)
    ingest.start()
    try:
        yield ingest
    finally:
        ingest.stop()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TickStore]:
    with TickStore(tmp_path / "tape.db", origin=Origin("binance-usdm", "host")) as opened:
        yield opened


def held(store: TickStore) -> int:
    coverage = store.coverage(BTC)
    return coverage.ticks if coverage is not None else 0


def test_trades_come_with_what_the_feed_says_of_itself(store: TickStore) -> None:
    bus = SharedBus()
    with fed(store, bus, store.append, store.flush) as ingest:
        eventually(lambda: "no trade of binance-usdm has come yet" in ingest.health.reason)
        now_ns = time.time_ns()
        same_time = np.full(100, now_ns)
        newest = replace(trades(1, 100), time_ns=same_time, receive_ns=same_time)
        bus.publish(Batch(BTC, newest))
        eventually(lambda: ingest.state == "live")
        assert ingest.health.reason.startswith("bus: memory connected, ")
        assert ingest.health.reason.endswith("ms behind")
        assert ingest.health.ticks == 100
        assert ingest.health.traffic.transport == "bus memory"
        bus.publish(Batch(ETH, trades(1, 100)))  # an instrument that nobody has named, and long ago
        eventually(lambda: ingest.health.symbols == (BTC, ETH))
        eventually(lambda: ingest.state == "backfilling")
        eventually(lambda: ingest.state == "stalled")
        assert "no trade for more than 0.5 s" in ingest.health.reason
        bus.flush(20)  # that is: acknowledged
        ingest.add_symbol("ETHUSDT")
        with pytest.raises(FeedBlocked, match="SOLUSDT is not on the bus: its recorder decides what is, and sends BTC"):
            ingest.add_symbol("SOLUSDT")
        ingest.remove_symbol("ETHUSDT")
        assert ingest.health.symbols == (BTC,)
        bus.publish(Batch(ETH, trades(101, 100)))
        bus.flush(20)
    last = store.last(ETH)
    assert last is not None
    assert last.id == 100


def test_nothing_is_acknowledged_that_is_not_durable(store: TickStore) -> None:
    bus, failures = SharedBus(), [StorageError("no room"), StorageError("no room")]

    def settle() -> None:
        if failures:
            raise failures.pop()
        store.flush()

    for batch in batches(1_000):
        bus.publish(batch)
    with fed(store, bus, store.append, settle) as ingest:
        eventually(lambda: held(store) == 1_000 and not failures)
        bus.flush(20)
        assert ingest.health.failed_batches == 0
    assert store.health.duplicates == 2_000  # they came again, twice


def test_what_was_not_taken_comes_again(store: TickStore) -> None:
    bus, failures = SharedBus(), [OSError("a defect"), OSError("a defect")]

    def take(ticks: TickGroups) -> None:
        if failures:
            raise failures.pop()
        store.append(ticks)

    for batch in batches(1_000):
        bus.publish(batch)
    with fed(store, bus, take, store.flush) as ingest:
        eventually(lambda: held(store) == 1_000)
        bus.flush(20)
        assert ingest.health.failed_batches == 2


def test_a_bus_that_is_away_is_asked_again(store: TickStore) -> None:
    bus = SharedBus()
    bus.is_away = True
    with fed(store, bus, store.append, store.flush) as ingest:
        eventually(lambda: ingest.health.reason == "bus: no server answers")
        assert ingest.state == "connecting"
        bus.publish(batches(100)[0])
        bus.is_away = False
        eventually(lambda: held(store) == 100)


def test_noise_alone_is_acknowledged_and_told(store: TickStore, monkeypatch: pytest.MonkeyPatch) -> None:
    bus, sent = SharedBus(most_messages=20), "alphastream.sinks.memory.encode"
    with fed(store, bus, store.append, store.flush) as ingest:
        eventually(lambda: "no trade of binance-usdm has come yet" in ingest.health.reason)
        monkeypatch.setattr(sent, lambda _: b"noise")
        for batch in batches(10_000):  # more than the bus holds of what is not acknowledged
            bus.publish(batch)
        bus.flush(20)
        monkeypatch.setattr(sent, codec.encode)
        bus.publish(batches(100)[0])
        eventually(lambda: held(store) == 100)
        assert ingest.health.rejected == {"no batch of trades": len(batches(10_000))}


def test_batches_of_a_newer_program_wait_for_an_update(store: TickStore, monkeypatch: pytest.MonkeyPatch) -> None:
    bus = SharedBus()
    bus.publish(batches(100)[0])
    with monkeypatch.context() as old:
        old.setattr(codec, "_VERSION", 0)
        with fed(store, bus, store.append, store.flush) as ingest:
            eventually(lambda: "a batch of format 1, this program knows 0: update it" in ingest.health.reason)
        assert held(store) == 0
    with fed(store, bus, store.append, store.flush):
        eventually(lambda: held(store) == 100)
        bus.flush(20)
