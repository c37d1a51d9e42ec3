"""The format of a file of sampled books, quotes, mark prices and funding: its tables, and blocks that prove themselves.

Keys lie apart from bodies, as in the file of ticks, and there is no second index that could contradict the first. A
body repeats its key, to be known where keys are lost. Rates of funding are text, which gives back the same float.
"""

import sqlite3
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from alphastream.books import BookColumns, MarkColumns, QuoteColumns
from alphastream.books.blocks import Columns, decode, encode
from alphastream.errors import DamagedBlockError, StorageError
from alphastream.feeds.market import FundingPayment
from alphastream.history.layout import partition_of
from alphastream.instruments import InstrumentId
from alphastream.tape_files import schema, sealed_rows
from alphastream.tape_files.instrument_rows import digest
from alphastream.tape_files.sealed_rows import SealedFile

C = TypeVar("C", bound=Columns)

VERSION: Final = 1
SEALED_VERSION: Final = 2  # the same, and older samples are in files of a history
APPLICATION_ID: Final = 0x414C504D  # "ALPM"
KINDS: Final[dict[type[Any], str]] = {BookColumns: "books", QuoteColumns: "quotes", MarkColumns: "marks"}
_LENGTH: Final = struct.Struct("<H")  # of the key that a body repeats
_AT_ONCE: Final = 100  # blocks of one read
SQL: Final = f"""
BEGIN;
CREATE TABLE origin(venue TEXT NOT NULL, host TEXT NOT NULL);
CREATE TABLE blocks(
    kind TEXT NOT NULL, instrument TEXT NOT NULL, id INTEGER NOT NULL, first_ns INTEGER NOT NULL,
    last_ns INTEGER NOT NULL, samples INTEGER NOT NULL, checksum INTEGER NOT NULL,
    PRIMARY KEY(kind, instrument, id)) WITHOUT ROWID;
CREATE TABLE bodies(id INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE damaged_blocks(kind, instrument, id, first_ns, last_ns, samples, checksum, body);
CREATE TABLE funding(
    instrument TEXT NOT NULL, time_ns INTEGER NOT NULL, rate TEXT NOT NULL, mark TEXT NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY(instrument, time_ns)) WITHOUT ROWID;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
COMMIT;
"""


class Block(NamedTuple):
    """The key of a block; times are the least and the largest of the venue in it."""

    kind: str
    instrument: str
    id: int
    first_ns: int
    last_ns: int
    samples: int
    checksum: int


def prepare(connection: sqlite3.Connection, path: Path, origin: schema.Origin | None) -> None:
    """Make the tables of a new file, or see that this program knows the file. Raises StorageError."""
    if not schema.is_empty(connection):
        verify(connection, path)
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise StorageError(f"{path} cannot use write-ahead logging here: name a file on a local disk")
    connection.execute("PRAGMA synchronous = NORMAL")
    if schema.is_empty(connection):
        connection.executescript(SQL)
    if origin is not None:
        schema.claim(connection, path, origin)


def verify(connection: sqlite3.Connection, path: Path) -> None:
    """Raise StorageError unless this program knows the file's schema."""
    owner = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if owner != APPLICATION_ID:
        raise StorageError(f"{path} is an SQLite file of another kind, not a store of books: name another file")
    if version not in (VERSION, SEALED_VERSION):
        raise StorageError(
            f"{path} has schema version {version}, this program knows {VERSION} and {SEALED_VERSION}: "
            "use the newer program that wrote it, or name another file"
        )


def put(connection: sqlite3.Connection, instrument: str, number: int, columns: Columns) -> None:
    """Write a block, or write it anew with more in it."""
    times, body = columns.time_ns, encode(columns)
    keys = (KINDS[type(columns)], str(instrument), number, int(times.min()), int(times.max()), len(columns))
    block = Block(*keys, _checksum(*keys, body=body))
    connection.execute("INSERT OR REPLACE INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?)", block)
    head = msgspec.json.encode(block)
    connection.execute("INSERT OR REPLACE INTO bodies VALUES (?, ?)", (number, _LENGTH.pack(len(head)) + head + body))


def proved(number: int, stored: bytes) -> tuple[Block, Columns] | None:
    """Return the key that a body repeats, and its columns; None where they are not what was written."""
    try:
        head, body = _split(stored)
        block = msgspec.json.decode(head, type=Block)
        columns = _decoded(block, body, next(kind for kind, name in KINDS.items() if name == block.kind))
    except (DamagedBlockError, msgspec.MsgspecError, ValueError, StopIteration):
        return None
    return (block, columns) if block.id == number and block.samples == len(columns) else None


def next_number(connection: sqlite3.Connection) -> int:
    """Return a number that no block has, nor had one that was sealed."""
    (last,) = connection.execute("SELECT max(id) FROM bodies").fetchone()
    return max(last or 0, *(each.ends[1] for each in sealed_rows.load(connection)), 0) + 1


def newest(connection: sqlite3.Connection) -> dict[tuple[type[Columns], str], int]:
    """Return the newest time of each kind and instrument."""
    found: dict[tuple[type[Columns], str], int] = {}
    for kind, name in KINDS.items():
        for block in keys(connection, "kind = ?", name):
            if isinstance(block.last_ns, int):
                found[kind, block.instrument] = max(found.get((kind, block.instrument), 0), block.last_ns)
    for each in sealed_rows.load(connection):
        kind, instrument = of_sealed(each)
        found[kind, instrument] = max(found.get((kind, instrument), 0), each.last_ns)
    return found


