"""The file under an open store is deleted or replaced, or its log or folder is: the store goes on, nothing is lost."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from alphastream.tape.id_ranges import IdRuns
from storage import Gap, Origin, TickStore
from tests.runtime.stores.tape_files import BTC, ETH, costly, ids, runs_and_ids, ticks, until


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "ticks.db"


def log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def delete_the_file(path: Path) -> None:
    path.unlink()


def delete_the_log(path: Path) -> None:
    log_of(path).unlink()


def replace_the_log(path: Path) -> None:
    log_of(path).unlink()
    log_of(path).write_bytes(b"no log")


def delete_all_three(path: Path) -> None:
    for each in path.parent.glob("ticks.db*"):
        if each.suffix != ".lock":
            each.unlink()


def delete_the_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


def move_the_file(path: Path) -> None:
    path.rename(path.with_name("elsewhere.db"))


def replace_by_text(path: Path) -> None:
    other = path.with_name("other")
    other.write_text("timestamp,symbol\n" * 1000)
    os.replace(other, path)


def replace_by_another_venue(path: Path) -> None:
    other = path.with_name("other")
    with TickStore(other, origin=Origin("okx", "ws.okx.com")) as store:
        store.append(ticks(1, 10))
    os.replace(other, path)


LOSSES = [
    *(delete_the_file, delete_the_log, replace_the_log, delete_all_three, delete_the_folder, move_the_file),
    *(replace_by_text, replace_by_another_venue),
]


@pytest.mark.parametrize("lose", LOSSES)
@pytest.mark.parametrize("folded", [False, True])
def test_what_is_taken_away_is_written_anew(path: Path, lose: Callable[[Path], None], *, folded: bool) -> None:
    if folded:
        with TickStore(path, flush_s=0.01) as store:
            store.append(costly(1, 2000))
    with TickStore(path, flush_s=0.01) as store:
        store.append(costly(1, 2000))
        store.append(costly(2001, 3000))
        store.flush()
        lose(path)
        store.append(costly(3001, 3500))
        until(lambda: bool(store.health.notices))
        store.append(costly(3501, 4000))
        store.flush()
        assert store.window(BTC, 0, 5000) == costly(1, 4000)
        assert (store.gaps(BTC), store.health.lost, store.health.last_error) == ([], 0, None)
        (notice,) = store.health.notices
        assert "nothing is lost" in notice
    assert runs_and_ids(path) == (IdRuns([(1, 4000)]), list(range(1, 4001)))
    if lose is replace_by_text:
        (kept,) = path.parent.glob("ticks.damaged-*.db")
        assert kept.read_text().startswith("timestamp,symbol")
    assert not log_of(path).exists()


@pytest.mark.parametrize("lose", [delete_the_file, delete_all_three, delete_the_folder])
def test_what_is_deleted_just_before_closing_is_written_anew(path: Path, lose: Callable[[Path], None]) -> None:
    with TickStore(path) as store:
        store.append(costly(1, 2000))
        store.flush()
        lose(path)
    assert runs_and_ids(path) == (IdRuns([(1, 2000)]), list(range(1, 2001)))


def test_another_tick_file_is_taken_for_what_it_is(path: Path) -> None:
    other = path.with_name("other.db")
    with TickStore(other) as store:
        store.append([*costly(1, 100), *costly(151, 400), *ticks(1, 7, ETH)])
    with TickStore(path, flush_s=0.01) as store:
        store.append(costly(51, 300))
        store.flush()
        cursor = store.since(BTC).cursor
        os.replace(other, path)
        until(lambda: bool(store.health.notices))
        assert "goes on in that, with 357 ticks, 50 that it has not" in store.health.notices[0]
        until(lambda: store.gaps(BTC) == [Gap(101, 150)])
        assert ids(store.since(BTC, cursor)) == list(range(301, 401))
        assert store.window(ETH, 0, 5000) == ticks(1, 7, ETH)
        assert store.symbols() == [BTC, ETH]
        assert store.append(costly(90, 402)) == 52
        store.flush()
        assert store.gaps(BTC) == []
        coverage = store.coverage(BTC)
        assert coverage is not None
        assert (coverage.first_id, coverage.last_id, coverage.first_ns, coverage.complete) == (1, 402, 1, True)
        assert store.window(BTC, 0, 5000) == costly(1, 402)
    assert runs_and_ids(path) == (IdRuns([(1, 402)]), list(range(1, 403)))


def test_a_store_that_only_reads_follows_the_file(path: Path) -> None:
    with TickStore(path, flush_s=0.01) as store:
        store.append(costly(1, 100))
        store.flush()
        with TickStore(path, read_only=True) as reader:
            assert len(reader.window(BTC, 0, 5000)) == 100
            delete_the_file(path)
            until(lambda: bool(store.health.notices))
            store.append(costly(101, 200))
            store.flush()
            assert len(reader.window(BTC, 0, 5000)) == 200


def test_what_cannot_be_written_anew_at_once_is_tried_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = 0

    def refuse(*_: object) -> None:
        nonlocal tries
        tries += 1
        raise OSError("no space left on device")

    with TickStore(path, flush_s=0.01) as store:
        store.append(costly(1, 2000))
        store.flush()
        with monkeypatch.context() as patch:
            patch.setattr("os.replace", refuse)
            delete_all_three(path)
            until(lambda: tries > 1)
            store.append(costly(2001, 2500))
            assert store.health.notices == ()
        store.flush()
        assert store.window(BTC, 0, 5000) == costly(1, 2500)
        assert (store.gaps(BTC), store.health.lost, store.health.last_error) == ([], 0, None)
    assert runs_and_ids(path) == (IdRuns([(1, 2500)]), list(range(1, 2501)))


def test_a_file_that_cannot_be_opened_again_at_once_is_tried_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = 0

    def refuse(*_: object) -> None:
        nonlocal tries
        tries += 1
        raise sqlite3.OperationalError("unable to open database file")

    with TickStore(path, flush_s=0.01) as store:
        store.append(costly(1, 2000))
        store.flush()
        with monkeypatch.context() as patch:
            patch.setattr("runtime.stores.kept_file.open_writer", refuse)
            delete_the_file(path)
            until(lambda: tries > 1)
            store.append(costly(2001, 2500))
        store.flush()
        assert store.window(BTC, 0, 5000) == costly(1, 2500)
        assert (store.gaps(BTC), store.health.lost, store.health.last_error) == ([], 0, None)
    assert runs_and_ids(path) == (IdRuns([(1, 2500)]), list(range(1, 2501)))
