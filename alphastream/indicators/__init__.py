"""Indicators of technical analysis, as folds: averages, oscillators, bands, ranges, and functions of one's own.

The folds are listed in ``INDICATORS``. Each passes over rows in which an input is NaN or inf, and is NaN until it is
defined; where TA-Lib has it, its values after the warm-up are TA-Lib's. Nothing here says that an indicator makes
money.
"""

from typing import Any

from alphastream.estimators.fold import Fold
from alphastream.indicators.adx import ADX, ADXRows
from alphastream.indicators.averages import EMA, SMA, WMA, EMARows, SMARows, WMARows
from alphastream.indicators.bands import BandRows, BollingerBands
from alphastream.indicators.channels import Donchian, Keltner
from alphastream.indicators.extremes import (
    MaxRows,
    MinRows,
    RollingMax,
    RollingMin,
    Stochastic,
    StochasticRows,
    WilliamsR,
    WilliamsRRows,
)
from alphastream.indicators.function_indicator import FunctionIndicator, FunctionState
from alphastream.indicators.look_ahead import check_look_ahead
from alphastream.indicators.macd import MACD, MACDRows
from alphastream.indicators.momentum import (
    ROC,
    CrossOver,
    CrossRows,
    CrossUnder,
    Lag,
    LagRows,
    Momentum,
    MomentumRows,
    ROCRows,
)
from alphastream.indicators.order import (
    Drawdown,
    DrawdownRows,
    Percentile,
    PercentileRows,
    Rank,
    RankRows,
    RollingStd,
    StdRows,
)
from alphastream.indicators.oscillators import CCI, MFI, Aroon, AroonRows, CCIRows, MFIRows
from alphastream.indicators.ranges import ATR, ATRRows, TrueRange, TrueRangeRows
from alphastream.indicators.rsi import RSI, RSIRows
from alphastream.indicators.volatility import CloseToClose, GarmanKlass, Parkinson, VolatilityRows, YangZhang
from alphastream.indicators.volume import OBV, VWAP, OBVRows, SessionVWAP, VWAPRows
from alphastream.registry import extends

__all__ = [
    "ADX",
    "ATR",
    "CCI",
    "EMA",
    "INDICATORS",
    "MACD",
    "MFI",
    "OBV",
    "ROC",
    "RSI",
    "SMA",
    "VWAP",
    "WMA",
    "ADXRows",
    "ATRRows",
    "Aroon",
    "AroonRows",
    "BandRows",
    "BollingerBands",
    "CCIRows",
    "CloseToClose",
    "CrossOver",
    "CrossRows",
    "CrossUnder",
    "Donchian",
    "Drawdown",
    "DrawdownRows",
    "EMARows",
    "FunctionIndicator",
    "FunctionState",
    "GarmanKlass",
    "Keltner",
    "Lag",
    "LagRows",
    "MACDRows",
    "MFIRows",
    "MaxRows",
    "MinRows",
    "Momentum",
    "MomentumRows",
    "OBVRows",
    "Parkinson",
    "Percentile",
    "PercentileRows",
    "ROCRows",
    "RSIRows",
    "Rank",
    "RankRows",
    "RollingMax",
    "RollingMin",
    "RollingStd",
    "SMARows",
    "SessionVWAP",
    "StdRows",
    "Stochastic",
    "StochasticRows",
    "TrueRange",
    "TrueRangeRows",
    "VWAPRows",
    "VolatilityRows",
    "WMARows",
    "WilliamsR",
    "WilliamsRRows",
    "YangZhang",
    "check_look_ahead",
]

INDICATORS: dict[str, type[Fold[Any]]] = {
    indicator.__name__: indicator
    for indicator in (
        SMA,
        EMA,
        WMA,
        RSI,
        MACD,
        BollingerBands,
        TrueRange,
        ATR,
        ADX,
        Stochastic,
        WilliamsR,
        CCI,
        MFI,
        Aroon,
        ROC,
        Momentum,
        Lag,
        CrossOver,
        CrossUnder,
        Donchian,
        Keltner,
        OBV,
        VWAP,
        SessionVWAP,
        CloseToClose,
        Parkinson,
        GarmanKlass,
        YangZhang,
        RollingMin,
        RollingMax,
        RollingStd,
        Rank,
        Percentile,
        Drawdown,
    )
}
extends("indicators", INDICATORS)
