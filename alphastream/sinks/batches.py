"""A batch of trades of one instrument as one message between processes: what it holds, and its bytes.

Small batches travel as plain columns, 41 bytes a trade: packing a hundred trades takes forty times as long as copying
them. From ``PACKED_FROM`` on they are packed as on disk (``alphastream.tape.blocks``), six to nine bytes a trade.
"""

import logging
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from alphastream.errors import BatchError, DamagedBlockError, NewerBatchError, ParameterError
from alphastream.instruments import InstrumentId
from alphastream.tape import blocks
from alphastream.tape.columns import TickColumns

log = logging.getLogger(__name__)

MOST_TICKS: Final = 1_000  # in one batch
PACKED_FROM: Final = 256  # ticks
_MAGIC: Final = b"ASTB"
_VERSION: Final = 1
_HEAD: Final = struct.Struct("<4sBI")  # magic, version, CRC-32 of all that follows
_FIELDS: Final = struct.Struct("<BHII")  # form, length of the names, epoch, ticks
_PLAIN, _PACKED = 0, 1
_COLUMN: Final = 8  # bytes of a number
_TICK: Final = 5 * _COLUMN + 1


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Trades of one instrument on their way from the process that received them.

    Parameters
    ----------
    instrument : what traded.
    ticks : at least one, at most ``MOST_TICKS``; in the order of arrival.
    host : where the trades came from, where that is not the venue's own address; else "".
    epoch : how many times the venue's ids have begun anew.
    """

    instrument: InstrumentId
    ticks: TickColumns
    host: str = ""
    epoch: int = 0

    @property
    def source(self) -> str:
        """The tape it belongs to: a venue, and its host after "@" where that is not the venue's own."""
        return f"{self.instrument.venue}@{self.host}" if self.host else self.instrument.venue

    @property
    def message_id(self) -> str:
        """The same for the same trades however often they are sent, another one for others.

        Two recorders that each lack another trade of a run name the same first and last id and count: hence the CRC-32
        of all ids.
        """
        first, last, checksum = self.ticks.id[0], self.ticks.id[-1], zlib.crc32(self.ticks.id.tobytes())
        return f"{self.source}:{self.instrument.symbol}:{self.epoch}:{first}-{last}:{checksum:08x}"


def split(instrument: InstrumentId, ticks: TickColumns, host: str = "", epoch: int = 0) -> Iterator[Batch]:
    """Cut trades of an instrument into batches of at most ``MOST_TICKS``."""
    for start in range(0, len(ticks), MOST_TICKS):
        yield Batch(instrument, ticks.rows(slice(start, start + MOST_TICKS)), host, epoch)


def encode(batch: Batch) -> bytes:
    """Return the bytes of a batch.

    Raises
    ------
    ParameterError : it has no tick, or more than ``MOST_TICKS``.
    """
    ticks, count = batch.ticks, len(batch.ticks)
    if not 1 <= count <= MOST_TICKS:
        raise ParameterError(f"a batch of {count} ticks: it takes 1 to {MOST_TICKS}, see alphastream.sinks.split")
    names = f"{batch.host}\0{batch.instrument}".encode()
    if count >= PACKED_FROM:
        form, body = _PACKED, blocks.encode(ticks)
    else:
        form, body = _PLAIN, b"".join([column.tobytes() for column in ticks.arrays()])
    rest = _FIELDS.pack(form, len(names), batch.epoch, count) + names + body
    return _HEAD.pack(_MAGIC, _VERSION, zlib.crc32(rest)) + rest


def decode(message: bytes) -> Batch:
    """Return the batch of these bytes.

    Raises
    ------
    NewerBatchError : they are a batch of a newer program.
    BatchError : they are no batch, or one that was damaged on its way.
    """
    try:
        magic, version, checksum = _HEAD.unpack_from(message)
        if magic != _MAGIC:
            raise BatchError(f"{len(message)} bytes that are no batch of trades")
        if version > _VERSION:
            raise NewerBatchError(f"a batch of format {version}, this program knows {_VERSION}: update it")
        rest = memoryview(message)[_HEAD.size :]
        if version != _VERSION or zlib.crc32(rest) != checksum:
            raise BatchError(f"a batch of {len(message)} bytes whose checksum is not that of its content")
        form, names_length, epoch, count = _FIELDS.unpack_from(rest)
        names, body = rest[_FIELDS.size :][:names_length], rest[_FIELDS.size + names_length :]
        host, _, instrument = bytes(names).decode().partition("\0")
        ticks = _plain(body, count) if form == _PLAIN else blocks.decode(bytes(body))
        return Batch(InstrumentId.parse(instrument), ticks, host, epoch)
    except (struct.error, UnicodeDecodeError, ParameterError, DamagedBlockError) as error:
        raise BatchError(f"a batch of {len(message)} bytes that cannot be read: {error}") from error


def decode_all(messages: Iterable[bytes]) -> tuple[list[Batch], int]:
    """Return the batches of messages, and how many were none.

    Raises
    ------
    NewerBatchError : one is of a newer program. None may be acknowledged then: they are read once this one is updated.
    """
    batches, damaged = [], 0
    for message in messages:
        try:
            batches.append(decode(message))
        except NewerBatchError:
            raise
        except BatchError as error:
            damaged += 1
            log.debug("a message is left out: %s", error)
    return batches, damaged


def _plain(body: memoryview, count: int) -> TickColumns:
    if not count or len(body) != count * _TICK:
        raise BatchError(f"a batch that names {count} ticks and has {len(body)} bytes of them")
    whole = np.frombuffer(body, np.int64, 5 * count).reshape(5, count)
    sides = np.frombuffer(body, np.bool_, count, 5 * _COLUMN * count)
    return TickColumns(whole[0], whole[1].view(np.float64), whole[2].view(np.float64), whole[3], whole[4], sides)
