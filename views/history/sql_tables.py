"""Answers of SQL as tables for people: dates in UTC, numbers as numbers, anything else as text. No Streamlit."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from alphastream.history.layout import KINDS
from alphastream.history.tables import SCHEMAS

SHOWN_ROWS: Final = 10_000
_TYPES: Final = {
    pa.int64(): "whole number",
    pa.float64(): "number",
    pa.bool_(): "true or false",
    pa.string(): "text",
    pa.timestamp("ns"): "time, UTC",
    pa.list_(pa.float64()): "numbers, best level first",
}


def schema_frame(held: Iterable[str]) -> pd.DataFrame:
    """Tables that a query may read, a row a column.

    Parameters
    ----------
    held : tables that have rows at any time.
    """
    present = set(held)
    rows = [
        (kind if kind in present else f"{kind} (empty)", name, _TYPES[of])
        for kind in KINDS
        for name, of in [("venue", pa.string()), ("symbol", pa.string()), *zip(*_columns(kind), strict=True)]
    ]
    return pd.DataFrame(rows, columns=["table", "column", "type"])


def _columns(kind: Any) -> tuple[list[str], list[pa.DataType]]:
    schema = SCHEMAS[kind]
    return schema.names, schema.types


def frame_of(rows: pa.Table) -> pd.DataFrame:
    """Rows of an answer: times with the zone UTC, integers of any size, and text of what is neither.

    Columns of one name are told apart by a number.
    """
    names: list[str] = []
    columns: list[pd.Series[Any]] = []
    for name, column in zip(rows.column_names, rows.columns, strict=True):
        same = 1
        shown = name
        while shown in names:
            same += 1
            shown = f"{name} ({same})"
        names.append(shown)
        columns.append(_series(column))
    return pd.concat(columns, axis=1, keys=names) if columns else pd.DataFrame()


def _series(column: pa.ChunkedArray) -> "pd.Series[Any]":
    kind = column.type
    if pa.types.is_timestamp(kind):
        times = pd.Series(column.to_pandas())
        return times.dt.tz_localize("UTC") if times.dt.tz is None else times.dt.tz_convert("UTC")
    if pa.types.is_decimal(kind):
        column = _as_numbers(column)
    elif pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
    kind = column.type
    plain = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_string)
    if any(is_one(kind) for is_one in plain):
        return pd.Series(column.to_pandas())
    return pd.Series([None if value is None else str(value) for value in column.to_pylist()], dtype="object")


def _as_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """DuckDB sums whole numbers in 128 bits; most fit 64."""
    if column.type.scale == 0:
        with suppress(pa.ArrowInvalid):  # too large
            return column.cast(pa.int64())
    return column.cast(pa.float64())


def time_columns(frame: pd.DataFrame) -> list[str]:
    """Columns that are times."""
    return [str(name) for name in frame if isinstance(frame[name].dtype, pd.DatetimeTZDtype)]


def number_columns(frame: pd.DataFrame) -> list[str]:
    """Columns that are numbers."""
    return [str(name) for name in frame.select_dtypes("number")]


def group_columns(frame: pd.DataFrame, most: int) -> list[str]:
    """Columns of text with more than one value, and at most so many: what a chart may draw a line each of."""
    return [str(name) for name in frame.select_dtypes(["object", "string"]) if 1 < frame[name].nunique() <= most]
