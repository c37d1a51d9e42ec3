"""Baskets: spreads of three to ten legs, what is computed about one, and how a universe is searched for them."""

from alphastream.baskets.basket import (
    BasketAnalytics,
    BasketEvidence,
    BasketSpec,
    analyse_basket,
    basket_series,
    evidence,
    leg_series,
    value_series,
)
from alphastream.baskets.scan import BasketScanSummary, scan_baskets, summarise_baskets

__all__ = [
    "BasketAnalytics",
    "BasketEvidence",
    "BasketScanSummary",
    "BasketSpec",
    "analyse_basket",
    "basket_series",
    "evidence",
    "leg_series",
    "scan_baskets",
    "summarise_baskets",
    "value_series",
]
