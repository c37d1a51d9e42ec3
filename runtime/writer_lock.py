"""One writer at a time: a lock on what a process keeps on disk."""

import os
import sys
import time
from pathlib import Path
from typing import Final, TextIO

from alphastream.errors import StorageError

if sys.platform != "win32":
    import fcntl

CHECKED_EVERY_S: Final = 1.0  # a writer makes a lock again that was deleted within this time
_PATIENCE_S: Final = 2.5


class HeldError(StorageError):
    """Another process holds the lock.

    Attributes
    ----------
    holder : the id of that process, as it wrote it down.
    """

    def __init__(self, words: str, holder: str) -> None:
        super().__init__(words)
        self.holder = holder


class WriterLock:
    """An advisory lock on a file beside what is written. The operating system releases it, also after a kill -9.

    Parameters
    ----------
    kept : the file or folder that is written, in a folder that exists.
    otherwise : what may be done instead of stopping the process that holds it, for the message.
    alive : a file that is there while a writer lives. Where it is there and the lock is not, somebody may have deleted
        the lock of a living writer: it is given the time to make it again.

    Raises
    ------
    HeldError : another process holds it; the message names that process.
    OSError : the lock cannot be made there.
    """

    def __init__(self, kept: Path, otherwise: str, *, alive: Path | None = None) -> None:
        self._kept, self._otherwise = kept, otherwise
        self._path = kept.with_name(kept.name + ".lock")
        if alive is not None and alive.exists() and not self._path.exists():
            time.sleep(_PATIENCE_S)
        self._file = self._acquired()

    def keep(self) -> None:
        """Make the lock again where its file was deleted or replaced; to be called every ``CHECKED_EVERY_S``.

        Raises
        ------
        StorageError : another process holds it now, and may write.
        """
        if _has_name(self._file, self._path):
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = self._acquired()
        except OSError as error:
            raise StorageError(f"{self._path} was deleted and cannot be made again: {error}") from error
        self._file.close()
        self._file = file

    def _acquired(self) -> TextIO:
        while True:
            file = self._path.open("a+", encoding="ascii", errors="replace")
            if sys.platform == "win32":
                return file
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                file.seek(0)
                holder = file.read().strip() or "unknown"
                file.close()
                raise HeldError(
                    f"{self._kept} is already open for writing by process {holder}: stop that process, "
                    f"{self._otherwise}",
                    holder,
                ) from error
            if _has_name(file, self._path):
                break
            file.close()  # deleted between opening and locking: another process would lock another file
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        return file

    def release(self) -> None:
        """Let the next writer in."""
        self._file.close()


def _has_name(file: TextIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False
