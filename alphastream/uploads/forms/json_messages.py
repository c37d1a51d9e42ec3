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
from alphastream.uploads.cells import Decimal, looks_like_number
from alphastream.uploads.columns import ALIASES, few
from alphastream.uploads.containers import Part, readable_size
from alphastream.uploads.contents import content_of
from alphastream.uploads.forms.json_envelopes import (
    UPDATES,
    Instruments,
    envelope_of,
    finished_key,
    has_symbol,
    naming_key,
    once,
    said_symbol,
)
from alphastream.uploads.forms.json_records import Cells, Record, has_price, records_of
from alphastream.uploads.forms.table import SAMPLE_CELLS, SAMPLE_ROWS, Batch, Unit, refuse_many_columns
from alphastream.uploads.forms.text import Head, numbered_lines, utf8
from alphastream.uploads.notes import OTHER_MESSAGES, REPEATED_IDS, UNFINISHED, Notes
from alphastream.uploads.symbols import is_pair, normalise
from alphastream.uploads.times import looks_like_time
from alphastream.uploads.words import fold

RECEIVED: Final = "received"
SYMBOL: Final = "symbol"
MAX_DOCUMENT: Final = 2**26  # bytes: a document is parsed at one go, and costs some ten times as much
_BATCH_ROWS: Final = 20_000
_SAMPLE_MESSAGES: Final = 2_000
_UNFINISHED: Final = ("false", "0")
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
        self._key: str | None = None
        self._only: str | None = None
        self._ends: str | None = None
        framed: list[tuple[Record, bytes]] = []
        for number, record, message in islice(self._framed(), _SAMPLE_MESSAGES):
            refuse_many_columns(part.file, len(record[0]), number)  # before each name is looked at
            framed.append((record, message))
        self._priced = any(has_price(record) for record, _ in framed)
        framed = [pair for pair in framed if self._counts(pair[0])][:SAMPLE_ROWS]
        if not framed:
            raise UploadError("no rows in this JSON: objects with a time and a price are needed", file=part.file)
        self._width = _usual_width([record for record, _ in framed])
        framed = [pair for pair in framed if self._is_row(pair[0])]
        rows = [record for record, _ in framed]
        self.bare = self._width is not None
        self.symbol = _common_symbol(rows) if self.bare else None
        if self._width is not None:
            self.columns: tuple[str, ...] = tuple(f"column {at}" for at in range(1, self._width + 1))
        else:
            self.columns = tuple(dict.fromkeys(name for cells, _ in rows for name in cells))
        refuse_many_columns(part.file, len(self.columns), self.first_line)
        rows = rows[: max(1, SAMPLE_CELLS // max(1, len(self.columns)))]
        self.rows = [self._cells(record, self.columns) for record in rows]
        self._ends = None if whole else finished_key(self.columns, self.rows)
        self._find_instrument([envelope_of(message) for _, message in framed[: len(rows)]])

    def _find_instrument(self, envelopes: Sequence[Cells]) -> None:
        """Add the symbol as a column, where only the messages around the rows name it."""
        if has_symbol(self.columns, self.rows):
            self.symbol = self.symbol or said_symbol(self.columns, self.rows)
            return
        self._key = naming_key(envelopes, self._whole)
        if self._key is None:
            return
        rows = [record for _, record in islice(self._rows(), len(self.rows))]
        if self._width is not None:
            names = list(dict.fromkeys(bare[-1] for _, bare in rows if bare is not None))
            self._only = names[0] if len(names) == 1 else None
            if self._only is None and content_of(names).kind != "symbol":
                seen = f"messages of several instruments ({few(names)})"
                raise UploadError(f"{seen}: keep those of one", file=self.part.file)
            self.symbol = self.symbol or (normalise(self._only) if self._only and is_pair(self._only) else None)
        if self._only is None:
            self.columns = (*self.columns, SYMBOL if self._width is None else f"column {len(self.columns) + 1}")
            self.rows = [self._cells(record, self.columns) for record in rows]

    def batches(self, columns: Sequence[str], notes: Notes) -> Iterator[Batch]:
        """See ``Table.batches``."""
        if self._note is not None:
            notes.say(self._note)
        table: list[list[str]] = []
        for _, record in self._rows(notes):
            table.append(self._cells(record, columns))
            if len(table) == _BATCH_ROWS:
                yield _batch(columns, table)
                table = []
        if table:
            yield _batch(columns, table)

    def line_of(self, row: int) -> int:
        """See ``Table.line_of``; of a document on one line, that line."""
        return next(islice((number for number, _ in self._rows()), row, None))

    def _rows(self, notes: Notes | None = None) -> Iterator[tuple[int, Record]]:
        """Records that are rows, with what the messages say of their instrument behind them."""
        instruments = Instruments(self._key) if self._key is not None else None
        if instruments is not None and notes is not None:
            notes.say(f"symbols are what {self._key!r} of the messages says")
        last, name = b"", ""
        for number, record, message in self._framed():
            if instruments is not None and message is not last:
                last, name = message, instruments(envelope_of(message))
            if not self._is_row(record):
                if notes is not None:
                    repeated = record[1] is not None and record[1][0] in UPDATES
                    notes.count(REPEATED_IDS if repeated else OTHER_MESSAGES, 1)
                continue
            if self._ends is not None and record[0].get(self._ends, "").lower() in _UNFINISHED:
                if notes is not None:
                    notes.count(UNFINISHED, 1)
                continue
            if self._width is not None and len(record[1] or ()) != self._width:
                found = f"{len(record[1])} values" if record[1] is not None else "an object"
                needed = (
                    f"{found} where other rows have {self._width} values: delete it or keep such rows in a file apart"
                )
                raise UploadError(needed, file=self.part.file, line=number)
            if self._only is not None and name.upper() != self._only:
                seen = f"messages of {name or 'nothing'} behind messages of {self._only}"
                raise UploadError(f"{seen}: keep those of one instrument", file=self.part.file, line=number)
            cells, bare = record
            if instruments is not None and self._only is None:
                record = (cells | {SYMBOL: name}, None) if bare is None else (cells, [*bare, name.upper()])
            yield number, record

    def _counts(self, record: Record) -> bool:
        if not self._whole and record[1] is not None and not _holds_values(record[1]):
            return False
        return has_price(record) or not self._priced

    def _is_row(self, record: Record) -> bool:
        """Lists among objects are no rows: they name channels, say."""
        return self._counts(record) and not (self._width is None and record[1] is not None)

    def _cells(self, record: Record, columns: Sequence[str]) -> list[str]:
        cells, bare = record
        if bare is not None:
            return bare if columns is self.columns else [bare[self.columns.index(column)] for column in columns]
        return [cells.get(column, "") for column in columns]

    def _framed(self) -> Iterator[tuple[int, Record, bytes]]:
        """Records, each with the line it begins on and the message it stands in."""
        if self._whole:
            yield from self._of_document()
            return
        told: set[str] = set()  # of trades
        for number, line in numbered_lines(self.part, self._encoding):
            found = _STAMPED.fullmatch(line)
            if found is None:
                if line.strip():
                    raise UploadError(
                        f"no JSON ({_cut(line)!r}): one message a line is needed", file=self.part.file, line=number
                    )
                continue
            time = found["time"].strip(" \t,;|\"'\ufeff")
            message = found["message"].encode(errors="surrogateescape")
            for cells, bare in self._parsed(message, number):
                yield number, (cells if not time else {RECEIVED: time} | cells, once(bare, told)), message

    def _of_document(self) -> Iterator[tuple[int, Record, bytes]]:
        with self.part.open() as stream:
            data = utf8(stream, self._encoding, self.part.file).read(MAX_DOCUMENT + 1)
        if len(data) > MAX_DOCUMENT:
            raise UploadError(
                f"one JSON document of more than {readable_size(MAX_DOCUMENT)}: one object a line, or a CSV, is needed",
                file=self.part.file,
            )
        data = data.removeprefix(BOM_UTF8).strip()
        for record in self._parsed(data, 1):
            yield 1, record, data

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


def _holds_values(cells: Sequence[str]) -> bool:
    """Whether a list may hold a time and a price: names of channels, or a heartbeat, do not."""
    return sum(looks_like_number(cell) or looks_like_time(cell) for cell in cells) > 1


def _common_symbol(rows: Sequence[Record]) -> str | None:
    found = {cell for cells, _ in rows for name, cell in cells.items() if fold(name) in ALIASES["symbol"][:-1]}
    found = {cell for cell in found if re.search(r"[^\W\d_]", cell)}  # "code": "0" says that all went well
    return normalise(found.pop()) or None if len(found) == 1 else None


def _batch(columns: Sequence[str], rows: list[list[str]]) -> dict[str, Any]:
    return {column: pa.array([row[at] for row in rows], pa.string()) for at, column in enumerate(columns)}


def _cut(line: str) -> str:
    return line if len(line) <= 60 else line[:57] + "..."
