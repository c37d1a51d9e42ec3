"""A store that reads follows the file that another one writes, and takes over from it."""

import os
import random
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from alphastream.errors import StorageError
from runtime.stores import follower
from runtime.writer_lock import HeldError
from storage import Gap, TickStore
from tests.runtime.stores.tape_files import BTC, ETH, ids, tick, ticks, until

HOUR_NS = 3_600 * 10**9


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "ticks.db"
    TickStore(path).close()
    return path


@pytest.fixture
def owner(path: Path) -> Iterator[TickStore]:
    with TickStore(path, flush_s=0.01) as store:
        yield store


@pytest.fixture
def reader(path: Path, owner: TickStore) -> Iterator[TickStore]:
    with TickStore(path, read_only=True) as store:
        yield store


def agree(owner: TickStore, reader: TickStore, symbol: str = BTC) -> bool:
    return all(
        getattr(owner, what)(symbol) == getattr(reader, what)(symbol) for what in ("coverage", "gaps", "last")
    ) and sorted(ids(owner.since(symbol))) == sorted(ids(reader.since(symbol)))


def test_what_the_owner_keeps_is_seen(owner: TickStore, reader: TickStore) -> None:
    told = threading.Event()
    reader.on_ticks = told.set
    owner.append(ticks(1, 5))
    until(lambda: agree(owner, reader))
    until(told.is_set)
    batch = reader.since(BTC)
    assert list(batch) == ticks(1, 5)
    owner.append([*ticks(10, 12), *ticks(1, 2, symbol=ETH)])
    until(lambda: agree(owner, reader) and agree(owner, reader, ETH))
    later = reader.since(BTC, batch.cursor)
    assert (ids(later), later.missed) == ([10, 11, 12], 0)
    assert reader.gaps(BTC) == [Gap(6, 9)]
    owner.append(ticks(6, 9))
    until(lambda: agree(owner, reader))
    assert ids(reader.since(BTC, later.cursor)) == [6, 7, 8, 9]
    assert reader.symbols() == [BTC, ETH]
    assert reader.times_around(ETH, Gap(1, 1)) == (None, 2)
    assert reader.trouble is None


def test_any_order_is_seen_once_each(owner: TickStore, reader: TickStore) -> None:
    numbers = list(range(1, 2_000))
    random.Random(7).shuffle(numbers)
    for start in range(0, len(numbers), 40):
        owner.append([tick(number, time_ns=number) for number in numbers[start : start + 40]])
        if start % 400 == 0:
            owner.flush()
    owner.flush()
    until(lambda: agree(owner, reader))
    assert sorted(ids(reader.since(BTC, 0))) == sorted(ids(owner.since(BTC, 0)))


def test_blocks_put_together_are_not_seen_twice(
    path: Path, owner: TickStore, reader: TickStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "LOOK_EVERY_S", 0.001)

    def blocks() -> int:
        with closing(sqlite3.connect(path)) as connection:
            return int(connection.execute("SELECT count(*) FROM blocks").fetchone()[0])

    for number in range(1, 71):
        owner.append([tick(2 * number), tick(2 * number - 1)])
        owner.flush()
    until(lambda: blocks() <= 20)
    owner.append(ticks(141, 142))
    until(lambda: agree(owner, reader))
    assert ids(reader.since(BTC, 0)) == list(range(1, 143))


def test_what_came_and_was_put_together_between_two_looks_is_seen(path: Path) -> None:
    with TickStore(path) as owner:
        owner.append(ticks(1, 2))
        owner.flush()
        with TickStore(path, read_only=True) as reader:
            until(lambda: agree(owner, reader))
            followed = reader._follower
            assert followed is not None
            with followed._looking:  # the reader sleeps
                for number in range(2, 45):
                    owner.append(ticks(2 * number - 1, 2 * number))
                    owner.flush()
                with closing(sqlite3.connect(path)) as connection:
                    until(lambda: connection.execute("SELECT count(*) FROM blocks").fetchone()[0] < 20)
            until(lambda: agree(owner, reader))
            assert ids(reader.since(BTC, 0)) == list(range(1, 89))


def test_what_retention_deletes_is_followed(path: Path) -> None:
    with TickStore(path, retention_ns=HOUR_NS, flush_s=0.01) as owner, TickStore(path, read_only=True) as reader:
        for number in range(1, 5):
            owner.append([tick(number, time_ns=number * HOUR_NS)])
            owner.flush()
            until(lambda: agree(owner, reader))
        held = owner.coverage(BTC)
        assert held is not None
        assert held.first_id == 3
        until(lambda: reader.coverage(BTC) == held)
        assert ids(reader.since(BTC)) == [1, 2, 3, 4]


