"""Baskets: spreads of three to ten legs, and what is computed about one."""

from alphastream.baskets.basket import (
    BasketAnalytics,
    BasketEvidence,
    BasketSpec,
    analyse_basket,
    basket_columns,
    basket_series,
    evidence,
    leg_series,
    value_series,
)

__all__ = [
    "BasketAnalytics",
    "BasketEvidence",
    "BasketSpec",
    "analyse_basket",
    "basket_columns",
    "basket_series",
    "evidence",
    "leg_series",
    "value_series",
]
