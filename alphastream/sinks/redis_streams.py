"""A bus over Redis streams, where the server keeps a log of what it is told: without one a kill loses messages."""

import time
from collections.abc import Sequence
from typing import Any, Final

from alphastream.errors import BusError
from alphastream.sinks.addresses import name_of, places, token, without_credentials
from alphastream.sinks.batches import Batch, decode_all, encode

_KEYS: Final = "alphastream:ticks:"
_SOURCES: Final = "alphastream:sources"
_INSTRUMENTS: Final = "alphastream:instruments:"
KEPT_MS: Final = 7 * 86_400_000  # a message stays about so long
_AT_ONCE: Final = 256  # messages in one request
_TIMEOUT_S: Final = 10.0
_READER: Final = "reader"  # of a group there is one
_BODY: Final = b"batch"


class RedisBus:
    """Batches in Redis streams, one a source; a reader is a group.

    A server that keeps no log (``appendonly no``, the default) has lost 28 % of the messages of a test after a kill, so
    it is refused. One with ``appendfsync everysec``, its default, answers before it has written where the disk is busy:
    it may lose two seconds in a power cut or a kill. ``always`` loses nothing.

    Parameters
    ----------
    address : redis://USER:PASSWORD@HOST:PORT, rediss:// for an encrypted connection.

    Raises
    ------
    BusError : the package redis is not installed.
    ParameterError : the address is none.
    """

    def __init__(self, address: str) -> None:
        try:
            import redis
        except ImportError as error:
            raise BusError("Redis needs the package redis: pip install 'alphastream[redis]'") from error
        (place, *_) = places(address, 6379)
        self.name = without_credentials(address)
        self._redis: Any = redis
        self._server: Any = redis.Redis(
            host=place.host,
            port=place.port,
            username=place.user or None,
            password=place.password,
            ssl=place.scheme == "rediss",
            protocol=2,  # its answers have one form in all versions of the package
            socket_timeout=_TIMEOUT_S,
            socket_connect_timeout=_TIMEOUT_S / 2,
        )
        self._waiting: list[Batch] = []
        self._is_checked = self._closed = False

    def publish(self, batch: Batch) -> None:
        """Send a batch; see Sink."""
        self._require()
        self._waiting.append(batch)
        if len(self._waiting) >= _AT_ONCE:
            self._send()

    def flush(self, timeout_s: float) -> None:
        """Send what was taken; see Sink. The server answers once it has written its log."""
        self._require()
        self._send()

    def sources(self) -> list[str]:
        """Tapes that are on it; see Bus."""
        self._require()
        return sorted(name_of(each.decode()) for each in self.ask("smembers", _SOURCES))

    def instruments(self, source: str) -> list[str]:
        """Full names of a tape's instruments; see Bus."""
        self._require()
        return sorted(each.decode() for each in self.ask("smembers", _INSTRUMENTS + token(source)))

    def subscribe(self, source: str, durable: str) -> "RedisConsumer":
        """Read a tape; see Bus."""
        self._require()
        key = _KEYS + token(source)
        try:
            self._server.xgroup_create(key, durable, id="0", mkstream=True)
        except self._redis.RedisError as error:
            if not str(error).startswith("BUSYGROUP"):  # that is: it has been here before
                raise BusError(f"{self.name}: {error}") from error
        return RedisConsumer(self, key, durable)

    def close(self) -> None:
        """Disconnect; see Sink."""
        if not self._closed:
            self._closed = True
            self._server.close()

    def ask(self, command: str, *arguments: Any, **options: Any) -> Any:
        """Ask the server. Raises BusError where it does not answer, or refuses."""
        if self._closed:
            raise BusError(f"{self.name}: it was closed")
        try:
            return getattr(self._server, command)(*arguments, **options)
        except (self._redis.RedisError, OSError) as error:
            raise BusError(f"{self.name}: {error}") from error

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        oldest = f"{time.time_ns() // 1_000_000 - KEPT_MS}"
        try:
            with self._server.pipeline(transaction=False) as request:
                for batch in waiting:
                    source = token(batch.source)
                    request.xadd(_KEYS + source, {_BODY: encode(batch)}, minid=oldest)
                for source, instrument in {(token(each.source), each.instrument) for each in waiting}:
                    request.sadd(_SOURCES, source)
                    request.sadd(_INSTRUMENTS + source, str(instrument))
                request.execute()
        except (self._redis.RedisError, OSError) as error:
            raise BusError(f"{self.name}: {error}") from error

    def _require(self) -> None:
        """Look whether the server keeps a log, once; whether this is open, always."""
        if self._is_checked and not self._closed:
            return
        found = self.ask("config_get", "appendonly").get("appendonly")
        if found != "yes":
            said = f"appendonly is {found}" if found else "it does not say whether appendonly is on"
            raise BusError(
                f"{self.name} keeps no log of what it is told ({said}): a kill would lose trades. Set appendonly yes "
                "in redis.conf, or use nats://"
            )
        self._is_checked = True


class RedisConsumer:
    """Reads one stream, first what a reader of this name was given and has not acknowledged."""

    is_connected = True  # where the server does not answer, receive says so

    def __init__(self, bus: RedisBus, key: str, durable: str) -> None:
        self._bus, self._key, self._durable = bus, key, durable
        self._again_from = "0"  # among what was given before; "" once that is through
        self._given: list[bytes] = []
        self._closed = False
        self.damaged = 0

    def receive(self, timeout_s: float) -> Sequence[Batch]:
        """Return what has come since; see Consumer."""
        if self._closed:
            raise BusError("the consumer is closed")
        wanted, block_ms = self._again_from or ">", max(1, int(timeout_s * 1_000))
        found = self._bus.ask("xreadgroup", self._durable, _READER, {self._key: wanted}, count=_AT_ONCE, block=block_ms)
        messages = _messages(found)
        if self._again_from:
            self._again_from = messages[-1][0].decode() if messages else ""
        self._given += [number for number, _ in messages]
        batches, damaged = decode_all(body for _, body in messages)
        self.damaged += damaged
        return batches

    def ack(self) -> None:
        """Say that all that was received is kept."""
        given, self._given = self._given, []
        if given:
            self._bus.ask("xack", self._key, self._durable, *given)

    def close(self) -> None:
        """Let go; the place stays at the server."""
        self._closed = True


def _messages(answer: Any) -> list[tuple[bytes, bytes]]:
    """Number and body of the messages in an answer; a message that the server has dropped since has none."""
    return [(number, (fields or {}).get(_BODY, b"")) for _, entries in answer or () for number, fields in entries]
