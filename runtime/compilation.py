"""Kernels are compiled in a process of their own before anybody needs them.

numba holds the interpreter lock for ten seconds and more while it compiles; pages would stand still. The machine code
is kept on disk, so this process only loads it.
"""

import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from alphastream import backtest, estimators, portfolio

log = logging.getLogger(__name__)

ROOT: Final = Path(__file__).resolve().parent.parent
TIMEOUT_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class Stage:
    """Kernels that are compiled together.

    Parameters
    ----------
    rooms : what ``python -m alphastream`` calls them.
    is_on_disk : whether their machine code is there.
    load : loads it, compiling what is not there.
    """

    rooms: tuple[str, ...]
    is_on_disk: Callable[[], bool]
    load: Callable[[], object]


STAGES: Final[Mapping[str, Stage]] = {
    "pairs": Stage(("estimators",), estimators.is_compiled, estimators.warm_up),
    "portfolio": Stage(("scan", "portfolio"), portfolio.is_compiled, portfolio.warm_up),
    "backtest": Stage(("backtest",), backtest.is_compiled, backtest.warm_up),
}
_ONE_AT_A_TIME = {name: threading.Lock() for name in STAGES}  # several engines share the disk


class Compilation:
    """The stages of one engine. Before ``start`` all count as ready: who computes without a thread waits itself."""

    def __init__(self, stages: Mapping[str, Stage] = STAGES) -> None:
        self._stages = stages
        self._ready = {name: threading.Event() for name in stages}
        for event in self._ready.values():
            event.set()

    def start(self, advanced: Callable[[], None] = lambda: None) -> None:
        """Compile in the background; ``advanced`` is called, by another thread, when a stage is ready."""
        for event in self._ready.values():
            event.clear()
        threading.Thread(target=self._run, args=(advanced,), name="alphastream-compile", daemon=True).start()

    def ready(self, stage: str) -> threading.Event:
        """Set while what a stage compiles can be called without a wait."""
        return self._ready[stage]

    def _run(self, advanced: Callable[[], None]) -> None:
        for name, stage in self._stages.items():
            try:
                with _ONE_AT_A_TIME.get(name, threading.Lock()):
                    _compile_ahead(stage)
            except Exception:
                log.exception("kernels of %s are not compiled ahead; each compiles at its first use", name)
            self._ready[name].set()
            advanced()


def _compile_ahead(stage: Stage) -> None:
    if not stage.is_on_disk():
        command = [sys.executable, "-m", "alphastream", *stage.rooms]
        subprocess.run(command, cwd=ROOT, check=False, timeout=TIMEOUT_S)
    stage.load()
