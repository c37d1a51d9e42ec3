"""Ticks to time bars, and bars of two symbols to aligned rows.

Everything is columnar: one numpy array a field. A bar exists where at least one trade happened in
``[start, start + interval)``. Aligned rows exist where at least one leg traded; the other leg shows its last trade
at or before the bar's end, with its age beside it, so that an old price can be looked at and never mistaken for a
new one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alphastream.core.types import Floats, Ints
from alphastream.errors import ParameterError
from alphastream.events import Bar

_NOT_GIVEN: Final[Ints] = np.empty(0, dtype=np.int64)
_NO_VOLUME: Final[Floats] = np.empty(0)
UNKNOWN_TRADES: Final = -1  # of a leg that traded in a bar of which nobody counted the trades


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars of one symbol, oldest first; every field has shape (B,).

    ``start_ns`` are multiples of the interval for bars made from ticks. ``first_ns`` and ``last_ns`` are the times
    of the first and the last trade in the bar. ``trades`` is 0 where nobody knows how many, as in a file of bars.
    ``buy_volume`` is the part of the volume that takers bought, NaN where nobody knows; left out, nobody does.
    """

    start_ns: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    trades: Ints
    first_ns: Ints
    last_ns: Ints
    buy_volume: Floats = field(default_factory=lambda: _NO_VOLUME)

    def __post_init__(self) -> None:
        if self.buy_volume is _NO_VOLUME:
            object.__setattr__(self, "buy_volume", np.full(len(self), np.nan))

    def __len__(self) -> int:
        return len(self.start_ns)

    def take(self, rows: slice | Ints) -> "Bars":
        """The same bars, some rows of them."""
        return Bars(*(getattr(self, item.name)[rows] for item in fields(self)))

    def events(self, symbol: str, interval_ns: int) -> Iterable[Bar]:
        """The bars as values, one at a time."""
        for row in range(len(self)):
            start = int(self.start_ns[row])
            yield Bar(
                symbol=symbol,
                start_ns=start,
                end_ns=start + interval_ns,
                open=float(self.open[row]),
                high=float(self.high[row]),
                low=float(self.low[row]),
                close=float(self.close[row]),
                volume=float(self.volume[row]),
                trades=int(self.trades[row]),
                last_ns=int(self.last_ns[row]),
            )


def empty_bars() -> Bars:
    """No bar yet."""
    none, never = np.empty(0), np.empty(0, dtype=np.int64)
    return Bars(never, none, none, none, none, none, never, never, never)


def aggregate(
    time_ns: Ints,
    price: Floats,
    quantity: Floats,
    interval_ns: int,
    buyer_is_maker: NDArray[np.bool_] | None = None,
) -> Bars:
    """Sum ticks up into bars.

    Parameters
    ----------
    time_ns, price, quantity : shape (T,). Any order of time; ticks of one time count in the order given.
    interval_ns : length of a bar, at least 1.
    buyer_is_maker : shape (T,), true where the taker sold; None where nobody knows.
    """
    if interval_ns < 1:
        raise ParameterError(f"interval_ns={interval_ns}: a bar lasts at least one nanosecond")
    if not len(time_ns) == len(price) == len(quantity):
        raise ParameterError(f"columns of {len(time_ns)}, {len(price)} and {len(quantity)} rows: they must be equal")
    if len(time_ns) == 0:
        return empty_bars()
    if np.any(time_ns[1:] < time_ns[:-1]):
        order = np.argsort(time_ns, kind="stable")
        time_ns, price, quantity = time_ns[order], price[order], quantity[order]
        buyer_is_maker = None if buyer_is_maker is None else buyer_is_maker[order]
    bucket = time_ns // interval_ns
    first = np.r_[0, np.flatnonzero(bucket[1:] != bucket[:-1]) + 1]
    last = np.r_[first[1:], len(bucket)] - 1
    return Bars(
        start_ns=bucket[first] * interval_ns,
        open=price[first],
        high=np.maximum.reduceat(price, first),
        low=np.minimum.reduceat(price, first),
        close=price[last],
        volume=np.add.reduceat(quantity, first),
        trades=last - first + 1,
        first_ns=time_ns[first],
        last_ns=time_ns[last],
        buy_volume=_NO_VOLUME
        if buyer_is_maker is None
        else np.add.reduceat(np.where(buyer_is_maker, 0.0, quantity), first),
    )


