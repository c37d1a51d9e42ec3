"""The format of a tick file: its tables, how it is known, and what is refused."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple, Self
from urllib.parse import urlsplit

from alphastream.errors import StorageError
from alphastream.tape_files import block_rows, instrument_rows, sealed_rows
from alphastream.tape_files.instrument_rows import digest

VERSION: Final = 2
SEALED_VERSION: Final = 3  # the same, and older ticks are in files of a history
OLD_VERSION: Final = 1  # a row a tick
_NO_VERSION: Final = 1_000  # and more were written by no program
APPLICATION_ID: Final = 0x414C5053  # "ALPS": tells a tick store from any other SQLite file
# "origin" has one row, where the address that fills the file is known; its rowid is a digest of it. "lost" are ids of
# damaged blocks that were set aside: they are missing also where no tick stands on either side.
SQL: Final = f"""
BEGIN;
CREATE TABLE origin(venue TEXT NOT NULL, host TEXT NOT NULL);
{instrument_rows.TABLE}
CREATE TABLE runs(
    instrument_id INTEGER NOT NULL, first_id INTEGER NOT NULL, last_id INTEGER NOT NULL,
    PRIMARY KEY(instrument_id, first_id)) WITHOUT ROWID;
CREATE TABLE lost(
    instrument_id INTEGER NOT NULL, first_id INTEGER NOT NULL, last_id INTEGER NOT NULL,
    PRIMARY KEY(instrument_id, first_id)) WITHOUT ROWID;
{block_rows.TABLES}
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
COMMIT;
"""


class Origin(NamedTuple):
    """Who fills a file: a venue, and the host that answers for it. Ids of two hosts are not of one tape."""

    venue: str
    host: str

    @classmethod
    def at(cls, venue: str, url: str) -> Self:
        """Take the host of an address; this machine has one name, whichever it was called by.

        Examples
        --------
        >>> Origin.at("binance-usdm", "wss://fstream.binance.com/market/stream").host
        'fstream.binance.com'
        >>> Origin.at("binance-usdm", "ws://localhost:9000").host
        '127.0.0.1'
        """
        host = urlsplit(url).hostname or ""
        return cls(venue, "127.0.0.1" if host in ("localhost", "::1") or host.startswith("127.") else host)


def origin_of(connection: sqlite3.Connection) -> Origin | None:
    """Who fills a file, None where nobody has said so."""
    for number, *names in connection.execute("SELECT rowid, venue, host FROM origin"):
        if number == digest(*names):
            return Origin(*names)
    return None


def may_fill(path: Path, origin: Origin, *, is_own: bool) -> bool:
    """Whether a file may hold trades of an origin: its own, or none yet.

    Parameters
    ----------
    is_own : whether the host is the venue's own. A file with trades that does not say who filled it is of that host.
    """
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            is_old = connection.execute("PRAGMA user_version").fetchone()[0] == OLD_VERSION
            known = None if is_old else origin_of(connection)
            if known is not None:
                return known == origin
            table = "symbols" if is_old else "instruments"
            return is_own or connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == 0
    except sqlite3.Error:  # a file that cannot be read: who opens it says so
        return True


def tape_path(folder: Path, origin: Origin, *, is_own: bool) -> Path:
    """Return the file for the trades of a venue that come from a host, so that ids of two hosts never meet in one.

    Parameters
    ----------
    folder : where tapes are kept.
    is_own : whether the host is the venue's own. A file with trades that does not say who filled it is of that host.
    """
    usual = folder / f"{origin.venue}.db"
    if not usual.exists() or may_fill(usual, origin, is_own=is_own):
        return usual
    return folder / f"{origin.venue}@{origin.host.replace(':', '-')}.db"


def claim(connection: sqlite3.Connection, path: Path, origin: Origin) -> None:
    """Write down who fills a file; StorageError where somebody else does."""
    known = origin_of(connection)
    if known is None:
        connection.execute("DELETE FROM origin")  # what was altered
        connection.execute("INSERT INTO origin(rowid, venue, host) VALUES (?, ?, ?)", (digest(*origin), *origin))
    elif known != origin:
        raise StorageError(
            f"{path} holds trades of {known.venue} from {known.host}: those of {origin.venue} from {origin.host} have "
            "ids of their own, name another file"
        )


def is_empty(connection: sqlite3.Connection) -> bool:
    """Whether no table was made yet."""
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return bool(tables == 0)


def version_of(connection: sqlite3.Connection, path: Path) -> int:
    """The schema's version; StorageError where this is no tick store."""
    owner = connection.execute("PRAGMA application_id").fetchone()[0]
    if owner == 0 and is_empty(connection):
        raise StorageError(f"{path} is empty: nothing was recorded into it yet, try again in a moment")
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if {"blocks", "bodies", "instruments"} <= tables and (owner != APPLICATION_ID or not 0 < version < _NO_VERSION):
        raise sqlite3.DatabaseError("its header is not what was written")
    if owner != APPLICATION_ID:
        raise StorageError(f"{path} is an SQLite file of another program, not a tick store: name another file")
    return version


def verify(connection: sqlite3.Connection, path: Path) -> None:
    """Raise StorageError unless this program knows the file's schema."""
    version = version_of(connection, path)
    if version == OLD_VERSION:
        raise StorageError(
            f"{path} has schema version {version}: open it once to write, which rewrites it as version {VERSION}"
        )
    if version not in (VERSION, SEALED_VERSION):
        raise StorageError(
            f"{path} has schema version {version}, this program knows {VERSION} and {SEALED_VERSION}: "
            "use the newer program that wrote it, or name another file"
        )


def make_room_for_sealed(connection: sqlite3.Connection) -> None:
    """Add the tables of sealed files, within a transaction. Programs that do not know them refuse the file then."""
    if not sealed_rows.exist(connection):
        for statement in sealed_rows.TABLES:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SEALED_VERSION}")
