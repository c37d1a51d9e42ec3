"""A published file brought into a history: checked whole first, then written day by day, once.

Whatever the history holds already of a day is left out: a daily and a monthly file of one day do not double, and an
import that was killed goes on where it stopped. A note beside the history tells which files are all in, so that they
are passed over without being unpacked again.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa

from alphastream.errors import UploadError
from alphastream.history.incoming import Incoming
from alphastream.history.layout import Kind, Partition, folder
from alphastream.history.places import Place
from alphastream.history.published import CHECKSUM, PublishedFile
from alphastream.history.published_rows import Arrays, Block, blocks_of, part_of
from alphastream.history.tables import SCHEMAS, times

RAW: Final = "trades"
"""Host under which single trades are kept, as in ``binance-usdm@trades``: they are numbered apart from aggregates."""

_KINDS: Final[dict[str, Kind]] = {
    "aggTrades": "ticks",
    "trades": "ticks",
    "klines": "bars",
    "bookTicker": "quotes",
    "fundingRate": "funding",
}
_NOTES: Final = "imports"  # folder of the notes

Report = Callable[[str, float], None]


class Imported(NamedTuple):
    """What became of a file.

    Parameters
    ----------
    instrument : under which its rows are kept.
    new, held : rows that were written, and that the history had already.
    left_out : rows without a price or a quantity.
    passed_over : whether the whole file was in already.
    """

    kind: Kind
    instrument: str
    new: int = 0
    held: int = 0
    left_out: int = 0
    passed_over: bool = False


def kept_as(file: PublishedFile) -> tuple[Kind, str]:
    """Return the kind of a file's rows and the instrument they are kept under."""
    venue, symbol = file.instrument.venue, file.instrument.symbol
    return _KINDS[file.content], f"{venue}@{RAW}:{symbol}" if file.content == "trades" else str(file.instrument)


def import_file(place: Place, file: PublishedFile, report: Report = lambda doing, share: None) -> Imported:
    """Bring a file into a history.

    Parameters
    ----------
    report : told what is being done and how much of that is done, 0 to 1.

    Raises
    ------
    UploadError : the file is damaged, is not what the checksum beside it says, or holds what it should not; nothing
        of it was written.
    StorageError : the history cannot be read or written.
    """
    kind, instrument = kept_as(file)
    digest = _checked_digest(file)
    note = f"{_NOTES}/{folder(kind, instrument)}/{digest[:32]}.json"
    if _is_in(place, note):
        return Imported(kind, instrument, passed_over=True)
    unpacked = _check(file, report)
    with Incoming(place, kind, instrument, file.interval_ns / 1e9) as incoming:
        for columns, _, read_bytes in _blocks(file):
            incoming.add(_table(file, kind, columns))
            report("writing", read_bytes / max(unpacked.read_bytes, 1))
    _write_note(place, note, file, incoming.days)
    return Imported(kind, instrument, incoming.new, incoming.held, unpacked.left_out)


class _Checked(NamedTuple):
    read_bytes: int
    left_out: int


def _check(file: PublishedFile, report: Report) -> _Checked:
    """Read a file to its end: what is wrong with it shows before anything is written."""
    read_bytes = left_out = 0
    size = max(file.path.stat().st_size, 1)
    for block in _blocks(file, lambda packed: report("checking", packed / size)):
        read_bytes = block.read_bytes
        left_out += block.left_out
    return _Checked(read_bytes, left_out)


def _blocks(file: PublishedFile, report: Callable[[int], None] = lambda packed: None) -> Iterator[Block]:
    with file.path.open("rb") as stream:
        for block in blocks_of(file, part_of(file, stream)):
            report(stream.tell())
            yield block


def _checked_digest(file: PublishedFile) -> str:
    """The SHA-256 of a file, which is that of the CHECKSUM file beside it, where there is one."""
    try:
        with file.path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        beside = Path(f"{file.path}{CHECKSUM}")
        said = beside.read_text("utf-8", "replace").split() if beside.exists() else [digest]
    except OSError as error:
        raise UploadError(f"cannot be read: {error}", file=file.path.name) from error
    if not said or said[0].lower() != digest:
        raise UploadError(
            f"its SHA-256 is {digest[:16]}…, {beside.name} says {(said or ['nothing'])[0][:16]}…: download both again",
            file=file.path.name,
        )
    return digest


def _is_in(place: Place, note: str) -> bool:
    """Whether a file is in the history: its note is there, and so are all the files that the note names."""
    if not place.find(note.rpartition("/")[0], note.rpartition("/")[2]):
        return False
    with place.arrow.open_input_stream(place.full(note)) as stream:
        said = json.loads(stream.read())
    there = {found.path for day in said["folders"] for found in place.find(day)}
    return set(said["files"]) <= there


def _write_note(place: Place, note: str, file: PublishedFile, days: set[date]) -> None:
    kind, instrument = kept_as(file)
    folders = [Partition.of(kind, instrument, day).folder for day in sorted(days)]
    held = [found.path for day in folders for found in place.find(day)]
    with place.writing(note) as stream:
        stream.write(json.dumps({"file": file.path.name, "folders": folders, "files": held}, indent=1).encode())


def _table(file: PublishedFile, kind: Kind, columns: Arrays) -> pa.Table:
    """Rows as the history keeps them; nobody saw them arrive."""
    time_ns = columns["time_ns"]
    found: dict[str, Any] = {**columns, "time": times(time_ns), "receive": times(np.zeros(len(time_ns), np.int64))}
    if kind == "bars":  # when the first and the last trade were is not published: anywhere in the bar
        seconds = file.interval_ns / 1e9
        found |= {"seconds": np.full(len(time_ns), seconds), "first": found["time"]}
        found["last"] = times(time_ns + file.interval_ns - 1)
    elif kind == "funding":
        found["mark"] = np.full(len(time_ns), np.nan)
    schema = SCHEMAS[kind]
    return pa.table([pa.array(found[name]) for name in schema.names], schema=schema)
