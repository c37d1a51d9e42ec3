"""Which symbol the profit came from: of a pair its legs, of a basket its members."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.performance.costs import CostSplit, split_costs
from alphastream.performance.inputs import Fill, times

T = TypeVar("T")


class SymbolPayment(Protocol):
    """Funding of a symbol: ``trading.FundingPayment`` or alike; ``amount`` is negative where it was paid."""

    @property
    def time_ns(self) -> int: ...
    @property
    def symbol(self) -> str: ...
    @property
    def amount(self) -> float: ...
    @property
    def round_trip(self) -> int: ...


@dataclass(frozen=True, slots=True, eq=False)
class ProfitOverTime:
    """Profit of N symbols up to the end of each row, (T, N) each, in the quote currency.

    Parameters
    ----------
    net : after costs and funding; ``gross`` is that and the costs, less the funding.
    costs : fees, half spreads and impact so far, positive.
    funding : received so far, negative where it was paid.
    """

    net: Floats
    costs: Floats
    funding: Floats

    @property
    def gross(self) -> Floats:
        """Of prices alone, at the trades that orders met."""
        return self.net + self.costs - self.funding


def split_by_symbol(
    symbols: Sequence[str],
    fills: Iterable[Fill],
    funding: Iterable[SymbolPayment],
    marks_at_end: Mapping[str, float],
) -> dict[str, CostSplit]:
    """Profit and costs of each symbol; what is left open is worth its mark.

    Each fill and payment belongs to one symbol, so every part summed over the symbols is that of ``split_costs``, up to
    the rounding of the last digit.

    Parameters
    ----------
    symbols : all of the run, also those that never traded.

    Raises
    ------
    ParameterError : a fill or a payment of another symbol.
    """
    traded: dict[str, list[Fill]] = {symbol: [] for symbol in symbols}
    paid: dict[str, list[SymbolPayment]] = {symbol: [] for symbol in symbols}
    for fill in fills:
        _of(traded, fill.symbol).append(fill)
    for payment in funding:
        _of(paid, payment.symbol).append(payment)
    return {symbol: split_costs(traded[symbol], paid[symbol], marks_at_end) for symbol in symbols}


def profit_by_symbol(
    time_ns: ArrayLike,
    symbols: Sequence[str],
    positions: ArrayLike,
    marks: ArrayLike,
    fills: Iterable[Fill],
    funding: Iterable[SymbolPayment],
) -> Floats:
    """Profit of each symbol up to the end of each row, (T, N), after costs and funding: ``profit_over_time(…).net``."""
    return profit_over_time(time_ns, symbols, positions, marks, fills, funding).net


def profit_over_time(
    time_ns: ArrayLike,
    symbols: Sequence[str],
    positions: ArrayLike,
    marks: ArrayLike,
    fills: Iterable[Fill],
    funding: Iterable[SymbolPayment],
) -> ProfitOverTime:
    """Profit of each symbol up to the end of each row, and what of it costs and funding took.

    Net is what it brought in cash (−quantity · price − fee of its fills, and its funding) and what it is worth at its
    mark. The sum over the symbols is equity − capital, except where an account lost more than it had.

    Parameters
    ----------
    time_ns : (T,) ends of the rows; what happens by the end of a row belongs to it, and what happens after the last to
        the last.
    positions, marks : (T, N), units held and prices; NaN is allowed where nothing is held.
    """
    when = times(time_ns)
    held, prices = np.asarray(positions, dtype=np.float64), np.asarray(marks, dtype=np.float64)
    if held.shape != (when.size, len(symbols)) or prices.shape != held.shape:
        raise ParameterError(
            f"positions {held.shape} and marks {prices.shape} of {when.size} rows and {len(symbols)} symbols: "
            "give (T, N) of both"
        )
    column = {symbol: place for place, symbol in enumerate(symbols)}

    def summed(moved: Sequence[tuple[int, str, float]]) -> Floats:
        found = np.zeros(held.shape)
        if moved:
            rows = np.searchsorted(when, np.array([at for at, _, _ in moved], dtype=np.int64))
            columns = np.array([_of(column, symbol) for _, symbol, _ in moved], dtype=np.int64)
            np.add.at(found, (np.minimum(rows, when.size - 1), columns), [amount for _, _, amount in moved])
        return np.cumsum(found, axis=0)

    fills, funding = tuple(fills), tuple(funding)
    paid = summed([(each.time_ns, each.symbol, each.amount) for each in funding])
    cash = summed([(each.time_ns, each.symbol, -each.quantity * each.price - each.fee) for each in fills])
    costs = summed([(each.time_ns, each.symbol, each.fee + each.spread_cost + each.impact_cost) for each in fills])
    worth: Floats = np.where(held != 0.0, held * prices, 0.0)
    return ProfitOverTime(net=cash + paid + worth, costs=costs, funding=paid)


def _of(found: Mapping[str, T], symbol: str) -> T:
    if symbol not in found:
        raise ParameterError(f"{symbol} was traded and is none of {', '.join(found)}: give all symbols of the run")
    return found[symbol]
