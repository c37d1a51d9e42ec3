"""Which files have the names of a tick file and its log: a name may come to mean another file while one is open."""

import os
from pathlib import Path
from typing import NamedTuple

from alphastream.errors import StorageError
from runtime.writer_lock import WriterLock

FileId = tuple[int, int]  # device and inode


class Named(NamedTuple):
    """Who has the names of a tick file and of its write-ahead log; None for nobody."""

    file: FileId | None
    log: FileId | None


def look(path: Path) -> Named:
    """Look who has the names now."""
    return Named(_id(path), _id(path.with_name(f"{path.name}-wal")))


def lock(path: Path) -> WriterLock:
    """Become the process that may write a file; its folder is made.

    Raises
    ------
    HeldError : another process is.
    StorageError : the lock cannot be made there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        alive = path.with_name(f"{path.name}-shm")
        return WriterLock(path, "name another file, or open it with read_only=True", alive=alive)
    except OSError as error:
        raise StorageError(f"{path}: {error}: name a file in a folder that may be written") from error


def remove_log(path: Path) -> None:
    """Take the log of another file away, which SQLite would take for that of the file which has the name."""
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _id(path: Path) -> FileId | None:
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino
