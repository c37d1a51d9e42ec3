"""Rows of any number of instruments on one grid of bar ends: what a source holds that is no pair of prices.

``BarsSpec`` names instruments and the length of a bar, ``BarRows`` are its rows, ``bar_columns`` what nodes of a graph
read of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Final

import numpy as np

from alphastream.bars import Bars, last_trade
from alphastream.core.types import Floats, Ints
from alphastream.errors import ParameterError
from alphastream.graph import Source

FIELDS: Final = (
    "open",
    "high",
    "low",
    "close",
    "volume",
    "trades",
    "buy_volume",
    "sell_volume",
    "signed_volume",
    "age_ns",
    "bid",
    "ask",
)
"""What a source of bars knows of each instrument, beside ``time_ns``, the ends of the bars."""

QUOTES: Final = ("bid", "ask")
"""Fields that come from sampled books, NaN where none was recorded."""

_NO_QUOTES: Final = np.empty((0, 0))


@dataclass(frozen=True, slots=True)
class BarsSpec:
    """One request: which instruments, and bars of which length.

    Parameters
    ----------
    symbols : at least one, each once.
    interval_ns : length of a bar.
    """

    symbols: tuple[str, ...]
    interval_ns: int

    def __post_init__(self) -> None:
        given: object = self.symbols
        if isinstance(given, str):
            raise ParameterError(f"symbols={given!r}: give a tuple of names, of one as well")
        object.__setattr__(self, "symbols", tuple(self.symbols))
        if not self.symbols or len(set(self.symbols)) != len(self.symbols):
            raise ParameterError(f"symbols={self.symbols!r}: give one or more instruments, each once")
        if self.interval_ns < 1:
            raise ParameterError(f"interval_ns={self.interval_ns}: a bar lasts at least one nanosecond")

    @property
    def source(self) -> Source:
        """The aligned bars of these instruments."""
        return Source(self.symbols, self.interval_ns, "bars")


@dataclass(frozen=True, slots=True, eq=False)
class BarRows:
    """N instruments on one grid of bar ends, oldest first.

    A row exists at the end of every bar in which an instrument traded, as soon as all have a price. One that did not
    trade shows its last close as all four prices, with no volume, no trades, and the age of that price.

    Parameters
    ----------
    symbols : the N instruments.
    end_ns : (T,).
    open, high, low, close, volume, buy_volume : (T, N); ``buy_volume`` is NaN where nobody knows.
    trades : (T, N), 0 where the instrument did not trade, -1 where it did and nobody knows how often.
    age_ns : (T, N), from the last trade to the bar's end.
    bid, ask : (T, N), best prices in the newest sample of the book before the bar's end; NaN where none was recorded in
        the bar, or in the 10 s before its end. Left out, none was.
    """

    symbols: tuple[str, ...]
    end_ns: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    buy_volume: Floats
    trades: Ints
    age_ns: Ints
    bid: Floats = field(default_factory=lambda: _NO_QUOTES)
    ask: Floats = field(default_factory=lambda: _NO_QUOTES)

    def __post_init__(self) -> None:
        for name in QUOTES:
            if getattr(self, name) is _NO_QUOTES:
                object.__setattr__(self, name, np.full(self.close.shape, np.nan))

    def __len__(self) -> int:
        return len(self.end_ns)

    def take(self, rows: slice) -> "BarRows":
        """The same columns, some rows of them."""
        return BarRows(self.symbols, *(getattr(self, item.name)[rows] for item in fields(self)[1:]))


def align_bars(
    bars: Mapping[str, Bars], interval_ns: int, after_ns: int | None = None, until_ns: int | None = None
) -> BarRows:
    """Rows at every bar end at which an instrument traded and all have a price.

    Parameters
    ----------
    bars : of each instrument, all of this interval.
    after_ns, until_ns : keep rows with ``after_ns < end_ns <= until_ns``.
    """
    if after_ns is not None:  # earlier rows are not asked for: only the bar before them can still matter
        bars = {
            symbol: each.take(slice(max(int(np.searchsorted(each.start_ns, after_ns)) - 1, 0), None))
            for symbol, each in bars.items()
        }
    ends = np.empty(0, dtype=np.int64)
    if all(len(each) for each in bars.values()):
        ends = np.unique(np.concatenate([each.start_ns for each in bars.values()])) + interval_ns
        ends = ends[ends >= max(int(each.start_ns[0]) for each in bars.values()) + interval_ns]
    if after_ns is not None:
        ends = ends[ends > after_ns]
    if until_ns is not None:
        ends = ends[ends <= until_ns]
    columns = [_at(each, ends, interval_ns) for each in bars.values()]
    return BarRows(tuple(bars), ends, *(np.column_stack(each) for each in zip(*columns, strict=True)))


def _at(bars: Bars, ends: Ints, interval_ns: int) -> tuple[Floats | Ints, ...]:
    """What ``BarRows`` has of one instrument, in its order, (T,) each."""
    close, age_ns, volume, trades, bought = last_trade(bars, ends, interval_ns)
    row = np.searchsorted(bars.start_ns, ends - interval_ns, side="right") - 1
    shape = (np.where(trades != 0, column[row], close) for column in (bars.open, bars.high, bars.low))
    return *shape, close, volume, bought, trades, age_ns


def bar_columns(rows: BarRows) -> dict[str, Floats]:
    """What a ``Source`` of these instruments holds, (T,) float64 each.

    ``time_ns`` and, of the only instrument, the names of ``FIELDS``; of several, those behind the name of the
    instrument: ``"BTCUSDT close"``. ``signed_volume`` is what takers bought less what they sold.
    """
    columns = {"time_ns": rows.end_ns.astype(np.float64)}
    for place, symbol in enumerate(rows.symbols):
        sold = rows.volume[:, place] - rows.buy_volume[:, place]
        derived = {"sell_volume": sold, "signed_volume": rows.buy_volume[:, place] - sold}
        for name in FIELDS:
            values = derived[name] if name in derived else getattr(rows, name)[:, place]
            columns[column_of(rows.symbols, symbol, name)] = np.ascontiguousarray(values, dtype=np.float64)
    return columns


def column_of(symbols: tuple[str, ...], symbol: str, name: str) -> str:
    """What a source of these instruments calls a column of one of them."""
    return name if len(symbols) == 1 else f"{symbol} {name}"
