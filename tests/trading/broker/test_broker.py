"""What becomes of a spread order: legs apart, replaced, refused, out of time."""

from typing import Any

import pytest

from alphastream.errors import ParameterError
from alphastream.trading import BrokerRules, Contract, Fees, FixedFunding, FixedLatency, PowerImpact, SpreadRequest
from alphastream.trading.broker.costs import FillRule
from alphastream.trading.broker.orders import OnTimeout
from tests.trading.engine.desk import SECOND, Desk

FREE = Fees(0.0, 0.0)


def free(**settings: Any) -> BrokerRules:
    """Rules without costs or delay, unless they are given."""
    return BrokerRules(**{"fees": FREE, "latency": FixedLatency(0), **settings})


def states(desk: Desk, order: int = -1) -> list[str]:
    return [leg.state for leg in desk.broker.orders[order].legs]


# ---- legs apart ------------------------------------------------------------------------------------------------


def test_each_leg_meets_its_own_trades() -> None:
    desk = Desk(free())
    order = desk.move(10, 2.0, -3.0, direction=1)
    assert (order.state, states(desk), order.ratio) == ("open", ["open", "open"], 1.5)
    desk.trade("Y", 15, 101.0)
    assert (order.state, states(desk)) == ("one leg", ["filled", "open"])
    assert desk.account.positions == [2.0, 0.0]
    assert desk.broker.is_waiting
    desk.trade("Y", 16, 102.0)  # nothing is left of this leg
    desk.trade("X", 40, 51.0)
    assert (order.state, order.leg_gap_ns) == ("filled", 25)
    assert desk.fills() == [("Y", 15, 2.0, 101.0), ("X", 40, -3.0, 51.0)]
    assert not desk.broker.is_waiting


def test_the_market_is_watched_while_somebody_waits() -> None:
    desk = Desk(free(latency=FixedLatency(5)))
    desk.move(10, 2.0, -3.0)
    assert desk.wanted == {0: 15, 1: 15}
    desk.trade("Y", 15, 101.0)
    assert desk.wanted == {0: None, 1: 15}


def test_a_leg_that_is_where_it_should_be_is_no_part_of_the_order() -> None:
    desk = Desk(free())
    desk.move(10, 2.0, 0.0)
    desk.trade("Y", 10, 100.0)
    order = desk.move(20, 2.0, -1.0)
    assert [leg.symbol for leg in order.legs] == ["X"]
    desk.trade("X", 20, 50.0)
    assert order.state == "filled"


def test_nothing_is_sent_where_nothing_is_to_be_traded() -> None:
    desk = Desk(free())
    assert desk.broker.request(SpreadRequest((0.0, 0.0), direction=1), 10, desk.marks, desk.volumes) is None
    assert desk.account.direction == 1
    assert desk.broker.orders == []


def test_a_new_target_takes_the_place_of_what_is_open() -> None:
    desk = Desk(free(max_share=1.0))
    first = desk.move(10, 4.0, -4.0, direction=1)
    desk.trade("Y", 11, 100.0, 3.0)
    second = desk.move(20, -1.0, 1.0, direction=-1)
    assert (first.state, states(desk, 0)) == ("cancelled", ["cancelled", "cancelled"])
    assert [leg.quantity for leg in second.legs] == [-4.0, 1.0]
    desk.trade("Y", 21, 100.0, 10.0)
    desk.trade("X", 21, 50.0, 10.0)
    assert desk.account.positions == [-1.0, 1.0]
    assert [(fill.quantity, fill.round_trip) for fill in desk.account.fills] == [
        (3.0, 1),
        (-3.0, 1),
        (-1.0, 2),
        (1.0, 2),
    ]


