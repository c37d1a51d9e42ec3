"""Uploaded rows as the bars that estimators take."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from alphastream.bars import Bars, PairRows, aggregate, align, grouped, resample
from alphastream.core.types import Ints
from alphastream.core.units import SECOND
from alphastream.errors import ParameterError
from alphastream.uploads.legs import spacing_of
from alphastream.uploads.upload import Upload

FIRST_TIMES: Final = 3


def bars_of(upload: Upload, symbol: str, interval_ns: int | None) -> Bars:
    """Bars of one symbol.

    Parameters
    ----------
    interval_ns : length of a bar; None keeps uploaded bars as they are, whatever their spacing.

    Raises
    ------
    ParameterError
        Ticks without an interval, an interval shorter than the symbol's bars, or a symbol that is not there.
    """
    if symbol not in upload.frames:
        raise ParameterError(f"{symbol} is not in {' and '.join(upload.files)}: choose {', '.join(upload.symbols)}")
    frame = upload.frames[symbol]
    time_ns = frame["time_ns"].to_numpy()
    if upload.kind == "ticks":
        if interval_ns is None:
            raise ParameterError("ticks need an interval to become bars")
        return aggregate(time_ns, frame["price"].to_numpy(), frame["quantity"].to_numpy(), interval_ns)
    native_ns = spacing(upload, symbol)
    open_, high, low, close, volume = (frame[name].to_numpy() for name in ("open", "high", "low", "close", "volume"))
    bars = Bars(
        start_ns=time_ns,
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=volume,
        trades=np.zeros(len(frame), dtype=np.int64),  # nobody knows how many
        first_ns=time_ns,
        last_ns=time_ns + native_ns,  # the close is the price at the bar's end
    )
    if interval_ns is None or interval_ns == native_ns:
        return bars
    if interval_ns < native_ns:
        raise ParameterError(
            f"{symbol} has bars of {native_ns / SECOND:g} s, which cannot become bars of {interval_ns / SECOND:g} s: "
            "choose longer bars"
        )
    return resample(bars, interval_ns)


def bars_together(upload: Upload, symbols: Sequence[str], interval_ns: int | None) -> tuple[dict[str, Bars], int]:
    """Bars of several symbols, all of one length, and that length in nanoseconds.

    Uploaded bars are kept as they are where all have the same spacing, and this is at least ``interval_ns``. Where some
    are longer, the shorter ones are put together within the times of the longer ones: a close of the hour from one to
    two is not a close of the day. What lies between the longer bars, as a weekend, is left out.

    Parameters
    ----------
    interval_ns : the length that is wanted; None for the longest of the uploaded bars.

    Raises
    ------
    ParameterError
        Ticks without an interval, or a symbol that is not there.
    """
    if upload.kind == "ticks" or any(symbol not in upload.frames for symbol in symbols):
        return {symbol: bars_of(upload, symbol, interval_ns) for symbol in symbols}, interval_ns or SECOND
    native_ns = {symbol: spacing(upload, symbol) for symbol in symbols}
    length_ns = max(native_ns.values(), default=SECOND)
    if interval_ns is not None and interval_ns > length_ns:
        return {symbol: bars_of(upload, symbol, interval_ns) for symbol in symbols}, interval_ns
    bars = {symbol: bars_of(upload, symbol, None) for symbol in symbols}
    longest = [symbol for symbol in symbols if native_ns[symbol] == length_ns]
    starts_ns = max((bars[symbol].start_ns for symbol in longest), key=len, default=np.empty(0, np.int64))
    for symbol in symbols:
        if native_ns[symbol] < length_ns:
            bars[symbol] = _within(bars[symbol], starts_ns, length_ns)
    return bars, length_ns


def _within(bars: Bars, starts_ns: Ints, length_ns: int) -> Bars:
    """Shorter bars put together to those that begin at ``starts_ns``; where none lies within one, there is no bar."""
    owner = np.searchsorted(starts_ns, bars.start_ns, side="right") - 1
    inside = (owner >= 0) & (bars.start_ns < bar_ends(starts_ns, length_ns)[owner])
    kept = bars.take(np.flatnonzero(inside))
    first = np.flatnonzero(np.diff(owner[inside], prepend=-1))
    return grouped(kept, first, starts_ns[owner[inside][first]])


def pair_rows(upload: Upload, y: str, x: str, interval_ns: int | None) -> PairRows:
    """Two symbols of an upload on one grid; uploaded bars that are kept as they are meet where their times do."""
    bars, length_ns = bars_together(upload, (y, x), interval_ns)
    return align(bars[y], bars[x], length_ns)


def price_panel(upload: Upload, interval_ns: int | None) -> pd.DataFrame:
    """Closing prices of all symbols on one grid of bar starts, one column a symbol.

    NaN where a symbol did not trade: a price that is carried forward looks like one that comes back.
    """
    every, _ = bars_together(upload, upload.symbols, interval_ns)
    columns = {
        symbol: pd.Series(bars.close, index=pd.to_datetime(bars.start_ns, utc=True)) for symbol, bars in every.items()
    }
    return pd.DataFrame(columns).sort_index()


def spacing(upload: Upload, symbol: str) -> int:
    """Length of a symbol's uploaded bars in nanoseconds; that of the others where it has a single bar."""
    if upload.has_length and upload.interval_ns is not None:
        return upload.interval_ns
    return spacing_of(upload.frames[symbol]["time_ns"].to_numpy()) or upload.interval_ns or SECOND


