"""Indicators that TA-Lib lacks, against pandas and formulas over whole windows; and what glitches and long runs do."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.estimators import Fold
from alphastream.indicators import (
    ATR,
    CCI,
    EMA,
    INDICATORS,
    MACD,
    MFI,
    OBV,
    RSI,
    SMA,
    VWAP,
    BollingerBands,
    CloseToClose,
    CrossOver,
    CrossUnder,
    Donchian,
    Drawdown,
    GarmanKlass,
    Keltner,
    Lag,
    Parkinson,
    Percentile,
    Rank,
    RollingMax,
    RollingMin,
    RollingStd,
    SessionVWAP,
    YangZhang,
)
from tests.estimators.test_conformance import run, same_bits, table
from tests.indicators.samples import SAMPLES, columns_of, market

SCALES = pytest.mark.parametrize(
    ("level", "move"), [(100.0, 0.3), (1e5, 1e-7), (1e-8, 0.1), (1e8, 0.1)], ids=["100", "1e5±0.01", "1e-8", "1e8"]
)
N = 12


def windows(function: Callable[..., Any], *columns: Floats, rows: int = N) -> Floats:
    """A function of each whole window."""
    out = np.full(len(columns[0]), np.nan)
    for end in range(rows, len(out) + 1):
        out[end - 1] = function(*[column[end - rows : end].astype(np.longdouble) for column in columns])
    return out


def before(column: Floats) -> Floats:
    return np.concatenate(([np.nan], column[:-1]))


def parkinson(high: Any, low: Any) -> Any:
    return np.sqrt(np.mean(np.log(high / low) ** 2) / (4.0 * np.log(2.0)))


def garman_klass(first: Any, high: Any, low: Any, close: Any) -> Any:
    body = (2.0 * np.log(2.0) - 1.0) * np.log(close / first) ** 2
    return np.sqrt(np.mean(0.5 * np.log(high / low) ** 2 - body))


def commodity_channel(high: Any, low: Any, close: Any) -> Any:
    typical = (high + low + close) / 3
    mean = np.mean(typical)
    return (typical[-1] - mean) / (0.015 * np.mean(np.abs(typical - mean)))


def yang_zhang(first: Any, high: Any, low: Any, close: Any, last: Any) -> Any:
    share = 0.34 / (1.34 + (N + 1) / (N - 1))
    inside = np.log(high / close) * np.log(high / first) + np.log(low / close) * np.log(low / first)
    gap, body = np.log(first / last), np.log(close / first)
    return np.sqrt(np.var(gap, ddof=1) + share * np.var(body, ddof=1) + (1.0 - share) * np.mean(inside))


@SCALES
def test_values_are_those_of_the_formula(level: float, move: float) -> None:
    bars = market(300, seed=2, level=level, move=move)
    first, high, low, close, volume = (bars[name] for name in ("open", "high", "low", "close", "volume"))
    typical = (high + low + close) / 3.0
    cases: dict[Fold[Any], Floats] = {
        CCI(N): windows(commodity_channel, high, low, close),
        Parkinson(N): windows(parkinson, high, low),
        GarmanKlass(N, 252.0): np.sqrt(252.0) * windows(garman_klass, first, high, low, close),
        YangZhang(N): windows(yang_zhang, first, high, low, close, before(close)),
        CloseToClose(N): windows(lambda new, old: np.std(np.log(new / old), ddof=1), close, before(close)),
        VWAP(N): windows(lambda price, traded: np.sum(price * traded) / np.sum(traded), typical, volume),
        RollingStd(N): windows(lambda value: np.std(value, ddof=1), close),
        Percentile(N, 30.0): windows(lambda value: np.percentile(value.astype(np.float64), 30.0), close),
        Rank(N): pd.Series(close).rolling(N).rank(pct=True).to_numpy(),
        Drawdown(): close / np.maximum.accumulate(close) - 1.0,
        Drawdown(N): close / pd.Series(close).rolling(N).max().to_numpy() - 1.0,
        Lag(N): pd.Series(close).shift(N).to_numpy(),
    }
    for indicator, expected in cases.items():
        found = table(run(indicator, columns_of(indicator, bars))[0])[0]
        near = 1e-7 if move < 1e-6 else 1e-9  # moves of 1e-7 of a price have nine digits left
        size = float(np.nanmax(np.abs(expected)))
        np.testing.assert_allclose(found / size, expected / size, rtol=near, atol=near, err_msg=repr(indicator))


def test_channels_are_built_from_what_talib_has() -> None:
    bars = market(300, seed=3)
    rows, _ = Donchian(N).run(bars["high"], bars["low"])
    assert same_bits(rows.upper, RollingMax(N).run(bars["high"])[0].highest)
    assert same_bits(rows.lower, RollingMin(N).run(bars["low"])[0].lowest)
    np.testing.assert_allclose(rows.middle, 0.5 * (rows.upper + rows.lower))
    for window, ranges in ((N, 5), (5, N)):
        found, _ = Keltner(window, ranges, 1.5).run(bars["high"], bars["low"], bars["close"])
        middle = EMA(window).run(bars["close"])[0].ema
        reach = 1.5 * ATR(ranges).run(bars["high"], bars["low"], bars["close"])[0].atr
        np.testing.assert_allclose(found.upper, middle + reach, rtol=1e-12)
        np.testing.assert_allclose(found.lower, middle - reach, rtol=1e-12)


def test_sessions_begin_where_they_are_told_to() -> None:
    bars = market(300, seed=4)
    session, begin = 600_000_000_000, 60_000_000_000
    end_ns = 1_767_225_600e9 + 1e9 * bars["time_ns"]
    rows, _ = SessionVWAP(session, begin).run(end_ns, bars["high"], bars["low"], bars["close"], bars["volume"])
    frame = pd.DataFrame({"number": np.ceil((end_ns - begin) / session), "volume": bars["volume"]})
    frame["money"] = frame["volume"] * (bars["high"] + bars["low"] + bars["close"]) / 3.0
    sums = frame.groupby("number").cumsum()
    np.testing.assert_allclose(rows.vwap, sums["money"] / sums["volume"], rtol=1e-12)
    assert frame["number"].nunique() > 20


def test_lines_that_cross() -> None:
    value, line = np.array([1.0, 2.0, 3.0, np.nan, 3.0, 2.0, 1.0]), np.full(7, 2.0)
    np.testing.assert_array_equal(CrossOver().run(value, line)[0].crossed, [np.nan, 0, 1, np.nan, 0, 0, 0])
    np.testing.assert_array_equal(CrossUnder().run(value, line)[0].crossed, [np.nan, 0, 0, np.nan, 0, 0, 1])


def test_what_is_flat_is_undefined_or_flat() -> None:
    flat = np.full(60, 0.1 + 0.2)
    assert np.isnan(RSI().run(flat)[0].rsi).all()
    bands = BollingerBands().run(flat)[0]
    np.testing.assert_array_equal(bands.upper[20:], bands.lower[20:])
    np.testing.assert_allclose(MACD().run(flat)[0].macd[40:], 0.0, atol=1e-15)
    assert np.isnan(VWAP(5).run(flat, flat, flat, np.zeros(60))[0].vwap).all()


FORGETS = (
    "SMA",
    "WMA",
    "RollingMin",
    "RollingMax",
    "VWAP",
    "MFI",
    "CCI",
    "WilliamsR",
    "Stochastic",
    "Donchian",
    "Aroon",
    "Rank",
)


@pytest.mark.parametrize("name", FORGETS)
@pytest.mark.parametrize("glitch", [1e9, 1e300, -1e9])
def test_a_glitch_that_left_the_window_is_gone_to_the_bit(name: str, glitch: float) -> None:
    indicator = SAMPLES[name]
    clean = columns_of(indicator, market(200))
    glitched = [column.copy() for column in clean]
    glitched[0][50] = glitch
    whole, after = table(run(indicator, clean)[0]), table(run(indicator, glitched)[0])
    assert same_bits(np.ascontiguousarray(whole[:, 80:]), np.ascontiguousarray(after[:, 80:]))
    assert glitch < 0.0 or not same_bits(whole, after)


@pytest.mark.parametrize("name", ["BollingerBands", "RollingStd", "CloseToClose", "Parkinson", "Percentile", "Lag"])
def test_a_glitch_that_left_the_window_leaves_no_trace(name: str) -> None:
    indicator = SAMPLES[name]
    clean = columns_of(indicator, market(200))
    glitched = [column.copy() for column in clean]
    glitched[0][50] = 1e9
    whole, after = table(run(indicator, clean)[0]), table(run(indicator, glitched)[0])
    np.testing.assert_allclose(after[:, 80:], whole[:, 80:], rtol=1e-12)


def test_ten_million_rows_do_not_drift() -> None:
    rng = np.random.default_rng(1)
    close = 1e5 + 0.01 * rng.normal(size=10_000_000)
    volume = rng.uniform(0.0, 1e-3, close.size)
    volume[5] = 1e9
    newest = close[-20:]
    assert SMA(20).run(close)[0].sma[-1] == pytest.approx(newest.mean(), rel=1e-14)
    assert BollingerBands(20, 1.0).run(close)[0].upper[-1] - newest.mean() == pytest.approx(newest.std(), rel=1e-6)
    money = VWAP(20).run(close, close, close, volume)[0].vwap[-1]
    assert money == pytest.approx(np.average(newest, weights=volume[-20:]), rel=1e-14)
    signs = np.sign(np.diff(close, prepend=0.0))
    total = float(np.sum((signs * volume).astype(np.longdouble)))
    assert OBV().run(close, volume)[0].obv[-1] == pytest.approx(total, abs=1e-6)
    tail = MFI(14).run(close[-50:], close[-50:], close[-50:], volume[-50:])[0].mfi[-1]
    assert MFI(14).run(close, close, close, volume)[0].mfi[-1] == pytest.approx(tail, rel=1e-12)


def test_defaults_and_the_column_that_is_meant() -> None:
    assert RSI() == RSI(window=14)
    assert MACD() == MACD(fast=12, slow=26, signal=9)
    assert BollingerBands() == BollingerBands(window=20, deviations=2.0)
    assert ATR() == ATR(window=14)
    assert (RSI().output, MACD().output, BollingerBands().output) == ("rsi", "macd", "middle")
    for name, kind in INDICATORS.items():
        assert kind().output in kind.row_type.__match_args__, name


def test_prices_that_are_none_have_no_logarithm() -> None:
    """Two negative values have a logarithm of their ratio, and a drawdown: neither means anything."""
    below = -np.arange(1.0, 30.0)
    both: list[Any] = [Parkinson(5), GarmanKlass(5), YangZhang(5)]
    for indicator in (*both, CloseToClose(5), Drawdown(), Drawdown(5)):
        rows, _ = indicator.run(*([below] * len(indicator.inputs)))
        assert np.isnan(getattr(rows, indicator.output)).all()
    close = market(60)["close"]
    broken = np.insert(close, 20, 0.0)
    for bars in both:
        whole = bars.run(*([close] * len(bars.inputs)))[0].volatility
        found = bars.run(*([broken] * len(bars.inputs)))[0].volatility
        assert np.isnan(found[20])
        np.testing.assert_array_equal(np.delete(found, 20), whole)


@pytest.mark.parametrize("name", [name for name, kind in INDICATORS.items() if hasattr(kind(), "window")])
@pytest.mark.parametrize("window", [0, -5, 2.0, True, "7"])
def test_a_window_that_is_none_is_refused(name: str, window: Any) -> None:
    with pytest.raises(ParameterError, match=r"window is .* needs an integer ≥ [12]"):
        INDICATORS[name](window=window)  # type: ignore[call-arg]


def test_parameters_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ParameterError, match="fast is 26 and slow 12: fast needs to be fewer"):
        MACD(fast=26, slow=12)
    with pytest.raises(ParameterError, match=r"percent is 101.0, needs a number from 0 to 100"):
        Percentile(percent=101.0)
    with pytest.raises(ParameterError, match="deviations is 0"):
        BollingerBands(deviations=0)
    with pytest.raises(ParameterError, match="rows is 0, needs an integer ≥ 1"):
        Lag(rows=0)
