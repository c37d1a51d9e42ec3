"""What the functions of this room are given, checked once: columns of equal length, fills, funding payments."""

from collections.abc import Mapping
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alphastream.errors import NotEnoughObservations, ParameterError

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]


class Ruin(ParameterError):
    """Equity fell to 0 or below: there is no return on nothing.

    Parameters
    ----------
    row : first row without equity.
    """

    def __init__(self, row: int, equity: float) -> None:
        super().__init__(
            f"equity is {equity:g} at row {row}, returns need more than 0: the account was ruined there; "
            "look at the rows before it, or trade less for this capital"
        )
        self.row = row


class Fill(Protocol):
    """What was traded at one moment: ``trading.orders.Fill`` or anything with its fields.

    ``quantity`` is in units, buying positive. Half spread and impact are the whole way from ``trade_price`` to
    ``price``: quantity · (price − trade_price) = spread_cost + impact_cost.
    """

    @property
    def time_ns(self) -> int: ...
    @property
    def symbol(self) -> str: ...
    @property
    def quantity(self) -> float: ...
    @property
    def price(self) -> float: ...
    @property
    def trade_price(self) -> float: ...
    @property
    def fee(self) -> float: ...
    @property
    def spread_cost(self) -> float: ...
    @property
    def impact_cost(self) -> float: ...
    @property
    def round_trip(self) -> int: ...


class Payment(Protocol):
    """What a position paid (negative) or received in funding: ``trading.orders.FundingPayment`` or alike."""

    @property
    def amount(self) -> float: ...
    @property
    def round_trip(self) -> int: ...


def column(name: str, values: ArrayLike, *, rows: int | None = None) -> Floats:
    """The values as (T,) finite float64, T at least 1, or ``rows`` where it is given."""
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or (rows is not None and found.size != rows):
        needed = "(T,)" if rows is None else f"({rows},), one value for each time"
        raise ParameterError(f"{name} has shape {found.shape}, needs {needed}")
    if found.size == 0:
        raise NotEnoughObservations(name, 1, 0)
    if not np.isfinite(found).all():
        row = int(np.flatnonzero(~np.isfinite(found))[0])
        raise ParameterError(f"{name} is {found[row]} at row {row}, needs a number in every row")
    return found


def sample(values: ArrayLike) -> Floats:
    """Returns as (T,) float64; NaN may be among them and makes what is made of them NaN."""
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1:
        raise ParameterError(f"returns have shape {found.shape}, need (T,): pass one series")
    return found


def times(values: ArrayLike) -> Ints:
    """Row times as (T,) int64, rising."""
    found = np.asarray(values)
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise ParameterError(f"time_ns is {found.dtype} of shape {found.shape}, needs (T,) integer nanoseconds")
    if (found[1:] <= found[:-1]).any():
        row = int(np.flatnonzero(found[1:] <= found[:-1])[0]) + 1
        raise ParameterError(f"time_ns does not rise at row {row}: sort the rows and keep each time once")
    return found.astype(np.int64, copy=False)


def solvent(equity: ArrayLike, *, rows: int | None = None) -> Floats:
    """Equity as a column, all above 0; raises ``Ruin`` otherwise."""
    found = column("equity", equity, rows=rows)
    gone = np.flatnonzero(found <= 0.0)
    if gone.size:
        raise Ruin(int(gone[0]), float(found[gone[0]]))
    return found


def positive(name: str, value: float) -> float:
    """The value, if it is above 0 and finite."""
    if not 0.0 < value < np.inf:
        raise ParameterError(f"{name} is {value}, needs to be above 0")
    return float(value)


def mark(marks: Mapping[str, float], symbol: str) -> float:
    """Price at which what is left of a symbol is worth something."""
    value = marks.get(symbol, np.nan)
    if not np.isfinite(value):
        raise ParameterError(f"no mark of {symbol}, of which a position is open: give its last price")
    return float(value)
