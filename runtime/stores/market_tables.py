"""Sampled books, quotes, mark prices and funding as tables for SQL."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from alphastream.books import BookColumns, MarkColumns, QuoteColumns
from alphastream.core.types import Floats, Ints
from alphastream.feeds.market import FundingPayment
from alphastream.instruments import split


def books(samples: Mapping[str, BookColumns]) -> pa.Table:
    """Table ``books``: venue, symbol, time, receive (UTC), and four lists a row, best level first, NaN for missing."""
    levels = max((columns.levels for columns in samples.values()), default=1)
    parts = []
    for name, columns in (samples or {"": BookColumns.empty(1)}).items():
        wide = columns.widened(levels)
        sides = ("bid_price", "bid_quantity", "ask_price", "ask_quantity")
        parts.append(_part(name, columns) | {side: _lists(getattr(wide, side)) for side in sides})
    return pa.concat_tables([pa.table(part) for part in parts])


def quotes(samples: Mapping[str, QuoteColumns]) -> pa.Table:
    """Table ``quotes``: venue, symbol, time, receive, bid, bid_quantity, ask, ask_quantity."""
    parts = [
        _part(name, columns)
        | {field: getattr(columns, field) for field in ("bid", "bid_quantity", "ask", "ask_quantity")}
        for name, columns in (samples or {"": QuoteColumns.of([])}).items()
    ]
    return pa.concat_tables([pa.table(part) for part in parts])


def marks(samples: Mapping[str, MarkColumns]) -> pa.Table:
    """Table ``marks``: venue, symbol, time, receive, mark, index, funding_rate, next_funding, interval_hours."""
    parts = [
        _part(name, columns)
        | {
            "mark": columns.mark,
            "index": columns.index,
            "funding_rate": columns.funding_rate,
            "next_funding": _times(columns.next_funding_ns),
            "interval_hours": columns.interval_ns / 3.6e12,
        }
        for name, columns in (samples or {"": MarkColumns.of([])}).items()
    ]
    return pa.concat_tables([pa.table(part) for part in parts])


def funding(payments: Sequence[FundingPayment]) -> pa.Table:
    """Table ``funding``: venue, symbol, time, rate, mark."""
    return pa.table(
        {
            "venue": pa.array([payment.instrument.venue for payment in payments], pa.string()),
            "symbol": pa.array([payment.instrument.symbol for payment in payments], pa.string()),
            "time": _times(np.array([payment.time_ns for payment in payments], np.int64)),
            "rate": np.array([payment.rate for payment in payments], np.float64),
            "mark": np.array([payment.mark for payment in payments], np.float64),
        }
    )


def _part(name: str, columns: BookColumns | QuoteColumns | MarkColumns) -> dict[str, object]:
    venue, symbol = (pa.array([text] * len(columns), pa.string()) for text in split(name))
    times = {"time": _times(columns.time_ns), "receive": _times(columns.receive_ns)}
    return {"venue": venue, "symbol": symbol, **times}


def _times(times_ns: Ints) -> pa.Array:
    return pa.array(times_ns).cast(pa.timestamp("ns"))


def _lists(side: Floats) -> pa.Array:
    rows, levels = side.shape
    return pa.ListArray.from_arrays(np.arange(rows + 1, dtype=np.int32) * levels, np.ascontiguousarray(side).ravel())
