"""How large a position is: from a direction and a hedge ratio to units of both legs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np

from alphastream.baskets import BasketSpec, basket_series
from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.estimators import Difference, RollingCorrelation, RowPace, ZScore
from alphastream.graph import Node, Series
from alphastream.pairs import PairSpec
from alphastream.trading.broker.account import Account

Value = TypeVar("Value", float, Floats)  # of one row, or of all at once


class Sizer(Protocol):
    """Turns a spread into units of its legs."""

    def series(self, spec: PairSpec) -> Mapping[str, Series]:
        """Series it reads beside those of the strategy."""

    def units(self, ratio: float, row: Any, account: Account, spec: PairSpec) -> tuple[float, float] | None:
        """Units of y and x for one long spread; None while that is not known.

        Parameters
        ----------
        ratio : units of x against one of y.
        row : with ``marks`` and the series asked for.
        """


class BasketSizer(Protocol):
    """Turns a basket's spread into units of its first leg; the other legs follow by the weights."""

    def basket_series(self, spec: BasketSpec) -> Mapping[str, Series]:
        """Series it reads beside those of the strategy."""

    def basket_units(self, ratios: Sequence[float], row: Any, account: Account, spec: BasketSpec) -> float | None:
        """Units of the first leg for one long spread; None while that is not known.

        Parameters
        ----------
        ratios : units of each leg against one of the first.
        row : with ``marks`` and the series asked for.
        """


class _Plain:
    """Base of sizers that need no series."""

    __slots__ = ()

    def series(self, spec: PairSpec) -> Mapping[str, Series]:
        """None."""
        return {}

    def basket_series(self, spec: BasketSpec) -> Mapping[str, Series]:
        """None."""
        return {}


@dataclass(frozen=True, slots=True)
class Units(_Plain):
    """A number of spreads: that many units of y against ratio times as many of x."""

    quantity: float = 1.0

    def __post_init__(self) -> None:
        _require("quantity", self.quantity)

    def units(self, ratio: float, row: Any, account: Account, spec: PairSpec) -> tuple[float, float] | None:
        """Units of y and x."""
        return self.quantity, -self.quantity * ratio

    def basket_units(self, ratios: Sequence[float], row: Any, account: Account, spec: BasketSpec) -> float | None:
        """Units of the first leg."""
        return self.quantity


@dataclass(frozen=True, slots=True)
class FixedNotional(_Plain):
    """A value of the dependent leg in the quote currency; the hedge leg follows by the ratio."""

    notional: float = 10_000.0

    def __post_init__(self) -> None:
        _require("notional", self.notional)

    def units(self, ratio: float, row: Any, account: Account, spec: PairSpec) -> tuple[float, float] | None:
        """Units of y and x."""
        y = self.notional / row.marks[0]
        return y, -ratio * y

    def basket_units(self, ratios: Sequence[float], row: Any, account: Account, spec: BasketSpec) -> float | None:
        """Units of the first leg, which has the value."""
        return float(self.notional / row.marks[0])


@dataclass(frozen=True, slots=True)
class BetaNeutral(_Plain):
    """A value of both legs together in the quote currency, shared out so that the hedge ratio holds."""

    gross: float = 20_000.0

    def __post_init__(self) -> None:
        _require("gross", self.gross)

    def units(self, ratio: float, row: Any, account: Account, spec: PairSpec) -> tuple[float, float] | None:
        """Units of y and x."""
        y, x = row.marks
        quantity = self.gross / (y + abs(ratio) * x)
        return quantity, -ratio * quantity

    def basket_units(self, ratios: Sequence[float], row: Any, account: Account, spec: BasketSpec) -> float | None:
        """Units of the first leg with which all legs together have the value."""
        worth: float = sum(abs(ratio) * mark for ratio, mark in zip(ratios, row.marks, strict=True))
        return self.gross / worth


