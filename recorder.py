"""The command line of the recorder, trades without a browser: what ``python ingest.py`` runs."""

import argparse
import logging
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from types import FrameType
from typing import Final
from urllib.parse import urlsplit

import config
from alphastream.core.units import SECOND
from alphastream.errors import AlphaStreamError, SettingError, StorageError
from alphastream.feeds import FEEDS
from alphastream.instruments import InstrumentId
from alphastream.kernel_groups import FRAMES, GROUPS
from alphastream.sinks.addresses import without_credentials
from alphastream.sinks.opening import SINKS, open_sink
from config import Settings
from health import report
from ingest import Health
from lines import Line
from metrics import health_answer, metrics_text
from pipelines import Pipeline, live_pipeline, venue_line
from runtime.bus.publisher import Publisher
from runtime.compile_ahead import Compilation
from runtime.connections.venue_choice import VenueChoice
from runtime.monitoring.exposition import CONTENT_TYPE
from runtime.monitoring.server import Answer, MetricsServer
from runtime.startup import configure_logging, hand_over_often
from runtime.user_folder import open_user_folder
from runtime.writer_lock import HeldError
from sealing import seal_folder

log = logging.getLogger(__name__)

ROOM: Final = 4 * 2**20  # bytes that a file with its log and index begins with, and some
LOOK_AGAIN_S: Final = 5.0
HELD_S: Final = 1.0  # between two tries to open a file that another process has


def record(argv: Sequence[str] | None = None) -> int:
    """Record trades without a browser: what `python ingest.py` runs.

    Returns
    -------
    The exit code: 0 after Ctrl-C, SIGTERM or the time asked for; where only another setting helps, 1 when the venue
    lists none of the symbols, 2 for a setting or a file that cannot be used. What may end is waited for, so that no
    supervisor starts this again into a ban: refusals by the venue, a disk without room, and another process that
    records into the folder, such as an app: then this one stands by and takes over.
    """
    parser = argparse.ArgumentParser(prog="python ingest.py", description="Record trades into a SQLite file.")
    parser.add_argument("--symbols", help="names separated by commas, such as BTCUSDT,ETHUSDT")
    parser.add_argument("--venue", help=f"where trades come from: auto, or some of {','.join(FEEDS)}")
    parser.add_argument(
        "--publish",
        metavar="ADDRESS",
        help="send what is recorded there as well: "
        f"{', '.join(f'{scheme}://' for scheme in SINKS)}; several with spaces between, in quotation marks",
    )
    parser.add_argument("--seconds", type=float, help="stop after this time (default: at Ctrl-C)")
    parser.add_argument(
        "--seal",
        metavar="UNTIL",
        help="record nothing: move what was recorded before a time, such as 2026-11-01 or now, to the history",
    )
    parser.add_argument(
        "--metrics",
        metavar="HOST:PORT",
        help="answer /healthz and /metrics there; a port alone is one of 127.0.0.1 (default: nowhere)",
    )
    arguments = parser.parse_args(argv)
    asked = {"SYMBOLS": arguments.symbols, "VENUE": arguments.venue, "PUBLISH": arguments.publish}
    environ = {**os.environ, **{config.PREFIX + name: value for name, value in asked.items() if value is not None}}
    opened: list[Pipeline] = []
    with ExitStack() as running:
        try:
            own = open_user_folder(config.user_folder(environ))
            settings = config.load(environ)
            configure_logging(settings.log_level)
            for trouble in own.troubles:
                log.error("%s is not loaded: %s", own.path, trouble)
            if arguments.seal is not None:
                return _seal(settings, arguments.seal)
            for address in (settings.publish or "").split():
                open_sink(address).close()  # a package that is missing is told now
            server = _metrics_server(arguments.metrics, settings, opened)
            if server is not None:
                server.start()
                running.callback(server.stop)
            is_over = _until_stopped(arguments.seconds)
            choice = VenueChoice(settings.candidates)
            Compilation({FRAMES: GROUPS[FRAMES]}).start()
            code: int | None = None
            while code is None:
                pipeline = _opened(settings, choice.symbols, is_over)
                if pipeline is None:
                    return 0
                opened[:] = [pipeline]
                code = _record(settings, pipeline, choice, is_over)
        except AlphaStreamError as error:
            print(f"error: {error}", file=sys.stderr)  # noqa: T201 (a command answers on standard error)
            return 2
        return code


def _seal(settings: Settings, until: str) -> int:
    """Move what the tape files of the data folder hold from before a time to the history."""
    place = settings.history_place
    if place is None:
        raise SettingError(f"{config.PREFIX}HISTORY=off: name a folder or a URL that ticks are to be moved to")
    seal_folder(settings.data_dir, place, until, lambda words: log.info("%s", words))
    return 0


