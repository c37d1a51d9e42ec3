"""Trades as rows of PostgreSQL, or of TimescaleDB where that extension is."""

import struct
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from alphastream.errors import BusError, ParameterError
from alphastream.sinks.addresses import ENCODED, without_credentials
from alphastream.sinks.batches import Batch

if TYPE_CHECKING:
    from psycopg import Connection

_CONNECT_S: Final = 5
_LOCK: Final = 0x416C7068  # of who makes the table, so that several may begin at once
_MAKE: Final = """
CREATE SCHEMA IF NOT EXISTS alphastream;
CREATE TABLE IF NOT EXISTS alphastream.ticks(
    venue text NOT NULL, symbol text NOT NULL, id bigint NOT NULL, time timestamptz NOT NULL,
    price double precision NOT NULL, quantity double precision NOT NULL, buyer_is_maker boolean NOT NULL,
    time_ns bigint NOT NULL, receive_ns bigint NOT NULL, PRIMARY KEY(venue, symbol, id, time));
"""
_HYPERTABLE: Final = (
    "SELECT create_hypertable('alphastream.ticks', 'time', if_not_exists => true, migrate_data => true)"
)
_INCOMING: Final = "CREATE TEMP TABLE IF NOT EXISTS incoming(LIKE alphastream.ticks) ON COMMIT DELETE ROWS"
_KEEP: Final = "INSERT INTO alphastream.ticks SELECT * FROM incoming ON CONFLICT DO NOTHING"
_HEAD: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END: Final = b"\xff\xff"
_FIELDS: Final = 9
_EPOCH_US: Final = 946_684_800_000_000  # PostgreSQL counts from the year 2000


class PostgresTable:
    """The table ``alphastream.ticks``, made where it is not there.

    Columns: ``venue`` (with "@" and the host where trades came from another one), ``symbol``, ``id``, ``time`` (to the
    microsecond; ``time_ns`` has all), ``price``, ``quantity``, ``buyer_is_maker``, ``receive_ns``. The key is venue,
    symbol, id and time: a trade that comes again changes nothing.

    Parameters
    ----------
    address : postgresql://USER:PASSWORD@HOST:PORT/DATABASE.

    Raises
    ------
    BusError : the package psycopg is not installed.
    ParameterError : the address is none.
    """

    def __init__(self, address: str) -> None:
        try:
            import psycopg
            from psycopg.conninfo import conninfo_to_dict
        except ImportError as error:
            raise BusError("PostgreSQL needs the package psycopg: pip install 'alphastream[postgres]'") from error
        self._psycopg: Any = psycopg
        self._address = address
        self._connection: Connection[Any] | None = None
        self.name = without_credentials(address)
        try:
            found = conninfo_to_dict(address)
        except psycopg.Error:
            found = {"port": "none"}
        if "@" in str(found.get("host", "")) or not str(found.get("port", "5432")).replace(",", "").isdigit():
            raise ParameterError(f"{self.name!r} is no address: {ENCODED}")  # the client's own words quote passwords

    def write(self, batches: list[Batch]) -> None:
        """Keep the trades of these batches, all of them or none; see Table."""
        try:
            connection = self._connected()
            with connection.transaction(), connection.cursor() as cursor:
                cursor.execute(_INCOMING)
                with cursor.copy("COPY incoming FROM STDIN (FORMAT BINARY)") as copy:
                    copy.write(_HEAD)
                    for batch in batches:
                        copy.write(rows(batch).tobytes())
                    copy.write(_END)
                cursor.execute(_KEEP)
        except self._psycopg.Error as error:
            self.close()
            raise BusError(f"{self.name}: {' '.join(str(error).split())}") from None  # its trace may show the address

    def close(self) -> None:
        """Disconnect."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connected(self) -> "Connection[Any]":
        if self._connection is None or self._connection.closed:
            self._connection = self._psycopg.connect(
                self._address, autocommit=True, connect_timeout=_CONNECT_S, application_name="alphastream"
            )
            assert self._connection is not None
            with self._connection.transaction():
                self._connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
                self._connection.execute(_MAKE)
                if self._connection.execute("SELECT FROM pg_extension WHERE extname = 'timescaledb'").fetchone():
                    self._connection.execute(_HYPERTABLE)
        return self._connection


def rows(batch: Batch) -> npt.NDArray[np.void]:
    """Trades as rows of COPY in its binary format: for each field its length and its bytes, the highest first."""
    ticks = batch.ticks
    names = [name.encode() for name in (batch.source, batch.instrument.symbol)]
    prefix = struct.pack(">h", _FIELDS) + b"".join(struct.pack(">i", len(name)) + name for name in names)
    columns: list[tuple[str, str, npt.NDArray[Any]]] = [
        ("id", ">i8", ticks.id),
        ("time", ">i8", ticks.time_ns // 1_000 - _EPOCH_US),
        ("price", ">f8", ticks.price),
        ("quantity", ">f8", ticks.quantity),
        ("buyer_is_maker", "?", ticks.buyer_is_maker),
        ("time_ns", ">i8", ticks.time_ns),
        ("receive_ns", ">i8", ticks.receive_ns),
    ]
    fields = [("prefix", f"V{len(prefix)}")]
    for name, kind, _ in columns:
        fields += [(f"{name}_length", ">i4"), (name, kind)]
    found = np.empty(len(ticks), dtype=fields)
    found["prefix"] = np.void(prefix)
    for name, kind, values in columns:
        found[f"{name}_length"] = np.dtype(kind).itemsize
        found[name] = values
    return found
