"""What becomes of single orders: limits, stops, brackets, times, reductions, on trades and in bars."""

from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from alphastream.errors import ParameterError
from alphastream.trading import (
    BrokerRules,
    Cancel,
    Fees,
    FixedLatency,
    Margin,
    OrderRequest,
    SpreadOrder,
    SpreadRequest,
)
from alphastream.trading.broker.costs import FillRule
from alphastream.trading.broker.orders import OrderKind
from tests.trading.engine.desk import Desk


def free(**settings: Any) -> BrokerRules:
    """Rules without costs or delay, unless they are given."""
    return BrokerRules(**{"fees": Fees(0.0, 0.0), "latency": FixedLatency(0), **settings})


def states(desk: Desk) -> list[str]:
    return [order.state for order in desk.broker.orders]


def prices(desk: Desk) -> list[tuple[int, float, float]]:
    return [(fill.time_ns, fill.quantity, fill.price) for fill in desk.account.fills]


# ---- on trades -------------------------------------------------------------------------------------------------


def test_several_orders_of_a_leg_work_beside_each_other_and_beside_a_target() -> None:
    desk = Desk(free())
    desk.send(10, 1.0, "limit", limit=98.0)
    desk.send(10, 2.0, "limit", limit=97.0)
    target = desk.move(10, 5.0, 0.0)
    assert [order.id for order in desk.account.open_orders] == [1, 2, 3]
    assert [order.id for order in desk.account.open_orders_of("X")] == []
    desk.trade("Y", 11, 97.5)
    desk.trade("Y", 12, 96.0)
    assert prices(desk) == [(11, 5.0, 97.5), (11, 1.0, 98.0), (12, 2.0, 97.0)]
    assert (target.state, desk.account.positions, desk.account.open_orders) == ("filled", [8.0, 0.0], ())


def test_the_aim_of_a_target_that_waits_moves_with_what_single_orders_trade() -> None:
    desk = Desk(free(max_share=1.0))
    desk.move(10, 5.0, 0.0)
    desk.send(10, 3.0)
    desk.trade("Y", 11, 100.0, 4.0)
    desk.trade("Y", 12, 100.0, 2.0)
    desk.trade("Y", 13, 100.0, 9.0)
    assert (desk.account.positions, states(desk)) == ([8.0, 0.0], ["filled", "filled"])
    assert sum(fill.quantity for fill in desk.account.fills if fill.time_ns == 12) == 2.0  # no trade is had twice


def test_a_limit_through_the_market_takes_the_markets_price() -> None:
    desk = Desk(BrokerRules(latency=FixedLatency(0), fees=Fees(50.0, 10.0), half_spread_bps=100.0))
    desk.send(10, 1.0, "limit", limit=105.0)
    desk.trade("Y", 11, 102.0)
    (fill,) = desk.account.fills
    assert (fill.maker, fill.trade_price) == (False, 102.0)
    assert fill.price == pytest.approx(103.02)
    assert fill.fee == pytest.approx(103.02 * 50e-4)
    assert fill.spread_cost == pytest.approx(1.02)


def test_it_never_pays_more_than_its_limit() -> None:
    desk = Desk(free(half_spread_bps=100.0))
    desk.send(10, 1.0, "limit", limit=102.0)
    desk.trade("Y", 11, 101.9)
    (fill,) = desk.account.fills
    assert (fill.maker, fill.price) == (False, 102.0)
    assert fill.spread_cost == pytest.approx(0.1)


def test_it_waits_in_the_book_where_the_market_has_left_it() -> None:
    desk = Desk(free())
    desk.send(10, 1.0, "limit", limit=102.0)
    desk.trade("Y", 11, 103.0)
    desk.trade("Y", 12, 102.0)
    assert desk.account.fills == []
    desk.trade("Y", 13, 101.0)
    assert [(fill.maker, fill.price) for fill in desk.account.fills] == [(True, 102.0)]


