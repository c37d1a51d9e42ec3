"""A bus over Kafka, or what speaks its protocol: a topic a source, a reader's place kept by the brokers."""

import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from alphastream.errors import BusError, ParameterError
from alphastream.sinks.addresses import name_of, places, token, without_credentials
from alphastream.sinks.batches import Batch, decode_all, encode

if TYPE_CHECKING:
    from confluent_kafka import Consumer, KafkaError, Message, Producer

log = logging.getLogger(__name__)

TOPICS: Final = "alphastream.ticks."
_TIMEOUT_S: Final = 10.0
_AT_ONCE: Final = 1_000


class KafkaBus:
    """Batches in Kafka topics, one a source, keyed by instrument so that those of one stay in order.

    The producer is idempotent and waits for all replicas in step: what it sends again by itself comes once. Where a
    topic does not exist the brokers make it as they are set up to, or refuse.

    Parameters
    ----------
    address : kafka://HOST:PORT, several separated by commas; with USER:PASSWORD@ by SASL over TLS.
    timeout_s : for an answer, and for room while too much is on its way.

    Raises
    ------
    BusError : the package confluent-kafka is not installed.
    ParameterError : the address is none.
    """

    def __init__(self, address: str, timeout_s: float = _TIMEOUT_S) -> None:
        try:
            import confluent_kafka
        except ImportError as error:
            raise BusError("Kafka needs the package confluent-kafka: pip install 'alphastream[kafka]'") from error
        self._kafka: Any = confluent_kafka
        servers = places(address, 9092)
        self.name = without_credentials(address)
        self._timeout_s = timeout_s
        self._configuration: dict[str, Any] = {
            "bootstrap.servers": ",".join(f"{place.host}:{place.port}" for place in servers),
            "client.id": "alphastream",
        }
        if (user := servers[0].user) is not None:
            if servers[0].password is None:
                raise ParameterError(f"{self.name}: a user needs a password, as in kafka://USER:PASSWORD@HOST:9092")
            self._configuration |= {
                "security.protocol": "SASL_SSL",
                "sasl.mechanisms": "PLAIN",
                "sasl.username": user,
                "sasl.password": servers[0].password,
            }
        self._producer: Producer | None = None
        self._trouble = ""
        self._closed = False

    def publish(self, batch: Batch) -> None:
        """Send a batch; see Sink."""
        message, topic = encode(batch), TOPICS + _topic(batch.source)
        producer, deadline = self._open(), time.monotonic() + self._timeout_s
        while True:
            try:
                producer.produce(topic, message, key=batch.instrument, on_delivery=self._delivered)
                producer.poll(0)
                return
            except BufferError:
                producer.poll(0.1)
            if time.monotonic() > deadline:
                self._give_up(producer)
                raise BusError(f"{self.name} takes nothing for {self._timeout_s:g} s{self._why()}")

    def flush(self, timeout_s: float) -> None:
        """Wait until the brokers have acknowledged all; see Sink."""
        producer = self._open()
        left = producer.flush(timeout_s)
        if left or self._trouble:
            why = self._why()
            self._give_up(producer)
            raise BusError(f"{self.name} has not acknowledged {left} messages after {timeout_s:g} s{why}")

    def sources(self) -> list[str]:
        """Tapes that are on it; see Bus."""
        try:
            topics = self._open().list_topics(timeout=self._timeout_s).topics
        except self._kafka.KafkaException as error:
            raise BusError(f"{self.name} cannot be reached: {error.args[0].str()}") from error
        return sorted(_source(name.removeprefix(TOPICS)) for name in topics if name.startswith(TOPICS))

    def instruments(self, source: str) -> list[str]:
        """Nothing: brokers do not know what is in a topic, instruments are found as they trade."""
        return []

    def subscribe(self, source: str, durable: str) -> "KafkaConsumer":
        """Read a tape; see Bus."""
        if self._closed:
            raise BusError(f"{self.name}: it was closed")
        return KafkaConsumer(self._kafka, self.name, self._configuration, TOPICS + _topic(source), durable)

    def close(self) -> None:
        """Let go; see Sink."""
        self._closed = True
        producer, self._producer = self._producer, None
        if producer is not None:
            self._give_up(producer)

    def _open(self) -> "Producer":
        if self._closed:
            raise BusError(f"{self.name}: it was closed")
        if self._producer is None:
            self._producer = self._kafka.Producer(
                self._configuration
                | {"enable.idempotence": True, "linger.ms": 5, "error_cb": self._note, "logger": log}
            )
        return self._producer

    def _give_up(self, producer: "Producer") -> None:
        """Forget what is on its way: it is published again. A producer that lost something may not go on either."""
        self._trouble, self._producer = "", None
        producer.purge()
        producer.flush(1.0)

    def _delivered(self, error: "KafkaError | None", _message: "Message") -> None:
        if error is not None:
            self._trouble = error.str()

    def _note(self, error: "KafkaError") -> None:
        log.info("bus=%s: %s", self.name, error.str())

    def _why(self) -> str:
        return f": {self._trouble}" if self._trouble else ""


