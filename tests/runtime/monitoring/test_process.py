"""What the process takes of the machine, held against what the test can see itself."""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from runtime.monitoring import process
from runtime.monitoring.process import memory, room_of


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not say")
def test_memory_is_at_least_what_was_just_filled() -> None:
    filled = bytearray(b"x" * 32_000_000)
    taken = memory()
    assert taken.most is not None
    assert taken.most > len(filled)
    if sys.platform == "linux":
        assert taken.now is not None
        assert len(filled) < taken.now <= taken.most


def test_without_linux_the_most_is_still_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(process, "_STATUS", tmp_path / "none")
    assert memory().now is None


def test_a_file_counts_with_what_sqlite_keeps_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "ticks.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t(x)")
        found = room_of(path)
        sizes = [each.stat().st_size for each in tmp_path.iterdir()]
        assert len(sizes) == 3
        assert found.size == sum(sizes)
        assert found.free is not None


def test_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    assert room_of(tmp_path / "none.db").size == 0
    assert room_of(tmp_path / "no" / "such" / "ticks.db").free is None
