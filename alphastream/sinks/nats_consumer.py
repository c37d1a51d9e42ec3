"""A reader of a JetStream stream: a durable pull consumer, read ahead and acknowledged in steps."""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from alphastream.errors import BusError
from alphastream.sinks.batches import Batch, decode_all
from alphastream.sinks.nats_jetstream import STREAM, NatsBus

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription
    from nats.js import JetStreamContext

log = logging.getLogger(__name__)

AHEAD: Final = 512  # messages asked for at once
_PULL_S: Final = 5.0  # after which the server forgets what was asked for
_ACK_WAIT_S: Final = 30.0  # after which the server gives a message again
_MOST_PENDING: Final = 20_000  # messages given and not acknowledged
_AGAIN_S: Final = 0.5  # between two tries to begin anew


class NatsConsumer:
    """Reads one source of a NatsBus, in the order of the stream.

    What was given and not acknowledged comes again at once when a reader of the same name begins, and when the
    connection is a new one: the server's consumer is then made again, from the place acknowledged last.

    Parameters
    ----------
    bus : where it is.
    subjects : of the source.
    durable : the reader's name.
    """

    def __init__(self, bus: NatsBus, subjects: str, durable: str) -> None:
        self._bus, self._subjects, self._durable = bus, subjects, durable
        self._subscription: Subscription | None = None
        self._inbox = ""
        self._news = threading.Condition()
        self._received: deque[tuple[bytes, str]] = deque()
        self._asked = 0  # messages that the server still owes
        self._asked_s = 0.0
        self._last = ""  # where the newest message handed out is acknowledged
        self._is_over = self._closed = False
        self._trouble = ""
        self.damaged = 0

    @property
    def is_connected(self) -> bool:
        """Whether a server answers now."""
        return self._bus.is_connected

    def open(self) -> None:
        """Begin after what was acknowledged last. Raises BusError."""
        self._bus.ask(self._open)

    def begin_anew(self) -> None:
        """Begin again before the next is received: what was under way may be lost."""
        with self._news:
            self._is_over = True
            self._news.notify_all()

    def receive(self, timeout_s: float) -> Sequence[Batch]:
        """Return what has come since; see Consumer."""
        deadline = time.monotonic() + timeout_s
        with self._news:
            self._news.wait_for(lambda: self._received or self._is_over or self._closed, min(timeout_s, _PULL_S))
            if self._closed:
                raise BusError("the consumer is closed")
            is_over, messages = self._is_over, [self._received.popleft() for _ in range(len(self._received))]
        if is_over:
            self._try_open(deadline)
            return []
        if self._asked <= AHEAD // 2 or time.monotonic() - self._asked_s > _PULL_S:
            self._bus.call(self._pull)
        if messages:
            self._last = messages[-1][1]
        batches, damaged = decode_all(message for message, _ in messages)
        self.damaged += damaged
        return batches

    def ack(self) -> None:
        """Say that all that was received is kept."""
        last, self._last = self._last, ""
        if last:
            self._bus.call(lambda client: client.publish(last, b"+ACK"))

    def close(self) -> None:
        """Let go; the place stays at the server."""
        with self._news:
            was_closed, self._closed = self._closed, True
            self._news.notify_all()
        if not was_closed:
            self._bus.forget(self)
            self._bus.call(self._leave)

    def _try_open(self, deadline: float) -> None:
        """Begin anew, or wait where that cannot be now."""
        self._last = ""
        try:
            if self._bus.is_connected:
                self._bus.ask(self._open)
                self._trouble = ""
                return
        except BusError as error:
            if str(error) != self._trouble:
                log.info("durable=%s cannot be read now: %s", self._durable, error)
            self._trouble = str(error)
        time.sleep(max(0.0, min(_AGAIN_S, deadline - time.monotonic())))

    async def _open(self, client: "Client", stream: "JetStreamContext") -> None:
        from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
        from nats.js.errors import NotFoundError

        await self._leave(client)
        floor = 0
        try:
            found = await stream.consumer_info(STREAM, self._durable)
            acknowledged = found.ack_floor.stream_seq if found.ack_floor is not None else 0
            floor = max(acknowledged, (found.config.opt_start_seq or 1) - 1)
            await stream.delete_consumer(STREAM, self._durable)
        except NotFoundError:
            log.info("durable=%s begins with the oldest message of %s", self._durable, self._subjects)
        inbox = client.new_inbox()
        with self._news:
            self._received.clear()
            self._asked, self._inbox, self._is_over = 0, inbox, False
        self._subscription = await client.subscribe(inbox, cb=self._came, pending_msgs_limit=-1)
        await stream.add_consumer(
            STREAM,
            ConsumerConfig(
                durable_name=self._durable,
                deliver_policy=DeliverPolicy.BY_START_SEQUENCE if floor else DeliverPolicy.ALL,
                opt_start_seq=floor + 1 if floor else None,
                ack_policy=AckPolicy.ALL,
                ack_wait=_ACK_WAIT_S,
                max_ack_pending=_MOST_PENDING,
                filter_subject=self._subjects,
            ),
        )
        await self._pull(client)

    async def _pull(self, client: "Client") -> None:
        """Ask for the next messages, unless enough are still to come."""
        now_s = time.monotonic()
        if now_s - self._asked_s > _PULL_S:
            self._asked = 0  # the server has forgotten, or is another one
        if self._asked > AHEAD // 2 or len(self._received) > 2 * AHEAD or not self._inbox:
            return
        self._asked, self._asked_s = self._asked + AHEAD, now_s
        wanted = f'{{"batch":{AHEAD},"expires":{int(_PULL_S * 1e9)}}}'
        await client.publish(f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{self._durable}", wanted.encode(), self._inbox)

    async def _came(self, message: "Msg") -> None:
        """Take a message, or the server's word that a request is over."""
        if message.headers is not None and (status := message.headers.get("Status")):
            self._asked = max(0, self._asked - int(message.headers.get("Nats-Pending-Messages", AHEAD)))
            if status in ("404", "408", "100"):
                return
            self._trouble = f"{status} {message.headers.get('Description', '')}".strip()
            log.info("durable=%s: %s", self._durable, self._trouble)
            await asyncio.sleep(_AGAIN_S)
            self.begin_anew()
            return
        self._asked -= 1
        self._received.append((message.data, message.reply))
        if len(self._received) == 1:
            with self._news:
                self._news.notify()

    async def _leave(self, _client: "Client") -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            await subscription.unsubscribe()
