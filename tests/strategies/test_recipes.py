"""E. P. Chan's two recipes ("Algorithmic Trading", 2013, chapter 3), written out plainly, against the engine.

Each is decided and filled at the same close, as in the book: good for comparing books, not for trading.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alphastream.backtest import BarMarket, RunResult, backtest
from alphastream.core.types import Floats
from alphastream.estimators import KalmanHedge
from alphastream.pairs import PairSpec
from alphastream.strategies import InnovationThreshold, Strategy, Units, ZScoreThreshold
from alphastream.trading import BrokerRules, Fees
from tests.backtest.markets import DAY, bars

FUNDS = pd.read_csv(Path(__file__).parent.parent / "data" / "stock_prices.csv", parse_dates=["Date"])
LEGS = [("EWG", "EFA"), ("EWJ", "EEM"), ("TIP", "IEF")]  # dependent leg, hedge leg

each_pair = pytest.mark.parametrize(("y", "x"), LEGS)


def run(strategy: Strategy) -> RunResult:
    days = FUNDS["Date"].to_numpy().astype("datetime64[ns]").astype(np.int64)
    market = BarMarket(
        {leg: bars(days, FUNDS[leg].to_numpy(), FUNDS[leg].to_numpy(), DAY) for leg in strategy.symbols}, DAY
    )
    return backtest(market, strategy, BrokerRules(fill="same_close", fees=Fees(0.0, 0.0)), capital=1e5)


def units_in_and_out(
    enter_long: pd.Series, leave_long: pd.Series, enter_short: pd.Series, leave_short: pd.Series
) -> Floats:
    """The book's way: a column for longs, one for shorts, each carried on until something is said."""
    longs, shorts = (pd.Series(np.nan, index=enter_long.index) for _ in range(2))
    longs.iloc[0] = shorts.iloc[0] = 0.0
    longs[enter_long], longs[leave_long] = 1.0, 0.0
    shorts[enter_short], shorts[leave_short] = -1.0, 0.0
    return np.asarray(longs.ffill() + shorts.ffill(), dtype=np.float64)


def check(result: RunResult, units: Floats, hedge_ratio: Floats) -> None:
    """Positions, profit of each day, and the book's return: profit over yesterday's gross value."""
    y, x = result.marks.T
    positions = np.where(units[:, None] == 0.0, 0.0, np.column_stack((units, -units * hedge_ratio)))
    assert (units == 1.0).sum() > 100
    assert (units == -1.0).sum() > 100
    np.testing.assert_allclose(result.positions, positions, rtol=1e-9, atol=1e-12)
    changes = np.diff(np.column_stack((y, x)), axis=0)
    profit = (positions[:-1] * changes).sum(axis=1)
    np.testing.assert_allclose(np.diff(result.equity), profit, rtol=0, atol=1e-9)
    gross = np.abs(positions[:-1] * np.column_stack((y, x))[:-1]).sum(axis=1)
    own = np.abs(result.positions[:-1] * result.marks[:-1]).sum(axis=1)
    book = np.divide(profit, gross, out=np.zeros_like(profit), where=gross > 0.0)
    found = np.divide(np.diff(result.equity), own, out=np.zeros_like(own), where=own > 0.0)
    np.testing.assert_allclose(found, book, rtol=0, atol=1e-9)


@each_pair
def test_bollinger_bands_of_a_moving_hedge(y: str, x: str) -> None:
    lookback, entry, leave = 20, 1.0, 0.0
    legs = FUNDS[[y, x]]
    covariance = legs[y].rolling(lookback).cov(legs[x])
    ratio = covariance / legs[x].rolling(lookback).var()
    value = legs[y] - ratio * legs[x]
    zscore = (value - value.rolling(lookback).mean()) / value.rolling(lookback).std()
    units = units_in_and_out(zscore < -entry, zscore >= -leave, zscore > entry, zscore <= leave)

    spec = PairSpec(y, x, DAY, "ols", lookback, "price", entry=entry, exit=leave)
    result = run(ZScoreThreshold(spec, sizer=Units(1.0), rebalance=True, spread="value"))
    np.testing.assert_allclose(result.observed["zscore"], zscore, rtol=1e-6, atol=1e-6)  # pandas loses digits
    check(result, units, result.observed["hedge_ratio"])
    np.testing.assert_allclose(result.observed["hedge_ratio"][lookback:], ratio[lookback:], rtol=1e-8)


@each_pair
def test_a_kalman_filter_in_and_out_at_one_deviation(y: str, x: str) -> None:
    delta, noise = 1e-5, 1e-3
    legs = FUNDS[[y, x]].to_numpy()
    beta, P = np.zeros(2), np.zeros((2, 2))
    errors, deviations, ratios = np.empty((3, len(legs)))
    for t, (leg_y, leg_x) in enumerate(legs):
        R = P + delta / (1.0 - delta) * np.eye(2) if t else P
        row = np.array([leg_x, 1.0])
        Q = row @ R @ row + noise
        errors[t], deviations[t] = leg_y - row @ beta, np.sqrt(Q)
        gain = R @ row / Q
        beta = beta + gain * errors[t]
        P = R - np.outer(gain, row) @ R
        ratios[t] = beta[0]
    e, band = pd.Series(errors), pd.Series(deviations)
    units = units_in_and_out(e < -band, e > -band, e > band, e < band)

    model = KalmanHedge(delta=delta / (1.0 - delta), obs_var=noise)
    spec = PairSpec(y, x, DAY, "kalman", price="price", entry=1.0, exit=1.0)
    result = run(InnovationThreshold(spec, model=model, sizer=Units(1.0), rebalance=True))
    check(result, units, ratios)
    np.testing.assert_allclose(result.observed["zscore"][1:], (errors / deviations)[1:], rtol=1e-6, atol=1e-9)