def test_what_the_price_was_on_arrival_decides_who_takes() -> None:
    desk = Desk(free(latency=FixedLatency(5)))
    desk.send(10, 1.0, "limit", limit=99.0)
    assert desk.wanted[0] == 10  # prices before it arrives are wanted, too
    desk.trade("Y", 12, 98.0)
    desk.trade("Y", 15, 97.0)
    assert [(fill.maker, fill.price) for fill in desk.account.fills] == [(False, 97.0)]


def test_a_stop_is_reached_by_one_trade_and_filled_at_the_next() -> None:
    desk = Desk(free())
    order = desk.send(10, 1.0, "stop", stop=105.0)
    desk.trade("Y", 11, 104.0)
    desk.trade("Y", 12, 106.0)
    assert (desk.account.fills, order.legs[0].triggered_ns) == ([], 12)
    desk.trade("Y", 12, 107.0)
    assert prices(desk) == [(12, 1.0, 107.0)]


def test_a_stop_that_is_beyond_the_market_when_it_arrives_is_reached() -> None:
    desk = Desk(free())
    desk.send(10, -1.0, "stop", stop=101.0)
    desk.trade("Y", 11, 99.0)
    assert prices(desk) == [(11, -1.0, 99.0)]


def test_a_stop_limit_becomes_a_limit() -> None:
    desk = Desk(free())
    desk.send(10, 1.0, "stop_limit", stop=105.0, limit=106.0)
    desk.trade("Y", 11, 107.0)  # reached, and over the limit
    desk.trade("Y", 12, 107.0)
    assert desk.account.fills == []
    desk.trade("Y", 13, 105.5)
    assert prices(desk) == [(13, 1.0, 106.0)]


def test_nothing_is_filled_when_its_time_is_over() -> None:
    desk = Desk(free())
    desk.send(10, 1.0, "limit", limit=99.0, good_till_ns=20)
    desk.send(10, 1.0, "limit", limit=98.0, good_till_ns=20)
    desk.trade("Y", 19, 98.5)
    desk.trade("Y", 20, 90.0)
    assert (prices(desk), states(desk)) == ([(19, 1.0, 99.0)], ["filled", "cancelled"])
    assert desk.broker.orders[1].reason == "its time was over"
    assert desk.send(30, 1.0, good_till_ns=30).state == "rejected"


def test_a_row_ends_what_is_over_without_a_trade() -> None:
    desk = Desk(free())
    order = desk.send(10, 1.0, "limit", limit=99.0, good_till_ns=20)
    desk.broker.singles.on_row(19, desk.marks)
    assert order.state == "open"
    desk.broker.singles.on_row(20, desk.marks)
    assert (order.state, desk.wanted[0]) == ("cancelled", None)


@pytest.mark.parametrize(("force", "filled", "state"), [("ioc", 3.0, "cancelled"), ("fok", 0.0, "cancelled")])
def test_at_once_or_not_at_all(force: Any, filled: float, state: str) -> None:
    desk = Desk(free(max_share=1.0))
    order = desk.send(10, 5.0, time_in_force=force)
    desk.trade("Y", 11, 100.0, 3.0)
    desk.trade("Y", 12, 100.0, 9.0)
    assert (order.state, desk.account.positions[0]) == (state, filled)


def test_a_limit_at_once_does_not_wait() -> None:
    desk = Desk(free())
    order = desk.send(10, 1.0, "limit", limit=99.0, time_in_force="ioc")
    desk.trade("Y", 11, 100.0)
    assert order.state == "cancelled"


