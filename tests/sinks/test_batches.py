"""Batches: what goes in comes out bit for bit, and what is no batch is refused in words."""

import dataclasses
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphastream.errors import BatchError, NewerBatchError, ParameterError
from alphastream.instruments import InstrumentId
from alphastream.sinks import Batch, decode, encode, split
from alphastream.sinks.batches import MOST_TICKS, PACKED_FROM, decode_all
from alphastream.tape.columns import TickColumns
from tests.sinks.trades import BTC, batches, same, trades

NUMBERS = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(width=64)
ROWS = st.lists(st.tuples(NUMBERS, FLOATS, FLOATS, NUMBERS, NUMBERS, st.booleans()), min_size=1, max_size=5)


@pytest.mark.parametrize("count", [1, 50, 100, PACKED_FROM - 1, PACKED_FROM, MOST_TICKS])
def test_round_trip(count: int) -> None:
    batch = Batch(InstrumentId("okx", "BRK.B:a"), trades(7, count), "10.0.0.1", 3)
    back = decode(encode(batch))
    assert same(back.ticks, batch.ticks)
    assert (back.instrument, back.host, back.epoch) == (batch.instrument, batch.host, batch.epoch)
    assert back.message_id == batch.message_id
    assert batch.message_id.startswith(f"okx@10.0.0.1:BRK.B:a:3:7-{6 + count}:")


@given(ROWS)
def test_every_number_survives(rows: list[tuple[int, float, float, int, int, bool]]) -> None:
    kinds = (np.int64, np.float64, np.float64, np.int64, np.int64, np.bool_)
    ticks = TickColumns(*(np.array(column, kind) for column, kind in zip(zip(*rows, strict=True), kinds, strict=True)))
    assert same(decode(encode(Batch(BTC, ticks))).ticks, ticks)


def test_many_trades_are_packed() -> None:
    assert len(encode(Batch(BTC, trades(1, 100)))) > 41 * 100
    assert len(encode(Batch(BTC, trades(1, 1_000)))) < 10 * 1_000


def test_cut_into_batches() -> None:
    parts = list(split(BTC, trades(1, 2_500), "host", 2))
    assert [len(part.ticks) for part in parts] == [1_000, 1_000, 500]
    assert {(part.host, part.epoch) for part in parts} == {("host", 2)}
    for count in (0, MOST_TICKS + 1):
        with pytest.raises(ParameterError, match="it takes 1 to 1000"):
            encode(Batch(BTC, trades(1, count)))


@pytest.mark.parametrize("count", [100, 1_000])
def test_every_changed_byte_is_noticed(count: int) -> None:
    message = encode(Batch(BTC, trades(1, count)))
    for place in range(0, len(message), max(1, len(message) // 200)):
        changed = bytearray(message)
        changed[place] ^= 0x41
        with pytest.raises(BatchError):
            decode(bytes(changed))


@pytest.mark.parametrize("length", [0, 3, 9, 20, 60])
def test_a_cut_message_is_refused(length: int) -> None:
    with pytest.raises(BatchError):
        decode(encode(Batch(BTC, trades(1, 60)))[:length])


def test_newer_and_foreign_messages_are_named() -> None:
    message = bytearray(encode(Batch(BTC, trades(1, 60))))
    message[4] = 9
    with pytest.raises(BatchError, match="a batch of format 9, this program knows 1: update it"):
        decode(bytes(message))
    with pytest.raises(BatchError, match="no batch of trades"):
        decode(b"a quotation of something else")
    with pytest.raises(NewerBatchError):  # else it would be acknowledged, and missing after the update
        decode_all([encode(batches(100)[0]), bytes(message)])


def test_a_lying_count_is_refused() -> None:
    import zlib

    message = encode(Batch(BTC, trades(1, 60)))
    rest = bytearray(message[9:])
    struct.pack_into("<I", rest, 7, 59)
    with pytest.raises(BatchError, match="names 59 ticks"):
        decode(message[:5] + struct.pack("<I", zlib.crc32(rest)) + bytes(rest))


def test_what_cannot_be_read_is_counted() -> None:
    good = batches(200)
    found, damaged = decode_all([encode(good[0]), b"noise", encode(good[1])])
    assert [each.message_id for each in found] == [each.message_id for each in good]
    assert damaged == 1


def test_the_id_is_of_the_content_alone() -> None:
    batch = batches(100)[0]
    assert batches(100)[0].message_id == batch.message_id
    assert dataclasses.replace(batch, epoch=1).message_id != batch.message_id
    # Two recorders that each missed another trade: a server that took these for one would lose both.
    one, other = (dataclasses.replace(batch, ticks=batch.ticks.rows(batch.ticks.id != lost)) for lost in (5, 6))
    assert one.message_id != other.message_id
