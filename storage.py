"""The tape: a ring of the newest ticks a symbol in memory, in front of one SQLite file that survives a crash.

Writing: ``append`` puts a tick into the ring, where readers see it at once; one thread makes it durable a moment later.
Reading: ``since`` follows the ring, ``window`` and ``columns`` read file and memory together.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from functools import partial
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

from alphastream.errors import ParameterError, StorageError
from alphastream.events import Tick
from alphastream.history.places import Place
from alphastream.tape.columns import TickColumns, TickGroups, by_symbol
from alphastream.tape.ring import Coverage, Gap, TickBatch
from alphastream.tape_files.schema import Origin, tape_path
from runtime.stores import names, warm_start
from runtime.stores.connections import ERRORS
from runtime.stores.follower import TapeFollower
from runtime.stores.rings import SymbolRings
from runtime.stores.sealer import Sealer
from runtime.stores.sqlite import TickFile
from runtime.stores.store_health import StoreHealth
from runtime.stores.tape_reader import TapeReader
from runtime.stores.writer import TickWriter
from runtime.writer_lock import WriterLock

__all__ = ["Coverage", "Gap", "Origin", "StoreHealth", "TickBatch", "TickColumns", "TickStore", "tape_path"]

_APPEND_CHUNK = 10_000  # ticks admitted under one hold of the lock


class TickStore(TapeReader):
    """The complete tape of many symbols, safe to use from many threads.

    Ticks are told apart by (symbol, id), and by epoch where a venue has counted anew. What was appended is in the
    ring at once, in the file after ``flush_s`` or ``batch_ticks``, whichever comes first. A kill loses what waited,
    a power cut perhaps the last transactions as well; ``gaps`` names the loss once a newer tick has come.

    Parameters
    ----------
    path : file to keep; made with its folders when it does not exist.
    ring_ticks : newest ticks a symbol that stay in memory.
    batch_ticks : ticks that are written before ``flush_s`` is over. What waits then goes in one transaction.
    flush_s : longest wait of a tick for its transaction, in seconds.
    retention_ns : ticks older than this before the newest of their symbol are deleted now and then, or moved to the
        history, whole UTC days of them; None keeps all.
    history : folder or URL of Parquet files that take old ticks; they are read as if they were here.
    seals : move old ticks there; else they are deleted, as where another process has the same trades and moves them.
    max_pending : ticks that may wait for the file. Beyond, ``append`` waits while the file can be written; while it
        cannot, the oldest are given up and listed by ``gaps``.
    on_ticks : called after new ticks became visible, in the thread that appended or followed; may be set later.
    origin : the venue that fills the file and the host that answers for it; written into a new file, held against what
        an old one says. A symbol without a venue means that of the file, and ticks bear the name they are asked for by;
        where nobody has said one, names are kept as they are.
    read_only : read beside the process that writes, and follow it: what it makes durable is here a twentieth of a
        second later, so a tick comes after the writer's ``flush_s`` and that. ``claim`` makes a writer of it.
    begin_anew : move a file that cannot be read aside, where there is nothing to salvage, instead of refusing it.

    Raises
    ------
    StorageError : the file is of another program or a newer one, or another process writes it.
    DamagedFileError : nothing in the file can be read. What can be is salvaged, where the store may write.
    ParameterError : a size is not positive.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        ring_ticks: int = 50_000,
        batch_ticks: int = 5_000,
        flush_s: float = 0.25,
        retention_ns: int | None = None,
        max_pending: int = 200_000,
        on_ticks: Callable[[], None] | None = None,
        origin: Origin | None = None,
        read_only: bool = False,
        begin_anew: bool = False,
        history: str | Path | None = None,
        seals: bool = True,
    ) -> None:
        sizes = {"ring_ticks": ring_ticks, "batch_ticks": batch_ticks, "flush_s": flush_s, "max_pending": max_pending}
        for name, value in (sizes | ({} if retention_ns is None else {"retention_ns": retention_ns})).items():
            if not value > 0:
                raise ParameterError(f"{name} is {value}: it must be greater than 0")
        self._path = Path(path)
        self._max_pending, self.on_ticks = max_pending, on_ticks
        self._names: dict[str, str] = {}
        self._lock = threading.Lock()
        self._claiming = threading.Lock()  # held before the other one
        place = Place(history) if history is not None else None
        self._rings = SymbolRings(ring_ticks, None if place is not None and seals else retention_ns)
        self._resources = ExitStack()
        self._new_file = partial(TickFile, self._path, origin, begin_anew=begin_anew, history=place)
        self._new_sealer = partial(Sealer, self._path, place, retention_ns) if place is not None and seals else None
        self._sealer: Sealer | None = None
        self._held: WriterLock | None = None
        if not read_only:
            self._held = names.lock(self._path)
            self._resources.callback(self._held.release)
        self._file = self._open_file(ring_ticks, read_only=read_only)
        self._new_writer = partial(TickWriter, batch_ticks=batch_ticks, flush_s=flush_s, max_pending=max_pending)
        self._writer = self._new_writer(self._path, self._file, self._rings, self._lock, self._keep_lock)
        self._follower: TapeFollower | None = None
        if read_only:
            self._follower = TapeFollower(
                self._path, self._rings, self._lock, self._file.runs, self._tell, self._open_file_again
            )
        (self._follower or self._writer).start()
        if self._follower is None:
            self._begin_to_seal()

    def _begin_to_seal(self) -> None:
        if self._new_sealer is not None:
            self._sealer = self._new_sealer(self._file, self._writer, self._rings, self._lock)
            self._sealer.start()

    def _open_file(self, ring_ticks: int, *, read_only: bool) -> TickFile:
        try:
            file = self._new_file(read_only=read_only)
            self._resources.callback(file.close)
            self._rings.numbered = file.is_numbered
            warm_start.restore(file, self._rings, ring_ticks, read_only=read_only)
        except BaseException:
            self._resources.close()
            raise
        return file

    def _open_file_again(self) -> None:
        """For the follower's thread: another file has taken the name, or an instrument was added."""
        file = self._new_file(read_only=True)
        self._resources.callback(file.close)  # the one before may be in use in another thread
        with self._lock:
            self._file = file

    @property
    def follows(self) -> bool:
        """Whether another process writes the file, and this one only reads it."""
        return self._follower is not None

    @property
    def trouble(self) -> str | None:
        """Why a store that reads cannot follow the file now; None while it can, and for one that writes."""
        follower = self._follower
        return follower.error if follower is not None else None

    def claim(self) -> None:
        """Become the process that writes, once no other one does. Readers notice nothing: rings and cursors go on.

        Raises
        ------
        HeldError : another process writes; the message names it.
        StorageError : the file cannot be opened to write, or the store is closed. It goes on reading.
        """
        with self._claiming, ExitStack() as undo:
            if self._writer.closed:
                raise StorageError(f"{self._path} was closed: open a new TickStore to write")
            if self._follower is None:
                return
            held = names.lock(self._path)
            undo.callback(held.release)
            file = self._new_file(read_only=False)
            undo.callback(file.close)
            try:
                self._follower.finish()  # with what was written since: nobody writes any more
            except (*ERRORS, OSError) as error:
                raise StorageError(file.explain(error)) from error
            writer = self._new_writer(self._path, file, self._rings, self._lock, self._keep_lock)
            with self._lock:
                self._file, self._writer, self._follower, self._held = file, writer, None, held
            self._resources.callback(undo.pop_all().close)
            writer.start()
            self._begin_to_seal()

    def _keep_lock(self) -> None:
        if self._held is not None:
            self._held.keep()

    def append(self, ticks: Iterable[Tick]) -> int:
        """Take ticks in and return how many were accepted; the rest were known already or unusable.

        Refused and counted in ``health``: an id that cannot be right (where a second tick goes on from it, ids have
        begun anew, and both count), a price or quantity that is not finite and positive, an id or time outside int64.

        Raises
        ------
        StorageError : the store is closed or was opened to read.
        """
        if isinstance(ticks, TickGroups):
            return self.take(ticks.groups)
        accepted = 0
        stream = iter(ticks)
        while chunk := list(islice(stream, min(_APPEND_CHUNK, self._max_pending))):
            groups, unusable = by_symbol(chunk)
            accepted += self._take(groups, unusable)
        return accepted

    def take(self, groups: Mapping[str, TickColumns]) -> int:
        """Take in ticks as columns by symbol: ``append`` for those who have many."""
        size = min(_APPEND_CHUNK, self._max_pending)
        if sum(map(len, groups.values())) <= size:
            return self._take(groups)
        return sum(
            self._take({symbol: ticks.rows(slice(start, start + size))})
            for symbol, ticks in groups.items()
            for start in range(0, len(ticks), size)
        )

    def _take(self, groups: Mapping[str, TickColumns], unusable: int = 0) -> int:
        accepted, visible = 0, False
        with self._lock:
            self._require_open_for_writing()
            self._rings.rejected += unusable
            for name, ticks in groups.items():
                symbol = self._full(name)
                admitted, is_new = self._rings.admit(symbol, ticks)
                for series, taken in admitted:
                    self._writer.offer(series, taken)
                    accepted += len(taken)
                visible = visible or is_new
        if visible:
            self._tell()
        self._writer.wait_for_room()
        return accepted

    def _tell(self) -> None:
        if self.on_ticks is not None:
            self.on_ticks()

    def _require_open_for_writing(self) -> None:
        if self._writer.closed:
            raise StorageError(f"{self._path} was closed: open a new TickStore to append")
        if self._follower is not None:
            raise StorageError(f"{self._path} was opened with read_only=True: open it without to append")

    @property
    def health(self) -> StoreHealth:
        """How the store is doing now."""
        with self._lock:
            return StoreHealth(
                pending=self._writer.pending,
                written=self._writer.written,
                duplicates=self._rings.duplicates,
                rejected=self._rings.rejected + self._rings.suspects,
                lost=self._writer.lost,
                damaged=self._file.damaged,
                last_error=self._writer.error,
                durable_lag_s=self._writer.lag_s,
                durable_lags=self._writer.lag.snapshot(),
                notices=tuple(self._file.notices),
                sealed=self._sealer.sealed if self._sealer is not None else 0,
                sealing_error=self._sealer.error if self._sealer is not None else None,
            )

    def seal(self, until_ns: int, progress: Callable[[int], None] | None = None) -> int:
        """Move all ticks before a time to the history now, and return how many; see ``Sealer.seal``.

        Raises
        ------
        StorageError : the store only reads, has no history, or one of both cannot be written.
        """
        self.flush()
        if self._sealer is None:
            raise StorageError(f"{self._path} was opened to read, or without a history: name one to seal")
        return self._sealer.seal(lambda symbol: until_ns, progress)

    def flush(self, timeout_s: float = 10.0) -> None:
        """Block until every tick appended before is durable; StorageError where ``timeout_s`` or the disk ends that."""
        self._writer.flush(timeout_s)

    def close(self) -> None:
        """Write what is pending, stop the writer and release the file. Calling it again does nothing.

        Raises
        ------
        StorageError : ticks are left that could not be written. The store is closed all the same.
        """
        with self._claiming:
            if self._sealer is not None:
                self._sealer.stop()
            if not self._writer.close():
                return
            if self._follower is not None:
                self._follower.stop()
            self._resources.close()
        with self._lock:
            left, reason = self._writer.pending, self._writer.error
        if left:
            raise StorageError(f"{self._path}: {left} ticks were not written: {reason}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
