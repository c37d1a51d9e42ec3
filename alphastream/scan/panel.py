"""The prices of a universe, checked once: what every pair of a scan is made from."""

from collections.abc import Iterator
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

    def blocks(self) -> Iterator[tuple[Mask, Ints, Ints]]:
        """All pairs, grouped by the rows that both legs have: (T,) mask, then (P,) columns of y and of x.

        In each pair y stands to the left of x. A panel without gaps is one block; symbols listed on the same day
        share theirs.
        """
        groups: dict[bytes, list[int]] = {}
        finite = np.isfinite(self.levels)
        for column, mask in enumerate(finite):
            groups.setdefault(np.packbits(mask).tobytes(), []).append(column)
        members = [np.array(group, dtype=np.int64) for group in groups.values()]
        for place, left in enumerate(members):
            for right in members[place:]:
                if right is left:
                    first, second = np.triu_indices(left.size, 1)
                    y, x = left[first], left[second]
                else:
                    ends = np.repeat(left, right.size), np.tile(right, left.size)
                    y, x = np.minimum(*ends), np.maximum(*ends)
                if y.size:
                    yield finite[left[0]] & finite[right[0]], y, x


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
