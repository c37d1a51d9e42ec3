"""Strategies on one pair: what they read, what they share, what they decide."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from alphastream.backtest import backtest, backtests
from alphastream.backtest.simulation import RowFold
from alphastream.errors import ParameterError
from alphastream.estimators import KalmanHedge, ThresholdSignal
from alphastream.graph import Node
from alphastream.pairs import PairSpec, series_of
from alphastream.strategies import (
    FixedNotional,
    InnovationThreshold,
    Strategy,
    ThresholdRule,
    Units,
    VolatilityTarget,
    ZScoreThreshold,
)
from alphastream.trading import Account, BrokerRules, Target
from tests.backtest.markets import SECOND, random_market

SPEC = PairSpec("Y", "X", SECOND, window=20, entry=1.5, exit=0.5)
KALMAN = PairSpec("Y", "X", SECOND, "kalman", 20, entry=1.5, exit=0.5)


def decide(strategy: Strategy, direction: int, *, direction_at: int = 0, **row: Any) -> Any:
    account = Account(("Y", "X"), 1e5)
    account.direction, account.round_trip = direction_at, abs(direction_at)
    values = {"direction": float(direction), "zscore": 0.0, "hedge_ratio": 0.5, "marks": [100.0, 50.0], **row}
    return strategy.decide(SimpleNamespace(**values), account)


def test_names_and_legs() -> None:
    assert ZScoreThreshold(SPEC).name == "z-score Y/X"
    assert InnovationThreshold(KALMAN).name == "innovation Y/X"
    assert ZScoreThreshold(SPEC).symbols == ("Y", "X")
    assert ZScoreThreshold(SPEC).pairs == (SPEC,)


def test_parameters_are_values() -> None:
    assert ZScoreThreshold(SPEC, sizer=Units(2.0)) == ZScoreThreshold(SPEC, sizer=Units(2.0))
    assert hash(ZScoreThreshold(SPEC)) == hash(ZScoreThreshold(SPEC, sizer=FixedNotional()))


def test_the_direction_is_the_rule_over_the_shown_z_score() -> None:
    strategy = ZScoreThreshold(SPEC, rule=ThresholdRule(stop=4.0, time_stop=7, cool_down=2))
    series = strategy.series(SPEC)
    assert series["zscore"] == series_of(SPEC)["zscore"]
    assert series["direction"] == Node(ThresholdSignal(1.5, 0.5, 4.0, 7, 2), (series["zscore"],))["position"]


def test_thresholds_that_contradict_each_other_are_refused_at_once() -> None:
    with pytest.raises(ParameterError, match=r"stop is 1.0, needs to be > entry"):
        ZScoreThreshold(SPEC, rule=ThresholdRule(stop=1.0))
    with pytest.raises(ParameterError, match=r"entry is 1.0, needs to be ≥ exit"):
        ZScoreThreshold(PairSpec("Y", "X", SECOND, entry=1.0, exit=2.0))
    with pytest.raises(ParameterError, match="model of the pair is 'ols': an innovation needs 'kalman'"):
        InnovationThreshold(SPEC)


def test_series_that_two_strategies_read_are_computed_once() -> None:
    """Entry, exit and size are no part of what is estimated."""
    nearer = PairSpec("Y", "X", SECOND, window=20, entry=1.0, exit=0.0)
    strategies = [
        ZScoreThreshold(SPEC),
        ZScoreThreshold(nearer, sizer=Units(1.0)),
        ZScoreThreshold(SPEC, rebalance=True),
    ]
    fold = RowFold(strategies)
    market = random_market(5, 100)
    fold.run(fold.rows_of(market))
    assert fold.keys == ((("Y", "X"), SECOND, False),)
    assert len(fold.graph) == 4  # hedge ratio, z-score, two directions
    assert set(fold.graph.runs.values()) == {1}
    assert len(fold.graph) < sum(len(RowFold([strategy]).graph) for strategy in strategies)


def test_each_strategy_reads_no_more_than_it_needs() -> None:
    assert len(RowFold([ZScoreThreshold(SPEC)]).graph) == 3
    assert len(RowFold([ZScoreThreshold(SPEC, spread="value")]).graph) == 4
    assert len(RowFold([InnovationThreshold(KALMAN)]).graph) == 3  # regression, settling, direction
    assert len(RowFold([ZScoreThreshold(SPEC, sizer=VolatilityTarget())]).graph) == 3 + 6


def test_a_filter_may_have_variances_of_its_own() -> None:
    series = InnovationThreshold(KALMAN, model=KalmanHedge(1e-5, 1e-2)).series(KALMAN)
    assert series["zscore"].of == Node(KalmanHedge(1e-5, 1e-2), (KALMAN.source["x"], KALMAN.source["y"]))
    assert InnovationThreshold(KALMAN).series(KALMAN) == ZScoreThreshold(KALMAN).series(KALMAN)
    assert ZScoreThreshold(KALMAN).series(KALMAN)["zscore"] == series_of(KALMAN)["settled_zscore"]


def test_a_decision_is_made_when_the_direction_changes() -> None:
    strategy = ZScoreThreshold(SPEC, sizer=Units(2.0))
    assert decide(strategy, 0) is None
    assert decide(strategy, 1, direction_at=1) is None
    # a log ratio of 0.5 at 100 against 50 is one unit of x for one of y
    assert decide(strategy, 1) == Target((2.0, -2.0), 1, "long spread")
    assert decide(strategy, -1, direction_at=1) == Target((-2.0, 2.0), -1, "short spread")
    assert decide(strategy, 0, direction_at=1) == Target((0.0, 0.0), 0, "exit")


def test_units_of_a_ratio_of_prices_are_taken_as_they_are() -> None:
    spec = PairSpec("Y", "X", SECOND, window=20, price="price")
    assert decide(ZScoreThreshold(spec, sizer=Units(2.0)), 1).quantities == (2.0, -1.0)


def test_rebalancing_follows_the_ratio_on_every_row() -> None:
    strategy = ZScoreThreshold(SPEC, sizer=Units(2.0), rebalance=True)
    assert decide(strategy, 1, direction_at=1, hedge_ratio=0.25) == Target((2.0, -1.0), 1, "rebalance")
    assert decide(strategy, 0) is None


@pytest.mark.parametrize("ratio", [float("nan"), float("inf")])
def test_without_a_ratio_nothing_is_done_yet(ratio: float) -> None:
    strategy = ZScoreThreshold(SPEC)
    assert decide(strategy, 1, hedge_ratio=ratio) is None
    assert decide(strategy, 0, direction_at=1, hedge_ratio=ratio) is not None  # leaving needs none


def test_without_a_size_nothing_is_done_yet() -> None:
    unknown: dict[str, Any] = {"y_deviation": float("nan"), "x_deviation": 1.0, "legs_correlation": 0.0}
    assert decide(ZScoreThreshold(SPEC, sizer=VolatilityTarget()), 1, **unknown) is None


@pytest.mark.parametrize(("direction_at", "zscore", "why"), [(1, -4.5, "stop"), (-1, 4.0, "stop"), (1, -0.5, "exit")])
def test_the_way_out_is_told(direction_at: int, zscore: float, why: str) -> None:
    strategy = ZScoreThreshold(SPEC, rule=ThresholdRule(stop=4.0, time_stop=9))
    assert decide(strategy, 0, direction_at=direction_at, zscore=zscore).reason == why
    assert decide(strategy, 0, direction_at=1, zscore=-1.0).reason == "time stop"


def test_a_position_is_held_until_there_is_a_z_score_to_judge_it_by() -> None:
    """After a restart the z-score has to settle: that is no reason to sell."""
    strategy = ZScoreThreshold(SPEC)
    assert decide(strategy, 0, direction_at=1, zscore=math.nan) is None
    assert decide(strategy, 0, direction_at=1, zscore=0.1).reason == "exit"


def test_a_run_follows_the_direction_of_every_row() -> None:
    result = backtest(random_market(6, 600), ZScoreThreshold(SPEC), BrokerRules(fill="same_close"))
    direction = result.observed["direction"]
    changes = np.flatnonzero(np.diff(direction, prepend=0.0))
    assert len(changes) > 20
    assert [order.decided_ns for order in result.orders] == result.time_ns[changes].tolist()
    turned = [order.round_trip for order, row in zip(result.orders, changes, strict=True) if direction[row]]
    assert turned == list(range(1, len(turned) + 1))


def test_a_stop_and_a_cool_down_reach_the_orders() -> None:
    market = random_market(6, 600)
    strict = ThresholdRule(stop=1.8, time_stop=5, cool_down=10)
    plain, stopped = backtests(market, [ZScoreThreshold(SPEC), ZScoreThreshold(SPEC, rule=strict)])
    reasons = {order.reason for order in stopped.orders}
    assert {"stop", "time stop", "exit"} <= reasons
    assert {order.reason for order in plain.orders} == {"long spread", "short spread", "exit"}
