"""Books and quotes sampled as they change, and not more often than asked."""

from typing import Final

import numpy as np

from alphastream.books.columns import BookColumns
from alphastream.books.order_book import OrderBook
from alphastream.feeds.market import Level, MarkPrice, Quote

_MISSING: Final[Level] = (np.nan, np.nan)


class BookSampler:
    """Takes the best levels of a book when they have changed, at most every so often.

    A change that comes too early is taken when it is time, as the book is then, so the last state of a burst is not
    lost. While a book is out of sequence nothing is taken; that it was lost is a row whose levels are all missing.

    Parameters
    ----------
    book : where levels are read.
    levels : a side.
    every_ns : least time between two samples.
    """

    def __init__(self, book: OrderBook, levels: int, every_ns: int) -> None:
        self._book, self._levels, self._every_ns = book, levels, every_ns
        self._next_ns = 0
        self._last: tuple[list[Level], list[Level]] = [], []
        self._updates, self._was_known = 0, False  # of the book when it was looked at
        self._times: list[tuple[int, int]] = []
        self._rows: list[tuple[list[Level], list[Level]]] = []

    def look(self, now_ns: int) -> None:
        """Take a sample where one is due. Call it after updates, and now and then without."""
        book = self._book
        if now_ns < self._next_ns or (book.updates == self._updates and book.in_sequence == self._was_known):
            return
        self._updates, self._was_known, self._next_ns = book.updates, book.in_sequence, now_ns + self._every_ns
        levels: tuple[list[Level], list[Level]] = book.best(self._levels) if book.in_sequence else ([], [])
        if levels != self._last:
            self._last = levels
            time_ns, receive_ns = book.time_ns, book.receive_ns
            if not book.in_sequence:  # it was not known from now on, and known until then
                time_ns, receive_ns = time_ns + max(now_ns - receive_ns, 0), max(now_ns, receive_ns)
            self._times.append((time_ns, receive_ns))
            self._rows.append(levels)

    def drain(self) -> BookColumns | None:
        """Return the samples since the last call; None without any."""
        times, rows = self._times, self._rows
        if not times:
            return None
        self._times, self._rows = [], []
        sides = [np.array([self._padded(row[side]) for row in rows], np.float64) for side in (0, 1)]
        at = np.array(times, np.int64)
        bids, asks = sides
        return BookColumns(at[:, 0], at[:, 1], bids[..., 0], bids[..., 1], asks[..., 0], asks[..., 1])

    def _padded(self, levels: list[Level]) -> list[Level]:
        return levels + [_MISSING] * (self._levels - len(levels))


class LatestSampler:
    """Takes what was told last, at most every so often: quotes, mark prices.

    Parameters
    ----------
    every_ns : least time between two samples.
    """

    def __init__(self, every_ns: int) -> None:
        self._every_ns = every_ns
        self._next_ns = 0
        self._latest: tuple[float, ...] | None = None
        self._taken: tuple[float, ...] = ()
        self._rows: list[tuple[float, ...]] = []

    def note(self, row: tuple[float, ...]) -> None:
        """Take note of a row: time and time of arrival, UTC ns, then values."""
        self._latest = row
        self.look(int(row[1]))

    def look(self, now_ns: int) -> None:
        """Take the latest row where one is due and its values are others. Call it now and then."""
        row = self._latest
        if row is not None and now_ns >= self._next_ns:
            self._latest = None
            if row[2:] != self._taken:
                self._taken, self._next_ns = row[2:], now_ns + self._every_ns
                self._rows.append(row)

    def drain(self) -> list[tuple[float, ...]]:
        """Return the samples since the last call."""
        rows, self._rows = self._rows, []
        return rows


def row_of(event: Quote | MarkPrice) -> tuple[float, ...]:
    """Return a quote or a mark price in the order of the columns' names."""
    times = (event.time_ns, event.receive_ns)
    if isinstance(event, Quote):
        return (*times, event.bid, event.bid_quantity, event.ask, event.ask_quantity)
    return (*times, event.mark, event.index, event.funding_rate, event.next_funding_ns, event.interval_ns)
