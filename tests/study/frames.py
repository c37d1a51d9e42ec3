"""Frames that the tests of this room share."""

import numpy as np
import pandas as pd


def walk(seed: int, rows: int = 400, step: float = 0.01, freq: str = "h") -> pd.DataFrame:
    """Bars of a walk without drift."""
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, step, rows)))
    opens = np.append(100.0, close[:-1]) * np.exp(rng.normal(0.0, step / 5, rows))
    high = np.maximum(opens, close) * (1.0 + rng.uniform(0.0, step, rows))
    low = np.minimum(opens, close) * (1.0 - rng.uniform(0.0, step, rows))
    return pd.DataFrame(
        {
            "time": pd.date_range("2024-01-01", periods=rows, freq=freq, tz="UTC"),
            "open": opens,
            "high": high,
            "low": low,
            "close": close,
            "volume": rng.uniform(1.0, 9.0, rows),
        }
    )
