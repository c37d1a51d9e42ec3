"""Closed bars that venues give by REST, which they call klines or candles: how they are asked for, and in which pages.

A venue's klines are made of the same trades that a tape would have kept: open, high, low, close and volume are equal.
Counts of trades are left out: where a venue merges trades it counts what it merged.
"""

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import numpy as np

from alphastream.bars import Bars
from alphastream.core.units import MS, SECOND
from alphastream.errors import FeedError
from alphastream.feeds.codec import Request
from alphastream.instruments import InstrumentId

CLOSED_NS: Final = 2 * SECOND  # after its end a bar still counts as open: trades are merged, clocks differ

LATEST_MS: Final = 2**62 // MS


class KlineCodec(Protocol):
    """Bars of one venue by REST.

    Attributes
    ----------
    lengths_s : of the bars it gives, in seconds, shortest first.
    page_bars : in one answer at most.
    newest_bars : how many of the newest it gives at most, whatever is asked for; None: as many as there are.
    """

    lengths_s: tuple[int, ...]
    page_bars: int
    newest_bars: int | None

    def request(self, instrument: InstrumentId, length_s: int, start_ns: int, end_ns: int) -> Request:
        """Return the request for bars with ``start_ns`` ≤ start < ``end_ns``, ``page_bars`` of them at most."""

    def parse(self, instrument: InstrumentId, length_s: int, body: bytes) -> Bars:
        """Return the bars of an answer that have trades, oldest first, also one not closed. Raises FeedError."""


def length_for(codec: KlineCodec, interval_ns: int) -> int | None:
    """The longest bars, in seconds, of which bars of this interval can be made; None where there are none.

    Examples
    --------
    >>> class Minutes:
    ...     lengths_s = (60, 300)
    >>> [length_for(Minutes(), seconds * SECOND) for seconds in (1, 60, 120, 900)]
    [None, 60, 60, 300]
    """
    return next((length for length in codec.lengths_s[::-1] if interval_ns % (length * SECOND) == 0), None)


def pages(codec: KlineCodec, length_s: int, start_ns: int, end_ns: int) -> Iterator[tuple[int, int]]:
    """From and to of each answer that a stretch of time takes, newest first."""
    step = codec.page_bars * length_s * SECOND
    while end_ns > start_ns:
        yield max(end_ns - step, start_ns), end_ns
        end_ns -= step


def bars_of_rows(title: str, rows: Sequence[Sequence[float]], length_s: int) -> Bars:
    """Bars of rows in any order; those without volume are left out, and of two with one start the later counts.

    Parameters
    ----------
    title : the venue, for the error.
    rows : start in ms, open, high, low, close, volume, and what takers bought of it, NaN where nobody knows.

    Raises
    ------
    FeedError : a price, a volume or a time cannot be.
    """
    found = {int(row[0]): row for row in rows if row[5] != 0}
    table = np.array([found[start] for start in sorted(found)], dtype=np.float64).reshape(-1, 7)
    prices, volume = table[:, 1:5], table[:, 5]
    sound = np.isfinite(table[:, :6]).all() and (prices > 0).all() and (volume > 0).all()
    if not sound or (table[:, 2] < table[:, 3]).any() or any(not 0 < start < LATEST_MS for start in found):
        raise FeedError(f"{title} answered with bars that cannot be: a price, a volume or a time is out of range")
    start_ns = np.array(sorted(found), dtype=np.int64) * MS
    open_, high, low, close, volume, bought = (np.ascontiguousarray(column) for column in table.T[1:])
    nobody_counted = np.zeros(len(start_ns), dtype=np.int64)
    return Bars(
        start_ns, open_, high, low, close, volume, nobody_counted, start_ns, start_ns + length_s * SECOND, bought
    )
