"""Rows of the table of blocks: how ticks become rows, rows become ticks, and what tells that a row was altered.

The sqlite3 module gives up the interpreter lock at every row it yields, and beside a busy Python thread each return
may cost a switch interval. So many blocks come out as one row of text.
"""

import sqlite3
import struct
import zlib
from collections.abc import Sequence
from typing import Final, NamedTuple

from alphastream.errors import DamagedBlockError
from alphastream.tape.blocks import decode, encode
from alphastream.tape.columns import TickColumns

BLOCK_TICKS: Final = 10_000  # in one row at most
_BLOCKS_A_PAGE: Final = 200
_KEYS: Final = struct.Struct("<6q")
_HEAD: Final = struct.Struct("<6qI")  # of a body: its keys and checksum once more, to find it by where keys are lost

# Keys lie apart from bodies, so that looking for a time reads little, and needs no second index that could be wrong.
TABLES: Final = """
CREATE TABLE blocks(
    instrument_id INTEGER NOT NULL, first_id INTEGER NOT NULL, last_id INTEGER NOT NULL, first_ns INTEGER NOT NULL,
    last_ns INTEGER NOT NULL, ticks INTEGER NOT NULL, checksum INTEGER NOT NULL, body_id INTEGER NOT NULL,
    PRIMARY KEY(instrument_id, first_id)) WITHOUT ROWID;
CREATE TABLE bodies(id INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE damaged_blocks(instrument_id, first_id, last_id, first_ns, last_ns, ticks, checksum, body_id, body);
"""
_BODY: Final = f"hex(substr(body, {_HEAD.size + 1}))"
_FIELDS: Final = (
    "body_id", "instrument_id", "first_id", "last_id", "first_ns", "last_ns", "ticks", "checksum", _BODY,
)  # fmt: skip
_LINE: Final = " || ',' || "  # puts fields together to a line of text
_LINES: Final = f"SELECT group_concat({_LINE.join(_FIELDS)}, char(10)) FROM ({{}})"
_BODIES: Final = "SELECT * FROM blocks JOIN bodies ON id = body_id WHERE instrument_id = ? AND body_id IN ({})"


class Keys(NamedTuple):
    """What is known of a block without its body; the times are the least and the largest of its ticks."""

    body_id: int
    first_id: int
    last_id: int
    first_ns: int
    last_ns: int
    ticks: int


class StoredBlock(NamedTuple):
    """A row of the table of blocks."""

    instrument: int
    first_id: int
    last_id: int
    first_ns: int
    last_ns: int
    ticks: int
    checksum: int
    body_id: int


def insert(connection: sqlite3.Connection, instrument: int, ticks: TickColumns) -> None:
    """Write ticks of ascending ids as blocks of at most BLOCK_TICKS."""
    for start in range(0, len(ticks), BLOCK_TICKS):
        part = ticks.rows(slice(start, start + BLOCK_TICKS))
        times = part.time_ns
        keys = (instrument, int(part.id[0]), int(part.id[-1]), int(times.min()), int(times.max()), len(part))
        body = encode(part)
        put(connection, StoredBlock(*keys, _checksum(*keys, body=body), 0), body)


