"""Fixtures of the alert service: a clock and a book with one rule."""

from pathlib import Path

import pytest

from runtime.alerts.service import AlertService
from tests.runtime.alerts.books import RULE, Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book(tmp_path: Path, clock: Clock) -> AlertService:
    made = AlertService(tmp_path / "var", clock)
    made.add(RULE)
    return made
