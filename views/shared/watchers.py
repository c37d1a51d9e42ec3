"""What programs that watch the app ask for: /healthz, /metrics and /risk.json, on the port of the pages."""

from typing import Final

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from health import report_of
from metrics import health_answer, metrics_text
from runtime.monitoring.access import is_local
from runtime.monitoring.exposition import CONTENT_TYPE
from views.shared.system import get_settings, get_system

_FRESH: Final = {"Cache-Control": "no-store"}


async def healthz(request: Request) -> Response:
    """200 while the app does what it was asked for, else 503; why, for those who may see the metrics."""
    report = await run_in_threadpool(report_of, get_system())
    status, body = health_answer(report, with_reasons=_may_see(request))
    return Response(body, status, _FRESH, "application/json")


async def metrics(request: Request) -> Response:
    """Everything that is counted, for Prometheus."""
    if not _may_see(request):
        return PlainTextResponse("for programs on this machine: docs/operations.md says how others may ask\n", 403)
    body = await run_in_threadpool(lambda: metrics_text(report_of(get_system())))
    return Response(body, 200, _FRESH, CONTENT_TYPE)


async def risk(request: Request) -> Response:
    """What is held and what it may lose, for programs on this machine."""
    if not _may_see(request):
        return PlainTextResponse("for programs on this machine: docs/operations.md says how others may ask\n", 403)
    monitor = get_system().risk
    return Response(
        orjson.dumps({"report": monitor.report, "breaches": monitor.breaches}), 200, _FRESH, "application/json"
    )


def _may_see(request: Request) -> bool:
    peer = request.client.host if request.client is not None else None
    return get_settings().metrics_public or is_local(peer, request.headers.get("host"), request.headers.keys())
