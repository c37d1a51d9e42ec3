"""The live channel: hands the messages of topics to everybody who subscribed, over WebSockets.

A thread makes the messages (``topics.py``), once each; the server's loop sends them. A client that cannot follow is
skipped to the next base and holds up nobody. Clients may say, as JSON text::

    {"subscribe": topic, "figure": id, "seq": n}    what it holds already, if anything
    {"unsubscribe": topic}
    {"ping": ms}                                    answered {"pong": ms, "now": server's ms UTC}
    {"painted": {"p50": ms, "p95": ms, "ms": [ms]}} from a tick's receipt to the frame that showed it; "ms" are
                                                    all since this was told last

Besides messages of topics they get ``{"topic": id, "refused": why}`` and ``{"note": {...}}``. A topic is refused as
"unknown", "full" (too many for one client) or "failed": it stays subscribed and comes when it can be shown again.
"""

import asyncio
import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from typing import Any, Final

import orjson
from itsdangerous import BadSignature, TimestampSigner
from starlette.websockets import WebSocket, WebSocketDisconnect

from alphastream.core.durations import DurationHistogram, Durations
from runtime import threads
from runtime.channel.tables import TableFrame, TableTopic
from runtime.channel.topics import OVERLAP_S, Frame, Topic

log = logging.getLogger(__name__)

BEHIND_MESSAGES: Final = 40
"""Messages that may wait for one client before it is skipped to the next base."""

BEAT_S: Final = 1.0
"""Without news, figures are looked at this often: ages grow also while nothing trades."""

IDLE_S: Final = 60.0
TICKET_S: Final = 24 * 3_600
MAX_TOPICS: Final = 256
MAX_SUBSCRIPTIONS: Final = 8
MAX_REQUEST_BYTES: Final = 2_048
MAX_REQUESTS_PER_S: Final = 20
MAX_PAINTED: Final = 90  # durations in one request
MAX_MS: Final = 600_000.0  # of one: a browser that slept tells longer ones, which nobody waited for
POLICY, TOO_BIG, DEFECT, TRY_LATER, GOING_AWAY = 1008, 1009, 1011, 1013, 1001


@dataclass(slots=True, eq=False)
class _Client:
    """One open socket. Lives in the server's loop alone."""

    socket: WebSocket
    topics: set[str] = field(default_factory=set)
    waiting: deque[bytes] = field(default_factory=deque)
    behind: bool = False
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    asked: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_REQUESTS_PER_S + 1))
    paint: tuple[float, float] | None = None

    def offer(self, message: bytes) -> bool:
        """Put a message in line; False where the line is full and the client will get a base instead."""
        if self.behind:
            return False
        if len(self.waiting) >= BEHIND_MESSAGES:
            self.waiting.clear()
            self.behind = True
        else:
            self.waiting.append(message)
        self.ready.set()
        return not self.behind


@dataclass(frozen=True, slots=True)
class ChannelHealth:
    """How the channel is.

    ``paint_ms`` holds, for each browser that told it, the median and the 95th percentile from a tick's receipt to
    the frame that showed it; ``painted`` counts all that browsers told. ``failures`` says why figures cannot be shown
    now, one sentence each. ``waiting`` counts messages that were made and not sent yet.
    """

    clients: int
    topics: int
    sent: int
    skipped: int
    refused: int
    paint_ms: tuple[tuple[float, float], ...]
    failures: tuple[str, ...] = ()
    painted: Durations = field(default_factory=Durations)
    waiting: int = 0


