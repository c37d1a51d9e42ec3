"""Fixtures of the feeds: the states one went through, and the bundled tape."""

import pytest

from alphastream.tape.recordings import Recording, read_tape
from tests.runtime.connections.feed_runs import BUNDLED, States


@pytest.fixture
def states(monkeypatch: pytest.MonkeyPatch) -> States:
    return States(monkeypatch)


@pytest.fixture(scope="module")
def tape() -> Recording:
    return read_tape(BUNDLED)
