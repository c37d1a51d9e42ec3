"""What a file looks like: encoding, separator, decimal mark, header, columns and what they seem to mean.

Judged by the beginning of the file alone, so that a large file is looked at as quickly as a small one.
"""

import codecs
import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import msgspec
import pandas as pd

from alphastream.errors import UploadError
from alphastream.uploads.cells import Decimal
from alphastream.uploads.columns import ALIASES, Kind, Match, Proposal, Role, Shape, canonical, is_header, propose
from alphastream.uploads.containers import Part
from alphastream.uploads.headerless import propose_bare
from alphastream.uploads.symbols import normalise, symbol_in

HEAD_BYTES: Final = 2**18
SAMPLE_ROWS: Final = 100
PREVIEW_ROWS: Final = 20
_BOMS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_SECOND_HEADERS: Final = ("", "ticker", "price", "date", "datetime", "symbol", "symbols")
# A comma that can only be a decimal mark; a point that is one; commas that part thousands.
_DECIMAL_COMMA: Final = re.compile(
    r"[+-]?(\d{4,},\d+|0\d*,\d+|\d+,(\d{1,2}|\d{4,})|\d{1,3}(\.\d{3})+,\d+|\d+,\d+[eE][+-]?\d+)"
)
_DECIMAL_POINT: Final = re.compile(r"[+-]?\d[\d,]*\.\d+([eE][+-]?\d+)?")
_LINE_END: Final = re.compile(r"\r\n|\n|\r")
_GROUPED: Final = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Layout:
    """What one file looks like.

    Parameters
    ----------
    file : its name, with the archive's in front for a member.
    form : "csv" for separated values, "ndjson" for one JSON object a line.
    encoding, delimiter, decimal : how to read it.
    header_line : 1-based line of the header, None where there is none.
    first_line : 1-based line where the rows begin.
    columns : names, made up ("column 1") where there is no header.
    proposal : what the columns seem to mean.
    symbol : what header or file name say, for a file of one symbol; None where neither says anything.
    preview : the first 20 rows as text.
    """

    file: str
    form: Literal["csv", "ndjson"]
    encoding: str
    delimiter: str
    decimal: Decimal
    header_line: int | None
    first_line: int
    columns: tuple[str, ...]
    proposal: Proposal
    symbol: str | None
    preview: pd.DataFrame

    @property
    def kind(self) -> Kind:
        """Ticks or bars."""
        return self.proposal.kind

    @property
    def shape(self) -> Shape:
        """Long (a symbol column), wide (columns a symbol) or single (one symbol)."""
        return self.proposal.shape

    @property
    def roles(self) -> Mapping[Role, Match]:
        """Which column plays which role, and how sure that is."""
        return self.proposal.roles

    @property
    def series(self) -> Mapping[str, Mapping[Role, str]]:
        """Symbol to role to column, of a wide file."""
        return self.proposal.series

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know before the file is read."""
        return self.proposal.notes

    @property
    def problem(self) -> str | None:
        """Why the file cannot be read as it is, or None."""
        return self.proposal.problem


@dataclass(frozen=True, slots=True)
class _Table:
    """Lines split into cells: the header's names, where the rows begin, and the first rows."""

    header_line: int | None
    first_line: int
    columns: tuple[str, ...]
    rows: list[list[str]]
    symbol: str | None = None


def layout_of(part: Part) -> Layout:
    """Look at the beginning of a file.

    Raises
    ------
    UploadError
        The file is empty, holds only a header, is a web page or no text at all.
    """
    with part.open() as stream:
        head = stream.read(HEAD_BYTES)
        whole = not stream.read(1)
    encoding, text = _decode(part.file, head, whole)
    lines = _lines(part.file, text, whole)
    first = lines[0][1].lstrip()
    if first.startswith(("<!", "<html", "<HTML", "<?xml", "<head")):
        raise UploadError(
            "this is a web page, not a table: open the link in a browser and save the file itself", file=part.file
        )
    if first.startswith("["):
        raise UploadError("this is one JSON document: one object a line, or a CSV, is needed", file=part.file, line=1)
    if first.startswith("{"):
        return _json_layout(part, encoding, lines)
    delimiter = _delimiter(part.file, lines)
    cells = [(number, cells_of(part.file, number, line, delimiter)) for number, line in lines]
    decimal = _decimal([row for _, row in cells], delimiter)
    table = _table(part.file, cells, decimal)
    symbol = table.symbol or symbol_in(part.file)
    if table.header_line is None:
        proposal = propose_bare(table.columns, table.rows, decimal)
    else:
        proposal = propose(table.columns, table.rows, decimal, symbol)
    if decimal == "." and any(_GROUPED.fullmatch(cell.strip()) for row in table.rows for cell in row):
        proposal = replace(proposal, notes=(*proposal.notes, "commas in numbers read as thousands separators"))
    return Layout(
        part.file,
        "csv",
        encoding,
        delimiter,
        decimal,
        table.header_line,
        table.first_line,
        table.columns,
        proposal,
        symbol,
        _preview(table.columns, table.rows),
    )


