"""What differs between a paper run and a backtest: every kind of it, and that the effects add up."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphastream.backtest import BY_HAND, Book, OrderDifference, Outage, compare
from alphastream.trading import Fill, FundingPayment, LegOrder, SpreadOrder

MARKS = {"ETH": 3_010.0, "BTC": 60_100.0}
PRICES = {"ETH": 3_000.0, "BTC": 60_000.0}
TARGETS = {"ETH": 2.0, "BTC": -0.1}


def order(number: int, decided_ns: int, quantities: dict[str, float] | None = None, **more: Any) -> SpreadOrder:
    asked = TARGETS if quantities is None else quantities
    legs = tuple(LegOrder(leg, s, units, units, decided_ns, 0.0) for leg, (s, units) in enumerate(asked.items()))
    return SpreadOrder(number, legs, None, decided_ns, 1, more.pop("reason", "long spread"), **more)


def fill(number: int, symbol: str, quantity: float, price: float, fee: float | None = None) -> Fill:
    cost = abs(quantity) * price * 5e-4 if fee is None else fee
    return Fill(50, symbol, quantity, price, price, cost, 0.0, 0.0, number, 1)


def whole(number: int, decided_ns: int, factor: float = 1.0, shift: float = 0.0, **more: Any) -> Book:
    """An order and its fills."""
    asked = {symbol: units * factor for symbol, units in TARGETS.items()}
    fills = [fill(number, symbol, units, PRICES[symbol] + shift) for symbol, units in asked.items()]
    return Book([order(number, decided_ns, asked, **more)], fills, [])


def both(*books: Book) -> Book:
    return Book(
        [each for book in books for each in book.orders],
        [each for book in books for each in book.fills],
        [each for book in books for each in book.funding],
    )


def worth(book: Book) -> float:
    """What fills and funding have come to."""
    traded = sum(each.quantity * (MARKS[each.symbol] - each.price) - each.fee for each in book.fills)
    return traded + sum(payment.amount for payment in book.funding)


def found(paper: Book, history: Book, outages: Sequence[Outage] = (), late: int = 0) -> list[OrderDifference]:
    out = compare(paper, history, MARKS, outages, late)
    assert sum(each.effect for each in out) == pytest.approx(worth(paper) - worth(history), abs=1e-4)
    assert [each.time_ns for each in out] == sorted(each.time_ns for each in out)
    return out


NOTHING = Book([], [], [])
ONE = whole(1, 100)
PAUSE = Outage(90, 200, "the app was not there")


def only(out: list[OrderDifference]) -> tuple[str, str]:
    (each,) = out
    return each.what, each.why


def test_the_same_is_no_difference() -> None:
    assert found(ONE, ONE) == []
    assert found(NOTHING, NOTHING) == []
    other_ids = Book([order(7, 100)], [fill(7, s, units, PRICES[s]) for s, units in TARGETS.items()], [])
    assert found(ONE, other_ids) == []


def test_what_is_in_one_alone() -> None:
    assert only(found(NOTHING, ONE)) == (
        "in the backtest only",
        "the tape was completed afterwards: the z-score on this bar was another one then",
    )
    assert only(found(ONE, NOTHING))[0] == "on paper only"
    (each,) = compare(ONE, NOTHING, MARKS)
    assert each.paper == ONE.orders[0]
    assert each.history is None


def test_quantities_fills_prices_and_fees() -> None:
    assert only(found(whole(1, 100, factor=2.0), ONE))[0] == "other quantities"
    half = Book(ONE.orders, ONE.fills[:1], [])
    assert only(found(half, ONE))[0] == "filled to another part"
    assert only(found(whole(1, 100, shift=1.0), ONE)) == (
        "filled at other prices",
        "the tape was completed afterwards: prices of these bars were others then",
    )
    dear = Book(ONE.orders, [fill(1, each.symbol, each.quantity, each.price, 9.0) for each in ONE.fills], [])
    assert only(found(dear, ONE))[0] == "other fees"


def test_why() -> None:
    assert only(found(NOTHING, ONE, [PAUSE]))[1] == "the app was not there"
    assert only(found(NOTHING, whole(1, 300), [PAUSE]))[1].startswith("after a pause")
    assert only(found(ONE, NOTHING, late=3))[1].startswith("3 trades came after their bar had closed")
    by_hand = whole(1, 100, reason=BY_HAND)
    assert only(found(by_hand, NOTHING, late=3))[1] == BY_HAND
    two = found(NOTHING, both(ONE, whole(2, 300)))
    assert "follows from a difference before" in two[1].why


def test_funding_is_one_line() -> None:
    paid = FundingPayment(150, "ETH", -2.5, 1)
    assert only(found(Book(ONE.orders, ONE.fills, [paid]), ONE)) == (
        "funding",
        "positions at funding times were not the same",
    )


def test_an_unwinding_counts_with_the_order_it_unwinds() -> None:
    first = Book([order(1, 100)], [fill(1, "ETH", 2.0, 3_000.0)], [])
    back = Book([order(2, 160, {"ETH": -2.0}, unwinds=1)], [fill(2, "ETH", -2.0, 2_999.0)], [])
    assert found(both(first, back), both(first, back)) == []
    (each,) = found(both(first, back), ONE)
    assert each.time_ns == 100
    assert each.what == "filled to another part"


def test_two_orders_of_one_moment() -> None:
    closing = Book([order(2, 100, {"ETH": -2.0}, reason=BY_HAND)], [fill(2, "ETH", -2.0, 3_001.0)], [])
    (each,) = found(both(ONE, closing), ONE)
    assert each.why == BY_HAND


units = st.floats(-5.0, 5.0).filter(lambda value: abs(value) > 1e-3)
legs = st.fixed_dictionaries({"ETH": units, "BTC": units})
share = st.sampled_from([0.0, 0.5, 1.0])
orders = st.lists(
    st.tuples(st.integers(1, 8), legs, share, share, st.floats(-9.0, 9.0), st.floats(0.0, 3.0)), max_size=8
)


def book_of(drawn: Any, paid: list[float]) -> Book:
    made, fills = [], []
    for number, (when, asked, y_share, x_share, shift, fee) in enumerate(drawn, start=1):
        made.append(order(number, when * 100, asked))
        for (symbol, quantity), part in zip(asked.items(), (y_share, x_share), strict=True):
            if part:
                fills.append(fill(number, symbol, quantity * part, PRICES[symbol] + shift, fee))
    return Book(made, fills, [FundingPayment(place, "ETH", amount, 1) for place, amount in enumerate(paid)])


amounts = st.lists(st.floats(-10.0, 10.0), max_size=3)


@given(ours=orders, theirs=orders, paid=amounts, due=amounts, late=st.integers(0, 2))
def test_effects_add_up(ours: Any, theirs: Any, paid: list[float], due: list[float], late: int) -> None:
    out = compare(book_of(ours, paid), book_of(theirs, due), MARKS, [PAUSE], late)
    gap = worth(book_of(ours, paid)) - worth(book_of(theirs, due))
    assert sum(each.effect for each in out) == pytest.approx(gap, abs=1e-4)
    assert all(each.what and each.why for each in out)
