"""Rows of a file as Arrow batches of text, a few megabytes at a time, and the line a row stands on."""

import codecs
import io
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from operator import attrgetter
from typing import Any, BinaryIO, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from alphastream.errors import UploadError
from alphastream.uploads.containers import Part
from alphastream.uploads.layout import Layout, cells_of, count_lines, json_cell, json_cells, not_utf8, undecodable

BLOCK_BYTES: Final = 2**23
_JSON_LINES: Final = 50_000

Batch = dict[str, Any]


def batches(part: Part, layout: Layout, columns: Sequence[str]) -> Iterator[Batch]:
    """Some columns of all rows, as string arrays by column name.

    Raises
    ------
    UploadError
        A line has another number of cells than the others, or is not UTF-8, or the archive ends too early.
    """
    with part.open() as stream:
        if layout.form == "ndjson":
            yield from _json_batches(stream, layout, columns)
            return
        try:
            yield from _csv_batches(stream, layout, columns)
        except pa.ArrowInvalid as error:
            reason = str(error)
        else:
            return
    raise _uneven_line(part, layout) or UploadError(f"no table: {reason}", file=part.file)


def line_of(part: Part, layout: Layout, row: int) -> int:
    """The 1-based line of a 0-based row, as an editor would count."""
    return next(islice(_numbered(part, layout), row, None))[0]


def _csv_batches(stream: BinaryIO, layout: Layout, columns: Sequence[str]) -> Iterator[Batch]:
    at = {column: str(layout.columns.index(column)) for column in columns}
    reader = pyarrow.csv.open_csv(
        pa.PythonFile(_utf8(stream, layout.encoding, layout.file), mode="r"),
        read_options=pyarrow.csv.ReadOptions(
            block_size=BLOCK_BYTES,
            skip_rows=layout.first_line - 1,
            column_names=[str(index) for index in range(len(layout.columns))],
        ),
        parse_options=pyarrow.csv.ParseOptions(delimiter=layout.delimiter),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(at.values(), pa.string()), include_columns=list(at.values())
        ),
    )
    for batch in reader:
        yield {column: batch.column(name) for column, name in at.items()}


def _json_batches(stream: BinaryIO, layout: Layout, columns: Sequence[str]) -> Iterator[Batch]:
    fields = {f"cell_{at}": column for at, column in enumerate(columns)}
    row_type = msgspec.defstruct("Row", [(name, msgspec.Raw, msgspec.Raw(b"null")) for name in fields], rename=fields)
    decoder = msgspec.json.Decoder(row_type)
    numbered = enumerate(_utf8(stream, layout.encoding, layout.file), start=1)
    filled = ((number, line.removeprefix(BOM_UTF8)) for number, line in numbered if line.strip(BOM_UTF8 + b" \t\r\n"))
    while some := list(islice(filled, _JSON_LINES)):
        try:
            rows = decoder.decode_lines(b"".join(line for _, line in some))
            batch = {column: _json_column(map(attrgetter(name), rows)) for name, column in fields.items()}
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, pa.ArrowInvalid) as error:
            for number, line in some:  # one of them is to blame, and says so
                json_cells(layout.file, number, line)
            lines = f"no JSON objects ({error}) in lines {some[0][0]} to {some[-1][0]}"
            raise UploadError(f"{lines}: one object a line is needed", file=layout.file) from error
        yield batch


def _json_column(values: Iterable[msgspec.Raw]) -> Any:
    """JSON values as text cells; what has no escapes only loses its quotation marks."""
    raw = pa.array(list(map(bytes, values)), pa.binary()).cast(pa.string())
    if pc.any(pc.match_substring(raw, "\\")).as_py():
        return pa.array([json_cell(value.encode()) for value in raw.to_pylist()], pa.string())
    return pc.if_else(pc.equal(raw, "null"), "", pc.utf8_trim(raw, '"'))


def _utf8(stream: BinaryIO, encoding: str, file: str) -> BinaryIO:
    return io.BufferedReader(_Recoded(stream, file)) if encoding == "utf-16" else stream


class _Recoded(io.RawIOBase):
    """UTF-16 read as UTF-8; half a character raises UploadError."""

    def __init__(self, stream: BinaryIO, file: str) -> None:
        self._stream = stream
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-16")()
        self._lines = 0
        self._last = ""
        self._rest = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._rest and not self._ended:
            some = self._stream.read(2**16)
            self._ended = not some
            try:
                text = self._decoder.decode(some, final=self._ended)
            except UnicodeDecodeError as error:
                raise undecodable(self._file, error, self._lines) from None
            self._lines += count_lines(text) - (self._last + text[:1] == "\r\n")
            self._last = text[-1:]
            self._rest = text.encode()
        chunk, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(chunk)] = chunk
        return len(chunk)


def _numbered(part: Part, layout: Layout) -> Iterator[tuple[int, str]]:
    """Lines of rows with their numbers; empty ones are no rows."""
    with part.open() as stream:
        # What is no UTF-16 was refused where it was read; only bytes that are no UTF-8 are still looked for.
        errors = "replace" if layout.encoding == "utf-16" else "surrogateescape"
        text = io.TextIOWrapper(stream, layout.encoding, errors, newline=None)
        for number, line in enumerate(text, start=1):
            line = line.rstrip("\n")
            if number >= layout.first_line and (line.strip() if layout.form == "ndjson" else line):
                yield number, line


def _uneven_line(part: Part, layout: Layout) -> UploadError | None:
    """The error for the first line with too few or too many cells, or with a byte that is no UTF-8."""
    needed = len(layout.columns)
    for number, line in _numbered(part, layout):
        broken = next((char for char in line if "\udc80" <= char <= "\udcff"), None)
        if broken is not None:
            return not_utf8(part.file, number, ord(broken) - 0xDC00)
        seen = len(cells_of(part.file, number, line, layout.delimiter))
        if seen != needed:
            shown = line if len(line) <= 60 else line[:57] + "..."
            advice = "complete the line or delete it" if seen < needed else "quote cells that hold the separator"
            return UploadError(f"{seen} of {needed} cells ({shown!r}): {advice}", file=part.file, line=number)
    return None
