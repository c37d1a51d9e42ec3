"""What an order asks for, in columns and in words."""

import math

import pandas as pd
import pytest

from alphastream.reports.trade_tables import kind_of
from alphastream.trading import LegOrder
from tests.trading.broker.test_single_orders import free
from tests.trading.engine.desk import SECOND, Desk
from views.shared.order_terms import state_of_leg, terms_of, waits_for


def test_a_stop_limit_has_all_of_them() -> None:
    desk = Desk(free())
    order = desk.send(10, 1.0, "stop_limit", stop=105.0, limit=106.0, good_till_ns=60 * SECOND)
    (leg,) = order.legs
    till = pd.Timestamp("1970-01-01 00:01:00", tz="UTC")
    assert terms_of(order, leg) == {"kind": "stop limit", "limit": 106.0, "stop": 105.0, "good_till": till}
    assert (state_of_leg(leg), waits_for(leg)) == ("open", "a trade at 105 or above")
    desk.trade("Y", 11, 107.0)
    assert (state_of_leg(leg), waits_for(leg)) == ("triggered", "a trade below 106")


def test_a_market_order_has_none() -> None:
    desk = Desk(free())
    order = desk.send(10, -1.0, reduce_only=True)
    terms = terms_of(order, order.legs[0])
    assert terms["kind"] == "market, reduces only"
    assert pd.isna(terms["limit"])  # type: ignore[call-overload]
    assert terms["good_till"] is pd.NaT
    assert waits_for(order.legs[0]) == "the next trade"


@pytest.mark.parametrize(("limit", "kind"), [(None, "market"), (99.0, "limit")])
def test_a_leg_of_a_spread_has_the_kind_of_its_price(limit: float | None, kind: str) -> None:
    leg = LegOrder(0, "Y", 1.0, 1.0, 0, math.nan, limit)
    assert kind_of(leg) == kind
