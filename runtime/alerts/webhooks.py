"""Webhooks: alerts leave for Slack, Discord, Telegram or any program that takes JSON, tried again until they arrive.

Addresses are secrets. They are read from one TOML file that never enters the repository, and appear in no log, page
or error: a target is known by its name and kind alone::

    [webhooks.desk]                 # any name
    kind = "slack"                  # or "discord", "json": each with its url
    url = "https://hooks.slack.com/services/..."

    [webhooks.phone]
    kind = "telegram"
    token = "123456:ABC..."         # of the bot
    chat_id = "-100123456789"
"""

import heapq
import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import orjson

from runtime import outbound, threads
from runtime.alerts.targets import Message, WebhookTarget, payload, read_targets
from runtime.backoff import Backoff
from runtime.http import Answer
from runtime.outbound import AddressRefused, NotDelivered, retry_after_s

__all__ = ["Delivery", "Message", "RetryPolicy", "Webhooks"]

log = logging.getLogger(__name__)

DELIVERIES_SHOWN: Final = 200
AFTER_DEFECT_S: Final = 1.0
RETRY_AFTER_CAP_S: Final = 900.0  # a service that asks for more is not waited for
HEADERS: Final = {"Content-Type": "application/json", "User-Agent": "AlphaStream"}

Outcome = Literal["delivered", "tried again", "given up"]


class Post(Protocol):
    """How a body is sent; ``outbound.post``."""

    def __call__(
        self, url: str, body: bytes, headers: dict[str, str], *, timeout_s: float, allow_private: bool
    ) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """One try.

    Parameters
    ----------
    time_ns : when, UTC ns.
    target : name of the webhook.
    title : of the message.
    attempt : 1 for the first; 0 where there was none.
    outcome, detail : what came of it, and why in words.
    """

    time_ns: int
    target: str
    title: str
    attempt: int
    outcome: Outcome
    detail: str


@dataclass(frozen=True, slots=True)
class _Job:
    target: WebhookTarget
    message: Message
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why a try failed, how long to wait for the next (None: it would not help), and whether all messages wait."""

    detail: str
    wait_s: float | None = None
    for_all: bool = False


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long delivery goes on.

    Parameters
    ----------
    tries : of one message, the first among them.
    base_s, cap_s : bound of the wait before the second try, doubled before each further one, and of all waits.
    timeout_s : for one answer.
    waiting : messages that may wait; one more is given up.
    """

    tries: int = 6
    base_s: float = 1.0
    cap_s: float = 60.0
    timeout_s: float = 5.0
    waiting: int = 200


