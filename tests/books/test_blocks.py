"""Blocks of samples: what is read is what was written, to the bit, and damage is no sample."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from alphastream.books import BookColumns, MarkColumns, QuoteColumns
from alphastream.books.blocks import Columns, decode, encode
from alphastream.errors import DamagedBlockError, ParameterError

NUMBERS = st.one_of(
    st.integers(0, 10**9).map(lambda whole: whole / 100),
    st.floats(allow_nan=False),
    st.sampled_from([np.nan, 0.0, -0.0, 1e-11, 0.1 + 0.2, 2.0**53 + 2]),
)
TIMES = st.integers(0, 2**63 - 1)


def same(left: Columns, right: Columns) -> None:
    assert type(left) is type(right)
    for one, other in zip(left.arrays(), right.arrays(), strict=True):
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        missing = np.isnan(one)
        assert np.array_equal(missing, np.isnan(other))
        assert one[~missing].tobytes() == other[~missing].tobytes()


@st.composite
def any_columns(draw: st.DrawFn) -> Columns:
    rows, levels = draw(st.integers(1, 12)), draw(st.integers(1, 5))
    times = [draw(arrays.arrays(np.int64, rows, elements=TIMES)) for _ in range(4)]
    if draw(st.booleans()):
        sides = [draw(arrays.arrays(np.float64, (rows, levels), elements=NUMBERS)) for _ in range(4)]
        return BookColumns(*times[:2], *sides)
    flat = [draw(arrays.arrays(np.float64, rows, elements=NUMBERS)) for _ in range(4)]
    if draw(st.booleans()):
        return QuoteColumns(*times[:2], *flat)
    return MarkColumns(*times[:2], *flat[:3], *times[2:])


@given(columns=any_columns())
def test_what_is_read_is_what_was_written(columns: Columns) -> None:
    same(decode(encode(columns), type(columns)), columns)


def a_block() -> bytes:
    columns = BookColumns.empty(3, 50)
    columns.bid_price[:] = 60_000.1 - np.arange(3) / 10
    columns.time_ns[:] = np.arange(50) * 10**6
    return encode(columns)


@given(at=st.integers(0), value=st.integers(0, 255), length=st.integers(0))
def test_damage_is_an_error_or_harmless(at: int, value: int, length: int) -> None:
    block = bytearray(a_block())
    block[at % len(block)] = value
    for bytes_read in (bytes(block), bytes(block[: length % len(block)])):
        try:
            decode(bytes_read, BookColumns)
        except DamagedBlockError as error:
            assert str(error)  # noqa: PT017


def test_a_block_of_others_is_refused() -> None:
    with pytest.raises(DamagedBlockError, match="no QuoteColumns"):
        decode(a_block(), QuoteColumns)
    with pytest.raises(ParameterError, match="0 rows"):
        encode(BookColumns.empty(3))
