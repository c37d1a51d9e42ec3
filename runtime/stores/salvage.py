"""A tick file that SQLite cannot read any more: what is sound goes into a new file, the old one is kept beside it.

Every block proves by its checksum that it is what was written, so it does not matter how it was found. Ids that the
old file claims to hold and that are not in the new one are written down as lost: they are gaps, and fetched again.

The new file takes the name of the old one when all of it was written. A kill before begins anew, a kill in the middle
of the renaming is made good when the file is opened next.
"""

import logging
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from alphastream.errors import DamagedBlockError
from alphastream.tape.columns import TickColumns
from alphastream.tape.id_ranges import IdRuns
from alphastream.tape.ring import Series
from alphastream.tape_files import block_rows, instrument_rows, schema, sealed_rows
from alphastream.tape_files.block_rows import StoredBlock
from alphastream.tape_files.instrument_rows import digest
from alphastream.tape_files.sealed_rows import SealedFile
from runtime.stores import numbering
from runtime.stores.pages import PAGE, Cell, Pages

log = logging.getLogger(__name__)

_BESIDE: Final = ("", "-wal", "-shm")  # endings of the files that belong together
_TABLES: Final = (b"CREATE TABLE blocks(", b"CREATE TABLE bodies(")
_MAGIC: Final = b"SQLite format 3\0"
_SMALLEST_FILE: Final = 512
_APPLICATION_ID_AT: Final = 68
_MOST_CLAIMED: Final = 1_000_000  # ids in a run that is believed whatever the size of the file


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What became of a damaged file.

    Parameters
    ----------
    new : the file that was written beside it, to be put in its place.
    ticks, blocks : that are in there.
    lost : ids that the old file claims to hold and that are not in there, by series.
    """

    new: Path
    ticks: int
    blocks: int
    lost: dict[Series, IdRuns]


@dataclass(slots=True)
class _Remains:
    """Rows found on the pages of a file."""

    series: dict[int, Series]
    blocks: set[StoredBlock] = field(default_factory=set)
    bodies: dict[int, list[Cell]] = field(default_factory=dict)
    claims: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    origin: schema.Origin | None = None
    sealed: list[SealedFile] = field(default_factory=list)


def may_be_salvaged(path: Path) -> bool:
    """Whether a file was a tick store of this program before it was damaged; False where it is out of reach."""
    try:
        with Pages(path) as pages:
            return _was_ours(pages)
    except OSError:
        return False


def has_only_a_log(path: Path) -> bool:
    """Whether only the write-ahead log of a file is left, which SQLite would delete."""
    log_file = path.with_name(f"{path.name}-wal")
    return (not path.exists() or not path.stat().st_size) and log_file.exists() and log_file.stat().st_size > 0


def salvage(path: Path, known: Iterable[Series] = ()) -> Salvaged:
    """Write what is sound in a damaged file into a new one beside it; ``put_in_place`` puts it there.

    Parameters
    ----------
    path : the file. It is only read.
    known : series that it holds, where that is known from elsewhere.

    Raises
    ------
    sqlite3.Error, OSError : it cannot be read, or the new file not written.
    """
    unfinished = path.with_name(f"{path.name}.salvaging")
    finished = path.with_name(f"{path.name}.salvaged-{time.time_ns() // 1_000_000}")
    unfinished.unlink(missing_ok=True)
    try:
        with Pages(path) as pages, closing(sqlite3.connect(unfinished, isolation_level=None)) as new:
            new.execute("PRAGMA synchronous = FULL")
            new.executescript(schema.SQL)
            new.execute("BEGIN")
            remains = _remains(pages, known)
            if remains.origin is not None:
                schema.claim(new, path, remains.origin)
            held, blocks = _copy(pages, remains, new)
            lost = _note_lost(remains, held, new, max(_MOST_CLAIMED, pages.count * PAGE))
            new.execute("COMMIT")
        os.replace(unfinished, finished)
    finally:
        unfinished.unlink(missing_ok=True)
    return Salvaged(finished, sum(map(len, held.values())), blocks, lost)


def put_in_place(path: Path) -> Path | None:
    """Move a damaged file aside, with its log, and put what was salvaged of it there.

    Returns
    -------
    where the damaged file lies now; None where nothing was salvaged.
    """
    finished = sorted(path.parent.glob(f"{_escaped(path.name)}.salvaged-*"))
    if not finished:
        return None
    kept = set_aside(path, finished[-1].name.rpartition("-")[2])
    os.replace(finished[-1], path)
    for older in finished[:-1]:
        older.unlink()
    return kept


def set_aside(path: Path, stamp: str = "") -> Path:
    """Rename a damaged file, with its log; its new name. ``stamp`` tells it from others, else the time does."""
    kept = path.with_name(f"{path.stem}.damaged-{stamp or time.time_ns() // 1_000_000}{path.suffix}")
    for ending in _BESIDE:  # the file first: nobody opens it any more, so nobody makes a new log
        part = path.with_name(path.name + ending)
        if part.exists():
            os.replace(part, kept.with_name(kept.name + ending))
    return kept


def _was_ours(pages: Pages) -> bool:
    first = pages[1]
    owner = int.from_bytes(first[_APPLICATION_ID_AT : _APPLICATION_ID_AT + 4], "big")
    if owner == schema.APPLICATION_ID and _version(first) != schema.OLD_VERSION:
        return True
    if all(table in first for table in _TABLES) or (first and not any(first)):
        return True
    if 0 < len(first) < _SMALLEST_FILE and _MAGIC.startswith(first[: len(_MAGIC)]):
        return True  # of no program any more
    return next(_sound_blocks(pages, _remains(pages, ())), None) is not None


def _escaped(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _version(header: bytes) -> int:
    return int.from_bytes(header[60:64], "big")


def _remains(pages: Pages, known: Iterable[Series]) -> _Remains:
    remains = _Remains({instrument_rows.number_of(series): series for series in known})
    for cell in pages.cells():
        match cell:
            case Cell(rowid=None, values=(int(), int(), int(), int(), int(), int(), int(), int())):
                remains.blocks.add(StoredBlock(*cell.values))  # type: ignore[arg-type]
            case Cell(rowid=None, values=(int(number), int(first), int(last))):
                remains.claims.setdefault(number, []).append((first, last))
            case (
                Cell(rowid=int(number), values=(None, str(venue), str(symbol), int(epoch)))
                | Cell(rowid=None, values=(str(venue), str(symbol), int(epoch), int(number)))
            ):
                if series := instrument_rows.series_of(number, venue, symbol, epoch):
                    remains.series[number] = series
            case Cell(rowid=int(number), values=(str(venue), str(host))):
                if number == digest(venue, host):
                    remains.origin = schema.Origin(venue, host)
            case Cell(rowid=int(number), values=(None, int(), str(), int(), int(), int(), str())):
                if sealed := SealedFile.of((number, *cell.values[1:])):
                    remains.sealed.append(sealed)
            case Cell(rowid=int(number), values=(None, bytes() | None)):
                remains.bodies.setdefault(number, []).append(cell)
    return remains


def _sound_blocks(pages: Pages, remains: _Remains) -> Iterator[tuple[StoredBlock, bytes, TickColumns]]:
    """Blocks whose checksum fits, with their bodies and ticks, by instrument and first id, the largest first."""
    blocks = remains.blocks.copy()
    for number, cells in remains.bodies.items():
        heads = (block_rows.parsed(number, pages.body(cell)) for cell in cells)
        blocks |= {head for head, _ in heads if head is not None}
    for block in sorted(blocks, key=lambda each: (each.instrument, each.first_id, -each.ticks)):
        for cell in remains.bodies.get(block.body_id, ()):
            _, body = block_rows.parsed(block.body_id, pages.body(cell))
            try:
                ticks = block_rows.decoded(block, body)
            except DamagedBlockError:
                continue
            yield block, body, ticks
            break


def _copy(pages: Pages, remains: _Remains, new: sqlite3.Connection) -> tuple[dict[int, IdRuns], int]:
    """Write every sound block of a known instrument; the ids written, by instrument, and how many blocks."""
    held: dict[int, IdRuns] = {}
    count = 0
    for series in remains.series.values():
        held[instrument_rows.insert(new, series)] = IdRuns()
    sealed = [each for each in remains.sealed if each.instrument in held]
    if sealed:
        schema.make_room_for_sealed(new)
        sealed_rows.insert(new, sealed)
    is_numbered = numbering.is_numbered(remains.origin)
    if is_numbered:  # else what came late lies between the ids that a sealed file goes from and to
        _add(held, sealed)
    for block, body, ticks in _sound_blocks(pages, remains):
        if block.instrument not in held:
            continue
        runs = held[block.instrument]
        if not runs.extend(ticks.id):
            found = IdRuns.of(ticks.id)
            missing = found.without(runs)
            held[block.instrument] = runs.union(found)
            if len(missing) < len(found):  # a block that was merged into another lies about still
                ticks = ticks.rows(np.array([number in missing for number in ticks.id.tolist()], dtype=np.bool_))
                block_rows.insert(new, block.instrument, ticks)
                continue
        block_rows.put(new, block, body)
        count += 1
    if not is_numbered:
        _add(held, sealed)
    return held, count


def _add(held: dict[int, IdRuns], sealed: Iterable[SealedFile]) -> None:
    for each in sealed:
        held[each.instrument] = held[each.instrument].union(each.ids)


def _note_lost(remains: _Remains, held: dict[int, IdRuns], new: sqlite3.Connection, most: int) -> dict[Series, IdRuns]:
    """Write down what is held, and what was claimed and is not; return that by series."""
    lost: dict[Series, IdRuns] = {}
    for number, runs in held.items():
        claims = [(first, last) for first, last in remains.claims.get(number, ()) if 0 <= last - first < most]
        absent = IdRuns.joined(claims).without(runs)
        if not numbering.is_numbered(remains.origin):
            runs, absent = numbering.span(runs), IdRuns()
        for table, pairs in (("runs", runs.pairs()), ("lost", absent.pairs())):
            new.executemany(f"INSERT INTO {table} VALUES ({number}, ?, ?)", pairs)
        if absent:
            lost[remains.series[number]] = absent
    return lost
