"""The summary of a run is the sum of its parts."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphastream.errors import ParameterError
from alphastream.performance import (
    Performance,
    calmar_ratio,
    lo_sharpe,
    moments,
    returns,
    sharpe_error,
    sharpe_ratio,
    sortino_ratio,
    summarise,
    volatility,
)
from tests.performance.books import HOUR_NS, SYMBOLS, Run, fill, run


def summary(done: Run, trial_sharpes: list[float] | None = None) -> Performance:
    return summarise(
        done.time_ns,
        done.equity,
        SYMBOLS,
        done.positions,
        done.marks,
        done.fills,
        done.funding,
        capital=done.capital,
        lead="ETHUSDT",
        trial_sharpes=trial_sharpes,
    )


@given(st.integers(0, 2**32), st.booleans())
def test_profit_is_explained(seed: int, close: bool) -> None:
    found = summary(run(seed, rows=80, close=close))
    assert found.split.net == pytest.approx(found.profit, abs=1e-6)
    assert math.fsum(round_trip.net for round_trip in found.round_trips) == pytest.approx(found.profit, abs=1e-6)
    assert found.total_return == pytest.approx(found.profit / found.capital)
    assert found.turnover.traded == pytest.approx(
        math.fsum(abs(f.quantity) * f.trade_price for f in run(seed, 80, close=close).fills)
    )


def test_ratios_are_those_of_the_functions() -> None:
    done = run(1)
    found, earned = summary(done), returns(done.equity)
    pace, ratios = 365.25 * 24, found.ratios
    known = moments(earned)
    assert ratios.rows_per_year == pytest.approx(pace)
    assert ratios.plain_sharpe == pytest.approx(sharpe_ratio(earned, pace))
    over_rows = lo_sharpe(earned, pace, found.round_trip_statistics.mean_holding_ns / HOUR_NS)
    assert ratios.sharpe == pytest.approx(over_rows.sharpe)
    assert ratios.sharpe_error == pytest.approx(over_rows.error)
    assert ratios.factor == over_rows.factor
    assert ratios.sortino == pytest.approx(sortino_ratio(earned, pace))
    assert ratios.volatility == pytest.approx(volatility(earned, pace))
    assert ratios.calmar == pytest.approx(calmar_ratio(done.time_ns, done.equity))
    error = sharpe_error(known.sharpe, known.rows, known.skew, known.kurtosis)
    assert ratios.plain_sharpe_error == pytest.approx(error * math.sqrt(pace))
    assert ratios.plain_sharpe_error_normal == pytest.approx(sharpe_error(known.sharpe, known.rows) * math.sqrt(pace))
    assert found.exposure.in_market == pytest.approx(np.mean(done.positions.any(axis=1)))
    assert np.isfinite(found.exposure.gross).all()  # a symbol without a price is not held


def test_trials_deflate() -> None:
    done = run(1)
    alone, one_of_four = summary(done).deflated, summary(done, [0.1, -0.1, 0.05, -0.02]).deflated
    assert (alone.trials, one_of_four.trials) == (1.0, 4.0)
    assert one_of_four.probability < alone.probability


def test_a_liquidated_run_has_no_ratios_though_something_is_left() -> None:
    found = summarise(
        np.arange(4) * HOUR_NS,
        [100.0, 40.0, 5.0, 5.0],
        ["Y"],
        np.zeros((4, 1)),
        np.ones((4, 1)),
        [],
        [],
        capital=100.0,
        ended_ns=2 * HOUR_NS,
    )
    assert found.ruined_ns == 2 * HOUR_NS
    assert np.isnan(found.ratios.sharpe)
    assert found.drawdown.depth == pytest.approx(-0.95)


def test_a_ruined_run_has_books_and_no_ratios() -> None:
    equity = np.array([100.0, 40.0, -20.0, 5.0])
    time_ns = np.arange(4) * HOUR_NS
    trades = [fill(1, "Y", 1.0, 100.0, 1), fill(3 * HOUR_NS, "Y", -1.0, 5.0, 1)]
    found = summarise(
        time_ns,
        equity,
        ["Y"],
        [[1.0], [1.0], [1.0], [0.0]],
        [[100.0], [40.0], [-20.0], [5.0]],
        trades,
        [],
        capital=100.0,
    )
    assert found.ruined_ns == 2 * HOUR_NS
    assert found.split.net == found.profit == -95.0
    assert found.drawdown.depth == pytest.approx(-1.2)
    ratios = dataclasses.replace(found.ratios, rows_per_year=math.nan)
    figures = [getattr(ratios, item.name) for item in dataclasses.fields(ratios) if item.name != "moments"]
    assert all(math.isnan(figure) for figure in figures)
    assert math.isnan(found.deflated.probability)


def test_a_run_that_never_traded() -> None:
    flat = np.full(5, 100.0)
    nothing = np.zeros((5, 1))
    found = summarise(np.arange(5) * HOUR_NS, flat, ["Y"], nothing, np.full((5, 1), np.nan), [], [], capital=100.0)
    assert (found.profit, found.round_trips, found.exposure.in_market) == (0.0, (), 0.0)
    undefined = (
        found.ratios.sharpe,
        found.ratios.sortino,
        found.break_even_cost_bps,
        found.round_trip_statistics.hit_rate,
    )
    assert all(math.isnan(value) for value in undefined)
    assert found.ratios.volatility == 0.0  # computed: equity did not move


def test_one_row() -> None:
    found = summarise([5], [100.0], ["Y"], [[0.0]], [[1.0]], [], [], capital=100.0)
    assert found.rows == 1
    assert math.isnan(found.ratios.rows_per_year)
    assert math.isnan(found.ratios.sharpe_error)


def test_columns_that_do_not_fit() -> None:
    with pytest.raises(ParameterError, match="one value for each time"):
        summarise([5, 6], [100.0], ["Y"], [[0.0]], [[1.0]], [], [], capital=100.0)
    with pytest.raises(ParameterError, match="capital"):
        summarise([5], [100.0], ["Y"], [[0.0]], [[1.0]], [], [], capital=0.0)
    with pytest.raises(ParameterError, match="2 symbols"):
        summarise([5], [100.0], ["Y", "X"], [[0.0]], [[1.0]], [], [], capital=100.0)


def test_what_the_first_row_cost_counts() -> None:
    """A fill at the close of the first row is in its equity, and so in the profit, though not in a return."""
    bought = fill(0, "Y", 1.0, 100.0, 1, 0.01)
    equity = 100.0 - (bought.price - bought.trade_price) - bought.fee
    found = summarise([0, 5], [equity] * 2, ["Y"], [[1.0]] * 2, [[100.0]] * 2, [bought], [], capital=100.0)
    assert found.profit == pytest.approx(equity - 100.0)
    assert found.split.net == pytest.approx(found.profit)
    assert found.total_return == pytest.approx(found.profit / 100.0)
