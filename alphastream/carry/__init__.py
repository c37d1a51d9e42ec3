"""What it costs to hold a pair, and at what prices it could be traded."""

from alphastream.carry.executable import Entry, Executable, Fit, executable, fit_of
from alphastream.carry.funding_watch import FundingWatch, Missed
from alphastream.carry.payments import WithoutMark, paid_between, payments_of_csv, recorded_funding
from alphastream.carry.position import (
    LegCarry,
    PairCarry,
    funded,
    hedged_units,
    leg_carry,
    liquidation_distance,
    liquidation_price,
    pair_carry,
)

__all__ = [
    "Entry",
    "Executable",
    "Fit",
    "FundingWatch",
    "LegCarry",
    "Missed",
    "PairCarry",
    "WithoutMark",
    "executable",
    "fit_of",
    "funded",
    "hedged_units",
    "leg_carry",
    "liquidation_distance",
    "liquidation_price",
    "paid_between",
    "pair_carry",
    "payments_of_csv",
    "recorded_funding",
]
