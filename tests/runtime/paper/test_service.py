"""The service of paper runs: what it refuses, what goes wrong in one run or file and leaves the others alone."""

import errno
import os
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from alphastream.backtest import Definition
from alphastream.backtest.definition import KINDS
from alphastream.errors import ParameterError, StorageError
from alphastream.strategies import ZScoreThreshold
from runtime.checked_lines import append_whole
from runtime.paper import journal
from runtime.paper import run as paper_run
from runtime.paper import service as paper
from runtime.paper.journal import RunFile
from runtime.paper.service import MAX_RUNS
from tests.backtest.test_live import tape
from tests.runtime.paper.paper_pipeline import (
    DEFINITION,
    SPEC,
    Pipelines,
    TapePipeline,
    eventually,
    played,
    running,
    see,
)
from tests.runtime.paper.paper_tape import (
    before_and_after,
    end_of,
    goes_on,
    same_as_history,
    until_it_holds,
)


def test_what_cannot_run_is_a_sentence(tmp_path: Path, pipeline: TapePipeline) -> None:
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        with pytest.raises(ParameterError, match="there are no replay trades now"):
            service.open(DEFINITION, "replay")
        strange = replace(SPEC, y="DOGE")
        with pytest.raises(ParameterError, match="DOGE is not followed: the feed has ETH, BTC, SOL"):
            service.open(Definition(ZScoreThreshold(strange)), "live")
        with pytest.raises(ParameterError, match="no stopped run"):
            service.resume("20260101-000000")
        pipeline.feed(before_and_after(tape(3))[0])
        names = [service.open(DEFINITION, "live") for _ in range(MAX_RUNS)]
        assert len(set(names)) == MAX_RUNS
        with pytest.raises(ParameterError, match=f"{MAX_RUNS} runs are running and no more may"):
            service.open(DEFINITION, "live")
        eventually(lambda: all(see(service, name).status == "running" for name in names))
    with pytest.raises(ParameterError, match="start the app again"):
        service.open(DEFINITION, "live")


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, pipeline: TapePipeline) -> None:
    (tmp_path / "paper").write_text("a file, no folder")
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        with pytest.raises(StorageError, match="make the folder writable"):
            service.open(DEFINITION, "live")
        assert service.runs() == []


@dataclass(frozen=True, slots=True)
class Failing(ZScoreThreshold):
    """Goes wrong as soon as it should trade."""

    def decide(self, row: Any, account: Any) -> Any:
        if row.direction != account.direction:
            raise ZeroDivisionError("nothing left to divide")
        return None


