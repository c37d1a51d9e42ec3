"""Parquet files, Arrow files and Arrow streams as record batches, bounded before anything is unpacked.

All three are packed in themselves: a few kilobytes may stand for gigabytes. What a file declares (its rows, and the
bytes of its columns) is refused where it is more than the part may give, and Arrow's batches are checked cell by cell
before anything computes with them, since Arrow trusts their offsets.
"""

import struct
from collections.abc import Generator, Sequence
from contextlib import closing
from functools import partial
from typing import Any, Final, Protocol

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from alphastream.errors import UploadError
from alphastream.uploads.containers import Part, readable_size
from alphastream.uploads.forms.parquet_pages import unpacked_size
from alphastream.uploads.memory import MEMORY

PARQUET: Final = b"PAR1"
FILE: Final = b"ARROW1"
STREAM: Final = b"\xff\xff\xff\xff"
OLD_FEATHER: Final = b"FEA1"
_VALUE_BYTES: Final = 8  # of a number; equal ones may take nothing in a file, and take this where they are read
_FILE_START: Final = 8  # bytes before an Arrow file goes on as a stream
_BUFFER_BYTES: Final = 2**20
_BATCH_CELLS: Final = 2**20
_MOST_ROWS: Final = 2**16
_RECORD_BATCH: Final = "record batch"


class Stored(Protocol):
    """Columns with types, read batch by batch."""

    @property
    def schema(self) -> Any:
        """Names and types, as a ``pyarrow.Schema``."""

    def batches(self, names: Sequence[str]) -> Generator[Any, None, None]:
        """Some columns of all rows, as ``pyarrow.RecordBatch`` of at most ``_MOST_ROWS`` rows."""


