"""Moving what has become old from a tape file to Parquet files of a history."""

import logging
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from alphastream.core.units import DAY
from alphastream.errors import ParameterError, StorageError
from alphastream.history.files import write
from alphastream.history.layout import Partition, day_of
from alphastream.history.places import Place
from alphastream.history.sealed_files import SEALED
from alphastream.history.tape_files import name_in_history
from runtime.stores.rings import SymbolRings
from runtime.stores.sealing_thread import SealingThread
from runtime.stores.sqlite import Sealable, TickFile
from runtime.stores.writer import TickWriter

log = logging.getLogger(__name__)

_COMMIT_S: Final = 60.0  # for the thread that writes to come to it


class Sealer(SealingThread):
    """Seals whole UTC days that are older than a horizon, on a thread of its own.

    Parameters
    ----------
    path : of the tape file.
    place : the history.
    horizon_ns : what is older than this before the newest tick of its symbol is sealed, in whole days; None: only when
        ``seal`` is called.
    file, writer : the file, and the thread that alone writes it.
    rings, lock : say how new the newest tick of a symbol is; the lock guards them.

    Attributes
    ----------
    sealed : ticks moved since the start.
    error : why the newest look failed, None while it works. Nothing is lost then: ticks stay where they are.
    """

    def __init__(
        self,
        path: Path,
        place: Place,
        horizon_ns: int | None,
        file: TickFile,
        writer: TickWriter,
        rings: SymbolRings,
        lock: threading.Lock,
    ) -> None:
        super().__init__(path, "ticks", horizon_ns)
        self._file, self._writer, self._rings, self._lock = file, writer, rings, lock
        self._place = place
        self._thread = threading.Thread(target=self._run, name="tick-sealer", daemon=True)

    def look(self) -> None:
        """Move what is due."""
        self.seal(self._due_ns)

    def _due_ns(self, symbol: str) -> int:
        """The UTC midnight before which ticks of a symbol are old enough."""
        with self._lock:
            ring = self._rings.get(symbol)
            newest = ring.newest.time_ns if ring is not None and ring.newest is not None else 0
        return (min(newest, time.time_ns()) - (self._horizon_ns or 0)) // DAY * DAY

    def seal(self, until_ns: Callable[[str], int], progress: Callable[[int], None] | None = None) -> int:
        """Move ticks before a time to the history.

        Parameters
        ----------
        until_ns : that time for a symbol.
        progress : called with the ticks moved so far, after each file.

        Returns
        -------
        how many were moved.

        Raises
        ------
        StorageError : the history or the tape file cannot be written. What was moved before stays moved.
        ParameterError : a symbol has no venue, so that a history has no place for it.
        """
        moved = 0
        with self._one_at_a_time:
            self._clean()
            for series in self._file.series():
                while not self._stopping.is_set() and (found := self._file.sealable(series, until_ns(series.symbol))):
                    self._seal(found)
                    moved += len(found.ticks)
                    self.sealed += len(found.ticks)
                    if progress is not None:
                        progress(moved)
        return moved

    def _seal(self, what: Sealable) -> None:
        series, ticks = what.series, what.ticks
        try:
            instrument = name_in_history(self._path, series.symbol)
        except ParameterError as error:
            raise ParameterError(f"{series.symbol} of {self._path} has no place in a history: {error}") from error
        content = zlib.crc32(ticks.time_ns.tobytes(), zlib.crc32(ticks.id.tobytes()))
        name = f"{SEALED}{ticks.id[0]}-{ticks.id[-1]}-{series.epoch}-{content:08x}"
        path = Partition.of("ticks", instrument, day_of(int(ticks.time_ns[0]))).file(name)
        self._writer.jobs.ask(lambda: self._file.announce([path]), _COMMIT_S)
        (stored,) = write(self._place, "ticks", instrument, ticks, name, epoch=series.epoch)
        if stored.path != path:
            raise StorageError(f"{stored.path} was written where {path} was announced")
        self._writer.jobs.ask(lambda: self._file.seal(what, path), _COMMIT_S)
        log.info("sealed path=%s ticks=%d bytes=%d", path, len(ticks), stored.size)

    def _clean(self) -> None:
        """Remove what a kill has left behind: files that were written and never counted."""
        left = self._file.unfinished()
        for path in left:
            self._place.remove_attempts(path)
        if left:
            self._writer.jobs.ask(lambda: self._file.forget(left), _COMMIT_S)
