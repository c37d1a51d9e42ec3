"""Blocks of ticks: what is read is what was written, to the bit, and damage is no tick."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from alphastream.errors import DamagedBlockError
from alphastream.tape.blocks import decode, encode
from alphastream.tape.columns import TickColumns
from alphastream.tape.recordings import read_tape

COUNTS = st.integers(0, 2**63 - 1)
BUNDLED = Path(__file__).parents[2] / "data" / "tape_usdm_20240808.parquet"
NAMES = ("id", "price", "quantity", "time_ns", "receive_ns", "buyer_is_maker")


def same(a: TickColumns, b: TickColumns) -> None:
    for name in NAMES:
        left, right = getattr(a, name), getattr(b, name)
        assert left.dtype == right.dtype, name
        assert left.tobytes() == right.tobytes(), name


def columns(price: npt.ArrayLike, time_ns: npt.ArrayLike = 0) -> TickColumns:
    prices = np.asarray(price, np.float64)
    rows = len(prices)
    times = np.broadcast_to(np.asarray(time_ns, np.int64), rows)
    return TickColumns(np.arange(7, 7 + rows), prices, np.ones(rows), times, times, np.arange(rows) % 3 == 0)


@st.composite
def any_ticks(draw: st.DrawFn) -> TickColumns:
    rows = draw(st.integers(1, 40))
    whole = arrays.arrays(np.int64, rows, elements=COUNTS)
    cents = arrays.arrays(np.int64, rows, elements=st.integers(1, 10**9)).map(lambda ints: ints / 100)
    floats = cents | arrays.arrays(np.float64, rows)
    return TickColumns(
        np.sort(draw(whole)),
        draw(floats),
        draw(floats),
        draw(whole),
        draw(whole),
        draw(arrays.arrays(np.bool_, rows)),
    )


@given(ticks=any_ticks())
def test_what_is_read_is_what_was_written(ticks: TickColumns) -> None:
    same(decode(encode(ticks)), ticks)


@pytest.mark.parametrize(
    "price", [0.1 + 0.2, 1e-11, 5e-324, 1.7e308, 1 / 3, 2.0**53 + 2, 61_800.3, np.nan, np.inf, -0.0]
)
def test_a_price_keeps_every_bit(price: float) -> None:
    ticks = columns([price, 100.0])
    same(decode(encode(ticks)), ticks)


@pytest.mark.parametrize("time_ns", [1_723_161_256_322_000_000, 1_723_161_256_322_123_000, 2**63 - 1, 0])
def test_a_time_keeps_every_digit(time_ns: int) -> None:
    ticks = columns([1.0, 2.0], time_ns=[time_ns, max(0, time_ns - 10**9)])
    same(decode(encode(ticks)), ticks)


def test_real_trades_take_at_most_eight_bytes() -> None:
    tape = read_tape(BUNDLED)
    for symbol in range(len(tape.symbols)):
        at = tape.symbol_index == symbol
        received = tape.due_ns[at] + np.random.default_rng(7).integers(10**6, 10**8, at.sum())
        ticks = TickColumns(
            tape.id[at], tape.price[at], tape.quantity[at], tape.time_ns[at], received, tape.buyer_is_maker[at]
        )
        blocks = [
            encode(TickColumns(*(getattr(ticks, name)[start : start + 500] for name in NAMES)))
            for start in range(0, len(ticks), 500)
        ]
        assert sum(map(len, blocks)) / len(ticks) <= 8


@given(bits=st.lists(st.integers(0, 2**16), min_size=1, max_size=4), cut=st.integers(0, 400))
def test_damage_is_an_error_or_ticks_of_the_same_form(bits: list[int], cut: int) -> None:
    body = bytearray(encode(columns(100 + np.arange(50) / 8, time_ns=np.arange(50) * 10**6)))
    for bit in bits:
        body[bit // 8 % len(body)] ^= 1 << bit % 8
    try:
        ticks = decode(bytes(body[: max(0, len(body) - cut)]))
    except DamagedBlockError:
        return
    assert {len(getattr(ticks, name)) for name in NAMES} == {len(ticks)}
