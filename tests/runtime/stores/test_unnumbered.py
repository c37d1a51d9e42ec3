"""A tape of trades whose ids tell them apart and prove nothing: nothing is claimed of what is missing."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from alphastream.events import Tick
from alphastream.tape.columns import TickColumns
from storage import Origin, TickStore
from tests.runtime.stores.tape_files import ids, until

ORIGIN = Origin("bybit-linear", "stream.bybit.com")
BTC = "bybit-linear:BTCUSDT"
WIDE = 4_096 * 1_000  # between two trades of the venue, more than an id of others may skip


def tick(number: int) -> Tick:
    return Tick(BTC, number * WIDE, 100.0 + number, 0.5, 10**18 + number * 10**6, 10**18, False)


def some(*numbers: int) -> list[Tick]:
    return [tick(number) for number in numbers]


def held(store: TickStore) -> list[int]:
    return [number // WIDE for number in ids(store.window(BTC, 0, 2**62))]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ticks.db"


@pytest.fixture
def store(path: Path) -> Iterator[TickStore]:
    with TickStore(path, origin=ORIGIN, flush_s=0.01) as store:
        yield store


def rows(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(count)


def test_nothing_is_claimed_whatever_lies_between(store: TickStore) -> None:
    assert store.append(some(5, 6, 900, 901)) == 4
    store.append(some(40_000))
    covered = store.coverage(BTC)
    assert covered is not None
    assert (covered.missing, covered.complete, covered.is_known, covered.ticks) == (None, False, False, 5)
    assert (covered.first_id, covered.last_id) == (5 * WIDE, 40_000 * WIDE)
    assert store.gaps(BTC) == []
    store.flush()
    covered = store.coverage(BTC)
    assert covered is not None
    assert covered.ticks == 5
    assert (store.health.rejected, store.health.duplicates) == (0, 0)


def test_what_comes_late_is_taken_once(store: TickStore) -> None:
    store.append(some(5, 6, 9))
    store.flush()
    assert store.append(some(3, 4, 5, 6, 7, 8, 9, 10)) == 5  # the newest trades, as REST gives them
    store.flush()
    assert store.append(some(*range(3, 11))) == 0
    store.flush()
    assert held(store) == list(range(3, 11))
    assert [tick.id // WIDE for tick in store.since(BTC)] == [5, 6, 9, 3, 4, 7, 8, 10]
    assert store.health.duplicates == 3 + 8
    last = store.last(BTC)
    assert last is not None
    assert last.id == 10 * WIDE


def test_two_connections_and_a_shuffle_make_one_tape(store: TickStore) -> None:
    chance = random.Random(3)
    sent = [tick(number) for number in sorted(chance.sample(range(1, 5_000), 400))]
    for start in range(0, len(sent), 20):
        part = sent[max(0, start - 15) : start + 20]
        store.append(chance.sample(part, len(part)))
    store.flush()
    assert store.window(BTC, 0, 2**62) == sent
    assert sorted(store.since(BTC), key=lambda each: each.id) == sent


def test_after_a_restart_known_trades_are_known(path: Path) -> None:
    with TickStore(path, origin=ORIGIN) as store:
        store.append(some(*range(1, 50, 3)))
    with TickStore(path, origin=ORIGIN) as store:
        assert store.append(some(*range(1, 50))) == 49 - 17
        store.append(some(60))
        store.flush()
        assert held(store) == [*range(1, 50), 60]
        covered = store.coverage(BTC)
        assert covered is not None
        assert (covered.missing, covered.ticks) == (None, 50)


def test_a_ring_that_is_shorter_than_what_comes_late_refuses_what_it_cannot_know(path: Path) -> None:
    with TickStore(path, origin=ORIGIN, ring_ticks=10) as store:
        store.append(some(*range(1, 100, 2)))
        store.flush()
        store.append(some(*range(2, 100, 2)))
        store.flush()
        found = held(store)
    assert sorted({*found}) == found
    assert {*range(1, 100, 2)} < {*found}
    assert {82, 84, 98} < {*found}
    assert 2 not in found


def test_work_does_not_grow_with_the_trades(path: Path) -> None:
    with TickStore(path, origin=ORIGIN, flush_s=0.01) as store:
        for start in range(1, 20_000, 2_000):
            store.take({BTC: TickColumns.of(some(*range(start, start + 2_000, 2)))})
            store.flush()
    assert rows(path, "runs") == 1
    assert rows(path, "lost") == 0


def test_a_reader_follows(path: Path, store: TickStore) -> None:
    store.append(some(1, 5))
    store.flush()
    with TickStore(path, read_only=True) as reader:
        until(lambda: ids(reader.since(BTC)) == [WIDE, 5 * WIDE])
        store.append(some(7, 100, 101))
        until(lambda: len(reader.since(BTC)) == 5)
        store.append(some(3, 200))  # one came late: it is in the file
        until(lambda: len(reader.since(BTC)) >= 6)
        covered = reader.coverage(BTC)
        assert covered is not None
        assert (covered.missing, covered.ticks) == (None, 7)
        assert reader.gaps(BTC) == []
        assert held(reader) == [1, 3, 5, 7, 100, 101, 200]


def test_retention_deletes_from_the_low_end(path: Path) -> None:
    with TickStore(path, origin=ORIGIN, flush_s=0.01, retention_ns=50 * 10**6) as store:
        for number in range(1, 400, 2):
            store.append(some(number))
            store.flush()
        covered = store.coverage(BTC)
        assert covered is not None
        assert covered.ticks == len(held(store)) < 200
        assert covered.first_id == held(store)[0] * WIDE
        assert store.append(some(2)) == 0  # older than what is kept


@pytest.mark.parametrize("block", [1, 3, 5])
def test_a_damaged_block_makes_nothing_else_doubtful(path: Path, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alphastream.tape_files.block_rows.BLOCK_TICKS", 100)
    with TickStore(path, origin=ORIGIN) as store:
        store.append(some(*range(1, 1_001, 2)))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.create_function("flip", 1, lambda body: body[:80] + bytes([body[80] ^ 4]) + body[81:])
        connection.execute(f"UPDATE bodies SET body = flip(body) WHERE id = {block}")
    with TickStore(path, origin=ORIGIN) as store:
        until(lambda: store.health.damaged == 100)
        assert store.gaps(BTC) == []
        assert len(held(store)) == 400
        covered = store.coverage(BTC)
        assert covered is not None
        assert (covered.missing, covered.ticks) == (None, 400)
        assert store.append(some(2_001)) == 1
    assert rows(path, "lost") == 0
    with TickStore(path, origin=ORIGIN) as store:
        assert len(held(store)) == 401


def test_a_file_that_has_to_be_salvaged(path: Path) -> None:
    with TickStore(path, origin=ORIGIN) as store:
        store.append(some(*range(1, 2_001, 2)))
    body = bytearray(path.read_bytes())
    body[4_096:4_196] = bytes(100)  # a page of the schema's
    body[100:140] = bytes(40)
    path.write_bytes(bytes(body))
    with TickStore(path, origin=ORIGIN) as store:
        assert store.gaps(BTC) == []
        store.append(some(3_000))
        store.flush()
        assert rows(path, "lost") == 0
        assert held(store)[-1] == 3_000
        assert rows(path, "runs") == 1
