"""Files that people upload, as sorted ticks or bars by symbol.

    layout = inspect(name, data)             # what the file looks like: show it, let the person correct it
    upload = read(name, data)                # or read(name, data, mapping={"time": "Datum"}, symbol="BTCUSDT")
    pair = require_pair(combine(upload, another))

Read are tables, plain, zipped or packed (gzip, bzip2, xz, zstd), with any usual separator, with or without a header,
and NDJSON: what Binance, Kraken, Coinbase, CryptoDataDownload, TradingView and Yahoo give away, long (a symbol column),
wide (columns a symbol) or of one symbol, whose name comes from the file's name or from the person.

No row is lost in silence: a row that cannot be read is an error that names file, line and column, and every row that
is dropped, because it repeats another, is counted in ``Upload.notes``.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Final

import pandas as pd

from alphastream.errors import UploadError
from alphastream.instruments import venue_of
from alphastream.uploads.cells import CellError
from alphastream.uploads.columns import Kind, override
from alphastream.uploads.containers import MAX_BYTES, check_size, parts_of
from alphastream.uploads.dates import Order
from alphastream.uploads.forms import Table, open_table
from alphastream.uploads.gather import gather
from alphastream.uploads.joining import JoinError, Piece, joined
from alphastream.uploads.layout import Layout, layout_of
from alphastream.uploads.legs import interval_of
from alphastream.uploads.memory import MEMORY, Reservation
from alphastream.uploads.notes import Notes
from alphastream.uploads.symbols import normalise

_WORKING_BYTES: Final = 2**25  # blocks on their way from the file to the columns

__all__ = ["MAX_BYTES", "Layout", "Upload", "check_size", "combine", "inspect", "read", "require_pair"]


@dataclass(frozen=True, slots=True)
class Upload:
    """Ticks or bars, as they came out of one file or several.

    Parameters
    ----------
    files : names of the files.
    kind : "ticks" or "bars".
    frames : symbol to rows, oldest first. Ticks: ``time_ns`` (int64, UTC), ``price``, ``quantity`` and, where the file
        has them, ``id`` (int64) and ``buyer_is_maker`` (bool). Bars: ``time_ns`` (start of the bar), ``open``,
        ``high``, ``low``, ``close``, ``volume``. Quantities and volumes are NaN where nobody knows them.
    notes : what was done and decided, in sentences.
    interval_ns : commonest step between bars, the longest among the symbols (``series.spacings`` has each); None for
        ticks and for a single bar.
    venue : the one of all symbols, where these are full names, as those of our own files; else "".
    has_length : that each bar lasts ``interval_ns`` is known; else the steps between bars tell how long each lasts.
    """

    files: tuple[str, ...]
    kind: Kind
    frames: Mapping[str, pd.DataFrame]
    notes: tuple[str, ...]
    interval_ns: int | None
    venue: str = ""
    has_length: bool = False

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols, in the order of the file."""
        return tuple(self.frames)


def inspect(name: str | Path, data: bytes | BinaryIO | None = None, max_bytes: int = MAX_BYTES) -> Layout:
    """What a file looks like, judged by its beginning; of an archive, the first file inside.

    A table whose columns make no sense is described as well: ``Layout.problem`` says what is missing. ``name`` and
    ``data`` are those of ``read``.

    Raises
    ------
    UploadError
        The file is no table at all: empty, a web page, binary, damaged, too large.
    """
    with _opened(name, data) as (file, stream), _one_sentence(file):
        parts = parts_of(file, stream, max_bytes)
        layout = layout_of(open_table(parts[0]))
    if len(parts) == 1:
        return layout
    note = f"{len(parts)} files inside, all are read: this is {parts[0].file}"
    return replace(layout, proposal=replace(layout.proposal, notes=(note, *layout.notes)))


def read(
    name: str | Path,
    data: bytes | BinaryIO | None = None,
    mapping: Mapping[str, str | None] | None = None,
    symbol: str | None = None,
    max_bytes: int = MAX_BYTES,
    order: Order | None = None,
) -> Upload:
    """Read a file completely.

    Parameters
    ----------
    name : the file's name, for messages and for the symbol in it; without ``data``, the path of the file.
    data : the bytes, or a seekable binary stream (it stays open).
    mapping : role to column, put on top of what the file proposes (``Layout.roles``); None takes a role away.
    symbol : name of the symbol, for a file of one.
    max_bytes : larger files are refused before they are read; what an archive may unpack to follows from its size
        and from this (``containers.most_unpacked``).

    order : of day, month and year in the file's dates, where their spacing does not tell it.

    Raises
    ------
    UploadError
        With file, line and column of the first thing that cannot be read.
    ParameterError
        The mapping names an unknown role or column.
    """
    notes = Notes()
    pieces: dict[str, list[Piece]] = {}
    with _opened(name, data) as (file, stream), _one_sentence(file), MEMORY.reading(file) as memory:
        together = _Together(file, symbol)
        memory.grow(_WORKING_BYTES)
        for part in parts_of(file, stream, max_bytes):  # one after the other: what the next one holds is not held yet
            table = open_table(part)
            layout = _layout(table, mapping)
            together.add(layout)
            for owner, leg in gather(table, layout, symbol, notes, memory, order).items():
                pieces.setdefault(owner, []).append(Piece(layout.file, leg))
        return _upload((file,), layout.kind, pieces, notes, ())


@contextmanager
def _opened(name: str | Path, data: bytes | BinaryIO | None) -> Iterator[tuple[str, bytes | BinaryIO]]:
    """The name without its folder, and the bytes; a path is opened, and closed again."""
    if data is not None:
        yield str(name), data
        return
    path = Path(name)
    try:
        stream = path.open("rb")
    except OSError as error:
        raise UploadError(f"cannot be opened ({error.strerror}): check the path", file=str(name)) from error
    with stream:
        yield path.name, stream


