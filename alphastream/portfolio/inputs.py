"""Rows and histories as people have them (dict, pandas, polars, numpy) as float64 arrays in the order of the assets."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alphastream.core.types import Floats
from alphastream.errors import ParameterError

DATES = {"date", "datetime", "time", "timestamp"}  # a column of such a name says when, whatever its type
EPOCHS = 6e8, 5e18  # from seconds of 1989 to nanoseconds of 2128


def history(
    prices: Any, signals: Any, assets: Iterable[str] | None, most_missing: float
) -> tuple[tuple[str, ...], Floats, Floats]:
    """Return the assets and both tables, (T, N), NaN where a value is missing.

    Raises
    ------
    ParameterError
        As ``aligned``; or a price column with more than ``most_missing`` missing.
    """
    given = None if assets is None else tuple(map(str, assets))
    names, price_table, signal_table = aligned(prices, signals, given)
    if len(price_table) > 0:
        missing = 1.0 - np.isfinite(price_table).mean(axis=0)
        worst = int(np.argmax(missing))
        if missing[worst] > most_missing:
            raise ParameterError(
                f"{names[worst]} has no price on {missing[worst]:.0%} of the rows, at most {most_missing:.0%} may be "
                "missing: leave it out, or raise max_nan_fraction"
            )
    return names, price_table, signal_table


def aligned(prices: Any, signals: Any, assets: tuple[str, ...] | None) -> tuple[tuple[str, ...], Floats, Floats]:
    """Return the assets and both tables, (T, N), of the same rows.

    Raises
    ------
    ParameterError
        Tables of different shapes, assets or dates, dates that go back, or no asset.
    """
    prices, signals = _collected(prices), _collected(signals)
    names, price_table = table("prices", prices, assets)
    _, signal_table = table("signals", signals, names)
    equal_rows(price_table, signal_table)
    for what, values in (("prices", prices), ("signals", signals)):
        _refuse_disorder(what, _dates(values))
    refuse_other_dates(prices, signals)
    return names, price_table, signal_table


def equal_rows(prices: Floats, signals: Floats) -> int:
    """Return the rows of both tables. Raises ParameterError if they differ."""
    if prices.shape != signals.shape:
        raise ParameterError(f"prices are {prices.shape}, signals {signals.shape}: align the rows first")
    return len(prices)


def table(what: str, values: Any, assets: tuple[str, ...] | None) -> tuple[tuple[str, ...], Floats]:
    """Return the columns of a table, (T, N), in the order of ``assets`` or, without, in its own."""
    values = _collected(values)
    if isinstance(values, Mapping):
        columns = {str(name): column for name, column in values.items()}
    elif hasattr(values, "columns"):
        columns = {str(name): values[name] for name in values.columns}
    else:
        return _array(what, values, assets)
    columns = {name: column for name, column in columns.items() if name.lower() not in DATES or name in (assets or ())}
    if assets is None:
        _refuse_times(what, columns)
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
    values = _collected(values)
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


def refuse_other_dates(prices: Any, signals: Any) -> None:
    """Raise ParameterError if two tables, or two rows, say that they are of different dates."""
    of, other = _dates(_collected(prices)), _dates(_collected(signals))
    if of is None or other is None:
        return
    if len(of) != len(other):
        raise ParameterError(f"prices have {len(of)} dates, signals {len(other)}: align the rows first")
    comparable = (of.dtype.kind == "M") == (other.dtype.kind == "M")
    same = [comparable and bool(one == two) for one, two in zip(of, other, strict=True)]
    if not all(same):
        row = same.index(False)
        raise ParameterError(
            f"row {row}: prices are of {_words(of[row])}, signals of {_words(other[row])}; align the rows first"
        )


def _collected(values: Any) -> Any:
    return values.collect() if hasattr(values, "collect") else values  # a lazy frame of polars


def _dates(values: Any) -> NDArray[Any] | None:
    """The dates of the rows, (T,), numpy's where they are dates; None if the table has none."""
    names = values.keys() if isinstance(values, Mapping) else getattr(values, "columns", ())
    found = [name for name in names if str(name).lower() in DATES]
    index = getattr(values, "index", None)
    if found:
        column = values[found[0]]
    elif getattr(getattr(index, "dtype", None), "kind", "") == "M":
        column = index
    else:
        return None
    array = np.atleast_1d(np.asarray(column.to_numpy() if hasattr(column, "to_numpy") else column))
    if array.dtype.kind not in "OUT":
        return array
    try:
        return np.array([_utc(date) for date in array.tolist()], dtype="datetime64[us]")
    except (TypeError, ValueError, OverflowError):  # texts that are no ISO dates: they can be compared, not ordered
        return array.astype(object)


def _utc(date: Any) -> Any:
    return date if getattr(date, "tzinfo", None) is None else np.datetime64(round(date.timestamp() * 1e6), "us")


def _refuse_disorder(what: str, dates: NDArray[Any] | None) -> None:
    if dates is None or dates.dtype.kind == "O":
        return
    back = np.flatnonzero(dates[1:] < dates[:-1])
    if back.size:
        first, then = _words(dates[back[0]]), _words(dates[back[0] + 1])
        raise ParameterError(f"{what} go back in time, from {first} to {then}: give the oldest row first")


def _words(date: Any) -> str:
    if not isinstance(date, np.datetime64) or np.isnat(date):
        return str(date)
    day = date.astype("datetime64[D]")
    return str(day) if day == date else str(date).rstrip("0").rstrip(".") if "." in str(date) else str(date)


def _refuse_times(what: str, columns: Mapping[str, Any]) -> None:
    """Raise for a column of integers that can only be a time: nobody would want it as an asset."""
    for name, column in columns.items():
        array = np.asarray(column.to_numpy() if hasattr(column, "to_numpy") else column)
        if array.dtype.kind not in "iu" or array.ndim != 1 or array.size < 2:
            continue
        steps = np.diff(array.astype(np.float64))
        if EPOCHS[0] <= array.min() and array.max() <= EPOCHS[1] and ((steps > 0).all() or (steps < 0).all()):
            raise ParameterError(
                f"the column {name} of {what} holds {array[0]} to {array[-1]}, which looks like time and is no asset: "
                "call it date, or leave it out; make it float64 if these are prices"
            )


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
