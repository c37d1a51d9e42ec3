"""The newest rows of something that grows."""

from dataclasses import fields
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

RowsT = TypeVar("RowsT")

SPARE = 4  # a new buffer has room for a quarter of the rows kept
MIN_SPARE = 16


class History(Generic[RowsT]):
    """The newest rows, at most ``keep``; adding one costs the same however many there are.

    ``rows`` is a read-only view and stays what it is: new rows are written behind it, and when a buffer is full the
    newest ones go on in another.

    Parameters
    ----------
    keep : rows to hold.
    rows : where to begin; a dataclass whose fields are arrays (T,) of one length.

    Examples
    --------
    >>> from alphastream.estimators import ZScoreRows
    >>> history = History(2, ZScoreRows(*[np.array([1.0, 2.0])] * 3))
    >>> before = history.rows
    >>> history.extend(ZScoreRows(*[np.array([3.0])] * 3))
    >>> before.zscore.tolist(), history.rows.zscore.tolist()
    ([1.0, 2.0], [2.0, 3.0])
    """

    def __init__(self, keep: int, rows: RowsT) -> None:
        self._keep = keep
        self._names = tuple(item.name for item in fields(rows))  # type: ignore[arg-type]
        self._type = type(rows)
        self._buffers: list[NDArray[Any]] = []
        self._views: list[NDArray[Any]] = []  # the same memory, read-only
        self._begin = self._end = self._room = 0
        self.rows = rows
        self.extend(rows)

    def extend(self, new: RowsT) -> None:
        """Add rows behind those there are."""
        columns = [getattr(new, name) for name in self._names]
        if len(columns[0]) > self._keep:
            columns = [column[-self._keep :] for column in columns]
        count = len(columns[0])
        if self._end + count > self._room or not self._buffers:
            self._renew(columns, count)
        end = self._end + count
        for buffer, column in zip(self._buffers, columns, strict=True):
            buffer[self._end : end] = column
        self._begin, self._end = max(self._begin, end - self._keep), end
        self.rows = self._type(*[view[self._begin : end] for view in self._views])

    def without_newest(self, count: int) -> "History[RowsT]":
        """A history of its own that ends so many rows earlier; readers of this one keep what they have."""
        return History(self._keep, taken(self.rows, slice(self._end - self._begin - count)))

    def _renew(self, columns: list[NDArray[Any]], count: int) -> None:
        """Go on in buffers with room for ``count`` rows and some more; readers keep the old ones."""
        begin = max(self._begin, self._end + count - self._keep)
        held = self._end - begin
        self._room = held + count + max(self._keep // SPARE, MIN_SPARE)
        old, self._buffers = self._buffers, [np.empty(self._room, column.dtype) for column in columns]
        for before, buffer in zip(old, self._buffers, strict=False):  # none at the beginning
            buffer[:held] = before[begin : self._end]
        self._views = [buffer.view() for buffer in self._buffers]
        for view in self._views:
            view.setflags(write=False)
        self._begin, self._end = 0, held


def taken(rows: RowsT, part: slice) -> RowsT:
    """The same columns, some rows of them."""
    columns = [getattr(rows, item.name)[part] for item in fields(rows)]  # type: ignore[arg-type]
    return type(rows)(*columns)
