"""Indicators of technical analysis, as folds: averages, oscillators, bands, ranges, and functions of one's own.

The folds are listed in ``INDICATORS``. Each passes over rows in which an input is NaN or inf, and is NaN until it is
defined; where TA-Lib has it, its values after the warm-up are TA-Lib's. Nothing here says that an indicator makes
money.
"""

from typing import Any

from alphastream.estimators.fold import Fold
from alphastream.indicators.averages import EMA, SMA, WMA, EMARows, SMARows, WMARows
from alphastream.indicators.bands import BandRows, BollingerBands
from alphastream.indicators.function_indicator import FunctionIndicator, FunctionState
from alphastream.indicators.look_ahead import check_look_ahead
from alphastream.indicators.macd import MACD, MACDRows
from alphastream.indicators.ranges import ATR, ATRRows, TrueRange, TrueRangeRows
from alphastream.indicators.rsi import RSI, RSIRows

__all__ = [
    "ATR",
    "EMA",
    "INDICATORS",
    "MACD",
    "RSI",
    "SMA",
    "WMA",
    "ATRRows",
    "BandRows",
    "BollingerBands",
    "EMARows",
    "FunctionIndicator",
    "FunctionState",
    "MACDRows",
    "RSIRows",
    "SMARows",
    "TrueRange",
    "TrueRangeRows",
    "WMARows",
    "check_look_ahead",
]

INDICATORS: dict[str, type[Fold[Any]]] = {
    indicator.__name__: indicator for indicator in (SMA, EMA, WMA, RSI, MACD, BollingerBands, TrueRange, ATR)
}
