"""What each leg of a run earned, and returns on what was held."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from alphastream.backtest.result import RunResult
from alphastream.core.types import Floats


@dataclass(frozen=True, slots=True, eq=False)
class LegPnl:
    """Profit and loss of N legs in the quote currency; fields have shape (N,).

    Parameters
    ----------
    gross : of prices alone, at the trades that orders met; ``net`` is that less all costs, funding included.
    fees, spread_costs, impact_costs : costs, positive; ``funding`` is what was received.
    total : capital gained by the run: the exact sum of ``net``, rounded once.
    """

    symbols: tuple[str, ...]
    gross: Floats
    fees: Floats
    spread_costs: Floats
    impact_costs: Floats
    funding: Floats
    net: Floats
    total: float


def pnl_by_leg(result: RunResult) -> LegPnl:
    """Profit and loss of each leg, open positions at the last marks.

    Sums are of rational numbers, so that nothing is lost between them: each number is rounded once. Where an account
    ended below 0 the total is what was lost before that bound.

    Parameters
    ----------
    result : of any number of symbols.
    """
    place = {symbol: leg for leg, symbol in enumerate(result.symbols)}
    names = ("gross", "fees", "spread", "impact", "funding")
    sums = {name: [Fraction(0)] * len(place) for name in names}
    net = [Fraction(0)] * len(place)
    for fill in result.fills:
        leg, units = place[fill.symbol], Fraction(fill.quantity)
        sums["fees"][leg] += Fraction(fill.fee)
        sums["spread"][leg] += Fraction(fill.spread_cost)
        sums["impact"][leg] += Fraction(fill.impact_cost)
        net[leg] -= units * Fraction(fill.price) + Fraction(fill.fee)
    for payment in result.funding:
        sums["funding"][place[payment.symbol]] += Fraction(payment.amount)
        net[place[payment.symbol]] += Fraction(payment.amount)
    for leg, units in enumerate(result.positions[-1].tolist()):
        if units:  # a symbol that is not held needs no price
            net[leg] += Fraction(units) * Fraction(result.marks[-1, leg].item())
        costs = sums["fees"][leg] + sums["spread"][leg] + sums["impact"][leg]
        sums["gross"][leg] = net[leg] + costs - sums["funding"][leg]

    def rounded(numbers: list[Fraction]) -> Floats:
        return np.array([float(each) for each in numbers])

    return LegPnl(
        symbols=result.symbols,
        gross=rounded(sums["gross"]),
        fees=rounded(sums["fees"]),
        spread_costs=rounded(sums["spread"]),
        impact_costs=rounded(sums["impact"]),
        funding=rounded(sums["funding"]),
        net=rounded(net),
        total=float(sum(net)),
    )


def returns_on_gross(result: RunResult) -> Floats:
    """Change of equity of each row over the gross value of the positions held at the end of the row before, (T,).

    0 on the first row, and where nothing was held. The convention of E. P. Chan ("Algorithmic Trading", 2013) for
    spreads that borrow what they need.
    """
    gross = np.abs(np.where(result.positions != 0.0, result.positions * result.marks, 0.0)).sum(axis=1)
    found = np.zeros(len(result))
    np.divide(np.diff(result.equity), gross[:-1], out=found[1:], where=gross[:-1] > 0.0)
    return found
