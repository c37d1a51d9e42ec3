"""One JSON object a line: its keys are the columns."""

from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from operator import attrgetter
from typing import Any, BinaryIO, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from alphastream.errors import UploadError
from alphastream.uploads.cells import Decimal
from alphastream.uploads.containers import Part
from alphastream.uploads.forms.json_records import has_price, is_row, json_cell
from alphastream.uploads.forms.table import SAMPLE_CELLS, SAMPLE_ROWS, Batch, Unit, refuse_many_columns
from alphastream.uploads.forms.text import MAX_LINE, Head, not_utf8, numbered_lines, too_long, utf8
from alphastream.uploads.notes import Notes

_BATCH_BYTES: Final = 2**22
_BATCH_CELLS: Final = 2_000_000
_FEW_CELLS: Final = 200_000
_CELLS_A_BYTE: Final = 8  # in lines with fewer keys most columns are empty: {} may stand for ten thousand cells
_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


class JsonLines:
    """A file of one JSON object a line."""

    bare = False
    unit: Unit = "line"
    header_line: None = None
    symbol: None = None
    likely_decimal: Decimal = "."

    def __init__(self, part: Part, head: Head) -> None:
        self.part = part
        self.first_line = head.lines[0][0]
        self._encoding = head.encoding
        self._note = head.note
        objects = []
        columns: dict[str, None] = {}
        for number, line in head.lines[:SAMPLE_ROWS]:
            if line.strip():
                objects.append(json_cells(part.file, number, line))
                columns.update(dict.fromkeys(objects[-1]))
                refuse_many_columns(part.file, len(columns), number)
        self.columns = tuple(columns)
        sample = objects[: max(1, SAMPLE_CELLS // len(columns))] if columns else objects
        self.rows = [[cells.get(column, "") for column in self.columns] for cells in sample]

    def batches(self, columns: Sequence[str], notes: Notes) -> Iterator[Batch]:
        """See ``Table.batches``."""
        if self._note is not None:
            notes.say(self._note)
        with self.part.open() as stream:
            yield from self._batches(stream, columns)

    def line_of(self, row: int) -> int:
        """See ``Table.line_of``."""
        filled = (number for number, line in numbered_lines(self.part, self._encoding) if line.strip())
        return next(islice(filled, row, None))

    def _batches(self, stream: BinaryIO, columns: Sequence[str]) -> Iterator[Batch]:
        file = self.part.file
        fields = {f"cell_{at}": column for at, column in enumerate(columns)}
        row_type = msgspec.defstruct(
            "Row", [(name, msgspec.Raw, msgspec.Raw(b"null")) for name in fields], rename=fields
        )
        decoder = msgspec.json.Decoder(row_type)
        lines = _filled_lines(utf8(stream, self._encoding, file), file)
        cells = size = 0
        for some in _blocks(lines, max(1, _BATCH_CELLS // max(1, len(columns)))):
            cells += len(some) * len(columns)
            size += sum(len(line) for _, line in some)
            if cells > max(_FEW_CELLS, _CELLS_A_BYTE * size):
                raise UploadError(
                    f"{len(columns):,} keys, and few of them in each line: a line a time and symbol is needed, such as "
                    '{"time": 1723075200, "symbol": "BTCUSDT", "price": 55108.7}',
                    file=file,
                    line=some[0][0],
                )
            try:
                rows = decoder.decode_lines(b"".join(line for _, line in some))
                batch = {column: _column(map(attrgetter(name), rows)) for name, column in fields.items()}
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, pa.ArrowInvalid) as error:
                for number, line in some:  # one of them is to blame, and says so
                    json_cells(file, number, line)
                seen = f"no JSON objects ({error}) in lines {some[0][0]} to {some[-1][0]}"
                raise UploadError(f"{seen}: one object a line is needed", file=file) from error
            yield batch


def is_document(head: Head) -> bool:
    """Whether a file of JSON is one value, not one a line."""
    first = head.lines[0][1].strip("\ufeff \t")
    try:
        msgspec.json.decode(first, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        return len(head.lines) == 1 or not head.lines[1][1].lstrip().startswith(first[0])
    return len(head.lines) == 1 and not (first.startswith("{") and is_row(first.encode()))


def is_flat(head: Head) -> bool:
    """Whether the lines are objects that are rows themselves, not messages around rows, or heartbeats between them."""
    priced = set()
    for _, line in head.lines[:SAMPLE_ROWS]:
        message = line.strip("\ufeff \t").encode()
        try:
            if not is_row(message):
                return False
            priced.add(has_price((dict.fromkeys(_OBJECT.decode(message), ""), None)))
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            continue  # named where it is read
    return len(priced) < 2


def _filled_lines(stream: BinaryIO, file: str) -> Iterator[tuple[int, bytes]]:
    """Lines that hold something, with their 1-based numbers."""
    blank = BOM_UTF8 + b" \t\r\n"
    number = 0
    while line := stream.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            raise too_long(file, number)
        if line.strip(blank):
            yield number, line.removeprefix(BOM_UTF8)


def _blocks(lines: Iterator[tuple[int, bytes]], most_lines: int) -> Iterator[list[tuple[int, bytes]]]:
    """Lines that are decoded together: so many that it is worth it, so few that they fit into little memory."""
    block: list[tuple[int, bytes]] = []
    size = 0
    for number, line in lines:
        block.append((number, line))
        size += len(line)
        if size >= _BATCH_BYTES or len(block) >= most_lines:
            yield block
            block, size = [], 0
    if block:
        yield block


def json_cells(file: str, number: int, line: str | bytes) -> dict[str, str]:
    """One JSON object as text cells, digits untouched."""
    try:
        return {key: json_cell(bytes(value)) for key, value in _OBJECT.decode(line).items()}
    except UnicodeDecodeError as error:
        raise not_utf8(file, number, error.object[error.start]) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise UploadError(f"no JSON object ({error}): one object a line is needed", file=file, line=number) from None


def _column(values: Iterable[msgspec.Raw]) -> Any:
    """JSON values as text cells; what has no escapes only loses its quotation marks."""
    raw = pa.array(list(map(bytes, values)), pa.binary()).cast(pa.string())
    if pc.any(pc.match_substring(raw, "\\")).as_py():
        return pa.array([json_cell(value.encode()) for value in raw.to_pylist()], pa.string())
    return pc.if_else(pc.equal(raw, "null"), "", pc.utf8_trim(raw, '"'))
