"""How much to hold for a strength: sizers of ``PulseStrategy`` that look at the whole account."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from alphastream.bar_rows import BarsSpec, column_of
from alphastream.errors import ParameterError
from alphastream.graph import Node, Series
from alphastream.indicators import ATR
from alphastream.strategies.pulse import Portfolio


@dataclass(frozen=True, slots=True)
class EquityShare:
    """A share of the equity for a strength of 1; of several symbols the same of each.

    Parameters
    ----------
    share : 1 holds as much as there is, 0.5 half of it; above 1 with leverage.
    """

    share: float = 1.0

    def __post_init__(self) -> None:
        _require("share", self.share)

    def __call__(self, strength: float, portfolio: Portfolio) -> list[float]:
        """Value of each symbol, in the quote currency."""
        return [strength * self.share * max(portfolio.equity, 0.0)] * len(portfolio.symbols)


@dataclass(frozen=True, slots=True)
class AtrRisk:
    """A size at which a move of some average true ranges costs a share of the equity, for a strength of 1.

    value = strength · share · equity · price / (ranges · ATR). Of the one symbol that is traded.

    Parameters
    ----------
    share : of the equity, 0.01 for 1 %.
    ranges : average true ranges that the move is long.
    window : bars of the average, see ``ATR``.
    max_leverage : largest value as a multiple of the equity, however small the range.

    Source: Wilder, J. W. (1978), New Concepts in Technical Trading Systems, for the range; the rule is that of "units"
    in Faith, C. M. (2007), Way of the Turtle.
    """

    share: float = 0.01
    ranges: float = 2.0
    window: int = 14
    max_leverage: float = 2.0

    def __post_init__(self) -> None:
        for name in ("share", "ranges", "max_leverage"):
            _require(name, getattr(self, name))
        ATR(self.window)  # complains about the window

    def series(self, spec: BarsSpec, symbols: tuple[str, ...]) -> Mapping[str, Series]:
        """The average true range of the symbol."""
        if len(symbols) != 1:
            raise ParameterError(f"AtrRisk sizes one symbol, these are {', '.join(symbols)}: give a function for more")
        columns = (column_of(spec.symbols, symbols[0], name) for name in ("high", "low", "close"))
        return {"atr": Node(ATR(self.window), tuple(spec.source[column] for column in columns))["atr"]}

    def __call__(self, strength: float, portfolio: Portfolio) -> float:
        """Value in the quote currency; NaN while nothing moves."""
        move = self.ranges * portfolio["atr"] / portfolio.price
        if not move > 0.0:
            return math.nan
        return strength * max(portfolio.equity, 0.0) * min(self.share / move, self.max_leverage)


def _require(name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0.0):
        raise ParameterError(f"{name} is {value!r}: give a finite number above 0")