class KafkaConsumer:
    """Reads one topic, all partitions of it, from the place that a group of its name has committed."""

    def __init__(self, kafka: Any, name: str, configuration: dict[str, Any], topic: str, durable: str) -> None:
        self._kafka, self._name, self._topic = kafka, name, topic
        self._places: dict[int, int] = {}  # by partition, the offset after the newest message received
        self._closed = False
        self.is_connected, self.damaged = True, 0
        own = {"group.id": durable, "enable.auto.commit": False, "auto.offset.reset": "earliest"}
        self._consumer: Consumer = kafka.Consumer(configuration | own | {"error_cb": self._note, "logger": log})
        try:
            partitions = self._consumer.list_topics(topic, timeout=_TIMEOUT_S).topics[topic]
            if partitions.error is not None:
                raise BusError(f"{name} has no topic {topic} yet: {partitions.error.str()}")
            every = [kafka.TopicPartition(topic, number) for number in partitions.partitions]
            found = self._consumer.committed(every, timeout=_TIMEOUT_S)
            for place in found:
                if place.offset < 0:
                    place.offset = kafka.OFFSET_BEGINNING
            # Without the group's protocol: it would wait for the session of a reader that was killed to end.
            self._consumer.assign(found)
        except kafka.KafkaException as error:
            self.close()
            raise BusError(f"{name} cannot be reached: {error.args[0].str()}") from error
        except BusError:
            self.close()
            raise

    def receive(self, timeout_s: float) -> Sequence[Batch]:
        """Return what has come since; see Consumer."""
        if self._closed:
            raise BusError("the consumer is closed")
        first = self._consumer.poll(timeout_s)
        messages = [] if first is None else [first, *self._consumer.consume(_AT_ONCE - 1, timeout=0)]
        bodies: list[bytes] = []
        for message in messages:
            if (error := message.error()) is not None:
                self._note(error)
                continue
            self.is_connected = True
            self._places[message.partition() or 0] = (message.offset() or 0) + 1
            bodies.append(message.value() or b"")
        batches, damaged = decode_all(bodies)
        self.damaged += damaged
        return batches

    def ack(self) -> None:
        """Say that all that was received is kept."""
        if not self._places:
            return
        places = [self._kafka.TopicPartition(self._topic, number, at) for number, at in self._places.items()]
        try:
            self._consumer.commit(offsets=places, asynchronous=False)
        except self._kafka.KafkaException as error:
            raise BusError(f"{self._name} does not take note of what was read: {error.args[0].str()}") from error
        self._places.clear()

    def close(self) -> None:
        """Let go; the place stays at the brokers."""
        if not self._closed:
            self._closed = True
            self._consumer.close()

    def _note(self, error: "KafkaError") -> None:
        if error.code() == self._kafka.KafkaError._ALL_BROKERS_DOWN:
            self.is_connected = False
        log.info("bus=%s: %s", self._name, error.str())


def _topic(source: str) -> str:
    """A source as part of a topic's name, which may hold letters, digits, ".", "_" and "-"."""
    return token(source).replace("_", "%5F").replace("%", "_")


def _source(topic: str) -> str:
    return name_of(topic.replace("_", "%"))
