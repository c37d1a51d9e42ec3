"""The writer of a store: kills, locked files, full disks, and what closing leaves."""

import logging
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from alphastream.errors import StorageError
from alphastream.tape.id_ranges import IdRuns
from storage import Gap, TickStore
from tests.runtime.stores.tape_files import BTC, costly, ids, runs_and_ids, tick, ticks, until

ROOT = Path(__file__).parents[3]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ticks.db"


@contextmanager
def child_that_says_ready(code: str, path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process of its own that runs ``code``; killed by SIGKILL at the end, whatever happened."""
    head = (
        "import sys, time\nfrom storage import TickStore\n"
        "from tests.runtime.stores.tape_files import *\npath = Path(sys.argv[1])\n"
    )
    command = [sys.executable, "-c", head + code, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            yield child
        finally:
            child.send_signal(signal.SIGKILL)


def test_kill_9_loses_what_was_pending_and_says_so(path: Path) -> None:
    code = "store = TickStore(path, flush_s=600)\nstore.append(ticks(1, 3000)); store.flush()\n"
    code += "store.append(ticks(3001, 3700)); print('ready', flush=True); time.sleep(600)"
    with (
        child_that_says_ready(code, path) as child,
        pytest.raises(StorageError, match=f"by process {child.pid}:"),
    ):
        TickStore(path)
    with TickStore(path) as store:
        assert store.gaps(BTC) == []
        assert store.append([tick(3000), tick(3701)]) == 1
        assert store.gaps(BTC) == [Gap(3001, 3700)]
        assert store.append(ticks(3001, 3700)) == 700
        coverage = store.coverage(BTC)
        assert coverage is not None
        assert coverage.complete
    assert runs_and_ids(path) == (IdRuns([(1, 3701)]), list(range(1, 3702)))


@pytest.mark.parametrize("kill_after_s", [0.05, 0.1234, 0.25])
def test_kill_9_amid_writing_leaves_runs_that_agree_with_the_ticks(path: Path, kill_after_s: float) -> None:
    code = "store = TickStore(path, flush_s=0.001, batch_ticks=300)\nstart = 1\nprint('ready', flush=True)\n"
    code += "while True:\n    store.append(ticks(start, start + 99)); start += 110"
    with child_that_says_ready(code, path):
        until(lambda: path.with_name("ticks.db-wal").stat().st_size > 100_000)
        time.sleep(kill_after_s)
    with TickStore(path) as store:
        newest = store.last(BTC)
        assert newest is not None
        store.append([tick(newest.id + 1000)])
        assert store.gaps(BTC)[-1] == Gap(newest.id + 1, newest.id + 999)
    runs, stored = runs_and_ids(path)
    assert list(runs) == stored
    assert len(stored) == len(set(stored)) > 300


@contextmanager
def held_by_another(path: Path) -> Iterator[None]:
    """Another program holds SQLite's write lock, so that no transaction of ours can begin."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def test_a_locked_file_is_tried_again(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.stores.connections._LOCK_WAIT_S", 0.01)
    with TickStore(path, flush_s=0.01) as store, caplog.at_level(logging.INFO, logger="runtime.stores.writer"):
        with held_by_another(path):
            store.append(ticks(1, 10))
            with pytest.raises(StorageError, match=r"10 ticks are not durable after 0.3 s: .*locked"):
                store.flush(timeout_s=0.3)
            assert "locked" in (store.health.last_error or "")
            assert ids(store.window(BTC, 0, 100)) == list(range(1, 11))
        store.flush()
        assert (store.health.last_error, store.health.written, store.health.lost) == (None, 10, 0)
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    assert runs_and_ids(path) == (IdRuns([(1, 10)]), list(range(1, 11)))


def test_a_defect_while_writing_is_told_and_tried_again(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*_: object) -> None:
        raise ZeroDivisionError("nothing left to divide")

    with TickStore(path, flush_s=0.01) as store, monkeypatch.context() as patch:
        patch.setattr("runtime.stores.sqlite.TickFile.write", defect)
        store.append(ticks(1, 10))
        with pytest.raises(StorageError, match=r"10 ticks are not durable .*a defect \(ZeroDivisionError"):
            store.flush(timeout_s=0.3)
        patch.undo()
        store.flush()
        assert (store.health.last_error, store.health.written, store.health.lost) == (None, 10, 0)
    assert caplog.text.count("Traceback") == 1
    assert runs_and_ids(path) == (IdRuns([(1, 10)]), list(range(1, 11)))


def test_what_is_given_up_is_a_gap_that_can_be_filled(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.stores.connections._LOCK_WAIT_S", 0.01)
    with TickStore(path, flush_s=0.01, max_pending=100) as store:
        store.append(ticks(1, 5))
        store.flush()
        with held_by_another(path):
            store.append(ticks(6, 60))
            until(lambda: store.health.last_error is not None)
            store.append(ticks(63, 300))
            assert (store.health.pending, store.health.lost) == (100, 55 + 238 - 100)
            lost = Gap(6, 200)
            assert store.gaps(BTC) == [lost]
            assert len(store.since(BTC)) == 5 + 55 + 238
        with pytest.raises(StorageError, match="193 ticks were given up"):
            store.flush()
        cursor = store.since(BTC).cursor
        assert store.append(ticks(*lost)) == 195
        assert ids(store.since(BTC, cursor)) == [61, 62], "what readers have seen is not shown again"
        store.flush()
        assert store.gaps(BTC) == []
    assert runs_and_ids(path) == (IdRuns([(1, 300)]), list(range(1, 301)))


def test_a_full_disk_loses_nothing_once_there_is_room(path: Path) -> None:
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    with TickStore(path, flush_s=0.01) as store:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, unlimited[1]))
        try:
            store.append(costly(1, 60_000))
            until(lambda: store.health.last_error is not None)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
        store.flush()
        assert store.health.last_error is None
    runs, stored = runs_and_ids(path)
    assert list(runs) == stored == list(range(1, 60_001))


def test_append_waits_for_a_writer_that_works(path: Path) -> None:
    with TickStore(path, max_pending=50, batch_ticks=20) as store:
        assert store.append(ticks(1, 2000)) == 2000
        assert store.health.pending <= 50
        assert store.health.lost == 0
    assert runs_and_ids(path)[0] == IdRuns([(1, 2000)])


def test_closing_writes_what_is_pending_and_ends_everything(path: Path) -> None:
    store = TickStore(path, flush_s=60)
    store.append(ticks(1, 3000))
    started = time.monotonic()
    store.close()
    store.close()
    assert time.monotonic() - started < 2
    assert runs_and_ids(path)[0] == IdRuns([(1, 3000)])
    assert all(thread.name != "tick-writer" for thread in threading.enumerate())
    with pytest.raises(StorageError, match="was closed"):
        store.append(ticks(1, 1))
    with pytest.raises(StorageError, match="was closed"):
        store.window(BTC, 0, 1)
    assert store.coverage(BTC) is not None, "what memory knows can still be asked"


def test_closing_says_what_could_not_be_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.stores.connections._LOCK_WAIT_S", 0.01)
    store = TickStore(path)
    with held_by_another(path):
        store.append(ticks(1, 4))
        with pytest.raises(StorageError, match=r"4 ticks were not written: .*locked"):
            store.close()
    TickStore(path).close()
