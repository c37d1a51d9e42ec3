"""Examples as programs of their own, killed in the middle and started again."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent.parent
WAIT_S: Final = 480.0


def run(command: Sequence[str], log: Path) -> None:
    """Run a program to its end. Raises RuntimeError with what it said where it fails."""
    with log.open("ab") as output:
        ended = subprocess.run(command, cwd=ROOT, stdout=output, stderr=output, timeout=WAIT_S, check=False)
    if ended.returncode:
        raise RuntimeError(f"{command} ended with {ended.returncode}: {log.read_text(errors='replace')[-2_000:]}")


def kill_when(command: Sequence[str], log: Path, is_due: Callable[[], bool]) -> bool:
    """Start a program and end it, with all its processes, by SIGKILL as soon as something is so.

    Returns
    -------
    Whether it was killed; False where it came to its end before.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, start_new_session=True)
    deadline = time.monotonic() + WAIT_S
    try:
        while not is_due():
            if process.poll() is not None:
                return False
            if time.monotonic() > deadline:
                raise RuntimeError(f"{command}: nothing to kill in; it said {log.read_text(errors='replace')[-2_000:]}")
            time.sleep(0.02)
        return process.poll() is None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