def test_cancelling_keeps_what_is_filled() -> None:
    desk = Desk(free())
    order = desk.move(10, 4.0, -4.0)
    desk.trade("Y", 11, 100.0)
    desk.broker.cancel(order)
    desk.trade("X", 12, 50.0)
    assert (order.state, states(desk)) == ("cancelled", ["filled", "cancelled"])
    assert desk.account.positions == [4.0, 0.0]
    desk.broker.cancel(order)  # once more changes nothing
    assert order.state == "cancelled"


def test_latency_keeps_orders_from_trades_before_it() -> None:
    desk = Desk(free(latency=FixedLatency(100)))
    desk.move(10, 1.0, 0.0)
    desk.trade("Y", 109, 100.0)
    assert desk.fills() == []
    desk.trade("Y", 110, 101.0)
    assert desk.fills() == [("Y", 110, 1.0, 101.0)]


@pytest.mark.parametrize(("rule", "meets"), [("next_trade", 10), ("next_open", 10), ("next_close", 11)])
def test_a_close_at_the_decision_is_no_next_close(rule: FillRule, meets: int) -> None:
    desk = Desk(free(fill=rule))
    desk.move(10, 1.0, 0.0)
    desk.trade("Y", 10, 100.0)
    desk.trade("Y", 11, 101.0)
    assert [fill[1] for fill in desk.fills()] == [meets]


def test_the_same_close_fills_at_once_what_traded_in_the_bar() -> None:
    desk = Desk(free(fill="same_close"))
    desk.mark(10, 100.0, 50.0, volumes=(5.0, 0.0))
    order = desk.move(10, 1.0, -2.0)
    assert (order.state, desk.fills()) == ("one leg", [("Y", 10, 1.0, 100.0)])
    desk.trade("X", 20, 51.0)
    assert desk.fills()[1:] == [("X", 20, -2.0, 51.0)]


def test_a_share_of_the_same_close_is_not_to_be_had_twice() -> None:
    desk = Desk(free(fill="same_close", max_share=0.5))
    desk.mark(10, 100.0, 50.0, volumes=(4.0, 4.0))
    desk.move(10, 3.0, 0.0)
    assert desk.wanted == {0: 11}
    desk.trade("Y", 10, 100.0, 4.0)  # the very close that has been met
    desk.trade("Y", 20, 101.0, 4.0)
    assert desk.fills() == [("Y", 10, 2.0, 100.0), ("Y", 20, 1.0, 101.0)]


def test_a_bar_of_unknown_volume_may_still_meet_its_close() -> None:
    desk = Desk(free(fill="same_close"))
    desk.mark(10, 100.0, 50.0, volumes=(float("nan"), 0.0))
    desk.move(10, 1.0, 0.0)
    desk.trade("Y", 10, 100.0, float("nan"))
    assert desk.fills() == [("Y", 10, 1.0, 100.0)]


# ---- shares, steps, prices -------------------------------------------------------------------------------------


def test_an_order_takes_its_share_of_trades_and_waits_for_more() -> None:
    desk = Desk(free(max_share=0.25))
    order = desk.move(10, 1.0, 0.0)
    for when, quantity in ((10, 2.0), (11, 0.4), (12, 8.0)):
        desk.trade("Y", when, 100.0, quantity)
    assert [fill[2] for fill in desk.fills()] == pytest.approx([0.5, 0.1, 0.4])
    assert desk.account.positions == [1.0, 0.0]
    assert order.legs[0].filled_ns == 12


def test_a_share_is_cut_to_lots_and_a_trade_too_small_is_passed_by() -> None:
    desk = Desk(free(max_share=0.5, contracts={"Y": Contract(lot=1.0)}))
    desk.move(10, -3.7, 0.0)
    for when, quantity in ((10, 1.9), (11, 3.0), (12, 9.0)):
        desk.trade("Y", when, 100.0, quantity)
    assert desk.fills() == [("Y", 11, -1.0, 100.0), ("Y", 12, -2.0, 100.0)]