def _until_stopped(seconds: float | None) -> Callable[[float], bool]:
    """Wait by the function returned, at most so many seconds a call; it says whether the recorder is to end."""
    done = threading.Event()
    deadline = None if seconds is None else time.monotonic() + seconds

    def finish(_signal: int, _frame: FrameType | None) -> None:
        done.set()

    def is_over(wait_s: float) -> bool:
        return done.wait(wait_s) or (deadline is not None and time.monotonic() >= deadline)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, finish)
    return is_over


def _opened(settings: Settings, symbols: Sequence[InstrumentId], is_over: Callable[[float], bool]) -> Pipeline | None:
    """Open feeds and files, once the disk has room and another process lets the files be read; None where that is not
    waited for.
    """
    words = ""
    while True:
        try:
            return live_pipeline(settings, symbols)
        except HeldError as error:
            why, wait_s = f"standing by: {error}", HELD_S
        except StorageError as error:
            free = shutil.disk_usage(settings.data_dir).free
            if free >= ROOM:
                raise
            why, wait_s = f"{settings.data_dir} has no room: {error}", LOOK_AGAIN_S
        if why != words:
            words = why
            log.warning("%s", why)
        if is_over(wait_s):
            return None


def _metrics_server(place: str | None, settings: Settings, pipelines: Sequence[Pipeline]) -> MetricsServer | None:
    """A server that tells how these pipelines are, not started yet; None where nobody asked for one."""
    if place is None:
        return None
    asked = replace(settings, feed="live")  # there is no other way to record
    waits = "the tape could not be opened yet, the log says why"

    def healthz() -> Answer:
        status, body = health_answer(report(asked, pipelines, waits), with_reasons=True)
        return status, "application/json", body

    def metrics() -> Answer:
        return 200, CONTENT_TYPE, metrics_text(report(asked, pipelines, waits))

    return MetricsServer(place, {"/healthz": healthz, "/metrics": metrics})


def _record(
    settings: Settings, pipeline: Pipeline, choice: VenueChoice, is_over: Callable[[float], bool]
) -> int | None:
    """Record until the end and return the exit code; None where another venue is to be tried."""
    hand_over_often()
    for line in pipeline.lines:
        line.start()
    told: dict[str, int | None] = {}
    found = [line.ingest.health for line in pipeline.lines]
    goes_on, look_again_s = True, time.monotonic() + LOOK_AGAIN_S
    while goes_on and (pipeline.absent or not all(map(_is_final, found))) and not is_over(0.2):
        if pipeline.absent and time.monotonic() >= look_again_s:
            look_again_s = time.monotonic() + LOOK_AGAIN_S
            _open_absent(settings, pipeline)
        for line in pipeline.lines:
            _publish(settings, line)
        found = [line.ingest.health for line in pipeline.lines]
        for health in found:
            if health.state == "blocked" and health.next_attempt_ns != told.get(health.feed):
                told[health.feed] = health.next_attempt_ns
                log.warning("%s waits until %s UTC: %s", health.feed, _clock(health.next_attempt_ns), health.reason)
        goes_on = not choice.looked(found[0], time.monotonic())
    with ExitStack() as stopping:  # each also where the file of another one cannot be written
        for line in pipeline.lines:
            stopping.callback(line.close)
            for publisher in line.publishers:
                stopping.callback(publisher.stop)  # after the last trade has come
            stopping.callback(line.stop_feeds)
    for symbol in pipeline.store.symbols():
        log.info("recorded symbol=%s %s", symbol, pipeline.store.coverage(symbol))
    if not goes_on:
        log.warning("%s: trying %s", choice.why, choice.venue)
        return None
    if all(map(_is_final, found)):
        log.error("stopped: %s", "; ".join(health.reason for health in found))
        return 1
    return 0


def _publish(settings: Settings, line: Line) -> None:
    """Begin to publish what a line records, where that was asked for and has not begun."""
    codec = FEEDS[line.venue]
    own = urlsplit(codec.stream_url([InstrumentId(line.venue, symbol) for symbol in codec.usual])).hostname
    host = "" if line.address == own else line.address
    for address in (settings.publish or "").split()[len(line.publishers) :]:
        publisher = Publisher(line.store, line.venue, host, without_credentials(address), partial(open_sink, address))
        publisher.start()
        line.publishers.append(publisher)


def _open_absent(settings: Settings, pipeline: Pipeline) -> None:
    """Open venues that could not be opened before."""
    for venue in list(pipeline.absent):
        try:
            pipeline.join(venue_line(settings, venue))
        except StorageError as error:
            pipeline.absent[venue] = str(error)


def _clock(time_ns: int | None) -> str:
    return datetime.fromtimestamp((time_ns or 0) // SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _is_final(health: Health) -> bool:
    """Whether nothing is left to carry; a feed that was refused knows when it tries again."""
    return health.state == "blocked" and health.next_attempt_ns is None
