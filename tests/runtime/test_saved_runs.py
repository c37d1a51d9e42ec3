"""The folder of kept runs: written whole, read with care, bounded."""

from pathlib import Path

import msgspec
import pytest

import runtime.saved_runs
from alphastream.errors import ParameterError, StorageError
from runtime.saved_runs import RunFolder
from tests.backtest.test_saved_run import kept


def names(folder: RunFolder) -> list[str]:
    return [run.name for run in folder.runs()]


def test_runs_are_kept_renamed_and_deleted(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "runs")
    assert names(folder) == []
    first, second = kept("first", "1" * 16), kept("second", "2" * 16, saved_ns=1_800_000_000 * 10**9)
    folder.keep(first)
    folder.keep(second)
    assert RunFolder(tmp_path / "runs").runs() == (second, first)
    folder.rename(first.id, "  other   name ")
    assert names(folder) == ["second", "other name"]
    with pytest.raises(ParameterError, match="give 1 to"):
        folder.rename(first.id, " ")
    folder.delete(second.id)
    folder.delete(second.id)
    folder.delete("../1")
    assert names(folder) == ["other name"]
    with pytest.raises(ParameterError, match="somebody has deleted it"):
        folder.rename(second.id, "x")
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == [f"{first.id}.json"]


def test_what_was_written_by_another_process_is_seen(tmp_path: Path) -> None:
    one, other = RunFolder(tmp_path), RunFolder(tmp_path)
    one.keep(kept("first", "1" * 16))
    assert names(other) == ["first"]
    one.rename("1" * 16, "renamed")
    assert names(other) == ["renamed"]
    one.delete("1" * 16)
    assert names(other) == []


def test_damage_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.keep(kept("first", "1" * 16))
    folder.keep(kept("second", "2" * 16))
    path = tmp_path / f"{'1' * 16}.json"
    altered = path.read_bytes().replace(b"first", b"fIrst")
    path.write_bytes(altered)
    (tmp_path / f"{'3' * 16}.json").write_bytes((tmp_path / f"{'2' * 16}.json").read_bytes())
    (tmp_path / "notes.txt").write_text("not a run")
    assert names(folder) == ["second"]
    assert len(folder.notices) == 2
    assert "its checksum is" in folder.notices[0]
    assert f"it holds the run {'2' * 16}" in " ".join(folder.notices)
    assert path.read_bytes() == altered


def test_there_is_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = RunFolder(tmp_path)
    monkeypatch.setattr(runtime.saved_runs, "MOST_RUNS", 2)
    folder.keep(kept("first", "1" * 16))
    folder.keep(kept("second", "2" * 16))
    with pytest.raises(ParameterError, match="2 runs are kept already, the most there may be: delete one first"):
        folder.keep(kept("third", "3" * 16))
    folder.rename("1" * 16, "renamed")
    large = msgspec.structs.replace(kept("large", "1" * 16), settings=[("long", "x" * 1_000_000)])
    with pytest.raises(ParameterError, match="1,000,000 are kept at most"):
        folder.keep(large)
    assert names(folder) == ["renamed", "second"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(StorageError, match="cannot be read"):
        RunFolder(tmp_path / "runs").runs()
    with pytest.raises(StorageError):
        RunFolder(tmp_path / "runs").keep(kept())
