"""SQLite connections to one tick file: one that writes, and those that readers borrow."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Literal

from alphastream.errors import StorageError
from runtime.stores import names

ERRORS: Final = (sqlite3.Error, UnicodeDecodeError)  # what the sqlite3 module raises at a file
_LOCK_WAIT_S = 1.0  # SQLite waits this long for another process's write lock
_IDLE_READERS: Final = 4
_DAMAGES: Final = {1, 11, 17, 19, 20, 24, 26}  # ERROR, CORRUPT, SCHEMA, CONSTRAINT, MISMATCH, FORMAT, NOTADB


def is_damage(error: BaseException) -> bool:
    """Whether an error of SQLite says that a file is not what was written, and not that it is out of reach."""
    if isinstance(error, UnicodeDecodeError):  # in place of a message that quotes a damaged schema
        return True
    if not isinstance(error, sqlite3.DatabaseError) or isinstance(error, sqlite3.ProgrammingError):
        return False
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:  # raised by the sqlite3 module or by this program
        return not isinstance(error, sqlite3.OperationalError) or "decode" in str(error)
    return code & 0xFF in _DAMAGES


def explain(path: Path, error: Exception, kind: str = "tick store") -> str:
    """What happened to a file, and what to do."""
    if isinstance(error, StorageError):
        return str(error)
    if is_damage(error):
        return f"{path} is not a readable {kind} ({error}): move it away or name another file"
    return f"{path}: {error}: check that the path exists, may be written and has room"


class Connections:
    """Connections to a file that may be replaced by another while it is open.

    Parameters
    ----------
    path : the file.
    kind : what it is, for messages.

    Attributes
    ----------
    writer : the connection that writes; None where the file is only read.
    is_broken : whether SQLite has met something in the file that it cannot read.
    named : the file that is open, and its log.

    Raises
    ------
    StorageError : from ``reading``: the file is damaged, cannot be read, or was closed.
    ERRORS : from ``writing``; nothing of that transaction stays.
    """

    def __init__(self, path: Path, kind: str = "tick store") -> None:
        self._path, self._kind = path, kind
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._generation = 0  # of the file: a connection to one that was replaced is not lent again
        self._closed = False
        self.writer: sqlite3.Connection | None = None
        self.is_broken = False
        self.named = names.look(path)

    def connect(self, mode: Literal["ro", "rwc"]) -> sqlite3.Connection:
        """Open a connection."""
        return sqlite3.connect(
            f"{self._path.resolve().as_uri()}?mode={mode}",
            uri=True,
            timeout=_LOCK_WAIT_S,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=16,
        )

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Lend the writing connection in a transaction, which ends with the block or is undone."""
        writer = self.writer
        assert writer is not None, "a file opened to read was to be written"
        try:
            writer.execute("BEGIN IMMEDIATE")
            try:
                yield writer
                writer.execute("COMMIT")
            finally:
                if writer.in_transaction:
                    writer.execute("ROLLBACK")
        except ERRORS as error:
            self.is_broken = self.is_broken or is_damage(error)
            raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection that sees one state of the file from beginning to end."""
        connection, generation = None, -1
        try:
            connection, generation = self._borrow()
            connection.execute("BEGIN")
            yield connection
        except ERRORS as error:
            if is_damage(error) and generation in (-1, self._generation):
                self.is_broken = True
            raise StorageError(explain(self._path, error, self._kind)) from error
        finally:
            if connection is not None:
                self._give_back(connection, generation)

    def _borrow(self) -> tuple[sqlite3.Connection, int]:
        with self._lock:  # while a file is replaced, no connection is opened to one of both with the log of the other
            if self._closed:
                raise StorageError(f"{self._path} was closed: open it anew to read it")
            if self.writer is None:
                self._follow()
            if self._idle:
                return self._idle.pop(), self._generation
            connection = self.connect("ro")
            try:
                connection.execute("PRAGMA schema_version").fetchone()  # opens the log as well
                if self.writer is not None and names.look(self._path).file != self.named.file:
                    raise sqlite3.OperationalError("another file has its name, which is being looked into")
            except BaseException:
                connection.close()
                raise
            return connection, self._generation

    def _follow(self) -> None:
        """Where another process writes: read the file that has the name now."""
        named = names.look(self._path)
        if named.file is not None and named.file != self.named.file:
            self._generation += 1
            for connection in self._idle:
                connection.close()
            self._idle, self.named = [], named

    def _give_back(self, connection: sqlite3.Connection, generation: int) -> None:
        with suppress(*ERRORS):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        with self._lock:
            keep = not self._closed and generation == self._generation and len(self._idle) < _IDLE_READERS
            if keep:
                self._idle.append(connection)
        if not keep:
            connection.close()

    def let_go(self) -> None:
        """Close what is not lent out. What is lent out is closed when it comes back."""
        with self._lock:
            self._generation += 1
            idle, self._idle = self._idle, []
        writer, self.writer = self.writer, None
        for connection in idle:
            connection.close()
        if writer is not None:
            with suppress(*ERRORS):  # of the log that it would fold into a damaged file
                writer.close()

    @contextmanager
    def swapping(self) -> Iterator[None]:
        """Keep readers off while another file takes the name; what they opened before is not lent again."""
        with self._lock:
            try:
                yield
            finally:
                self._generation += 1
            self.is_broken = False

    def close(self) -> None:
        """Close every connection; one that a reader has borrowed closes when it comes back."""
        with self._lock:
            self._closed = True
        self.let_go()  # the last one to leave folds the -wal file into the store
