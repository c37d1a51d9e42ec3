"""The publisher: everything that is recorded reaches the sink, whatever is away for however long."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from alphastream.errors import BusError
from alphastream.sinks import Batch, MemoryBus
from alphastream.tape.columns import TickColumns
from runtime.bus import publisher
from runtime.bus.publisher import Publisher
from storage import Origin, TickStore
from tests.sinks.trades import BTC, trades

KRAKEN, BYBIT = "kraken", "bybit-linear"


class FailingBus(MemoryBus):
    """A bus that takes nothing while ``is_away``."""

    is_away = False

    def publish(self, batch: Batch) -> None:
        if self.is_away:
            raise BusError("the bus is away")
        super().publish(batch)

    def close(self) -> None:
        """It outlives the publisher that opened it."""


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def ids_of(bus: MemoryBus, source: str = "binance-usdm", durable: str = "reader") -> list[int]:
    """All ids that are on the bus, in order."""
    consumer, found = bus.subscribe(source, durable), list[int]()
    while batches := consumer.receive(0.0):
        found += [number for batch in batches for number in batch.ticks.id.tolist()]
    return found


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TickStore]:
    with TickStore(tmp_path / "tape.db", origin=Origin("binance-usdm", "host"), ring_ticks=1_000) as opened:
        yield opened


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher, "RETRY_S", (0.02, 0.05))
    monkeypatch.setattr(publisher, "TICKS_AT_ONCE", 700)


def started(store: TickStore, bus: MemoryBus, venue: str = "binance-usdm") -> Publisher:
    running = Publisher(store, venue, "", "memory", lambda: bus)
    running.start()
    return running


def test_what_is_held_and_what_comes(store: TickStore) -> None:
    bus = FailingBus()
    store.take({BTC: trades(1, 5_000)})  # more than the ring holds
    running = started(store, bus)
    eventually(lambda: running.health.sent == 5_000)
    store.take({BTC: trades(5_001, 300)})
    eventually(lambda: running.health.sent == 5_300)
    running.stop()
    assert ids_of(bus) == list(range(1, 5_301))


def test_a_start_goes_on_where_the_last_one_was(store: TickStore) -> None:
    first = FailingBus()
    store.take({BTC: trades(1, 5_000)})
    running = started(store, first)
    eventually(lambda: running.health.sent == 5_000)
    running.stop()
    second = FailingBus()
    store.take({BTC: trades(5_001, 100)})
    running = started(store, second)
    eventually(lambda: running.health.sent == 100)
    running.stop()
    assert ids_of(second) == list(range(5_001, 5_101))


def test_late_trades_are_sent_wherever_they_lie(store: TickStore) -> None:
    bus = FailingBus()
    store.take({BTC: trades(1, 2_000)})
    store.take({BTC: trades(3_001, 2_000)})
    running = started(store, bus)
    eventually(lambda: running.health.sent == 4_000)
    store.take({BTC: trades(2_001, 500)})  # while it runs
    eventually(lambda: running.health.sent == 4_500)
    running.stop()
    store.take({BTC: trades(2_501, 500)})  # while it does not
    running = started(store, bus)
    eventually(lambda: running.health.sent == 500)
    running.stop()
    assert ids_of(bus) == [*range(1, 2_001), *range(3_001, 5_001), *range(2_001, 3_001)]


def test_a_bus_that_is_away_for_longer_than_memory_reaches(store: TickStore) -> None:
    bus = FailingBus()
    store.take({BTC: trades(1, 100)})
    running = started(store, bus)
    eventually(lambda: running.health.sent == 100)
    bus.is_away = True
    for first in range(101, 6_101, 500):
        store.take({BTC: trades(first, 500)})
    eventually(lambda: running.health.trouble == "the bus is away")
    bus.is_away = False
    eventually(lambda: running.health.sent == 6_100)
    assert running.health.trouble == ""
    running.stop()
    assert sorted(ids_of(bus)) == list(range(1, 6_101))


def test_what_was_sealed_meanwhile_is_read_from_the_history(tmp_path: Path) -> None:
    bus = FailingBus()
    origin, history = Origin("binance-usdm", "host"), str(tmp_path / "history")
    with TickStore(tmp_path / "tape.db", origin=origin, ring_ticks=1_000, history=history) as store:
        store.take({BTC: trades(1, 5_000)})
        store.flush()
        assert store.seal(int(trades(4_000, 1).time_ns[0])) > 3_000
        running = started(store, bus)
        eventually(lambda: running.health.sent == 5_000)
        running.stop()
    assert sorted(ids_of(bus)) == list(range(1, 5_001))


def test_ids_that_begin_anew_are_sent(store: TickStore) -> None:
    bus = FailingBus()
    store.take({BTC: trades(10_000, 500)})
    running = started(store, bus)
    eventually(lambda: running.health.sent == 500)
    bus.is_away = True
    store.take({BTC: trades(10_500, 100)})
    later = trades(1, 2_000)
    anew = TickColumns(
        later.id, later.price, later.quantity, later.time_ns + 10**11, later.receive_ns, later.buyer_is_maker
    )
    store.take({BTC: anew})
    coverage = store.coverage(BTC)
    assert coverage is not None
    assert coverage.epoch == 1
    bus.is_away = False
    eventually(lambda: running.health.sent >= 2_600)
    running.stop()
    found = ids_of(bus)
    assert set(found) == {*range(10_000, 10_600), *range(1, 2_001)}


def test_ids_that_prove_nothing_are_sent_by_time(tmp_path: Path) -> None:
    bus = FailingBus()
    name = f"{BYBIT}:BTCUSDT"
    with TickStore(tmp_path / "tape.db", origin=Origin(BYBIT, "host"), ring_ticks=1_000) as store:
        ticks = trades(1, 5_000)
        sparse = TickColumns(ticks.id * 4_096, *ticks.arrays()[1:])
        store.take({name: sparse.rows(slice(0, 4_000))})
        running = started(store, bus, BYBIT)
        eventually(lambda: running.health.sent == 4_000)
        running.stop()
        store.take({name: sparse.rows(slice(4_000, 5_000))})
        running = started(store, bus, BYBIT)
        eventually(lambda: running.health.sent >= 1_000)
        running.stop()
    assert set(ids_of(bus, BYBIT)) == set(sparse.id.tolist())


def test_marks_that_cannot_be_read_cost_time_alone(store: TickStore, tmp_path: Path) -> None:
    bus = FailingBus()
    store.take({BTC: trades(1, 1_000)})
    running = started(store, bus)
    eventually(lambda: running.health.sent == 1_000)
    running.stop()
    (kept,) = tmp_path.glob("tape.published-*.json")
    for damage in (
        b"no json",
        b'{"instruments": {"binance-usdm:BTCUSDT": {"epoch": 0, "runs": [[9, 3]], "newest_ns": 5}}}',
    ):
        kept.write_bytes(damage)
        running = started(store, bus)
        eventually(lambda running=running: running.health.sent == 1_000)  # type: ignore[misc]
        running.stop()
    assert np.array_equal(np.unique(ids_of(bus)), np.arange(1, 1_001))
