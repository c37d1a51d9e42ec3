"""One of each indicator for the conformance suite, and bars for them to walk over."""

from typing import Any, Final

import numpy as np

from alphastream.core.types import Floats
from alphastream.estimators import Fold
from alphastream.indicators import ATR, EMA, MACD, RSI, SMA, WMA, BollingerBands, TrueRange

SAMPLES: Final[dict[str, Fold[Any]]] = {
    "SMA": SMA(window=7),
    "EMA": EMA(window=7),
    "WMA": WMA(window=7),
    "RSI": RSI(window=7),
    "MACD": MACD(fast=3, slow=7, signal=4),
    "BollingerBands": BollingerBands(window=7, deviations=1.5),
    "TrueRange": TrueRange(),
    "ATR": ATR(window=7),
}


def market(length: int, seed: int = 0, level: float = 100.0, move: float = 0.01) -> dict[str, Floats]:
    """Bars of one instrument that wander around a level in relative steps of about ``move``."""
    rng = np.random.default_rng(seed)
    path = level * (1.0 + move * np.cumsum(rng.normal(size=4 * length)) / np.sqrt(length))
    four = path.reshape(length, 4)
    return {
        "open": four[:, 0].copy(),
        "high": four.max(axis=1),
        "low": four.min(axis=1),
        "close": four[:, 3].copy(),
        "volume": rng.integers(1, 1_000, length).astype(np.float64),
        "time_ns": 1e9 * (1_767_225_600.0 + 60.0 * np.arange(1, length + 1)),
    }


def columns_of(indicator: Fold[Any], bars: dict[str, Floats]) -> list[Floats]:
    """The inputs an indicator names; ``value`` is the close."""
    return [bars["close" if name == "value" else name] for name in indicator.inputs]