def spacings(upload: Upload) -> dict[int, tuple[str, ...]]:
    """Lengths of the uploaded bars in nanoseconds, the shortest first, and the symbols that have them."""
    found: dict[int, list[str]] = {}
    for symbol in upload.symbols:
        found.setdefault(spacing(upload, symbol), []).append(symbol)
    return {length_ns: tuple(found[length_ns]) for length_ns in sorted(found)}


def bar_ends(start_ns: Ints, length_ns: int) -> Ints:
    """When bars end, (B,): after their length, but not later than the next one begins, as months do."""
    ends: Ints = start_ns + length_ns
    ends[:-1] = np.minimum(ends[:-1], start_ns[1:])
    return ends


def row_ends(y: Bars, x: Bars, start_ns: Ints, length_ns: int) -> Ints:
    """When the bars end that rows of a pair are of, by their starts, (T,)."""
    ends: Ints = np.zeros_like(start_ns)
    for leg in (y, x):
        own = np.searchsorted(leg.start_ns, start_ns)
        there = np.flatnonzero(own < len(leg))
        there = there[leg.start_ns[own[there]] == start_ns[there]]
        ends[there] = np.maximum(ends[there], bar_ends(leg.start_ns, length_ns)[own[there]])
    return ends


@dataclass(frozen=True, slots=True)
class Meeting:
    """In how many rows both legs have a price of that very bar.

    Parameters
    ----------
    fresh : rows in which no price is carried forward from an earlier bar.
    rows : all rows.
    """

    fresh: int
    rows: int

    @property
    def seldom(self) -> bool:
        """Whether most rows set an old price against a new one."""
        return self.fresh * 2 < self.rows


def meeting(y_trades: Ints, x_trades: Ints) -> Meeting:
    """How often two legs meet.

    Parameters
    ----------
    y_trades, x_trades : (T,) as in ``PairRows``.
    """
    return Meeting(int(np.count_nonzero((y_trades != 0) & (x_trades != 0))), len(y_trades))


def common_bars(upload: Upload, symbols: Iterable[str]) -> Meeting:
    """How many of all bars' starts are starts of every one of these symbols, all of them in bars of one length."""
    times = [bars.start_ns for bars in bars_together(upload, tuple(symbols), None)[0].values()]
    _, bars = np.unique(np.concatenate(times), return_counts=True)
    return Meeting(int(np.count_nonzero(bars == len(times))), len(bars))


def first_times(upload: Upload, symbol: str) -> str:
    """The first times of a symbol in words, for example ``XXX at 2022-01-03 05:00, 2022-01-04 05:00``."""
    times = upload.frames[symbol]["time_ns"].to_numpy()[:FIRST_TIMES].astype("M8[ns]")
    unit = "m" if not np.any(times.astype(np.int64) % (60 * SECOND)) else "ms"
    return f"{symbol} at {', '.join(str(time).replace('T', ' ') for time in times.astype(f'M8[{unit}]'))}"
