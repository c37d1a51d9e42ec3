"""No p-value is shown as zero, and texts sort as numbers do."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphastream.core.pvalues import pvalue_text


@pytest.mark.parametrize(
    ("pvalue", "floor", "text"),
    [
        (0.0, 0.0, "< 0.0001"),
        (9.99e-5, 0.0, "< 0.0001"),
        (1e-4, 0.0, "0.0001"),
        (0.00994, 0.0, "0.0099"),
        (0.00996, 0.0, "0.010"),
        (0.99951, 0.0, "1"),
        (1.0, 0.0, "1"),
        (0.005, 1 / 200, "≤ 0.005"),
        (0.01, 1 / 200, "0.010"),
        (1 / 20_000, 1 / 20_000, "< 0.0001"),
        (math.nan, 0.0, "–"),
        (None, 0.0, "–"),
    ],
)
def test_a_pvalue_says_as_much_as_its_test_can(pvalue: float | None, floor: float, text: str) -> None:
    assert pvalue_text(pvalue, floor) == text


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_no_text_is_a_zero_and_order_is_kept(one: float, other: float) -> None:
    low, high = (pvalue_text(value) for value in sorted((one, other)))
    assert float(low.lstrip("< ")) > 0.0
    assert low.startswith("<") or low <= high
