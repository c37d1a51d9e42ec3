"""Rows on their way into a history, of each day apart: what it holds already is left out.

A file that is imported twice, a daily and a monthly file of one day, an import that was killed and begun anew: each
row comes in once. Memory is bounded however long a file is.
"""

from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from alphastream.core.types import Ints
from alphastream.history.files import write
from alphastream.history.layout import DAY_NS, Kind, day_of
from alphastream.history.places import Found, Place
from alphastream.history.reading import files, opened, summary
from alphastream.history.tables import times_of
from alphastream.tape.id_ranges import IdRuns

_ROWS: Final = 2**20  # are kept in memory, then written to a file


class Incoming:
    """Takes rows of one kind and instrument in any order, and writes those that are new.

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

    def add(self, rows: pa.Table) -> None:
        """Take rows with the columns of their kind."""
        days = times_of(rows["time"]) // DAY_NS
        for day in np.unique(days).tolist():
            part = rows if (days == day).all() else rows.filter(pa.array(days == day))
            self._waiting.setdefault(day, []).append(part)
        while sum(map(_count, self._waiting.values())) > _ROWS:
            self._write(max(self._waiting, key=lambda day: _count(self._waiting[day])))

    def finish(self) -> None:
        """Write what is still in memory."""
        for day in sorted(self._waiting):
            self._write(day, at_end=True)

    def _write(self, day: int, at_end: bool = False) -> None:
        rows = pa.concat_tables(self._waiting.pop(day))
        if self._kind == "quotes" and not at_end:
            rows = self._but_the_last(day, rows)
        self.days.add(day_of(day * DAY_NS))
        fresh = self._fresh(day, rows)
        self.held += rows.num_rows - int(np.count_nonzero(fresh))
        if fresh.any():
            kept = rows if fresh.all() else rows.filter(pa.array(fresh))
            self.new += kept.num_rows
            write(self._place, self._kind, self._instrument, kept)

    def _but_the_last(self, day: int, rows: pa.Table) -> pa.Table:
        """Quotes of one time go to one file, so that it tells by their time which ones it holds."""
        time_ns = times_of(rows["time"])
        last = time_ns == time_ns.max()
        if last.all():
            return rows
        self._waiting[day] = [rows.filter(pa.array(last))]
        return rows.filter(pa.array(~last))

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


def _count(tables: list[pa.Table]) -> int:
    return sum(table.num_rows for table in tables)
