"""Rows of the table of sealed files: which ticks left this file for one of the history.

A file of the history counts once its row stands here; the transaction that writes the row deletes the blocks. Names of
files about to be written are noted before, so that what a kill leaves behind is found and removed.
"""

import sqlite3
from collections.abc import Iterable
from typing import Final, NamedTuple

from alphastream.errors import ParameterError
from alphastream.tape.id_ranges import IdRuns
from alphastream.tape_files.instrument_rows import digest

TABLES: Final = (
    "CREATE TABLE sealed(id INTEGER PRIMARY KEY, instrument_id INTEGER NOT NULL, file TEXT NOT NULL, "
    "first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL, ticks INTEGER NOT NULL, runs TEXT NOT NULL)",
    "CREATE INDEX sealed_by_time ON sealed(instrument_id, last_ns, first_ns)",  # most reads are of what is newer
    "CREATE TABLE sealing(file TEXT PRIMARY KEY) WITHOUT ROWID",
)
_SEPARATOR: Final = ","


class SealedFile(NamedTuple):
    """A file that took ticks of an instrument.

    Parameters
    ----------
    file : its path below the history's root.
    first_ns, last_ns : the least and the largest time of its ticks.
    ids : which it holds; where ids are not contiguous, from the first to the last.
    """

    instrument: int
    file: str
    first_ns: int
    last_ns: int
    ticks: int
    ids: IdRuns

    @property
    def ends(self) -> tuple[int, int]:
        """The least and the largest id."""
        return self.ids.first or 0, self.ids.last or 0

    def values(self) -> tuple[int, int, str, int, int, int, str]:
        """The row, whose key is a digest of the rest: a row that was altered is noticed."""
        runs = _SEPARATOR.join(f"{first}-{last}" for first, last in self.ids.pairs())
        rest = (self.instrument, self.file, self.first_ns, self.last_ns, self.ticks, runs)
        return (digest(*rest), *rest)

    @classmethod
    def of(cls, values: Iterable[object]) -> "SealedFile | None":
        """Read a row; None where it is not what was written."""
        match tuple(values):
            case (int(key), int(instrument), str(file), int(first_ns), int(last_ns), int(ticks), str(runs)):
                if key != digest(instrument, file, first_ns, last_ns, ticks, runs):
                    return None
                try:
                    pairs = [tuple(map(int, run.split("-"))) for run in runs.split(_SEPARATOR)]
                    ids = IdRuns([(first, last) for first, last in pairs])
                except (ValueError, ParameterError):
                    return None
                return cls(instrument, file, first_ns, last_ns, ticks, ids)
        return None


def exist(connection: sqlite3.Connection) -> bool:
    """Whether anything was ever sealed: the tables are made with the first file."""
    query = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('sealed', 'sealing')"
    return bool(connection.execute(query).fetchone()[0] == 2)


def load(
    connection: sqlite3.Connection, instrument: int | None = None, times: tuple[int, int] | None = None
) -> list[SealedFile]:
    """Return the files that count, of one instrument or of all, by their least time.

    Parameters
    ----------
    times : with it, only files of an instrument that have times from the first on and before the second.

    Raises
    ------
    sqlite3.DatabaseError : a row is not what was written.
    """
    if not exist(connection):
        return []
    conditions: list[str] = []
    values: list[int] = []
    if instrument is not None:
        conditions, values = ["instrument_id = ?"], [instrument]
    if times is not None:
        conditions, values = [*conditions, "last_ns >= ?", "first_ns < ?"], [*values, *times]
    rows = connection.execute(f"SELECT * FROM sealed WHERE {' AND '.join(conditions) or 'true'}", values)
    found = []
    for row in rows.fetchall():
        each = SealedFile.of(row)
        if each is None:
            raise sqlite3.DatabaseError(f"what is known of a sealed file was altered: {row[2]}")
        found.append(each)
    return sorted(found, key=lambda each: (each.first_ns, each.file))


def announce(connection: sqlite3.Connection, files: Iterable[str]) -> None:
    """Note files that are about to be written."""
    connection.executemany("INSERT OR IGNORE INTO sealing VALUES (?)", [(file,) for file in files])


def announced(connection: sqlite3.Connection) -> list[str]:
    """Return files that were to be written and do not count."""
    if not exist(connection):
        return []
    query = "SELECT file FROM sealing WHERE file NOT IN (SELECT file FROM sealed)"
    return [file for (file,) in connection.execute(query).fetchall()]


def counting(connection: sqlite3.Connection) -> list[str]:
    """Return the names of the files that count, as they stand there."""
    return [file for (file,) in connection.execute("SELECT file FROM sealed").fetchall()] if exist(connection) else []


def known(connection: sqlite3.Connection) -> list[str]:
    """Return every file that counts or was to be written."""
    if not exist(connection):
        return []
    return [file for (file,) in connection.execute("SELECT file FROM sealing UNION SELECT file FROM sealed").fetchall()]


def forget(connection: sqlite3.Connection, files: Iterable[str]) -> None:
    """Take back a note."""
    connection.executemany("DELETE FROM sealing WHERE file = ?", [(file,) for file in files])


def delete(connection: sqlite3.Connection, instrument: int, floor: int) -> None:
    """Have files count no more that hold only ids below one."""
    if not exist(connection):
        return
    below = [(each.values()[0],) for each in load(connection, instrument) if each.ends[1] < floor]
    connection.executemany("DELETE FROM sealed WHERE id = ?", below)


def insert(connection: sqlite3.Connection, files: Iterable[SealedFile]) -> None:
    """Have files count."""
    connection.executemany(
        "INSERT OR REPLACE INTO sealed VALUES (?, ?, ?, ?, ?, ?, ?)", [each.values() for each in files]
    )
