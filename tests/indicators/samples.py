"""One of each indicator for the conformance suite, and bars for them to walk over."""

from typing import Any, Final

import numpy as np

from alphastream.core.types import Floats
from alphastream.estimators import Fold
from alphastream.indicators import (
    ADX,
    ATR,
    CCI,
    EMA,
    MACD,
    MFI,
    OBV,
    ROC,
    RSI,
    SMA,
    VWAP,
    WMA,
    Aroon,
    BollingerBands,
    CloseToClose,
    CrossOver,
    CrossUnder,
    Donchian,
    Drawdown,
    GarmanKlass,
    Keltner,
    Lag,
    Momentum,
    Parkinson,
    Percentile,
    Rank,
    RollingMax,
    RollingMin,
    RollingStd,
    SessionVWAP,
    Stochastic,
    TrueRange,
    WilliamsR,
    YangZhang,
)

SAMPLES: Final[dict[str, Fold[Any]]] = {
    "SMA": SMA(window=7),
    "EMA": EMA(window=7),
    "WMA": WMA(window=7),
    "RSI": RSI(window=7),
    "MACD": MACD(fast=3, slow=7, signal=4),
    "BollingerBands": BollingerBands(window=7, deviations=1.5),
    "TrueRange": TrueRange(),
    "ATR": ATR(window=7),
    "ADX": ADX(window=5),
    "Stochastic": Stochastic(window=7, smooth=3, signal=2),
    "Stochastic, fast": Stochastic(window=5, smooth=1, signal=1),
    "WilliamsR": WilliamsR(window=7),
    "CCI": CCI(window=7),
    "MFI": MFI(window=7),
    "Aroon": Aroon(window=7),
    "ROC": ROC(window=3),
    "Momentum": Momentum(window=3),
    "Lag": Lag(rows=3),
    "CrossOver": CrossOver(),
    "CrossUnder": CrossUnder(),
    "Donchian": Donchian(window=7),
    "Keltner": Keltner(window=7, range_window=4),
    "Keltner, long range": Keltner(window=4, range_window=7),
    "OBV": OBV(),
    "VWAP": VWAP(window=7),
    "SessionVWAP": SessionVWAP(session_ns=600, begin_ns=60),
    "CloseToClose": CloseToClose(window=7, rows_per_unit=252.0),
    "Parkinson": Parkinson(window=7),
    "GarmanKlass": GarmanKlass(window=7),
    "YangZhang": YangZhang(window=7),
    "RollingMin": RollingMin(window=7),
    "RollingMax": RollingMax(window=7),
    "RollingStd": RollingStd(window=7),
    "Rank": Rank(window=7),
    "Percentile": Percentile(window=7, percent=30.0),
    "Drawdown": Drawdown(),
    "Drawdown, window": Drawdown(window=7),
}


def market(length: int, seed: int = 0, level: float = 100.0, move: float = 0.01) -> dict[str, Floats]:
    """Bars of one instrument that wander around a level in relative steps of about ``move``."""
    rng = np.random.default_rng(seed)
    path = level * (1.0 + move * np.cumsum(rng.normal(size=4 * length)) / np.sqrt(4 * length))
    four = path.reshape(length, 4)
    return {
        "open": four[:, 0].copy(),
        "high": four.max(axis=1),
        "low": four.min(axis=1),
        "close": four[:, 3].copy(),
        "volume": rng.integers(1, 1_000, length).astype(np.float64),
        "time_ns": 60.0 * np.arange(1, length + 1),
    }


def columns_of(indicator: Fold[Any], bars: dict[str, Floats]) -> list[Floats]:
    """The inputs an indicator names; ``value`` is the close, ``line`` the open."""
    other = {"value": "close", "line": "open"}
    return [bars[other.get(name, name)] for name in indicator.inputs]
