"""What an account must have to hold positions: a limit of leverage, maintenance margin, liquidation.

Cross margin, as a venue for perpetuals keeps it: the whole equity stands behind all positions.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from alphastream.errors import ParameterError


@dataclass(frozen=True, slots=True)
class Margin:
    """What a venue asks for.

    The defaults are those of USDS-M futures at Binance: accounts younger than 60 days open at most at 20 times their
    equity, the first tier's maintenance margin is 0.4 % for BTCUSDT and about 1 % for smaller symbols, and BTCUSDT's
    ``liquidationFee`` in ``/fapi/v1/exchangeInfo`` is 1.25 %. Higher tiers, which ask more of positions of millions,
    are left out.

    Parameters
    ----------
    max_leverage : most that an order may make of the gross notional, over the equity at the prices of the decision.
    maintenance : equity below which everything is closed, as a fraction of the gross notional.
    liquidation_fee_bps : of what is closed then, beside the taker's fee.
    """

    max_leverage: float = 20.0
    maintenance: float = 0.01
    liquidation_fee_bps: float = 125.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.max_leverage) and self.max_leverage > 0.0):
            raise ParameterError(f"max_leverage is {self.max_leverage!r}: give a finite number above 0")
        if not 0.0 <= self.maintenance * self.max_leverage < 1.0:
            raise ParameterError(
                f"a maintenance margin of {self.maintenance:g} with a leverage of {self.max_leverage:g}: what is "
                f"opened at the limit would be closed at once; give 0 or more, and less than "
                f"{1.0 / self.max_leverage:g}"
            )
        if not (math.isfinite(self.liquidation_fee_bps) and self.liquidation_fee_bps >= 0.0):
            raise ParameterError(
                f"liquidation_fee_bps is {self.liquidation_fee_bps!r}: give a finite number of 0 or more"
            )

    def excess(self, cash: float, positions: Sequence[float], marks: Sequence[float]) -> float:
        """Equity less the maintenance margin, in the quote currency; at 0 and below everything is closed."""
        worth = gross = 0.0
        for held, mark in zip(positions, marks, strict=True):
            if held:
                worth += held * mark
                gross += abs(held * mark)
        return cash + worth - self.maintenance * gross

    def refusal(self, equity: float, held: float, asked: float) -> str | None:
        """Why an order is beyond the limit, None where it is not; what makes the gross notional smaller never is.

        Parameters
        ----------
        equity : in the quote currency.
        held, asked : gross notional now, and after the order.
        """
        if asked <= held or asked <= self.max_leverage * equity:
            return None
        times = f", {asked / equity:,.4g} times it" if equity > 0.0 else ""
        return (
            f"{LEVERAGE}: a gross notional of {asked:,.2f} on an equity of {equity:,.2f}{times}; "
            f"the limit is {self.max_leverage:g} times, {max(self.max_leverage * equity, 0.0):,.2f}"
        )

    def liquidation_prices(
        self, cash: float, positions: Sequence[float], marks: Sequence[float]
    ) -> tuple[float | None, ...]:
        """Price of each symbol at which everything would be closed while the others stay where they are.

        None for a symbol that is not held, or that cannot bring it about alone. With one symbol this is the formula
        that Binance gives for cross margin, (wallet balance − side·position·entry) / (position·rate −
        side·position).
        """
        excess = self.excess(cash, positions, marks)
        prices: list[float | None] = []
        for held, mark in zip(positions, marks, strict=True):
            price = mark - excess / (held - self.maintenance * abs(held)) if held else math.nan
            prices.append(price if 0.0 < price < math.inf else None)
        return tuple(prices)


LEVERAGE = "beyond the leverage limit"
LIQUIDATED = "liquidated"


class Ended(msgspec.Struct, frozen=True):
    """How an account came to its end.

    Parameters
    ----------
    time_ns : end of the row at whose prices it did.
    equity, maintenance : in the quote currency, before anything was closed.
    symbols, prices : what was held, and the price at which each alone would have brought it about, the others at
        their prices of this row; None for one that could not. Both empty where nothing was held any more.
    """

    time_ns: int
    equity: float
    maintenance: float
    symbols: tuple[str, ...] = ()
    prices: tuple[float | None, ...] = ()

    @property
    def is_liquidation(self) -> bool:
        """Whether positions were closed; otherwise nothing was left after they had been."""
        return bool(self.symbols)

    @property
    def reason(self) -> str:
        """In a sentence, with the numbers."""
        if not self.is_liquidation:
            return f"ruined: an equity of {self.equity:,.2f}, nothing to trade with"
        at = ", ".join(
            f"{symbol} at {price:,.6g}" for symbol, price in zip(self.symbols, self.prices, strict=True) if price
        )
        return (
            f"{LIQUIDATED}: equity {self.equity:,.2f}, maintenance margin {self.maintenance:,.2f}"
            f"{f'; liquidation price, each leg alone: {at}' if at else ''}"
        )


def ended_at(
    margin: Margin,
    time_ns: int,
    symbols: Sequence[str],
    cash: float,
    positions: Sequence[float],
    marks: Sequence[float],
) -> Ended:
    """The end of an account whose margin does not do any more, at the prices of a row."""
    prices = margin.liquidation_prices(cash, positions, marks)
    held = [leg for leg, units in enumerate(positions) if units]
    return Ended(
        time_ns,
        cash + sum(positions[leg] * marks[leg] for leg in held),
        margin.maintenance * sum(abs(positions[leg]) * marks[leg] for leg in held),
        tuple(symbols[leg] for leg in held),
        tuple(prices[leg] for leg in held),
    )