def test_targets_are_cut_to_lots_of_each_leg() -> None:
    desk = Desk(free(contracts={"Y": Contract(lot=0.1), "X": Contract(lot=1.0)}))
    order = desk.move(10, 0.29, -1.9)
    assert [leg.quantity for leg in order.legs] == pytest.approx([0.2, -1.0])


def test_prices_are_worsened_by_half_spread_impact_and_tick() -> None:
    rules = free(
        half_spread_bps=10.0,
        fees=Fees(taker_bps=20.0),
        impact=PowerImpact(40.0),
        contracts={"Y": Contract(tick=0.5)},
    )
    desk = Desk(rules)
    desk.mark(10, 100.0, 50.0, volumes=(16.0, 4.0))
    desk.move(10, 4.0, -1.0)
    desk.trade("Y", 11, 100.0)
    desk.trade("X", 11, 50.0)
    bought, sold = desk.account.fills
    assert bought.price == 100.5  # 10 bps and 40 bps · √(4/16) are 0.3, and the next tick is 0.5
    assert (bought.impact_cost, bought.spread_cost) == pytest.approx((0.8, 1.2))
    assert bought.fee == pytest.approx(4.0 * 100.5 * 0.002)
    assert sold.price == pytest.approx(50.0 * (1 - 0.003))
    assert (sold.impact_cost, sold.spread_cost) == pytest.approx((0.1, 0.05))


def test_a_limit_waits_for_a_trade_beyond_it_and_pays_as_a_maker() -> None:
    desk = Desk(BrokerRules(latency=FixedLatency(0), fees=Fees(50.0, 10.0), half_spread_bps=100.0))
    desk.mark(10, 100.0, 50.0)
    order = desk.request(10, SpreadRequest((1.0, -1.0), limits=(99.0, 51.0), direction=1))
    for when, price in ((10, 99.5), (11, 99.0), (12, 98.0)):
        desk.trade("Y", when, price)
    desk.trade("X", 13, 51.0)
    assert order.state == "one leg"
    desk.trade("X", 14, 52.0)
    assert desk.fills() == [("Y", 12, 1.0, 99.0), ("X", 14, -1.0, 51.0)]
    assert all(fill.maker and fill.spread_cost == 0.0 for fill in desk.account.fills)
    assert desk.account.fills[0].fee == pytest.approx(99.0 * 10e-4)


# ---- least order -----------------------------------------------------------------------------------------------

SMALL = {"X": Contract(min_notional=100.0)}


def test_an_entry_with_a_leg_too_small_is_refused_as_a_whole() -> None:
    desk = Desk(free(contracts=SMALL))
    order = desk.move(10, 5.0, -0.5, direction=1)  # half a unit at 100
    assert (order.state, states(desk)) == ("rejected", ["rejected", "rejected"])
    assert order.reason == "X: 50.00 is under the least order of 100.00"
    desk.trade("Y", 11, 100.0)
    assert desk.fills() == []
    assert desk.account.direction == 1  # it is not asked for again on every row


def test_what_closes_a_position_is_never_too_small() -> None:
    desk = Desk(free(contracts=SMALL))
    desk.move(10, 5.0, -1.0, direction=1)
    desk.trade("X", 10, 50.0)
    desk.trade("Y", 10, 100.0)
    desk.mark(20, 100.0, 10.0)
    order = desk.move(20, 0.0, 0.0, direction=0)
    assert order.state == "open"


@pytest.mark.parametrize("direction", [1, None])
def test_an_adjustment_too_small_keeps_no_other_leg_from_its_own(direction: int | None) -> None:
    desk = Desk(free(contracts=SMALL))
    desk.move(10, 5.0, -3.0, direction=direction)
    desk.trade("X", 10, 50.0)
    order = desk.move(20, 6.0, -3.1, direction=direction)  # Y still waits, X is 10 off
    assert [(leg.symbol, leg.quantity) for leg in order.legs] == [("Y", 6.0)]
    assert desk.broker.request(SpreadRequest((0.0, 0.1)), 30, desk.marks, desk.volumes) is desk.broker.orders[-1]
    assert desk.broker.orders[-1].state == "rejected"  # asked for by name, it is answered