def combine(*uploads: Upload) -> Upload:
    """Several files as one; where some have the same symbol, their rows are joined, and what two have is kept once.

    Raises
    ------
    UploadError
        Some hold ticks and others bars, bars of one symbol have several lengths, or files of one symbol disagree.
    """
    if len({upload.kind for upload in uploads}) != 1:
        kinds = ", ".join(f"{' and '.join(upload.files)}: {upload.kind}" for upload in uploads) or "no file"
        raise UploadError(f"files of one kind are needed, not {kinds}", file="upload")
    if len(uploads) == 1:
        return uploads[0]
    with _one_sentence("upload"), MEMORY.reading("upload") as memory:
        return _combined(uploads, memory)


def _combined(uploads: Sequence[Upload], memory: Reservation) -> Upload:
    pieces: dict[str, list[Piece]] = {}
    for upload in uploads:
        for symbol, frame in upload.frames.items():
            leg = {str(column): frame[column].to_numpy() for column in frame}
            pieces.setdefault(symbol, []).append(Piece(" and ".join(upload.files), leg))
    several = [piece.leg for some in pieces.values() if len(some) > 1 for piece in some]
    memory.grow(2 * sum(values.nbytes for leg in several for values in leg.values()))
    said = [
        f"{upload.files[0]}: {note}" if len(upload.files) == 1 else note for upload in uploads for note in upload.notes
    ]
    files = tuple(dict.fromkeys(file for upload in uploads for file in upload.files))
    return _upload(files, uploads[0].kind, pieces, Notes(), tuple(said))


def require_pair(upload: Upload) -> Upload:
    """The same upload, if a pair can be made of it: two symbols, with some time in common.

    Raises
    ------
    UploadError
        There is only one symbol, or the only two have no time in common.
    """
    file = " and ".join(upload.files)
    if len(upload.frames) < 2:
        raise UploadError(
            f"only {', '.join(upload.symbols)} is in there, and a pair needs two symbols: add a second file with the "
            "other symbol, or a file with both",
            file=file,
        )
    if len(upload.frames) == 2:
        spans = {
            symbol: (frame["time_ns"].iloc[0], frame["time_ns"].iloc[-1]) for symbol, frame in upload.frames.items()
        }
        (first, (begin, end)), (second, (other_begin, other_end)) = spans.items()
        if end < other_begin or other_end < begin:
            early, late = (first, second) if end < other_begin else (second, first)
            ends, begins = _day(spans[early][1]), _day(spans[late][0])
            raise UploadError(
                f"{early} ends {ends}, before {late} begins {begins}: files of one time are needed", file=file
            )
    return upload


def _layout(table: Table, mapping: Mapping[str, str | None] | None) -> Layout:
    layout = layout_of(table)
    if mapping:
        chosen = override(layout.proposal, mapping, layout.columns)
        column = chosen.roles.get("price") or chosen.roles.get("close")
        # One column of several names its symbol; a whole bar is of what the file's name says.
        if layout.shape == "wide" and chosen.shape == "single" and column is not None and "open" not in chosen.roles:
            layout = replace(layout, symbol=normalise(column.column))
        layout = replace(layout, proposal=chosen)
    if layout.problem is not None:
        line = None if table.unit == "row" else layout.header_line or layout.first_line  # it is about columns
        raise UploadError(layout.problem, file=layout.file, line=line)
    return layout


class _Together:
    """The files of one archive: all of one kind, and given a name by a person only where they are of one symbol."""

    def __init__(self, name: str, symbol: str | None) -> None:
        self._name = name
        self._symbol = symbol
        self._kinds: dict[Kind, str] = {}
        self._singles: set[str] = set()

    def add(self, layout: Layout) -> None:
        """Refuse what does not belong to the files before."""
        self._kinds[layout.kind] = layout.file
        if len(self._kinds) > 1:
            ticks, bars = self._kinds["ticks"], self._kinds["bars"]
            raise UploadError(f"ticks in {ticks} and bars in {bars}: upload them apart", file=self._name)
        if layout.shape == "single" and layout.symbol is not None:
            self._singles.add(layout.symbol)
        if self._symbol is not None and len(self._singles) > 1:
            found = ", ".join(sorted(self._singles))
            raise UploadError(
                f"files of several symbols ({found}) cannot all be {self._symbol}: give no symbol", file=self._name
            )


@contextmanager
def _one_sentence(file: str) -> Iterator[None]:
    """What has no place in the file, or no room in the memory, is an UploadError as well."""
    try:
        yield
    except CellError as error:
        raise UploadError(f"{error.seen!r}: {error.needed}", file=file) from error
    except MemoryError as error:
        raise UploadError("reading this takes more memory than is free here: upload fewer days", file=file) from error


def _upload(
    files: tuple[str, ...], kind: Kind, pieces: Mapping[str, list[Piece]], notes: Notes, said: tuple[str, ...]
) -> Upload:
    legs = {}
    for symbol, some in pieces.items():
        try:
            legs[symbol] = joined(some, kind, notes)
        except JoinError as error:
            raise UploadError(f"{symbol}: {error}", file=" and ".join(dict.fromkeys(error.files))) from None
    frames = {symbol: pd.DataFrame(leg, copy=False) for symbol, leg in legs.items()}
    interval_ns = interval_of(list(legs.values())) if kind == "bars" else None
    return Upload(files, kind, frames, (*said, *notes.sentences()), interval_ns, venue_of(frames))


def _day(time_ns: int) -> str:
    return str(pd.Timestamp(time_ns, tz="UTC").strftime("%Y-%m-%d %H:%M"))
