"""A bus over NATS JetStream: a stream in files of the server, or of three, that publishers and readers reach by TCP."""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, TypeVar

from alphastream.errors import BusError
from alphastream.instruments import InstrumentId
from alphastream.sinks.addresses import name_of, places, token, without_credentials
from alphastream.sinks.batches import Batch, encode
from alphastream.sinks.loop_thread import LoopThread

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

    from alphastream.sinks.nats_consumer import NatsConsumer

log = logging.getLogger(__name__)

STREAM: Final = "alphastream-ticks"
SUBJECTS: Final = "alphastream.ticks"
KEPT_S: Final = 7 * 86_400.0  # a message stays in a stream that we make
DUPLICATES_S: Final = 600.0  # a message sent again within this time is dropped by the server
REPLICAS: Final = 3  # where the address names as many servers
MOST_UNACKNOWLEDGED: Final = 1_024  # messages on their way
_WAKE_AT: Final = MOST_UNACKNOWLEDGED * 3 // 4
_ACK_WAIT_S: Final = 2.0  # for the server's word before a message is sent again
_LOOK_S: Final = 0.25
_TIMEOUT_S: Final = 10.0
_CONNECT_S: Final = 3.0

T = TypeVar("T")


class NatsBus:
    """Batches in a JetStream stream. Made without a connection: the first use connects, and from then on it is kept.

    A message is safe once the server has acknowledged it; until then it is kept here and sent again. The server drops
    what comes twice within ``DUPLICATES_S``. The stream ``alphastream-ticks`` is used as it is, or made: in files, for
    a week, on three servers where the address names three.

    Parameters
    ----------
    address : nats://USER:PASSWORD@HOST:PORT, tls:// for an encrypted connection; of a cluster several, separated by
        commas.
    timeout_s : for an answer, and for room while too many messages are on their way.

    Raises
    ------
    BusError : the package nats-py is not installed.
    ParameterError : the address is none.
    """

    def __init__(self, address: str, timeout_s: float = _TIMEOUT_S) -> None:
        try:
            import nats  # noqa: F401 (looked for before a thread is started)
        except ImportError as error:
            raise BusError("NATS needs the package nats-py: pip install 'alphastream[bus]'") from error
        self._places = places(address, 4222)
        self.name = without_credentials(address)
        self._timeout_s = timeout_s
        self._client: Client | None = None
        self._connecting = threading.Lock()
        self._room = threading.Condition()
        self._is_waited_for = False
        self._number = 0
        self._inbox = ""
        self._unacknowledged: dict[int, list[Any]] = {}  # by number: subject, message, id, when it was sent
        self._outbox: deque[int] = deque()
        self._sending = self._closed = False
        self._watching: asyncio.Future[None] | None = None
        self._task: asyncio.Future[None] | None = None
        self._trouble = ""
        self._on_reconnect: list[Callable[[], None]] = []
        self._loop = LoopThread("alphastream-bus")

    @property
    def is_connected(self) -> bool:
        """Whether a server answers now."""
        return self._client is not None and self._client.is_connected

    def publish(self, batch: Batch) -> None:
        """Send a batch; see Sink. It may be sent again by itself until ``flush`` has returned or raised."""
        message, message_id = encode(batch), batch.message_id
        subject = f"{SUBJECTS}.{token(batch.source)}.{token(batch.instrument.symbol)}"
        self._connected()
        if len(self._unacknowledged) >= MOST_UNACKNOWLEDGED:
            self._wait_until(_WAKE_AT, self._timeout_s)
        self._number += 1
        self._unacknowledged[self._number] = [subject, message, message_id, 0.0]
        self._outbox.append(self._number)
        if not self._sending:
            self._sending = True
            self._loop.call(self._send_soon)

    def flush(self, timeout_s: float) -> None:
        """Wait until the server has acknowledged all; see Sink."""
        self._wait_until(0, timeout_s)

    def _wait_until(self, most: int, timeout_s: float) -> None:
        """Wait until so few messages are on their way. After a BusError none is: they have to be published again."""
        with self._room:
            self._is_waited_for = True
            done = self._room.wait_for(lambda: self._closed or len(self._unacknowledged) <= most, timeout_s)
            self._is_waited_for = False
        if self._closed:
            raise BusError(f"{self.name}: it was closed")
        if not done:
            left = len(self._unacknowledged)
            self._outbox.clear()
            self._unacknowledged.clear()
            raise BusError(f"{self.name} has not acknowledged {left} messages after {timeout_s:g} s{self._why()}")

    def _why(self) -> str:
        why = self._trouble or ("" if self.is_connected else "no server answers")
        return f": {why}" if why else ""

    def sources(self) -> list[str]:
        """Tapes that are on it; see Bus."""
        return list(dict.fromkeys(source for source, _ in self._named()))

    def instruments(self, source: str) -> list[str]:
        """Full names of a tape's instruments; see Bus."""
        venue = source.partition("@")[0]
        return sorted(InstrumentId(venue, symbol) for each, symbol in self._named() if each == source)

    def _named(self) -> list[tuple[str, str]]:
        """Source and symbol of every subject of the stream."""

        async def ask(_: "Client", stream: "JetStreamContext") -> list[str]:
            info = await stream.stream_info(STREAM, subjects_filter=f"{SUBJECTS}.>")
            return sorted(info.state.subjects or {})

        parts = [subject.split(".")[-2:] for subject in self.ask(ask)]
        return [(name_of(source), name_of(symbol)) for source, symbol in parts]

    def subscribe(self, source: str, durable: str) -> "NatsConsumer":
        """Read a tape; see Bus."""
        from alphastream.sinks.nats_consumer import NatsConsumer

        consumer = NatsConsumer(self, f"{SUBJECTS}.{token(source)}.>", durable)
        consumer.open()
        self._on_reconnect.append(consumer.begin_anew)
        return consumer

    def forget(self, consumer: "NatsConsumer") -> None:
        """Tell a consumer no more that the connection is a new one."""
        self._on_reconnect = [each for each in self._on_reconnect if each != consumer.begin_anew]

    def close(self) -> None:
        """Disconnect, also while a connection is being made; see Sink."""
        was_closed, self._closed = self._closed, True
        with self._room:
            self._room.notify_all()
        if was_closed:
            return
        if self._client is not None:
            try:
                self._loop.run(self._client.close(), self._timeout_s, self.name)
            except Exception as error:  # noqa: BLE001 (it is let go whatever the server says)
                log.debug("bus=%s was not closed in order: %s", self.name, _in_words(error))
        self._loop.close()

    def ask(self, question: "Callable[[Client, JetStreamContext], Coroutine[Any, Any, T]]") -> T:
        """Ask the server on the loop's thread. Raises BusError where it does not answer, or refuses."""
        return self._ask(self._connected(), question)

    def _ask(self, client: "Client", question: "Callable[[Client, JetStreamContext], Coroutine[Any, Any, T]]") -> T:
        from nats.errors import Error

        try:
            stream = client.jetstream(timeout=self._timeout_s / 2)
            return self._loop.run(question(client, stream), self._timeout_s, self.name)
        except (TimeoutError, Error, OSError) as error:
            raise BusError(f"{self.name}: {_in_words(error)}") from error

    def call(self, work: "Callable[[Client], Coroutine[Any, Any, object]]") -> None:
        """Have something done on the loop's thread soon; what it raises is logged."""
        client = self._client

        async def logged() -> None:
            try:
                if client is not None:
                    await work(client)
            except Exception as error:  # noqa: BLE001 (a lost connection: what matters is done again after it)
                log.debug("bus=%s: %s", self.name, _in_words(error))

        self._loop.call(lambda: asyncio.ensure_future(logged()))

    def _connected(self) -> "Client":
        """The connection, made by the first who asks."""
        if self._client is not None and not self._closed:
            return self._client
        with self._connecting:
            if self._closed:
                raise BusError(f"{self.name}: it was closed")
            if self._client is None:
                self._connect()
            assert self._client is not None
            return self._client

    def _connect(self) -> None:
        from nats.aio.client import Client
        from nats.errors import Error

        client, first = Client(), self._places[0]

        async def connect() -> None:
            try:
                await client.connect(
                    [f"{place.scheme}://{place.host}:{place.port}" for place in self._places],
                    user=first.user if first.password is not None else None,
                    password=first.password,
                    token=first.user if first.password is None else None,
                    name="alphastream",
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=1,
                    connect_timeout=1,
                    error_cb=self._note,
                    reconnected_cb=self._reconnected,
                )
            except BaseException:
                await client.close()
                raise

        async def listen() -> None:
            self._inbox = client.new_inbox()
            await client.subscribe(f"{self._inbox}.*", cb=self._acknowledged, pending_msgs_limit=-1)
            self._watching = asyncio.ensure_future(self._watch())

        try:
            self._loop.run(connect(), min(_CONNECT_S, self._timeout_s), f"{self.name} cannot be reached")
            self._ask(client, _ensure_stream(len(self._places)))
            self._loop.run(listen(), self._timeout_s, self.name)
        except (TimeoutError, Error, OSError) as error:
            raise BusError(f"{self.name} cannot be reached: {_in_words(error)}{self._why()}") from error
        except BusError as error:
            self._loop.call(lambda: asyncio.ensure_future(client.close()))
            raise BusError(f"{error}{f' ({self._trouble})' if self._trouble else ''}") from error
        self._client, self._trouble = client, ""

    async def _note(self, error: Exception) -> None:
        words = _in_words(error)
        if words != self._trouble:
            log.info("bus=%s: %s", self.name, words)
        self._trouble = words

    async def _reconnected(self) -> None:
        log.info("bus=%s is connected again", self.name)
        self._trouble = ""
        self._send_again(0.0)
        for tell in self._on_reconnect:
            tell()

    def _send_soon(self) -> None:
        self._task = asyncio.ensure_future(self._send())

    async def _send(self) -> None:
        """Hand everything that waits to the connection."""
        assert self._client is not None
        publish, now_s = self._client.publish, time.monotonic()
        while True:
            try:
                while self._outbox:
                    number = self._outbox.popleft()
                    if (waiting := self._unacknowledged.get(number)) is not None:
                        waiting[3] = now_s
                        await publish(
                            waiting[0], waiting[1], f"{self._inbox}.{number}", headers={"Nats-Msg-Id": waiting[2]}
                        )
            except Exception as error:  # noqa: BLE001 (it stays unacknowledged, so it is sent again)
                self._trouble = _in_words(error)
            self._sending = False
            if not self._outbox or self._closed:  # looked at after the flag: who adds then calls again
                return
            self._sending = True
            await asyncio.sleep(0.01)

    async def _acknowledged(self, answer: "Msg") -> None:
        """Take the server's word for a message: it has it, or it cannot take it now."""
        if b'"error"' in answer.data or not answer.data:
            self._trouble = answer.data.decode(errors="replace") or "no stream takes the messages"
            return
        self._unacknowledged.pop(int(answer.subject.rpartition(".")[2]), None)
        if self._is_waited_for and len(self._unacknowledged) <= _WAKE_AT:
            with self._room:
                self._room.notify_all()

    async def _watch(self) -> None:
        """Send again what has not been acknowledged for too long."""
        while not self._closed:
            await asyncio.sleep(_LOOK_S)
            if self._unacknowledged and self.is_connected:
                self._send_again(_ACK_WAIT_S)

    def _send_again(self, older_s: float) -> None:
        limit_s, waiting = time.monotonic() - older_s, set(self._outbox)
        # list() copies in one step, so a thread that publishes meanwhile does no harm.
        again = [
            number
            for number, (*_, sent_s) in list(self._unacknowledged.items())
            if sent_s <= limit_s and number not in waiting
        ]
        if again:
            self._outbox.extend(again)
            if not self._sending:
                self._sending = True
                self._send_soon()


