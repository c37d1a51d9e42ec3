"""Thresholds that follow from cost: what the box says, and what its buttons set."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from alphastream.bars import PairRows
from alphastream.core.units import SECOND
from alphastream.errors import NotEnoughObservations, ParameterError
from alphastream.pairs import MODELS, Model, PairAnalytics, PairSpec, analyse
from alphastream.strategies import FixedNotional, PairThresholds, ZScoreThreshold
from alphastream.trading.broker.costs import BrokerRules, Fees
from tests.views.running import words
from views.shared.fill_cost import hedge_notional, round_trip_bps
from views.shared.threshold_controls import fit_of_page, fit_of_strategy
from views.shared.threshold_tables import bps_of, fit_sentence, rules_frame

SPEC = PairSpec("Y", "X", SECOND, window=100)


def answer_of(spec: PairSpec, half_life: float = 8.0, rows: int = 800) -> PairAnalytics:
    """A pair whose spread returns with this half-life, analysed."""
    rng, kept = np.random.default_rng(3), 0.5 ** (1.0 / half_life)
    x, spread = np.log(100.0) + np.cumsum(rng.normal(0.0, 1e-3, rows)), np.zeros(rows)
    for row in range(1, rows):
        spread[row] = kept * spread[row - 1] + rng.normal(0.0, 0.002 * np.sqrt(1.0 - kept * kept))
    ends, ages = SECOND * np.arange(1, rows + 1), np.zeros(rows, np.int64)
    ones = np.ones(rows)
    return analyse(
        PairRows(ends, np.exp(1.0 + 0.7 * x + spread), np.exp(x), ages, ages, ones, ones, ages + 9, ages + 9), spec
    )


def fitted(spec: PairSpec = SPEC, cost_bps: float = 2.0) -> tuple[PairThresholds, float]:
    found = fit_of_page(answer_of(spec), spec, cost_bps)
    assert found is not None
    return found


@pytest.mark.parametrize("price", ["log", "price"])
def test_the_cost_of_the_page_is_that_of_the_fit(price: Any) -> None:
    """In bps of y's notional whatever the spread is made of."""
    spec = PairSpec("Y", "X", SECOND, window=100, price=price)
    fit, unit_bps = fitted(spec)
    assert fit.cost * unit_bps == pytest.approx(round_trip_bps(2.0, hedge_notional(answer_of(spec), spec)))
    assert fit.refusal is None
    assert fit.process.deviation * unit_bps == pytest.approx(20.0, rel=0.25)


def test_bars_in_which_a_leg_did_not_trade_are_not_looked_at() -> None:
    """Every other bar repeats the price of y: half as many bars to look at, and the half-life of them."""
    full = fitted()[0]
    answer = answer_of(SPEC, rows=1_000)
    stale = answer_of(SPEC, rows=1_000)
    stale.closed["y_trades"][::2] = 0
    odd = {name: column[1::2] for name, column in answer.closed.items()}
    found = fit_of_page(stale, SPEC, 2.0)
    assert found is not None
    assert found == fit_of_page(replace(answer, closed=odd), SPEC, 2.0)
    assert found[0].process.half_life < 0.75 * full.process.half_life


def test_the_sentence_has_the_numbers_it_comes_from() -> None:
    fit, unit_bps = fitted()
    said = fit_sentence(fit, unit_bps)
    assert f"half-life of {fit.verdict.half_life_bars:.3g} bars (95% interval" in said
    assert f"One z of this model stands for {fit.unit * unit_bps:.3g} bps" in said
    assert f"a round trip costs {fit.cost * unit_bps:.3g} bps" in said
    assert "At the ends of the interval the entry to turn at is ±" in said


def test_the_table_stands_beside_what_is_set() -> None:
    fit, unit_bps = fitted()
    frame = rules_frame(fit, SPEC, unit_bps)
    assert frame["rule"].tolist() == ["as set", "turn at the other entry", "leave at the mean"]
    assert frame["entry"][0] == 2.0
    assert frame["exit"].tolist()[1:] == [-frame["entry"][1], 0.0]
    assert frame["net_bps_rate"][1] > frame["net_bps_rate"][2] > frame["net_bps_rate"][0]


