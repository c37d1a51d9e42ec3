"""One writer at a time, also where somebody deletes the lock's file."""

from pathlib import Path

import pytest

from alphastream.errors import StorageError
from runtime.writer_lock import WriterLock
from storage import TickStore
from tests.runtime.stores.tape_files import ticks, until


def test_a_lock_that_was_deleted_is_made_again(tmp_path: Path) -> None:
    kept, file = tmp_path / "kept", tmp_path / "kept.lock"
    lock = WriterLock(kept, "or wait")
    before = file.read_text()
    file.unlink()
    lock.keep()
    assert file.read_text() == before
    with pytest.raises(StorageError, match="already open for writing"):
        WriterLock(kept, "or wait")
    lock.release()
    WriterLock(kept, "or wait").release()


def test_who_finds_that_another_has_the_lock_says_so(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    lock = WriterLock(kept, "or wait")
    (tmp_path / "kept.lock").unlink()
    other = WriterLock(kept, "or wait")
    with pytest.raises(StorageError, match="already open for writing by process"):
        lock.keep()
    other.release()
    lock.keep()
    lock.release()


def test_a_second_writer_does_not_get_in_where_the_lock_was_deleted(tmp_path: Path) -> None:
    path = tmp_path / "ticks.db"
    with TickStore(path) as store:
        store.append(ticks(1, 10))
        store.flush()
        path.with_name("ticks.db.lock").unlink()
        with pytest.raises(StorageError, match="already open for writing"):
            TickStore(path)


def test_a_lock_that_no_living_writer_makes_again_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.writer_lock._PATIENCE_S", 0.01)
    alive = tmp_path / "kept-shm"
    alive.touch()
    WriterLock(tmp_path / "kept", "or wait", alive=alive).release()


def test_a_store_whose_lock_another_process_has_writes_no_more(tmp_path: Path) -> None:
    path = tmp_path / "ticks.db"
    with TickStore(path, flush_s=0.01) as store:
        path.with_name("ticks.db.lock").unlink()
        other = WriterLock(path, "or wait")
        number = 0

        def is_told() -> bool:
            nonlocal number
            number += 1
            store.append(ticks(number, number))
            return "already open for writing" in (store.health.last_error or "")

        until(is_told)
        assert store.health.pending > 0
        other.release()
        store.flush()
        assert store.health.last_error is None
