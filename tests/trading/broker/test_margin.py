"""What an account may open, and when everything is closed."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphastream.errors import ParameterError
from alphastream.trading import BrokerRules, Ended, Fees, FixedLatency, Margin, SpreadRequest
from alphastream.trading.broker.margin import LEVERAGE, ended_at
from tests.trading.engine.desk import Desk

EASY = Margin(max_leverage=2.0, maintenance=0.1, liquidation_fee_bps=100.0)


def desk(capital: float = 1_000.0, margin: Margin = EASY) -> Desk:
    """Y at 100 and X at 50, no fees."""
    rules = BrokerRules(fees=Fees(0.0, 0.0), latency=FixedLatency(0), margin=margin)
    on = Desk(rules, capital=capital)
    on.marks = [100.0, 50.0]
    return on


def both_trade(on: Desk, when: int, y: float, x: float) -> None:
    on.trade("Y", when, y)
    on.trade("X", when, x)


# ---- the limit -------------------------------------------------------------------------------------------------


def test_an_order_beyond_the_limit_is_refused_with_the_numbers() -> None:
    on = desk()
    order = on.move(10, 12.0, -18.0, direction=1)  # 1,200 and 900 on 1,000
    assert (order.state, [leg.state for leg in order.legs]) == ("rejected", ["rejected", "rejected"])
    assert order.reason == (
        f"{LEVERAGE}: a gross notional of 2,100.00 on an equity of 1,000.00, 2.1 times it; "
        "the limit is 2 times, 2,000.00"
    )
    assert not on.broker.is_waiting
    both_trade(on, 11, 100.0, 50.0)
    assert on.account.positions == [0.0, 0.0]


def test_an_order_up_to_the_limit_is_taken() -> None:
    on = desk()
    assert on.move(10, 10.0, -20.0, direction=1).state == "open"
    request = SpreadRequest((1e-9, 0.0))
    both_trade(on, 11, 100.0, 50.0)
    more = on.broker.request(request, 12, on.marks, on.volumes)
    assert more is not None
    assert more.state == "rejected"


def test_what_makes_the_gross_smaller_is_always_taken() -> None:
    on = desk()
    on.move(10, 10.0, -20.0, direction=1)
    both_trade(on, 11, 100.0, 50.0)
    on.marks = [60.0, 50.0]  # 400 are lost: 1,600 on 600 are beyond the limit
    assert on.account.gross(on.marks) > 2.0 * on.account.equity(on.marks)
    order = on.move(20, 9.0, -19.0, direction=1)
    assert order.state == "open"
    both_trade(on, 21, 60.0, 50.0)
    assert on.move(30, 0.0, 0.0, direction=0).state == "open"


def test_of_a_turn_beyond_the_limit_only_what_closes_is_sent() -> None:
    on = desk()
    on.move(10, 5.0, -10.0, direction=1)
    both_trade(on, 11, 100.0, 50.0)
    closing = on.move(20, -20.0, 10.0, direction=-1)
    refused = on.broker.orders[1]
    assert (refused.state, closing.reason) == ("rejected", "closes only: order 2 was refused")
    both_trade(on, 21, 100.0, 50.0)
    assert on.account.positions == [0.0, 0.0]
    assert [fill.round_trip for fill in on.account.fills] == [1, 1, 1, 1]
    assert on.account.direction == -1  # the rule is short: it is not asked again before it turns


def test_an_adjustment_on_every_row_is_refused_once() -> None:
    on = desk()
    for when in range(10, 20):
        on.broker.request(SpreadRequest((30.0, 0.0)), when, on.marks, on.volumes)
    assert [order.state for order in on.broker.orders] == ["rejected"]
    on.broker.request(SpreadRequest((3.0, 0.0)), 20, on.marks, on.volumes)
    on.broker.request(SpreadRequest((30.0, 0.0)), 21, on.marks, on.volumes)
    assert [order.state for order in on.broker.orders] == ["rejected", "cancelled", "rejected"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_leverage": 0.0}, "max_leverage is 0.0: give a finite number above 0"),
        ({"max_leverage": math.nan}, "max_leverage is nan"),
        ({"max_leverage": 50.0, "maintenance": 0.02}, "would be closed at once; give 0 or more, and less than 0.02"),
        ({"maintenance": -0.1}, "give 0 or more"),
        ({"liquidation_fee_bps": -1.0}, "liquidation_fee_bps is -1.0"),
    ],
)
def test_margins_that_cannot_be(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(message)):
        Margin(**settings)


# ---- liquidation -----------------------------------------------------------------------------------------------

units = st.integers(-200, 200).map(lambda quarters: quarters / 4.0)
books = st.tuples(
    st.floats(1.0, 1e4),
    st.tuples(units, units),
    st.tuples(st.floats(1.0, 200.0), st.floats(1.0, 200.0)),
)


@given(books=books)
def test_at_its_liquidation_price_a_leg_leaves_the_maintenance_margin(
    books: tuple[float, tuple[float, float], tuple[float, float]],
) -> None:
    cash, positions, marks = books
    for leg, price in enumerate(EASY.liquidation_prices(cash, positions, marks)):
        if price is None:
            continue
        there = [*marks]
        there[leg] = price
        gross = sum(abs(held) * mark for held, mark in zip(positions, there, strict=True))
        assert EASY.excess(cash, positions, there) == pytest.approx(0.0, abs=1e-9 * (cash + gross))


def test_a_long_of_one_symbol_has_the_price_that_venues_publish() -> None:
    """Binance, "How to calculate liquidation price of USDⓈ-M futures contracts": one position, cross margin.

    (wallet − side·quantity·entry) / (quantity·rate − side·quantity), with a wallet of 100, 1 unit bought at 200.
    """
    wallet, entry, rate = 100.0, 200.0, 0.01
    margin = Margin(max_leverage=20.0, maintenance=rate)
    (long,) = margin.liquidation_prices(wallet - entry, (1.0,), (210.0,))
    (short,) = margin.liquidation_prices(wallet + entry, (-1.0,), (190.0,))
    assert long == pytest.approx((wallet - entry) / (rate - 1.0))
    assert short == pytest.approx((wallet + entry) / (rate + 1.0))


def test_a_leg_that_could_fall_to_nothing_has_no_liquidation_price() -> None:
    assert EASY.liquidation_prices(10.0, (0.5, 0.0), (100.0, 50.0)) == (None, None)


def test_a_liquidation_closes_everything_and_costs_its_fee() -> None:
    on = desk()
    on.move(10, 10.0, -20.0, direction=1)
    both_trade(on, 11, 100.0, 50.0)
    order = on.broker.liquidate("why", 20, on.marks, on.volumes)
    assert order is not None
    assert (order.reason, on.account.direction) == ("why", 0)
    both_trade(on, 21, 40.0, 50.0)
    assert on.account.positions == [0.0, 0.0]
    assert [fill.fee for fill in on.account.fills] == pytest.approx([0.0, 0.0, 4.0, 10.0])
    assert on.account.cash == pytest.approx(1_000.0 - 600.0 - 14.0)
    assert on.broker.liquidate("nothing is held", 30, on.marks, on.volumes) is None


def test_what_is_lost_beyond_the_account_the_venue_bears() -> None:
    on = desk()
    on.move(10, 10.0, -20.0, direction=1)
    both_trade(on, 11, 100.0, 50.0)
    on.broker.liquidate("why", 20, on.marks, on.volumes)
    on.trade("Y", 21, 10.0)  # 900 are lost
    on.account.bound_loss(21)  # not yet over
    on.trade("X", 22, 60.0)  # 200 more
    account = on.account
    account.bound_loss(22)
    assert (account.cash, account.positions) == (0.0, [0.0, 0.0])
    paid = sum(fill.quantity * fill.price + fill.fee for fill in account.fills)
    assert paid == pytest.approx(1_000.0)  # the last fee is what the venue pays
    assert account.fills[-1].fee == pytest.approx(12.0 - 113.0)
    assert account.journal[-1][-1] == 0.0


def test_the_end_is_said_with_its_numbers() -> None:
    end = ended_at(EASY, 5, ("Y", "X"), 400.0, (10.0, -20.0), (80.0, 55.0))
    assert end == Ended(5, 100.0, 190.0, ("Y", "X"), end.prices)
    assert list(end.prices) == pytest.approx([90.0, 55.0 - 90.0 / 22.0])
    assert end.is_liquidation
    assert end.reason == (
        "liquidated: equity 100.00, maintenance margin 190.00; liquidation price, each leg alone: Y at 90, X at 50.9091"
    )
    ruin = ended_at(EASY, 5, ("Y", "X"), 0.0, (0.0, 0.0), (80.0, math.nan))
    assert ruin.reason == "ruined: an equity of 0.00, nothing to trade with"
    assert not ruin.is_liquidation
