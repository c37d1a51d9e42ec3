"""One writer at a time: a lock on what a process keeps on disk."""

import os
import sys
from pathlib import Path

from alphastream.errors import StorageError

if sys.platform != "win32":
    import fcntl


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

    Raises
    ------
    HeldError : another process holds it; the message names that process.
    OSError : the lock cannot be made there.
    """

    def __init__(self, kept: Path, otherwise: str) -> None:
        self._file = kept.with_name(kept.name + ".lock").open("a+", encoding="ascii", errors="replace")
        if sys.platform == "win32":
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.seek(0)
            holder = self._file.read().strip() or "unknown"
            self._file.close()
            raise HeldError(
                f"{kept} is already open for writing by process {holder}: stop that process, {otherwise}", holder
            ) from error
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def release(self) -> None:
        """Let the next writer in."""
        self._file.close()
