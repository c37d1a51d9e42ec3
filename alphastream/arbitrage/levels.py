"""Quotes as the monitor reads them: the best levels of a book at T times."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.types import Floats, Ints
from alphastream.core.validation import require_number
from alphastream.errors import ParameterError


class Levels(Protocol):
    """The best levels of a book at T times, L a side, best first, in the order in which the venue sent them.

    ``BookColumns`` are such. A price that is NaN says that the level is missing, in the first level that the side
    cannot be known from this time on. A quantity that is NaN beside a price is one that nobody told.
    """

    @property
    def time_ns(self) -> Ints:
        """Of the venue, UTC ns, shape (T,)."""

    @property
    def receive_ns(self) -> Ints:
        """When it arrived, UTC ns, shape (T,)."""

    @property
    def bid_price(self) -> Floats:
        """Shape (T, L)."""

    @property
    def bid_quantity(self) -> Floats:
        """Shape (T, L), units of base."""

    @property
    def ask_price(self) -> Floats:
        """Shape (T, L)."""

    @property
    def ask_quantity(self) -> Floats:
        """Shape (T, L), units of base."""


@dataclass(frozen=True, slots=True, eq=False)
class TopLevels:
    """``Levels`` of which only the best one is known."""

    time_ns: Ints
    receive_ns: Ints
    bid_price: Floats
    bid_quantity: Floats
    ask_price: Floats
    ask_quantity: Floats


def levels_of_quotes(
    time_ns: ArrayLike,
    receive_ns: ArrayLike,
    bid: ArrayLike,
    bid_quantity: ArrayLike,
    ask: ArrayLike,
    ask_quantity: ArrayLike,
) -> TopLevels:
    """Return best bids and offers, each of shape (T,), as levels.

    Raises
    ------
    ParameterError : the lengths differ.
    """
    times = [np.asarray(each, np.int64) for each in (time_ns, receive_ns)]
    sides = [np.asarray(each, np.float64) for each in (bid, bid_quantity, ask, ask_quantity)]
    if len({each.shape for each in (*times, *sides)}) != 1 or times[0].ndim != 1:
        shapes = ", ".join(str(each.shape) for each in (*times, *sides))
        raise ParameterError(f"quotes need six columns of one length, have shapes {shapes}")
    return TopLevels(times[0], times[1], *(each[:, None] for each in sides))


def levels_of_trades(time_ns: ArrayLike, receive_ns: ArrayLike, price: ArrayLike, half_spread_bps: float) -> TopLevels:
    """Return what quotes may have been where only trades are known: each price ± a half spread, of unknown size.

    Nobody quoted these. What is made of them has to say so.

    Parameters
    ----------
    time_ns, receive_ns, price : shape (T,).
    half_spread_bps : 0 or more.

    Raises
    ------
    ParameterError : the lengths differ, or the half spread is negative.
    """
    require_number("half_spread_bps", half_spread_bps, minimum=0.0)
    prices = np.asarray(price, np.float64)
    unknown = np.full(prices.shape, np.nan)
    half = half_spread_bps / 1e4
    return levels_of_quotes(time_ns, receive_ns, prices * (1.0 - half), unknown, prices * (1.0 + half), unknown)
