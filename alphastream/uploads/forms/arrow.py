"""Parquet and Arrow files (Feather): typed columns, read as the text that says them exactly.

Text keeps one way of reading for all forms: times are spelled in ISO with their zone, numbers with the digits that
tell them from their neighbours (9.74 in 32 bits is "9.74"). What is nested is left out.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc
import pyarrow.parquet as pq

from alphastream.errors import UploadError
from alphastream.uploads.cells import Decimal
from alphastream.uploads.containers import Part, most_unpacked, readable_size
from alphastream.uploads.forms.table import SAMPLE_ROWS, Batch, refuse_many_columns
from alphastream.uploads.notes import Notes

_BATCH_ROWS: Final = 2**16
_PARQUET: Final = b"PAR1"
_FILE: Final = b"ARROW1"
_STREAM: Final = b"\xff\xff\xff\xff"
MAGIC: Final = (_PARQUET, _FILE, _STREAM)
_INDEX: Final = re.compile(r"__index_level_\d+__")  # how pandas calls an index without a name


class ArrowTable:
    """A Parquet file, or an Arrow file or stream. Its rows have no lines: they are numbered from 1."""

    bare = False
    header_line: None = None
    first_line = 1
    symbol: None = None
    likely_decimal: Decimal = "."

    def __init__(self, part: Part) -> None:
        self.part = part
        with part.open() as stream, _readable(part.file):
            self._data = pa.py_buffer(stream.read())
        with _readable(part.file):
            schema = self._schema()
        fields = [field for field in schema if not pa.types.is_nested(field.type)]
        refuse_many_columns(part.file, len(fields), 1)
        self._stored = {_name(field): field.name for field in fields}
        if len(self._stored) < len(fields) or len(set(schema.names)) < len(schema):
            raise UploadError("several columns have one name: give each its own", file=part.file)
        self.columns = tuple(self._stored)
        head = next(self.batches(self.columns, Notes()), {})
        self.rows = [list(row) for row in zip(*(head[name][:SAMPLE_ROWS].to_pylist() for name in head), strict=True)]
        if not self.rows:
            raise UploadError("no rows: rows of time and price are needed", file=part.file)

    def batches(self, columns: Sequence[str], notes: Notes) -> Iterator[Batch]:
        """See ``Table.batches``."""
        with _readable(self.part.file):
            for batch in self._stored_batches([self._stored[name] for name in columns]):
                yield {name: _as_text(batch.column(self._stored[name])) for name in columns}

    def line_of(self, row: int) -> int:
        """The 1-based number of the row."""
        return row + 1

    def _schema(self) -> Any:
        if bytes(self._data[:4]) == _PARQUET:
            file = pq.ParquetFile(pa.BufferReader(self._data))
            groups = (file.metadata.row_group(at) for at in range(file.metadata.num_row_groups))
            size, most = sum(group.total_byte_size for group in groups), most_unpacked(self._data.size, self.part.most)
            if size > most:
                raise UploadError(
                    f"it unpacks to {readable_size(size)}, at most {readable_size(most)} are read: upload fewer days",
                    file=self.part.file,
                )
            return file.schema_arrow
        return self._arrow().schema

    def _arrow(self) -> Any:
        opened = pyarrow.ipc.open_stream if bytes(self._data[:4]) == _STREAM else pyarrow.ipc.open_file
        return opened(pa.BufferReader(self._data))

    def _stored_batches(self, names: Sequence[str]) -> Iterator[Any]:
        if bytes(self._data[:4]) == _PARQUET:
            file = pq.ParquetFile(pa.BufferReader(self._data))
            yield from file.iter_batches(_BATCH_ROWS, columns=list(names))
            return
        reader = self._arrow()
        if isinstance(reader, pyarrow.ipc.RecordBatchStreamReader):
            yield from reader
            return
        for at in range(reader.num_record_batches):
            yield reader.get_batch(at)


def is_arrow(beginning: bytes) -> bool:
    """Whether a file begins as Parquet or Arrow do."""
    return beginning.startswith(MAGIC)


@contextmanager
def _readable(file: str) -> Iterator[None]:
    """Turn whatever damaged bytes make Arrow raise into the one error a page shows."""
    try:
        yield
    except (pa.ArrowException, OSError, EOFError, OverflowError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise UploadError(f"the file is cut off or damaged ({reason}): write it again", file=file) from error


def _name(field: Any) -> str:
    if not _INDEX.fullmatch(field.name):
        return str(field.name)
    return "time" if pa.types.is_temporal(field.type) else "index"


def _as_text(column: Any) -> Any:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
    try:
        text = pc.cast(column, pa.string())
    except pa.ArrowInvalid:
        if not pa.types.is_timestamp(kind):
            raise
        text = pc.cast(pc.cast(column, pa.timestamp("ns", "UTC")), pa.string())  # no time zones on this machine
    return pc.fill_null(text, "")
