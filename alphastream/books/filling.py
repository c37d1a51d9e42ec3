"""What an order that takes what waits in a book would get."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alphastream.errors import ParameterError


@dataclass(frozen=True, slots=True)
class Fill:
    """What an order got.

    Parameters
    ----------
    average : price, weighted by quantity; NaN where nothing was filled.
    worst : price of the last level that was reached; NaN where nothing was filled.
    filled : quantity, less than was wanted where the levels do not hold so much.
    """

    average: float
    worst: float
    filled: float


def fill(prices: npt.ArrayLike, quantities: npt.ArrayLike, quantity: float) -> Fill:
    """Take a quantity from the levels of one side, from the first on.

    Parameters
    ----------
    prices, quantities : levels that the order meets, best first, shape (L,); NaN where a level is missing.
    quantity : in the same units as ``quantities``; 0 or more.

    Raises
    ------
    ParameterError : shapes differ, or the quantity is negative or NaN.

    Examples
    --------
    >>> fill([100.0, 101.0, 103.0], [2.0, 1.0, 5.0], 4.0)
    Fill(average=101.0, worst=103.0, filled=4.0)
    >>> fill([100.0, float("nan")], [2.0, float("nan")], 4.0)
    Fill(average=100.0, worst=100.0, filled=2.0)
    """
    price, waiting = np.asarray(prices, np.float64), np.asarray(quantities, np.float64)
    if price.ndim != 1 or price.shape != waiting.shape:
        raise ParameterError(f"prices {price.shape} and quantities {waiting.shape}: need one of each a level")
    if not quantity >= 0:
        raise ParameterError(f"quantity {quantity}: needs 0 or more")
    waiting = np.where(np.isfinite(price) & (waiting > 0), waiting, 0.0)
    before = np.concatenate([[0.0], np.cumsum(waiting)])
    taken = np.minimum(waiting, np.maximum(quantity - before[:-1], 0.0))
    reached = np.flatnonzero(taken)
    if not len(reached):
        return Fill(np.nan, np.nan, 0.0)
    filled = float(min(quantity, before[-1]))
    average = float(price[reached] @ taken[reached] / taken.sum())
    return Fill(average, float(price[reached[-1]]), filled)
