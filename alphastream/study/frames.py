"""DataFrames and files as bars of named symbols."""

import re
import warnings
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from alphastream.bars import UNKNOWN_TRADES, Bars, resample
from alphastream.core.types import Floats, Ints
from alphastream.errors import ParameterError
from alphastream.uploads.cells import CellError
from alphastream.uploads.epochs import from_whole, stamps_of
from alphastream.uploads.legs import spacing_of

_TIMES: Final = ("time", "time_ns", "timestamp", "datetime", "date", "open_time")
_PRICES: Final = ("open", "high", "low", "close")
_AMOUNTS: Final = ("volume", "buy_volume", "trades")
_CLOSES: Final = ("close", "adj close", "price")
_QUANTITIES: Final = ("quantity", "qty", "size")
_UNITS: Final = {
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3_600 * 10**9,
    "d": 86_400 * 10**9,
    "w": 604_800 * 10**9,
}


def interval_of(every: str | int) -> int:
    """Length of a bar in nanoseconds.

    >>> interval_of("1m"), interval_of("250ms"), interval_of(10**9)
    (60000000000, 250000000, 1000000000)
    """
    if isinstance(every, int) and not isinstance(every, bool) and every > 0:
        return every
    match = re.fullmatch(r"([1-9]\d*)(ms|[smhdw])", str(every))
    if match is None:
        raise ParameterError(f"every={every!r}: write such as '1s', '5m', '1h' or '1d', or nanoseconds")
    return int(match[1]) * _UNITS[match[2]]


def frames_of(frame: pd.DataFrame, symbol: str | None) -> dict[str, pd.DataFrame]:
    """A frame of one symbol or of many as one frame a symbol: with a column symbol, wide, or of closes alone."""
    if isinstance(frame.columns, pd.MultiIndex):
        return _of_levels(frame)
    if isinstance(frame.index, pd.MultiIndex):
        frame = frame.reset_index()
    lower = {str(column).lower(): column for column in frame.columns}
    if "symbol" in lower:
        by = frame.groupby(lower["symbol"], sort=False)
        return {str(name): rows.drop(columns=lower["symbol"]) for name, rows in by}
    if any(name in lower for name in _CLOSES):
        return {symbol or "data": frame}
    time, others = _time_column(frame), [column for column in frame.columns if str(column).lower() not in _TIMES]
    numbers = [column for column in others if pd.api.types.is_numeric_dtype(frame[column])]
    are_fields = any(str(column).lower() in (*_PRICES, *_AMOUNTS) for column in others)
    if time is None or are_fields or not numbers or len(numbers) != len(others):
        raise ParameterError(
            f"a frame with the columns {', '.join(map(str, frame.columns))}: give time, open, high, low, close, volume "
            "(and symbol, for many), or the times with one column of closes a symbol"
        )
    return {str(column): pd.DataFrame({"time": time, "close": frame[column].to_numpy()}).dropna() for column in numbers}


