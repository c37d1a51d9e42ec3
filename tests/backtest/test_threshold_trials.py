"""Thresholds fitted on the first part of a history, traded on the rest."""

from dataclasses import replace

import numpy as np
import pytest

from alphastream.backtest.market import LegTrades
from alphastream.backtest.pair_history import PairHistory, ready
from alphastream.backtest.threshold_trials import threshold_trials
from alphastream.backtest.vectorised import run_pair
from alphastream.cointegration import cointegration
from alphastream.errors import NotEnoughObservations
from alphastream.pairs import PairSpec, source_columns
from alphastream.strategies import FixedNotional, ZScoreThreshold, pair_thresholds
from alphastream.trading.broker.costs import BrokerRules, Fees, FixedLatency
from tests.backtest.histories import SECOND, SYMBOLS, rows_of

RULES = BrokerRules(fill="next_trade", latency=FixedLatency(0), fees=Fees(taker_bps=2.0), half_spread_bps=0.0)
STRATEGY = ZScoreThreshold(PairSpec(*SYMBOLS, SECOND, "ols", 200, "log"), sizer=FixedNotional(1_000.0))


def history(seed: int, rows: int = 4_000, rules: BrokerRules = RULES) -> PairHistory:
    """A pair with a half-life of 8 rows; orders meet the close they were decided at, a nanosecond later."""
    rng = np.random.default_rng(seed)
    x, spread = np.log(100.0) + np.cumsum(rng.normal(0.0, 1e-3, rows)), np.zeros(rows)
    for row in range(1, rows):
        spread[row] = 0.917 * spread[row - 1] + rng.normal(0.0, 0.002 * np.sqrt(1.0 - 0.917**2))
    y, x = np.exp(1.0 + 0.7 * x + spread), np.exp(x)
    made = rows_of(y, x)
    of_y, of_x = (LegTrades(made.end_ns + 1, price, np.ones(rows)) for price in (y, x))
    return ready(made, (of_y, of_x), SYMBOLS, rules)


def test_out_of_sample_fitted_thresholds_earn_what_is_expected_and_more_than_two_and_a_half() -> None:
    """Six pairs; with 20 of 6,000 rows the ratios to what was expected are .90, 1.04 and .99."""
    found = [threshold_trials(history(seed), STRATEGY) for seed in range(6)]
    earned = np.array([[trial.profit for trial in each.trials] for each in found]).mean(axis=0)
    expected = np.array([[trial.expected.rate * 2_000 * 1_000.0 for trial in each.trials] for each in found])
    assert earned[1] > earned[2] > earned[0] > 0.0
    np.testing.assert_allclose(earned / expected.mean(axis=0), 1.0, atol=0.25)
    assert earned[1] > 1.8 * earned[0]


def test_the_fit_has_not_seen_what_it_is_tested_on() -> None:
    whole, rest = history(1), history(1)
    rest.rows.y[2_000:] *= 1.5
    assert threshold_trials(whole, STRATEGY).fit == threshold_trials(rest, STRATEGY).fit


def test_the_parts_are_those_of_the_functions() -> None:
    known = history(2)
    found = threshold_trials(known, STRATEGY)
    assert (found.train, found.test) == ((0, 2_000), (2_000, 4_000))
    columns = source_columns(known.rows, "log")
    zscore = run_pair(known, STRATEGY).observed["zscore"]
    # four fills at 2 bps, those of x on the notional that the ratio says
    assert found.fit.cost == pytest.approx(4e-4 * 1.7, rel=0.05)
    verdict = cointegration(known.rows.take(slice(2_000)), "log")
    fit = pair_thresholds(columns["y"][:2_000], columns["x"][:2_000], zscore[:2_000], found.fit.cost, 2.0, 0.5, verdict)
    assert fit == found.fit
    assert (found.present.entry, found.present.exit) == (2.0, 0.5)
    assert (found.turning.entry, found.turning.exit) == fit.zscores(fit.turning)
    assert found.turning.exit == -found.turning.entry
    assert found.waiting.exit == 0.0
    for trial in found.trials:
        assert trial.run.positions[0].tolist() == [0.0, 0.0]
        assert len(trial.run.equity) == 2_000


def test_a_history_too_short_to_test_on() -> None:
    with pytest.raises(NotEnoughObservations, match="a test of thresholds"):
        threshold_trials(history(1, 150), STRATEGY)
    with pytest.raises(NotEnoughObservations, match="thresholds that follow from cost"):
        threshold_trials(history(1, 500), replace(STRATEGY, pair=replace(STRATEGY.pair, window=190)))
