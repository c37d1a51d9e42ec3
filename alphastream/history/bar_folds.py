"""Bars of a history: ticks summed up piece by piece, so that memory holds a part of a day and never months."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Final

import numpy as np
import pyarrow as pa

from alphastream.bars import Bars, aggregate, empty_bars, resample
from alphastream.errors import ParameterError
from alphastream.history.tables import bars_of, times_of

COLUMNS: Final = ("id", "time", "price", "quantity", "buyer_is_maker")
"""Of ticks: what bars are made of, and what files are merged by."""

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
    open_bar: pa.Table | None = None
    for piece in pieces:
        rows = piece if open_bar is None else pa.concat_tables([open_bar, piece])
        time_ns = times_of(rows["time"])
        cut = int(np.searchsorted(time_ns, time_ns[-1] // interval_ns * interval_ns))
        found.append(_summed(rows.slice(0, cut), interval_ns))
        open_bar = rows.slice(cut)
    if open_bar is not None:
        found.append(_summed(open_bar, interval_ns))
    return _joined(found)


def from_bars(pieces: Iterable[pa.Table], interval_ns: int) -> Bars:
    """Make bars of shorter ones that were kept: of those whose length divides the interval, the longest."""
    tables = list(pieces)
    if not tables:
        return empty_bars()
    table = pa.concat_tables(tables)
    lengths = np.round(table["seconds"].to_numpy() * 1e9).astype(np.int64)
    usable = [int(length) for length in np.unique(lengths) if interval_ns % length == 0]
    if not usable:
        raise ParameterError(
            f"bars of {_said(np.unique(lengths))} are kept: none of them divides {interval_ns / 1e9:g} s"
        )
    bars = bars_of(table.filter(pa.array(lengths == max(usable))))
    return bars if max(usable) == interval_ns else resample(bars, interval_ns)


def _joined(parts: Sequence[Bars]) -> Bars:
    columns = ([getattr(part, item.name) for part in parts] for item in fields(Bars))
    return Bars(*map(np.concatenate, columns)) if parts else empty_bars()


def _summed(rows: pa.Table, interval_ns: int) -> Bars:
    price, quantity, sides = (rows[name].to_numpy() for name in ("price", "quantity", "buyer_is_maker"))
    return aggregate(times_of(rows["time"]), price, quantity, interval_ns, sides)


def _said(lengths: Iterable[int]) -> str:
    return ", ".join(f"{length / 1e9:g} s" for length in lengths)
