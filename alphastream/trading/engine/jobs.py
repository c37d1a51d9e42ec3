"""Jobs that wait for their moment."""

import heapq
import itertools
from collections.abc import Callable
from typing import TypeAlias

Job: TypeAlias = Callable[[], object]
"""A function without arguments, or a coroutine function, which is awaited."""


class JobQueue:
    """Scheduled jobs, the earliest first; of those for one moment the one that was scheduled first.

    Attributes
    ----------
    heap : of (UTC nanoseconds, sequence, generation, job), to be looked at without a call.
    generation : that jobs scheduled from now on belong to.
    """

    def __init__(self) -> None:
        self.heap: list[tuple[int, int, int, Job]] = []
        self.generation = 0
        self._sequence = itertools.count()

    def push(self, when_ns: int, job: Job) -> None:
        """Add a job. May be called in any thread."""
        heapq.heappush(self.heap, (when_ns, next(self._sequence), self.generation, job))

    def pop(self) -> tuple[int, int, Job]:
        """Remove the first: its moment, generation and what to call. There must be one."""
        when_ns, _, generation, job = heapq.heappop(self.heap)
        return when_ns, generation, job
