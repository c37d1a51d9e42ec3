"""Keeping runs on the Backtest page, and the page that shows them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from streamlit.testing.v1 import AppTest

import config
from pipelines import Pipeline
from runtime.saved_runs import RunFolder
from tests.backtest.test_saved_run import kept
from tests.views.running import Running, page_of, replay, show_to_pages, words
from views.shared import rights


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    with replay(tmp_path_factory.mktemp("var"), head_s=240) as pipeline:
        yield pipeline


@pytest.fixture(autouse=True)
def folder(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> RunFolder:
    settings = replace(config.load({}), data_dir=tmp_path)
    found = Running(pipeline=pipeline, settings=settings, failure=None)
    show_to_pages(found, monkeypatch)
    return RunFolder(tmp_path / "runs")


def keep(test: AppTest, name: str) -> AppTest:
    test.text_input[0].set_value(name)
    next(button for button in test.button if button.label == "Keep").click().run()
    assert not test.exception, test.exception
    return test


def test_a_run_is_kept_with_all_that_made_it(folder: RunFolder) -> None:
    test = keep(page_of("backtest", window="20", entry="1.75"), "my run")
    assert "my run is kept. It is in the data folder" in words(test)
    (run,) = folder.runs()
    assert run.name == "my run"
    assert run.definition["strategy"]["kind"] == "ZScoreThreshold"
    assert run.definition["strategy"]["pair"]["entry"] == 1.75
    assert dict(run.settings)["capital"] == "100,000.00"
    assert dict(run.settings)["entry"] == "1.75"
    assert run.rows > 100
    assert {name: value for name, value, _ in run.figures}["Total return"].endswith("%")
    keep(test, "my run")
    assert "There is a run called 'my run' already" in words(test)
    keep(test, "")
    assert [each.name for each in folder.runs()] == ["ETHUSDT/BTCUSDT", "my run"]


def test_an_empty_page_says_what_to_do() -> None:
    said = words(page_of("saved_runs"))
    assert "Press “Keep this run” below a result of the Backtest page" in said


def test_two_are_set_side_by_side(folder: RunFolder) -> None:
    folder.keep(kept("one", "1" * 16, settings=[("entry", "2")]))
    assert "keep another to compare them" in words(page_of("saved_runs"))
    folder.keep(kept("two", "2" * 16, settings=[("entry", "3")], extent="other rows", library="0" * 16))
    test = page_of("saved_runs")
    said = words(test)
    assert "These runs are not of the same rows" in said
    assert "two: AlphaStream's own code for runs has changed since" in said
    assert "the best of several looks better than it is" in said
    settings = next(each.value for each in test.dataframe if "setting" in each.value)
    assert settings["setting"].tolist()[:2] == ["rows", "entry"]
    assert len(test.get("plotly_chart")) == 1
    test.multiselect(key="compare").set_value(["one"]).run()
    assert "Choose two to 6." in words(test)


def test_one_is_renamed_and_deleted(folder: RunFolder) -> None:
    folder.keep(kept("one", "1" * 16))
    test = page_of("saved_runs")
    test.text_input(key=f"new_name_{'1' * 16}").set_value("better")
    next(button for button in test.button if button.label == "Rename").click().run()
    assert [run.name for run in folder.runs()] == ["better"]
    test.text_input(key=f"new_name_{'1' * 16}").set_value(" ")
    next(button for button in test.button if button.label == "Rename").click().run()
    assert "The name has 0 characters: give 1 to 80." in words(test)
    test.button(key="run_delete_sure").click().run()
    assert folder.runs() == ()
    assert "Keep this run" in words(test)


def test_a_damaged_file_is_told(folder: RunFolder, tmp_path: Path) -> None:
    folder.keep(kept("one", "1" * 16))
    (tmp_path / "runs" / f"{'2' * 16}.json").write_bytes(b"{}")
    assert "cannot be read (it has no checksum)" in words(page_of("saved_runs"))


def test_a_run_is_brought_back_into_the_session(folder: RunFolder) -> None:
    test = page_of("saved_runs")
    test.file_uploader[0].upload("run.json", kept("<b>one", "1" * 16).as_json())
    test.run()
    assert not test.exception
    assert folder.runs() == ()
    listed = test.dataframe[0].value
    assert (listed["name"].tolist(), listed["where"].tolist()) == (["<b>one"], ["this session"])
    test = page_of("saved_runs")
    test.file_uploader[0].upload("run.json", b'{"id": 3}')
    test.run()
    assert "This is no saved run that can be read" in words(test)


def test_who_may_not_change_keeps_runs_in_the_session(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.keep(kept("shared", "1" * 16))
    monkeypatch.setattr(rights, "_obstacle", lambda: "elsewhere")
    test = keep(page_of("backtest", window="20"), "mine")
    assert "It stays in this browser's session only" in words(test)
    assert [run.name for run in folder.runs()] == ["shared"]
    (mine,) = test.session_state["saved_runs"]
    test = page_of("saved_runs")
    assert "You come from another machine" in words(test)
    test.button(key="run_delete_sure").click().run()  # a browser may send what is switched off
    assert [run.name for run in folder.runs()] == ["shared"]
    assert mine.name == "mine"


def test_controls_of_a_run_write_only_over_their_like() -> None:
    script = """
import streamlit as st
from tests.backtest.test_saved_run import kept
from views.shared.saved_runs import take_controls, address
run = kept(controls={"entry": 2.0, "files": "x", "other": 1, "observe": ["a"], "on": True, "none": None})
take_controls(run)
st.text(str(address(run)))
"""
    test = AppTest.from_string(script)
    test.session_state["entry"], test.session_state["files"] = 3.0, ({"kept": 1},)
    test.run()
    assert not test.exception
    assert test.session_state["entry"] == 2.0
    assert test.session_state["files"] == ({"kept": 1},)
    assert "other" not in test.session_state
    assert test.text[0].value == str({"entry": "2", "files": "x", "other": "1", "observe": ["a"], "on": "true"})


def test_a_run_of_another_version_can_be_shown(folder: RunFolder) -> None:
    folder.keep(msgspec.structs.replace(kept("one", "1" * 16), definition={"strategy": {"kind": "Gone"}}))
    assert not page_of("saved_runs").error
