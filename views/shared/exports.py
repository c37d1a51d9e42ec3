"""Answers as CSV. A series' column name says how it was computed; times are ISO 8601 in UTC.

Bars name both of their times: ``bar_start_utc``, from which on their trades count, and ``bar_end_utc``, from which on
the row is known.
"""

import pandas as pd

from alphastream.bars import Bars
from alphastream.core.types import Floats, Ints
from alphastream.graph import interval_name
from alphastream.pairs import PairAnalytics, PairSpec, series_of
from alphastream.uploads.digits import as_single
from alphastream.uploads.series import bar_ends, row_ends
from views.shared.escaping import in_cells
from views.shared.head_words import bar_origins


def analytics_frame(answer: PairAnalytics, legs: tuple[Bars, Bars, int] | None = None) -> pd.DataFrame:
    """Closed bars of a pair: prices, ages, volumes and every series, a row a bar.

    Parameters
    ----------
    legs : the bars of y and x that were paired and their length in nanoseconds, where these were uploaded; None where
        they were made from trades, all of the pair's length.
    """
    spec, closed = answer.spec, answer.closed
    if legs is None:
        start_ns, end_ns = closed["time_ns"] - spec.interval_ns, closed["time_ns"]
    else:
        y, x, length_ns = legs
        start_ns = closed["time_ns"] - length_ns
        end_ns = row_ends(y, x, start_ns, length_ns)
    frame = pd.DataFrame(_bar_times(start_ns, end_ns))
    if answer.head.source is not None:
        frame["bars_from"] = bar_origins(answer, answer.closed["time_ns"])
    for leg, symbol in (("y", spec.y), ("x", spec.x)):
        frame[f"{symbol}.price"] = with_their_digits(closed[leg])[0]
        frame[f"{symbol}.age_s"] = closed[f"{leg}_age_ns"] / 1e9
        frame[f"{symbol}.volume"] = closed[f"{leg}_volume"]
    for name, series in series_of(spec).items():
        frame[f"{name}: {series.label}"] = closed[name]
    return frame


def analytics_csv(answer: PairAnalytics, legs: tuple[Bars, Bars, int] | None = None) -> bytes:
    """``analytics_frame`` as a file."""
    return csv_bytes(analytics_frame(answer, legs))


def bars_csv(symbol: str, bars: Bars, interval_ns: int, answer: PairAnalytics | None = None) -> bytes:
    """Bars of one symbol and of this length as a file; an answer says where those of a live page come from."""
    prices = with_their_digits(bars.open, bars.high, bars.low, bars.close)
    columns = {
        **_bar_times(bars.start_ns, bar_ends(bars.start_ns, interval_ns)),
        "symbol": symbol,
        **dict(zip(("open", "high", "low", "close"), prices, strict=True)),
        "volume": bars.volume,
        "trades": pd.Series(bars.trades, dtype="Int64").where(bars.trades > 0),  # 0 where nobody counted them
    }
    frame = pd.DataFrame(columns)
    if answer is not None and answer.head.source is not None:
        frame["bars_from"] = bar_origins(answer, bar_ends(bars.start_ns, interval_ns))
    return csv_bytes(frame)


def with_their_digits(*prices: Floats) -> list[Floats]:
    """Prices of one origin as they are shown: those of single precision with the digits they had."""
    return as_single(prices) or list(prices)


def _bar_times(start_ns: Ints, end_ns: Ints) -> dict[str, pd.DatetimeIndex]:
    return {
        "bar_start_utc": pd.to_datetime(start_ns, utc=True),
        "bar_end_utc": pd.to_datetime(end_ns, utc=True),
    }


def scan_csv(table: pd.DataFrame) -> bytes:
    """Every column of a scan, ranked as on the page."""
    return csv_bytes(table)


def file_name(spec: PairSpec, what: str) -> str:
    """For example ``ETHUSDT-BTCUSDT-1s-ols-100-analytics.csv``."""
    return f"{spec.y}-{spec.x}-{interval_name(spec.interval_ns)}-{spec.model}-{spec.window}-{what}.csv"


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """A table as a file; times are ISO 8601 with their zone.

    Text that a spreadsheet would take as a formula has an apostrophe in front, in headers as in cells; numbers have
    none.
    """
    return in_cells(frame).to_csv(index=False, date_format="%Y-%m-%dT%H:%M:%S.%f%z", lineterminator="\n").encode()
