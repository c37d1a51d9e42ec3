"""Bars of a history: ticks summed up piece by piece, so that memory holds a part of a day and never months."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from alphastream.bars import Bars, aggregate, empty_bars, resample
from alphastream.core.types import Floats, Ints
from alphastream.errors import ParameterError
from alphastream.history.files import ROW_GROUP
from alphastream.history.layout import DAY_NS
from alphastream.history.tables import bars_of, times_of

COLUMNS: Final = ("time", "price", "quantity", "buyer_is_maker")
"""Of ticks: what bars are made of."""

_Rows = tuple[Ints, Floats, Floats, NDArray[np.bool_]]
_UNITS: Final = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3_600 * 10**9, "d": 86_400 * 10**9}


def interval(every: str | int) -> int:
    """Return how long a bar lasts, in ns.

    Parameters
    ----------
    every : ns, or a number with its unit: ms, s, m, h or d.

    Examples
    --------
    >>> interval("1m"), interval("250ms"), interval(1_000_000_000)
    (60000000000, 250000000, 1000000000)
    """
    if isinstance(every, int) and not isinstance(every, bool) and every > 0:
        return every
    match = re.fullmatch(r"([1-9]\d*)(ms|[smhd])", str(every))
    if match is None:
        raise ParameterError(f"every={every!r}: write such as '1s', '5m' or '1h', or nanoseconds")
    return int(match[1]) * _UNITS[match[2]]


def from_ticks(pieces: Iterable[pa.Table], interval_ns: int) -> Bars:
    """Sum up ticks into the very bars that ``aggregate`` makes of all of them at once.

    The bar that a piece ends within is left open: its ticks are summed up with those of the next piece.

    Parameters
    ----------
    pieces : ``COLUMNS`` of ticks by time, each piece later than the one before.
    """
    found: list[Bars] = []
    waiting: list[_Rows] = []  # of the bar that the rows before end in
    for rows in (_rows(batch) for piece in pieces for batch in piece.to_batches(ROW_GROUP)):
        time_ns = rows[0]
        if waiting:
            until_ns = (int(waiting[0][0][0]) // interval_ns + 1) * interval_ns
            end = int(np.searchsorted(time_ns, until_ns))
            waiting.append(_slice(rows, slice(end)))
            if end == len(time_ns):
                continue
            found.append(_summed(waiting, interval_ns))
            rows = _slice(rows, slice(end, None))
            time_ns = rows[0]
        cut = int(np.searchsorted(time_ns, time_ns[-1] // interval_ns * interval_ns))
        found.append(_summed([_slice(rows, slice(cut))], interval_ns))
        waiting = [_slice(rows, slice(cut, None))]
    if waiting:
        found.append(_summed(waiting, interval_ns))
    return _joined(found)


def from_bars(pieces: Iterable[pa.Table], interval_ns: int) -> Bars:
    """Make bars of shorter ones: on each UTC day of those whose length divides the interval, the longest.

    Raises
    ------
    ParameterError : there are bars, and the length of none of them divides the interval.
    """
    tables = list(pieces)
    if not tables:
        return empty_bars()
    table = pa.concat_tables(tables)
    lengths = np.round(table["seconds"].to_numpy() * 1e9).astype(np.int64)
    usable = np.where(interval_ns % lengths == 0, lengths, 0)
    if not usable.any():
        raise ParameterError(
            f"bars of {_said(np.unique(lengths))} are kept: none of them divides {interval_ns / 1e9:g} s"
        )
    days = times_of(table["time"]) // DAY_NS
    begins = np.r_[0, np.flatnonzero(np.diff(days)) + 1]
    longest = np.repeat(np.maximum.reduceat(usable, begins), np.diff(begins, append=len(days)))
    taken = (usable == longest) & (usable > 0)
    bars = bars_of(table if taken.all() else table.filter(pa.array(taken)))
    return bars if (usable[taken] == interval_ns).all() else resample(bars, interval_ns)


def filled(of_ticks: Bars, pieces: Iterable[pa.Table], interval_ns: int) -> Bars:
    """Return bars of ticks, and of the UTC days without any ticks those that were kept as bars.

    Parameters
    ----------
    pieces : of bars, of the same time.
    """
    if len(of_ticks) == 0 or DAY_NS % interval_ns:
        return of_ticks if len(of_ticks) else from_bars(pieces, interval_ns)
    days = np.unique(of_ticks.start_ns // DAY_NS)
    others = (piece.filter(pa.array(~np.isin(times_of(piece["time"]) // DAY_NS, days))) for piece in pieces)
    try:
        kept = from_bars((piece for piece in others if piece.num_rows), interval_ns)
    except ParameterError:  # of longer bars: ticks alone can make these
        return of_ticks
    both = _joined([of_ticks, kept])
    return both.take(np.argsort(both.start_ns, kind="stable"))


def _joined(parts: Sequence[Bars]) -> Bars:
    columns = ([getattr(part, item.name) for part in parts] for item in fields(Bars))
    return Bars(*map(np.concatenate, columns)) if parts else empty_bars()


def _rows(batch: pa.RecordBatch) -> _Rows:
    """Time, price, quantity and side of a row group: as long as they fit into a processor's cache, sums are quick."""
    price, quantity, sides = (batch[name].to_numpy(zero_copy_only=False) for name in COLUMNS[1:])
    return times_of(batch["time"]), price, quantity, sides


def _slice(rows: _Rows, wanted: slice) -> _Rows:
    time_ns, price, quantity, sides = rows
    return time_ns[wanted], price[wanted], quantity[wanted], sides[wanted]


def _summed(parts: Sequence[_Rows], interval_ns: int) -> Bars:
    time_ns, price, quantity, sides = parts[0] if len(parts) == 1 else map(np.concatenate, zip(*parts, strict=True))
    return aggregate(time_ns, price, quantity, interval_ns, sides)


def _said(lengths: Iterable[int]) -> str:
    return ", ".join(f"{length / 1e9:g} s" for length in lengths)
