"""The SQLite file under a TickStore: its format, what comes back out of it, and what it refuses to touch."""

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphastream.errors import StorageError
from alphastream.events import Tick
from alphastream.tape.id_ranges import IdRuns
from storage import TickStore
from tests.runtime.stores.tape_files import BTC, costly, runs_and_ids, tick, ticks, until


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ticks.db"


@pytest.fixture
def store(path: Path) -> Iterator[TickStore]:
    with TickStore(path) as opened:
        yield opened


def test_write_ahead_logging_is_on(path: Path, store: TickStore) -> None:
    store.append(ticks(1, 3))
    store.flush()
    assert path.with_name("ticks.db-wal").exists()


def test_columns_hold_what_the_window_holds_across_pages(store: TickStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alphastream.tape_files.block_rows.BLOCK_TICKS", 7)
    monkeypatch.setattr("alphastream.tape_files.block_rows._BLOCKS_A_PAGE", 4)
    same_time = [tick(i, time_ns=50 + i // 20) for i in range(1, 101)]
    store.append(same_time)
    store.flush()
    columns = store.columns(BTC, 0, 100)
    assert columns.ticks(BTC) == same_time
    assert [a.dtype for a in (columns.id, columns.price, columns.buyer_is_maker)] == [np.int64, np.float64, np.bool_]
    assert len(store.columns("NONE", 0, 100)) == 0


positive = st.floats(min_value=0, exclude_min=True, allow_infinity=False, allow_nan=False, allow_subnormal=False)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(positive, positive, st.integers(0, 2**63 - 1), st.booleans()), min_size=1, max_size=60))
def test_no_number_changes_on_its_way_through_the_file(rows: list[tuple[float, float, int, bool]]) -> None:
    base = 2**63 - 1 - len(rows)
    sent = [Tick(BTC, base + i, p, q, base + i, r, m) for i, (p, q, r, m) in enumerate(rows)]
    with tempfile.TemporaryDirectory() as folder:
        with TickStore(Path(folder) / "ticks.db") as store:
            assert store.append(sent) == len(sent)
        with TickStore(Path(folder) / "ticks.db") as store:
            assert list(store.since(BTC)) == store.window(BTC, 0, 2**63 - 1) == sent


def make_text(path: Path) -> None:
    path.write_text("timestamp,symbol,price,size\n" * 100)


def make_foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE ticks(timestamp, symbol)")


def make_newer(path: Path) -> None:
    TickStore(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (make_text, "not a readable tick store"),
        (make_foreign, "of another program"),
        (make_newer, "schema version 99, this program knows 2 and 3"),
    ],
)
def test_a_file_that_is_no_store_is_refused_and_left_alone(path: Path, make: Callable[[Path], None], says: str) -> None:
    make(path)
    before = path.read_bytes()
    for read_only in (False, True):
        with pytest.raises(StorageError, match=says):
            TickStore(path, read_only=read_only)
    assert path.read_bytes() == before


@pytest.mark.parametrize(("make", "says"), [(make_foreign, "of another program"), (make_newer, "this program knows 2")])
def test_what_another_program_needs_is_not_moved_aside(path: Path, make: Callable[[Path], None], says: str) -> None:
    make(path)
    before = path.read_bytes()
    with pytest.raises(StorageError, match=says):
        TickStore(path, begin_anew=True)
    assert path.read_bytes() == before


def test_what_nobody_can_read_is_moved_aside_where_that_is_asked_for(path: Path) -> None:
    make_text(path)
    with TickStore(path, begin_anew=True) as store:
        (kept,) = path.parent.glob("ticks.damaged-*.db")
        assert kept.read_text().startswith("timestamp,symbol,price,size")
        (notice,) = store.health.notices
        assert notice.endswith(f"it is {kept.name} now, and the tape begins anew")
        assert store.append(ticks(1, 3)) == 3
    assert runs_and_ids(path)[1] == [1, 2, 3]


def test_a_file_that_is_being_created_is_said_to_be_empty(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    with pytest.raises(StorageError, match="nothing was recorded into it yet"):
        TickStore(path, read_only=True)
    TickStore(path).close()
    TickStore(path, read_only=True).close()


def test_a_transaction_that_fails_half_way_leaves_nothing_behind(path: Path) -> None:
    with TickStore(path, flush_s=0.01) as store:
        store.append(ticks(1, 10))
        store.flush()
        writer = store._file._connections.writer
        assert writer is not None
        (pages,) = writer.execute("PRAGMA page_count").fetchone()
        writer.execute(f"PRAGMA max_page_count = {pages}")
        store.append(costly(11, 5000))
        until(lambda: store.health.last_error is not None)
        assert "full" in (store.health.last_error or "")
        assert runs_and_ids(path) == (IdRuns([(1, 10)]), list(range(1, 11)))
        writer.execute("PRAGMA max_page_count = 1000000")
        store.flush()
    assert runs_and_ids(path) == (IdRuns([(1, 5000)]), list(range(1, 5001)))