def series_number(kind: str, instrument: str) -> int:
    """Return the number by which sealed files of a kind and an instrument are known."""
    return digest(kind, instrument)


def series(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Return every kind and instrument of which the file holds rows, payments among them, sorted."""
    query = "SELECT DISTINCT kind, instrument FROM blocks UNION SELECT DISTINCT 'funding', instrument FROM funding"
    return sorted((str(kind), str(name)) for kind, name in connection.execute(query))


def of_sealed(sealed: SealedFile) -> tuple[type[Columns], str]:
    """Return kind and instrument of a sealed file; sqlite3.DatabaseError where its name is of neither."""
    found = partition_of(sealed.file)
    kind = next((kind for kind, name in KINDS.items() if found is not None and name == found.kind), None)
    if found is None or kind is None:
        raise sqlite3.DatabaseError(f"what is known of a sealed file was altered: {sealed.file}")
    return kind, f"{found.venue.partition('@')[0]}:{found.symbol}"


def make_room_for_sealed(connection: sqlite3.Connection) -> None:
    """Add the tables of sealed files, within a transaction. Programs that do not know them refuse the file then."""
    if not sealed_rows.exist(connection):
        for statement in sealed_rows.TABLES:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SEALED_VERSION}")


def keys(connection: sqlite3.Connection, condition: str = "true", *values: object) -> list[Block]:
    """Keys of the blocks that meet a condition of SQL, in the order they were written."""
    query = (
        "SELECT CAST(kind AS BLOB), CAST(instrument AS BLOB), id, first_ns, last_ns, samples, checksum FROM blocks "
        f"WHERE {condition} ORDER BY id"
    )
    rows = connection.execute(query, values)  # a name that was altered may be no text
    return [Block(str(kind, "utf-8", "replace"), str(name, "utf-8", "replace"), *rest) for kind, name, *rest in rows]


def read(connection: sqlite3.Connection, blocks: Sequence[Block], kind: type[C]) -> tuple[list[C], list[Block]]:
    """Return what blocks hold, and those that are not what was written."""
    parts: list[C] = []
    damaged: list[Block] = []
    for start in range(0, len(blocks), _AT_ONCE):
        wanted = blocks[start : start + _AT_ONCE]
        numbers = ",".join(str(block.id) for block in wanted if isinstance(block.id, int))
        bodies = dict(connection.execute(f"SELECT id, CAST(body AS BLOB) FROM bodies WHERE id IN ({numbers})"))
        for block in wanted:
            try:
                parts.append(_decoded(block, _split(bodies.get(block.id, b""))[1], kind))
            except DamagedBlockError:
                damaged.append(block)
    return parts, damaged


def set_aside(connection: sqlite3.Connection, blocks: Sequence[Block]) -> None:
    """Move damaged blocks to a table of their own, where nothing reads them."""
    for block in blocks:
        connection.execute(
            "INSERT INTO damaged_blocks SELECT ?, ?, ?, ?, ?, ?, ?, (SELECT body FROM bodies WHERE id = ?)",
            (*block, block.id),
        )
    delete(connection, blocks)


def delete(connection: sqlite3.Connection, blocks: Sequence[Block]) -> None:
    """Delete blocks."""
    wanted = ",".join(str(block.id) for block in blocks if isinstance(block.id, int))
    connection.execute(f"DELETE FROM blocks WHERE id IN ({wanted})")
    connection.execute(f"DELETE FROM bodies WHERE id IN ({wanted})")


def put_funding(connection: sqlite3.Connection, payments: Sequence[FundingPayment]) -> None:
    """Write payments; one that is there already is written anew."""
    rows = [(str(each.instrument), each.time_ns, repr(each.rate), repr(each.mark)) for each in payments]
    connection.executemany(
        "INSERT OR REPLACE INTO funding VALUES (?, ?, ?, ?, ?)", [(*row, _checksum(*row)) for row in rows]
    )


def funding(connection: sqlite3.Connection, condition: str, *values: object) -> tuple[FundingPayment, ...]:
    """Payments that meet a condition of SQL, by time; those that are not what was written are left out."""
    rows = connection.execute(f"SELECT * FROM funding WHERE {condition} ORDER BY time_ns", values)
    return tuple(payment for row in rows if (payment := payment_of(row)) is not None)


def payment_of(row: Sequence[object]) -> FundingPayment | None:
    """Return the payment of a row; None where it is not what was written."""
    *key, known = row
    if known != _checksum(*key):
        return None
    name, time_ns, rate, mark = key
    return FundingPayment(InstrumentId.parse(str(name)), int(str(time_ns)), float(str(rate)), float(str(mark)))


def _split(stored: object) -> tuple[bytes, bytes]:
    """The key that a body repeats, as it is written, and the block."""
    if not isinstance(stored, bytes) or len(stored) < _LENGTH.size:
        raise DamagedBlockError("a body that is none")
    (length,) = _LENGTH.unpack_from(stored)
    return stored[_LENGTH.size : _LENGTH.size + length], stored[_LENGTH.size + length :]


def _decoded(block: Block, body: bytes, kind: type[C]) -> C:
    if block.checksum != _checksum(*block[:-1], body=body):
        raise DamagedBlockError(f"the checksum of block {block.id} does not fit")
    return decode(body, kind)


def _checksum(*key: object, body: bytes = b"") -> int:
    return zlib.crc32(body, zlib.crc32(repr(key).encode()))
