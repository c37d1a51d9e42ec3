"""Answers as CSV. A series' column name says how it was computed; times are ISO 8601 in UTC, bar ends."""

import pandas as pd

from alphastream.bars import Bars
from alphastream.graph import interval_name
from alphastream.pairs import PairAnalytics, PairSpec, series_of


def analytics_frame(answer: PairAnalytics) -> pd.DataFrame:
    """Closed bars of a pair: prices, ages, volumes and every series, a row a bar."""
    spec, closed = answer.spec, answer.closed
    frame = pd.DataFrame({"time": pd.to_datetime(closed["time_ns"], utc=True)})
    for leg, symbol in (("y", spec.y), ("x", spec.x)):
        frame[f"{symbol}.price"] = closed[leg]
        frame[f"{symbol}.age_s"] = closed[f"{leg}_age_ns"] / 1e9
        frame[f"{symbol}.volume"] = closed[f"{leg}_volume"]
    for name, series in series_of(spec).items():
        frame[f"{name}: {series.label}"] = closed[name]
    return frame


def analytics_csv(answer: PairAnalytics) -> bytes:
    """``analytics_frame`` as a file."""
    return csv_bytes(analytics_frame(answer))


def bars_csv(symbol: str, bars: Bars) -> bytes:
    """Bars of one symbol as a file; ``time`` is the bar's start."""
    columns = {
        "time": pd.to_datetime(bars.start_ns, utc=True),
        "symbol": symbol,
        **{name: getattr(bars, name) for name in ("open", "high", "low", "close", "volume", "trades")},
    }
    return csv_bytes(pd.DataFrame(columns))


def scan_csv(table: pd.DataFrame) -> bytes:
    """Every column of a scan, ranked as on the page."""
    return csv_bytes(table)


def file_name(spec: PairSpec, what: str) -> str:
    """For example ``ETHUSDT-BTCUSDT-1s-ols-100-analytics.csv``."""
    return f"{spec.y}-{spec.x}-{interval_name(spec.interval_ns)}-{spec.model}-{spec.window}-{what}.csv"


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """A table as a file; times are ISO 8601 with their zone."""
    return frame.to_csv(index=False, date_format="%Y-%m-%dT%H:%M:%S.%f%z", lineterminator="\n").encode()
