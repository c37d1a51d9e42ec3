"""Opening a tick file to write: made where it is new, rewritten where it is of the first schema."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from alphastream.errors import StorageError
from alphastream.tape_files import schema
from alphastream.tape_files.schema import Origin
from runtime.stores.migration import migrate


def open_writer(connect: Callable[[], sqlite3.Connection], path: Path, origin: Origin | None) -> sqlite3.Connection:
    """Return a connection that may write.

    Parameters
    ----------
    connect : opens the file, made where there is none.
    path : the file.
    origin : who fills it; written down where nobody has said so.

    Raises
    ------
    StorageError : it is of another program, of a newer schema, of another origin, or not on a local disk.
    sqlite3.Error : it cannot be read.
    """
    connection = connect()
    try:
        is_new = schema.is_empty(connection)
        if not is_new and schema.version_of(connection, path) == schema.OLD_VERSION:
            connection.close()
            _migrate(path, origin.venue if origin is not None else "")
            connection = connect()
        if not is_new:
            schema.verify(connection, path)  # before anything in a foreign file is touched
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise StorageError(f"{path} cannot use write-ahead logging here: name a file on a local disk")
        connection.execute("PRAGMA synchronous = NORMAL")
        if schema.is_empty(connection):
            connection.executescript(schema.SQL)
        if origin is not None:
            schema.claim(connection, path, origin)
    except BaseException:
        connection.close()
        raise
    return connection


def _migrate(path: Path, venue: str) -> None:
    try:
        migrate(path, venue)
    except (sqlite3.OperationalError, OSError) as error:
        raise StorageError(
            f"{path} could not be rewritten for this program ({error}): it is as it was; make room or rights "
            "for a second file beside it"
        ) from error
