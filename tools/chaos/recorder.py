"""A recorder as a process of its own, kept running as a service manager would."""

import logging
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from tools.exchange import LocalExchange

ROOT = Path(__file__).parents[2]
RESTART_S = 1.0
STOP_S = 60.0
SETTINGS = {
    "CONNECT_TIMEOUT_S": "2",
    "STALL_S": "2",
    "BACKOFF_BASE_S": "0.1",
    "BACKOFF_CAP_S": "2",
}
"""Patience fit for a fault every few seconds; everything else is as a user finds it."""

log = logging.getLogger("tools.chaos")


class Recorder:
    """``python ingest.py`` for one venue, started again where it ends by itself.

    Parameters
    ----------
    venue, exchange : what it records, and where that is played.
    folder : of the tape, shared by all recorders.
    log_path : its standard error, all processes in one file.

    Attributes
    ----------
    kills, exits : how often it was killed, and the codes with which it ended though nobody asked it to.
    is_refused : whether it was told that its place is refused, the last time it connected to trades.
    """

    def __init__(self, venue: str, exchange: LocalExchange, folder: Path, log_path: Path) -> None:
        self.venue, self.kills, self.is_refused = venue, 0, False
        self.exits: list[int] = []
        self._command = [sys.executable, "ingest.py", "--venue", venue, "--symbols", ",".join(exchange.symbols)]
        settings = SETTINGS | {"WS_URL": exchange.ws_url, "REST_URL": exchange.rest_url, "DATA_DIR": str(folder)}
        self._environ = os.environ | {f"ALPHASTREAM_{name}": value for name, value in settings.items()}
        self._log = log_path.open("ab")
        self._process = self._start()
        self._ended_s: float | None = None

    def tend(self) -> None:
        """Start it again some time after it has ended."""
        code = self._process.poll()
        if code is None:
            return
        now_s = time.monotonic()
        if self._ended_s is None:
            self._ended_s = now_s
            if code != -signal.SIGKILL:
                log.info("%s: the recorder ended by itself, code=%d", self.venue, code)
                self.exits.append(code)
        elif now_s >= self._ended_s + RESTART_S:
            self._process, self._ended_s = self._start(), None

    def kill(self) -> None:
        """SIGKILL."""
        self.kills += 1
        self._process.kill()

    def fill_disk(self, full: bool) -> None:
        """Let no file of the process grow beyond a few bytes, or let them all grow again."""
        soft = 4_096 if full else resource.RLIM_INFINITY
        try:
            resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY))
        except ProcessLookupError:
            log.info("%s: no process whose disk could be full", self.venue)

    def swap(self, after_s: float) -> None:
        """Start a second process beside it, then end the first: the second takes over, or a new one does."""
        second = self._start()
        try:
            code = second.wait(after_s)
        except subprocess.TimeoutExpired:
            log.info("%s: the second process waits; the first is ended", self.venue)
            self._process, second = second, self._process
            end(second)
        else:
            log.info("%s: the second process was turned away, code=%d; the first is ended", self.venue, code)
            end(self._process)
            self._process = self._start()

    def abandon(self) -> None:
        """Leave no process behind, whatever happened."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """End it in order and return its exit code."""
        code = end(self._process)
        self._log.close()
        return code

    def _start(self) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(self._command, cwd=ROOT, env=self._environ, stderr=subprocess.PIPE)
        threading.Thread(target=self._copy, args=(process,), daemon=True).start()
        return process

    def _copy(self, process: "subprocess.Popen[bytes]") -> None:
        """Keep what it says; through a pipe, since a log file would feel a full disk as well."""
        assert process.stderr is not None
        for line in process.stderr:
            if b" INFO ingest " in line and b" state=" in line:
                self.is_refused = b"refuses this computer's location" in line
            self._log.write(b"%d %s" % (process.pid, line))
            self._log.flush()


def end(process: "subprocess.Popen[bytes]") -> int:
    """SIGTERM, and SIGKILL for one that does not obey within a minute."""
    process.terminate()
    try:
        return process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