def merge(old: Bars, new: Bars) -> Bars:
    """Both sets of bars as one; a bar that both have is their sum. Where times tie, ``new`` traded later."""
    if len(old) == 0 or len(new) == 0:
        return new if len(old) == 0 else old
    cut = int(np.searchsorted(old.start_ns, new.start_ns[0]))
    head, tail = old.take(slice(None, cut)), old.take(slice(cut, None))
    joined = concatenate((tail, new))
    by_open = np.lexsort((joined.first_ns, joined.start_ns))
    by_close = np.lexsort((joined.last_ns, joined.start_ns))
    start = joined.start_ns[by_open]
    first = np.flatnonzero(np.r_[True, start[1:] != start[:-1]])
    last = np.r_[first[1:], len(start)] - 1
    tail = Bars(
        start_ns=start[first],
        open=joined.open[by_open][first],
        high=np.maximum.reduceat(joined.high[by_open], first),
        low=np.minimum.reduceat(joined.low[by_open], first),
        close=joined.close[by_close][last],
        volume=np.add.reduceat(joined.volume[by_open], first),
        trades=np.add.reduceat(joined.trades[by_open], first),
        first_ns=joined.first_ns[by_open][first],
        last_ns=joined.last_ns[by_close][last],
        buy_volume=np.add.reduceat(joined.buy_volume[by_open], first),
    )
    return concatenate((head, tail))


def resample(bars: Bars, interval_ns: int) -> Bars:
    """Longer bars from shorter ones; each belongs to the interval its start lies in."""
    bucket = bars.start_ns // interval_ns
    first = np.flatnonzero(np.r_[True, bucket[1:] != bucket[:-1]][: len(bucket)])
    return grouped(bars, first, bucket[first] * interval_ns)


def grouped(bars: Bars, first: Ints, start_ns: Ints) -> Bars:
    """Longer bars from runs of shorter ones.

    Parameters
    ----------
    first : rows at which the runs begin, (G,); the first is 0.
    start_ns : when the longer bars begin, (G,).
    """
    if len(bars) == 0:
        return bars
    last = np.r_[first[1:], len(bars)] - 1
    return Bars(
        start_ns=start_ns,
        open=bars.open[first],
        high=np.maximum.reduceat(bars.high, first),
        low=np.minimum.reduceat(bars.low, first),
        close=bars.close[last],
        volume=np.add.reduceat(bars.volume, first),
        trades=np.add.reduceat(bars.trades, first),
        first_ns=bars.first_ns[first],
        last_ns=bars.last_ns[last],
        buy_volume=np.add.reduceat(bars.buy_volume, first),
    )


@dataclass(frozen=True, slots=True)
class PairRows:
    """Two legs on one grid of bar ends, oldest first; every field has shape (T,).

    ``y`` and ``x`` are prices (last trade at or before ``end_ns``), ``*_age_ns`` how old they are at the bar's end,
    ``*_volume`` what traded in the bar (0 where the leg did not trade). ``*_trades`` counts the trades in the bar: 0
    where the leg did not trade, ``UNKNOWN_TRADES`` where it did and nobody knows how often. Left out, a leg traded
    where it has volume; one without any volume is taken to have traded in every row. ``*_buy_volume`` is the part of
    the volume that takers bought, NaN where nobody knows; left out, nobody does.
    """

    end_ns: Ints
    y: Floats
    x: Floats
    y_age_ns: Ints
    x_age_ns: Ints
    y_volume: Floats
    x_volume: Floats
    y_trades: Ints = field(default_factory=lambda: _NOT_GIVEN)
    x_trades: Ints = field(default_factory=lambda: _NOT_GIVEN)
    y_buy_volume: Floats = field(default_factory=lambda: _NO_VOLUME)
    x_buy_volume: Floats = field(default_factory=lambda: _NO_VOLUME)

    def __post_init__(self) -> None:
        for name in ("y_buy_volume", "x_buy_volume"):
            if getattr(self, name) is _NO_VOLUME:
                object.__setattr__(self, name, np.full(len(self), np.nan))
        for name, volume in (("y_trades", self.y_volume), ("x_trades", self.x_volume)):
            if getattr(self, name) is _NOT_GIVEN:
                traded = (volume != 0.0) | (not np.any(volume))
                object.__setattr__(self, name, np.where(traded, UNKNOWN_TRADES, 0))

    def __len__(self) -> int:
        return len(self.end_ns)

    def take(self, rows: slice) -> "PairRows":
        """The same columns, some rows of them."""
        return PairRows(*(getattr(self, name)[rows] for name in self.__match_args__))

    @property
    def both_traded(self) -> NDArray[np.bool_]:
        """Rows in which neither price is an old one, (T,)."""
        both: NDArray[np.bool_] = (self.y_trades != 0) & (self.x_trades != 0)
        return both


