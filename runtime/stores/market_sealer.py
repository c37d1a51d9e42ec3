"""Moving old samples of books, quotes and mark prices from the file of a venue to Parquet files of a history."""

import logging
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from alphastream.books.blocks import Columns
from alphastream.core.units import DAY
from alphastream.errors import StorageError
from alphastream.history import market_rows
from alphastream.history.files import StoredFile, write
from alphastream.history.layout import Partition, day_of
from alphastream.history.market_rows import KINDS, Block
from alphastream.history.places import Place
from alphastream.history.sealed_files import SEALED
from alphastream.history.tape_files import name_in_history
from alphastream.tape.id_ranges import IdRuns
from alphastream.tape_files import sealed_rows
from alphastream.tape_files.sealed_rows import SealedFile
from runtime.stores.connections import Connections
from runtime.stores.sealing_thread import SealingThread
from runtime.stores.thread_jobs import ThreadJobs

log = logging.getLogger(__name__)

_COMMIT_S: Final = 60.0  # for the thread that writes to come to it
_MOST_SAMPLES: Final = 40_000  # in one file: books of twenty levels take some 30 MB of memory then


class _Batch(NamedTuple):
    """Blocks of one kind and instrument that go to files of the history, and what they hold."""

    kind: type[Columns]
    instrument: str
    blocks: tuple[Block, ...]
    columns: Columns


class MarketSealer(SealingThread):
    """Seals blocks whose samples are all older than a horizon, whole UTC days of them, on a thread of its own.

    A file is announced, written under another name and renamed; one transaction then has it count and deletes its
    blocks. What a kill leaves behind was announced, and is removed at the next start.

    Parameters
    ----------
    path, connections : the file. It is read here, and written by the thread of ``jobs`` alone.
    place : the history.
    horizon_ns : what is older is sealed; None: only when ``seal`` is called.
    growing : numbers of the blocks that are held in memory, which stay.
    met : is told of blocks that are not what was written; they are sealed no more.

    Attributes
    ----------
    sealed : samples moved since the start.
    error : why the newest look failed, None while it works. Nothing is lost then: samples stay where they are.
    """

    def __init__(
        self,
        path: Path,
        place: Place,
        horizon_ns: int | None,
        connections: Connections,
        jobs: ThreadJobs,
        growing: Callable[[], set[int]],
        met: Callable[[Sequence[Block]], None],
    ) -> None:
        super().__init__(path, "samples", horizon_ns)
        self._place = place
        self._connections, self._jobs, self._growing, self._met = connections, jobs, growing, met
        self._thread = threading.Thread(target=self._run, name="market-sealer", daemon=True)

    def look(self) -> None:
        """Move what is due."""
        self.seal((time.time_ns() - (self._horizon_ns or 0)) // DAY * DAY)

    def seal(self, until_ns: int, progress: Callable[[int], None] | None = None) -> int:
        """Move blocks whose samples are all before a time to the history; how many samples were moved.

        Parameters
        ----------
        progress : called with the samples moved so far, after each file.

        Raises
        ------
        StorageError : the history or the file cannot be written. What was moved before stays moved.
        ParameterError : an instrument has no venue, so that a history has no place for it.
        """
        moved = 0
        with self._one_at_a_time:
            self._clean()
            for kind in KINDS:
                for instrument in self._instruments(kind, until_ns):
                    while not self._stopping.is_set() and (batch := self._next(kind, instrument, until_ns)):
                        self._seal(batch)
                        moved += len(batch.columns)
                        self.sealed += len(batch.columns)
                        if progress is not None:
                            progress(moved)
        return moved

    def _instruments(self, kind: type[Columns], until_ns: int) -> list[str]:
        with self._connections.reading() as connection:
            blocks = market_rows.keys(connection, "kind = ? AND last_ns < ?", KINDS[kind], until_ns)
        return sorted({block.instrument for block in blocks})

    def _next(self, kind: type[Columns], instrument: str, until_ns: int) -> _Batch | None:
        """Return the oldest blocks that may go: of the day on which the first of them ends, or some of those."""
        growing = self._growing()
        wanted = "kind = ? AND instrument = ? AND last_ns < ?"
        with self._connections.reading() as connection:
            blocks = market_rows.keys(connection, wanted, KINDS[kind], instrument, until_ns)
            taken: list[Block] = []
            for block in (block for block in blocks if block.id not in growing):
                samples = sum(each.samples for each in taken) + block.samples
                if taken and (block.last_ns // DAY != taken[0].last_ns // DAY or samples > _MOST_SAMPLES):
                    break
                taken.append(block)
            parts, damaged = market_rows.read(connection, taken, kind)
        if damaged:
            self._met(damaged)
        if damaged or not parts:
            return None
        joined: Any = kind.joined(parts)  # type: ignore[arg-type]  # they are of this kind
        return _Batch(kind, instrument, tuple(taken), joined)

    def _seal(self, batch: _Batch) -> None:
        kind, instrument = KINDS[batch.kind], name_in_history(self._path, batch.instrument)
        numbers = [block.id for block in batch.blocks]
        name = f"{SEALED}{min(numbers)}-{max(numbers)}-{zlib.crc32(repr(batch.blocks).encode()):08x}"
        days = [day_of(day * DAY) for day in np.unique(batch.columns.time_ns // DAY).tolist()]
        paths = [Partition.of(kind, instrument, day).file(name) for day in days]
        self._jobs.ask(lambda: self._announce(paths), _COMMIT_S)
        stored = write(self._place, kind, instrument, batch.columns, name)
        if [each.path for each in stored] != paths:
            raise StorageError(f"{[each.path for each in stored]} were written where {paths} were announced")
        self._jobs.ask(lambda: self._count(batch, stored), _COMMIT_S)
        log.info("sealed path=%s samples=%d bytes=%d", paths[0], len(batch.columns), sum(each.size for each in stored))

    def _announce(self, files: Sequence[str]) -> None:
        with self._connections.writing() as connection:
            market_rows.make_room_for_sealed(connection)
            sealed_rows.announce(connection, files)

    def _count(self, batch: _Batch, stored: Sequence[StoredFile]) -> None:
        """Have files count and delete their blocks, in one transaction."""
        number = market_rows.series_number(KINDS[batch.kind], batch.instrument)
        ids = IdRuns.joined((block.id, block.id) for block in batch.blocks)
        rows = [
            SealedFile(number, each.path, each.summary.first_ns, each.summary.last_ns, each.summary.rows, ids)
            for each in stored
        ]
        with self._connections.writing() as connection:
            wanted = ",".join(str(block.id) for block in batch.blocks)
            if market_rows.keys(connection, f"id IN ({wanted})") != list(batch.blocks):
                raise StorageError(f"{self._path} has changed while {rows[0].file} was written: it is written anew")
            market_rows.delete(connection, batch.blocks)
            sealed_rows.insert(connection, rows)
            sealed_rows.forget(connection, [each.file for each in rows])

    def _clean(self) -> None:
        """Remove what a kill has left behind: files that were written and never counted."""
        with self._connections.reading() as connection:
            left = sealed_rows.announced(connection)
        for path in left:
            self._place.remove_attempts(path)
        if left:
            self._jobs.ask(lambda: self._forget(left), _COMMIT_S)

    def _forget(self, files: Sequence[str]) -> None:
        with self._connections.writing() as connection:
            sealed_rows.forget(connection, files)
