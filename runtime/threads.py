"""The threads of the process: what each does, and how often its work began again after a defect."""

import threading
from collections import Counter
from dataclasses import dataclass
from typing import Final

TASKS: Final[dict[str, str]] = {
    "MainThread": "starts and ends the process; serves browsers where there is a page",
    "ingest-request": "waits for one REST answer",
    "look-up": "asks the system for the address of a host",
    "ingest": "receives trades and hands them to the tape",
    "heads": "fetches bars of before the tape",
    "tick-writer": "writes trades into the file",
    "tick-sealer": "moves old trades from the file to the history",
    "tick-follower": "follows a file that another process writes",
    "market-feed": "asks for books and funding, and looks whether quotes, books and mark prices come",
    "market-line": "receives quotes, books and mark prices",
    "market-writer": "writes sampled books, quotes and mark prices into their file",
    "market-sealer": "moves old samples from their file to the history",
    "alphastream-engine": "computes what pages show",
    "alphastream-hub": "makes the messages of the live channel",
    "alphastream-arbitrage": "looks for edges between venues",
    "alphastream-risk": "measures what is held and what it may lose",
    "alphastream-alerts": "evaluates alert rules",
    "alphastream-webhooks": "sends alerts to webhooks",
    "alphastream-bus": "talks to a bus",
    "alphastream-publish": "sends recorded trades to a bus or a database",
    "alphastream-paper": "runs paper runs",
    "alphastream-compile": "compiles numerical code ahead of its first use",
    "alphastream-pipelines": "chooses between live and recorded trades",
    "alphastream-unwatched": "ends what feeds carry and nobody looks at",
    "alphastream-metrics": "answers /healthz and /metrics",
    "ScriptRunner": "runs a page for a visitor",
}
"""What threads do, by the beginning of their names; of several that fit, the longest counts."""

_survived: Counter[str] = Counter()
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Task:
    """What threads of one kind do.

    Parameters
    ----------
    name : theirs, without what tells threads of a kind apart.
    does : in a few words; empty for threads of libraries.
    running : how many there are.
    restarts : how often work of such a thread ended by a defect and began again; the log has each.
    """

    name: str
    does: str
    running: int
    restarts: int


def begins_again() -> None:
    """Say that the work of this thread ended by a defect and begins again; called at the edge of a thread's loop."""
    with _lock:
        _survived[_kind(threading.current_thread().name)] += 1


def tasks() -> tuple[Task, ...]:
    """Threads that run or have begun again, by name; those of libraries last, together."""
    with _lock:
        restarts = Counter(_survived)
    running = Counter(_kind(thread.name) for thread in threading.enumerate())
    known = sorted(name for name in running | restarts if name)
    found = [Task(name, TASKS[name], running[name], restarts[name]) for name in known]
    return (*found, Task("others", "of libraries", running[""], restarts[""]))


def _kind(name: str) -> str:
    """The entry of TASKS for a thread's name; "" where there is none."""
    return max((known for known in TASKS if name.startswith(known)), key=len, default="")
