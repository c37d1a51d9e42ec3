"""Values separated by commas, semicolons, tabs or bars, with or without a header."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.csv

from alphastream.errors import UploadError
from alphastream.uploads.cells import DECIMAL_POINT, Decimal, decimal_of, looks_like_number
from alphastream.uploads.columns import ALIASES, is_header
from alphastream.uploads.containers import Part
from alphastream.uploads.forms.table import SAMPLE_ROWS, Batch, Unit, refuse_many_columns
from alphastream.uploads.forms.text import Head, broken_byte, not_utf8, numbered_lines, utf8
from alphastream.uploads.notes import REMARKS, REPEATED_HEADERS, Notes
from alphastream.uploads.symbols import normalise
from alphastream.uploads.words import fold

BLOCK_BYTES: Final = 2**22
_LINE_END: Final = re.compile(rb"\r\n|\n|\r")
_WORDS: Final = re.compile(r"[^\W\d_]{2,}\W+[^\W_]+")  # at least two words: a sentence, not a cell of a row cut off
_DECLARED: Final = re.compile(r"\ufeff?\"?sep=(.)\"?[\s,;|]*")
_NAME_LENGTH: Final = 80  # of a column; what is longer is cut
_UNIT: Final = re.compile(  # no ticker looks like this
    r"(?i)\s*(\([^()]*\)|\[[^\[\]]*\]|%|shares|contracts|units|lots|stück|st\.|titres|azioni|acciones|szt\.?)\s*"
)
_SECOND_HEADERS: Final = ("", "ticker", "price", "date", "datetime", "symbol", "symbols")


class SeparatedValues:
    """A file of lines that a separator cuts into cells."""

    unit: Unit = "line"

    def __init__(self, part: Part, head: Head) -> None:
        self.part = part
        self._encoding = head.encoding
        self._note = head.note
        lines, declared = _declared_delimiter(head.lines)
        self.delimiter = declared or _delimiter(lines)
        cells = [(number, _cells_of(part.file, number, line, self.delimiter)) for number, line in lines]
        for number, row in cells:
            refuse_many_columns(part.file, len(row), number)
        self.likely_decimal = _likely_decimal(self.delimiter, [row for _, row in cells[:SAMPLE_ROWS]])
        rows = _header_and_rows(part.file, cells)
        self.header_line = rows.header_line
        self.bare = rows.header_line is None
        self.first_line = rows.first_line
        self.columns = rows.columns
        self.rows = rows.rows
        self.symbol = rows.symbol
        self._header = next((line for number, line in lines if number == rows.header_line), None)
        if (
            rows.header_line is not None and rows.header_line in head.broken
        ):  # below, only columns that are used matter, and are refused there
            raise not_utf8(part.file, rows.header_line, head.broken[rows.header_line])

    def batches(self, columns: Sequence[str], notes: Notes) -> Iterator[Batch]:
        """See ``Table.batches``."""
        if self._note is not None:
            notes.say(self._note)
        rows = 0
        with self.part.open() as stream:
            try:
                for batch in self._batches(stream, columns, notes):
                    yield batch
                    rows += len(batch[columns[0]])
            except pa.ArrowInvalid as error:
                reason = str(error)
            else:
                return
        raise self._uneven_line(rows) or UploadError(f"no table: {' '.join(reason.split())}", file=self.part.file)

    def line_of(self, row: int) -> int:
        """See ``Table.line_of``."""
        return next(islice(self._numbered(), row, None))[0]

    def _batches(self, stream: BinaryIO, columns: Sequence[str], notes: Notes) -> Iterator[Batch]:
        """Block by block in this thread: Arrow's reader of streams reads ahead in another, and holds it all."""
        numbered = {column: str(index) for index, column in enumerate(self.columns)}
        at = {column: numbered[column] for column in columns}
        names = [str(index) for index in range(len(self.columns))]

        def uneven(row: Any) -> str:
            if not self._is_remark_line(row.text):
                return "error"
            notes.count(REMARKS, 1)
            return "skip"

        parsing = pyarrow.csv.ParseOptions(delimiter=self.delimiter, invalid_row_handler=uneven)
        strict = pyarrow.csv.ParseOptions(delimiter=self.delimiter)  # Arrow cannot show a row that is no UTF-8
        converting = pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(at.values(), pa.string()), include_columns=list(at.values())
        )
        skipped = self.first_line - 1
        for whole in _blocks(utf8(stream, self._encoding, self.part.file)):
            block, repeated = _without(whole, self._header, skipped)
            skipped = 0
            notes.count(REPEATED_HEADERS, repeated)
            if not block.size:
                continue
            reading = pyarrow.csv.ReadOptions(use_threads=False, block_size=block.size + 1, column_names=names)
            options = parsing if _is_utf8(block) else strict
            table = pyarrow.csv.read_csv(pa.BufferReader(block), reading, options, converting)
            for batch in table.to_batches():
                yield {column: batch.column(name) for column, name in at.items()}

    def _numbered(self) -> Iterator[tuple[int, str]]:
        """Lines of rows with their numbers; empty ones, repeated headers and remarks are no rows."""
        for number, line in numbered_lines(self.part, self._encoding):
            if number < self.first_line or not line or line == self._header:
                continue
            if line.count(self.delimiter) == len(self.columns) - 1 or not self._is_remark_line(line):
                yield number, line

    def _is_remark_line(self, line: str) -> bool:
        try:
            cells = next(csv.reader([line], delimiter=self.delimiter), [])
        except csv.Error:
            return False
        return len(cells) != len(self.columns) and _is_remark(cells)

    def _uneven_line(self, rows: int) -> UploadError | None:
        """The error for the first line, after some good rows, with another number of cells, or that is no UTF-8."""
        file, needed = self.part.file, len(self.columns)
        for number, line in islice(self._numbered(), rows, None):
            broken = broken_byte(line)
            if broken is not None:
                return not_utf8(file, number, broken)
            seen = len(_cells_of(file, number, line, self.delimiter))
            if seen == needed and line.count('"') % 2:
                return UploadError("a quotation mark that is never closed: close or delete it", file=file, line=number)
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