def test_ids_that_begin_anew_are_followed(owner: TickStore, reader: TickStore) -> None:
    owner.append([tick(number, time_ns=number * 10**9) for number in range(100, 110)])
    owner.flush()
    until(lambda: agree(owner, reader))
    owner.append([tick(number, time_ns=(number + 1_000) * 10**9) for number in range(1, 6)])
    owner.flush()
    until(lambda: agree(owner, reader))
    held = reader.coverage(BTC)
    assert held is not None
    assert (held.epoch, held.ticks) == (1, 5)
    assert ids(reader.since(BTC)) == [*range(100, 110), *range(1, 6)]


def test_damage_set_aside_is_a_gap_here_too_and_its_ticks_come_again_unseen(path: Path, owner: TickStore) -> None:
    owner.append(ticks(1, 100))
    owner.flush()
    owner.append(ticks(101, 200))
    owner.flush()
    with TickStore(path, read_only=True) as reader:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("UPDATE bodies SET body = substr(body, 2) WHERE id = 1")
            connection.commit()
        owner.window(BTC, 0, 300)
        until(lambda: owner.gaps(BTC) == reader.gaps(BTC) == [Gap(1, 100)])
        owner.append(ticks(1, 100))
        until(lambda: owner.gaps(BTC) == reader.gaps(BTC) == [])
        assert ids(reader.since(BTC)) == list(range(1, 201))


def test_a_file_that_takes_its_place_is_followed(path: Path, owner: TickStore, reader: TickStore) -> None:
    owner.append(ticks(1, 5))
    owner.flush()
    until(lambda: agree(owner, reader))
    other = path.with_name("other.db")
    with TickStore(other) as store:
        store.append([*ticks(3, 9), *ticks(1, 2, symbol=ETH)])
    owner.close()
    path.with_name(path.name + "-wal").unlink(missing_ok=True)
    os.replace(other, path)
    # Instruments are taken in one after the other.
    until(lambda: ids(reader.since(BTC)) == list(range(1, 10)) and ids(reader.since(ETH)) == [1, 2])
    assert ids(reader.window(BTC, 0, 100)) == list(range(3, 10))
    assert reader.symbols() == [BTC, ETH]


def test_a_file_that_is_gone_is_said_and_looked_for(path: Path, owner: TickStore, reader: TickStore) -> None:
    owner.append(ticks(1, 5))
    owner.flush()
    until(lambda: agree(owner, reader))
    away = path.with_name("away.db")
    os.replace(path, away)
    until(lambda: "cannot be followed" in str(reader.trouble))
    os.replace(away, path)
    until(lambda: reader.trouble is None)


def test_a_reader_becomes_the_writer_when_the_other_one_has_ended(path: Path) -> None:
    with TickStore(path) as owner, TickStore(path, read_only=True) as reader:
        owner.append(ticks(1, 5))
        owner.flush()
        until(lambda: agree(owner, reader))
        cursor = reader.since(BTC).cursor
        with pytest.raises(HeldError, match=f"by process {os.getpid()}") as held:
            reader.claim()
        assert held.value.holder == str(os.getpid())
        owner.append(ticks(6, 9))
        owner.close()
        reader.claim()
        assert reader.append([*ticks(8, 9), *ticks(11, 12)]) == 2
        reader.flush()
        assert ids(reader.since(BTC, cursor)) == [6, 7, 8, 9, 11, 12]
        assert reader.gaps(BTC) == [Gap(10, 10)]
        reader.claim()
        with pytest.raises(StorageError, match="already open for writing"):
            TickStore(path)
    with TickStore(path) as store:
        assert ids(store.window(BTC, 0, 100)) == [*range(1, 10), 11, 12]


def test_one_of_many_readers_takes_over(path: Path) -> None:
    owner = TickStore(path)
    readers = [TickStore(path, read_only=True) for _ in range(8)]
    owner.append(ticks(1, 3))
    owner.close()
    won: list[TickStore] = []
    begin = threading.Barrier(len(readers))

    def try_it(reader: TickStore) -> None:
        begin.wait()
        try:
            reader.claim()
        except HeldError:
            return
        won.append(reader)

    threads = [threading.Thread(target=try_it, args=(reader,)) for reader in readers]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    (winner,) = won
    winner.append(ticks(4, 6))
    for reader in readers:
        until(lambda: ids(reader.since(BTC)) == [1, 2, 3, 4, 5, 6])  # noqa: B023
    for reader in readers:
        reader.close()


def test_a_claim_that_fails_leaves_a_reader(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with TickStore(path, read_only=True) as reader:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA user_version = 9")
        with pytest.raises(StorageError, match="schema version 9"):
            reader.claim()
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA user_version = 2")
        with TickStore(path) as owner:
            owner.append(ticks(1, 3))
            until(lambda: agree(owner, reader))
    with pytest.raises(StorageError, match="was closed"):
        reader.claim()
