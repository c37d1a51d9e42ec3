"""What a venue sends beside trades as arrays of one instrument: sampled books, quotes, mark prices."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from alphastream.core.types import Floats, Ints


class _Columns:
    """What columns have in common: rows by ascending time of arrival."""

    __slots__ = ()

    time_ns: Ints
    receive_ns: Ints

    def __len__(self) -> int:
        return len(self.time_ns)

    def arrays(self) -> tuple[npt.NDArray[Any], ...]:
        """The columns in the order of their names."""
        return tuple(getattr(self, field.name) for field in fields(self))  # type: ignore[arg-type]

    def rows(self, wanted: slice | npt.NDArray[Any]) -> Self:
        """Return some of the rows: a slice, places or a mask."""
        return type(self)(*(column[wanted] for column in self.arrays()))

    def between(self, from_ns: int, until_ns: int) -> Self:
        """Return the rows of a time of the venue, the end not included."""
        return self.rows((self.time_ns >= from_ns) & (self.time_ns < until_ns))


@dataclass(frozen=True, slots=True, eq=False)
class BookColumns(_Columns):
    """The best levels of a book at T times, L a side, best first; NaN where a level is missing.

    A row whose levels are all missing says that the book was not known from then on, until the next row.

    Parameters
    ----------
    time_ns, receive_ns : of the last update in each sample, shape (T,).
    bid_price, bid_quantity, ask_price, ask_quantity : shape (T, L), quantities in units of base.
    """

    time_ns: Ints
    receive_ns: Ints
    bid_price: Floats
    bid_quantity: Floats
    ask_price: Floats
    ask_quantity: Floats

    @property
    def levels(self) -> int:
        """L, levels a side."""
        return int(self.bid_price.shape[1])

    @classmethod
    def empty(cls, levels: int, rows: int = 0) -> Self:
        """Return columns without rows, or with rows whose levels are all missing."""
        times = np.zeros((2, rows), np.int64)
        return cls(times[0], times[1], *np.full((4, rows, levels), np.nan))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return all rows of the parts, one after the other; at least one part. The widest says how many levels."""
        if len(parts) == 1:
            return parts[0]
        levels = max(part.levels for part in parts)
        widened = [part.widened(levels).arrays() for part in parts]
        return cls(*(np.concatenate(arrays) for arrays in zip(*widened, strict=True)))

    def widened(self, levels: int) -> Self:
        """Return the same with at least so many levels, those that were not sampled missing."""
        more = levels - self.levels
        if more <= 0:
            return self
        sides = (self.bid_price, self.bid_quantity, self.ask_price, self.ask_quantity)
        padded = (np.pad(side, ((0, 0), (0, more)), constant_values=np.nan) for side in sides)
        return type(self)(self.time_ns, self.receive_ns, *padded)


class _FlatColumns(_Columns):
    """Columns of one dimension."""

    __slots__ = ()

    @classmethod
    def of(cls, rows: Sequence[tuple[float, ...]]) -> Self:
        """Return columns of rows, each in the order of the columns' names."""
        columns: Any = zip(*rows, strict=True) if rows else [()] * len(fields(cls))  # type: ignore[arg-type]
        kinds = (np.int64 if name.endswith("_ns") else np.float64 for name in cls.__annotations__)
        return cls(*map(np.array, columns, kinds))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return all rows of the parts, one after the other; at least one part."""
        return cls(*(np.concatenate(arrays) for arrays in zip(*(part.arrays() for part in parts), strict=True)))


@dataclass(frozen=True, slots=True, eq=False)
class QuoteColumns(_FlatColumns):
    """The best bid and offer at T times, shape (T,)."""

    time_ns: Ints
    receive_ns: Ints
    bid: Floats
    bid_quantity: Floats
    ask: Floats
    ask_quantity: Floats


@dataclass(frozen=True, slots=True, eq=False)
class MarkColumns(_FlatColumns):
    """Mark prices of a perpetual and its funding at T times, shape (T,); NaN and 0 where nothing was said."""

    time_ns: Ints
    receive_ns: Ints
    mark: Floats
    index: Floats
    funding_rate: Floats
    next_funding_ns: Ints
    interval_ns: Ints