# ---- out of time -----------------------------------------------------------------------------------------------


def late(rule: OnTimeout, **settings: Any) -> Desk:
    """A desk where a spread has ten ns, and Y is bought while X is not."""
    desk = Desk(free(timeout_ns=10, on_timeout=rule, max_share=1.0, **settings))
    desk.move(100, 4.0, -8.0, direction=1, reason="long spread")
    desk.trade("Y", 104, 100.0, 4.0)
    return desk


def test_unwind_sells_what_was_bought_and_the_strategy_may_ask_again() -> None:
    desk = late("unwind")
    desk.trade("X", 105, 50.0, 2.0)
    desk.until(109)
    assert desk.account.direction == 1
    desk.until(110)
    entry, back = desk.broker.orders
    assert (entry.state, entry.reason, back.reason) == (
        "unwinding",
        "long spread; not filled in time",
        "unwinds order 1",
    )
    assert [(leg.quantity, leg.eligible_ns) for leg in back.legs] == [(-4.0, 110), (2.0, 110)]
    assert desk.account.direction == 0
    desk.trade("Y", 111, 99.0, 9.0)
    desk.trade("X", 500, 49.0, 9.0)  # an order that unwinds has all the time
    assert (entry.state, desk.account.positions) == ("unwound", [0.0, 0.0])
    assert {fill.round_trip for fill in desk.account.fills} == {1}


def test_match_trades_the_leg_ahead_back_to_the_share_of_the_other() -> None:
    desk = late("match")
    desk.trade("X", 105, 50.0, 2.0)  # a quarter of it
    desk.trade("Y", 111, 99.0, 9.0)
    entry, back = desk.broker.orders
    assert [(leg.symbol, leg.quantity) for leg in back.legs] == [("Y", -3.0)]
    assert (desk.account.positions, desk.account.direction, entry.state) == ([1.0, -2.0], 1, "unwound")


def test_match_without_any_of_the_other_leg_is_unwinding() -> None:
    desk = late("match")
    desk.trade("Y", 111, 99.0, 9.0)
    assert (desk.account.positions, desk.account.direction) == ([0.0, 0.0], 0)


def test_keep_leaves_things_as_they_are() -> None:
    desk = late("keep")
    desk.trade("X", 111, 50.0, 9.0)
    assert (desk.account.positions, desk.account.direction) == ([4.0, 0.0], 1)
    assert (desk.broker.orders[0].state, len(desk.broker.orders)) == ("cancelled", 1)


@pytest.mark.parametrize("rule", ["unwind", "match", "keep"])
def test_an_entry_of_which_nothing_was_filled_may_be_asked_for_again(rule: OnTimeout) -> None:
    desk = Desk(free(timeout_ns=10, on_timeout=rule))
    order = desk.move(100, 4.0, -8.0, direction=1)
    desk.until(110)
    assert (order.state, desk.account.direction, len(desk.broker.orders)) == ("cancelled", 0, 1)


@pytest.mark.parametrize(("rule", "left"), [("unwind", [4.0, -8.0]), ("match", [3.0, -6.0]), ("keep", [0.0, -6.0])])
def test_an_exit_that_is_not_out_in_time_is_asked_for_again(rule: OnTimeout, left: list[float]) -> None:
    desk = Desk(free(timeout_ns=10, on_timeout=rule, max_share=1.0))
    desk.move(100, 4.0, -8.0, direction=1)
    desk.trade("Y", 100, 100.0, 4.0)
    desk.trade("X", 100, 50.0, 8.0)
    desk.move(200, 0.0, 0.0, direction=0)
    desk.trade("Y", 201, 100.0, 4.0)
    desk.trade("X", 202, 50.0, 2.0)
    desk.trade("Y", 211, 100.0, 9.0)
    desk.trade("X", 211, 50.0, 9.0)
    assert (desk.account.positions, desk.account.direction) == (left, 1)
    desk.move(220, 0.0, 0.0, direction=0)
    desk.trade("Y", 221, 100.0, 9.0)
    desk.trade("X", 222, 50.0, 9.0)
    assert desk.account.positions == [0.0, 0.0]


