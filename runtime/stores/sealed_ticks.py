"""Ticks of a tape file that are in files of a history by now, one file after the other."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from alphastream.errors import DamagedFileError, StorageError
from alphastream.history import reading
from alphastream.history.places import Place
from alphastream.history.tables import ticks_of
from alphastream.tape.columns import INT64_MAX, TickColumns, empty
from alphastream.tape_files.sealed_rows import SealedFile

_REMEMBERED: Final = 4_096  # ticks that were asked for by id
_ASK_AGAIN_S: Final = 30.0  # a history that did not answer


class SealedTicks:
    """Reads sealed files. Safe to use from many threads.

    Parameters
    ----------
    path : of the tape file.
    history : where they lie; None where nobody has said.
    tell : takes what has happened to them, in words.
    """

    def __init__(self, path: Path, history: Place | None, tell: Callable[[str], None]) -> None:
        self._path, self._history, self._tell = path, history, tell
        self._absent: set[str] = set()  # those that were looked for in vain
        self._ask_again_s = 0.0
        self._by_id: dict[tuple[str, int], TickColumns] = {}

    def read(self, sealed: SealedFile, start_ns: int = 0, end_ns: int = INT64_MAX) -> TickColumns:
        """Ticks of a file by ascending id; none where the file was taken away, which is told once.

        Raises
        ------
        StorageError : the history cannot be read.
        """
        if self._history is not None and self._history.exists(sealed.file):
            ticks = ticks_of(reading.of_file(self._history, "ticks", sealed.file, start_ns, end_ns))
            return ticks.rows(np.argsort(ticks.id, kind="stable"))
        if sealed.file not in self._absent:
            self._absent.add(sealed.file)
            where = self._history.url(sealed.file) if self._history is not None else f"{sealed.file} of a history"
            self._tell(f"{where} is not there: {sealed.ticks} ticks of {self._path} cannot be shown")
        return empty()

    def if_readable(self, sealed: SealedFile) -> TickColumns | None:
        """Ticks of a file, for what can do without them; None while the history cannot be read."""
        if time.monotonic() < self._ask_again_s:
            return None
        try:
            return self.read(sealed)
        except StorageError as error:
            if not isinstance(error, DamagedFileError):  # a bucket that does not answer costs seconds a file
                self._ask_again_s = time.monotonic() + _ASK_AGAIN_S
            self._tell(f"{self._path} goes on without {sealed.ticks} ticks of a history: {error}")
        return None

    def of_id(self, sealed: SealedFile, trade_id: int) -> TickColumns:
        """The tick of an id. It is remembered: a page asks for those beside gaps again and again, a file is large.

        Raises
        ------
        StorageError : as ``read``.
        """
        known = self._by_id.get((sealed.file, trade_id))
        if known is None:
            ticks = self.read(sealed)
            known = ticks.rows(ticks.id == trade_id)
            if len(known):
                if len(self._by_id) >= _REMEMBERED:
                    self._by_id.clear()
                self._by_id[sealed.file, trade_id] = known
        return known
