"""Functions of one chunk for the tests of jobs; workers of every backend import them by name."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Range:
    """Whole numbers from ``start`` on, before ``stop``; ``folder`` is where calls leave a trace."""

    start: int
    stop: int
    folder: str = ""


def squares(chunk: Range) -> NDArray[np.int64]:
    """Squares of the numbers."""
    return np.arange(chunk.start, chunk.stop) ** 2


def traced(chunk: Range) -> pa.Table:
    """The numbers and their squares; each call leaves a file."""
    (Path(chunk.folder) / f"{chunk.start}-{os.getpid()}-{time.monotonic_ns()}").touch()
    numbers = np.arange(chunk.start, chunk.stop)
    return pa.table({"number": numbers, "square": numbers**2})


def fails(chunk: Range) -> NDArray[np.int64]:
    """Cannot do what begins at 2."""
    if chunk.start == 2:
        raise ValueError(f"no square of {chunk.start}")
    return squares(chunk)


def waits_to_be_killed(chunk: Range) -> NDArray[np.int64]:
    """The chunk at 2 says which process does it and waits, the first time; somebody kills it."""
    said = Path(chunk.folder) / "pid"
    if chunk.start == 2 and not said.exists():
        part = said.with_suffix(".part")
        part.write_text(str(os.getpid()))
        part.rename(said)
        time.sleep(120.0)
    return squares(chunk)


def kills_itself(chunk: Range) -> NDArray[np.int64]:
    """The chunk at 2 ends its process every time."""
    if chunk.start == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return squares(chunk)
