"""Who is answered by /healthz and /metrics of the app, and with what."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from types import SimpleNamespace

import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.requests import Request
from starlette.responses import Response

from system import System
from tests.test_system import eventually, running, settings
from views.shared import watchers

LOCAL, OUTSIDE = "127.0.0.1", "192.0.2.7"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(System(settings(tmp_path_factory.mktemp("watchers"), FEED="replay"))) as replaying:
        eventually(lambda: replaying.pipeline is not None and replaying.pipeline.lines[0].ingest.health.ticks > 0)
        yield replaying


@pytest.fixture
def public(system: System, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The setting; local unless a test changes it."""
    chosen = SimpleNamespace(metrics_public=False)
    monkeypatch.setattr(watchers, "get_settings", lambda: chosen)
    monkeypatch.setattr(watchers, "get_system", lambda: system)
    return chosen


def ask(
    endpoint: Callable[[Request], Awaitable[Response]], peer: str, host: str = "127.0.0.1:8501", **headers: str
) -> tuple[int, bytes]:
    given = {"host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
    lines = [(name.encode(), value.encode()) for name, value in given.items()]
    scope = {"type": "http", "method": "GET", "path": "/", "headers": lines, "client": (peer, 50_000)}

    async def answer() -> Response:
        return await endpoint(Request(scope))

    response = asyncio.run(answer())
    return response.status_code, bytes(response.body)


def test_this_machine_sees_all(public: SimpleNamespace) -> None:
    status, body = ask(watchers.healthz, LOCAL)
    assert (status, orjson.loads(body)["reasons"]) == (200, [])
    status, body = ask(watchers.metrics, LOCAL)
    assert status == 200
    families = {family.name for family in text_string_to_metric_families(body.decode())}
    assert {"alphastream_ticks", "alphastream_channel_clients", "alphastream_threads"} <= families


@pytest.mark.parametrize(
    ("peer", "host", "headers"),
    [
        (OUTSIDE, "app.example", {}),
        (OUTSIDE, "localhost", {}),
        (LOCAL, "127.0.0.1:8501", {"x_forwarded_for": "192.0.2.7"}),
        (LOCAL, "rebound.example:8501", {}),
    ],
)
def test_others_see_the_verdict_alone_unless_the_setting_allows_more(
    public: SimpleNamespace, peer: str, host: str, headers: dict[str, str]
) -> None:
    assert ask(watchers.healthz, peer, host, **headers) == (200, b'{"status":"ok"}')
    status, body = ask(watchers.metrics, peer, host, **headers)
    assert status == 403
    assert b"alphastream_" not in body
    public.metrics_public = True
    assert ask(watchers.metrics, peer, host, **headers)[0] == 200
    assert "feeds" in orjson.loads(ask(watchers.healthz, peer, host, **headers)[1])
