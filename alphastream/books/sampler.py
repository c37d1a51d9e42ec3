"""Books and quotes sampled as they change, and not more often than asked."""

from array import array
from typing import Final

import numpy as np

from alphastream.books.columns import BookColumns
from alphastream.books.order_book import OrderBook
from alphastream.feeds.market import MarkPrice, Quote

Levels = tuple[list[float], list[float], list[float], list[float]]
_NONE: Final[Levels] = [], [], [], []


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
        self._last: Levels = _NONE
        self._updates, self._was_known = 0, False  # of the book when it was looked at
        self._times = array("q")
        self._sides = tuple(array("d") for _ in _NONE)

    def look(self, now_ns: int) -> None:
        """Take a sample where one is due. Call it after updates, and now and then without."""
        book = self._book
        if now_ns < self._next_ns or (book.updates == self._updates and book.in_sequence == self._was_known):
            return
        self._updates, self._was_known, self._next_ns = book.updates, book.in_sequence, now_ns + self._every_ns
        levels = book.best_columns(self._levels) if book.in_sequence else _NONE
        if levels != self._last:
            self._last = levels
            time_ns, receive_ns = book.time_ns, book.receive_ns
            if not book.in_sequence:  # it was not known from now on, and known until then
                time_ns, receive_ns = time_ns + max(now_ns - receive_ns, 0), max(now_ns, receive_ns)
            self._times.extend((time_ns, receive_ns))
            for side, found in zip(self._sides, levels, strict=True):
                side.extend(found)
                side.extend([np.nan] * (self._levels - len(found)))

    def drain(self) -> BookColumns | None:
        """Return the samples since the last call; None without any."""
        if not self._times:
            return None
        times = np.array(self._times, np.int64).reshape(-1, 2)
        bids, bid_quantities, asks, ask_quantities = (np.array(side).reshape(-1, self._levels) for side in self._sides)
        self._times = array("q")
        self._sides = tuple(array("d") for _ in _NONE)
        return BookColumns(times[:, 0].copy(), times[:, 1].copy(), bids, bid_quantities, asks, ask_quantities)


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