def test_what_only_reduces_never_turns_and_ends_with_the_position() -> None:
    desk = Desk(free())
    desk.send(10, 3.0)
    desk.trade("Y", 11, 100.0)
    first = desk.send(12, -5.0, "limit", limit=101.0, reduce_only=True)
    second = desk.send(12, -1.0, "limit", limit=110.0, reduce_only=True)
    desk.trade("Y", 13, 102.0)
    assert desk.account.positions == [0.0, 0.0]
    assert [first.state, second.state] == ["cancelled", "cancelled"]
    assert second.reason == "there was no position left to reduce"
    desk.send(14, -1.0, reduce_only=True)
    desk.trade("Y", 15, 100.0)
    assert (desk.account.positions, states(desk)[-1]) == ([0.0, 0.0], "cancelled")


def bracketed(desk: Desk, quantity: float = 2.0) -> tuple[SpreadOrder, SpreadOrder]:
    """Stop and take-profit of an entry at 100."""
    desk.send(10, quantity, take_profit=110.0, stop_loss=95.0)
    desk.trade("Y", 11, 100.0, 9.0)
    _, stop, profit = desk.broker.orders
    return stop, profit


def test_a_bracket_is_armed_by_the_fill_and_takes_its_profit() -> None:
    desk = Desk(free())
    stop, profit = bracketed(desk)
    assert [(order.bracket, order.legs[0].quantity) for order in (stop, profit)] == [(1, -2.0), (1, -2.0)]
    desk.trade("Y", 12, 111.0)
    assert prices(desk)[1:] == [(12, -2.0, 110.0)]
    assert (stop.state, profit.state, desk.account.positions[0]) == ("cancelled", "filled", 0.0)


def test_a_bracket_is_stopped_at_the_trade_after_the_one_that_reached_it() -> None:
    desk = Desk(free())
    stop, profit = bracketed(desk)
    desk.trade("Y", 12, 94.0)
    assert (stop.state, profit.state) == ("open", "cancelled")
    desk.trade("Y", 13, 120.0)
    assert (stop.state, prices(desk)[1:]) == ("filled", [(13, -2.0, 120.0)])


def test_a_side_trades_for_the_other() -> None:
    desk = Desk(free(max_share=1.0))
    stop, profit = bracketed(desk)
    desk.trade("Y", 12, 111.0, 0.5)
    assert (stop.legs[0].rest, profit.legs[0].rest) == (-1.5, -1.5)
    desk.trade("Y", 13, 94.0, 9.0)
    desk.trade("Y", 14, 93.0, 9.0)
    assert (stop.state, profit.state, desk.account.positions[0]) == ("filled", "cancelled", 0.0)


def test_a_bracket_protects_what_is_filled_of_its_entry() -> None:
    desk = Desk(free(max_share=1.0))
    entry = desk.send(10, 5.0, "limit", limit=101.0, take_profit=110.0, stop_loss=95.0)
    desk.trade("Y", 11, 100.0, 2.0)
    desk.trade("Y", 12, 100.0, 1.0)
    assert [order.legs[0].quantity for order in desk.broker.orders[1:]] == [-3.0, -3.0]
    desk.trade("Y", 13, 111.0, 9.0)
    assert (entry.state, desk.account.positions[0], desk.account.open_orders) == ("cancelled", 0.0, ())


def test_a_bracket_ends_with_its_position() -> None:
    desk = Desk(free())
    stop, profit = bracketed(desk)
    desk.move(12, 0.0, 0.0)
    desk.trade("Y", 13, 100.0)
    assert (stop.state, profit.state, desk.account.open_orders) == ("cancelled", "cancelled", ())


def test_cancelling_by_number_by_symbol_and_all() -> None:
    desk = Desk(free())
    for limit in (99.0, 98.0, 97.0):
        desk.send(10, 1.0, "limit", limit=limit)
    desk.broker.take_back(Cancel(2))
    desk.broker.take_back(Cancel(2))  # it is not open any more
    assert states(desk) == ["open", "cancelled", "open"]
    desk.broker.take_back(Cancel(symbol="X"))
    assert states(desk) == ["open", "cancelled", "open"]
    desk.broker.take_back(Cancel(symbol="Y"))
    assert (states(desk), desk.broker.is_waiting) == (["cancelled"] * 3, False)
    with pytest.raises(ParameterError, match="order 9 cannot be cancelled: 3 were sent"):
        desk.broker.take_back(Cancel(9))


