"""The command line of the recorder, trades without a browser: what ``python ingest.py`` runs."""

import argparse
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from types import FrameType

import config
from alphastream.errors import AlphaStreamError
from alphastream.feeds import FEEDS
from ingest import Health
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
    arguments = parser.parse_args(argv)
    asked = {"SYMBOLS": arguments.symbols, "VENUE": arguments.venue}
    environ = {**os.environ, **{config.PREFIX + name: value for name, value in asked.items() if value is not None}}
    try:
        settings = config.load(environ)
        configure_logging(settings.log_level)
        pipeline = live_pipeline(settings)
    except AlphaStreamError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 (a command answers on standard error)
        return 2
    return _record_until_stopped(pipeline, arguments.seconds)


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
