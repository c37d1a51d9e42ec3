"""Where the profit went: gross, and what each kind of cost took of it."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from alphastream.performance.inputs import Fill, Payment, column, mark, times
from alphastream.performance.metrics import rows_per_year

DUST = 1e-12
"""A position below this part of the units traded is the rounding of sums, not a position."""


@dataclass(frozen=True, slots=True)
class CostSplit:
    """Profit and its parts, in the quote currency; costs positive, a rebate negative.

    Parameters
    ----------
    gross : what the same trades would have made at the prices of the market, free of charge.
    fees : what the venue took.
    spread, impact : what half the spread and the order's own push took.
    funding : what positions received, or (negative) paid.
    """

    gross: float
    fees: float
    spread: float
    impact: float
    funding: float

    @property
    def costs(self) -> float:
        """Fees, spread and impact."""
        return self.fees + self.spread + self.impact

    @property
    def net(self) -> float:
        """gross − fees − spread − impact + funding: what the account gained."""
        return self.gross - self.costs + self.funding


@dataclass(frozen=True, slots=True)
class Turnover:
    """How much was traded.

    Parameters
    ----------
    traded : sum of |quantity| · trade_price over all fills, in the quote currency.
    ratio : ``traded`` over the mean equity; NaN where that is not above 0.
    per_year : ``ratio`` at this pace over 365.25 days; NaN with fewer than two rows.
    """

    traded: float
    ratio: float
    per_year: float


def split_costs(fills: Iterable[Fill], funding: Iterable[Payment], marks_at_end: Mapping[str, float]) -> CostSplit:
    """Split the profit of these fills; what they leave open is worth its mark.

    Parameters
    ----------
    marks_at_end : last price of each symbol; those without an open position may be missing.
    """
    fills = tuple(fills)
    worth = (rest * mark(marks_at_end, symbol) for symbol, rest in left_open(fills).items())
    return CostSplit(
        gross=math.fsum([*(-fill.quantity * fill.trade_price for fill in fills), *worth]),
        fees=math.fsum(fill.fee for fill in fills),
        spread=math.fsum(fill.spread_cost for fill in fills),
        impact=math.fsum(fill.impact_cost for fill in fills),
        funding=math.fsum(payment.amount for payment in funding),
    )


def left_open(fills: Iterable[Fill]) -> dict[str, float]:
    """Units of each symbol that the fills leave open, those with none left out."""
    units: defaultdict[str, list[float]] = defaultdict(list)
    for fill in fills:
        units[fill.symbol].append(fill.quantity)
    left = {symbol: (math.fsum(its), math.fsum(map(abs, its))) for symbol, its in units.items()}
    return {symbol: rest for symbol, (rest, moved) in left.items() if abs(rest) > DUST * moved}


def traded_notional(fills: Iterable[Fill]) -> float:
    """Sum of |quantity| · trade_price, the notional that rates of costs are taken of."""
    return math.fsum(abs(fill.quantity) * fill.trade_price for fill in fills)


def break_even_cost_bps(split: CostSplit, traded: float) -> float:
    """Fees, spread and impact together, in bps of each traded notional, at which the profit is 0.

    Profit before these costs, funding included, over the traded notional; negative if even free trading would lose,
    NaN without a trade.
    """
    return (split.gross + split.funding) / traded * 1e4 if traded > 0.0 else math.nan


def turnover(fills: Iterable[Fill], time_ns: ArrayLike, equity: ArrayLike) -> Turnover:
    """What was traded, over the mean equity, and how often a year."""
    when = times(time_ns)
    mean = float(np.mean(column("equity", equity, rows=when.size)))
    traded = traded_notional(fills)
    ratio = traded / mean if mean > 0.0 else math.nan
    years = (when.size - 1) / rows_per_year(when) if when.size > 1 else math.nan
    return Turnover(traded, ratio, ratio / years)