def align(y: Bars, x: Bars, interval_ns: int, after_ns: int | None = None, until_ns: int | None = None) -> PairRows:
    """Rows at every bar end where a leg traded and both legs have a price.

    Parameters
    ----------
    after_ns, until_ns : keep rows with ``after_ns < end_ns <= until_ns``.
    """
    if after_ns is not None:  # earlier rows are not asked for: only the bar before them can still matter
        y, x = (leg.take(slice(max(int(np.searchsorted(leg.start_ns, after_ns)) - 1, 0), None)) for leg in (y, x))
    same = np.array_equal(y.start_ns, x.start_ns)
    starts = y.start_ns if same else np.union1d(y.start_ns, x.start_ns)
    ends = starts + interval_ns
    known = max(y.start_ns[0], x.start_ns[0]) + interval_ns if len(y) and len(x) else None
    keep = np.zeros(len(ends), dtype=bool) if known is None else ends >= known
    if after_ns is not None:
        keep &= ends > after_ns
    if until_ns is not None:
        keep &= ends <= until_ns
    ends = ends[keep]
    y_price, y_age, y_volume, y_trades, y_buys = last_trade(y, ends, interval_ns)
    x_price, x_age, x_volume, x_trades, x_buys = last_trade(x, ends, interval_ns)
    return PairRows(ends, y_price, x_price, y_age, x_age, y_volume, x_volume, y_trades, x_trades, y_buys, x_buys)


class LegGrid:
    """Many symbols on one grid of bar ends: each is looked up once, however many pairs it is a leg of.

    Parameters
    ----------
    legs : bars of each symbol, all of this interval, starting at its multiples.
    interval_ns : length of a bar.
    after_ns : the grid holds ends later than this.
    """

    def __init__(self, legs: Mapping[str, Bars], interval_ns: int, after_ns: int) -> None:
        tails = [
            leg.start_ns[np.searchsorted(leg.start_ns, after_ns - interval_ns, "right") :] for leg in legs.values()
        ]
        self._ends = np.unique(np.concatenate([np.empty(0, np.int64), *tails])) + interval_ns
        self._ends.setflags(write=False)
        self._legs = {symbol: _leg(bars, self._ends, interval_ns) for symbol, bars in legs.items() if len(bars)}

    def rows(self, y: str, x: str, after_ns: int) -> PairRows:
        """What ``align`` gives for two legs and ends later than ``after_ns``, which is not before the grid's own."""
        if y not in self._legs or x not in self._legs:
            return NO_ROWS
        y_leg, x_leg, ends = self._legs[y], self._legs[x], self._ends
        begin = max(y_leg.known_from, x_leg.known_from, int(np.searchsorted(ends, after_ns, "right")))
        chosen: slice | NDArray[np.intp] = slice(begin, None)
        if not (y_leg.always_fresh or x_leg.always_fresh):
            fresh = y_leg.fresh[begin:] | x_leg.fresh[begin:]
            if not fresh.all():
                chosen = begin + np.flatnonzero(fresh)
        return PairRows(
            ends[chosen],
            y_leg.price[chosen],
            x_leg.price[chosen],
            y_leg.age_ns[chosen],
            x_leg.age_ns[chosen],
            y_leg.volume[chosen],
            x_leg.volume[chosen],
            y_leg.trades[chosen],
            x_leg.trades[chosen],
            y_leg.buy_volume[chosen],
            x_leg.buy_volume[chosen],
        )


@dataclass(frozen=True, slots=True)
class _Leg:
    """One symbol at each end of a grid; its price is known from the row ``known_from`` on."""

    price: Floats
    age_ns: Ints
    volume: Floats
    trades: Ints
    buy_volume: Floats
    fresh: NDArray[np.bool_]
    known_from: int
    always_fresh: bool


def _leg(bars: Bars, ends: Ints, interval_ns: int) -> _Leg:
    columns = price, age_ns, volume, trades, buy_volume = last_trade(bars, ends, interval_ns)
    for column in columns:  # pairs share them
        column.setflags(write=False)
    fresh = trades != 0
    known_from = int(np.searchsorted(ends, bars.start_ns[0] + interval_ns))
    return _Leg(price, age_ns, volume, trades, buy_volume, fresh, known_from, bool(fresh.all()))


def last_trade(bars: Bars, ends: Ints, interval_ns: int) -> tuple[Floats, Ints, Floats, Ints, Floats]:
    """Price, its age, volume, number of trades and volume bought at the end of each bar."""
    row = np.searchsorted(bars.start_ns, ends - interval_ns, side="right") - 1
    fresh = bars.start_ns[row] == ends - interval_ns
    trades = np.where(bars.trades[row] > 0, bars.trades[row], UNKNOWN_TRADES)
    volume, bought = (np.where(fresh, column[row], 0.0) for column in (bars.volume, bars.buy_volume))
    return bars.close[row], ends - bars.last_ns[row], volume, np.where(fresh, trades, 0), bought


def concatenate(pieces: Sequence[Bars]) -> Bars:
    """Bars behind each other, at least one piece, as they are."""
    return Bars(*(np.concatenate([getattr(piece, item.name) for piece in pieces]) for item in fields(Bars)))


NO_ROWS = align(empty_bars(), empty_bars(), 1)