def _of_levels(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Columns of two levels, fields and symbols in either order."""
    for level in (0, 1):
        known = {str(name).lower() for name in frame.columns.get_level_values(level)}
        if frame.columns.nlevels == 2 and known.intersection(_CLOSES):
            other = 1 - level
            names = dict.fromkeys(frame.columns.get_level_values(other))
            found = {str(name): pd.DataFrame(frame.xs(name, axis=1, level=other)) for name in names if name != ""}
            return {name: rows.dropna(how="all") for name, rows in found.items()}
    raise ParameterError("columns of several levels, and none of two levels has a 'close': name fields and symbols")


def _time_column(frame: pd.DataFrame) -> Any:
    lower = {str(column).lower(): column for column in frame.columns}
    for name in _TIMES:
        if name in lower:
            return frame[lower[name]].to_numpy()
    if isinstance(frame.index, pd.DatetimeIndex):
        return frame.index
    return None


def trades_of(frame: pd.DataFrame, symbol: str) -> tuple[Ints, Floats, Floats] | None:
    """Times, prices and quantities of a frame of trades, oldest first; None of one that has a close, or no quantity.

    Raises
    ------
    ParameterError
        No times, or prices and quantities that are none.
    """
    lower = {str(column).lower(): column for column in frame.columns}
    quantity = next((lower[name] for name in _QUANTITIES if name in lower), None)
    if quantity is None or "price" not in lower or "close" in lower:
        return None
    time_ns = _times(frame, symbol)
    order = np.argsort(time_ns, kind="stable")
    found = [_numbers(frame, column, order, symbol) for column in (lower["price"], quantity)]
    for name, values, needed in zip(("price", "quantity"), found, ("above 0", "of 0 or more"), strict=True):
        right = np.isfinite(values) & ((values > 0.0) if name == "price" else (values >= 0.0))
        if not right.all():
            row = int(np.argmin(right))
            raise ParameterError(
                f"{name} of {symbol} is {values[row]:g} at {pd.Timestamp(time_ns[order][row])}: a trade has a finite "
                f"one {needed}; leave the row out"
            )
    return time_ns[order], found[0], found[1]


def _times(frame: pd.DataFrame, symbol: str) -> Ints:
    """Times of the rows, as they stand in the frame."""
    times = _time_column(frame)
    if times is None:
        raise ParameterError(f"{symbol} has no times: give a column time, or dates as the index")
    lower = {str(column).lower() for column in frame.columns}
    return _nanoseconds(times, symbol, "time_ns" in lower and "time" not in lower)


def bars_of_frame(frame: pd.DataFrame, symbol: str, interval_ns: int | None) -> tuple[Bars, int]:
    """Bars of one symbol, oldest first, and their length.

    Parameters
    ----------
    frame : ``time``, the start of each bar (text, datetimes, UTC where they name no zone, or numbers: since 1970 in the
        unit that their size tells, or days such as 20240131; ``time_ns`` is nanoseconds whatever its size), as a column
        or as the index; ``close``; and where known ``open``, ``high``, ``low``, ``volume``, ``buy_volume``,
        ``trades``. Prices that are missing as columns are the close; amounts that are missing are unknown.
    interval_ns : the length that is wanted; the commonest step between rows says what it is, unless most bars are
        missing and some follow at this distance.

    Raises
    ------
    ParameterError
        No times or closes, a time twice, prices or volumes that are none, a high below its low, or a single row without
        ``interval_ns``.
    """
    lower = {str(column).lower(): column for column in frame.columns}
    start_ns = _times(frame, symbol)
    order = np.argsort(start_ns, kind="stable")
    start_ns = start_ns[order]
    twice = np.flatnonzero(start_ns[1:] == start_ns[:-1])
    if len(twice):
        raise ParameterError(f"{symbol} has the time {pd.Timestamp(start_ns[twice[0]])} twice: keep each once")
    length_ns = _length(start_ns, interval_ns)
    if length_ns is None:
        raise ParameterError(f"{symbol} has {len(start_ns)} rows, which do not tell how long a bar is: give every='1d'")
    close_name = next((lower[name] for name in _CLOSES if name in lower), None)
    if close_name is None:
        raise ParameterError(f"{symbol} has no close: it has {', '.join(map(str, frame.columns)) or 'no columns'}")
    close = _numbers(frame, close_name, order, symbol)
    prices = {
        name: _numbers(frame, lower[name], order, symbol) if name in lower and name != "close" else close
        for name in _PRICES
    }
    for name, values in prices.items():
        if not np.all(np.isfinite(values) & (values > 0.0)):
            row = int(np.argmin(np.isfinite(values) & (values > 0.0)))
            raise ParameterError(
                f"{name} of {symbol} is {values[row]:g} at {pd.Timestamp(start_ns[row])}: a price is a finite number "
                "above 0; leave the row out if nothing traded"
            )
    upside_down = prices["high"] < prices["low"]
    if upside_down.any():
        row = int(np.argmax(upside_down))
        raise ParameterError(
            f"high {prices['high'][row]:g} of {symbol} is below low {prices['low'][row]:g} at "
            f"{pd.Timestamp(start_ns[row])}: exchange the columns if they are swapped"
        )
    amounts = {
        name: _numbers(frame, lower[name], order, symbol) if name in lower else np.full(len(order), np.nan)
        for name in _AMOUNTS
    }
    for name, values in amounts.items():
        if (values < 0.0).any() or np.isinf(values).any():
            row = int(np.argmax((values < 0.0) | np.isinf(values)))
            raise ParameterError(
                f"{name} of {symbol} is {values[row]:g} at {pd.Timestamp(start_ns[row])}: give 0 or more, NaN where "
                "nobody knows"
            )
    trades = np.where(np.isnan(amounts["trades"]), UNKNOWN_TRADES, amounts["trades"]).astype(np.int64)
    bars = Bars(
        start_ns, prices["open"], prices["high"], prices["low"], close, amounts["volume"], trades,
        start_ns, start_ns + length_ns, amounts["buy_volume"],
    )  # fmt: skip
    return bars, length_ns


def _numbers(frame: pd.DataFrame, column: Hashable, order: Ints, symbol: str) -> Floats:
    try:
        return np.ascontiguousarray(frame[column].to_numpy(dtype=np.float64)[order])
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{column} of {symbol} holds more than numbers ({error}): convert it first") from error


def _length(start_ns: Ints, wanted_ns: int | None) -> int | None:
    """How long bars are; those that are mostly missing look longer than they are."""
    found = spacing_of(start_ns)
    if found is None or wanted_ns is None:
        return found or wanted_ns
    return wanted_ns if int(np.diff(start_ns).min()) <= wanted_ns < found else found


def _nanoseconds(times: Any, symbol: str, exact: bool) -> Ints:
    values = np.asarray(times) if not isinstance(times, pd.DatetimeIndex) else times
    if isinstance(values, np.ndarray) and values.dtype.kind in "iuf":
        return values.astype(np.int64) if exact and values.dtype.kind in "iu" else _of_numbers(values, symbol)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # text that has to be guessed, row by row
            stamps = pd.to_datetime(pd.Index(values), utc=True)
    except (TypeError, ValueError, UserWarning) as error:
        raise ParameterError(
            f"times of {symbol} cannot be read ({error}): give datetimes, text or nanoseconds"
        ) from error
    if stamps.hasnans:
        raise ParameterError(f"a time of {symbol} is missing in row {int(np.argmax(stamps.isna()))}: drop the row")
    return np.asarray(stamps.as_unit("ns").asi8, dtype=np.int64)


def _of_numbers(values: Any, symbol: str) -> Ints:
    """Times of numbers, whose unit their size tells."""
    if not np.isfinite(values).all():
        raise ParameterError(
            f"a time of {symbol} is missing in row {int(np.argmin(np.isfinite(values)))}: drop the row"
        )
    whole = np.floor(values)
    try:
        stamps = stamps_of(whole.astype(np.int64))
        if stamps is not None:
            return stamps.wall_ns
        rest = np.rint((values - whole) * 1e9).astype(np.int64)
        return from_whole(whole.astype(np.int64), rest if rest.any() else None).time_ns
    except CellError as error:
        raise ParameterError(f"time {values[error.row]} of {symbol} in row {error.row}: {error.needed}") from error


def bars_of_frames(
    frames: Mapping[str, pd.DataFrame] | Sequence[tuple[str, pd.DataFrame]], interval_ns: int | None
) -> tuple[dict[str, Bars], int]:
    """Bars of each symbol and their one length; where these differ, all become bars of ``interval_ns`` if they can."""
    found = {symbol: bars_of_frame(rows, symbol, interval_ns) for symbol, rows in dict(frames).items()}
    if not found:
        raise ParameterError("the frame has no rows: give one with bars")
    lengths = {length for _, length in found.values()}
    if len(lengths) > 1 and interval_ns and not any(interval_ns % length for length in lengths):
        return {
            symbol: bars if length == interval_ns else resample(bars, interval_ns)
            for symbol, (bars, length) in found.items()
        }, interval_ns
    if len(lengths) > 1:
        raise ParameterError(
            f"bars of {', '.join(f'{symbol}: {length / 1e9:g} s' for symbol, (_, length) in found.items())}: add "
            "each by itself and name its symbol"
        )
    return {symbol: bars for symbol, (bars, _) in found.items()}, lengths.pop()
