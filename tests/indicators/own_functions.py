"""Functions as a user would write them, in a module of their own: what pickles and what other processes find."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from alphastream.core.types import Floats

FACTOR = 2.0


def scaled(value: Floats) -> Floats:
    return FACTOR * value


def window_mean(value: Floats, window: int = 5) -> Floats:
    means = sliding_window_view(value, window).mean(axis=1)
    return np.concatenate((np.full(window - 1, np.nan), scaled(means)))


def pandas_zscore(value: Floats, window: int = 5) -> "pd.Series[float]":
    series = pd.Series(value)
    rolling = series.rolling(window)
    return (series - rolling.mean()) / rolling.std()


def price_and_volume(close: Floats, volume: Floats, window: int = 5) -> dict[str, Floats]:
    amount = pd.Series(close * volume).rolling(window).sum()
    total = pd.Series(volume).rolling(window).sum()
    return {"vwap": (amount / total).to_numpy(), "total": total.to_numpy()}


@dataclass(frozen=True)
class Band:
    upper: Floats
    lower: Floats


def band(close: Floats, share: float = 0.01) -> Band:
    return Band(close * (1.0 + share), close * (1.0 - share))


def both(close: Floats) -> tuple[Floats, Floats]:
    return close + 1.0, close - 1.0


def carried_mean(value: Floats, state: tuple[float, int] = (0.0, 0), cap: int = 50) -> tuple[Floats, tuple[float, int]]:
    mean, count = state
    out = np.empty_like(value)
    for place in range(value.size):
        count = min(count + 1, cap)
        mean += (value[place] - mean) / count
        out[place] = mean
    return out, (mean, count)
