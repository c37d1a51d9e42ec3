"""Recorded books that orders meet between two rows: read some minutes at a time, and only where an order waits."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, Protocol

import numpy as np

from alphastream.bar_rows import BarRows
from alphastream.books import BookColumns
from alphastream.core.types import Floats, Ints
from alphastream.core.units import SECOND
from alphastream.errors import ParameterError
from alphastream.trading.broker.depth import Levels

NEVER_NS: Final = 2**63 - 1
QUOTED_NS: Final = 10 * SECOND
STRETCH_NS: Final = 600 * SECOND  # read at once: 6,000 samples of a book that is sampled ten times a second


class BookSource(Protocol):
    """Sampled books by symbol; a ``MarketView`` is one."""

    def samples(self, name: str, from_ns: int, until_ns: int) -> BookColumns:
        """Return the samples of a time, the end not included."""


class BookTapes:
    """Books that orders meet, in order of time; where no order waits none is read. See ``TradeTapes``.

    Parameters
    ----------
    source : of the samples.
    symbols : one a leg.
    until_ns : samples from here on are not met.

    Attributes
    ----------
    meet : called with leg, time, bids and offers of each sample that a leg waits for.
    waiting : whether a leg does.
    """

    def __init__(self, source: BookSource, symbols: Sequence[str], until_ns: int) -> None:
        self._source, self._symbols, self._until_ns = source, symbols, until_ns
        self._read: list[BookColumns] = [BookColumns.empty(1)] * len(symbols)
        self._read_until_ns = [0] * len(symbols)
        self._row = [0] * len(symbols)
        self._after = [0] * len(symbols)  # rows before, of what is read, were met
        self._next_ns = [NEVER_NS] * len(symbols)
        self._seen = [False] * len(symbols)
        self.meet: Callable[[int, int, Levels, Levels], None] = lambda *sample: None
        self.waiting = False

    @property
    def next_ns(self) -> int:
        """Time of the next sample that a leg waits for."""
        return min(self._next_ns)

    def wait(self, leg: int, from_ns: int | None) -> None:
        """Look at samples of a leg from a moment on; None: no more.

        Raises
        ------
        ParameterError : no book of the leg was recorded from there on, and none was met before.
        """
        if from_ns is None:
            self._next_ns[leg] = NEVER_NS
        else:
            self._find(leg, from_ns)
        self.waiting = min(self._next_ns) != NEVER_NS

    def play(self, until_ns: int) -> None:
        """Let orders meet the samples before a moment; of those at one time that of the first leg comes first."""
        while (when_ns := min(self._next_ns)) < until_ns:
            leg = self._next_ns.index(when_ns)
            books, row = self._read[leg], self._row[leg]
            self._after[leg] = row + 1
            self._find(leg, when_ns)
            self.meet(leg, when_ns, *levels_at(books, row))

    def _find(self, leg: int, from_ns: int) -> None:
        """Turn to the first sample at or after a moment that was not met."""
        times = self._read[leg].time_ns
        at = max(self._after[leg], int(times.searchsorted(from_ns)))
        while at >= len(times):
            start_ns = max(self._read_until_ns[leg], from_ns)
            if start_ns >= self._until_ns:
                self._next_ns[leg] = NEVER_NS
                if not self._seen[leg]:
                    raise ParameterError(
                        f"no book of {self._symbols[leg]} was recorded when an order came: fill at the next trade, or "
                        "take another time"
                    )
                return
            self._read_until_ns[leg] = min(start_ns + STRETCH_NS, self._until_ns)
            found = self._source.samples(self._symbols[leg], start_ns, self._read_until_ns[leg])
            self._read[leg] = in_time(found)
            times, at, self._after[leg] = self._read[leg].time_ns, 0, 0
        self._seen[leg] = True
        self._row[leg], self._next_ns[leg] = at, int(times[at])


def with_quotes(rows: BarRows, source: BookSource, interval_ns: int) -> BarRows:
    """Rows with bid and ask as of the end of each bar, from the samples before it.

    A sample counts for the bar that it lies in, or for 10 s where bars are shorter: an older one says nothing of now.
    """
    bid, ask = np.full((2, *rows.close.shape), np.nan)
    for place, symbol in enumerate(rows.symbols):
        bid[:, place], ask[:, place] = _best(source, symbol, rows.end_ns, max(interval_ns, QUOTED_NS))
    return replace(rows, bid=bid, ask=ask)


def _best(source: BookSource, symbol: str, ends: Ints, reach_ns: int) -> tuple[Floats, Floats]:
    """Best bid and offer at each moment, read some minutes at a time, (T,) each."""
    best = np.full((2, len(ends)), np.nan)
    begin = 0
    while begin < len(ends):
        end = int(np.searchsorted(ends, ends[begin] + STRETCH_NS, side="right"))
        books = source.samples(symbol, int(ends[begin]) - reach_ns, int(ends[end - 1]))
        if len(books) and books.levels:
            books = books.rows(np.argsort(books.time_ns, kind="stable"))
            newest = np.searchsorted(books.time_ns, ends[begin:end]) - 1
            known = (newest >= 0) & (books.time_ns[newest] >= ends[begin:end] - reach_ns)
            for values, levels in zip(best, (books.bid_price, books.ask_price), strict=True):
                values[begin:end][known] = levels[newest[known], 0]
        begin = end
    return best[0], best[1]


def in_time(books: BookColumns) -> BookColumns:
    """Samples of a known book, by time of the venue; those of moments at which it was not known are left out."""
    if not (len(books) and books.levels):
        return books
    known = books.rows(np.isfinite(books.bid_price[:, 0]) | np.isfinite(books.ask_price[:, 0]))
    return known.rows(np.argsort(known.time_ns, kind="stable"))


def levels_at(books: BookColumns, row: int) -> tuple[Levels, Levels]:
    """Prices and quantities of the bids, and of the offers, in one sample."""
    return (books.bid_price[row], books.bid_quantity[row]), (books.ask_price[row], books.ask_quantity[row])