def _ensure_stream(servers: int) -> "Callable[[Client, JetStreamContext], Coroutine[Any, Any, None]]":
    """Make the stream, where there is none."""

    async def ensure(_: "Client", stream: "JetStreamContext") -> None:
        from nats.errors import Error
        from nats.js.api import DiscardPolicy, StorageType, StreamConfig
        from nats.js.errors import NotFoundError

        wanted = StreamConfig(
            name=STREAM,
            subjects=[f"{SUBJECTS}.>"],
            storage=StorageType.FILE,
            discard=DiscardPolicy.OLD,
            max_age=KEPT_S,
            duplicate_window=DUPLICATES_S,
            num_replicas=REPLICAS if servers >= REPLICAS else 1,
        )
        while True:  # a cluster takes a moment until it has a leader; the caller's time ends this
            try:
                try:
                    await stream.stream_info(STREAM)
                except NotFoundError:
                    await stream.add_stream(wanted)
                return
            except Error as error:
                log.debug("stream=%s: %s", STREAM, _in_words(error))
                last = error
            await asyncio.sleep(_LOOK_S)
            if getattr(last, "code", 503) not in (503, None):
                raise last

    return ensure


def _in_words(error: BaseException) -> str:
    """What an error of the client says; never an address, which may hold credentials."""
    return without_credentials(str(error)) or type(error).__name__