@dataclass(frozen=True, slots=True)
class VolatilityTarget:
    """A size at which the spread's standard deviation is a share of the equity, as of the newest bars.

    The deviation is that of a bar's return of y against ratio times that of x, from the deviations and the
    correlation of both over the pair's window, and is made one of a year as if bars were independent. A year has as
    many bars as at the pace of those so far: nights, weekends and bars without a trade are none.

    Parameters
    ----------
    share : of the equity a year, 0.1 for 10 %.
    max_leverage : largest value of y as a multiple of the equity, whatever the deviation says.
    """

    share: float = 0.1
    max_leverage: float = 2.0

    def __post_init__(self) -> None:
        _require("share", self.share)
        _require("max_leverage", self.max_leverage)

    def series(self, spec: PairSpec) -> Mapping[str, Series]:
        """Return deviations of both legs' changes, their correlation, and the pace of the rows."""
        changes = {leg: Node(Difference(), (spec.source[leg],))["change"] for leg in ("x", "y")}
        return {
            "y_deviation": Node(ZScore(spec.window), (changes["y"],))["std"],
            "x_deviation": Node(ZScore(spec.window), (changes["x"],))["std"],
            "legs_correlation": Node(RollingCorrelation(spec.window), (changes["x"], changes["y"]))["correlation"],
            "rows_per_year": Node(RowPace(), (spec.source["time_ns"],))["rows_per_year"],
        }

    def units(self, ratio: float, row: Any, account: Account, spec: PairSpec) -> tuple[float, float] | None:
        """Units of y and x; None while a deviation is not known or is 0."""
        y, x = row.marks
        hedge = ratio * x / y if spec.price == "log" else ratio
        variance = _spread_variance(hedge, row.y_deviation, row.x_deviation, row.legs_correlation)
        if not (variance > 0.0 and row.rows_per_year > 0.0):
            return None
        leverage = min(self._wanted(math.sqrt(variance * row.rows_per_year), y, spec), self.max_leverage)
        quantity = max(account.equity(row.marks), 0.0) * leverage / y
        return quantity, -ratio * quantity

    def basket_series(self, spec: BasketSpec) -> Mapping[str, Series]:
        """Return the deviation of the spread's change with the weights of each row, and the pace of the rows."""
        change = basket_series(spec)["change"]
        return {
            "change_deviation": Node(ZScore(spec.window), (change,))["std"],
            "rows_per_year": Node(RowPace(), (spec.source["time_ns"],))["rows_per_year"],
        }

    def basket_units(self, ratios: Sequence[float], row: Any, account: Account, spec: BasketSpec) -> float | None:
        """Units of the first leg; None while the deviation is not known or is 0."""
        deviation = row.change_deviation
        if not (deviation > 0.0 and row.rows_per_year > 0.0):
            return None
        a_year = deviation * math.sqrt(row.rows_per_year)
        wanted = self.share / (a_year if spec.log else a_year / row.marks[0])
        units: float = max(account.equity(row.marks), 0.0) * min(wanted, self.max_leverage) / row.marks[0]
        return units

    def leverages(self, hedge: Floats, columns: Mapping[str, Floats], y: Floats, spec: PairSpec) -> Floats:
        """Value of y over equity on many rows at once, (T,); NaN where a deviation is not known or is 0.

        Parameters
        ----------
        hedge : (T,), hedge ratio as the pair is estimated, on logs or on prices.
        columns : (T,) each, by the names of ``series``.
        y : (T,) prices of y.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            variance = _spread_variance(
                hedge, columns["y_deviation"], columns["x_deviation"], columns["legs_correlation"]
            )
            a_year = np.sqrt(variance * columns["rows_per_year"])
            leverage = np.minimum(self._wanted(a_year, y, spec), self.max_leverage)
            return np.where(variance > 0.0, leverage, np.nan)

    def _wanted(self, deviation: Value, y: Value, spec: PairSpec) -> Value:
        """Value of y over equity for the deviation of the spread's change in a year, without a limit."""
        return self.share / (deviation if spec.price == "log" else deviation / y)


def _spread_variance(hedge: Value, y_deviation: Value, x_deviation: Value, correlation: Value) -> Value:
    own, other = y_deviation * y_deviation, hedge * hedge * x_deviation * x_deviation
    return own + other - 2.0 * hedge * correlation * y_deviation * x_deviation


def _require(name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0.0):
        raise ParameterError(f"{name} is {value!r}: give a finite number above 0")
