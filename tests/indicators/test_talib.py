"""Indicators against TA-Lib, value by value, after the warm-up that TA-Lib has as well."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

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
    WMA,
    Aroon,
    BollingerBands,
    Momentum,
    RollingMax,
    RollingMin,
    Stochastic,
    TrueRange,
    WilliamsR,
)
from tests.estimators.test_conformance import run, table
from tests.indicators.samples import columns_of, market
from tests.servers import need_module

talib = need_module("talib", "requirements-engines.txt")

Oracle = Callable[..., Any]

CASES: dict[str, tuple[Fold[Any], Oracle]] = {
    "SMA": (SMA(window=20), lambda value: talib.SMA(value, 20)),
    "SMA of 2": (SMA(window=2), lambda value: talib.SMA(value, 2)),
    "EMA": (EMA(window=20), lambda value: talib.EMA(value, 20)),
    "EMA of 2": (EMA(window=2), lambda value: talib.EMA(value, 2)),
    "WMA": (WMA(window=20), lambda value: talib.WMA(value, 20)),
    "RSI": (RSI(), lambda value: talib.RSI(value, 14)),
    "RSI of 2": (RSI(window=2), lambda value: talib.RSI(value, 2)),
    "MACD": (MACD(), lambda value: talib.MACD(value, 12, 26, 9)),
    "MACD of 3, 5, 2": (MACD(fast=3, slow=5, signal=2), lambda value: talib.MACD(value, 3, 5, 2)),
    "BollingerBands": (BollingerBands(), lambda value: _bands(value, 20, 2.0)),
    "BollingerBands of 5": (BollingerBands(window=5, deviations=1.5), lambda value: _bands(value, 5, 1.5)),
    "TrueRange": (TrueRange(), talib.TRANGE),
    "ATR": (ATR(), lambda high, low, close: talib.ATR(high, low, close, 14)),
    "ATR of 2": (ATR(window=2), lambda high, low, close: talib.ATR(high, low, close, 2)),
    "ADX": (ADX(), lambda high, low, close: _adx(high, low, close, 14)),
    "ADX of 2": (ADX(window=2), lambda high, low, close: _adx(high, low, close, 2)),
    "Stochastic": (Stochastic(), lambda high, low, close: _stochastic(high, low, close, 14, 3, 3)),
    "Stochastic of 5, 4, 2": (
        Stochastic(5, 4, 2),
        lambda high, low, close: _stochastic(high, low, close, 5, 4, 2),
    ),
    "Stochastic, fast": (Stochastic(5, 1, 3), lambda high, low, close: _stochastic(high, low, close, 5, 1, 3)),
    "WilliamsR": (WilliamsR(), lambda high, low, close: talib.WILLR(high, low, close, 14)),
    "CCI": (CCI(), lambda high, low, close: talib.CCI(high, low, close, 14)),
    "MFI": (MFI(), lambda high, low, close, volume: talib.MFI(high, low, close, volume, 14)),
    "Aroon": (Aroon(), lambda high, low: _aroon(high, low, 14)),
    "ROC": (ROC(), lambda value: talib.ROC(value, 10)),
    "Momentum": (Momentum(), lambda value: talib.MOM(value, 10)),
    "OBV": (OBV(), talib.OBV),
    "RollingMin": (RollingMin(window=20), lambda value: talib.MIN(value, 20)),
    "RollingMax": (RollingMax(window=20), lambda value: talib.MAX(value, 20)),
}


def _bands(value: Floats, window: int, deviations: float) -> list[Floats]:
    upper, middle, lower = talib.BBANDS(value, window, deviations, deviations)
    return [middle, upper, lower]


def _adx(high: Floats, low: Floats, close: Floats, window: int) -> list[Floats]:
    found = [
        talib.ADX(high, low, close, window),
        talib.PLUS_DI(high, low, close, window),
        talib.MINUS_DI(high, low, close, window),
    ]
    return [np.where(np.isnan(found[0]), np.nan, each) for each in found]


def _stochastic(high: Floats, low: Floats, close: Floats, window: int, smooth: int, signal: int) -> Any:
    mean = talib.MA_Type.SMA  # its stubs forget to export it
    if smooth == 1:
        return talib.STOCHF(high, low, close, window, signal, mean)
    return talib.STOCH(high, low, close, window, smooth, mean, signal, mean)


def _aroon(high: Floats, low: Floats, window: int) -> list[Floats]:
    down, up = talib.AROON(high, low, window)
    return [talib.AROONOSC(high, low, window), up, down]


def expected_of(oracle: Oracle, columns: list[Floats]) -> Floats:
    found = oracle(*columns)
    return np.atleast_2d(np.array(found))


def assert_equal_after_warm_up(indicator: Fold[Any], oracle: Oracle, columns: list[Floats], near: float = 1e-9) -> None:
    """Undefined in the same rows, and else equal to 1e-9 of the largest value of the column."""
    ours, theirs = table(run(indicator, columns)[0]), expected_of(oracle, columns)
    assert np.array_equal(np.isnan(ours), np.isnan(theirs))
    needed = indicator.min_observations
    assert np.isnan(ours[:, : needed - 1]).all()
    assert np.isfinite(ours[:, needed:]).all()
    size = np.nanmax(np.abs(theirs), axis=1, keepdims=True)
    np.testing.assert_allclose(ours / size, theirs / size, rtol=near, atol=near)


each = pytest.mark.parametrize(("indicator", "oracle"), CASES.values(), ids=CASES.keys())


@each
@pytest.mark.parametrize(
    ("level", "move"), [(100.0, 0.3), (1e5, 1e-7), (1e-8, 0.1), (1e8, 0.1)], ids=["100", "1e5±0.01", "1e-8", "1e8"]
)
def test_values_are_those_of_talib(indicator: Fold[Any], oracle: Oracle, level: float, move: float) -> None:
    digits_lost = isinstance(indicator, CCI) and move < 1e-6  # by TA-Lib; ours is held to the formula elsewhere
    columns = columns_of(indicator, market(1_000, level=level, move=move))
    assert_equal_after_warm_up(indicator, oracle, columns, 1e-7 if digits_lost else 1e-9)


@each
def test_gaps_are_passed_over(indicator: Fold[Any], oracle: Oracle) -> None:
    """TA-Lib has no notion of a gap: it is given the valid rows alone."""
    columns = [column.copy() for column in columns_of(indicator, market(400, seed=3))]
    rng = np.random.default_rng(5)
    for column in columns:
        column[rng.random(400) < 0.1] = np.nan
        column[rng.random(400) < 0.02] = np.inf
    valid = np.logical_and.reduce([np.isfinite(column) for column in columns])
    ours = table(run(indicator, columns)[0])
    assert np.isnan(ours[:, ~valid]).all()
    dense = np.ascontiguousarray(ours[:, valid])
    theirs = expected_of(oracle, [column[valid].copy() for column in columns])
    np.testing.assert_allclose(dense, theirs, rtol=1e-9, atol=1e-9)
