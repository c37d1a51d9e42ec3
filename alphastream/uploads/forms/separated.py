"""Values separated by commas, semicolons, tabs or bars, with or without a header."""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.csv

from alphastream.errors import UploadError
from alphastream.uploads.cells import DECIMAL_POINT, Decimal
from alphastream.uploads.columns import ALIASES, canonical, is_header
from alphastream.uploads.containers import Part
from alphastream.uploads.forms.table import SAMPLE_ROWS, Batch, refuse_many_columns
from alphastream.uploads.forms.text import Head, not_utf8, numbered_lines, utf8
from alphastream.uploads.notes import Notes
from alphastream.uploads.symbols import normalise

BLOCK_BYTES: Final = 2**22
_NAME_LENGTH: Final = 80  # of a column; what is longer is cut
_SECOND_HEADERS: Final = ("", "ticker", "price", "date", "datetime", "symbol", "symbols")


class SeparatedValues:
    """A file of lines that a separator cuts into cells."""

    def __init__(self, part: Part, head: Head) -> None:
        self.part = part
        self._encoding = head.encoding
        self.delimiter = _delimiter(head.lines)
        cells = [(number, _cells_of(part.file, number, line, self.delimiter)) for number, line in head.lines]
        for number, row in cells:
            refuse_many_columns(part.file, len(row), number)
        pointed = any(DECIMAL_POINT.fullmatch(cell.strip()) for _, row in cells[:SAMPLE_ROWS] for cell in row)
        self.likely_decimal: Decimal = "," if self.delimiter == ";" and not pointed else "."
        rows = _header_and_rows(part.file, cells)
        self.header_line = rows.header_line
        self.bare = rows.header_line is None
        self.first_line = rows.first_line
        self.columns = rows.columns
        self.rows = rows.rows
        self.symbol = rows.symbol

    def batches(self, columns: Sequence[str], notes: Notes) -> Iterator[Batch]:
        """See ``Table.batches``."""
        rows = 0
        with self.part.open() as stream:
            try:
                for batch in self._batches(stream, columns):
                    yield batch
                    rows += len(batch[columns[0]])
            except pa.ArrowInvalid as error:
                reason = str(error)
            else:
                return
        raise self._uneven_line(rows) or UploadError(f"no table: {reason}", file=self.part.file)

    def line_of(self, row: int) -> int:
        """See ``Table.line_of``."""
        return next(islice(self._numbered(), row, None))[0]

    def _batches(self, stream: BinaryIO, columns: Sequence[str]) -> Iterator[Batch]:
        """Block by block in this thread: Arrow's reader of streams reads ahead in another, and holds it all."""
        numbered = {column: str(index) for index, column in enumerate(self.columns)}
        at = {column: numbered[column] for column in columns}
        names = [str(index) for index in range(len(self.columns))]
        parsing = pyarrow.csv.ParseOptions(delimiter=self.delimiter)
        converting = pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(at.values(), pa.string()), include_columns=list(at.values())
        )
        skipped = self.first_line - 1
        for block in _blocks(utf8(stream, self._encoding, self.part.file)):
            reading = pyarrow.csv.ReadOptions(
                use_threads=False, block_size=len(block) + 1, skip_rows=skipped, column_names=names
            )
            table = pyarrow.csv.read_csv(pa.BufferReader(block), reading, parsing, converting)
            skipped = 0
            for batch in table.to_batches():
                yield {column: batch.column(name) for column, name in at.items()}

    def _numbered(self) -> Iterator[tuple[int, str]]:
        """Lines of rows with their numbers; empty ones are no rows."""
        lines = numbered_lines(self.part, self._encoding)
        return ((number, line) for number, line in lines if number >= self.first_line and line)

    def _uneven_line(self, rows: int) -> UploadError | None:
        """The error for the first line, after some good rows, with another number of cells, or that is no UTF-8."""
        file, needed = self.part.file, len(self.columns)
        for number, line in islice(self._numbered(), rows, None):
            broken = next((char for char in line if "\udc80" <= char <= "\udcff"), None)
            if broken is not None:
                return not_utf8(file, number, ord(broken) - 0xDC00)
            seen = len(_cells_of(file, number, line, self.delimiter))
            if seen != needed:
                shown = line if len(line) <= 60 else line[:57] + "..."
                advice = "complete the line or delete it" if seen < needed else "quote cells that hold the separator"
                return UploadError(f"{seen} of {needed} cells ({shown!r}): {advice}", file=file, line=number)
        return None


