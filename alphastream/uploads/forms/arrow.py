"""Parquet and Arrow files (Feather): typed columns, read as the text that says them exactly.

Text keeps one way of reading for all forms: times are spelled in ISO with their zone, numbers with the digits that
tell them from their neighbours (9.74 in 32 bits is "9.74"). What is nested is left out.
"""

import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from alphastream.errors import UploadError
from alphastream.uploads.cells import Decimal
from alphastream.uploads.containers import Part
from alphastream.uploads.forms.stored import FILE, OLD_FEATHER, PARQUET, STREAM, Arrow, Parquet, Stored
from alphastream.uploads.forms.table import SAMPLE_CELLS, SAMPLE_ROWS, Batch, Unit, refuse_many_columns
from alphastream.uploads.notes import Notes

_INDEX: Final = re.compile(r"__index_level_\d+__")  # how pandas calls an index without a name
_CELL_LENGTH: Final = 1_000  # characters; no time, price or symbol is longer, and a longer text is cut
_UNSPOKEN: Final = (pa.types.is_fixed_size_binary, pa.types.is_duration, pa.types.is_interval)  # have no text


class ArrowTable:
    """A Parquet file, or an Arrow file or stream. Its rows have no lines: they are numbered from 1."""

    bare = False
    unit: Unit = "row"
    header_line: None = None
    first_line = 1
    symbol: None = None
    likely_decimal: Decimal = "."

    def __init__(self, part: Part) -> None:
        self.part = part
        with part.open() as stream:
            beginning = stream.read(len(STREAM))
        with _readable(part.file):
            self._data: Stored = Parquet(part) if beginning == PARQUET else Arrow(part, beginning == STREAM)
            schema = self._data.schema
            names = schema.names  # damaged ones are no text
        fields = [field for field in schema if _is_cell(field.type)]
        refuse_many_columns(part.file, len(fields), None)
        self._left_out = [field.name for field in schema if not _is_cell(field.type)]
        if len(set(names)) < len(names):
            raise UploadError("several columns have one name: give each its own", file=part.file)
        self._stored = {_name(field, names): field.name for field in fields}
        self.columns = tuple(self._stored)
        self.rows = self._first_rows()
        if not self.rows:
            raise UploadError("no rows: rows of time and price are needed", file=part.file)

    def batches(self, columns: Sequence[str], notes: Notes) -> Iterator[Batch]:
        """See ``Table.batches``."""
        if self._left_out:
            shown = ", ".join(map(repr, self._left_out[:5])) + (", ..." if len(self._left_out) > 5 else "")
            notes.say(f"columns that hold no single values left out: {shown}")
        yield from self._texts(columns, None)

    def line_of(self, row: int) -> int:
        """The 1-based number of the row."""
        return row + 1

    def _first_rows(self) -> list[list[str]]:
        if not self.columns:
            return []
        most = max(1, min(SAMPLE_ROWS, SAMPLE_CELLS // len(self.columns)))
        rows: list[list[str]] = []
        with closing(self._texts(self.columns, most)) as batches:
            for batch in batches:
                rows += map(list, zip(*(cells.to_pylist() for cells in batch.values()), strict=True))
                if len(rows) >= most:
                    break
        return rows[:most]

    def _texts(self, columns: Sequence[str], most: int | None) -> Generator[Batch, None, None]:
        """Batches as text, of the first rows of each alone where ``most`` says how many."""
        with _readable(self.part.file), closing(self._data.batches([self._stored[name] for name in columns])) as stored:
            for batch in stored:
                some = batch if most is None else batch.slice(0, most)
                yield {name: _as_text(some.column(self._stored[name])) for name in columns}


def is_arrow(file: str, beginning: bytes) -> bool:
    """Whether a file begins as Parquet or Arrow do.

    Raises
    ------
    UploadError
        It is a Feather file of the first version, which has a form of its own.
    """
    if beginning.startswith(OLD_FEATHER):
        raise UploadError("this is a Feather file of version 1: write it again as version 2, or as Parquet", file=file)
    return beginning.startswith((PARQUET, FILE, STREAM))


@contextmanager
def _readable(file: str) -> Iterator[None]:
    """Turn whatever damaged bytes make Arrow raise into the one error a page shows."""
    try:
        yield
    except UploadError:
        raise
    except (pa.ArrowException, OSError, EOFError, OverflowError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())[:120]
        raise UploadError(f"the file is cut off or damaged ({reason}): write it again", file=file) from error


def _is_cell(kind: Any) -> bool:
    """Whether a type holds one value a row that text can say."""
    if pa.types.is_dictionary(kind):
        return _is_cell(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType) or pa.types.is_run_end_encoded(kind):
        return False
    return not pa.types.is_nested(kind) and not any(is_kind(kind) for is_kind in _UNSPOKEN)


def _name(field: Any, names: Sequence[str]) -> str:
    if not _INDEX.fullmatch(field.name):
        return str(field.name)
    name = "time" if pa.types.is_temporal(field.type) else "index"
    return str(field.name) if name in names else name


def _as_text(column: Any) -> Any:
    """A column as text, "" where it has nothing."""
    kind = column.type
    if pa.types.is_dictionary(kind):  # a long text that stands in many rows is cut before it is repeated
        return pc.fill_null(pc.take(_as_text(column.dictionary), column.indices), "")
    try:
        text = pc.cast(column, pa.string())
    except pa.ArrowInvalid:
        if not pa.types.is_timestamp(kind):
            raise
        text = pc.cast(pc.cast(column, pa.timestamp("ns", "UTC")), pa.string())  # no time zones on this machine
    if (pc.max(pc.binary_length(text)).as_py() or 0) > _CELL_LENGTH:
        text = pc.utf8_slice_codeunits(text, 0, _CELL_LENGTH)
    return pc.fill_null(text, "")
