"""Orders as values: shares, gaps, and that they can be written down."""

import msgspec
import pytest

from alphastream.trading import Fill, LegOrder, SpreadOrder
from alphastream.trading.broker.orders import ratio_of


def leg(quantity: float = -4.0, filled: float = 0.0, filled_ns: int | None = None) -> LegOrder:
    state = "open" if filled_ns is None else "filled"
    return LegOrder(0, "Y", quantity, quantity, 10, 0.0, None, filled, state, filled_ns)  # type: ignore[arg-type]


def order(*legs: LegOrder) -> SpreadOrder:
    return SpreadOrder(1, legs, 2.0, 5, 1, "long spread")


def test_rest_and_share_have_the_sign_and_size_of_what_is_missing() -> None:
    sold = leg(-4.0, filled=-1.0)
    assert (sold.rest, sold.share) == (-3.0, 0.25)


def test_the_gap_is_between_first_and_last_leg() -> None:
    done = order(leg(filled_ns=40), leg(filled_ns=15))
    assert done.leg_gap_ns == 25
    assert not done.is_open
    half = order(leg(filled_ns=40), leg())
    assert half.leg_gap_ns is None
    assert half.is_open


def test_the_ratio_is_units_of_the_hedge_against_one_of_the_first() -> None:
    assert ratio_of((10.0, -20.0)) == 2.0
    assert ratio_of((-10.0, -20.0)) == -2.0


@pytest.mark.parametrize("quantities", [(0.0, 0.0), (0.0, 3.0), (1.0,), (1.0, 2.0, 3.0)])
def test_without_two_legs_there_is_no_ratio(quantities: tuple[float, ...]) -> None:
    assert ratio_of(quantities) is None


def test_orders_and_fills_come_back_from_json() -> None:
    sent = order(leg(filled_ns=40), leg())
    assert msgspec.json.decode(msgspec.json.encode(sent), type=SpreadOrder) == sent
    traded = Fill(1, "Y", 0.1, 3.3, 3.2, 0.01, 0.01, 0.0, 1, 1)
    assert msgspec.json.decode(msgspec.json.encode(traded), type=Fill) == traded
