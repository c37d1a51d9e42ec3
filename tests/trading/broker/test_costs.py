"""Costs and times: each rate against a number worked out by hand, each wrong setting refused in words."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphastream.errors import ParameterError
from alphastream.trading import (
    BrokerRules,
    Contract,
    Fees,
    FixedFunding,
    FixedLatency,
    PowerImpact,
    RecordedFunding,
)
from alphastream.trading.broker.costs import Due, funding_amount

HOUR = 3_600 * 10**9


def test_makers_and_takers_pay_their_own_rate() -> None:
    assert (Fees(5.0, -1.0).fee_bps(False), Fees(5.0, -1.0).fee_bps(True)) == (5.0, -1.0)


def test_impact_grows_with_the_share_of_the_bar() -> None:
    square_root, linear = PowerImpact(10.0), PowerImpact(10.0, exponent=1.0)
    assert square_root.impact_bps(-4.0, 16.0) == 5.0
    assert linear.impact_bps(-4.0, 16.0) == 2.5
    assert square_root.impact_bps(64.0, 16.0) == 20.0


@pytest.mark.parametrize("volume", [0.0, float("nan")])
def test_an_unknown_volume_counts_as_the_whole_bar(volume: float) -> None:
    assert PowerImpact(10.0).impact_bps(3.0, volume) == 10.0
    assert PowerImpact().impact_bps(3.0, volume) == 0.0


def test_fixed_funding_falls_due_at_multiples_of_its_time() -> None:
    funding = FixedFunding(1.0)
    assert funding.due("Y", 0) == Due(8 * HOUR, 1e-4)
    assert funding.due("Y", 8 * HOUR - 1) == Due(8 * HOUR, 1e-4)
    assert funding.due("Y", 8 * HOUR) == Due(16 * HOUR, 1e-4)


def test_recorded_funding_is_read_in_its_order_and_ends() -> None:
    first, second = Due(10, 0.1), Due(20, -0.2, 101.5)
    funding = RecordedFunding({"Y": ((10, 0.1), (20, -0.2, 101.5))})
    assert [funding.due("Y", after) for after in (0, 9, 10, 19, 20)] == [first, first, second, second, None]
    assert funding.due("X", 0) is None


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (((20, 0.1), (20, 0.2)), "times must rise"),
        (((20, float("nan")),), "rate is nan"),
        (((20, 0.1, float("nan")),), "mark is nan"),
        (((20, 0.1, 0.0),), "mark is 0.0"),
    ],
)
def test_a_payment_that_cannot_be_is_refused(table: tuple[tuple[int, float], ...], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        RecordedFunding({"Y": table})


def test_a_long_position_pays_a_positive_rate_at_the_mark() -> None:
    assert funding_amount(0.5, 60_123.4, 1e-4) == pytest.approx(-3.00617, abs=1e-12)
    assert funding_amount(-0.5, 60_123.4, 1e-4) == pytest.approx(3.00617, abs=1e-12)
    assert funding_amount(0.5, 60_123.4, -1e-4) == pytest.approx(3.00617, abs=1e-12)


def test_quantities_are_cut_towards_zero() -> None:
    contract = Contract(lot=0.1)
    assert [contract.rounded(units) for units in (0.19, -0.19, 0.05, 0.0)] == [0.1, -0.1, 0.0, 0.0]
    assert contract.rounded(0.3) == pytest.approx(0.3)
    assert contract.rounded(0.7999999999999999) == pytest.approx(0.8)  # 8 × 0.1 less an ulp: eight lots, not seven
    assert Contract().rounded(0.123456789) == 0.123456789


@given(st.floats(-1e6, 1e6), st.sampled_from([0.001, 0.01, 0.1, 1.0, 5.0]))
def test_lots_never_make_a_position_larger_and_rounding_again_changes_nothing(units: float, lot: float) -> None:
    whole = Contract(lot=lot).rounded(units)
    assert abs(whole) <= abs(units) * (1 + 2e-9) + 1e-12
    assert abs(units - whole) < lot * (1 + 1e-6)
    assert Contract(lot=lot).rounded(whole) == whole


def test_prices_move_to_the_tick_against_the_taker() -> None:
    contract = Contract(tick=0.05)
    assert contract.worsened(10.01, buying=True) == pytest.approx(10.05)
    assert contract.worsened(10.04, buying=False) == pytest.approx(10.0)
    for buying in (True, False):
        assert contract.worsened(10.05, buying) == pytest.approx(10.05)
        assert Contract().worsened(10.01, buying) == 10.01


def test_contracts_that_are_not_listed_have_no_steps() -> None:
    rules = BrokerRules(contracts={"Y": Contract(lot=1.0)})
    assert rules.contract("Y").lot == 1.0
    assert rules.contract("X") == Contract()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Fees(taker_bps=float("nan")), "taker_bps is nan"),
        (lambda: Fees(maker_bps=-101.0), "maker_bps is -101.0"),
        (lambda: PowerImpact(-1.0), "bps is -1.0"),
        (lambda: PowerImpact(1.0, exponent=0.0), "exponent is 0.0: impact grows with size"),
        (lambda: PowerImpact(1.0, exponent=3.5), "exponent is 3.5"),
        (lambda: FixedLatency(-1), "an order cannot arrive before it is decided"),
        (lambda: FixedFunding(float("inf")), "rate_bps is inf"),
        (lambda: FixedFunding(1.0, every_ns=0), "funding every 0 ns"),
        (lambda: RecordedFunding({"Y": ((10, 0.1), (10, 0.2))}), "funding of Y: times must rise"),
        (lambda: Contract(lot=-0.1), "lot is -0.1"),
        (lambda: Contract(min_notional=float("nan")), "min_notional is nan"),
        (lambda: BrokerRules(half_spread_bps=-1.0), "half_spread_bps is -1.0"),
        (lambda: BrokerRules(max_share=0.0), "max_share is 0.0"),
        (lambda: BrokerRules(max_share=1.5), "max_share is 1.5"),
        (lambda: BrokerRules(timeout_ns=0), "timeout_ns is 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(make: Any, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        make()


def test_a_rule_that_does_not_exist_is_answered_with_those_that_do() -> None:
    wrong: Any = "next_bar"
    with pytest.raises(ParameterError, match="fill is 'next_bar': it is one of 'next_trade', 'next_open'"):
        BrokerRules(fill=wrong)
    with pytest.raises(ParameterError, match="on_timeout is 'next_bar': it is one of 'unwind', 'match', 'keep'"):
        BrokerRules(on_timeout=wrong)
