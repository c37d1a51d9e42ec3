"""Panels of prices with a known make-up."""

import numpy as np
import pandas as pd

from alphastream.core.types import Floats


def walks(seed: int, rows: int, symbols: int) -> Floats:
    """(rows, symbols) independent random walks."""
    return np.cumsum(np.random.default_rng(seed).normal(size=(rows, symbols)), axis=0)


def mixed(seed: int = 1, rows: int = 300) -> pd.DataFrame:
    """Two cointegrated groups of three and four walks, as prices on a DatetimeIndex."""
    rng = np.random.default_rng(seed)
    free = walks(seed + 1, rows, 6) / 100.0
    columns = {f"WALK{i}": free[:, 2 + i] for i in range(4)}
    for group in range(2):
        for member, ratio in enumerate((1.0, 0.6, 1.7)):
            noise = np.zeros(rows)
            for row in range(1, rows):
                noise[row] = 0.5 * noise[row - 1] + rng.normal() / 100.0
            columns[f"GROUP{group}{member}"] = 3.0 + ratio * free[:, group] + noise
    index = pd.date_range("2026-01-01", periods=rows, freq="h", tz="UTC")
    return pd.DataFrame(np.exp(pd.DataFrame(columns).to_numpy()), index=index, columns=list(columns))


def frame(levels: Floats) -> pd.DataFrame:
    """Columns S0, S1, …"""
    return pd.DataFrame(levels).add_prefix("S")
