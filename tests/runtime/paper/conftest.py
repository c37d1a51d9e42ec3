"""Fixtures of paper runs."""

from pathlib import Path
from typing import Any

import pytest

from runtime.paper import run as paper_run
from tests.runtime.paper.paper_pipeline import (
    TapePipeline,
)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs look at the tape at once."""
    monkeypatch.setattr(paper_run, "STEP_S", 0.0)


@pytest.fixture
def pipeline(tmp_path: Path) -> Any:
    made = TapePipeline(tmp_path, ("ETH", "BTC", "SOL"))
    yield made
    made.store.close()