def _is_utf8(block: Any) -> bool:
    try:
        block.to_pybytes().decode()
    except UnicodeDecodeError:
        return False
    return True


def _without(block: Any, header: str | None, skipped: int) -> tuple[Any, int]:
    """A block without its first lines and without lines that repeat the header, and how many of these there were."""
    text = block.to_pybytes()
    begin = 0
    for _ in range(skipped):
        found = _LINE_END.search(text, begin)
        begin = found.end() if found else len(text)
    if header is None or header.encode() not in text[begin:]:
        return block[begin:], 0
    lines = text[begin:].splitlines(keepends=True)
    kept = [line for line in lines if line.rstrip(b"\r\n") != header.encode()]
    return pa.py_buffer(b"".join(kept)), len(lines) - len(kept)


def _is_remark(cells: Sequence[str]) -> bool:
    """Whether a line of another length than the rows says nothing about prices: blank, a comment, or only words."""
    filled = [cell for cell in cells if cell.strip()]
    if not filled or filled[0].lstrip().startswith(("#", "//")):
        return True
    return len(filled) == 1 and is_header(filled) and bool(_WORDS.search(filled[0]))


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


def _likely_decimal(delimiter: str, rows: Sequence[Sequence[str]]) -> Decimal:
    """Behind semicolons a comma, unless a number has a point that parts no thousands, or no number has a comma."""
    if delimiter != ";":
        return "."
    cells = [cell.strip() for row in rows for cell in row]
    if decimal_of(cell for cell in cells if DECIMAL_POINT.fullmatch(cell)) == ".":
        return "."
    commas = any("," in cell and looks_like_number(cell, ",") for cell in cells)
    return "," if commas or not any(map(DECIMAL_POINT.fullmatch, cells)) else "."


