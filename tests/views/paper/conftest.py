"""Fixtures of the paper page: a system with paper trading on a tape that a test feeds."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st

import config
from runtime.paper import run as paper_run
from tests.runtime.paper.paper_pipeline import Pipelines, TapePipeline, running
from tests.views.running import Running, show_to_pages

SYMBOLS = ("BTC", "ETH", "SOL")


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TapePipeline]:
    monkeypatch.setattr(paper_run, "STEP_S", 0.0)
    made = TapePipeline(tmp_path, SYMBOLS)
    yield made
    made.store.close()


@pytest.fixture
def pipelines(pipeline: TapePipeline) -> Pipelines:
    return Pipelines(live=pipeline)


@pytest.fixture
def system(
    tmp_path: Path, pipeline: TapePipeline, pipelines: Pipelines, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Running]:
    with running(tmp_path / "paper", pipelines) as desk:
        found = Running(
            pipeline=pipeline,
            settings=config.load({"ALPHASTREAM_SYMBOLS": "BTC,ETH"}),
            failure=None,
            paper=desk,
            pipeline_of=pipelines,
        )
        show_to_pages(found, monkeypatch)
        st.cache_resource.clear()  # comparisons of other tests' runs
        yield found
