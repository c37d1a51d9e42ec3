"""TickStore on real files: what is seen, what is durable, what is missing, and what is refused."""

import logging
import math
import os
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphastream.errors import ParameterError, StorageError
from alphastream.tape.columns import TickColumns
from alphastream.tape.id_ranges import IdRuns
from storage import Gap, Origin, TickStore
from tests.runtime.stores.tape_files import BTC, ETH, ids, runs_and_ids, tick, ticks, until


def stored_rows(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        (rows,) = connection.execute("SELECT (SELECT count(*) FROM blocks) + (SELECT count(*) FROM runs)").fetchone()
    return int(rows)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ticks.db"


@pytest.fixture
def store(path: Path) -> Iterator[TickStore]:
    with TickStore(path) as opened:
        yield opened


# What is seen


def test_a_tick_is_visible_before_it_is_durable(path: Path) -> None:
    with TickStore(path, flush_s=60) as store:
        assert store.append(ticks(1, 3)) == 3
        assert ids(store.since(BTC)) == ids(store.window(BTC, 0, 100)) == [1, 2, 3]
        assert (store.health.pending, store.health.written) == (3, 0)
        assert store.health.durable_lag_s > 0
        assert stored_rows(path) == 0
        store.flush()
        assert (store.health.pending, store.health.written, store.health.durable_lag_s) == (0, 3, 0.0)
        assert runs_and_ids(path) == (IdRuns([(1, 3)]), [1, 2, 3])


def test_what_became_durable_is_counted_once_by_how_long_it_waited(path: Path) -> None:
    with TickStore(path) as store:
        for first in (1, 11, 21):
            store.append(ticks(first, first + 9))
        store.append(ticks(1, 10))
        store.flush()
        health = store.health
        assert health.durable_lags.total == health.written == 30
        assert health.durable_lags.sum_s > 0
        assert store.path == path


def test_times_beside_a_gap_are_those_of_the_ticks_beside_it(path: Path) -> None:
    with TickStore(path) as store:
        store.append([*ticks(1, 3), *ticks(7, 9)])
        store.flush()
        store.append(ticks(20, 22))
        edges = {trade.id: trade.time_ns for trade in store.window(BTC, 0, 10**9)}
        assert store.gaps(BTC) == [Gap(4, 6), Gap(10, 19)]
        assert [store.times_around(BTC, gap) for gap in store.gaps(BTC)] == [
            (edges[3], edges[7]),
            (edges[9], edges[20]),
        ]
        assert store.times_around(BTC, Gap(23, 25)) == (edges[22], None)
        assert store.times_around("NOSUCH", Gap(1, 2)) == (None, None)


def test_since_goes_on_where_it_stopped(store: TickStore) -> None:
    nothing = store.since(BTC)
    assert (list(nothing), nothing.cursor, nothing.missed) == ([], 0, 0)
    store.append(ticks(5, 7))
    first = store.since(BTC, nothing.cursor)
    store.append([*ticks(8, 8), tick(1, symbol=ETH)])
    second = store.since(BTC, first.cursor)
    assert (ids(first), ids(second), ids(store.since(BTC, second.cursor))) == ([5, 6, 7], [8], [])
    assert ids(store.since(BTC, 0)) == [5, 6, 7, 8]


def test_a_late_gap_filler_is_seen_when_it_comes(store: TickStore) -> None:
    store.append([*ticks(1, 3), *ticks(6, 7)])
    assert store.gaps(BTC) == [Gap(4, 5)]
    cursor = store.since(BTC).cursor
    assert store.append(ticks(3, 5)) == 2
    assert ids(store.since(BTC, cursor)) == [4, 5]
    assert ids(store.window(BTC, 0, 100)) == [1, 2, 3, 4, 5, 6, 7]
    assert store.gaps(BTC) == []
    newest = store.last(BTC)
    assert newest is not None
    assert newest.id == 7


def test_a_full_ring_says_what_it_dropped(path: Path) -> None:
    with TickStore(path, ring_ticks=10) as store:
        store.append(ticks(1, 4))
        cursor = store.since(BTC).cursor
        store.append(ticks(5, 30))
        batch = store.since(BTC, cursor)
        assert (ids(batch), batch.missed) == (list(range(21, 31)), 16)
        assert (store.since(BTC).missed, store.since(BTC, 0).missed) == (0, 20)
        assert store.since(BTC, batch.cursor).missed == 0
        assert len(store.window(BTC, 0, 100)) == 30


@pytest.mark.parametrize("cursor", [-1, 4, 10**6])
def test_a_cursor_of_another_store_is_refused(store: TickStore, cursor: int) -> None:
    store.append(ticks(1, 3))
    with pytest.raises(ParameterError, match="never given out for BTCUSDT"):
        store.since(BTC, cursor)


def test_ticks_of_one_millisecond_all_stay(path: Path) -> None:
    same = [tick(i, time_ns=1_723_075_200_123_000_000) for i in range(1, 501)]
    with TickStore(path) as store:
        assert store.append(same) == 500
        assert store.append(same) == 0
        assert store.health.duplicates == 500
        store.flush()
        assert store.window(BTC, same[0].time_ns, same[0].time_ns + 1) == same
    with TickStore(path) as store:
        assert list(store.since(BTC)) == same


def test_a_window_is_half_open_and_by_id(store: TickStore) -> None:
    store.append([tick(1, time_ns=30), tick(2, time_ns=10), tick(3, time_ns=20), tick(9, symbol=ETH, time_ns=20)])
    store.flush()
    store.append([tick(4, time_ns=19)])
    assert ids(store.window(BTC, 10, 30)) == [2, 3, 4]
    assert store.window(BTC, 31, 99) == store.window(BTC, 30, 10) == store.window("NONE", 0, 99) == []
    assert ids(store.window(BTC, -(2**70), 2**70)) == [1, 2, 3, 4]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(st.none(), st.lists(st.integers(0, 40), max_size=12)), max_size=8))
