"""Microstructure: order flow, price impact, trade sizes, volume by price, and what a book offers."""

import numpy as np

from alphastream.microstructure.depth_map import DepthMap, depth_map
from alphastream.microstructure.liquidity import (
    DEPTHS_BPS,
    Depth,
    Resilience,
    book_imbalance,
    depth,
    effective_spread_bps,
    mid,
    newest_before,
    quoted_spread_bps,
    reach_bps,
    resilience,
)
from alphastream.microstructure.order_flow import CumulativeDelta, DeltaRows, FlowImbalance, ImbalanceRows
from alphastream.microstructure.price_impact import LEAST_ROWS, ImpactResult, ImpactRows, KyleLambda, kyle_lambda
from alphastream.microstructure.prints import LargePrints, TradeSizes, large_prints, trade_sizes
from alphastream.microstructure.volume_profile import VolumeProfile, nice_step, volume_profile
from alphastream.microstructure.vpin import CAVEATS, VPIN, VpinRows

__all__ = [
    "CAVEATS",
    "DEPTHS_BPS",
    "LEAST_ROWS",
    "VPIN",
    "CumulativeDelta",
    "DeltaRows",
    "Depth",
    "DepthMap",
    "FlowImbalance",
    "ImbalanceRows",
    "ImpactResult",
    "ImpactRows",
    "KyleLambda",
    "LargePrints",
    "Resilience",
    "TradeSizes",
    "VolumeProfile",
    "VpinRows",
    "book_imbalance",
    "depth",
    "depth_map",
    "effective_spread_bps",
    "kyle_lambda",
    "large_prints",
    "mid",
    "newest_before",
    "nice_step",
    "quoted_spread_bps",
    "reach_bps",
    "resilience",
    "trade_sizes",
    "volume_profile",
    "warm_up",
]


def warm_up() -> None:
    """Compile the kernels, or load them from numba's cache."""
    one = np.ones(2)
    for estimator in (CumulativeDelta(), FlowImbalance(window=2), VPIN(bucket=1.0), KyleLambda(window=LEAST_ROWS)):
        estimator.run(one, one)
