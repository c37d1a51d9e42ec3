"""What a window looks at: trades, and quotes where there are any, in order of time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alphastream.core.types import Floats, Ints
from alphastream.errors import ParameterError
from alphastream.feeds.market import Quote
from alphastream.tape.columns import TickColumns

_NOT_GIVEN: Final = np.empty(0)


@dataclass(frozen=True, slots=True, eq=False)
class Trades:
    """Trades and quotes as columns of one length, (T,), oldest first.

    Parameters
    ----------
    time_ns : UTC ns, never descending; rows of one time count in the order given.
    price, quantity : of the trade; a NaN price marks a row that is a quote alone.
    buyer_is_maker : True where the taker sold.
    bid, ask : the best prices of a quote, or those that held when the trade happened; NaN where they are not known,
        which is everywhere unless they are given.

    Raises
    ------
    ParameterError
        Columns of unequal length, or times that descend.
    """

    time_ns: Ints
    price: Floats
    quantity: Floats
    buyer_is_maker: NDArray[np.bool_]
    bid: Floats = field(default_factory=lambda: _NOT_GIVEN)
    ask: Floats = field(default_factory=lambda: _NOT_GIVEN)

    def __post_init__(self) -> None:
        given = {"time_ns": np.int64, "price": np.float64, "quantity": np.float64, "buyer_is_maker": np.bool_}
        for name, kind in given.items():
            object.__setattr__(self, name, _contiguous(getattr(self, name), kind))
        for name in ("bid", "ask"):
            values = getattr(self, name)
            values = np.full(len(self), np.nan) if values is _NOT_GIVEN else _contiguous(values, np.float64)
            object.__setattr__(self, name, values)
        lengths = {name: len(getattr(self, name)) for name in self.__match_args__}
        if len(set(lengths.values())) != 1:
            raise ParameterError(f"columns need one length, have {lengths}")
        back = np.flatnonzero(self.time_ns[1:] < self.time_ns[:-1])
        if len(back):
            row = int(back[0]) + 1
            early = self.time_ns[row - 1] - self.time_ns[row]
            raise ParameterError(f"row {row} is {early} ns before the row in front of it: sort the rows by time")

    def __len__(self) -> int:
        return len(self.time_ns)

    def rows(self, wanted: slice) -> "Trades":
        """Some of the rows."""
        return Trades(*(getattr(self, name)[wanted] for name in self.__match_args__))

    @classmethod
    def of(cls, ticks: TickColumns) -> "Trades":
        """The trades of a tape, sorted by time; those of one time stay in the tape's order."""
        if np.any(ticks.time_ns[1:] < ticks.time_ns[:-1]):
            ticks = ticks.rows(np.argsort(ticks.time_ns, kind="stable"))
        return cls(ticks.time_ns, ticks.price, ticks.quantity, ticks.buyer_is_maker)

    def with_quotes(self, quotes: Sequence[Quote]) -> "Trades":
        """The same trades with quotes as rows between them; a quote of a trade's time counts before it.

        Parameters
        ----------
        quotes : oldest first.
        """
        none = np.full(len(quotes), np.nan)
        of_quotes = Trades(
            np.array([quote.time_ns for quote in quotes], np.int64),
            none,
            none,
            np.zeros(len(quotes), np.bool_),
            np.array([quote.bid for quote in quotes]),
            np.array([quote.ask for quote in quotes]),
        )
        both = [np.concatenate((getattr(of_quotes, name), getattr(self, name))) for name in self.__match_args__]
        order = np.argsort(both[0], kind="stable")
        return Trades(*(column[order] for column in both))


def _contiguous(values: ArrayLike, kind: Any) -> NDArray[Any]:
    """One layout for all: numba would compile a kernel again for a read-only or strided array."""
    array = np.ascontiguousarray(values, dtype=kind)
    if array.ndim != 1:
        raise ParameterError(f"a column has shape {array.shape}, needs (T,)")
    return array if array.flags.writeable else array.copy()
