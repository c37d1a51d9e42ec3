"""Opening a tape file to read it, beside whoever writes it."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final

from alphastream.errors import StorageError
from alphastream.tape.ring import Series
from alphastream.tape_files import instrument_rows, schema

Connection = sqlite3.Connection
Verify = Callable[[Connection, Path], None]

_HEADER: Final = 100  # bytes of an SQLite file that say whose it is
_WAIT_S: Final = 1.0


def is_tape_file(path: Path) -> bool:
    """Whether a file holds ticks as this program keeps them."""
    return owner_of(path) == schema.APPLICATION_ID


def owner_of(path: Path) -> int:
    """Return the number that says which program's file it is; 0 where that cannot be read."""
    try:
        with path.open("rb") as file:
            owner = int.from_bytes(file.read(_HEADER)[68:72], "big")
        if owner:
            return owner
        with closing(_opened(path)) as connection:  # of a new file it stands in the write-ahead log still
            return int(connection.execute("PRAGMA application_id").fetchone()[0])
    except (OSError, sqlite3.Error):
        return 0


def _opened(path: Path) -> sqlite3.Connection:
    uri = f"{path.resolve().as_uri()}?mode=ro"
    return sqlite3.connect(uri, uri=True, timeout=_WAIT_S, isolation_level=None, check_same_thread=False)


def connect(path: Path, verify: Verify = schema.verify) -> sqlite3.Connection:
    """Open a tape file at one moment, which a transaction holds until the connection is closed.

    Parameters
    ----------
    verify : raises StorageError unless this program knows the file's schema.

    Raises
    ------
    StorageError : it cannot be read, or is of a newer program.
    """
    connection = None
    try:
        connection = _opened(path)
        connection.execute("BEGIN")
        verify(connection, path)
    except (sqlite3.Error, StorageError) as error:
        if connection is not None:
            connection.close()
        if isinstance(error, StorageError):
            raise
        raise StorageError(f"{path} cannot be read: {error}") from error
    return connection


@contextmanager
def one_moment(paths: Iterable[Path], verify: Verify = schema.verify) -> Iterator[dict[Path, Connection]]:
    """Hold one moment of each of several files.

    Parameters
    ----------
    verify : as in ``connect``.

    Raises
    ------
    StorageError : one cannot be read, here or later in the block.
    """
    with ExitStack() as held:
        opened = {path: held.enter_context(closing(connect(path, verify))) for path in paths}
        try:
            yield opened
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise StorageError(f"a tape file is not readable: {error}: its own process mends it, read again") from error


def instruments(connection: sqlite3.Connection) -> dict[Series, int]:
    """Every instrument and its number."""
    return instrument_rows.load(connection)