def _decode(file: str, head: bytes, whole: bool) -> tuple[str, str]:
    encoding = next((name for bom, name in _BOMS if head.startswith(bom)), "utf-8")
    if encoding != "utf-16" and b"\0" in head:
        raise UploadError("this is no text (it holds zero bytes): a CSV in UTF-8 is needed", file=file)
    try:
        return encoding, codecs.getincrementaldecoder(encoding)().decode(head, final=whole)
    except UnicodeDecodeError as error:
        raise undecodable(file, error) from None


def undecodable(file: str, error: UnicodeDecodeError, lines: int = 0) -> UploadError:
    """The error for bytes that are no text.

    Parameters
    ----------
    lines : how many end before the bytes that were decoded.
    """
    line = lines + count_lines(error.object[: error.start].decode(error.encoding)) + 1
    if error.encoding.startswith("utf-16"):
        advice = "download it again, or save it as CSV UTF-8"
        return UploadError(f"half a UTF-16 character: the file is cut off or damaged; {advice}", file=file, line=line)
    return not_utf8(file, line, error.object[error.start])


def count_lines(text: str) -> int:
    """How many lines end in a text."""
    return len(_LINE_END.findall(text))


def not_utf8(file: str, line: int, byte: int) -> UploadError:
    """The error for a byte that is no UTF-8."""
    return UploadError(f"byte 0x{byte:02X} is not UTF-8: save the file as CSV UTF-8", file=file, line=line)


def _lines(file: str, text: str, whole: bool) -> list[tuple[int, str]]:
    """Numbered lines that hold something; the last one is left out where it may go on."""
    lines = _LINE_END.split(text)
    if not whole:
        lines.pop()
    numbered = [(number, line) for number, line in enumerate(lines, start=1) if line]
    if not any(line.strip() for _, line in numbered):
        if whole:
            raise UploadError("the file is empty: rows of time and price are needed", file=file)
        raise UploadError(f"no line ends within the first {HEAD_BYTES} bytes: this is no table", file=file)
    while not numbered[0][1].strip():
        numbered.pop(0)
    return numbered


