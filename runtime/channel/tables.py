"""A table whose rows move, as numbered messages: one topic for all rows, and only what changed of them is told.

A ``TableTopic`` stands beside ``Topic`` and is carried in the same way. Its messages::

    {"topic": id, "figure": id, "seq": n, "sent": ms, "clock": {"now": ms, "pace": x}, "status": text, "stamps": {...},
     "base": {"head": {...}, "rows": [{"id": id, "cells": {name: cell}, "points": [...]}]} or
     "delta": {"rows": {place: {"cells": {name: cell}, "add": [...] or "points": [...]}}},
     "moments": {name: ms}}

place : of the row among those of the base, from 0.
cell : text or a number, a smaller line below it, a tone, and the number to sort by where the text does not begin with
    it; what is left out at the end is "".
points : of the row's small line, oldest first; ``add`` goes behind those there are, of which the oldest fall off
    (``head.points`` says how many stay).
moments : when something happened last, by name, ms UTC; those that are new. Ages are counted by who shows them, by
    ``clock``: the time that the data live in, and its pace.

At least one message comes every ``BEAT_S``: silence means that nobody speaks.
"""

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from alphastream.core.types import Floats
from runtime.channel.numbered import Numbered

BEAT_S: Final = 0.9
Cell = tuple[str | float | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class TableRow:
    """A row at one moment.

    Parameters
    ----------
    key : names the row; stays the same for the same row.
    cells : by column; see the message.
    times : (P,) int64, of the points of its small line, strictly increasing.
    points : (P,) float64, rounded to what is shown; NaN for undefined.
    """

    key: str
    cells: Mapping[str, Cell]
    times: npt.NDArray[np.int64]
    points: Floats


@dataclass(frozen=True, slots=True)
class TableFrame:
    """What a table shows at one moment.

    Parameters
    ----------
    look : frames of equal look share their head; a change begins a new figure.
    head : what does not move; called once a figure.
    rows : in the order of the list.
    moments, clock, status, stamps : see the message.
    """

    look: Hashable
    head: Callable[[], dict[str, Any]]
    rows: Sequence[TableRow]
    moments: Mapping[str, int]
    clock: tuple[float, float] = (0.0, 1.0)
    status: str = ""
    stamps: Mapping[str, float] | None = None


class TableTopic(Numbered[TableFrame]):
    """One table: compares each frame with the one before and tells the difference, or a moment later that nothing is
    other. Safe to use from any thread.

    Parameters
    ----------
    source : gives the frame as it is now.
    """

    def __init__(
        self, name: str, source: Callable[[], TableFrame], now_s: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(name, source, now_s)
        self._told_s = now_s()
        self._base: tuple[int, bytes] | None = None

    def snapshot(self) -> bytes:
        """Everything, as of the latest message; encoded once a message."""
        with self._lock:
            if self._frame is None:
                self.advance()
            if self._base is None or self._base[0] != self._seq:  # at most BEAT_S old where somebody looks
                assert self._frame is not None
                rows = [_whole(row) for row in self._frame.rows]
                base = {"base": {"head": self._frame.head(), "rows": rows}, "moments": self._frame.moments}
                self._base = self._seq, self._encode(base)
            return self._base[1]

    def window(self, figure: object, seq: object = None) -> bytes:
        """What a receiver lacks: everything, but where it holds the latest message."""
        with self._lock:
            self.touched_s = self._now_s()
            if self._frame is None:
                self.advance()
            return self._encode({}) if (figure, seq) == (self.figure, self._seq) else self.snapshot()

    def _told(self, frame: TableFrame) -> bytes | None:
        before, now_s = self._frame, self._now_s()
        keys = [row.key for row in frame.rows]
        if before is None or before.look != frame.look or [row.key for row in before.rows] != keys:
            self._frame, self._figures, self._told_s = frame, self._figures + 1, now_s
            self._seq += 1
            return self.snapshot()
        changed = {
            str(place): change
            for place, (then, row) in enumerate(zip(before.rows, frame.rows, strict=True))
            if row is not then and (change := _change(then, row))
        }
        moments = {name: ms for name, ms in frame.moments.items() if before.moments.get(name) != ms}
        if not changed and not moments and before.status == frame.status and now_s - self._told_s < BEAT_S:
            return None
        self._frame, self._told_s = frame, now_s
        self._seq += 1
        content: dict[str, Any] = {"delta": {"rows": changed}} if changed else {}
        return self._encode({**content, "moments": moments} if moments else content)

    def _encode(self, content: Mapping[str, Any]) -> bytes:
        frame = self._frame
        assert frame is not None
        clock = {"clock": {"now": round(frame.clock[0], 1), "pace": frame.clock[1]}}
        return self._message({**clock, **content}, frame.status, frame.stamps)


def _whole(row: TableRow) -> dict[str, Any]:
    return {"id": row.key, "cells": {name: _short(cell) for name, cell in row.cells.items()}, "points": row.points}


def _change(before: TableRow, after: TableRow) -> dict[str, Any]:
    """The cells and the points that are new; empty where none are."""
    cells = {name: _short(cell) for name, cell in after.cells.items() if before.cells.get(name) != cell}
    change: dict[str, Any] = {"cells": cells} if cells else {}
    return change | _new_points(before, after)


def _new_points(before: TableRow, after: TableRow) -> dict[str, Floats]:
    """Points that came behind those of before, or all of them where one of those is another now."""
    if before.times is after.times and before.points is after.points:
        return {}
    count = len(before.times)
    begin = int(np.searchsorted(before.times, after.times[0])) if len(after.times) and count else count
    common = count - begin
    joins = 0 < common <= len(after.times) and np.array_equal(before.times[begin:], after.times[:common])
    if joins and np.array_equal(before.points[begin:], after.points[:common], equal_nan=True):
        added = after.points[common:]
        return {"add": added} if len(added) else {}
    return {"points": after.points} if count or len(after.times) else {}


def _short(cell: Cell) -> list[str | float | None]:
    """A cell without what is empty at its end."""
    end = len(cell)
    while end and cell[end - 1] == "":
        end -= 1
    return list(cell[:end])
