"""Kernels ahead of their use: what is on disk is loaded, the rest compiled elsewhere, and progress is known."""

import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from alphastream.core.compilation import kernel
from alphastream.kernel_groups import GROUPS, KernelGroup, group_of
from alphastream.pairs import MODELS, PairSpec, nodes_of
from runtime.compile_ahead import Compilation


def groups(*names: str, load: Callable[[], object] = lambda: None) -> dict[str, KernelGroup]:
    return {name: KernelGroup("estimators", load, 1.0) for name in names}


def never_kept() -> Any:
    """A kernel that no process finds on disk."""
    nowhere: dict[str, Any] = {}
    exec("def double(value):\n    return 2.0 * value", nowhere)
    return kernel(nowhere["double"])


def test_everything_counts_as_ready_before_the_start() -> None:
    found = Compilation(groups("a"))
    assert found.is_ready("a", "unknown")
    assert found.progress is None


def test_what_is_on_disk_is_loaded_without_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", None)
    told: list[int] = []
    found = Compilation(groups("a", "b"))
    found.start(lambda: told.append(1))
    assert found.wait("a", "b", timeout_s=60)
    assert found.progress is None
    assert told


def test_the_other_process_compiles_the_first_that_is_missing_and_all_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    double, asked, first_is_there = never_kept(), [], threading.Event()
    found = Compilation({**groups("on disk"), **groups("first", "second", load=lambda: double(2.0))})
    popen = subprocess.Popen

    def speaking(command: Sequence[str], **options: Any) -> Any:
        asked.append(list(command[3:]))
        code = "import sys; print('first 1.0 s', flush=True); sys.stdin.read()"
        process = popen([sys.executable, "-c", code], stdin=subprocess.PIPE, **options)
        assert process.stdin is not None
        close = process.stdin.close
        threading.Thread(target=lambda: first_is_there.wait(60) and close()).start()
        return process

    monkeypatch.setattr(subprocess, "Popen", speaking)
    found.start()
    assert found.wait("first", timeout_s=60)
    assert not found.is_ready("second")
    progress = found.progress
    assert progress is not None
    assert (progress.done, progress.total) == (2, 3)
    assert progress.left_s >= 1.0
    first_is_there.set()
    assert found.wait("second", timeout_s=60)  # the process ended without it: compiled here
    assert asked == [["first", "second"]]


def test_a_group_that_fails_does_not_keep_the_others(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise RuntimeError("no kernel")

    found = Compilation({**groups("bad", load=fail), **groups("good")})
    found._compile_ahead = lambda names: None  # type: ignore[method-assign]
    found.start()
    assert found.wait("bad", "good", timeout_s=60)
    assert "kernels of bad" in caplog.text


@pytest.mark.parametrize("model", MODELS)
def test_every_node_of_a_pair_has_its_group(model: Any) -> None:
    assert {group_of(node.estimator) for node in nodes_of(PairSpec("A", "B", model=model))} <= GROUPS.keys()
