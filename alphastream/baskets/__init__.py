"""Baskets: spreads of three to ten legs, what is computed about one, and how a universe is searched for them."""

from alphastream.baskets.scan import BasketScanSummary, scan_baskets, summarise_baskets

__all__ = ["BasketScanSummary", "scan_baskets", "summarise_baskets"]