class Hub:
    """Makes messages in a thread of its own and sends them from the server's loop.

    Parameters
    ----------
    max_clients : sockets that may be open at once.
    """

    def __init__(self, *, max_clients: int = 200) -> None:
        self._max_clients = max_clients
        self._signer = TimestampSigner(secrets.token_bytes(32))
        self._lock = threading.Lock()
        self._topics: dict[str, Topic | TableTopic] = {}
        self._subscribed: frozenset[str] = frozenset()
        self._failures: dict[str, str] = {}  # by topic
        self._clients: set[_Client] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._sent = self._skipped = self._refused = 0
        self._painted = DurationHistogram()

    # ---- for pages -------------------------------------------------------------------------------------------

    def topic(self, key: Hashable, source: Callable[[], Frame]) -> Topic:
        """The topic of a key, made at the first call. Equal keys must mean equal figures: everybody shares them."""
        name = _name_of(("figure", key))
        with self._lock:
            topic = self._topics.get(name)
            if not isinstance(topic, Topic):
                self._make_room()
                topic = self._topics[name] = Topic(name, source)
            topic.source = source  # the newest page's: after a reload of code, the newest code's
            topic.touched_s = time.monotonic()
        return topic

    def table(self, key: Hashable, source: Callable[[], TableFrame]) -> TableTopic:
        """As ``topic``, for a table."""
        name = _name_of(("table", key))
        with self._lock:
            topic = self._topics.get(name)
            if not isinstance(topic, TableTopic):
                self._make_room()
                topic = self._topics[name] = TableTopic(name, source)
            topic.source = source
            topic.touched_s = time.monotonic()
        return topic

    def _make_room(self) -> None:
        """For one more topic, where there are as many as may be. Holds the lock."""
        if len(self._topics) >= MAX_TOPICS:
            unwatched = [held for held in self._topics.values() if held.name not in self._subscribed]
            oldest = min(unwatched or self._topics.values(), key=lambda held: held.touched_s)
            del self._topics[oldest.name]

    def ticket(self) -> str:
        """What a browser presents to connect. Pages hand it out, so one that may not see a page has none."""
        return self._signer.sign(b"live").decode()

    def admits(self, ticket: str) -> bool:
        """Whether a ticket is one of this process, and not too old."""
        try:
            self._signer.unsign(ticket, max_age=TICKET_S)
        except BadSignature:
            return False
        return True

    def notify(self) -> None:
        """Something new was published. Cheap: called by the engine's thread."""
        self._wake.set()

    def broadcast(self, note: Mapping[str, Any]) -> None:
        """Tell every open page something that belongs to no figure, such as an alert."""
        message = orjson.dumps({"note": note})
        self._in_loop(partial(self._deliver, None, message))

    @property
    def health(self) -> ChannelHealth:
        """Counts since the start."""
        clients = list(self._clients)
        paint = tuple(client.paint for client in clients if client.paint is not None)
        failures = tuple(dict(self._failures).values())
        counts = len(clients), len(self._topics), self._sent, self._skipped, self._refused
        waiting = sum(len(client.waiting) for client in clients)
        return ChannelHealth(*counts, paint, failures, self._painted.snapshot(), waiting)

    # ---- the thread ------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start making messages."""
        self._thread = threading.Thread(target=self._run, name="alphastream-hub", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Stop the thread and close every socket. May be called twice."""
        self._stopping.set()
        self._wake.set()
        self._in_loop(self._close_all)
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(BEAT_S)
            self._wake.clear()
            try:
                for topic in self._watched():
                    message = self._ask(topic, topic.advance)
                    if message is not None and topic.name in self._subscribed:
                        self._in_loop(partial(self._deliver, topic.name, message))
            except Exception:  # the edge of the thread: the next round is made all the same
                threads.begins_again()
                log.exception("messages were not made")

    def _ask(self, topic: Topic | TableTopic, what: Callable[[], bytes | None]) -> bytes | None:
        """A message of a topic; None also where that fails: one figure's fault is neither others' nor a socket's."""
        try:
            message = what()
        except Exception as error:  # logged once, not at every beat
            words = f"{type(error).__name__}: {error}"
            if self._failures.get(topic.name) != words:
                log.exception("topic=%s cannot be shown", topic.name)
            self._failures[topic.name] = words
            return None
        self._failures.pop(topic.name, None)
        return message

    def _watched(self) -> list[Topic | TableTopic]:
        """Topics somebody looks at; those nobody has looked at for a while are forgotten."""
        now_s = time.monotonic()
        with self._lock:
            for name in self._subscribed & self._topics.keys():
                self._topics[name].touched_s = now_s
            idle = [name for name, topic in self._topics.items() if now_s - topic.touched_s > IDLE_S]
            for name in idle:
                del self._topics[name]
            for name in self._failures.keys() - self._topics.keys():
                self._failures.pop(name, None)
            return [topic for topic in self._topics.values() if now_s - topic.touched_s < OVERLAP_S]

    def _in_loop(self, call: Callable[[], None]) -> None:
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(call)

    # ---- in the server's loop --------------------------------------------------------------------------------

    async def serve(self, socket: WebSocket) -> None:
        """One client from its handshake to its end. Whoever calls this has checked who is asking."""
        if len(self._clients) >= self._max_clients or self._stopping.is_set():
            self._refused += 1
            await socket.close(TRY_LATER, "too many clients")
            return
        self._loop = asyncio.get_running_loop()
        await socket.accept()
        client = _Client(socket)
        self._clients = self._clients | {client}
        writer = asyncio.create_task(self._write(client))
        try:
            await self._read(client)
        except (WebSocketDisconnect, RuntimeError) as gone:  # Starlette raises RuntimeError on a socket already closed
            log.debug("client gone: %s", gone)
        except Exception:  # the edge of a socket: its browser comes back by itself
            log.exception("client sent away by a defect")
            await _close(socket, DEFECT)
        finally:
            self._clients = self._clients - {client}
            self._note_subscriptions()
            writer.cancel()

    async def _read(self, client: _Client) -> None:
        while True:
            try:
                text = await client.socket.receive_text()
            except KeyError:  # Starlette's answer to a binary message
                text = ""
            complaint = _complaint(client, text)
            if complaint is not None:
                self._refused += 1
                await client.socket.close(*complaint)
                return
            request = _parse(text)
            if request is None:
                self._refused += 1
                await client.socket.close(POLICY, "not a request")
                return
            self._answer(client, request)

    def _answer(self, client: _Client, request: Mapping[str, Any]) -> None:
        match request:
            case {"ping": float() | int() as sent}:
                client.offer(orjson.dumps({"pong": sent, "now": time.time() * 1e3}))
            case {"painted": {"p50": float() | int() as p50, "p95": float() | int() as p95, **more}}:
                client.paint = float(p50), float(p95)
                self._painted.add(_seconds(more.get("ms")))
            case {"unsubscribe": str() as name}:
                client.topics.discard(name)
                self._note_subscriptions()
            case {"subscribe": str() as name}:
                self._subscribe(client, name, request.get("figure"), request.get("seq"))

    def _subscribe(self, client: _Client, name: str, figure: object, seq: object) -> None:
        topic = self._topics.get(name)
        if topic is None or len(client.topics - {name}) >= MAX_SUBSCRIPTIONS:
            why = "unknown" if topic is None else "full"
            client.offer(orjson.dumps({"topic": name, "refused": why}))
            return
        client.topics.add(name)
        self._note_subscriptions()
        window = self._ask(topic, partial(topic.window, figure, seq if isinstance(seq, int) else 0))
        client.offer(window or orjson.dumps({"topic": name, "refused": "failed"}))

    def _note_subscriptions(self) -> None:
        self._subscribed = frozenset(name for client in self._clients for name in client.topics)

    def _deliver(self, name: str | None, message: bytes) -> None:
        for client in self._clients:
            if (name is None or name in client.topics) and not client.offer(message):
                self._skipped += 1

    async def _write(self, client: _Client) -> None:
        """Send what waits, in order; ``send_bytes`` waits for a slow client, nobody waits for this task."""
        try:
            await self._send(client)
        except (WebSocketDisconnect, RuntimeError) as gone:  # the reading side notices and ends the client
            log.debug("client gone: %s", gone)
        except Exception:  # the edge of a task: without it a socket would stay open and silent
            log.exception("client sent away by a defect")
            await _close(client.socket, DEFECT)

    async def _send(self, client: _Client) -> None:
        while True:
            await client.ready.wait()
            client.ready.clear()
            while client.waiting or client.behind:
                message = self._catch_up(client) if client.behind else client.waiting.popleft()
                await client.socket.send_bytes(message)
                self._sent += 1

    def _catch_up(self, client: _Client) -> bytes:
        client.behind = False
        for topic in [topic for name in client.topics if (topic := self._topics.get(name)) is not None]:
            snapshot = self._ask(topic, topic.snapshot)
            client.waiting.append(snapshot or orjson.dumps({"topic": topic.name, "refused": "failed"}))
        return client.waiting.popleft() if client.waiting else b"{}"

    def _close_all(self) -> None:
        for client in self._clients:
            closing = asyncio.ensure_future(client.socket.close(GOING_AWAY))
            closing.add_done_callback(lambda done: done.cancelled() or done.exception())


def _name_of(key: Hashable) -> str:
    return blake2b(repr(key).encode(), digest_size=9).hexdigest()


async def _close(socket: WebSocket, code: int) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):  # it has gone already
        await socket.close(code)


def _complaint(client: _Client, text: str) -> tuple[int, str] | None:
    """Why a client has to go, if it has to."""
    if len(text) > MAX_REQUEST_BYTES:
        return TOO_BIG, f"a request has at most {MAX_REQUEST_BYTES} characters"
    now_s = time.monotonic()
    client.asked.append(now_s)
    if len(client.asked) > MAX_REQUESTS_PER_S and now_s - client.asked[0] < 1.0:
        return POLICY, f"at most {MAX_REQUESTS_PER_S} requests a second"
    return None


def _seconds(told: object) -> list[float]:
    """The durations among what a browser told in ms; it may tell anything."""
    values = told[:MAX_PAINTED] if isinstance(told, list) else []
    return [ms / 1e3 for ms in values if isinstance(ms, int | float) and not isinstance(ms, bool) and 0 <= ms < MAX_MS]


def _parse(text: str) -> Mapping[str, Any] | None:
    try:
        request = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return request if isinstance(request, dict) else None
