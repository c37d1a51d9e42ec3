"""The thread that now and then moves what is old from a file to the history, for ticks and for books alike."""

import logging
import threading
from pathlib import Path
from typing import Final

from alphastream.errors import AlphaStreamError
from runtime import threads
from runtime.stores.connections import ERRORS, explain

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 60.0
FIRST_LOOK_S: Final = 5.0


class SealingThread:
    """Looks now and then; a failure is logged once, kept in ``error``, and tried again.

    Parameters
    ----------
    path : the file that old rows leave.
    rows : what they are called, for messages.
    horizon_ns : how long they stay there; None: nothing is looked for by itself.
    """

    def __init__(self, path: Path, rows: str, horizon_ns: int | None) -> None:
        self._path, self._rows, self._horizon_ns = path, rows, horizon_ns
        self._one_at_a_time = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread
        self.sealed = 0
        self.error: str | None = None

    def start(self) -> None:
        """Start the thread, where there is a horizon."""
        if self._horizon_ns is not None:
            self._thread.start()

    def stop(self, wait_s: float | None = None) -> None:
        """Stop after the files that are being written; they are waited for."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(wait_s)

    def look(self) -> None:
        """Move what is due. Raises StorageError, sqlite3.Error or ParameterError."""
        raise NotImplementedError

    def _run(self) -> None:
        pause_s = FIRST_LOOK_S
        while not self._stopping.wait(pause_s):
            pause_s = LOOK_EVERY_S
            try:
                self.look()
            except (*ERRORS, AlphaStreamError, OSError) as error:
                self._fail(explain(self._path, error) if isinstance(error, ERRORS) else str(error), None)
            except Exception as error:  # noqa: BLE001 (the edge of the thread: nothing more would be sealed without it)
                threads.begins_again()
                self._fail(f"a defect ({type(error).__name__}: {error})", error)
            else:
                if self.error is not None:
                    log.info("sealing works again: path=%s", self._path)
                self.error = None

    def _fail(self, words: str, defect: Exception | None) -> None:
        if words != self.error and not self._stopping.is_set():
            log.error("old %s stay in %s, which grows: %s", self._rows, self._path, words, exc_info=defect)
        self.error = words
