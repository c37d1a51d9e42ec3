"""Rows and histories as people have them (dict, pandas, polars, numpy) as float64 arrays in the order of the assets."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from alphastream.core.types import Floats
from alphastream.errors import ParameterError

DATE = "date"  # a column of this name is an index, whatever its type


def history(
    prices: Any, signals: Any, assets: Iterable[str] | None, most_missing: float
) -> tuple[tuple[str, ...], Floats, Floats]:
    """Return the assets and both tables, (T, N), NaN where a value is missing.

    Raises
    ------
    ParameterError
        Tables of different shapes or assets, no asset, or a price column with more than ``most_missing`` missing.
    """
    given = None if assets is None else tuple(map(str, assets))
    names, price_table = table("prices", prices, given)
    _, signal_table = table("signals", signals, names)
    if equal_rows(price_table, signal_table) > 0:
        missing = 1.0 - np.isfinite(price_table).mean(axis=0)
        worst = int(np.argmax(missing))
        if missing[worst] > most_missing:
            raise ParameterError(
                f"{names[worst]} has no price on {missing[worst]:.0%} of the rows, at most {most_missing:.0%} may be "
                "missing: leave it out, or raise max_nan_fraction"
            )
    return names, price_table, signal_table


def equal_rows(prices: Floats, signals: Floats) -> int:
    """Return the rows of both tables. Raises ParameterError if they differ."""
    if prices.shape != signals.shape:
        raise ParameterError(f"prices are {prices.shape}, signals {signals.shape}: align the rows first")
    return len(prices)


def table(what: str, values: Any, assets: tuple[str, ...] | None) -> tuple[tuple[str, ...], Floats]:
    """Return the columns of a table, (T, N), in the order of ``assets`` or, without, in its own."""
    if isinstance(values, Mapping):
        columns = {str(name): column for name, column in values.items() if name != DATE}
    elif hasattr(values, "columns"):
        columns = {str(name): values[name] for name in values.columns if name != DATE}
    else:
        return _array(what, values, assets)
    numbers = {name: found for name, column in columns.items() if (found := _numbers(column)) is not None}
    names = tuple(numbers) if assets is None else assets
    if not names:
        raise ParameterError(f"{what} has no column of numbers: give one for each asset")
    absent = [name for name in names if name not in numbers]
    extra = [name for name in numbers if name not in names]
    if absent or extra:
        raise ParameterError(f"{what} needs the columns {', '.join(names)}{_difference(absent, extra)}")
    lengths = {len(numbers[name]) for name in names}
    if len(lengths) != 1:
        raise ParameterError(f"{what} has columns of {sorted(lengths)} rows: align them first")
    return names, np.ascontiguousarray(np.column_stack([numbers[name] for name in names]))


def row(what: str, values: Any, assets: tuple[str, ...]) -> list[float]:
    """Return the values of one row in the order of the assets, NaN where one is missing."""
    if hasattr(values, "columns"):
        found = {str(name): _first(what, values[name]) for name in values.columns}
    elif hasattr(values, "items"):  # a mapping, or a pandas Series by asset
        found = {str(name): value for name, value in values.items()}
    else:
        flat = _array(what, np.atleast_2d(np.asarray(values)), assets)[1]
        if flat.shape[0] != 1:
            raise ParameterError(f"{what} has {flat.shape[0]} rows, step takes one")
        return [float(value) for value in flat[0]]
    absent = [name for name in assets if name not in found]
    if absent:
        raise ParameterError(f"{what} has no {', '.join(absent)}{_difference([], sorted(found.keys() - set(assets)))}")
    return [_number(what, name, found[name]) for name in assets]


def _array(what: str, values: Any, assets: tuple[str, ...] | None) -> tuple[tuple[str, ...], Floats]:
    array = np.asarray(values)
    if array.dtype.kind not in "fiuO" or array.ndim != 2:
        raise ParameterError(f"{what} is {array.ndim}-dimensional {array.dtype}, needs numbers of shape (T, N)")
    names = tuple(map(str, range(array.shape[1]))) if assets is None else assets
    if array.shape[1] != len(names):
        raise ParameterError(f"{what} has {array.shape[1]} columns, needs {len(names)}: {', '.join(names)}")
    try:
        return names, np.ascontiguousarray(array, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{what} holds something that is no number ({error}): convert it to float64") from error


def _numbers(column: Any) -> Floats | None:
    array = np.asarray(column.to_numpy() if hasattr(column, "to_numpy") else column)
    if array.dtype.kind in "fiu":
        return array.astype(np.float64)
    if array.dtype.kind != "O":
        return None
    try:
        return np.array([_number("", "", value) for value in array])
    except ParameterError:  # texts, dates: no asset
        return None


def _first(what: str, column: Any) -> Any:
    if len(column) != 1:
        raise ParameterError(f"{what} has {len(column)} rows, step takes one")
    return column.to_numpy()[0] if hasattr(column, "to_numpy") else column[0]


def _number(what: str, asset: str, value: Any) -> float:
    if value is None:
        return np.nan
    try:
        return float(value)
    except (TypeError, ValueError):
        if type(value).__name__ in ("NAType", "NaTType"):
            return np.nan
        raise ParameterError(f"{what} of {asset} is {value!r}, needs a number, or None if there is none") from None


def _difference(absent: list[str], extra: list[str]) -> str:
    parts = [f"lacks {', '.join(absent)}" if absent else "", f"has {', '.join(extra)}" if extra else ""]
    close = [match for name in absent for match in difflib.get_close_matches(name, extra, 1)]
    parts.append(f"did you mean {', '.join(close)}" if close else "")
    said = "; ".join(part for part in parts if part)
    return f": it {said}" if said else ""
