"""Columns that options of a chart add to those of a pair: a ratio, prices from 100, candles.

No Streamlit, no clock, no network.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from alphastream.bars import Bars
from alphastream.pairs import PairAnalytics

FloatArray = npt.NDArray[np.float64]

MOST_CANDLES: Final = 1_000
"""More of them are no candles any more; neighbours are drawn as one."""
OHLC: Final = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True)
class Candles:
    """Bars of a leg at the rows of a pair, (T,) each; NaN where the leg did not trade.

    Parameters
    ----------
    forming : 1 at rows whose bar has not closed, else NaN.
    """

    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    forming: FloatArray

    def last(self, rows: int) -> "Candles":
        """Those of the newest rows."""
        cut = max(0, len(self.open) - rows)
        return Candles(*(getattr(self, name)[cut:] for name in (*OHLC, "forming")))


def candles_at(time_ns: npt.NDArray[np.int64], closed: int, bars: Bars, interval_ns: int) -> Candles:
    """Bars of a leg at the ends of rows.

    Parameters
    ----------
    time_ns : (T,) ends of rows, increasing.
    closed : rows that are closed; those behind are forming.
    bars : of the leg, in order; those that no row ends with are left out.
    """
    ends = bars.start_ns + interval_ns
    place = np.minimum(np.searchsorted(ends, time_ns), max(len(ends) - 1, 0))
    found = ends[place] == time_ns if len(ends) else np.zeros(len(time_ns), dtype=np.bool_)

    def at(values: FloatArray) -> FloatArray:
        return np.where(found, values[place], np.nan) if len(ends) else np.full(len(time_ns), np.nan)

    forming = np.where(np.arange(len(time_ns)) >= closed, 1.0, np.nan)
    return Candles(at(bars.open), at(bars.high), at(bars.low), at(bars.close), forming)


def joined(
    time: npt.NDArray[Any], candles: dict[str, FloatArray]
) -> tuple[npt.NDArray[Any], dict[str, FloatArray], int]:
    """At most ``MOST_CANDLES`` candles, each of as many neighbours; and of how many.

    Parameters
    ----------
    candles : columns ``open``, ``high``, ``low`` and ``close``.
    """
    known = np.flatnonzero(np.isfinite(candles["close"]))
    each = -(-len(known) // MOST_CANDLES)
    if each <= 1:
        return time[known], {name: values[known] for name, values in candles.items()}, 1
    first = np.arange(0, len(known), each)
    last = np.r_[first[1:], len(known)] - 1
    values = {name: column[known] for name, column in candles.items()}
    return (
        time[known][last],
        {
            "open": values["open"][first],
            "high": np.maximum.reduceat(values["high"], first),
            "low": np.minimum.reduceat(values["low"], first),
            "close": values["close"][last],
        },
        each,
    )


def base_prices(answer: PairAnalytics, since_ns: int) -> tuple[float, float]:
    """Prices of both legs at the first closed bar at or after a time; NaN where there is none yet."""
    row = int(np.searchsorted(answer.closed["time_ns"], since_ns))
    if row == len(answer.closed["time_ns"]):
        return np.nan, np.nan
    return float(answer.closed["y"][row]), float(answer.closed["x"][row])


def first_price(values: FloatArray) -> float:
    """The first that is known; NaN where none is."""
    known = np.flatnonzero(np.isfinite(values))
    return float(values[known[0]]) if known.size else np.nan
