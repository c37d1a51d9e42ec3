"""What it costs to buy at one venue and sell at another: fees, funding, and what comes after. All of it assumed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from alphastream.arbitrage.alignment import Alignment
from alphastream.core.types import Floats
from alphastream.core.validation import require_number
from alphastream.instruments import split

FEES_AS_OF: Final = "2026-01"
"""When the fees below were looked up."""

TAKER_BPS: Final[dict[tuple[str, bool], float]] = {
    ("binance-usdm", True): 5.0,
    ("binance-spot", False): 10.0,
    ("binance-us", False): 10.0,
    ("coinbase", False): 60.0,
    ("kraken", False): 40.0,
    ("okx", False): 10.0,
    ("okx", True): 5.0,
    ("bybit-spot", False): 10.0,
    ("bybit-linear", True): 5.5,
}
"""Taker fees by venue and whether it is a perpetual, bps of the value traded: published ones without any discount."""

OTHER_TAKER_BPS: Final = 10.0
"""Of a venue that is not listed."""


def default_taker_bps(venue: str, *, is_perpetual: bool) -> float:
    """Return the published taker fee of a venue, bps."""
    return TAKER_BPS.get((venue, is_perpetual), OTHER_TAKER_BPS)


@dataclass(frozen=True, slots=True)
class Leg:
    """One instrument of an asset.

    Parameters
    ----------
    instrument : ``venue:symbol``.
    taker_bps : fee of an order that takes what is quoted, bps of its value.
    alignment : where its stamps lie.
    funding_bps : what longs pay shorts in 8 hours, bps; None where it is no perpetual.
    prices : "quotes", or "trades" where quotes were made of trades and a stated half spread.
    """

    instrument: str
    taker_bps: float
    alignment: Alignment
    funding_bps: float | None = None
    prices: str = "quotes"

    def __post_init__(self) -> None:
        require_number("taker_bps", self.taker_bps, minimum=-100.0)
        if self.funding_bps is not None:
            require_number("funding_bps", self.funding_bps, minimum=-1e4)

    @property
    def venue(self) -> str:
        """Where it trades."""
        return split(self.instrument)[0]


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What is done after both orders are filled.

    Without a perpetual among them, the balances are moved back between the venues. With one, both are held for a time,
    during which funding is paid, and then closed by orders that take again: the fees are paid a second time, and the
    prices are assumed to have met by then.

    Parameters
    ----------
    transfer_bps : of moving the balances back, bps of the value.
    holding_h : hours until a position with a perpetual is closed.
    """

    transfer_bps: float = 5.0
    holding_h: float = 8.0

    def __post_init__(self) -> None:
        require_number("transfer_bps", self.transfer_bps, minimum=0.0)
        require_number("holding_h", self.holding_h, minimum=0.0)


def cost_factors(legs: Sequence[Leg], assumptions: Assumptions) -> Floats:
    """Return what a unit bought on one leg and sold on another costs.

    Returns
    -------
    Shape (2, V, V), for leg a that buys and leg b that sells: with f of [0, a, b] and g of [1, a, b], a unit bought at
    p and sold at q leaves q·(1 − g) − p·(1 + f) in units of quote.
    """
    factors = np.zeros((2, len(legs), len(legs)))
    for a, buys in enumerate(legs):
        for b, sells in enumerate(legs):
            held = buys.funding_bps is not None or sells.funding_bps is not None
            times = 2.0 if held else 1.0
            after = assumptions.transfer_bps
            if held:
                after = ((buys.funding_bps or 0.0) - (sells.funding_bps or 0.0)) * assumptions.holding_h / 8.0
            factors[0, a, b] = (times * buys.taker_bps + after) / 1e4
            factors[1, a, b] = times * sells.taker_bps / 1e4
    return factors
