"""A scan cut into tasks, spread over threads, with progress and cancellation."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import numpy as np

from alphastream.core.types import Floats, Ints
from alphastream.errors import AlphaStreamError
from alphastream.scan.block import Block
from alphastream.scan.panel import Mask, Panel
from alphastream.scan.sample import Method

Found = tuple[Floats, list[str]]
Task = Callable[[], Found]

_PAIRS = 500  # a task: tens of milliseconds, so that progress moves and a cancellation is heard


class ScanCancelled(AlphaStreamError):
    """A scan stopped because its caller asked for it."""

    def __init__(self, done: int, total: int) -> None:
        super().__init__(f"the scan was cancelled after {done:,} of {total:,} pairs: start it again for a table")
        self.done = done
        self.total = total


def tasks(panel: Panel, method: Method, better: bool) -> Iterator[Task]:
    """Every pair of a panel, about 500 a task.

    The columns of a large block are prepared once, when its first task is asked for; small blocks are gathered, and
    each task prepares its own.
    """
    small: list[tuple[Mask, Ints, Ints]] = []
    gathered = 0
    for mask, y, x in panel.blocks():
        if y.size < _PAIRS:
            small.append((mask, y, x))
            gathered += y.size
            if gathered >= _PAIRS:
                yield partial(_several, panel, method, better, small)
                small, gathered = [], 0
            continue
        block = Block.of(panel, mask, np.union1d(y, x), method, better)
        for start in range(0, y.size, _PAIRS):
            part = slice(start, start + _PAIRS)
            yield partial(block.test, y[part], x[part])
    if small:
        yield partial(_several, panel, method, better, small)


def _several(panel: Panel, method: Method, better: bool, blocks: list[tuple[Mask, Ints, Ints]]) -> Found:
    found = [Block.of(panel, mask, np.union1d(y, x), method, better).test(y, x) for mask, y, x in blocks]
    return np.vstack([numbers for numbers, _ in found]), [note for _, notes in found for note in notes]


def run(
    work: Iterator[Task],
    total: int,
    threads: int,
    progress: Callable[[int, int], None] | None,
    cancelled: Callable[[], bool] | None,
) -> Found:
    """Do all tasks and join what they found; few are ever in flight, so that memory does not grow with their number.

    Raises
    ------
    ScanCancelled
        When ``cancelled`` says so; what is in flight is finished first.
    """
    found: list[Found] = []
    done = 0
    waiting: deque[Future[Found]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="scan") as pool:
        while True:
            if cancelled is not None and cancelled():
                raise ScanCancelled(done, total)
            while len(waiting) < 2 * threads and (task := next(work, None)) is not None:
                waiting.append(pool.submit(task))
            if not waiting:
                break
            found.append(waiting.popleft().result())
            done += len(found[-1][1])
            if progress is not None:
                progress(done, total)
    return np.vstack([numbers for numbers, _ in found]), [note for _, notes in found for note in notes]