def test_any_order_with_duplicates_and_reopening_holds_the_set(steps: list[list[int] | None]) -> None:
    """A step is a batch of ids, or None: close and open again."""
    seen: list[int] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ticks.db"
        store = TickStore(path, batch_ticks=5, flush_s=0.001)
        for step in [*steps, None]:
            if step is None:
                store.close()
                store = TickStore(path, batch_ticks=5, flush_s=0.001)
                seen.sort()
            else:
                new = list(dict.fromkeys(i for i in step if i not in seen))
                assert store.append(map(tick, step)) == len(new)
                seen += new
            assert ids(store.since(BTC)) == seen
            assert store.window(BTC, 0, 100) == [tick(i) for i in sorted(seen)]
            holes = [i for i in range(min(seen), max(seen)) if i not in seen] if seen else []
            assert [i for gap in store.gaps(BTC) for i in range(gap.first_id, gap.last_id + 1)] == holes
        store.close()
        if seen:
            runs, stored = runs_and_ids(path)
            assert list(runs) == stored == seen


def test_readers_beside_an_appender_miss_nothing(path: Path) -> None:
    count, wrong = 20_000, list[str]()
    followed: dict[str, list[int]] = {"a": [], "b": []}

    def follow(name: str) -> None:
        cursor = None
        while len(followed[name]) < count and not wrong:
            batch = tape.since(BTC, cursor)
            cursor = batch.cursor
            followed[name] += ids(batch)
            time.sleep(0.001)

    def look() -> None:
        while tape.health.written < count and not wrong:
            before = tape.since(BTC).cursor
            found = tape.columns(BTC, 0, count + 1).id
            if len(found) < before or not np.array_equal(found, np.arange(1, len(found) + 1)):
                wrong.append(f"{before} ticks were visible, window has {len(found)}")

    with TickStore(path, batch_ticks=500, flush_s=0.01) as tape:
        threads = [threading.Thread(target=follow, args=(name,)) for name in followed]
        threads += [threading.Thread(target=look) for _ in range(2)]
        for thread in threads:
            thread.start()
        for start in range(1, count + 1, 50):
            tape.append(ticks(start, start + 49))
            time.sleep(0.0005)
        for thread in threads:
            thread.join(timeout=30)
        assert wrong == []
        assert followed["a"] == followed["b"] == list(range(1, count + 1))