def test_a_strategy_is_fitted_on_its_own_z_score_and_its_own_costs() -> None:
    answer, rules = answer_of(SPEC), BrokerRules(fees=Fees(taker_bps=2.0), half_spread_bps=0.5)
    own = fit_of_strategy(answer, ZScoreThreshold(SPEC, sizer=FixedNotional()), rules)
    assert own is not None
    ratio = float(answer.closed["hedge_ratio"][-1])
    assert own[0].cost == pytest.approx(2.0 * (1.0 + ratio) * 2.5e-4)
    page = fit_of_page(answer, SPEC, 2.5)
    assert page is not None
    assert own[0] == page[0]
    with pytest.raises(ParameterError, match="hardly follows"):  # a value whose level drifts away
        fit_of_strategy(answer, ZScoreThreshold(SPEC, spread="value"), rules)
    assert fit_of_page(None, SPEC, 2.0) is None
    assert fit_of_strategy(None, ZScoreThreshold(SPEC), rules) is None


def test_a_unit_of_prices_is_worth_less_the_higher_the_price() -> None:
    assert bps_of("log", 50.0) == 1e4
    assert bps_of("price", 50.0) == 200.0


def box(cost_bps: float, half_life: float) -> None:
    import streamlit as st

    from tests.views.shared.test_threshold_controls import SPEC, answer_of
    from views.shared.threshold_controls import fit_of_page, offer_thresholds

    st.number_input("Entry", 0.05, 6.0, 2.0, key="entry")
    st.number_input("Exit", -6.0, 5.0, 0.5, key="exit")
    offer_thresholds(st, SPEC, lambda: fit_of_page(answer_of(SPEC, half_life), SPEC, cost_bps))


def opened(cost_bps: float, half_life: float) -> AppTest:
    test = AppTest.from_function(box, args=(cost_bps, half_life), default_timeout=60.0)
    test.session_state["thresholds"] = True
    test.run()
    assert not test.exception, test.exception
    return test


def test_a_button_sets_entry_and_exit() -> None:
    test = opened(2.0, 8.0)
    fit, _ = fitted()
    entry, leave = fit.zscores(fit.waiting)
    assert [button.label for button in test.button][1] == f"Set {entry:g} in, {leave:g} out"
    test.button(key="set_leave at the mean").click().run()
    assert not test.exception
    assert (test.number_input(key="entry").value, test.number_input(key="exit").value) == (entry, 0.0)


def test_where_no_threshold_pays_none_is_offered() -> None:
    test = opened(200.0, 8.0)
    assert not test.button
    assert "No threshold pays: a round trip costs" in words(test)


def test_where_nothing_returns_none_is_offered() -> None:
    test = opened(2.0, 1e9)
    assert not test.button
    assert any(part in words(test) for part in ("No cointegration is shown", "hardly follows", "between 0 and 1"))


@pytest.mark.parametrize("model", MODELS)
def test_every_model_is_fitted_on_the_z_score_that_positions_follow(model: Model) -> None:
    spec = PairSpec("Y", "X", SECOND, model, 100)
    answer, rules = answer_of(spec, rows=1_700), BrokerRules(fees=Fees(taker_bps=2.0))
    page, strategy = fit_of_page(answer, spec, 8.0), fit_of_strategy(answer, ZScoreThreshold(spec), rules)
    assert page is not None
    assert strategy is not None
    assert strategy[0].process == page[0].process
    assert strategy[0].unit == page[0].unit


def test_without_a_settled_z_score_there_is_no_fit() -> None:
    spec = PairSpec("Y", "X", SECOND, "kalman", 100)
    with pytest.raises(NotEnoughObservations, match="thresholds that follow from cost"):
        fit_of_page(answer_of(spec, rows=800), spec, 2.0)