def put(connection: sqlite3.Connection, block: StoredBlock, body: bytes) -> None:
    """Write a block; it gets a body of its own."""
    *keys, _ = block
    stored = _HEAD.pack(*keys) + body
    body_id = connection.execute("INSERT INTO bodies(body) VALUES (?)", (stored,)).lastrowid
    connection.execute("INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*keys, body_id))


def parsed(body_id: int, stored: bytes) -> tuple[StoredBlock | None, bytes]:
    """What a row of the table of bodies says of its block, None where that is too short, and the encoded ticks."""
    head, body = stored[: _HEAD.size], stored[_HEAD.size :]
    if len(head) < _HEAD.size:
        return None, body
    instrument, first_id, last_id, first_ns, last_ns, ticks, checksum = _HEAD.unpack(head)
    return StoredBlock(instrument, first_id, last_id, first_ns, last_ns, ticks, checksum, body_id), body


def decoded(block: StoredBlock, body: bytes) -> TickColumns:
    """Return the ticks of a block; DamagedBlockError where it is not what was written."""
    try:
        fits = block.checksum == _checksum(*block[:6], body=body)
    except struct.error:
        fits = False
    if not fits:
        raise DamagedBlockError(f"the checksum of ids {block.first_id} to {block.last_id} does not fit")
    return decode(body)


def keys_of(
    connection: sqlite3.Connection, instrument: int, condition: str = "true", *values: int, most: int = -1
) -> list[Keys]:
    """Keys of the blocks that meet a condition of SQL, by ascending first id; at most ``most``, -1 for all.

    Raises
    ------
    sqlite3.DatabaseError : a key is not what was written.
    """
    (text,) = connection.execute(
        f"SELECT group_concat({_LINE.join(Keys._fields)}, char(10)) FROM "
        f"(SELECT * FROM blocks WHERE instrument_id = ? AND {condition} ORDER BY first_id LIMIT ?)",
        (instrument, *values, most),
    ).fetchone()
    try:
        return [Keys(*map(int, line.split(","))) for line in (text or "").splitlines()]
    except (TypeError, ValueError) as error:
        raise sqlite3.DatabaseError(f"a key of a block is not a number: {error}") from error


def ticks_about(blocks: Sequence[Keys], start_ns: int, end_ns: int) -> int:
    """Count the ticks of a time without reading blocks: one that reaches beyond counts by its share of the time."""
    count = 0.0
    for block in blocks:
        within_ns = min(block.last_ns, end_ns - 1) - max(block.first_ns, start_ns) + 1
        count += block.ticks * max(within_ns, 0) / (block.last_ns - block.first_ns + 1)
    return round(count)


def read(
    connection: sqlite3.Connection, instrument: int, blocks: Sequence[Keys]
) -> tuple[list[TickColumns], list[int]]:
    """Return the ticks of blocks, and which bodies are not what was written."""
    parts: list[TickColumns] = []
    wanted = [block.body_id for block in blocks]
    sound: set[int] = set()
    for start in range(0, len(wanted), _BLOCKS_A_PAGE):
        query = _BODIES.format(",".join(map(str, wanted[start : start + _BLOCKS_A_PAGE])))
        (text,) = connection.execute(_LINES.format(query), (instrument,)).fetchone()
        for line in (text or "").splitlines():
            try:
                body_id, ticks = _ticks(line)
            except (DamagedBlockError, ValueError):
                continue
            parts.append(ticks)
            sound.add(body_id)
    return parts, [body_id for body_id in wanted if body_id not in sound]


def set_aside(connection: sqlite3.Connection, instrument: int, body_ids: Sequence[int]) -> None:
    """Move damaged blocks to a table of their own, where nothing reads them as ticks."""
    connection.execute(
        "INSERT INTO damaged_blocks SELECT blocks.*, body FROM blocks LEFT JOIN bodies ON id = body_id "
        f"WHERE instrument_id = ? AND body_id IN ({','.join(map(str, body_ids))})",
        (instrument,),
    )
    delete(connection, instrument, body_ids)


def delete(connection: sqlite3.Connection, instrument: int, body_ids: Sequence[int]) -> None:
    """Delete blocks."""
    wanted = ",".join(map(str, body_ids))
    connection.execute(f"DELETE FROM blocks WHERE instrument_id = ? AND body_id IN ({wanted})", (instrument,))
    connection.execute(f"DELETE FROM bodies WHERE id IN ({wanted})")


def _ticks(line: str) -> tuple[int, TickColumns]:
    *numbers, body_hex = line.split(",")
    body_id, instrument, first_id, last_id, first_ns, last_ns, ticks, checksum = map(int, numbers)
    block = StoredBlock(instrument, first_id, last_id, first_ns, last_ns, ticks, checksum, body_id)
    return body_id, decoded(block, bytes.fromhex(body_hex))


def _checksum(*numbers: int, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(_KEYS.pack(*numbers)))
