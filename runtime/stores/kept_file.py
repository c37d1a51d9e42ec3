"""A tick file as such: opened, made, salvaged where it is damaged, and kept under its name while it is open."""

import logging
import os
import sqlite3
import time
from collections import deque
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from alphastream.errors import DamagedFileError, StorageError
from alphastream.history.places import Place
from alphastream.tape.id_ranges import IdRuns
from alphastream.tape.ring import Series
from alphastream.tape_files import block_rows, instrument_rows, schema, sealed_rows
from alphastream.tape_files.block_rows import Keys
from alphastream.tape_files.schema import Origin
from runtime.stores import names, numbering, run_rows, salvage
from runtime.stores.connections import ERRORS, Connections, explain, is_damage
from runtime.stores.opening import open_writer
from runtime.stores.sealed_ticks import SealedTicks

log = logging.getLogger(__name__)

_NOTICES: Final = 8
_SALVAGE_PAUSE_S: Final = 60.0  # a disk that fails is not to be filled with copies of damaged files


class KeptFile:
    """The file of a tape, and what it says that it holds.

    Parameters
    ----------
    path, origin, read_only, begin_anew, history : as in TickStore.

    Attributes
    ----------
    origin : who fills the file; None where nobody has said so.
    runs : ids of the durable ticks, by series.
    lost : ids of damaged blocks that were set aside and have not come again, by series.
    damaged : ticks that were found altered or lost in the file since it was opened.
    notices : what has happened to the file, the newest last.

    Raises
    ------
    StorageError : the file is no tick store, cannot be read, or was closed.
    """

    def __init__(
        self,
        path: Path,
        origin: Origin | None = None,
        *,
        read_only: bool,
        begin_anew: bool = False,
        history: Place | None = None,
    ) -> None:
        self._path, self.origin, self._read_only = path, origin, read_only
        self._connections = Connections(path)
        self._cold = SealedTicks(path, history, self._tell)
        self._sealed_until_ns: int | None = None  # times from here on are in no sealed file; None where not known
        self._damaged: set[Series] = set()  # those whose blocks and runs are not what was written
        self._unchecked: list[tuple[Series, Keys]] = []  # blocks that nobody has read since the file was opened
        self._left_out: set[int] = set()  # bodies that are known to be damaged, where the file is only read
        self._instruments: dict[Series, int] = {}
        self._salvaged_s: float | None = None
        self.runs: dict[Series, IdRuns] = {}
        self.lost: dict[Series, IdRuns] = {}
        self.damaged = 0
        self.notices: deque[str] = deque(maxlen=_NOTICES)
        try:
            self._begin(begin_anew=begin_anew)
        except BaseException:
            self.close()
            raise

    def _begin(self, *, begin_anew: bool) -> None:
        """Open the file, salvaged where it has to be."""
        try:
            if not self._read_only:
                salvage.put_in_place(self._path)  # what a kill has left undone
                if salvage.has_only_a_log(self._path):
                    self.salvage()
                    return
            self._open()
        except (*ERRORS, StorageError, OSError) as error:
            if self._may_be_salvaged(error):
                self.salvage()
                return
            if not (self.is_broken or is_damage(error) or isinstance(error, DamagedFileError)):
                raise StorageError(self.explain(error)) from error
            if self._read_only or not begin_anew:
                raise DamagedFileError(self.explain(error)) from error
            self._set_file_aside(error)

    def _set_file_aside(self, why: Exception) -> None:
        """Begin anew in place of what cannot be read."""
        try:
            self._connections.let_go()
            with self._connections.swapping():
                kept = salvage.set_aside(self._path)
            self._open()
        except (*ERRORS, OSError) as error:
            raise StorageError(self.explain(error)) from error
        self._tell(f"{self._path} could not be read ({why}): it is {kept.name} now, and the tape begins anew")

    def _may_be_salvaged(self, error: Exception) -> bool:
        is_damaged = self.is_broken or is_damage(error)
        return is_damaged and not self._read_only and salvage.may_be_salvaged(self._path)

    def _open(self) -> None:
        if not self._read_only:
            self._connections.writer = open_writer(lambda: self._connections.connect("rwc"), self._path, self.origin)
            self._connections.named = names.look(self._path)
        with self._connections.reading() as connection:
            schema.verify(connection, self._path)
            self._load(connection)
        self._connections.named = names.look(self._path)

    @property
    def is_broken(self) -> bool:
        """Whether SQLite cannot read the file as it is, so that it has to be salvaged."""
        return self._connections.is_broken

    @property
    def is_numbered(self) -> bool:
        """Whether ids are contiguous where nothing is missing; else a run says from where to where the file goes."""
        return numbering.is_numbered(self.origin)

    def salvage(self) -> dict[Series, IdRuns]:
        """Replace a damaged file by one that holds what is sound in it; return by series the ids that are gone.

        Raises
        ------
        StorageError : that failed, or has only just been done. The file is as it was.
        """
        now_s = time.monotonic()
        if self._salvaged_s is not None and now_s - self._salvaged_s < _SALVAGE_PAUSE_S:
            raise StorageError(
                f"{self._path} is damaged again, {now_s - self._salvaged_s:.0f} s later: look at the disk"
            )
        self._connections.is_broken = True
        try:
            self._connections.let_go()
            found = salvage.salvage(self._path, self._instruments)
            with self._connections.swapping():
                kept = salvage.put_in_place(self._path)
        except (*ERRORS, OSError) as error:
            raise StorageError(
                f"{self._path} is damaged and cannot be salvaged: {error}: make room beside it"
            ) from error
        self._salvaged_s = now_s
        lost = self._reopen() or found.lost
        lost = lost if self.is_numbered else {}
        gone = total(lost)
        self.damaged += gone
        self._tell(
            f"{self._path} was damaged: {found.ticks} ticks in {found.blocks} sound blocks were salvaged, {gone} are "
            f"lost and to be fetched again, the damaged file is {kept.name if kept is not None else 'gone'}"
        )
        return lost

    def look_after(self) -> dict[Series, IdRuns] | None:
        """See to it that the name is that of the file which is open.

        A file that was deleted, or whose log was, is written anew from what is open. One that was replaced by another
        tick file is given up for that; by anything else, that is moved aside.

        Returns
        -------
        where another file was opened, the ids by series that it has not; else None.

        Raises
        ------
        StorageError : it was not possible. What is open is as it was.
        """
        now, before = names.look(self._path), self._connections.named
        if now == before and self._connections.writer is not None:
            return None
        try:
            if self._connections.writer is None:  # what was to be opened could not be, a moment ago
                return None if self.is_broken else self._reopen()
            if now.file in (None, before.file):
                self._restore()
                gone = "the file" if now.file is None else "the write-ahead log"
                self._tell(
                    f"{gone} of {self._path} was taken away while it was open: it was written anew, nothing is lost"
                )
                return {}
            if now.log == before.log:
                names.remove_log(self._path)
            if self._is_tick_file():
                return self._adopt()
            kept = salvage.set_aside(self._path)
            self._restore()
        except (*ERRORS, OSError) as error:
            if is_damage(error):  # of what is open: it has to be salvaged
                self._connections.is_broken = True
                return None
            raise StorageError(f"{self._path} has lost its name and cannot be written anew: {error}") from error
        self._tell(
            f"{self._path} was replaced by what is no readable tick file of its kind: that is {kept.name} now, and the "
            "tape was written anew, nothing is lost"
        )
        return {}

    def _restore(self) -> None:
        """Give the name to a copy of what is open."""
        writer = self._connections.writer
        assert writer is not None, "a file opened to read is not restored"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        copy = self._path.with_name(f"{self._path.name}.restoring")
        copy.unlink(missing_ok=True)
        try:
            with closing(sqlite3.connect(copy)) as target:
                writer.backup(target)
            with self._connections.swapping():
                names.remove_log(self._path)
                os.replace(copy, self._path)
        finally:
            copy.unlink(missing_ok=True)
        self._connections.let_go()  # SQLite leaves the log of a file alone that has lost its name
        self._reopen()

    def _reopen(self) -> dict[Series, IdRuns]:
        """Open what has the name now; ids by series that the file before had and this one has not."""
        before, none = self.runs, IdRuns()
        self._open()
        if not self.is_numbered:
            return {}
        return {series: ids.without(self.runs.get(series, none)) for series, ids in before.items()}

    def _is_tick_file(self) -> bool:
        """Whether the file that has the name now is one that this store could have written."""
        try:
            with closing(self._connections.connect("rwc")) as connection:
                schema.verify(connection, self._path)
                instrument_rows.load(connection)
                is_sound: bool = connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
                return is_sound and schema.origin_of(connection) in (None, self.origin)
        except (*ERRORS, StorageError):
            return False

    def _adopt(self) -> dict[Series, IdRuns]:
        with self._connections.swapping():
            pass
        self._connections.let_go()
        lost = self._reopen()
        self._tell(
            f"{self._path} was replaced by another tick file while it was open: the tape goes on in that, with "
            f"{total(self.runs)} ticks, {total(lost)} that it has not are to be fetched again"
        )
        return lost

    def _tell(self, what: str) -> None:
        log.error("%s", what)
        self.notices.append(f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} UTC: {what}")

    def close(self) -> None:
        """Close every connection; one that a reader has borrowed closes when it comes back."""
        self._connections.close()

    def _load(self, connection: sqlite3.Connection) -> None:
        origin = schema.origin_of(connection)
        instruments = instrument_rows.load(connection)
        damaged: set[Series] = set()
        unchecked: list[tuple[Series, Keys]] = []
        all_runs: dict[Series, IdRuns] = {}
        lost: dict[Series, IdRuns] = {}
        every = sealed_rows.load(connection)
        for series, instrument in instruments.items():
            all_runs[series] = runs = run_rows.load(connection, "runs", instrument)
            lost[series] = run_rows.load(connection, "lost", instrument)
            blocks = block_rows.keys_of(connection, instrument)
            ends = [(block.first_id, block.last_id, block.ticks) for block in blocks]
            ends += [(*each.ends, each.ticks) for each in every if each.instrument == instrument]
            if numbering.is_numbered(origin):
                fits = sum(ticks for _, _, ticks in ends) == len(runs)
            else:
                fits = max((last for _, last, _ in ends), default=runs.last) == runs.last
            if not fits or (ends and min(first for first, _, _ in ends) != runs.first):
                damaged.add(series)
            unchecked += [(series, block) for block in blocks]
        self.origin, self._instruments, self._damaged, self._unchecked = origin, instruments, damaged, unchecked
        self.runs, self.lost = all_runs, lost
        if not self._read_only:
            self._sealed_until_ns = max((each.last_ns + 1 for each in every), default=0)

    def _load_instruments(self, connection: sqlite3.Connection) -> None:
        self._instruments = instrument_rows.load(connection)

    def explain(self, error: Exception) -> str:
        """What happened to this file, and what to do."""
        return explain(self._path, error)


def total(ids: Mapping[Series, IdRuns]) -> int:
    """How many ids there are in all series."""
    return sum(map(len, ids.values()))
