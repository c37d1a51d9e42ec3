"""The command line of the recorder, trades without a browser: what ``python ingest.py`` runs."""

import argparse
import logging
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from types import FrameType
from typing import Final

import config
from alphastream.core.units import SECOND
from alphastream.errors import AlphaStreamError, StorageError
from alphastream.feeds import FEEDS
from config import Settings
from health import report
from ingest import Health
from metrics import health_answer, metrics_text
from runtime.monitoring.exposition import CONTENT_TYPE
from runtime.monitoring.server import Answer, MetricsServer
from system import Pipeline, configure_logging, hand_over_often, live_pipeline

log = logging.getLogger(__name__)

ROOM: Final = 4 * 2**20  # bytes that a file with its log and index begins with, and some
LOOK_AGAIN_S: Final = 5.0


def record(argv: Sequence[str] | None = None) -> int:
    """Record trades without a browser: what `python ingest.py` runs.

    Returns
    -------
    The exit code: 0 after Ctrl-C, SIGTERM or the time asked for; where only another setting helps, 1 when the venue
    lists none of the symbols, 2 for a setting or a file that cannot be used. What may end is waited for, so that no
    supervisor starts this again into a ban: refusals by the venue, and a disk without room.
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
        opened.append(_open_where_room_is(settings))
    except AlphaStreamError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 (a command answers on standard error)
        return 2
    with ExitStack() as running:
        if server is not None:
            server.start()
            running.callback(server.stop)
        return _record_until_stopped(opened[0], arguments.seconds)


def _open_where_room_is(settings: Settings) -> Pipeline:
    """Open feed and file, as soon as the disk has room for a file."""
    while True:
        try:
            return live_pipeline(settings)
        except StorageError as error:
            free = shutil.disk_usage(settings.data_dir).free
            if free >= ROOM:
                raise
            log.warning("%s has %d bytes left: waits for room (%s)", settings.data_dir, free, error)
            time.sleep(LOOK_AGAIN_S)


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
    told_ns: int | None = None
    while not _is_final(health := pipeline.ingest.health) and (deadline is None or time.monotonic() < deadline):
        if health.state == "blocked" and health.next_attempt_ns != told_ns:
            told_ns = health.next_attempt_ns
            log.warning("waits until %s UTC: %s", _clock(told_ns), health.reason)
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


def _clock(time_ns: int | None) -> str:
    return datetime.fromtimestamp((time_ns or 0) // SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _is_final(health: Health) -> bool:
    """Whether nothing is left to carry; a feed that was refused knows when it tries again."""
    return health.state == "blocked" and health.next_attempt_ns is None