def test_a_turn_out_of_time_goes_back_to_the_side_it_came_from() -> None:
    desk = Desk(free(timeout_ns=10))
    desk.move(100, 4.0, -8.0, direction=1)
    desk.trade("Y", 100, 100.0)
    desk.trade("X", 100, 50.0)
    desk.move(200, -4.0, 8.0, direction=-1)
    desk.trade("Y", 201, 100.0)
    desk.trade("Y", 211, 100.0)
    assert (desk.account.positions, desk.account.direction) == ([4.0, -8.0], 1)
    assert [fill.round_trip for fill in desk.account.fills] == [
        1,
        1,
        1,
        2,
        2,
        1,
    ]  # back in the round trip that X never left


def test_a_target_replaces_what_is_being_unwound() -> None:
    desk = late("unwind")
    desk.until(110)
    desk.move(120, 4.0, -8.0, direction=1)
    assert [order.state for order in desk.broker.orders] == ["cancelled", "cancelled", "open"]
    desk.trade("Y", 121, 100.0, 9.0)
    desk.trade("X", 121, 50.0, 9.0)
    assert desk.account.positions == [4.0, -8.0]


def test_an_order_that_is_filled_in_time_is_left_alone() -> None:
    desk = late("unwind")
    desk.trade("X", 109, 50.0, 8.0)
    desk.until(SECOND)
    assert (desk.account.positions, len(desk.broker.orders)) == ([4.0, -8.0], 1)


def test_a_request_may_have_a_time_of_its_own() -> None:
    desk = Desk(free(timeout_ns=10, on_timeout="unwind"))
    desk.request(100, SpreadRequest((1.0, 1.0), timeout_ns=50, on_timeout="keep"))
    desk.trade("Y", 101, 100.0)
    desk.until(149)
    assert desk.broker.is_waiting
    desk.until(150)
    assert (desk.broker.is_waiting, desk.account.positions) == (False, [1.0, 0.0])


# ---- funding, refusals -----------------------------------------------------------------------------------------


def test_funding_waits_for_the_row_that_knows_its_price() -> None:
    desk = Desk(free(funding=FixedFunding(100.0, every_ns=100)))
    desk.broker.funding.begin(0, until_ns=300)
    desk.mark(50, 100.0, 50.0)
    desk.move(50, 1.0, 0.0)
    desk.trade("Y", 60, 100.0)
    desk.mark(80, 100.0, 50.0)
    desk.mark(150, 110.0, 50.0)  # due at 100: the price then known was that of the row at 80
    desk.mark(200, 120.0, 50.0)  # due at the row's own end
    desk.until(1_000)
    desk.broker.funding.settle(1_000, [130.0, 50.0], [125.0, 50.0])  # due at 300
    assert [(paid.time_ns, paid.amount) for paid in desk.account.funding] == [(100, -1.0), (200, -1.2), (300, -1.25)]
    assert desk.broker.funding.unsettled == []


@pytest.mark.parametrize("quantities", [(1.0,), (1.0, float("nan")), (float("inf"), 0.0), ()])
def test_quantities_that_are_no_position_are_refused(quantities: tuple[float, ...]) -> None:
    desk = Desk()
    with pytest.raises(ParameterError, match="for Y, X: give one finite number for each"):
        desk.move(10, *quantities)
    with pytest.raises(ParameterError, match="give one finite number for each"):
        desk.request(10, SpreadRequest(quantities))