def test_the_limit_of_leverage_holds_when_an_order_is_sent_and_when_it_is_filled() -> None:
    desk = Desk(free(margin=Margin(max_leverage=2.0)))
    assert desk.send(10, 201.0).state == "rejected"
    first = desk.send(10, 150.0, "limit", limit=99.0)
    second = desk.send(10, 150.0, "limit", limit=98.0)
    desk.trade("Y", 11, 90.0)
    assert (first.state, second.state, desk.account.positions[0]) == ("filled", "cancelled", 150.0)
    assert "beyond the leverage limit" in second.reason


@pytest.mark.parametrize("limits", [(99.0,), (float("nan"), None), (-1.0, None), (None, None, None)])
def test_limits_of_a_spread_are_one_for_each_symbol(limits: tuple[float | None, ...]) -> None:
    desk = Desk(free())
    waits = desk.request(5, SpreadRequest((1.0, 0.0), (90.0, None)))
    with pytest.raises(ParameterError, match="give a finite price above 0, or None, for each"):
        desk.request(10, SpreadRequest((1.0, 0.0), limits))
    assert waits.state == "open"  # what cannot be replaces nothing


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"quantity": "5"}, "finite number, not 0"),
        ({"quantity": None}, "finite number, not 0"),
        ({"quantity": 1.0, "kind": "limit", "limit": "5"}, "finite price above 0"),
        ({"quantity": 1.0, "good_till_ns": float("nan")}, "UTC nanoseconds"),
        ({"quantity": 1.0, "good_till_ns": "noon"}, "UTC nanoseconds"),
    ],
)
def test_what_is_no_number_is_said(terms: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        OrderRequest("Y", **terms)
    with pytest.raises(ParameterError, match="the number of an order"):
        Cancel("3")  # type: ignore[arg-type]


def test_orders_are_cancelled_by_the_place_of_their_symbol() -> None:
    desk = Desk(free())
    desk.send(10, 1.0, "limit", limit=98.0)
    desk.broker.take_back(Cancel(symbol=1))
    assert states(desk) == ["open"]
    desk.broker.take_back(Cancel(symbol=0))
    assert states(desk) == ["cancelled"]


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_stop_loss_lies_beyond_both_prices_of_a_stop_limit(side: float) -> None:
    with pytest.raises(ParameterError, match="stop_loss"):
        OrderRequest("Y", side, "stop_limit", stop=100 + 5 * side, limit=100 + 10 * side, stop_loss=100 + 7 * side)
    OrderRequest("Y", side, "stop_limit", stop=100 + 5 * side, limit=100 + 4 * side, stop_loss=100 + 3 * side)
    OrderRequest("Y", side, "stop_limit", stop=100 + 5 * side, limit=100 + 5 * side, stop_loss=100 + 3 * side)


# ---- in bars ---------------------------------------------------------------------------------------------------


def in_bars(rule: FillRule = "next_open", **settings: Any) -> Desk:
    return Desk(free(fill=rule, **settings))


def test_a_limit_within_a_bar_is_a_maker_and_at_its_open_a_taker() -> None:
    desk = in_bars()
    desk.send(100, 1.0, "limit", limit=99.0)
    assert desk.wanted[2] == 100  # bars of the first of two legs
    desk.bar(200, 100, 100.0, 101.0, 99.0)
    assert desk.account.fills == []
    desk.bar(300, 200, 100.0, 101.0, 98.0)
    desk.send(300, 1.0, "limit", limit=99.0)
    desk.bar(400, 300, 97.0, 101.0, 96.0)
    assert [(f.time_ns, f.price, f.maker) for f in desk.account.fills] == [(299, 99.0, True), (399, 97.0, False)]


def test_a_stop_within_a_bar_trades_at_its_price_and_gapped_over_at_the_open() -> None:
    desk = in_bars()
    desk.send(100, 1.0, "stop", stop=105.0)
    desk.bar(200, 100, 100.0, 106.0, 99.0)
    desk.send(200, 1.0, "stop", stop=110.0)
    desk.bar(300, 200, 112.0, 113.0, 99.0)
    assert prices(desk) == [(199, 1.0, 105.0), (299, 1.0, 112.0)]


@pytest.mark.parametrize("rule", ["next_open", "next_close", "same_close"])
def test_an_order_meets_no_bar_that_began_before_it(rule: FillRule) -> None:
    desk = in_bars(rule)
    desk.send(150, 1.0, "limit", limit=99.0)
    desk.bar(200, 100, 100.0, 101.0, 90.0)
    assert desk.account.fills == []
    desk.bar(300, 200, 100.0, 101.0, 90.0)
    assert prices(desk) == [(299, 1.0, 99.0)]


def test_where_both_sides_lie_in_a_bar_the_stop_comes_first() -> None:
    desk = in_bars()
    desk.send(100, 2.0, take_profit=110.0, stop_loss=95.0)
    desk.trade("Y", 100, 100.0)  # the open
    desk.bar(200, 100, 100.0, 111.0, 94.0)
    assert (prices(desk)[1:], states(desk)) == ([(199, -2.0, 95.0)], ["filled", "filled", "cancelled"])


def test_an_open_beyond_the_take_profit_comes_before_the_stop() -> None:
    desk = in_bars()
    desk.send(100, 2.0, take_profit=110.0, stop_loss=95.0)
    desk.trade("Y", 100, 100.0)
    desk.bar(200, 100, 100.0, 101.0, 99.0)
    desk.bar(300, 200, 111.0, 112.0, 90.0)
    assert prices(desk)[1:] == [(299, -2.0, 111.0)]


def test_an_entry_within_a_bar_may_be_stopped_in_it_and_takes_no_profit_there() -> None:
    desk = in_bars()
    desk.send(100, 2.0, "stop", stop=105.0, take_profit=110.0, stop_loss=95.0)
    desk.bar(200, 100, 100.0, 112.0, 99.0)
    assert desk.account.positions[0] == 2.0
    desk.bar(300, 200, 108.0, 109.0, 107.0)
    desk.bar(400, 300, 108.0, 112.0, 107.0)
    assert prices(desk)[1:] == [(399, -2.0, 110.0)]
    desk.send(400, 2.0, "stop", stop=105.0, take_profit=110.0, stop_loss=95.0)
    desk.bar(500, 400, 100.0, 112.0, 94.0)
    assert prices(desk)[2:] == [(499, 2.0, 105.0), (499, -2.0, 95.0)]


def test_what_is_armed_at_an_open_beyond_its_own_price_gets_that_open() -> None:
    desk = in_bars()
    desk.send(100, 1.0, "limit", limit=100.0, stop_loss=95.0, take_profit=110.0)
    desk.bar(200, 100, 94.0, 94.5, 90.0)  # never was at 95
    assert (prices(desk), states(desk)) == ([(199, 1.0, 94.0), (199, -1.0, 94.0)], ["filled", "filled", "cancelled"])
    desk = in_bars()
    desk.send(100, 1.0, "stop", stop=105.0, stop_loss=101.0, take_profit=110.0)
    desk.bar(200, 100, 112.0, 113.0, 100.0)
    assert prices(desk) == [(199, 1.0, 112.0), (199, -1.0, 112.0)]
    assert not desk.account.fills[1].maker


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_one_close_is_not_had_by_several_orders(share: float) -> None:
    desk = Desk(free(fill="same_close", max_share=share))
    desk.volumes = [10.0, 10.0]
    desk.send(100, 8.0)
    desk.send(100, -8.0)
    desk.move(100, 20.0, 0.0)
    assert sum(abs(fill.quantity) for fill in desk.account.fills) == share * 10.0
    desk.trade("Y", 200, 100.0, 10.0)  # what waits, at the next close
    desk.send(200, 8.0)
    assert sum(abs(fill.quantity) for fill in desk.account.fills if fill.time_ns == 200) == share * 10.0


@pytest.mark.parametrize("seed", range(8))
def test_no_price_is_one_that_the_bar_never_had(seed: int) -> None:
    rng = np.random.default_rng(seed)
    desk, price, bars = in_bars(half_spread_bps=1.0), 100.0, {}
    kinds: tuple[OrderKind, ...] = ("market", "limit", "stop", "stop_limit")
    for now_ns in range(100, 30_000, 100):
        kind, side = kinds[rng.integers(0, 4)], float(rng.choice([-1.0, 1.0]))
        limit, stop, off = price + rng.integers(-6, 7, 3) * 0.5
        terms: dict[str, float] = {"take_profit": price + side * 2.0, "stop_loss": off}
        terms |= {"limit": limit} if "limit" in kind else {}
        terms |= {"stop": stop} if "stop" in kind else {}
        with suppress(ParameterError):
            desk.send(now_ns, side * float(rng.integers(1, 4)), kind, **terms)
        opened, close = price + rng.normal(0.0, [1.5, 1.0])
        low, high = min(opened, close) - 0.3, max(opened, close) + 0.3
        bars[now_ns + 99] = low, high
        desk.trade("Y", now_ns, opened)
        bars[now_ns] = opened, opened
        desk.bar(now_ns + 100, now_ns, opened, high, low)
        price = close
        desk.mark(now_ns + 100, price, 100.0)
    orders = {order.id: order.legs[0] for order in desk.broker.orders}
    assert len(desk.account.fills) > 100
    for fill in desk.account.fills:
        low, high = bars[fill.time_ns]
        assert low <= fill.trade_price <= high, fill
        limit_at = orders[fill.order].limit
        assert limit_at is None or (limit_at - fill.price) * fill.quantity >= 0.0


def test_a_bar_counts_where_all_of_it_is_within_the_time() -> None:
    desk = in_bars()
    desk.send(100, 1.0, "limit", limit=99.0, good_till_ns=299)
    desk.bar(300, 200, 100.0, 101.0, 90.0)
    assert (desk.account.fills, states(desk)) == ([], ["cancelled"])


# ---- requests that cannot be -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"quantity": 0.0}, "finite number, not 0"),
        ({"kind": "limit"}, "a limit order without a limit: give one"),
        ({"stop": 9.0}, "a market order with a stop: leave it out"),
        ({"kind": "trailing"}, "it is one of 'market', 'limit', 'stop', 'stop_limit'"),
        ({"time_in_force": "day"}, "it is one of 'gtc', 'ioc', 'fok'"),
        ({"take_profit": -1.0}, "take_profit is -1.0: give a finite price above 0"),
        ({"take_profit": 9.0, "stop_loss": 10.0}, "take_profit above and its stop_loss below the entry"),
        ({"quantity": -1.0, "kind": "limit", "limit": 9.0, "take_profit": 10.0}, "sells has its take_profit below"),
        ({"reduce_only": True, "stop_loss": 9.0}, "a reduce-only order opens nothing"),
    ],
)
def test_an_order_that_cannot_be_is_refused_in_words(terms: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        OrderRequest(**{"symbol": "Y", "quantity": 1.0, **terms})


def test_an_unknown_symbol_is_named() -> None:
    desk = Desk()
    with pytest.raises(ParameterError, match="'Z' is no symbol of this account: it trades Y, X"):
        desk.broker.send(OrderRequest("Z", 1.0), 10, desk.marks, desk.volumes)
