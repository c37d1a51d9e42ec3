"""What holding a pair costs or brings: funding of both legs, basis, and how far each leg is from liquidation."""

import math
from dataclasses import dataclass
from typing import Literal

from alphastream.core.units import DAY
from alphastream.errors import ParameterError
from alphastream.feeds.codec import Instrument
from alphastream.feeds.market import MarkPrice
from alphastream.graph import Price
from alphastream.instruments import InstrumentId
from alphastream.trading.broker.costs import funding_amount

Funded = Literal["pays", "none", "unknown"]


@dataclass(frozen=True, slots=True)
class LegCarry:
    """One leg of a held position. Amounts in quote units, received positive; NaN where that is not known.

    Parameters
    ----------
    units : of base, short negative.
    price : mark price; of a spot leg, and where no mark price is known, the last trade.
    funded : "pays" funding, "none" as spot and dated futures, "unknown".
    rate : expected at the next payment, share of the notional that longs pay.
    next_ns : time of that payment, 0 where it is not known.
    interval_ns : between payments, 0 where it is not known.
    payment : at the next payment, if rate and mark stay as they are.
    a_day : over a day, likewise.
    basis : mark over index less 1.
    why : what is not known, in a sentence; "" where all is.
    """

    instrument: InstrumentId
    units: float
    price: float
    funded: Funded
    rate: float = math.nan
    next_ns: int = 0
    interval_ns: int = 0
    payment: float = math.nan
    a_day: float = math.nan
    basis: float = math.nan
    why: str = ""


@dataclass(frozen=True, slots=True)
class PairCarry:
    """Both legs of a held pair, long y and short the hedge ratio of x, or turned round.

    Parameters
    ----------
    gross : units times price, of both legs, in quote units.
    a_day : what both legs receive in a day, in quote units; NaN where that of one is not known.
    """

    y: LegCarry
    x: LegCarry
    gross: float
    a_day: float

    @property
    def share_a_day(self) -> float:
        """``a_day`` over the gross notional."""
        return self.a_day / self.gross if self.gross > 0.0 else math.nan

    @property
    def why(self) -> str:
        """What is not known, in sentences."""
        return " ".join(leg.why for leg in (self.y, self.x) if leg.why)


def funded(rules: Instrument | None, mark: MarkPrice | None) -> Funded:
    """Return whether an instrument pays funding: by what the venue lists it as, else by its having a funding rate."""
    if rules is not None and rules.kind:
        return "pays" if rules.kind == "perpetual" else "none"
    says_so = mark is not None and (mark.next_funding_ns or not math.isnan(mark.funding_rate))
    return "pays" if says_so else "unknown"


def leg_carry(
    instrument: InstrumentId, units: float, last: float, rules: Instrument | None, mark: MarkPrice | None
) -> LegCarry:
    """Return the carry of so many units of an instrument.

    Parameters
    ----------
    last : price of the last trade, NaN where there was none.
    rules : what the venue lists, None where it lists nothing.
    mark : the newest mark price, None where there is none; a venue may tell funding first, and NaN as the mark.
    """
    kind = funded(rules, mark)
    price = last if mark is None or math.isnan(mark.mark) else mark.mark
    basis = math.nan if mark is None else mark.mark / mark.index - 1.0
    if kind == "none":
        return LegCarry(instrument, units, price, kind, payment=0.0, a_day=0.0, basis=basis)
    if kind == "unknown":
        why = f"{instrument}: the venue does not say whether it pays funding."
        return LegCarry(instrument, units, price, kind, basis=basis, why=why)
    if mark is None or math.isnan(mark.mark):
        return LegCarry(instrument, units, price, kind, why=f"{instrument}: no mark price has arrived yet.")
    payment = funding_amount(units, mark.mark, mark.funding_rate)
    a_day, why = math.nan, ""
    if math.isnan(mark.funding_rate):
        why = f"{instrument}: the funding rate has not arrived yet."
    elif not mark.interval_ns:
        why = f"{instrument}: it is not known how often funding is paid."
    else:
        a_day = payment * (DAY / mark.interval_ns)
    return LegCarry(
        instrument,
        units,
        price,
        kind,
        mark.funding_rate,
        mark.next_funding_ns,
        mark.interval_ns,
        payment,
        a_day,
        basis,
        why,
    )


def pair_carry(y: LegCarry, x: LegCarry) -> PairCarry:
    """Return the carry of two legs that are held together."""
    gross = abs(y.units) * y.price + abs(x.units) * x.price
    return PairCarry(y, x, gross, y.a_day + x.a_day)


def hedged_units(notional: float, y: float, x: float, hedge_ratio: float, price: Price) -> tuple[float, float]:
    """Return units of y and x of a position long the spread whose y leg is worth ``notional``.

    The hedge ratio is units of x against one of y, or, of log prices, notional of x against notional of y.

    Parameters
    ----------
    notional : of leg y, in quote units; negative for a position short the spread.
    y, x : prices.
    """
    units = notional / y
    return units, -hedge_ratio * (notional / x if price == "log" else units)


def liquidation_price(entry: float, side: Literal[1, -1], leverage: float, maintenance: float) -> float:
    """Price at which a leg with a margin of its own is closed; 0 where none would close it.

    Isolated margin: beside the position stands what was put in when it was opened, entry / leverage a unit, and
    nothing else. It is closed where that and the gain or loss are worth the maintenance margin, a share of the
    notional at that price::

        entry / leverage + side · (price − entry) = maintenance · price

    Fees, funding since the opening and the maintenance amount of higher tiers are left out.

    Parameters
    ----------
    entry : price of the opening.
    leverage : notional over margin at the opening, above 0.
    maintenance : margin rate of the first tier, a share of the notional, 0 or more and under 1.

    Raises
    ------
    ParameterError : one of them is out of its range, or the leg would be closed as soon as it is opened.

    Source: Binance, "How to Calculate Liquidation Price of USDⓈ-M Futures Contracts": (WB + cum − side · size · entry)
    / (size · MMR − side · size), with WB the isolated wallet balance and cum 0 in the first tier.
    """
    if not (math.isfinite(entry) and entry > 0.0):
        raise ParameterError(f"entry is {entry!r}: give a price above 0")
    if not (math.isfinite(leverage) and leverage > 0.0):
        raise ParameterError(f"leverage is {leverage!r}: give a finite number above 0")
    if not 0.0 <= maintenance < min(1.0, 1.0 / leverage):
        raise ParameterError(
            f"a maintenance margin of {maintenance:g} with a leverage of {leverage:g}: what is opened would be closed "
            f"at once; give 0 or more, and less than {min(1.0, 1.0 / leverage):g}"
        )
    price = (entry / leverage - side * entry) / (maintenance - side)
    return max(price, 0.0)


def liquidation_distance(mark: float, entry: float, side: Literal[1, -1], leverage: float, maintenance: float) -> float:
    """Share by which the mark price may move against a leg before it is closed; 0 or less where it is by now."""
    return side * (1.0 - liquidation_price(entry, side, leverage, maintenance) / mark)
