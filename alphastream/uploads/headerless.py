"""Which column plays which role in a file without a header: by content, first what venues are known to publish."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from alphastream.uploads.cells import TRUTH, WHOLE, Decimal, floats, looks_like_number
from alphastream.uploads.columns import Match, Proposal, Role, Rows, Sample, judge
from alphastream.uploads.times import looks_like_time

Names = tuple[Role | None, ...]
_AGG: Final[Names] = ("id", "price", "quantity", None, None, "time", "buyer_is_maker")
_TRADES: Final[Names] = ("id", "price", "quantity", None, "time", "buyer_is_maker")
_OHLCV: Final[Names] = ("time", "open", "high", "low", "close", "volume")
_LOW_FIRST: Final[Names] = ("time", "low", "high", "open", "close", "volume")
# How many columns, where the time stands, where true/false stands: what it is.
_PUBLISHED: Final = {
    (7, 5, 6): (_AGG, "Binance futures aggTrades"),
    (8, 5, 6): ((*_AGG, None), "Binance spot aggTrades"),
    (6, 4, 5): (_TRADES, "Binance futures trades"),
    (7, 4, 5): ((*_TRADES, None), "Binance spot trades"),
}


def propose_bare(columns: Sequence[str], rows: Rows, decimals: Mapping[str, Decimal] | None = None) -> Proposal:
    """Judge a file without a header.

    Parameters
    ----------
    columns : made-up names, one a column.
    rows : sample rows.
    decimals : column to its decimal mark; a point where it is not named.
    """
    decimals = decimals or {}
    sample = Sample(columns, rows, decimals)
    timely = [sample.mostly(column, looks_like_time) for column in columns]
    boolean = [sample.mostly(column, lambda cell: cell.lower() in TRUTH and not cell.isdigit()) for column in columns]
    for (count, time_at, truth_at), (names, what) in _PUBLISHED.items():
        if (
            len(columns) == count
            and timely[time_at]
            and boolean[truth_at]
            and sample.mostly(columns[0], WHOLE.fullmatch)
        ):
            return _named(columns, names, f"no header: read as {what}")
    if True not in timely:
        return judge(Proposal({}), columns)
    time = columns[timely.index(True)]
    others = [column for column in columns if column != time]
    numbers = [column for column in others if sample.is_number(column)]
    texts = [column for column in others if column not in numbers and sample.filled(column)]
    roles: dict[Role, Match] = {"time": Match(time, "likely")}
    if texts:
        roles["symbol"] = Match(texts[0], "likely")
    if len(numbers) >= 4:
        order, what = _bar_order(numbers, columns, rows, decimals)
    else:
        order, what = ("time", "price", "quantity"), "price and quantity" if len(numbers) > 1 else "price"
    roles |= {
        role: Match(column, "likely") for role, column in zip(order[1:], numbers, strict=False) if role is not None
    }
    return judge(Proposal(roles, notes=(f"no header: columns read as {what}",)), columns)


def _named(columns: Sequence[str], names: Names, note: str) -> Proposal:
    roles = {role: Match(column, "likely") for role, column in zip(names, columns, strict=True) if role is not None}
    return judge(Proposal(roles, notes=(note,)), columns)


def _bar_order(
    numbers: Sequence[str], columns: Sequence[str], rows: Rows, decimals: Mapping[str, Decimal]
) -> tuple[Names, str]:
    """Open, high, low, close, as nearly everybody writes them, unless only low, high, open, close fits."""
    marks = {columns.index(column): decimals.get(column, ".") for column in numbers[:4]}
    priced = [
        row
        for row in rows
        if len(row) == len(columns) and all(looks_like_number(row[at], mark) for at, mark in marks.items())
    ]
    cells = [floats(pa.array([row[at] for row in priced], pa.string()), mark) for at, mark in marks.items()]
    first, second, third, last = cells
    usual = np.all((second >= np.maximum(first, last)) & (third <= np.minimum(first, last)))
    low_first = np.all((first <= np.minimum(third, last)) & (second >= np.maximum(third, last)))
    if low_first and not usual:
        return _LOW_FIRST, "low, high, open, close, volume (as Coinbase writes them)"
    return _OHLCV, "open, high, low, close, volume"