def _declared_delimiter(lines: list[tuple[int, str]]) -> tuple[list[tuple[int, str]], str | None]:
    """The lines without a spreadsheet's first one that names the separator, and that separator."""
    found = _DECLARED.fullmatch(lines[0][1])
    return (lines[1:], found[1]) if found and len(lines) > 1 else (lines, None)


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
    """Find the header behind what may stand before it (an address, a title, a comment, words and their values)."""
    width = Counter(len(row) for _, row in cells[:SAMPLE_ROWS]).most_common(1)[0][0]
    commented: tuple[int, list[str]] | None = None
    while len(cells) > 1 and _is_before_header(cells[0][1], width):
        commented = _header_in_comment(*cells[0], width)
        cells = cells[1:]
    if commented is not None and not is_header(cells[0][1]):
        cells = [commented, *cells]
    number, names = cells[0]
    if not is_header(names):
        columns = tuple(f"column {at}" for at in range(1, len(names) + 1))
        return _Rows(None, number, columns, [row for _, row in cells[:SAMPLE_ROWS]])
    more = 0
    while more < 2 and len(cells) > more + 1 and _is_second_header(names, cells[more + 1][1]):
        more += 1
    rows = [(at, row) for at, row in cells[more + 1 :] if row != names]
    units = not more and len(rows) > 1 and _is_units(rows[0][1], rows[1][1])
    rows = rows[units:]
    sample = [row for _, row in rows[:SAMPLE_ROWS] if len(row) == width or not _is_remark(row)]
    if not sample:
        raise UploadError("only a header, no rows: rows of time and price are needed", file=file, line=number)
    wide = _as_wide(names, sample)
    others = [_as_wide(row, sample) for _, row in cells[1 : more + 1]]
    columns, symbol = _joined_headers([wide, *([*row, *[""] * len(wide)][: len(wide)] for row in others)])
    return _Rows(number, rows[0][0], columns, sample, symbol)


def _header_in_comment(number: int, row: list[str], width: int) -> tuple[int, list[str]] | None:
    """A header behind a mark of comments, as numpy, R and data vendors write it; None for other lines."""
    if len(row) != width or width == 1 or not row[0].startswith(("#", "%")):
        return None
    names = [row[0].lstrip("#% "), *row[1:]]
    return (number, names) if is_header(names) else None


def _is_before_header(row: Sequence[str], width: int) -> bool:
    """Whether a line is shorter or emptier than rows and their header are."""
    filled = sum(1 for cell in row if cell.strip())
    return (
        row[0].startswith("#") or (width > 1 and (len(row) < width - 1 or filled <= 1)) or (width > 4 and filled <= 2)
    )


def _is_units(row: Sequence[str], following: Sequence[str]) -> bool:
    """Whether a line under the header holds words alone ("(USD)"), while the next one is a row."""
    return is_header(row) and any(cell.strip() for cell in row) and not is_header(following)


def _as_wide(names: Sequence[str], sample: Sequence[Sequence[str]]) -> list[str]:
    """The header as long as the rows, where they have one cell more or fewer.

    A cell more is an index in front, or nothing behind a last separator; a name more is nothing behind one.
    """
    width = Counter(map(len, sample)).most_common(1)[0][0]
    if width == len(names) + 1:
        return [*names, ""] if all(not row[-1].strip() for row in sample if len(row) == width) else ["", *names]
    if width == len(names) - 1 and not names[-1].strip():
        return list(names[:-1])
    return list(names)


def _is_second_header(names: Sequence[str], row: Sequence[str]) -> bool:
    """Yahoo's downloads name fields and tickers in lines of their own."""
    if len(row) != len(names):
        return False
    blank = not any(cell.strip() for cell in row[1:])
    if any(map(_UNIT.fullmatch, row[1:])):
        return False
    named = fold(row[0]) in _SECOND_HEADERS or (blank and fold(row[0]) in ALIASES["time"])
    return named and (blank or is_header(["", *row[1:]]))


def _joined_headers(headers: list[list[str]]) -> tuple[tuple[str, ...], str | None]:
    """One name a column, and the symbol where all columns share it."""
    words = {word for role in ("open", "high", "low", "close", "volume") for word in ALIASES[role]} | {"adjclose"}
    rest = [header[1:] for header in headers if any(cell.strip() for cell in header[1:])]
    if len(headers) == 1 or not rest:
        return _unique([name.strip() for name in headers[0]]), None
    fields = max(rest, key=lambda row: sum(fold(cell) in words for cell in row))
    tickers = next((row for row in rest if row is not fields), [""] * len(fields))
    time = next((header[0] for header in reversed(headers) if fold(header[0]) in ALIASES["time"]), "Date")
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
