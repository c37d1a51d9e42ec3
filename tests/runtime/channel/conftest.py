"""Fixtures of the channel: a hub, and a server that carries it."""

from collections.abc import Iterator

import pytest

from runtime.channel.hub import Hub
from tests.runtime.channel.visitors import Server, serving


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def server(hub: Hub) -> Iterator[Server]:
    with serving(hub.serve) as running:
        yield running
        hub.stop()
