"""The command line of the recorder, trades without a browser: what ``python ingest.py`` runs."""

import argparse
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from types import FrameType

import config
from alphastream.errors import AlphaStreamError
from alphastream.feeds import FEEDS
from config import Settings
from health import report
from ingest import Health
from metrics import health_answer, metrics_text
from runtime.monitoring.exposition import CONTENT_TYPE
from runtime.monitoring.server import Answer, MetricsServer
from system import Pipeline, configure_logging, hand_over_often, live_pipeline

log = logging.getLogger(__name__)


def record(argv: Sequence[str] | None = None) -> int:
    """Record trades without a browser: what `python ingest.py` runs.

    Returns
    -------
    The exit code: 0 after Ctrl-C, SIGTERM or the time asked for, 1 when the feed was refused for good, 2 for a wrong
    setting. A ban that ends is waited out.
    """
    parser = argparse.ArgumentParser(prog="python ingest.py", description="Record trades into a SQLite file.")
    parser.add_argument("--symbols", help="names separated by commas, such as BTCUSDT,ETHUSDT")
    parser.add_argument("--venue", choices=sorted(FEEDS), help="where trades come from")
    parser.add_argument("--seconds", type=float, help="stop after this time (default: at Ctrl-C)")
    parser.add_argument(
        "--metrics",
        metavar="HOST:PORT",
        help="answer /healthz and /metrics there; a port alone is one of 127.0.0.1 (default: nowhere)",
    )
    arguments = parser.parse_args(argv)
    asked = {"SYMBOLS": arguments.symbols, "VENUE": arguments.venue}
    environ = {**os.environ, **{config.PREFIX + name: value for name, value in asked.items() if value is not None}}
    try:
        settings = config.load(environ)
        configure_logging(settings.log_level)
        opened: list[Pipeline] = []
        server = _metrics_server(arguments.metrics, settings, opened)
        opened.append(live_pipeline(settings))
    except AlphaStreamError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 (a command answers on standard error)
        return 2
    with ExitStack() as running:
        if server is not None:
            server.start()
            running.callback(server.stop)
        return _record_until_stopped(opened[0], arguments.seconds)


def _metrics_server(place: str | None, settings: Settings, pipelines: Sequence[Pipeline]) -> MetricsServer | None:
    """A server that tells how these pipelines are, not started yet; None where nobody asked for one."""
    if place is None:
        return None
    asked = replace(settings, feed="live")  # there is no other way to record

    def healthz() -> Answer:
        status, body = health_answer(report(asked, pipelines), with_reasons=True)
        return status, "application/json", body

    def metrics() -> Answer:
        return 200, CONTENT_TYPE, metrics_text(report(asked, pipelines))

    return MetricsServer(place, {"/healthz": healthz, "/metrics": metrics})


def _record_until_stopped(pipeline: Pipeline, seconds: float | None) -> int:
    done = threading.Event()

    def finish(_signal: int, _frame: FrameType | None) -> None:
        done.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, finish)
    hand_over_often()
    pipeline.ingest.start()
    deadline = None if seconds is None else time.monotonic() + seconds
    while not _is_final(pipeline.ingest.health) and (deadline is None or time.monotonic() < deadline):
        if done.wait(0.2):
            break
    health = pipeline.ingest.health
    pipeline.ingest.stop()
    pipeline.store.close()
    for symbol in pipeline.store.symbols():
        held = pipeline.store.coverage(symbol)
        log.info("recorded symbol=%s %s", symbol, held)
    if _is_final(health):
        log.error("stopped: %s", health.reason)
        return 1
    return 0


def _is_final(health: Health) -> bool:
    """Whether a feed was refused for good; one that is banned for a while knows when it tries again."""
    return health.state == "blocked" and health.next_attempt_ns is None