@dataclass(frozen=True, slots=True)
class _Rows:
    """The header's names, where the rows begin, and the first rows."""

    header_line: int | None
    first_line: int
    columns: tuple[str, ...]
    rows: list[list[str]]
    symbol: str | None = None


def _blocks(stream: BinaryIO) -> Iterator[Any]:
    """Some megabytes of whole lines each, as Arrow buffers."""
    rest = b""
    while some := stream.read(BLOCK_BYTES):
        block = rest + some
        end = block.rfind(b"\n") + 1 or block.rfind(b"\r") + 1
        if end == 0 and len(block) > BLOCK_BYTES:
            raise pa.ArrowInvalid("a line is longer than any table's")
        if end:
            yield pa.py_buffer(block)[:end]
        rest = block[end:]
    if rest:
        yield pa.py_buffer(rest)


def _cells_of(file: str, number: int, line: str, delimiter: str) -> list[str]:
    """One line cut into cells."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error as error:
        raise UploadError(f"no row ({error}): delete the line or quote its cells", file=file, line=number) from None


def _width(line: str, delimiter: str) -> int:
    """How many cells a separator makes of a line; 1 where a cell would be longer than any."""
    try:
        return len(next(csv.reader([line], delimiter=delimiter), []))
    except csv.Error:
        return 1


def _delimiter(lines: Sequence[tuple[int, str]]) -> str:
    """The separator that cuts most lines into the same number of cells.

    The comma comes last: in a file of semicolons or tabs it is a decimal mark.
    """
    sample = lines[:SAMPLE_ROWS]
    best, most = ",", 0.0
    for delimiter in ("\t", ";", "|", ","):
        widths = Counter(_width(line, delimiter) for _, line in sample)
        width, count = max(widths.items(), key=lambda item: (item[0] > 1) * item[1])
        if width > 1 and count > most * 1.1:
            best, most = delimiter, count
    return best


def _header_and_rows(file: str, cells: list[tuple[int, list[str]]]) -> _Rows:
    """Find the header behind what may stand before it (an address, a comment)."""
    width = Counter(len(row) for _, row in cells).most_common(1)[0][0]
    while len(cells) > 1 and (cells[0][1][0].startswith("#") or (len(cells[0][1]) == 1 and width > 1)):
        cells = cells[1:]
    number, names = cells[0]
    if not is_header(names):
        columns = tuple(f"column {at}" for at in range(1, len(names) + 1))
        return _Rows(None, number, columns, [row for _, row in cells[:SAMPLE_ROWS]])
    more = 0
    while more < 2 and len(cells) > more + 1 and _is_second_header(names, cells[more + 1][1]):
        more += 1
    rows = cells[more + 1 :]
    if not rows:
        raise UploadError("only a header, no rows: rows of time and price are needed", file=file, line=number)
    columns, symbol = _joined_headers([row for _, row in cells[: more + 1]])
    return _Rows(number, rows[0][0], columns, [row for _, row in rows[:SAMPLE_ROWS]], symbol)


def _is_second_header(names: Sequence[str], row: Sequence[str]) -> bool:
    """Yahoo's downloads name fields and tickers in lines of their own."""
    if len(row) != len(names) or canonical(row[0]) not in _SECOND_HEADERS:
        return False
    return not any(cell.strip() for cell in row[1:]) or is_header(["", *row[1:]])


def _joined_headers(headers: list[list[str]]) -> tuple[tuple[str, ...], str | None]:
    """One name a column, and the symbol where all columns share it."""
    words = {word for role in ("open", "high", "low", "close", "volume") for word in ALIASES[role]} | {"adjclose"}
    rest = [header[1:] for header in headers if any(cell.strip() for cell in header[1:])]
    if len(headers) == 1 or not rest:
        return _unique([name.strip() for name in headers[0]]), None
    fields = max(rest, key=lambda row: sum(canonical(cell) in words for cell in row))
    tickers = next((row for row in rest if row is not fields), [""] * len(fields))
    time = next((header[0] for header in reversed(headers) if canonical(header[0]) in ALIASES["time"]), "Date")
    if len(set(tickers)) == 1:
        return _unique([time, *fields]), normalise(tickers[0]) or None
    return _unique([time, *(f"{ticker} {name}" for ticker, name in zip(tickers, fields, strict=True))]), None


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    seen: Counter[str] = Counter()
    unique: dict[str, Any] = {}
    for at, name in enumerate(names, start=1):
        name = name.strip().strip('"')[:_NAME_LENGTH] or f"column {at}"
        free = name
        while free in unique:
            seen[name] += 1
            free = f"{name} ({seen[name] + 1})"
        unique[free] = None
    return tuple(unique)
