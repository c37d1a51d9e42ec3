"""What an order gets, to the cent."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphastream.books import Fill, fill
from alphastream.errors import ParameterError


def test_a_lopsided_book_by_hand() -> None:
    # 0.5 at 60,000.10, 1.25 at 60,000.20, 0.75 of 9 at 60,013.00
    got = fill([60_000.1, 60_000.2, 60_013.0], [0.5, 1.25, 9.0], 2.5)
    assert round(got.average * 2.5, 2) == round(30_000.05 + 75_000.25 + 45_009.75, 2)
    assert (got.worst, got.filled) == (60_013.0, 2.5)


def test_more_than_there_is_is_filled_in_part() -> None:
    assert fill([10.0, 9.0], [1.0, 3.0], 100.0) == Fill(9.25, 9.0, 4.0)


@pytest.mark.parametrize("quantity", [0.0, 5.0])
def test_nothing_is_filled_from_nothing(quantity: float) -> None:
    got = fill([np.nan, np.nan], [np.nan, np.nan], quantity)
    assert np.isnan(got.average)
    assert got.filled == 0.0


@given(
    st.lists(st.tuples(st.integers(1, 10**6), st.integers(0, 1_000)), min_size=1, max_size=30),
    st.integers(0, 10_000),
)
def test_it_equals_taking_level_after_level(levels: list[tuple[int, int]], quantity: int) -> None:
    left, paid, worst = quantity, 0, float("nan")
    for price, waiting in levels:
        taken = min(left, waiting)
        if taken:
            left, paid, worst = left - taken, paid + price * taken, float(price)
    prices, quantities = zip(*levels, strict=True)
    got = fill(prices, quantities, quantity)
    assert got.filled == quantity - left
    if quantity > left:
        assert got.average == pytest.approx(paid / got.filled, rel=1e-12)
        assert got.worst == worst


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ParameterError, match="prices"):
        fill([1.0], [1.0, 2.0], 1.0)
    with pytest.raises(ParameterError, match="quantity"):
        fill([1.0], [1.0], -1.0)
