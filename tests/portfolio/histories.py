"""Seeded histories: prices of correlated assets and signals, with what goes wrong in real ones."""

import numpy as np

from alphastream.core.types import Floats

KINDS = (
    "clean",
    "nulls",
    "late start",
    "dropout",
    "all missing",
    "zero signals",
    "missing signals",
    "collinear",
    "flat start",
    "flat stretch",
    "large prices",
)


def history(kind: str, assets: int, rows: int = 110, seed: int = 0) -> tuple[Floats, Floats]:
    """Return prices and signals, (T, N)."""
    rng = np.random.default_rng([seed, assets, KINDS.index(kind)])
    common = rng.normal(0.0, 0.01, (rows, 1)) * rng.uniform(0.3, 1.2, assets)
    prices = 100.0 * np.exp(np.cumsum(common + rng.normal(0.0, 0.01, (rows, assets)), axis=0))
    signals = rng.normal(size=(rows, assets))
    half, third = rows // 2, rows // 3
    if kind == "nulls":
        prices[rng.random(prices.shape) < 0.05] = np.nan
    elif kind == "late start":
        prices[:third, 0] = np.nan
    elif kind == "dropout":
        prices[half : half + 9, 0] = np.nan
    elif kind == "all missing":
        prices[half : half + 2] = np.nan
    elif kind == "zero signals":
        signals[half : half + 4] = 0.0
    elif kind == "missing signals":
        signals[rng.random(signals.shape) < 0.1] = np.nan
    elif kind == "collinear" and assets > 1:
        prices[:, 1] = 2.0 * prices[:, 0]
    elif kind == "flat start":
        prices[:third, 0] = 100.0
    elif kind == "flat stretch":
        prices[half : half + 12, 0] = prices[half, 0]
    elif kind == "large prices":
        prices *= 1e3
    return prices, signals
