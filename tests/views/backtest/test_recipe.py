"""A study in a user's file on the Backtest page: the recipe of docs/study.md."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines import Pipeline
from tests.views.running import ROOT, cards, page_of, replay, show_pipeline, words
from tests.views.user_files import user_files

RECIPE = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "study.md").read_text(encoding="utf-8"), re.DOTALL)[-1]


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    with replay(tmp_path_factory.mktemp("var"), head_s=240) as pipeline:
        yield pipeline


def test_a_study_runs_on_the_page(tmp_path: Path, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    show_pipeline(pipeline, monkeypatch)
    with user_files(tmp_path / "user", low=RECIPE):
        test = page_of("backtest", strategy="LowIsLong", LowIsLong_window="5")
        assert not test.exception
        assert "Long where RSI is low, short where it is high. (user/low.py)" in words(test)
        assert cards(test)["Trades"] != "0"
