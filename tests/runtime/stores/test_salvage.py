"""Files that SQLite cannot read any more: what is sound in them is kept, the rest is a gap, the store goes on."""

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest

from alphastream.errors import StorageError
from alphastream.tape.columns import TickColumns
from alphastream.tape.id_ranges import IdRuns
from alphastream.tape_files import block_rows
from runtime.stores.pages import PAGE
from storage import Gap, TickStore
from tests.runtime.stores.tape_files import BTC, ETH, costly, ids, runs_and_ids, ticks, until


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of fifty blocks of 100 ticks, and one of another instrument."""
    monkeypatch.setattr("alphastream.tape_files.block_rows.BLOCK_TICKS", 100)
    path = tmp_path / "ticks.db"
    with TickStore(path) as store:
        store.append([*costly(1, 5000), *ticks(5001, 5050, ETH)])
    return path


def overwrite(path: Path, *pages: int, with_byte: int = 0xA5) -> None:
    with path.open("r+b") as file:
        for page in pages:
            file.seek((page - 1) * PAGE)
            file.write(bytes([with_byte]) * PAGE)


def root_of(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0])


def damaged_files(path: Path) -> list[Path]:
    return sorted(path.parent.glob("ticks.damaged-*.db"))


@pytest.mark.parametrize("table", ["bodies", "sqlite_autoindex_instruments_1", "lost", "damaged_blocks"])
def test_a_bad_root_page_hides_nothing(path: Path, table: str) -> None:
    overwrite(path, root_of(path, table))
    before = path.read_bytes()
    with TickStore(path) as store:
        store.append(costly(5001, 5001))
        store.flush()
        until(lambda: not store._writer._unchecked)
        assert store.window(BTC, 0, 6000) == costly(1, 5001)
        assert store.window(ETH, 0, 6000) == ticks(5001, 5050, ETH)
        assert (store.gaps(BTC), store.gaps(ETH), store.health.damaged) == ([], [], 0)
    for kept in damaged_files(path):
        assert kept.read_bytes() == before
    assert runs_and_ids(path) == (IdRuns([(1, 5001)]), list(range(1, 5002)))


def test_what_the_first_page_says_is_not_needed(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    overwrite(path, 1)
    with TickStore(path) as store:
        assert store.window(BTC, 0, 6000) == costly(1, 5000)
        assert store.gaps(BTC) == []
        (notice,) = store.health.notices
        (kept,) = damaged_files(path)
        assert "5050 ticks in 51 sound blocks were salvaged, 0 are lost" in notice
        assert notice.endswith(f"the damaged file is {kept.name}")
        assert "5050 ticks in 51 sound blocks" in caplog.text
    with TickStore(path) as store:
        assert store.health.notices == ()


def test_ids_whose_blocks_are_gone_are_gaps_that_can_be_filled(path: Path) -> None:
    size = path.stat().st_size
    os.truncate(path, size // 8192 * PAGE)
    with TickStore(path) as store:
        held = store.window(BTC, 0, 6000)
        assert 500 < len(held) < 4500
        assert held == [tick for tick in costly(1, 5000) if tick.id in set(ids(held))]
        missing = IdRuns((gap.first_id, gap.last_id) for gap in store.gaps(BTC))
        assert sorted([*missing, *ids(held)]) == list(range(1, 5001))
        assert store.health.damaged == len(missing) + 50 - len(store.window(ETH, 0, 6000))
        for gap in store.gaps(BTC):
            store.append(costly(*gap))
        assert store.gaps(BTC) == []
    with TickStore(path) as store:
        assert store.window(BTC, 0, 6000) == costly(1, 5000)
        assert store.gaps(BTC) == []


def test_a_name_that_was_altered_takes_no_ticks_along(path: Path) -> None:
    data = path.read_bytes()
    assert data.count(b"BTCUSDT") == 2
    path.write_bytes(data.replace(b"BTCUSDT", b"BTCUSDC", 1))
    with TickStore(path) as store:
        assert store.symbols() == [BTC, ETH]
        assert store.window(BTC, 0, 6000) == costly(1, 5000)


def test_what_only_the_log_holds_is_salvaged_too(path: Path) -> None:
    with TickStore(path) as store:
        store.append(costly(5001, 5100))
        store.flush()
        for each in list(path.parent.iterdir()):
            shutil.copy(each, each.with_name(f"copy-of-{each.name}"))
    copy = path.with_name("copy-of-ticks.db")
    overwrite(copy, 1)
    overwrite(copy, root_of(path, "bodies"), root_of(path, "blocks"))
    with TickStore(copy) as store:
        assert ids(store.window(BTC, 5001, 6000)) == list(range(5001, 5101))


def test_a_log_whose_file_is_gone_is_read(tmp_path: Path) -> None:
    path = tmp_path / "ticks.db"
    with TickStore(path) as store:
        store.append(costly(1, 100))
        store.flush()
        log = path.with_name("ticks.db-wal").read_bytes()
    path.unlink()
    path.with_name("ticks.db-wal").write_bytes(log)
    with TickStore(path) as store:
        assert store.window(BTC, 0, 6000) == costly(1, 100)


def test_a_file_of_zeros_is_begun_anew(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))
    with TickStore(path) as store:
        assert store.symbols() == []
        assert store.append(ticks(1, 10)) == 10
    assert len(damaged_files(path)) == 1


def test_who_only_reads_says_so_and_changes_nothing(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 8192 * PAGE)
    before = path.read_bytes()
    with pytest.raises(StorageError, match="not a readable tick store"):
        TickStore(path, read_only=True)
    assert path.read_bytes() == before
    assert damaged_files(path) == []


@pytest.mark.parametrize("renames", range(3))
def test_a_kill_amid_the_renaming_loses_nothing(path: Path, monkeypatch: pytest.MonkeyPatch, renames: int) -> None:
    overwrite(path, 1)
    replace, done = os.replace, 0

    def killed(source: Path, target: Path) -> None:
        nonlocal done
        if done == renames:
            raise KeyboardInterrupt
        done += 1
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", killed)
        with pytest.raises(KeyboardInterrupt):
            TickStore(path)
    with TickStore(path) as store:
        assert store.window(BTC, 0, 6000) == costly(1, 5000)
    names = {each.name for each in path.parent.iterdir()}
    assert names == {"ticks.db", "ticks.db.lock", damaged_files(path)[0].name}


def test_without_room_for_a_second_file_the_first_stays(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    overwrite(path, 1)
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("alphastream.tape_files.block_rows.put", full)
        with pytest.raises(StorageError, match=r"cannot be salvaged: database or disk is full: make room"):
            TickStore(path)
    assert path.read_bytes() == before
    assert {each.name for each in path.parent.iterdir()} == {"ticks.db", "ticks.db.lock"}


def test_a_file_that_is_damaged_while_it_is_open_is_salvaged(path: Path) -> None:
    with TickStore(path, flush_s=0.01) as store:
        until(lambda: not store._writer._unchecked)
        cursor = store.since(BTC).cursor
        overwrite(path, *range(1, 20))
        store.append(costly(5001, 5002))
        until(lambda: store.health.pending == 0)

        def is_noticed() -> bool:
            with suppress(StorageError):
                store.window(BTC, 0, 6000)
            return bool(store.health.notices)

        until(is_noticed)
        assert (store.health.pending, store.health.last_error) == (0, None)
        held = set(ids(store.window(BTC, 0, 6000)))
        assert {5001, 5002} < held
        missing = IdRuns((gap.first_id, gap.last_id) for gap in store.gaps(BTC))
        assert held == set(range(1, 5003)) - set(missing)
        assert store.health.damaged == len(missing)
        for gap in store.gaps(BTC):
            store.append(costly(*gap))
        store.flush()
        assert ids(store.since(BTC, cursor)) == [5001, 5002], "what readers have seen is not shown again"
        assert store.window(BTC, 0, 6000) == costly(1, 5002)
    assert runs_and_ids(path) == (IdRuns([(1, 5002)]), list(range(1, 5003)))


def test_a_write_that_meets_damage_is_done_in_the_salvaged_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    insert, met = block_rows.insert, False

    def damaged(connection: sqlite3.Connection, instrument: int, columns: TickColumns) -> None:
        nonlocal met
        if not met:
            met = True
            raise sqlite3.DatabaseError("database disk image is malformed")
        insert(connection, instrument, columns)

    with TickStore(path, flush_s=0.01) as store:
        monkeypatch.setattr("alphastream.tape_files.block_rows.insert", damaged)
        store.append(costly(5001, 5002))
        store.flush()
        assert (store.health.last_error, store.health.damaged, store.gaps(BTC)) == (None, 0, [])
        assert len(store.health.notices) == 1
    assert runs_and_ids(path) == (IdRuns([(1, 5002)]), list(range(1, 5003)))


def test_a_disk_that_goes_on_failing_is_not_filled_with_copies(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(*_: object) -> None:
        raise sqlite3.DatabaseError("database disk image is malformed")

    with TickStore(path, flush_s=0.01) as store:
        with monkeypatch.context() as patch:
            patch.setattr("alphastream.tape_files.block_rows.insert", damaged)
            store.append(costly(5001, 5002))
            until(lambda: "damaged again" in (store.health.last_error or ""))
            assert len(damaged_files(path)) == 1
            assert store.health.pending == 2
        monkeypatch.setattr("runtime.stores.kept_file._SALVAGE_PAUSE_S", 0.0)
        store.flush()
    assert runs_and_ids(path) == (IdRuns([(1, 5002)]), list(range(1, 5003)))


def test_rows_that_were_deleted_do_not_come_back(tmp_path: Path) -> None:
    path = tmp_path / "ticks.db"
    with TickStore(path, retention_ns=1_000, flush_s=0.01) as store:
        for start in range(1, 5001, 100):
            store.append(costly(start, start + 99))
            store.flush()
        first = store.coverage(BTC)
    assert first is not None
    assert first.first_id > 2000
    overwrite(path, root_of(path, "bodies"))
    with TickStore(path) as store:
        again = store.coverage(BTC)
        assert again is not None
        assert again.first_id >= first.first_id


def test_a_run_that_no_file_can_hold_is_not_believed(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE runs SET last_id = last_id + 1125899906842624 WHERE first_id = 1")
    overwrite(path, root_of(path, "bodies"))
    with TickStore(path) as store:
        assert store.window(BTC, 0, 6000) == costly(1, 5000)
        assert store.gaps(BTC) == []


def test_a_gap_from_before_the_damage_stays_one(path: Path) -> None:
    with TickStore(path) as store:
        store.append(costly(5201, 5300))
        assert store.gaps(BTC) == [Gap(5001, 5200)]
    overwrite(path, 1)
    with TickStore(path) as store:
        assert store.gaps(BTC) == [Gap(5001, 5200)]
