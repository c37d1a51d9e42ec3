"""Whose ids a tape holds: epochs of a venue that counts anew, ids that cannot be right, venues and addresses."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from alphastream.errors import StorageError
from storage import Gap, Origin, TickStore, tape_path
from tests.runtime.stores.tape_files import BTC, ids, tick, ticks


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ticks.db"


@pytest.fixture
def store(path: Path) -> Iterator[TickStore]:
    with TickStore(path) as opened:
        yield opened


S = 10**9


def test_ids_that_begin_anew_are_another_epoch(path: Path) -> None:
    old = [tick(i, time_ns=i * S) for i in range(1000, 1101)]
    new = [tick(i, time_ns=(i + 500) * S) for i in range(1000, 1051)]
    later = [tick(i, time_ns=(i + 500) * S) for i in range(1051, 1061)]
    with TickStore(path) as store:
        store.append(old)
        cursor = store.since(BTC).cursor
        assert [store.append([each]) for each in new[:3]] == [0, 2, 1], "one may be wrong, a second confirms it"
        assert store.append([*new[3:], *new]) == len(new) - 3
        assert store.health.rejected == 0
        assert list(store.since(BTC, cursor)) == new
        store.append(later[1:])
        assert store.gaps(BTC) == [Gap(1051, 1051)], "those of the newest epoch"
        assert store.append(later[:1]) == 1
        coverage = store.coverage(BTC)
        assert coverage is not None
        assert (coverage.epoch, coverage.first_id, coverage.last_id, coverage.complete) == (1, 1000, 1060, True)
        assert store.window(BTC, 0, 2**62) == [*old, *new, *later]
        store.flush()
        assert store.window(BTC, 0, 2**62) == [*old, *new, *later]
    with TickStore(path) as store:
        assert store.window(BTC, 0, 2**62) == [*old, *new, *later]
        again = store.coverage(BTC)
        assert (again, store.last(BTC)) == (coverage, later[-1])
        assert store.append([tick(1061, time_ns=1561 * S), tick(1059, time_ns=1559 * S)]) == 1
        assert ids(store.window(BTC, 1500 * S, 1503 * S)) == [1000, 1001, 1002]


def test_ids_that_begin_anew_far_below_are_another_epoch_at_once(store: TickStore) -> None:
    store.append([tick(i, time_ns=i) for i in range(3 * S, 3 * S + 5)])
    assert store.append([tick(i, time_ns=i + 9 * S) for i in range(1, 6)]) == 5
    coverage = store.coverage(BTC)
    assert coverage is not None
    assert (coverage.epoch, coverage.first_id, coverage.last_id, coverage.ticks) == (1, 1, 5, 5)
    assert store.append([tick(3 * S + 5, time_ns=3 * S + 5)]) == 0, "of the epoch before, too late"
    assert store.health.rejected == 1


def test_ids_that_begin_anew_at_once_lose_none_of_the_first(path: Path) -> None:
    """At ids that have left memory long since, a moment after the last trade."""
    with TickStore(path, ring_ticks=50) as store:
        store.append([tick(i, time_ns=i * S // 10) for i in range(1000, 1501)])
        begun = 1500 * S // 10 + 1
        anew = [tick(i, time_ns=begun + i) for i in range(1000, 1021)]
        assert sum(store.append([each]) for each in anew) == len(anew)
        coverage = store.coverage(BTC)
        assert coverage is not None
        assert (coverage.epoch, coverage.first_id, coverage.ticks) == (1, 1000, 21)


def test_one_absurd_id_does_not_make_a_thousand_million_million_missing(store: TickStore) -> None:
    store.append(ticks(1, 5))
    assert store.append([tick(10**15, time_ns=6)]) == 0
    assert store.append([tick(6), tick(10**15, time_ns=6), tick(7)]) == 2
    assert (store.gaps(BTC), store.health.rejected) == ([], 1)
    assert ids(store.since(BTC)) == [1, 2, 3, 4, 5, 6, 7]


def test_many_ids_may_be_missing_where_a_second_tick_says_so(store: TickStore) -> None:
    store.append(ticks(1, 5))
    assert store.append([tick(5 * 10**6)]) == 0
    assert store.append([tick(5 * 10**6 + 1)]) == 2
    assert store.gaps(BTC) == [Gap(6, 5 * 10**6 - 1)]
    coverage = store.coverage(BTC)
    assert coverage is not None
    assert (coverage.epoch, coverage.ticks) == (0, 7)


def test_a_symbol_means_the_venue_of_the_file(path: Path) -> None:
    origin = Origin("okx", "ws.okx.com")
    with TickStore(path, origin=origin) as store:
        assert store.append([tick(1), tick(2, symbol="okx:BTCUSDT"), tick(1, symbol="kraken:BTCUSDT")]) == 3
        assert store.symbols() == ["kraken:BTCUSDT", "okx:BTCUSDT"]
        assert ids(store.since(BTC)) == ids(store.window("okx:BTCUSDT", 0, 9)) == [1, 2]
        for name in (BTC, "okx:BTCUSDT"):
            last = store.last(name)
            assert last is not None
            assert {name} == {last.symbol, store.window(name, 0, 9)[0].symbol, store.since(name)[0].symbol}
    with TickStore(path, read_only=True) as store:
        assert ids(store.window(BTC, 0, 9)) == [1, 2]
        assert store.symbols() == ["kraken:BTCUSDT", "okx:BTCUSDT"]


def test_another_address_needs_another_file(path: Path) -> None:
    TickStore(path, origin=Origin("okx", "ws.okx.com")).close()
    with pytest.raises(StorageError, match=r"holds trades of okx from ws.okx.com: those of okx from 127.0.0.1"):
        TickStore(path, origin=Origin("okx", "127.0.0.1"))
    TickStore(path).close()


def test_tapes_of_two_addresses_have_two_files(tmp_path: Path) -> None:
    own, other = Origin("okx", "ws.okx.com"), Origin("okx", "127.0.0.1")

    def place(origin: Origin) -> str:
        return tape_path(tmp_path, origin, is_own=origin == own).name

    assert (place(own), place(other)) == ("okx.db", "okx.db"), "the first to come has the usual name"
    with TickStore(tmp_path / "okx.db", origin=other):
        assert (place(own), place(other)) == ("okx@ws.okx.com.db", "okx.db")
    for path in tmp_path.iterdir():
        path.unlink()
    with TickStore(tmp_path / "okx.db") as store:
        assert (place(own), place(other)) == ("okx.db", "okx.db")
        store.append(ticks(1, 2))
    assert (place(own), place(other)) == ("okx.db", "okx@127.0.0.1.db"), "of nobody knows whom: the venue's own"
