"""JSON whose rows stand inside of something: one document, or recorded messages, one a line."""

import re
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

import msgspec
import pyarrow as pa

from alphastream.errors import UploadError
from alphastream.uploads.cells import Decimal
from alphastream.uploads.columns import ALIASES
from alphastream.uploads.containers import Part, readable_size
from alphastream.uploads.forms.json_records import Record, has_price, records_of
from alphastream.uploads.forms.table import SAMPLE_CELLS, SAMPLE_ROWS, Batch, Unit, refuse_many_columns
from alphastream.uploads.forms.text import Head, numbered_lines, utf8
from alphastream.uploads.notes import OTHER_MESSAGES, Notes
from alphastream.uploads.symbols import normalise
from alphastream.uploads.times import looks_like_time
from alphastream.uploads.words import fold

RECEIVED: Final = "received"
MAX_DOCUMENT: Final = 2**26  # bytes: a document is parsed at one go, and costs some ten times as much
_BATCH_ROWS: Final = 20_000
_SAMPLE_MESSAGES: Final = 2_000
_STAMPED: Final = re.compile(r"""\s*(?P<time>[^\[{]*?)["']?[\s,;|]*(?P<message>[\[{].*)""", re.DOTALL)


class JsonMessages:
    """Records inside JSON values: of one document, or of one message a line, perhaps behind the time it came.

    Parameters
    ----------
    whole : whether the file is one document.
    """

    unit: Unit = "line"
    header_line: None = None
    likely_decimal: Decimal = "."

    def __init__(self, part: Part, head: Head, whole: bool) -> None:
        self.part = part
        self.first_line = 1
        self._encoding = head.encoding
        self._note = head.note
        self._whole = whole
        sample = [record for _, record in islice(self._records(), _SAMPLE_MESSAGES)]
        self._priced = any(map(has_price, sample))
        rows = [record for record in sample if self._counts(record)][:SAMPLE_ROWS]
        if not rows:
            raise UploadError("no rows in this JSON: objects with a time and a price are needed", file=part.file)
        self._width = _usual_width(rows)
        self.bare = self._width is not None
        self.symbol = _common_symbol(rows) if self.bare else None
        if self._width is not None:
            self.columns: tuple[str, ...] = tuple(f"column {at}" for at in range(1, self._width + 1))
        else:
            self.columns = tuple(dict.fromkeys(name for cells, _ in rows for name in cells))
        refuse_many_columns(part.file, len(self.columns), self.first_line)
        rows = rows[: max(1, SAMPLE_CELLS // max(1, len(self.columns)))]
        self.rows = [self._cells(record, self.columns) for record in rows if self._is_row(record)]

    def batches(self, columns: Sequence[str], notes: Notes) -> Iterator[Batch]:
        """See ``Table.batches``."""
        if self._note is not None:
            notes.say(self._note)
        table: list[list[str]] = []
        for number, record in self._records():
            if not self._is_row(record):
                notes.count(OTHER_MESSAGES, 1)
                continue
            if self._width is not None and len(record[1] or ()) != self._width:
                found = f"{len(record[1])} values" if record[1] is not None else "an object"
                needed = (
                    f"{found} where other rows have {self._width} values: delete it or keep such rows in a file apart"
                )
                raise UploadError(needed, file=self.part.file, line=number)
            table.append(self._cells(record, columns))
            if len(table) == _BATCH_ROWS:
                yield _batch(columns, table)
                table = []
        if table:
            yield _batch(columns, table)

    def line_of(self, row: int) -> int:
        """See ``Table.line_of``; of a document on one line, that line."""
        counted = (number for number, record in self._records() if self._is_row(record))
        return next(islice(counted, row, None))

    def _counts(self, record: Record) -> bool:
        return has_price(record) or not self._priced

    def _is_row(self, record: Record) -> bool:
        """Lists among objects are no rows: they name channels, say."""
        return self._counts(record) and not (self._width is None and record[1] is not None)

    def _cells(self, record: Record, columns: Sequence[str]) -> list[str]:
        cells, bare = record
        if bare is not None:
            return bare if columns is self.columns else [bare[self.columns.index(column)] for column in columns]
        return [cells.get(column, "") for column in columns]

    def _records(self) -> Iterator[tuple[int, Record]]:
        """Records, each with the line it begins on."""
        if self._whole:
            yield from self._of_document()
            return
        for number, line in numbered_lines(self.part, self._encoding):
            found = _STAMPED.fullmatch(line)
            if found is None:
                if line.strip():
                    raise UploadError(
                        f"no JSON ({_cut(line)!r}): one message a line is needed", file=self.part.file, line=number
                    )
                continue
            time = found["time"].strip(" \t,;|\"'\ufeff")
            for cells, bare in self._parsed(found["message"].encode(errors="surrogateescape"), number):
                yield number, (cells if not time else {RECEIVED: time} | cells, bare)

    def _of_document(self) -> Iterator[tuple[int, Record]]:
        with self.part.open() as stream:
            data = utf8(stream, self._encoding, self.part.file).read(MAX_DOCUMENT + 1)
        if len(data) > MAX_DOCUMENT:
            raise UploadError(
                f"one JSON document of more than {readable_size(MAX_DOCUMENT)}: one object a line, or a CSV, is needed",
                file=self.part.file,
            )
        for record in self._parsed(data.removeprefix(BOM_UTF8).strip(), 1):
            yield 1, record

    def _parsed(self, message: bytes, number: int) -> Iterator[Record]:
        try:
            yield from records_of(message)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            what = "the file is no JSON document" if self._whole else "no JSON"
            raise UploadError(f"{what} ({error}): download it again", file=self.part.file, line=number) from None


def is_stamped(line: str) -> bool:
    """Whether a line is a JSON message behind the time it came."""
    found = _STAMPED.fullmatch(line)
    return found is not None and looks_like_time(found["time"].strip(" \t,;|\"'"))


def _usual_width(rows: Sequence[Record]) -> int | None:
    """How many values most rows without names have; None where most rows have names."""
    widths = Counter(None if bare is None else len(bare) for _, bare in rows)
    return widths.most_common(1)[0][0]


def _common_symbol(rows: Sequence[Record]) -> str | None:
    found = {cell for cells, _ in rows for name, cell in cells.items() if fold(name) in ALIASES["symbol"][:-1]}
    found = {cell for cell in found if re.search(r"[^\W\d_]", cell)}  # "code": "0" says that all went well
    return normalise(found.pop()) or None if len(found) == 1 else None


def _batch(columns: Sequence[str], rows: list[list[str]]) -> dict[str, Any]:
    return {column: pa.array([row[at] for row in rows], pa.string()) for at, column in enumerate(columns)}


def _cut(line: str) -> str:
    return line if len(line) <= 60 else line[:57] + "..."