def test_readers_are_told_after_a_tick_became_visible(path: Path) -> None:
    heard: list[list[int]] = []
    with TickStore(path, on_ticks=lambda: heard.append(ids(tape.since(BTC)))) as tape:
        tape.append(ticks(1, 2))
        tape.append(ticks(1, 2))
        tape.append(ticks(3, 3))
    assert heard == [[1, 2], [1, 2, 3]]


def test_readers_are_told_once_of_what_came_together(path: Path) -> None:
    heard: list[tuple[list[int], list[int]]] = []
    with TickStore(path, on_ticks=lambda: heard.append((ids(tape.since(BTC)), ids(tape.since(ETH))))) as tape:
        came = {symbol: TickColumns.of(ticks(first, first + 1, symbol)) for symbol, first in ((BTC, 1), (ETH, 5))}
        assert tape.take(came) == 4
    assert heard == [([1, 2], [5, 6])]


# What is taken


@pytest.mark.parametrize(
    "change",
    [{"price": value} for value in (math.nan, math.inf, 0.0, -1.0)]
    + [{"quantity": value} for value in (math.nan, math.inf, 0.0, -1.0)]
    + [{"id": -1}, {"id": 2**63}, {"time_ns": -1}, {"time_ns": 2**63}, {"receive_ns": 2**63}],
)
def test_unusable_numbers_are_refused_and_counted(store: TickStore, change: dict[str, float]) -> None:
    assert store.append([tick(1), msgspec.structs.replace(tick(2), **change), tick(3)]) == 2
    assert store.health.rejected == 1
    assert ids(store.since(BTC)) == [1, 3]
    store.flush()


def test_an_id_that_starts_anew_is_refused_and_logged_once(store: TickStore, caplog: pytest.LogCaptureFixture) -> None:
    store.append(ticks(3_000_000_001, 3_000_000_003))
    newer = 3_000_000_010
    with caplog.at_level(logging.WARNING, logger="runtime.stores.rings"):
        assert store.append([tick(5, time_ns=newer), tick(6, time_ns=newer)]) == 0
    assert store.health.rejected == 2
    assert len(caplog.records) == 1
    assert "id=5 time_ns=3000000010 first_id=3000000001 first_ns=3000000001" in caplog.text
    assert store.gaps(BTC) == []


def test_older_history_is_taken_below_the_first_id(store: TickStore) -> None:
    store.append(ticks(100, 102))
    assert store.append([tick(99, time_ns=100), tick(90)]) == 2
    assert store.gaps(BTC) == [Gap(91, 98)]
    coverage = store.coverage(BTC)
    assert coverage is not None
    assert (coverage.first_id, coverage.first_ns, coverage.last_id, coverage.last_ns) == (90, 90, 102, 102)
    assert (coverage.ticks, coverage.missing, coverage.complete) == (5, 8, False)


def test_an_unknown_symbol_is_empty(store: TickStore) -> None:
    assert (store.symbols(), store.gaps(BTC), store.coverage(BTC), store.last(BTC)) == ([], [], None, None)
    store.append([tick(1, symbol=ETH), tick(1)])
    assert store.symbols() == [BTC, ETH]


# What survives


def test_a_warm_start_fills_the_rings(path: Path) -> None:
    with TickStore(path) as store:
        store.append([*ticks(1, 20), *ticks(25, 30), *ticks(7, 9, ETH)])
    with TickStore(path, ring_ticks=8) as store:
        assert store.symbols() == [BTC, ETH]
        batch = store.since(BTC)
        assert (list(batch), batch.cursor, batch.missed) == ([*ticks(19, 20), *ticks(25, 30)], 8, 0)
        assert store.append([tick(30), tick(31)]) == 1
        assert ids(store.since(BTC, batch.cursor)) == [31]
        assert store.gaps(BTC) == [Gap(21, 24)]
        coverage = store.coverage(BTC)
        assert coverage is not None
        assert (coverage.first_id, coverage.first_ns, coverage.last_id, coverage.ticks) == (1, 1, 31, 27)


