"""Rows of each kind as Arrow tables: the columns that a history's files have, and columns of numpy from and to them."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Final, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from alphastream.bars import Bars
from alphastream.books import BookColumns, MarkColumns, QuoteColumns
from alphastream.core.types import Floats, Ints
from alphastream.errors import ParameterError
from alphastream.feeds.market import FundingPayment
from alphastream.history.layout import Kind
from alphastream.tape.columns import TickColumns

Columns = TickColumns | Bars | BookColumns | QuoteColumns | MarkColumns | Sequence[FundingPayment]

C = TypeVar("C", bound=BookColumns | QuoteColumns | MarkColumns)

TIME: Final = pa.timestamp("ns")
"""UTC, without a zone, so that programs show it as it is."""

_TIMES: Final = {"time": TIME, "receive": TIME}
_LEVELS: Final = pa.list_(pa.float64())
_FLOATS: Final = ("open", "high", "low", "close", "volume")


def _schema(columns: dict[str, pa.DataType]) -> pa.Schema:
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in columns.items()])


SCHEMAS: Final[dict[Kind, pa.Schema]] = {
    "ticks": _schema(
        {"id": pa.int64(), "price": pa.float64(), "quantity": pa.float64(), **_TIMES, "buyer_is_maker": pa.bool_()}
    ),
    "bars": _schema(
        {
            "time": TIME,
            "seconds": pa.float64(),
            **dict.fromkeys(_FLOATS, pa.float64()),
            "trades": pa.int64(),
            "first": TIME,
            "last": TIME,
            "buy_volume": pa.float64(),
        }
    ),
    "quotes": _schema({**_TIMES, **dict.fromkeys(("bid", "bid_quantity", "ask", "ask_quantity"), pa.float64())}),
    "books": _schema({**_TIMES, **dict.fromkeys(("bid_price", "bid_quantity", "ask_price", "ask_quantity"), _LEVELS)}),
    "marks": _schema(
        {
            **_TIMES,
            **dict.fromkeys(("mark", "index", "funding_rate"), pa.float64()),
            "next_funding": TIME,
            "interval_hours": pa.float64(),
        }
    ),
    "funding": _schema({"time": TIME, "rate": pa.float64(), "mark": pa.float64()}),
    "signals": _schema(
        {
            "time": TIME,  # when it opened
            "best": TIME,
            "closed": TIME,
            **dict.fromkeys(("asset", "instrument_a", "instrument_b", "prices"), pa.string()),
            **dict.fromkeys(("profit_pct", "gross_pct", "quantity", "volume_usd", "error_ms"), pa.float64()),
        }
    ),
}
"""By kind, without venue and symbol, which the folder says. ``time`` is what rows are sorted by."""


def table_of(kind: Kind, columns: Columns, bar_ns: int = 0) -> pa.Table:
    """Return columns as a table of that kind.

    Parameters
    ----------
    bar_ns : how long a bar lasts, for bars.

    Raises
    ------
    ParameterError : columns of another kind.
    """
    if kind == "ticks" and isinstance(columns, TickColumns):
        arrays: list[Any] = [columns.id, columns.price, columns.quantity, times(columns.time_ns)]
        arrays += [times(columns.receive_ns), columns.buyer_is_maker]
    elif kind == "bars" and isinstance(columns, Bars):
        if bar_ns < 1:
            raise ParameterError("bars need bar_ns: how long each lasts, in nanoseconds")
        arrays = [times(columns.start_ns), np.full(len(columns), bar_ns / 1e9)]
        arrays += [getattr(columns, name) for name in _FLOATS]
        arrays += [columns.trades, times(columns.first_ns), times(columns.last_ns), columns.buy_volume]
    elif kind == "books" and isinstance(columns, BookColumns):
        sides = (columns.bid_price, columns.bid_quantity, columns.ask_price, columns.ask_quantity)
        arrays = [times(columns.time_ns), times(columns.receive_ns), *map(_lists, sides)]
    elif kind == "quotes" and isinstance(columns, QuoteColumns):
        arrays = [times(columns.time_ns), times(columns.receive_ns)]
        arrays += [columns.bid, columns.bid_quantity, columns.ask, columns.ask_quantity]
    elif kind == "marks" and isinstance(columns, MarkColumns):
        arrays = [times(columns.time_ns), times(columns.receive_ns), columns.mark, columns.index]
        arrays += [columns.funding_rate, times(columns.next_funding_ns), columns.interval_ns / 3.6e12]
    elif kind == "funding" and isinstance(columns, Sequence):
        arrays = [times(np.array([payment.time_ns for payment in columns], np.int64))]
        arrays += [np.array([getattr(payment, name) for payment in columns], np.float64) for name in ("rate", "mark")]
    else:
        raise ParameterError(f"{kind} are not kept in {type(columns).__name__}: give the columns of that kind")
    return pa.table([pa.array(array) for array in arrays], schema=SCHEMAS[kind])


def named(name: str, table: pa.Table) -> pa.Table:
    """Return rows of an instrument with its venue and symbol before them, as SQL has them; "" for what has none."""
    venue, colon, symbol = name.partition(":")
    if not colon:
        venue, symbol = "", name
    for column, text in (("symbol", symbol), ("venue", venue)):
        table = table.add_column(0, pa.field(column, pa.string(), nullable=False), pa.repeat(text, table.num_rows))
    return table


def ticks_table(ticks: Mapping[str, TickColumns]) -> pa.Table:
    """Return ticks by instrument as one table ``ticks`` for SQL."""
    parts = [named(name, table_of("ticks", columns)) for name, columns in ticks.items()]
    return pa.concat_tables(parts) if parts else named("", SCHEMAS["ticks"].empty_table())


def ticks_of(table: pa.Table) -> TickColumns:
    """Return the ticks of a table of the kind ``ticks``."""
    ids, price, quantity, sides = (table[name].to_numpy() for name in ("id", "price", "quantity", "buyer_is_maker"))
    return TickColumns(ids, price, quantity, times_of(table["time"]), times_of(table["receive"]), sides)


def bars_of(table: pa.Table) -> Bars:
    """Return the bars of a table of the kind ``bars``."""
    values: dict[str, Any] = {item.name: table[item.name].to_numpy() for item in fields(Bars) if "_ns" not in item.name}
    return Bars(times_of(table["time"]), **values, first_ns=times_of(table["first"]), last_ns=times_of(table["last"]))


def samples_of(table: pa.Table, kind: type[C]) -> C:
    """Return the samples of a table of the kind ``books``, ``quotes`` or ``marks``."""
    arrays: list[Any] = [times_of(table["time"]), times_of(table["receive"])]
    rest = table.drop_columns(["time", "receive"])
    if kind is BookColumns:
        most = max(int(pc.list_value_length(side).to_numpy().max(initial=1)) for side in rest.columns)
        arrays += [_levels(side, most) for side in rest.columns]
    elif kind is MarkColumns:
        arrays += [table[name].to_numpy() for name in ("mark", "index", "funding_rate")]
        arrays += [times_of(table["next_funding"])]
        arrays += [np.rint(table["interval_hours"].to_numpy() * 3.6e12).astype(np.int64)]
    else:
        arrays += [column.to_numpy() for column in rest.columns]
    return kind(*arrays)


def times(times_ns: Ints) -> pa.Array:
    """Return UTC ns as Arrow's times, without a copy."""
    return pa.array(times_ns).view(TIME)


def times_of(column: pa.ChunkedArray | pa.Array) -> Ints:
    """Return Arrow's times as UTC ns."""
    return counts_of(column.cast(TIME))


def counts_of(times: pa.ChunkedArray | pa.Array) -> Ints:
    """Return Arrow's times as whole numbers of their own unit; without a copy, where they are in one piece."""
    if isinstance(times, pa.ChunkedArray):
        times = times.chunk(0) if times.num_chunks == 1 else times.combine_chunks()
    found: Ints = times.view(pa.int64()).to_numpy(zero_copy_only=False)
    return found


def _levels(side: pa.ChunkedArray, most: int) -> Floats:
    """Return lists as rows of so many levels, what is not there NaN."""
    lengths = pc.list_value_length(side).to_numpy()
    found = np.full((len(lengths), most), np.nan)
    found[np.arange(most) < lengths[:, None]] = pc.list_flatten(side).to_numpy()
    return found


def _lists(side: Floats) -> pa.Array:
    rows, levels = side.shape
    return pa.ListArray.from_arrays(np.arange(rows + 1, dtype=np.int32) * levels, np.ascontiguousarray(side).ravel())
