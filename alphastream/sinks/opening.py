"""From an address to what it names."""

from collections.abc import Callable
from typing import Final, TypeVar

from alphastream.errors import ParameterError
from alphastream.sinks.addresses import without_credentials
from alphastream.sinks.protocols import Bus, Sink

T = TypeVar("T")


def _nats(address: str) -> Bus:
    from alphastream.sinks.nats_jetstream import NatsBus

    return NatsBus(address)


def _kafka(address: str) -> Bus:
    from alphastream.sinks.kafka import KafkaBus

    return KafkaBus(address)


def _redis(address: str) -> Bus:
    from alphastream.sinks.redis_streams import RedisBus

    return RedisBus(address)


def _postgres(address: str) -> Sink:
    from alphastream.sinks.postgres import PostgresTable
    from alphastream.sinks.rows import RowSink

    return RowSink(PostgresTable(address))


def _questdb(address: str) -> Sink:
    from alphastream.sinks.questdb import QuestTable
    from alphastream.sinks.rows import RowSink

    return RowSink(QuestTable(address))


BUSES: Final[dict[str, Callable[[str], Bus]]] = {
    "nats": _nats,
    "tls": _nats,
    "kafka": _kafka,
    "redis": _redis,
    "rediss": _redis,
}
SINKS: Final[dict[str, Callable[[str], Sink]]] = {
    **BUSES,
    "postgresql": _postgres,
    "questdb": _questdb,
}


def open_bus(address: str) -> Bus:
    """Return the bus of an address; nothing is connected before it is used.

    Raises
    ------
    ParameterError : no bus has such an address.
    BusError : its client package is not installed.
    """
    return _kind(BUSES, address)(address)


def open_sink(address: str) -> Sink:
    """Return the sink of an address, a bus or a database; raises as ``open_bus``."""
    return _kind(SINKS, address)(address)


def _kind(kinds: dict[str, T], address: str) -> T:
    scheme = address.strip().partition("://")[0]
    if scheme not in kinds:
        wanted = ", ".join(f"{each}://" for each in kinds)
        raise ParameterError(f"{without_credentials(address)!r}: needs an address that begins with one of {wanted}")
    return kinds[scheme]