class Parquet:
    """A Parquet file: its end says what it holds."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._texts: list[str] = []
        with part.anywhere() as stream, closing(self._open(stream)) as file:
            metadata = file.metadata
            size = sum(metadata.row_group(at).total_byte_size for at in range(metadata.num_row_groups))
            _refuse_size(part, max(size, metadata.num_rows * _VALUE_BYTES))
            _refuse_size(part, unpacked_size(stream, metadata))
            self.schema = file.schema_arrow
            text = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
            # A long text that repeats is read once.
            self._texts = [field.name for field in self.schema if any(is_text(field.type) for is_text in text)]

    def batches(self, names: Sequence[str]) -> Generator[Any, None, None]:
        """See ``Stored.batches``."""
        with self._part.anywhere() as stream, closing(self._open(stream)) as file:
            for batch in file.iter_batches(_rows_at_once(len(names)), columns=list(names), use_threads=False):
                yield _checked(batch)

    def _open(self, stream: Any) -> pq.ParquetFile:
        source = pa.PythonFile(stream, "r")
        return pq.ParquetFile(source, read_dictionary=self._texts, buffer_size=_BUFFER_BYTES, pre_buffer=False)


class Arrow:
    """An Arrow file or stream; a file is a stream between two marks."""

    def __init__(self, part: Part, is_stream: bool) -> None:
        self._part = part
        self._start = 0 if is_stream else _FILE_START
        try:
            with part.open() as stream, closing(self._stream(stream)) as reader:
                self.schema = reader.schema
            self._sizes = self._unpacked_sizes()
        except MemoryError as error:  # nothing is unpacked yet: a damaged length asks for more than any file has
            raise pa.ArrowInvalid("a message is longer than the file") from error

    def batches(self, names: Sequence[str]) -> Generator[Any, None, None]:
        """See ``Stored.batches``."""
        rows = _rows_at_once(len(names))
        with (
            MEMORY.reading(self._part.file) as memory,
            self._part.open() as stream,
            closing(self._stream(stream)) as reader,
        ):
            for size in self._sizes:
                memory.resize(2 * size)
                batch = _checked(reader.read_next_batch().select(list(names)))
                for begin in range(0, batch.num_rows, rows):
                    yield batch.slice(begin, rows)

    def _stream(self, stream: Any) -> Any:
        stream.read(self._start)
        options = pyarrow.ipc.IpcReadOptions(use_threads=False)
        return pyarrow.ipc.open_stream(pa.PythonFile(stream, "r"), options=options)

    def _unpacked_sizes(self) -> list[int]:
        """Bytes that each batch unpacks to, with the dictionaries before it; known before they are unpacked."""
        sizes = [0]
        whole = 0
        with self._part.open() as stream:
            stream.read(self._start)
            reader = pyarrow.ipc.MessageReader.open_stream(pa.PythonFile(stream, "r"))
            for message in iter(partial(_next_message, reader), None):
                if message.type == "schema":
                    continue
                size = _unpacked_size(message)
                sizes[-1] += size
                whole += size
                _refuse_size(self._part, whole)
                if message.type == _RECORD_BATCH:
                    sizes.append(0)
        return sizes[:-1]


def _next_message(reader: Any) -> Any:
    try:
        return reader.read_next_message()
    except StopIteration:
        return None


def _checked(batch: Any) -> Any:
    """A batch whose every offset and text is sound."""
    batch.validate(full=True)
    return batch


def _rows_at_once(columns: int) -> int:
    return max(1, min(_MOST_ROWS, _BATCH_CELLS // max(1, columns)))


def _refuse_size(part: Part, size: int) -> None:
    if size > part.most_cells:
        raise UploadError(
            f"it unpacks to {readable_size(size)}, at most {readable_size(part.most_cells)} are read: upload fewer "
            "days, or fewer columns",
            file=part.file,
        )


# ---- an Arrow message's own description: a FlatBuffer -------------------------------------------------------------


def _unpacked_size(message: Any) -> int:
    """Bytes that the columns of a message take once they are unpacked.

    Source: Arrow's Message.fbs; a packed buffer begins with its unpacked length, -1 where it is not packed.
    """
    try:
        table = _Fields(message.metadata.to_pybytes())
        batch = table.child(2)
        if message.type != _RECORD_BATCH:
            batch = batch.child(1)
        rows = batch.number(0)
        buffers = batch.pairs(2)
        body = message.body
        if not batch.has(3):
            return max(sum(length for _, length in buffers), rows * _VALUE_BYTES)
        size = 0
        for offset, length in buffers:
            if length >= 8:
                (unpacked,) = struct.unpack("<q", body[offset : offset + 8].to_pybytes())
                size += length if unpacked < 0 else unpacked
    except (struct.error, IndexError, ValueError) as error:
        raise pa.ArrowInvalid("a message does not say what it holds") from error
    return max(size, rows * _VALUE_BYTES)


class _Fields:
    """A table of a FlatBuffer: numbered fields behind offsets."""

    def __init__(self, data: bytes, at: int | None = None) -> None:
        self._data = data
        self._at = self._unsigned(0) if at is None else at
        (back,) = struct.unpack_from("<i", data, self._at)
        self._index = self._at - back
        (self._length,) = struct.unpack_from("<H", data, self._index)

    def has(self, field: int) -> bool:
        """Whether the field is there."""
        return self._place(field) is not None

    def number(self, field: int) -> int:
        """A field of 64 bits; 0 where it is left out."""
        at = self._place(field)
        return 0 if at is None else int(struct.unpack_from("<q", self._data, at)[0])

    def child(self, field: int) -> "_Fields":
        """A field that is a table itself."""
        return _Fields(self._data, self._target(field))

    def pairs(self, field: int) -> list[tuple[int, int]]:
        """A field that is a list of two numbers of 64 bits each."""
        at = self._target(field)
        count = self._unsigned(at)
        return [
            (first, second) for first, second in struct.iter_unpack("<qq", self._data[at + 4 : at + 4 + 16 * count])
        ]

    def _place(self, field: int) -> int | None:
        slot = 4 + 2 * field
        if slot + 2 > self._length:
            return None
        (offset,) = struct.unpack_from("<H", self._data, self._index + slot)
        return self._at + offset if offset else None

    def _target(self, field: int) -> int:
        at = self._place(field)
        if at is None:
            raise ValueError(field)
        return at + self._unsigned(at)

    def _unsigned(self, at: int) -> int:
        return int(struct.unpack_from("<I", self._data, at)[0])