def cells_of(file: str, number: int, line: str, delimiter: str) -> list[str]:
    """One line cut into cells."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error as error:
        raise UploadError(f"no row ({error}): delete the line or quote its cells", file=file, line=number) from None


def _delimiter(file: str, lines: Sequence[tuple[int, str]]) -> str:
    """The separator that cuts most lines into the same number of cells.

    The comma comes last: in a file of semicolons or tabs it is a decimal mark.
    """
    sample = lines[:SAMPLE_ROWS]
    best, most = ",", 0.0
    for delimiter in ("\t", ";", "|", ","):
        widths = Counter(len(cells_of(file, number, line, delimiter)) for number, line in sample)
        width, count = max(widths.items(), key=lambda item: (item[0] > 1) * item[1])
        if width > 1 and count > most * 1.1:
            best, most = delimiter, count
    return best


def _decimal(rows: Sequence[Sequence[str]], delimiter: str) -> Decimal:
    """The decimal mark. Where semicolons separate, it is the comma, unless a number shows a point."""
    cells = [cell.strip() for row in rows[:SAMPLE_ROWS] for cell in row]
    if any(_DECIMAL_COMMA.fullmatch(cell) for cell in cells if "," in cell):
        return ","
    return "," if delimiter == ";" and not any(_DECIMAL_POINT.fullmatch(cell) for cell in cells) else "."


def _table(file: str, cells: list[tuple[int, list[str]]], decimal: Decimal) -> _Table:
    """Find the header behind what may stand before it (an address, a comment)."""
    width = Counter(len(row) for _, row in cells).most_common(1)[0][0]
    while len(cells) > 1 and (cells[0][1][0].startswith("#") or (len(cells[0][1]) == 1 and width > 1)):
        cells = cells[1:]
    number, names = cells[0]
    if not is_header(names, decimal):
        columns = tuple(f"column {at}" for at in range(1, len(names) + 1))
        return _Table(None, number, columns, [row for _, row in cells[:SAMPLE_ROWS]])
    more = 0
    while more < 2 and len(cells) > more + 1 and _is_second_header(names, cells[more + 1][1], decimal):
        more += 1
    rows = cells[more + 1 :]
    if not rows:
        raise UploadError("only a header, no rows: rows of time and price are needed", file=file, line=number)
    columns, symbol = _joined_headers([row for _, row in cells[: more + 1]])
    return _Table(number, rows[0][0], columns, [row for _, row in rows[:SAMPLE_ROWS]], symbol)


def _is_second_header(names: Sequence[str], row: Sequence[str], decimal: Decimal) -> bool:
    """Yahoo's downloads name fields and tickers in lines of their own."""
    if len(row) != len(names) or canonical(row[0]) not in _SECOND_HEADERS:
        return False
    return not any(cell.strip() for cell in row[1:]) or is_header(["", *row[1:]], decimal)


def _joined_headers(headers: list[list[str]]) -> tuple[tuple[str, ...], str | None]:
    """One name a column, and the symbol where all columns share it."""
    if len(headers) == 1:
        return _unique([name.strip() for name in headers[0]]), None
    words = {word for role in ("open", "high", "low", "close", "volume") for word in ALIASES[role]} | {"adjclose"}
    rest = [header[1:] for header in headers if any(cell.strip() for cell in header[1:])]
    fields = max(rest, key=lambda row: sum(canonical(cell) in words for cell in row))
    tickers = next((row for row in rest if row is not fields), [""] * len(fields))
    time = next((header[0] for header in reversed(headers) if canonical(header[0]) in ALIASES["time"]), "Date")
    if len(set(tickers)) == 1:
        return _unique([time, *fields]), normalise(tickers[0]) or None
    return _unique([time, *(f"{ticker} {name}" for ticker, name in zip(tickers, fields, strict=True))]), None


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    seen: Counter[str] = Counter()
    unique = []
    for at, name in enumerate(names, start=1):
        name = name.strip().strip('"') or f"column {at}"
        free = name
        while free in unique:
            seen[name] += 1
            free = f"{name} ({seen[name] + 1})"
        unique.append(free)
    return tuple(unique)


def _json_layout(part: Part, encoding: str, lines: list[tuple[int, str]]) -> Layout:
    """The objects' keys are the columns; they are judged like a header."""
    rows = []
    for number, line in lines[:SAMPLE_ROWS]:
        if line.strip():
            rows.append(json_cells(part.file, number, line))
    columns = tuple(dict.fromkeys(key for row in rows for key in row))
    table = [[row.get(column, "") for column in columns] for row in rows]
    symbol = symbol_in(part.file)
    proposal = propose(columns, table, ".", symbol)
    return Layout(
        part.file, "ndjson", encoding, "", ".", None, lines[0][0], columns, proposal, symbol, _preview(columns, table)
    )


_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def json_cells(file: str, number: int, line: str | bytes) -> dict[str, str]:
    """One JSON object as text cells, digits untouched."""
    try:
        return {key: json_cell(bytes(value)) for key, value in _OBJECT.decode(line).items()}
    except UnicodeDecodeError as error:
        raise not_utf8(file, number, error.object[error.start]) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise UploadError(f"no JSON object ({error}): one object a line is needed", file=file, line=number) from None


def json_cell(value: bytes) -> str:
    """One JSON value as text; null is empty."""
    if value.startswith(b'"'):
        return str(msgspec.json.decode(value))
    return "" if value == b"null" else value.decode()


def _preview(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> pd.DataFrame:
    filled = [[*row, *[""] * len(columns)][: len(columns)] for row in rows[:PREVIEW_ROWS]]
    return pd.DataFrame(filled, columns=list(columns), dtype="str")
