"""REST requests that nobody waits for: a few at a time, within a share of what the venue allows."""

import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Final

from alphastream.errors import FeedError
from alphastream.feeds.codec import Codec, Request
from runtime.connections.rest import RefusedError, RestClient, in_thread

log = logging.getLogger(__name__)

AT_ONCE: Final = 4
SHARE: Final = 0.5  # of the weight of a minute: what is left is for trades that were missed
_MINUTE_S: Final = 60.0
_REFUSED_S: Final = 10.0  # least pause after a refusal that asks for one


@dataclass(frozen=True, slots=True)
class _Job:
    key: str
    request: Request
    take: Callable[[bytes], None]
    fail: Callable[[FeedError], None]


class RestQueue:
    """Asks, and hands answers over. All but ``interrupt`` belongs to one thread.

    Parameters
    ----------
    codec : says what the venue allows and what a refusal means.
    timeout_s : for an answer.
    share : of the weight of a minute; ``SHARE`` unless given.
    """

    def __init__(self, codec: Codec, timeout_s: float, *, share: float | None = None) -> None:
        self._codec, self._timeout_s = codec, timeout_s
        self._allowed = max(int(codec.weight_per_minute * (SHARE if share is None else share)), 1)
        self._waiting: deque[_Job] = deque()
        self._asked: list[tuple[_Job, RestClient, Future[bytes]]] = []
        self._weights: deque[tuple[float, int]] = deque()
        self._open_after_s = 0.0
        self._failed: dict[str, str] = {}  # why, by key, as it was logged
        self._is_interrupted = False

    def ask(self, key: str, request: Request, take: Callable[[bytes], None], fail: Callable[[FeedError], None]) -> None:
        """Have something asked soon.

        Parameters
        ----------
        key : a request whose key is asked or waits already is not asked twice.
        take : is given the answer, in ``step``. It may raise FeedError, which is then given to ``fail``.
        fail : is given why there was none, in ``step``.
        """
        if not self.is_asking(key):
            self._waiting.append(_Job(key, request, take, fail))

    def cancel(self, prefix: str) -> None:
        """Take back requests whose keys begin so; the answers of those that were sent are thrown away."""
        self._waiting = deque(job for job in self._waiting if not job.key.startswith(prefix))
        gone = [each for each in self._asked if each[0].key.startswith(prefix)]
        self._asked = [each for each in self._asked if not each[0].key.startswith(prefix)]
        for _, client, _ in gone:
            client.abort()

    def is_asking(self, key: str) -> bool:
        """Say whether a request of this key is asked or waits."""
        return any(job.key == key for job in (*self._waiting, *(job for job, _, _ in self._asked)))

    def weight_of_minute(self, now_s: float) -> int:
        """Return what was asked in the last minute, in the venue's weights."""
        while self._weights and now_s - self._weights[0][0] > _MINUTE_S:
            self._weights.popleft()
        return sum(weight for _, weight in self._weights)

    def step(self, now_s: float) -> None:
        """Hand over what was answered and send what may be sent, without ever waiting."""
        done = [(job, answer) for job, _, answer in self._asked if answer.done()]
        self._asked = [each for each in self._asked if not each[2].done()]
        for job, answer in done:
            self._hand_over(job, answer, now_s)
        while self._waiting and len(self._asked) < AT_ONCE and now_s >= self._open_after_s:
            job = self._waiting[0]
            used = self.weight_of_minute(now_s)
            if used and used + job.request.weight > self._allowed:
                return
            self._waiting.popleft()
            self._weights.append((now_s, job.request.weight))
            client = RestClient(self._timeout_s)
            self._asked.append((job, client, in_thread(partial(client.get, job.request.url))))
            if self._is_interrupted:
                client.abort()

    def interrupt(self) -> None:
        """End all waiting requests, from any thread."""
        self._is_interrupted = True
        for _, client, _ in list(self._asked):
            client.abort()

    def _hand_over(self, job: _Job, answer: "Future[bytes]", now_s: float) -> None:
        try:
            job.take(answer.result())
        except FeedError as error:
            if isinstance(error, RefusedError):
                advice = self._codec.advise(error.status, error.headers)
                if advice.action != "retry":
                    self._open_after_s = now_s + max(advice.wait_s, _REFUSED_S)
            if self._failed.get(job.key) != str(error):
                log.warning("feed=%r %s cannot be had: %s", self._codec.title, job.key, error)
            self._failed[job.key] = str(error)
            job.fail(error)
        else:
            self._failed.pop(job.key, None)
