"""Kernels are compiled in a process of their own before anybody needs them.

numba holds the interpreter lock for seconds at a time while it compiles; pages would stand still. The other process
keeps the machine code on disk and says when a group of kernels is there; this one then only loads it.
"""

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from alphastream.core.compilation import loads_from_disk
from alphastream.kernel_groups import GROUPS, KernelGroup

log = logging.getLogger(__name__)

ROOT: Final = Path(__file__).resolve().parent.parent
TIMEOUT_S: Final = 300.0
"""A group that takes longer is given up, and compiled where it is first used."""


@dataclass(frozen=True, slots=True)
class CompileProgress:
    """How far compiling is.

    Parameters
    ----------
    done, total : groups of kernels.
    left_s : seconds that the rest will take, about.
    """

    done: int
    total: int
    left_s: float


class Compilation:
    """The groups of one process, loaded one after the other. Before ``start`` all count as ready."""

    def __init__(self, groups: Mapping[str, KernelGroup] = GROUPS) -> None:
        self._groups = groups
        self._changed = threading.Condition()
        self._waiting: frozenset[str] = frozenset()
        self._listeners: list[Callable[[], None]] = []
        self._started = False
        self._begin_s = self._newest_s = 0.0
        self._compiled_s = 0.0  # by the estimates of the groups that the other process has compiled

    def start(self, advanced: Callable[[], None] = lambda: None) -> None:
        """Load in the background, once a process.

        Parameters
        ----------
        advanced : called, by another thread, when a group is ready.
        """
        with self._changed:
            self._listeners.append(advanced)
            if self._started:
                return
            self._started, self._waiting = True, frozenset(self._groups)
        threading.Thread(target=self._run, name="alphastream-compile", daemon=True).start()

    @property
    def waiting(self) -> frozenset[str]:
        """Groups that cannot be called without a wait."""
        return self._waiting

    def is_ready(self, *groups: str) -> bool:
        """Whether all of these can be called without a wait."""
        return self._waiting.isdisjoint(groups)

    def wait(self, *groups: str, timeout_s: float) -> bool:
        """``is_ready``, as soon as that is so or the time is over."""
        with self._changed:
            return self._changed.wait_for(lambda: self.is_ready(*groups), timeout_s)

    @property
    def progress(self) -> CompileProgress | None:
        """How far compiling is, None where nothing is being compiled."""
        with self._changed:
            waiting, compiled_s = self._waiting, self._compiled_s
            begin_s, newest_s = self._begin_s, self._newest_s
        if not waiting or not begin_s:
            return None
        pace = (newest_s - begin_s) / compiled_s if compiled_s else 1.5
        left_s = pace * sum(self._groups[name].seconds for name in waiting) - (time.monotonic() - newest_s)
        return CompileProgress(len(self._groups) - len(waiting), len(self._groups), max(left_s, 1.0))

    def _run(self) -> None:
        names = list(self._groups)
        while names and self._is_on_disk(names[0]):
            self._set_ready(names.pop(0))
        try:
            if names:
                self._compile_ahead(names)
        except Exception:
            log.exception("kernels are not compiled ahead; each compiles at its first use")
        for name in names:
            if not self.is_ready(name):
                self._load(name)

    def _is_on_disk(self, name: str) -> bool:
        try:
            return loads_from_disk(self._groups[name].load)
        except Exception:
            log.exception("kernels of %s cannot be loaded", name)
            return False

    def _compile_ahead(self, names: Sequence[str]) -> None:
        command = [sys.executable, "-m", "alphastream", *names]
        with self._changed:
            self._begin_s = self._newest_s = time.monotonic()
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            watch = threading.Timer(TIMEOUT_S, process.kill)
            watch.start()
            for line in process.stdout:
                watch.cancel()
                if (name := line.split()[0]) in self._waiting:
                    self._load(name)
                watch = threading.Timer(TIMEOUT_S, process.kill)
                watch.start()
            watch.cancel()

    def _load(self, name: str) -> None:
        try:
            self._groups[name].load()
        except Exception:
            log.exception("kernels of %s are not compiled ahead; each compiles at its first use", name)
        self._set_ready(name)

    def _set_ready(self, name: str) -> None:
        with self._changed:
            self._waiting -= {name}
            self._newest_s = time.monotonic()
            if self._begin_s:
                self._compiled_s += self._groups[name].seconds
            self._changed.notify_all()
            listeners = list(self._listeners)
        for advanced in listeners:
            advanced()


@cache
def shared() -> Compilation:
    """The one of this process: all engines and pages look at it."""
    return Compilation()
