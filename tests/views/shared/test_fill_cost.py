"""What a fill costs, its parts and what is derived from it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from alphastream.errors import ParameterError
from alphastream.pairs import PairSpec
from tests.views.shared.test_threshold_controls import answer_of
from views.shared.fill_cost import RANGE, Parts, hedge_notional, parts_of, require_cost, round_trip_bps
from views.shared.readiness import ready_cards

LOG = PairSpec("Y", "X")
FEED = {"id": "feed", "label": "Feed", "value": "live", "sub": "", "tone": "ok", "title": "", "group": ""}


@given(some.floats(*RANGE), some.floats(0.0, 500.0))
def test_the_parts_of_a_cost_add_up_to_it(cost: float, half_spread: float) -> None:
    parts = parts_of(cost, half_spread)
    assert parts.fee_bps >= 0.0
    assert 0.0 <= parts.half_spread_bps <= half_spread
    assert parts.cost_bps == pytest.approx(cost, abs=1e-8)


def test_a_rebate_beyond_the_spread_is_no_cost_of_other_pages() -> None:
    assert require_cost(Parts(-0.25, 0.5)) == 0.25
    with pytest.raises(ParameterError, match=r"fee of -1 and a half spread of 0\.5 bps are -0\.5 bps a fill"):
        require_cost(Parts(-1.0, 0.5))


def test_a_round_trip_fills_both_legs_twice() -> None:
    assert round_trip_bps(5.5) == 22.0
    assert round_trip_bps(5.5, 0.0) == 11.0  # y alone
    assert round_trip_bps(2.0, -1.5) == 10.0


def test_the_hedge_is_a_share_of_notional_on_logs_and_on_prices() -> None:
    assert hedge_notional(None, LOG) == 1.0
    answer = answer_of(LOG)
    assert hedge_notional(answer, LOG) == pytest.approx(float(answer.closed["hedge_ratio"][-1]))
    on_prices = PairSpec("Y", "X", price="price")
    ratio, y, x = (float(answer.closed[name][-1]) for name in ("hedge_ratio", "y", "x"))
    assert hedge_notional(answer, on_prices) == pytest.approx(ratio * x / y)


def test_readiness_sets_the_edge_against_the_round_trip_of_the_hedge() -> None:
    answer = answer_of(LOG)
    cards = {card["id"]: card for card in ready_cards(answer, LOG, FEED, 0, 3.0)}  # type: ignore[arg-type]
    expected = 2.0 * 3.0 * (1.0 + abs(hedge_notional(answer, LOG)))
    assert math.isfinite(expected)
    assert f"cost {expected:.3g}" in cards["ready-edge"]["sub"]
    assert np.isfinite(answer.closed["hedge_ratio"][-1])
