"""Ticks of one symbol as arrays: what a tape is made of between the socket and the disk."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import Any, Self, overload

import numpy as np
import numpy.typing as npt

from alphastream.core.types import Floats, Ints
from alphastream.events import Tick

INT64_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True, eq=False)
class TickColumns:
    """Ticks of one symbol as arrays of one length. What a tape gives is in ascending order of id."""

    id: Ints
    price: Floats
    quantity: Floats
    time_ns: Ints
    receive_ns: Ints
    buyer_is_maker: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.id)

    def rows(self, wanted: slice | npt.NDArray[Any]) -> Self:
        """Return some of the rows: a slice, places or a mask."""
        return type(self)(
            self.id[wanted],
            self.price[wanted],
            self.quantity[wanted],
            self.time_ns[wanted],
            self.receive_ns[wanted],
            self.buyer_is_maker[wanted],
        )

    def ticks(self, symbol: str) -> list[Tick]:
        """Build one Tick a row."""
        return list(map(Tick, repeat(symbol), *(column.tolist() for column in self.arrays())))

    def arrays(self) -> tuple[npt.NDArray[Any], ...]:
        """The columns in the order of their names."""
        return self.id, self.price, self.quantity, self.time_ns, self.receive_ns, self.buyer_is_maker

    def sound(self) -> npt.NDArray[np.bool_]:
        """Return which rows hold numbers that a trade can have; NaN compares false."""
        whole = (self.id | self.time_ns | self.receive_ns) >= 0  # the sign of any is that of all
        least, most = np.minimum(self.price, self.quantity), np.maximum(self.price, self.quantity)
        return whole & (least > 0) & (most < np.inf)

    def are_new(self, known_ids: Ints, known_ns: Ints) -> npt.NDArray[np.bool_]:
        """Return which rows are not among trades that were read before, given their ids and times.

        Where ids have begun anew, a later trade may have an id that is among them.
        """
        return np.asarray(~np.isin(self.id, known_ids) | (self.time_ns > known_ns.max(initial=0)))

    @classmethod
    def of(cls, ticks: Iterable[Tick]) -> Self:
        """Return the columns of ticks, in the order given."""
        rows = [(t.id, t.price, t.quantity, t.time_ns, t.receive_ns, t.buyer_is_maker) for t in ticks]
        columns: Any = zip(*rows, strict=True) if rows else [()] * len(_TYPES)
        return cls(*map(np.array, columns, _TYPES))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return all rows of the parts, one after the other; at least one part."""
        if len(parts) == 1:
            return parts[0]
        return cls(*(np.concatenate(arrays) for arrays in zip(*(part.arrays() for part in parts), strict=True)))

    @classmethod
    def merged(cls, parts: Sequence[Self]) -> Self:
        """Return all rows of the parts by ascending id, an id that two parts hold once; at least one part."""
        joined = cls.joined(parts)
        if (joined.id[1:] > joined.id[:-1]).all():
            return joined
        return joined.rows(np.unique(joined.id, return_index=True)[1])


class TickGroups(Sequence[Tick]):
    """Ticks that came together, as columns of each symbol; read one by one, symbol after symbol.

    Parameters
    ----------
    groups : by symbol, in the order of arrival; none of them empty.
    """

    def __init__(self, groups: Mapping[str, TickColumns]) -> None:
        self.groups = groups

    @cached_property
    def _ticks(self) -> list[Tick]:
        return [tick for symbol, columns in self.groups.items() for tick in columns.ticks(symbol)]

    def __len__(self) -> int:
        return sum(map(len, self.groups.values()))

    @overload
    def __getitem__(self, at: int) -> Tick: ...
    @overload
    def __getitem__(self, at: slice) -> list[Tick]: ...
    def __getitem__(self, at: int | slice) -> Tick | list[Tick]:
        return self._ticks[at]


_TYPES = (np.int64, np.float64, np.float64, np.int64, np.int64, np.bool_)


def empty(rows: int = 0) -> TickColumns:
    """Return columns whose rows are still to be written."""
    columns: Any = (np.empty(rows, kind) for kind in _TYPES)
    return TickColumns(*columns)


def by_symbol(ticks: Iterable[Tick]) -> tuple[dict[str, TickColumns], int]:
    """Return ticks as columns of each symbol, in the order of arrival, and how many hold numbers no column can hold."""
    groups: dict[str, list[Tick]] = {}
    for tick in ticks:
        groups.setdefault(tick.symbol, []).append(tick)
    found, unusable = {}, 0
    for symbol, group in groups.items():
        try:
            found[symbol] = TickColumns.of(group)
        except (OverflowError, TypeError, ValueError):
            usable = [tick for tick in group if is_sound(tick)]
            unusable += len(group) - len(usable)
            found[symbol] = TickColumns.of(usable)
    return found, unusable


def is_sound(tick: Tick) -> bool:
    """True for numbers that a trade can have and that a column can hold; NaN compares false."""
    return (
        0.0 < tick.price < math.inf
        and 0.0 < tick.quantity < math.inf
        and 0 <= tick.id <= INT64_MAX
        and 0 <= tick.time_ns <= INT64_MAX
        and 0 <= tick.receive_ns <= INT64_MAX
    )
