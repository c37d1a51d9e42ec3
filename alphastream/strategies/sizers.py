"""How large a position is: from a direction and a hedge ratio to units of both legs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from alphastream.errors import ParameterError
from alphastream.estimators import Difference, RollingCorrelation, ZScore
from alphastream.graph import Node, Series
from alphastream.pairs import PairSpec
from alphastream.trading.broker.account import Account

YEAR_NS: Final = 365.25 * 86_400 * 10**9


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


class _Plain:
    """Base of sizers that need no series."""

    __slots__ = ()

    def series(self, spec: PairSpec) -> Mapping[str, Series]:
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


@dataclass(frozen=True, slots=True)
class VolatilityTarget:
    """A size at which the spread's standard deviation is a share of the equity, as of the newest bars.

    The deviation is that of a bar's return of y against ratio times that of x, from the deviations and the
    correlation of both over the pair's window, and is made one of a year as if bars were independent.

    Parameters
    ----------
    share : of the equity a year, 0.1 for 10 %.
    most : largest value of y as a multiple of the equity, whatever the deviation says.
    """

    share: float = 0.1
    most: float = 2.0

    def __post_init__(self) -> None:
        _require("share", self.share)
        _require("most", self.most)

    def series(self, spec: PairSpec) -> Mapping[str, Series]:
        """Return deviations of both legs' changes and their correlation."""
        changes = {leg: Node(Difference(), (spec.source[leg],))["change"] for leg in ("x", "y")}
        return {
            "y_deviation": Node(ZScore(spec.window), (changes["y"],))["std"],
            "x_deviation": Node(ZScore(spec.window), (changes["x"],))["std"],
            "legs_correlation": Node(RollingCorrelation(spec.window), (changes["x"], changes["y"]))["correlation"],
        }

    def units(self, ratio: float, row: Any, account: Account, spec: PairSpec) -> tuple[float, float] | None:
        """Units of y and x; None while a deviation is not known or is 0."""
        y, x = row.marks
        hedge, sy, sx = ratio, row.y_deviation, row.x_deviation
        if spec.price == "log":
            hedge = ratio * x / y
        variance = sy * sy + hedge * hedge * sx * sx - 2.0 * hedge * row.legs_correlation * sy * sx
        if not variance > 0.0:
            return None
        of_a_bar = math.sqrt(variance) if spec.price == "log" else math.sqrt(variance) / y
        of_a_year = of_a_bar * math.sqrt(YEAR_NS / spec.interval_ns)
        equity = max(account.equity(row.marks), 0.0)
        quantity = equity * min(self.share / of_a_year, self.most) / y
        return quantity, -ratio * quantity


def _require(name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0.0):
        raise ParameterError(f"{name} is {value!r}: give a finite number above 0")