def test_a_strategy_that_raises_ends_alone(
    tmp_path: Path, pipeline: TapePipeline, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(KINDS, "Failing", Failing)
    ticks = tape(3)
    warm, rest = before_and_after(ticks)
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        pipeline.feed(warm)
        bad, good = service.open(Definition(Failing(SPEC)), "live"), service.open(DEFINITION, "live")
        pipeline.feed(rest)
        view = played(service, good, end_of(ticks))
        eventually(lambda: see(service, bad).status == "stopped")
        assert see(service, bad).why == "ZeroDivisionError: nothing left to divide"
        same_as_history(view, pipeline.store, at_least=6)
    assert "paper run failed" in caplog.text
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        assert see(service, bad).status == "stopped"
        assert see(service, good).status != "stopped"


class Disk:
    """A disk that a test fills: writing to files of some runs fails after a part of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full: set[str] = set()
        self.tried = 0
        self._append_whole = append_whole
        monkeypatch.setattr(journal, "append_whole", self)
        monkeypatch.setattr(paper_run, "RETRY_S", (0.01, 0.05))

    def __call__(self, path: Path, text: bytes) -> int:
        if path.stem not in self.full:
            return self._append_whole(path, text)
        self.tried += 1
        with path.open("ab") as raw:
            raw.write(text[: len(text) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def test_a_run_waits_for_room_on_disk_and_loses_nothing(
    tmp_path: Path, pipeline: TapePipeline, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    ticks = tape(3)
    warm, rest = before_and_after(ticks)
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        pipeline.feed(warm)
        full, fine = service.open(DEFINITION, "live"), service.open(DEFINITION, "live")
        eventually(lambda: see(service, full).status == see(service, fine).status == "running")
        disk.full = {full}
        pipeline.feed(rest)
        view = played(service, full, end_of(ticks))
        assert view.status == "running"
        assert "No space left on device" in view.unsaved
        same_as_history(view, pipeline.store, at_least=6)
        played(service, fine, end_of(ticks))
        assert see(service, fine).unsaved == ""
        tried = disk.tried
        eventually(lambda: disk.tried > tried + 2)
        disk.full = set()
        eventually(lambda: see(service, full).unsaved == "")
    record = RunFile(tmp_path / "paper" / f"{full}.jsonl").read()
    assert (record.damage, record.left_out, record.stopped) == (None, [], None)
    assert tuple(record.fills) == view.fills
    assert caplog.text.count("its lines wait in memory") == 1
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        goes_on(service, pipeline, full)


def test_closing_on_a_full_disk_ends_the_run_and_waits_with_the_end(
    tmp_path: Path, pipeline: TapePipeline, disk: Disk
) -> None:
    warm, rest = before_and_after(tape(3))
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        pipeline.feed(warm)
        name = service.open(DEFINITION, "live")
        left = until_it_holds(service, pipeline, name, rest)
        disk.full = {name}
        service.end(name, flatten=True)
        eventually(lambda: see(service, name).status == "closing")
        pipeline.feed(left)
        eventually(lambda: see(service, name).status == "stopped")
        assert see(service, name).why == "stopped by hand, positions closed"
        assert not any(see(service, name).positions)
        assert "No space left on device" in see(service, name).unsaved
        with pytest.raises(ParameterError, match=r"not on disk yet .*: make room first"):
            service.resume(name)
        disk.full = set()
        eventually(lambda: see(service, name).unsaved == "")
        view = see(service, name)
    record = RunFile(tmp_path / "paper" / f"{name}.jsonl").read()
    assert record.stopped == "stopped by hand, positions closed"
    assert tuple(record.fills) == view.fills


def test_a_run_that_cannot_be_written_until_the_end_says_how_much_is_lost(
    tmp_path: Path, pipeline: TapePipeline, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    warm, rest = before_and_after(tape(3))
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        pipeline.feed(warm)
        name = service.open(DEFINITION, "live")
        left = until_it_holds(service, pipeline, name, rest)
        disk.full = {name}
        pipeline.feed(left)
        eventually(lambda: see(service, name).unsaved != "")
        kept = len(see(service, name).fills)
    assert "lines unwritten" in caplog.text
    disk.full = set()
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:  # what a crash would have left
        assert 0 < len(see(service, name).fills) <= kept
        assert see(service, name).status != "stopped"


def test_what_cannot_be_begun_on_a_full_disk_leaves_no_file(
    tmp_path: Path, pipeline: TapePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, text: bytes) -> int:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(journal, "append_whole", fail)
    pipeline.feed(before_and_after(tape(3))[0])
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        with pytest.raises(StorageError, match="No space left"):
            service.open(DEFINITION, "live")
        assert service.runs() == []
    assert list((tmp_path / "paper").glob("*.jsonl")) == []


def test_books_that_cannot_be_shown_end_a_run_all_the_same(
    tmp_path: Path, pipeline: TapePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service, monkeypatch.context() as patch:
        pipeline.feed(before_and_after(tape(3))[0])
        name = service.open(DEFINITION, "live")
        eventually(lambda: see(service, name).status == "running")

        def defect(*_: object) -> None:
            raise ZeroDivisionError("nothing left to divide")

        patch.setattr(paper_run, "view_of", defect)
        pipeline.feed(before_and_after(tape(3))[1])
        eventually(lambda: see(service, name).status == "stopped")
        assert see(service, name).why == "ZeroDivisionError: nothing left to divide"


def test_a_foreign_file_is_named_and_kept(tmp_path: Path, pipeline: TapePipeline) -> None:
    folder = tmp_path / "paper"
    folder.mkdir()
    (folder / "notes.jsonl").write_text("shopping list\n")
    with running(folder, Pipelines(live=pipeline)) as service:
        assert service.runs() == []
        assert len(service.notices) == 1
        assert "notes.jsonl" in service.notices[0]
    assert (folder / "notes.jsonl").read_text() == "shopping list\n"


@pytest.mark.parametrize("place", ["text", "nested", "folder", "defect", "name"])
def test_whatever_is_in_a_file_the_service_starts_and_the_others_go_on(
    tmp_path: Path,
    pipeline: TapePipeline,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    folder = tmp_path / "paper"
    pipeline.feed(before_and_after(tape(3))[0])
    with running(folder, Pipelines(live=pipeline)) as service:
        fine = service.open(DEFINITION, "live")
    bad = folder / "00000000-000000.jsonl"
    if place == "text":
        bad.write_bytes(b'[{"type":"begin","title":"\xff"}]\n')
    elif place == "nested":
        bad.write_bytes(b'[{"type":"begin","definition":' + b'{"a":' * 100_000)
    elif place == "folder":
        bad.mkdir()
    elif place == "name":
        bad = folder / os.fsdecode(b"\xff.jsonl")
        bad.write_bytes((folder / f"{fine}.jsonl").read_bytes())
    else:
        bad.write_bytes((folder / f"{fine}.jsonl").read_bytes())
        read = RunFile.read

        def fail(self: RunFile, venue: str = "") -> Any:
            if self.path == bad:
                raise ZeroDivisionError("nothing left to divide")
            return read(self, venue)

        monkeypatch.setattr(RunFile, "read", fail)
    with running(folder, Pipelines(live=pipeline)) as service:
        assert [view.id for view in service.runs()] == [fine]
        (notice,) = service.notices
        assert notice.isprintable()
        assert "jsonl" in notice
    assert bad.exists()
    assert caplog.text.encode()  # a log can be written down


def test_a_line_that_was_cut_short_is_said_and_moves_beside(tmp_path: Path, pipeline: TapePipeline) -> None:
    folder = tmp_path / "paper"
    pipeline.feed(before_and_after(tape(3))[0])
    with running(folder, Pipelines(live=pipeline)) as service:
        fine = service.open(DEFINITION, "live")
    path = folder / f"{fine}.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"entries":[{"type":"stopped","why')
    with running(folder, Pipelines(live=pipeline)) as service:
        assert see(service, fine).status != "stopped"
        assert "1 lines cannot be read, the first is line" in service.notices[0]
        assert f"which is cut short and moves to {fine}.jsonl.damaged" in service.notices[0]
    assert path.read_bytes().startswith(whole)
    assert (folder / f"{fine}.jsonl.damaged").read_bytes() == b'{"entries":[{"type":"stopped","why\n'
    with running(folder, Pipelines(live=pipeline)) as service:
        assert service.notices == []
        assert [view.id for view in service.runs()] == [fine]


def test_a_run_with_a_damaged_line_is_shown_up_to_there_and_not_gone_on_with(
    tmp_path: Path, pipeline: TapePipeline
) -> None:
    folder = tmp_path / "paper"
    ticks = tape(3)
    warm, rest = before_and_after(ticks)
    pipelines = Pipelines(live=pipeline)
    with running(folder, pipelines) as service:
        pipeline.feed(warm)
        bad, fine = service.open(DEFINITION, "live"), service.open(DEFINITION, "live")
        pipeline.feed(until_it_holds(service, pipeline, bad, rest))
        before = played(service, bad, end_of(ticks))
    path = folder / f"{bad}.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    at = [number for number, line in enumerate(lines) if b'"fill"' in line][-1]
    lines[at] = lines[at].replace(b'"price":', b'"price":1', 1)
    path.write_bytes(b"".join(lines))
    kept = path.read_bytes()
    for _ in range(2):
        with running(folder, pipelines) as service:
            view = see(service, bad)
            assert (view.status, view.damaged) == ("stopped", True)
            assert f"line {at + 1} of its file is damaged" in view.why
            assert f"{bad}.jsonl.damaged: put the file back from a backup" in view.why
            assert service.notices == [f"{path}: {view.why}"]
            assert 0 < len(view.fills) < len(before.fills)
            assert view.fills == before.fills[: len(view.fills)]
            with pytest.raises(ParameterError, match="is damaged"):
                service.resume(bad)
            assert see(service, fine).status != "stopped"
    assert path.read_bytes() == kept
    assert (folder / f"{bad}.jsonl.damaged").read_bytes() == lines[at]


def test_a_folder_that_cannot_be_read_is_said(
    tmp_path: Path, pipeline: TapePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        assert "Permission denied" in service.notices[0]


def test_of_two_desks_on_one_folder_one_trades_and_the_other_says_so(
    tmp_path: Path, pipeline: TapePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paper, "CLAIM_S", 0.01)
    pipeline.feed(before_and_after(tape(3))[0])
    pipelines = Pipelines(live=pipeline)
    with running(tmp_path / "paper", pipelines) as first:
        name = first.open(DEFINITION, "live")
        eventually(lambda: see(first, name).status == "running")
        path = tmp_path / "paper" / f"{name}.jsonl"
        with running(tmp_path / "paper", pipelines) as second:
            assert f"by process {os.getpid()}" in (second.held or "")
            assert (see(second, name).status, see(second, name).why) == ("stopped", paper.ELSEWHERE)
            kept = path.read_bytes()
            for what in (lambda: second.open(DEFINITION, "live"), lambda: second.resume(name)):
                with pytest.raises(StorageError, match="or trade on paper there"):
                    what()
            assert path.read_bytes() == kept
            assert see(first, name).status == "running"
            first.stop()
            eventually(lambda: see(second, name).status != "stopped")
            assert second.held is None
    with running(tmp_path / "paper", pipelines) as third:
        assert third.held is None


def test_no_thread_is_left(tmp_path: Path, pipeline: TapePipeline) -> None:
    def its() -> set[str]:
        return {thread.name for thread in threading.enumerate() if thread.name.startswith("alphastream-paper")}

    assert its() == set()
    with running(tmp_path / "paper", Pipelines(live=pipeline)) as service:
        pipeline.feed(before_and_after(tape(3))[0])
        service.open(DEFINITION, "live")
        assert its()
    eventually(lambda: its() == set())
    service.stop()
    service.notify()
