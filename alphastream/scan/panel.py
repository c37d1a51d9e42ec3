"""The prices of a universe, checked once: what every pair of a scan is made from."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphastream.core.types import Floats, Ints
from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.estimators.tests.observations import MINIMUM_ROWS

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Levels of N symbols over T rows.

    Parameters
    ----------
    symbols : N names, in the order of the columns.
    levels : (N, T) prices or their logarithms, NaN where a symbol has no price.
    log : whether they are logarithms.
    """

    symbols: list[str]
    levels: Floats
    log: bool

    def groups(self, most: int) -> list[Ints]:
        """Columns with a price in the same rows, at most ``most`` together; symbols listed on one day share theirs."""
        found: dict[bytes, list[int]] = {}
        for column, levels in enumerate(self.levels):
            found.setdefault(np.packbits(np.isfinite(levels)).tobytes(), []).append(column)
        return [
            np.array(group[start : start + most], dtype=np.int64)
            for group in found.values()
            for start in range(0, len(group), most)
        ]

    def common_rows(self, left: Ints, right: Ints) -> Mask:
        """(T,) the rows in which the columns of two groups have a price."""
        return np.asarray(np.isfinite(self.levels[left[0]]) & np.isfinite(self.levels[right[0]]))


def pairs_between(left: Ints, right: Ints) -> tuple[Ints, Ints]:
    """(P,) columns of y and of x: all pairs of a group with itself or with another; y stands to the left of x."""
    if right is left:
        first, second = np.triu_indices(left.size, 1)
        return left[first], left[second]
    ends = np.repeat(left, right.size), np.tile(right, left.size)
    return np.minimum(*ends), np.maximum(*ends)


def read_panel(prices: pd.DataFrame, log: bool) -> Panel:
    """Check a frame of prices, drop the rows in which no symbol has one, and take logarithms.

    Raises
    ------
    ParameterError
        Not a frame, fewer than two columns, two columns of one name, a column that holds no numbers, an infinite
        price, or with ``log`` one that is not positive: the message names the column and the row.
    NotEnoughObservations
        Fewer than 30 rows.
    """
    if not isinstance(prices, pd.DataFrame):
        raise ParameterError(f"prices is a {type(prices).__name__}: pass a DataFrame with one column a symbol")
    symbols = [str(name) for name in prices.columns]
    if len(symbols) < 2:
        raise ParameterError(f"prices has {len(symbols)} columns: a pair needs two symbols")
    if len(set(symbols)) < len(symbols):
        twice = sorted({name for name in symbols if symbols.count(name) > 1})
        raise ParameterError(f"prices has several columns named {', '.join(twice)}: give each symbol one column")
    levels = np.empty((len(symbols), len(prices)))
    for place, symbol in enumerate(symbols):
        levels[place] = _column(symbol, prices.iloc[:, place], log)
    levels = np.ascontiguousarray(levels[:, np.isfinite(levels).any(axis=0)])
    if levels.shape[1] < MINIMUM_ROWS:
        raise NotEnoughObservations("panel of prices", MINIMUM_ROWS, levels.shape[1])
    return Panel(symbols, np.log(levels) if log else levels, log)


def _column(symbol: str, prices: "pd.Series[float]", log: bool) -> Floats:
    if not pd.api.types.is_numeric_dtype(prices.dtype) or pd.api.types.is_complex_dtype(prices.dtype):
        raise ParameterError(f"column {symbol} holds {prices.dtype}, needs prices: convert it to float64")
    values = np.asarray(prices.to_numpy(np.float64, na_value=np.nan), dtype=np.float64)
    bad = np.isinf(values) | (values <= 0.0) if log else np.isinf(values)
    if bad.any():
        row = int(np.argmax(bad))
        needed = "a finite price > 0 (or log=False)" if log else "a finite price"
        raise ParameterError(
            f"column {symbol} is {values[row]:g} in row {row} ({prices.index[row]}; {np.count_nonzero(bad)} in all): "
            f"needs {needed}, or NaN where there is none"
        )
    return values
