"""Jobs that other threads hand to the one thread that may do them."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future

from alphastream.errors import StorageError


class ThreadJobs:
    """A queue of jobs for a thread that waits on a condition.

    Parameters
    ----------
    work : notified when there is a job; the thread looks at ``waits`` in what it waits for.
    """

    def __init__(self, work: threading.Condition) -> None:
        self._work = work
        self._jobs: deque[tuple[Callable[[], None], Future[None]]] = deque()
        self._is_over = False

    @property
    def waits(self) -> bool:
        """Whether there is a job."""
        return bool(self._jobs)

    def ask(self, job: Callable[[], None], timeout_s: float) -> None:
        """Have a job done and wait for that.

        Raises
        ------
        StorageError : the thread has ended, or does not come to it in time. Else what the job raises.
        """
        done: Future[None] = Future()
        with self._work:
            if self._is_over:
                raise StorageError("the store is closed")
            self._jobs.append((job, done))
            self._work.notify()
        try:
            done.result(timeout_s)
        except TimeoutError as error:
            if not done.cancel():  # it has begun meanwhile
                return done.result()
            raise StorageError(f"the file was not written for {timeout_s:g} s: its thread is busy") from error

    def run(self) -> None:
        """Do the oldest job, in the thread whose they are."""
        if not self._jobs:
            return
        job, done = self._jobs.popleft()
        if not done.set_running_or_notify_cancel():
            return
        try:
            job()
        except BaseException as error:  # noqa: BLE001 (whoever asked for it gets it)
            done.set_exception(error)
        else:
            done.set_result(None)

    def end(self) -> None:
        """Refuse what waits and what comes: the thread ends."""
        with self._work:
            self._is_over = True
        while self._jobs:
            _, done = self._jobs.popleft()
            if done.set_running_or_notify_cancel():
                done.set_exception(StorageError("the store was closed"))