class Webhooks:
    """Delivers messages to named targets in one thread; ``send`` returns at once.

    Parameters
    ----------
    targets : where messages can go.
    problems : what was wrong with the file of secrets, for the page.
    allow_private : whether http and private addresses may be used.
    retry_policy : how long delivery goes on.
    post : how a body is sent.
    """

    def __init__(
        self,
        targets: Iterable[WebhookTarget] = (),
        problems: Sequence[str] = (),
        *,
        allow_private: bool = False,
        retry_policy: RetryPolicy | None = None,
        post: Post = outbound.post,
    ) -> None:
        self._targets = {target.name: target for target in targets}
        self.problems = tuple(problems)
        self._allow_private, self._retry_policy, self._post = allow_private, retry_policy or RetryPolicy(), post
        self._backoff = Backoff(self._retry_policy.base_s, self._retry_policy.cap_s, jitter=0.5)
        self._changed = threading.Condition()
        self._waiting: list[tuple[float, int, _Job]] = []  # by the moment (monotonic) they are due
        self._order = itertools.count()
        self._pauses: dict[str, float] = {}  # a target that asked for a pause, until when
        self._deliveries: deque[Delivery] = deque(maxlen=DELIVERIES_SHOWN)
        self._stopping = False
        self._thread: threading.Thread | None = None

    @classmethod
    def from_file(cls, path: Path, *, allow_private: bool = False) -> "Webhooks":
        """Webhooks of a file of secrets; none where there is no file."""
        targets, problems = read_targets(path, allow_private)
        for problem in problems:
            log.error("webhooks: %s", problem)
        return cls(targets, problems, allow_private=allow_private)

    @property
    def kinds(self) -> dict[str, str]:
        """Kind of each webhook by name."""
        return {name: target.kind for name, target in self._targets.items()}

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """The newest tries, newest first."""
        with self._changed:
            return tuple(reversed(self._deliveries))

    @property
    def waiting(self) -> int:
        """Messages that are not delivered or given up yet, but for the one under way."""
        with self._changed:
            return len(self._waiting)

    def send(self, names: Iterable[str], message: Message) -> None:
        """Deliver a message to each of these webhooks, soon. ``deliveries`` reports one that is not known."""
        with self._changed:
            for name in names:
                target = self._targets.get(name)
                if target is None:
                    self._note(name, message, 0, "given up", "the file of secrets has no webhook of this name")
                elif self._stopping:
                    self._note(name, message, 0, "given up", "the application stops")
                elif len(self._waiting) >= self._retry_policy.waiting:
                    self._note(name, message, 0, "given up", f"{len(self._waiting)} messages wait already")
                else:
                    self._enqueue(_Job(target, message), 0.0)

    def test(self, name: str) -> None:
        """Send a message that says that it is a test."""
        text = "If you can read this, alerts arrive here. Nothing has happened."
        self.send([name], Message("AlphaStream: a test", text, {"test": True}))

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="alphastream-webhooks", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Stop the thread. What still waits is given up, which ``deliveries`` reports. May be called twice."""
        with self._changed:
            self._stopping = True
            for _, _, job in sorted(self._waiting, key=lambda entry: entry[:2]):
                self._note(job.target.name, job.message, job.attempt - 1, "given up", "the application stops")
            self._waiting.clear()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _enqueue(self, job: _Job, wait_s: float) -> None:
        """Holds the lock."""
        heapq.heappush(self._waiting, (time.monotonic() + wait_s, next(self._order), job))
        self._changed.notify_all()

    def _run(self) -> None:
        while not self._stopping:
            try:
                job = self._next()
                if job is not None:
                    self._deliver(job)
            except Exception as error:  # noqa: BLE001 (the edge of the thread; a traceback could quote the address)
                threads.begins_again()
                log.error("webhooks: a defect of kind %s; the next message is tried", type(error).__name__)
                with self._changed:
                    self._changed.wait(AFTER_DEFECT_S)

    def _deliver(self, job: _Job) -> None:
        try:
            self._try(job)
        except Exception as error:  # noqa: BLE001 (a message ends here; a traceback could quote the address)
            reason = job.target.hide(f"{type(error).__name__}: {error}")
            self._done(job, "given up", f"a defect ({reason})")

    def _next(self) -> _Job | None:
        """Wait for the next message that is due; None when stopped."""
        with self._changed:
            while not self._stopping:
                now_s = time.monotonic()
                if not self._waiting:
                    self._changed.wait()
                    continue
                due_s, order, job = self._waiting[0]
                pause_s = self._pauses.get(job.target.name, 0.0)
                if pause_s > max(due_s, now_s):
                    heapq.heapreplace(self._waiting, (pause_s, order, job))
                elif due_s > now_s:
                    self._changed.wait(due_s - now_s)
                else:
                    heapq.heappop(self._waiting)
                    return job
            return None

    def _try(self, job: _Job) -> None:
        target, retry_policy = job.target, self._retry_policy
        try:
            body = orjson.dumps(payload(target, job.message))
            answer = self._post(
                target.url, body, dict(HEADERS), timeout_s=retry_policy.timeout_s, allow_private=self._allow_private
            )
        except NotDelivered as error:
            refusal = _Refusal(str(error), self._backoff.after_s(job.attempt - 1))
        except AddressRefused as error:
            refusal = _Refusal(str(error))
        else:
            if 200 <= answer.status < 300:
                self._done(job, "delivered", f"HTTP {answer.status}")
                return
            refusal = self._refused(job, answer)
        refusal = replace(refusal, detail=target.hide(refusal.detail))
        if refusal.wait_s is None or job.attempt >= retry_policy.tries:
            self._done(job, "given up", refusal.detail)
        else:
            self._again(job, refusal, refusal.wait_s)

    def _refused(self, job: _Job, answer: Answer) -> _Refusal:
        """What a status that is no success asks for."""
        if 300 <= answer.status < 400:
            return _Refusal(f"HTTP {answer.status}: redirects are not followed, write the final address")
        excerpt = "".join(c for c in answer.body.decode("utf-8", "replace") if c.isprintable())[:120]
        detail = f"HTTP {answer.status}" + (f": {excerpt}" if excerpt else "")
        if answer.status != 429 and answer.status < 500:
            return _Refusal(detail)
        asked_s = retry_after_s(answer.header("Retry-After"), time.time())
        if asked_s is None and answer.status == 429:
            asked_s = _retry_after_in(answer.body)
        if asked_s is None:
            return _Refusal(detail, self._backoff.after_s(job.attempt - 1))
        if asked_s > RETRY_AFTER_CAP_S:
            return _Refusal(f"{detail}; it asks for a pause of {asked_s:.0f} s, which is too long")
        return _Refusal(f"{detail}; it asks for a pause of {asked_s:g} s", asked_s, for_all=True)

    def _again(self, job: _Job, refusal: _Refusal, wait_s: float) -> None:
        with self._changed:
            name = job.target.name
            if self._stopping:
                detail = f"{refusal.detail}; the application stops"
                self._note(name, job.message, job.attempt, "given up", detail)
                return
            detail = f"{refusal.detail}; next try in {wait_s:.1f} s"
            self._note(name, job.message, job.attempt, "tried again", detail)
            if refusal.for_all:
                self._pauses[name] = time.monotonic() + wait_s
            self._enqueue(replace(job, attempt=job.attempt + 1), wait_s)

    def _done(self, job: _Job, outcome: Outcome, detail: str) -> None:
        with self._changed:
            self._note(job.target.name, job.message, job.attempt, outcome, detail)

    def _note(self, name: str, message: Message, attempt: int, outcome: Outcome, detail: str) -> None:
        """Holds the lock."""
        self._deliveries.append(Delivery(time.time_ns(), name, message.title, attempt, outcome, detail))
        level = logging.INFO if outcome == "delivered" else logging.WARNING
        log.log(level, "webhook=%s attempt=%d outcome=%r detail=%r", name, attempt, outcome, detail)


def _retry_after_in(body: bytes) -> float | None:
    """Seconds that Discord and Telegram ask for in the body of a 429."""
    try:
        content: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    for place in (content, content.get("parameters") if isinstance(content, dict) else None):
        asked = place.get("retry_after") if isinstance(place, dict) else None
        if isinstance(asked, int | float) and asked >= 0:
            return float(asked)
    return None