def test_retention_deletes_the_old_and_calls_it_no_gap(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alphastream.tape_files.block_rows.BLOCK_TICKS", 100)
    monkeypatch.setattr("runtime.stores.block_upkeep._PRUNE_BLOCKS", 4)
    with TickStore(path) as store:
        store.append([*ticks(1, 10), *ticks(15, 1000), *ticks(1, 50, ETH)])
    with TickStore(path, retention_ns=100) as store:
        for trade_id, first in ((1001, 405), (1002, 805), (1003, 805), (1006, 905)):  # whole blocks, 4 a transaction
            store.append([tick(trade_id)])
            store.flush()
            coverage = store.coverage(BTC)
            assert coverage is not None
            assert (coverage.first_id, coverage.first_ns) == (first, first)
        store.append(ticks(1004, 1005))
        assert ids(store.window(BTC, 0, 2000)) == list(range(905, 1007))
        assert store.append([tick(500)]) == 0, "older than retention keeps"
        assert store.coverage(ETH) is not None
    assert runs_and_ids(path) == (IdRuns([(905, 1006)]), list(range(905, 1007)))


def test_a_tick_from_the_future_does_not_delete_the_past(path: Path) -> None:
    now = time.time_ns()
    with TickStore(path, retention_ns=3600 * 10**9) as store:
        store.append([tick(1, time_ns=now), tick(2, time_ns=now + 10 * 365 * 86400 * 10**9)])
        store.flush()
        assert ids(store.window(BTC, 0, 2**63 - 1)) == [1, 2]


# What breaks


def test_a_second_writer_is_refused_and_a_reader_is_not(path: Path, store: TickStore) -> None:
    store.append(ticks(1, 5))
    store.flush()
    with pytest.raises(StorageError, match=rf"by process {os.getpid()}: .*read_only=True"):
        TickStore(path)
    with TickStore(path, read_only=True) as reader:
        store.append(ticks(6, 6))
        store.flush()
        assert ids(reader.window(BTC, 0, 100)) == [1, 2, 3, 4, 5, 6]
        until(lambda: ids(reader.since(BTC)) == [1, 2, 3, 4, 5, 6])
        with pytest.raises(StorageError, match="read_only=True"):
            reader.append(ticks(7, 7))
    store.close()
    TickStore(path).close()


def test_a_path_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="folder that may be written"):
        TickStore(tmp_path / "file" / "ticks.db")
    with pytest.raises(StorageError, match="unable to open"):
        TickStore(tmp_path / "absent.db", read_only=True)
    TickStore(tmp_path / "new" / "folder" / "ticks.db").close()


@pytest.mark.parametrize("name", ["ring_ticks", "batch_ticks", "flush_s", "max_pending", "retention_ns"])
def test_a_size_of_zero_is_refused(path: Path, name: str) -> None:
    with pytest.raises(ParameterError, match=f"{name} is 0"):
        TickStore(path, **{name: 0})  # type: ignore[arg-type]


# What is asked in SQL


def test_ticks_are_read_as_sql(path: Path) -> None:
    with TickStore(path, origin=Origin("okx", "ws.okx.com"), flush_s=60) as store:
        store.append([*ticks(1, 4), tick(9, symbol=ETH, price=2.5, time_ns=1_500_000_000_123_456_789)])
        store.flush()
        store.append(ticks(5, 6))
        counted = store.sql("SELECT venue, symbol, count(*) AS n, max(id) AS last FROM ticks GROUP BY ALL ORDER BY n")
        assert counted.to_pylist() == [
            {"venue": "okx", "symbol": ETH, "n": 1, "last": 9},
            {"venue": "okx", "symbol": BTC, "n": 6, "last": 6},
        ]
        assert store.sql("SELECT id FROM ticks", 2, 4)["id"].to_pylist() == [2, 3]
        (when,) = store.sql("SELECT epoch_ns(time) AS ns FROM ticks WHERE price < 3")["ns"].to_pylist()
        assert when == 1_500_000_000_123_456_789


@pytest.mark.parametrize(
    "query",
    [
        "SELECT nonsense FROM ticks",
        "SELECT * FROM read_csv('/etc/hostname')",
        "SET enable_external_access = true",
        "COPY (SELECT 1) TO 'out.csv'",
        "SELECT 1; SELECT 2",
        "SELECT * FROM store",
        "",
        "x",
    ],
)
def test_a_query_that_cannot_be_run_is_refused(store: TickStore, query: str) -> None:
    assert store.sql("SELECT * FROM ticks").num_rows == 0
    with pytest.raises(ParameterError, match="cannot be run"):
        store.sql(query)
