"""The paper page where a file is damaged, the disk is full, another process trades, or nothing could be started."""

from dataclasses import replace

import pytest

from tests.runtime.paper.paper_pipeline import TapePipeline, see
from tests.views.paper.test_page import ran, shown
from tests.views.running import Running, words


def test_a_file_that_was_left_out_is_named(system: Running) -> None:
    system.paper.notices.append("/data/paper/notes.jsonl is no paper run")
    assert "notes.jsonl" in words(shown())


def test_paper_trading_that_could_not_start_is_said(system: Running) -> None:
    system.paper.failure = "paper trading could not be started (OSError: nowhere)"
    assert "paper trading could not be started (OSError: nowhere)" in words(shown())


def test_a_run_that_waits_for_the_disk_says_so(
    system: Running, pipeline: TapePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = ran(system.paper, pipeline)
    view = replace(see(system.paper, name), unsaved="no space left")
    monkeypatch.setattr(system.paper, "view", lambda _: view)
    monkeypatch.setattr(system.paper, "runs", lambda: [view])
    test = shown()
    assert "It goes on in memory, and is written when that works again: no space left" in words(test)
    assert test.dataframe[0].value["state"].tolist() == ["running, not on disk"]


def test_a_damaged_run_is_shown_and_cannot_be_resumed(
    system: Running, pipeline: TapePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = ran(system.paper, pipeline)
    view = replace(see(system.paper, name), status="stopped", why="line 7 is damaged", damaged=True)
    monkeypatch.setattr(system.paper, "view", lambda _: view)
    test = shown()
    assert "line 7 is damaged" in words(test)
    assert not [each for each in test.button if each.key == "paper_resume"]


def test_another_process_that_has_the_folder_is_named(system: Running) -> None:
    system.paper.held = "process 7 has the folder"
    assert "process 7 has the folder. Until it ends" in words(shown())
