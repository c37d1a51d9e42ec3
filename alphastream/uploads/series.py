"""Uploaded rows as the bars that estimators take."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from alphastream.bars import Bars, PairRows, aggregate, align, resample
from alphastream.core.types import Ints
from alphastream.core.units import SECOND
from alphastream.errors import ParameterError
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
        Ticks without an interval, an interval shorter than the uploaded bars, or a symbol that is not there.
    """
    if symbol not in upload.frames:
        raise ParameterError(f"{symbol} is not in {' and '.join(upload.files)}: choose {', '.join(upload.symbols)}")
    frame = upload.frames[symbol]
    time_ns = frame["time_ns"].to_numpy()
    if upload.kind == "ticks":
        if interval_ns is None:
            raise ParameterError("ticks need an interval to become bars")
        return aggregate(time_ns, frame["price"].to_numpy(), frame["quantity"].to_numpy(), interval_ns)
    native_ns = upload.interval_ns or SECOND
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
        raise ParameterError(f"bars of {interval_ns / SECOND:g} s cannot be made of bars of {native_ns / SECOND:g} s")
    return resample(bars, interval_ns)


def pair_rows(upload: Upload, y: str, x: str, interval_ns: int | None) -> PairRows:
    """Two symbols of an upload on one grid; uploaded bars that are kept as they are meet where their times do."""
    length = interval_ns or upload.interval_ns or SECOND
    return align(bars_of(upload, y, interval_ns), bars_of(upload, x, interval_ns), length)


def price_panel(upload: Upload, interval_ns: int | None) -> pd.DataFrame:
    """Closing prices of all symbols on one grid of bar starts, one column a symbol.

    NaN where a symbol did not trade: a price that is carried forward looks like one that comes back.
    """
    columns = {}
    for symbol in upload.symbols:
        bars = bars_of(upload, symbol, interval_ns)
        columns[symbol] = pd.Series(bars.close, index=pd.to_datetime(bars.start_ns, utc=True))
    return pd.DataFrame(columns).sort_index()


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
    """How many of all starts of uploaded bars are starts of every one of these symbols."""
    times = [upload.frames[symbol]["time_ns"].to_numpy() for symbol in symbols]
    _, bars = np.unique(np.concatenate(times), return_counts=True)
    return Meeting(int(np.count_nonzero(bars == len(times))), len(bars))


def first_times(upload: Upload, symbol: str) -> str:
    """The first times of a symbol in words, for example ``XXX at 2022-01-03 05:00, 2022-01-04 05:00``."""
    times = upload.frames[symbol]["time_ns"].to_numpy()[:FIRST_TIMES].astype("M8[ns]")
    unit = "m" if not np.any(times.astype(np.int64) % (60 * SECOND)) else "ms"
    return f"{symbol} at {', '.join(str(time).replace('T', ' ') for time in times.astype(f'M8[{unit}]'))}"
