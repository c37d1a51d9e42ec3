"""A query in a process of its own, which can be ended at any time and cannot take more memory than it was given.

DuckDB ends a query between two chunks of rows and counts what it keeps, not what one function of SQL asks for: a single
row such as ``SELECT list_sum(range(1000000000))`` takes 8 GB and a minute that no interruption shortens. Where
strangers ask, this is what holds. ``python -m alphastream.history.apart`` is that process; it speaks over its standard
streams.
"""

import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final

import pyarrow as pa

from alphastream.errors import AlphaStreamError, StorageError
from alphastream.history.places import Place
from alphastream.history.query_errors import QueryError
from alphastream.history.sql import NO_TABLES, NO_VIEWS, Answer, Limits, Sandbox, Tables

log = logging.getLogger(__name__)

GRACE_S: Final = 5.0
"""Beyond the limit of time: to start, to read the tables, and to end a query in order."""
SHARE: Final = 0.6  # of the memory, that DuckDB may count; the rest is for what it does not count
LOOK_S: Final = 0.05
NICE: Final = 5  # what records goes first


@dataclass(frozen=True, slots=True)
class ApartLimits(Limits):
    """What a query in its own process may take.

    Parameters
    ----------
    memory_mb : that it may take beside the tables it is given, MiB. Held by Linux; elsewhere by DuckDB alone.
    threads : that it runs on.
    """

    seconds: float = 10.0
    rows: float = 500_000
    answer_mb: float = 64
    memory_mb: int = 1_024
    threads: int = 2


USUAL: Final = ApartLimits()


def run_apart(
    query: str,
    tables: Tables = NO_TABLES,
    views: Mapping[str, str] = NO_VIEWS,
    *,
    where: str | None = None,
    limits: ApartLimits = ApartLimits(),
    cancelled: threading.Event | None = None,
) -> Answer:
    """Run one query as ``Sandbox.run_within`` does, in a process of its own.

    Parameters
    ----------
    where : folder or URL of the history whose files ``views`` read.
    cancelled : set from another thread, it ends the query.

    Raises
    ------
    QueryError : it cannot be run, passed a limit or was cancelled.
    StorageError : DuckDB is not installed, or a file cannot be read.
    """
    cancelled = cancelled if cancelled is not None else threading.Event()
    task = {"query": query, "views": dict(views), "where": where, "limits": asdict(limits), "tables": list(tables)}
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            [sys.executable, "-m", __spec__.name if __spec__ is not None else __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            env=_environment(),
        )
        assert process.stdin is not None
        assert process.stdout is not None
        with process, _ending(process, limits.seconds + GRACE_S, cancelled) as ended:
            with suppress(BrokenPipeError):  # it has ended: what it says, or how it ended, tells why
                _send(process.stdin, task, tables)
            said = process.stdout.read()
        if ended.is_set():
            why = "it was cancelled" if cancelled.is_set() else _too_long(limits)
            raise QueryError(why)
        if process.returncode != 0:
            complaints.seek(0)
            log.warning("query ended its process code=%s: %s", process.returncode, complaints.read()[-2_000:])
            raise QueryError(f"its process ended with code {process.returncode}: it may have {_too_large(limits)}")
    return _answer(said)


def _too_long(limits: Limits) -> str:
    return f"it was ended after {limits.seconds:g} s: take a shorter range, or ask for less"


def _too_large(limits: ApartLimits) -> str:
    return f"needed more than {limits.memory_mb:,} MB of memory: take a shorter range, or group and filter first"


def _environment() -> dict[str, str]:
    """What the process needs to find Python, this package and a bucket; nothing that is secret otherwise."""
    kept = {"PATH", "SYSTEMROOT", "LANG", "LD_LIBRARY_PATH", "SSL_CERT_FILE"}
    found = {name: text for name, text in os.environ.items() if name in kept or name.startswith("AWS_")}
    return {**found, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}


@contextmanager
def _ending(
    process: "subprocess.Popen[bytes]", seconds: float, cancelled: threading.Event
) -> Iterator[threading.Event]:
    """End the process once its time is over or somebody wants it to end; the event says that this was done."""
    ended, over = threading.Event(), threading.Event()
    deadline = time.monotonic() + seconds

    def watch() -> None:
        while not over.wait(LOOK_S):
            if cancelled.is_set() or time.monotonic() > deadline:
                ended.set()
                process.kill()
                return

    thread = threading.Thread(target=watch, name="alphastream-query-limit", daemon=True)
    thread.start()
    try:
        yield ended
    except BaseException:
        process.kill()
        raise
    finally:
        over.set()
        thread.join()


def _send(stream: IO[bytes], task: Mapping[str, object], tables: Tables) -> None:
    with stream:
        stream.write(json.dumps(task).encode() + b"\n")
        for table in tables.values():
            with pa.ipc.new_stream(stream, table.schema) as writer:
                writer.write_table(table)


def _answer(said: bytes) -> Answer:
    head, _, rows = said.partition(b"\n")
    fields: dict[str, Any] = json.loads(head)
    if "failure" in fields:
        raise StorageError(fields["failure"])
    if "error" in fields:
        raise QueryError(**fields["error"])
    return Answer(pa.ipc.open_stream(rows).read_all(), bool(fields["has_more"]))


# ---- in the process ----------------------------------------------------------------------------------------------


def main() -> None:
    """Read a task and its tables from standard input, write the answer to standard output."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    task = json.loads(source.readline())
    limits = ApartLimits(**task["limits"])
    tables = {name: pa.ipc.open_stream(source).read_all() for name in task["tables"]}
    _confine(limits)
    rows = None
    try:
        place = Place(task["where"]) if task["where"] is not None else None
        sandbox = Sandbox(place, memory_mb=int(limits.memory_mb * SHARE), threads=limits.threads)
        rows, has_more = sandbox.run_within(limits, task["query"], tables, task["views"])
        head: dict[str, object] = {"has_more": has_more}
    except QueryError as error:
        names = ("message", "kind", "line", "column", "excerpt")
        head = {"error": {name: getattr(error, name) for name in names}}
    except AlphaStreamError as error:
        head = {"failure": str(error)}
    sink.write(json.dumps(head).encode() + b"\n")
    if rows is not None:
        with pa.ipc.new_stream(sink, rows.schema) as writer:
            writer.write_table(rows)
    sink.flush()


def _confine(limits: ApartLimits) -> None:
    """Take no more memory than was given from now on, and stand back behind what records."""
    if sys.platform != "linux":
        return
    import resource

    os.nice(NICE)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    taken_kb = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmData:"))
    most = (taken_kb << 10) + (limits.memory_mb << 20)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
