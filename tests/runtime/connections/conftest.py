"""Fixtures of the feeds: the states one went through, the bundled tape, and each transport in turn."""

from collections.abc import Callable

import pytest

from alphastream.tape.recordings import Recording, read_tape
from runtime.connections.transport import Transport
from runtime.connections.transport_choice import transport_named
from tests.runtime.connections.feed_runs import BUNDLED, States

Make = Callable[[float], Transport]


@pytest.fixture
def states(monkeypatch: pytest.MonkeyPatch) -> States:
    return States(monkeypatch)


@pytest.fixture(scope="module")
def tape() -> Recording:
    return read_tape(BUNDLED)


@pytest.fixture(params=["picows", "websocket-client"])
def make(request: pytest.FixtureRequest) -> Make:
    """Makes a transport, given its timeout."""
    return transport_named(request.param)
