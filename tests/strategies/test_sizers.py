"""Units of both legs for one long spread."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from alphastream.bars import PairRows
from alphastream.core.types import Floats
from alphastream.errors import ParameterError
from alphastream.graph import Graph, Node, Price
from alphastream.pairs import PairSpec, source_columns
from alphastream.performance import rows_per_year
from alphastream.strategies import BetaNeutral, FixedNotional, Sizer, Units, VolatilityTarget
from alphastream.trading import Account

SECOND = 10**9
SPEC = PairSpec("Y", "X", SECOND, window=50)


def size(sizer: Sizer, ratio: float, y: float, x: float, spec: PairSpec = SPEC, **series: float) -> Any:
    row = SimpleNamespace(marks=[y, x], **series)
    return sizer.units(ratio, row, Account(("Y", "X"), 1e5), spec)


def test_units_are_spreads() -> None:
    assert size(Units(3.0), 0.5, 100.0, 40.0) == (3.0, -1.5)


def test_a_fixed_notional_is_that_of_y() -> None:
    assert size(FixedNotional(1_000.0), 0.5, 100.0, 40.0) == (10.0, -5.0)


@pytest.mark.parametrize("ratio", [0.5, -0.5, 0.0, 7.0])
def test_beta_neutral_shares_the_gross_out_over_both_legs(ratio: float) -> None:
    y, x = size(BetaNeutral(6_000.0), ratio, 100.0, 40.0)
    assert abs(y) * 100.0 + abs(x) * 40.0 == pytest.approx(6_000.0)
    assert x == pytest.approx(-ratio * y)


def walks(length: int = 400) -> dict[str, Floats]:
    rng = np.random.default_rng(8)
    steps = rng.normal(0.0, 1e-3, (2, length))
    x = 50.0 * np.exp(np.cumsum(steps[0]))
    y = 200.0 * np.exp(np.cumsum(0.8 * steps[0] + 0.5 * steps[1]))
    return {"y": y, "x": x}


@pytest.mark.parametrize("price", ["log", "price"])
def test_a_volatility_target_is_met_by_the_last_window(price: Price) -> None:
    """What the position would have earned over the window has the deviation that was asked for."""
    spec = PairSpec("Y", "X", SECOND, window=50, price=price)
    sizer, prices = VolatilityTarget(share=0.2, max_leverage=1e9), walks()
    legs = {leg: np.log(values) if price == "log" else values for leg, values in prices.items()}
    series = sizer.series(spec)
    graph = Graph(node for node in (each.of for each in series.values()) if isinstance(node, Node))
    legs["time_ns"] = np.arange(400.0) * SECOND
    outputs = graph.run(spec.source, legs)
    now: dict[str, float] = {}
    for name, each in series.items():
        assert isinstance(each.of, Node)
        now[name] = float(getattr(outputs[each.of], each.column)[-1])
    y, x = prices["y"][-1], prices["x"][-1]
    hedge = 0.7  # of log prices or of prices
    ratio = hedge * y / x if price == "log" else hedge
    units_y, units_x = size(sizer, ratio, y, x, spec, **now)
    assert units_x == pytest.approx(-ratio * units_y)
    change_y, change_x = (np.diff(legs[leg])[-50:] for leg in ("y", "x"))
    earned = change_y - hedge * change_x if price == "log" else (change_y - hedge * change_x) / y  # of the value of y
    a_year = earned.std(ddof=1) * math.sqrt(365.25 * 86_400)
    assert units_y * y * a_year == pytest.approx(0.2 * 1e5)


def test_a_volatility_target_has_a_largest_size_and_waits_while_nothing_is_known() -> None:
    calm: dict[str, Any] = {"y_deviation": 1e-9, "x_deviation": 1e-9, "legs_correlation": 0.0, "rows_per_year": 1e6}
    sizer = VolatilityTarget(share=0.1, max_leverage=2.0)
    assert size(sizer, 1.0, 100.0, 100.0, **calm) == (2_000.0, -2_000.0)
    for hole in (math.nan, 0.0):
        unknown = calm | {"y_deviation": hole, "x_deviation": 0.0}
        assert size(sizer, 1.0, 100.0, 100.0, **unknown) is None
    assert size(sizer, 1.0, 100.0, 100.0, **calm | {"rows_per_year": math.nan}) is None


def test_nothing_is_risked_once_nothing_is_left() -> None:
    account = Account(("Y", "X"), 1e5)
    account.cash = -5.0
    known = {"y_deviation": 1e-3, "x_deviation": 1e-3, "legs_correlation": 0.0, "rows_per_year": 1e6}
    row = SimpleNamespace(marks=[100.0, 50.0], **known)
    assert VolatilityTarget().units(1.0, row, account, SPEC) == (0.0, 0.0)


def test_the_volatility_of_a_year_of_sessions_is_the_one_that_was_asked_for() -> None:
    """Bars of five minutes for seven hours on five days a week, over sixty weeks: 10 % asked, 10 % got.

    Taken by the length of a bar, as if the market never closed, it was 4.6 %.
    """
    rng, day = np.random.default_rng(5), np.arange(420)
    opens = (day // 5 * 7 + day % 5)[:300] * 86_400 * SECOND
    ends = (opens[:, None] + np.arange(1, 85) * 300 * SECOND).ravel()
    steps = rng.normal(0.0, 1e-3, (2, ends.size))
    x, y = np.exp(np.cumsum(steps[0])), np.exp(np.cumsum(0.8 * steps[0] + 0.5 * steps[1]))
    ages, ones = np.zeros(ends.size, np.int64), np.ones(ends.size)
    rows = PairRows(ends, y, x, ages, ages, ones, ones, ages + 1, ages + 1)
    spec = PairSpec("Y", "X", 300 * SECOND, window=100)
    sizer = VolatilityTarget(0.1, max_leverage=1e9)
    series, columns = sizer.series(spec), source_columns(rows, "log")
    graph = Graph(node for node in (each.of for each in series.values()) if isinstance(node, Node))
    outputs = graph.run(spec.source, columns)
    found = {name: getattr(outputs[each.of], each.column) for name, each in series.items()}  # type: ignore[index]
    leverage = sizer.leverages(np.full(ends.size, 0.8), found, y, spec)
    earned = (leverage[:-1] * np.diff(np.log(y) - 0.8 * np.log(x)))[84 * 20 :]  # once weekends are in the pace
    a_year = earned.std() * math.sqrt(rows_per_year(ends))
    assert a_year == pytest.approx(0.1, rel=0.04)
    around_the_clock = earned.std() * math.sqrt(365.25 * 86_400 / 300)
    assert 0.1 * a_year / around_the_clock == pytest.approx(0.046, abs=0.002)


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
@pytest.mark.parametrize("sizer", [Units, FixedNotional, BetaNeutral, VolatilityTarget])
def test_sizes_that_cannot_be_are_refused(sizer: Any, value: float) -> None:
    with pytest.raises(ParameterError, match="give a finite number above 0"):
        sizer(value)
