"""Threads by what they do: every thread the product starts has a line, and defects are counted where they end."""

import ast
import threading
from pathlib import Path

from runtime.threads import TASKS, begins_again, tasks

ROOT = Path(__file__).resolve().parents[2]


def test_every_thread_that_is_started_here_has_a_line() -> None:
    named = set()
    for path in [*ROOT.glob("*.py"), *(ROOT / "runtime").rglob("*.py")]:
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call) or ast.unparse(call.func) != "threading.Thread":
                continue
            (name,) = (ast.unparse(each.value).lstrip("f").strip("'") for each in call.keywords if each.arg == "name")
            assert any(name.startswith(known) for known in TASKS), f"{path.name} starts {name}: describe it in TASKS"
            named.add(name)
    assert {"tick-writer", "ingest-request", "alphastream-engine"} <= named


def test_what_begins_again_is_counted_under_what_it_does() -> None:
    before = {task.name: task.restarts for task in tasks()}
    thread = threading.Thread(target=begins_again, name="tick-writer")
    thread.start()
    thread.join()
    after = {task.name: task for task in tasks()}
    assert after["tick-writer"].restarts == before.get("tick-writer", 0) + 1
    assert after["tick-writer"].running == 0
    assert "file" in after["tick-writer"].does


def test_threads_of_libraries_are_counted_together() -> None:
    gate = threading.Event()
    threads = [threading.Thread(target=gate.wait, name=f"some-pool-{number}") for number in range(3)]
    before = tasks()[-1].running
    for thread in threads:
        thread.start()
    assert (tasks()[-1].name, tasks()[-1].running) == ("others", before + 3)
    gate.set()
    for thread in threads:
        thread.join()
