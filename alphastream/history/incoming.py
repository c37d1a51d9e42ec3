"""Rows on their way into a history, of each day apart: what it holds already is left out.

A file that is imported twice, a daily and a monthly file of one day, an import that was killed and begun anew: each
row comes in once. Memory is bounded however long a file is.
"""

from datetime import date
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from alphastream.core.types import Ints
from alphastream.errors import ParameterError
from alphastream.history.files import ROW_GROUP, FileWriter, in_order
from alphastream.history.layout import DAY_NS, Kind, Partition, day_of
from alphastream.history.places import Found, Place
from alphastream.history.reading import files, opened, summary
from alphastream.history.tables import times_of
from alphastream.tape.id_ranges import IdRuns

Key = tuple[int, int]  # time and id


class Incoming:
    """Takes rows of one kind and instrument in any order, and writes those that are new when the ``with`` block ends.

    A day is one file, where its rows come in order; rows that are earlier than those before begin another file.
    A day of which no row came for a while is done with; files of which not all rows came do not appear.

    Parameters
    ----------
    kind : ticks are known by their ids, bars by their time and length, all else by its time.
    bar_seconds : length of bars, 0 for all else.

    Attributes
    ----------
    new, held : rows that were written, and rows that the history or the rows before them had.
    days : of the rows, whether they were new or not.
    """

    def __init__(self, place: Place, kind: Kind, instrument: str, bar_seconds: float = 0.0) -> None:
        self.new = self.held = 0
        self.days: set[date] = set()
        self._place, self._kind, self._instrument, self._bar_seconds = place, kind, instrument, bar_seconds
        self._waiting: dict[int, list[pa.Table]] = {}
        self._known: dict[int, IdRuns | Ints] = {}
        self._files: dict[int, tuple[FileWriter, Key]] = {}  # and what their last rows are

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            for day in sorted(self._waiting.keys() | self._files.keys()):
                self._finish(day)
        for file, _ in self._files.values():
            file.__exit__(kind, error, trace)

    def add(self, rows: pa.Table) -> None:
        """Take rows with the columns of their kind."""
        days = times_of(rows["time"]) // DAY_NS
        present = np.unique(days).tolist()
        for day in present:
            part = rows if len(present) == 1 else rows.filter(pa.array(days == day))
            self._waiting.setdefault(day, []).append(part)
            if sum(each.num_rows for each in self._waiting[day]) >= ROW_GROUP:
                self._write(day)
        if rows.num_rows:
            for day in (self._waiting.keys() | self._files.keys()).difference(present):
                self._finish(day)

    def _finish(self, day: int) -> None:
        if day in self._waiting:
            self._write(day)
        if day in self._files:
            self._files.pop(day)[0].__exit__(None, None, None)

    def _write(self, day: int) -> None:
        rows = pa.concat_tables(self._waiting.pop(day))
        self.days.add(day_of(day * DAY_NS))
        fresh = self._fresh(day, rows)
        self.held += rows.num_rows - int(np.count_nonzero(fresh))
        if fresh.any():
            self._store(day, in_order(self._kind, rows if fresh.all() else rows.filter(pa.array(fresh))))

    def _store(self, day: int, rows: pa.Table) -> None:
        self.new += rows.num_rows
        first, last = _key(rows, 0), _key(rows, rows.num_rows - 1)
        file, before = self._files.get(day, (None, first))
        if file is not None and first >= before:
            try:
                file.add(rows)
                self._files[day] = file, last
                return
            except ParameterError:  # finer times than the file keeps
                pass
        if file is not None:
            self._files.pop(day)[0].__exit__(None, None, None)
        partition = Partition.of(self._kind, self._instrument, day_of(day * DAY_NS))
        number = round(self._bar_seconds * 1e9) if self._kind == "bars" else first[1]
        file = FileWriter(self._place, partition, f"{first[0]}-{number}")
        self._files[day] = file, last
        file.__enter__()
        file.add(rows)

    def _fresh(self, day: int, rows: pa.Table) -> NDArray[np.bool_]:
        """Which rows are neither in the history nor among the rows before them."""
        known = self._known.get(day)
        if known is None:
            known = self._known[day] = self._in_history(day)
        if isinstance(known, IdRuns):
            ids = rows["id"].to_numpy()
            fresh = _firsts(ids) & ~known.among(ids)
            self._known[day] = known.union(IdRuns.of(np.sort(ids[fresh])))
            return fresh
        time_ns = times_of(rows["time"])
        fresh = ~np.isin(time_ns, known)
        return fresh if self._kind == "quotes" else fresh & _firsts(time_ns)  # several quotes have one time

    def _in_history(self, day: int) -> IdRuns | Ints:
        found = files(self._place, self._kind, self._instrument, day_of(day * DAY_NS))
        if self._kind == "ticks":
            return IdRuns.joined(pair for each in found for pair in ids_of(self._place, each))
        held = [_times_in(self._place, each, self._bar_seconds) for each in found]
        return np.unique(np.concatenate(held)) if held else np.empty(0, np.int64)


def ids_of(place: Place, found: Found) -> list[tuple[int, int]]:
    """Return the ids in a file of ticks, as runs; one without holes tells them in its footer."""
    said = summary(place, found)
    if said.rows == said.last_id - said.first_id + 1:
        return [(said.first_id, said.last_id)]
    with opened(place, found.path) as file:
        return IdRuns.of(np.unique(file.read(columns=["id"])["id"].to_numpy())).pairs()


def _times_in(place: Place, found: Found, bar_seconds: float) -> Ints:
    with opened(place, found.path) as file:
        rows = file.read(columns=["time", "seconds"] if bar_seconds else ["time"])
    time_ns = times_of(rows["time"])
    return time_ns[rows["seconds"].to_numpy() == bar_seconds] if bar_seconds else time_ns


def _firsts(keys: Ints) -> NDArray[np.bool_]:
    """Which keys are the first of their value."""
    if (keys[1:] > keys[:-1]).all():
        return np.ones(len(keys), dtype=np.bool_)
    firsts = np.zeros(len(keys), dtype=np.bool_)
    firsts[np.unique(keys, return_index=True)[1]] = True
    return firsts


def _key(rows: pa.Table, at: int) -> Key:
    one = rows.slice(at, 1)
    return int(times_of(one["time"])[0]), one["id"][0].as_py() if "id" in rows.column_names else 0
