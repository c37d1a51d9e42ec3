"""The replay: the bundled tape, its timings, its seam, and tapes that cannot be read."""

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphastream.errors import FeedError, ParameterError
from alphastream.events import Tick
from alphastream.feeds.replay import Replay
from alphastream.tape.recordings import COLUMNS, Recording, read_tape

BUNDLED = Path(__file__).parents[2] / "data" / "tape_usdm_20240808.parquet"
MS = 1_000_000
SECOND = 1_000_000_000
NOW = 1_800_000_000 * SECOND


@pytest.fixture(scope="module")
def tape() -> Recording:
    return read_tape(BUNDLED)


def small_tape(times_ms: list[int], symbols: list[str]) -> Recording:
    ids = [symbols[: row + 1].count(symbol) + 100 for row, symbol in enumerate(symbols)]
    table = pa.table(
        {
            "symbol": symbols,
            "id": ids,
            "price": [100.0 + row for row in range(len(ids))],
            "quantity": [1.0] * len(ids),
            "time_ns": [ms * MS for ms in times_ms],
            "buyer_is_maker": [False] * len(ids),
        }
    )
    return Recording.of_table("small", "", table)


def ids_of(ticks: list[Tick], symbol: str) -> list[int]:
    return [tick.id for tick in ticks if tick.symbol == f"binance-usdm:{symbol}"]


def test_the_bundled_tape_says_what_it_is(tape: Recording) -> None:
    assert (len(tape), tape.symbols) == (13_399, ("BTCUSDT", "ETHUSDT"))
    assert tape.describe() == "Binance USDS-M Futures, recorded 2024-08-08 23:54:16 to 00:00:00 UTC"
    assert datetime.fromtimestamp(tape.start_ns // SECOND, UTC).year == 2024


def test_prices_sizes_and_sides_are_those_of_the_file(tape: Recording) -> None:
    rows = pq.read_table(BUNDLED).to_pylist()
    ticks = Replay(tape, NOW, loop=False).take(20_000)
    assert [(t.symbol, t.id, t.price, t.quantity, t.buyer_is_maker) for t in ticks] == [
        (f"binance-usdm:{r['symbol']}", r["id"], float(r["price_text"]), float(r["quantity_text"]), r["buyer_is_maker"])
        for r in rows
    ]


def test_order_of_arrival_stays_and_nothing_comes_before_it_happened(tape: Recording) -> None:
    ticks = Replay(tape, NOW, loop=False).take(20_000)
    due = np.array([tick.receive_ns for tick in ticks])
    times = np.array([tick.time_ns for tick in ticks])
    assert (np.diff(times) < 0).sum() == 448  # the venue's merging swaps two symbols
    assert (np.diff(due) >= 0).all()
    assert (due >= times).all()
    assert (due - times).max() <= 100 * MS


def test_real_timings(tape: Recording) -> None:
    ticks = Replay(tape, NOW, loop=False).take(20_000)
    spacing = np.diff([tick.time_ns for tick in ticks])
    assert (spacing == np.diff(tape.time_ns)).all()
    assert ticks[0].time_ns == NOW


def test_the_head_has_just_happened(tape: Recording) -> None:
    replay = Replay(tape, NOW, head_s=30.0)
    head = replay.take(100_000, NOW)
    assert head[0].time_ns == NOW - 30 * SECOND
    assert NOW - SECOND < head[-1].receive_ns <= NOW
    assert len(head) == int((tape.due_ns <= tape.start_ns + 30 * SECOND).sum())
    next_ns = replay.next_ns()
    assert next_ns is not None
    assert next_ns > NOW
    assert replay.take(10, next_ns - 1) == []
    assert replay.take(10, next_ns)[0].receive_ns == next_ns


def test_time_is_moved_by_whole_milliseconds(tape: Recording) -> None:
    ticks = Replay(tape, NOW + 123_456, head_s=1.0).take(100)
    assert {tick.time_ns % MS for tick in ticks} == {0}
    assert ticks[0].time_ns <= NOW + 123_456 - SECOND


def test_the_seam_is_contiguous_in_ids_and_time(tape: Recording) -> None:
    ticks = Replay(tape, NOW).take(3 * len(tape) + 7)
    for symbol in tape.symbols:
        assert set(np.diff(ids_of(ticks, symbol))) == {1}
    due = np.diff([tick.receive_ns for tick in ticks])
    assert (due >= 0).all()
    n = len(tape)
    assert 0 < due[n - 1] < SECOND
    first, again = ticks[0], ticks[n]
    assert (again.symbol, again.price, again.quantity) == (first.symbol, first.price, first.quantity)


def test_without_loop_the_tape_ends(tape: Recording) -> None:
    replay = Replay(tape, NOW, loop=False)
    assert len(replay.take(10**6)) == len(tape)
    assert replay.next_ns() is None
    assert replay.take(1) == []


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=30), st.booleans())
def test_any_steps_give_the_same_ticks(tape: Recording, steps: list[int], timed: bool) -> None:
    whole = Replay(tape, NOW).take(sum(steps))
    replay = Replay(tape, NOW)
    parts: list[Tick] = []
    for step in steps:
        until_ns = whole[len(parts) + step - 1].receive_ns if timed else None
        parts += replay.take(step, until_ns)
    assert parts == whole


@given(
    st.lists(st.integers(0, 5_000), min_size=1, max_size=20),
    st.data(),
)
def test_any_tape_loops_contiguously(gaps_ms: list[int], data: st.DataObject) -> None:
    times = np.cumsum(gaps_ms).tolist()
    symbols = data.draw(st.lists(st.sampled_from(["A", "B"]), min_size=len(times), max_size=len(times)))
    tape = small_tape(times, symbols)
    ticks = Replay(tape, NOW).take(4 * len(tape))
    assert len(ticks) == 4 * len(tape)
    for symbol in tape.symbols:
        ids = ids_of(ticks, symbol)
        assert ids == list(range(ids[0], ids[0] + len(ids)))
    assert all(a.receive_ns <= b.receive_ns for a, b in pairwise(ticks))
    assert ticks[-1].receive_ns > ticks[0].receive_ns  # a loop over one instant does not stand still


def test_two_replays_of_one_tape_do_not_know_each_other(tape: Recording) -> None:
    first, second = Replay(tape, NOW), Replay(tape, NOW)
    first.take(len(tape) + 50)
    assert second.take(3) == Replay(tape, NOW).take(3)


@pytest.mark.parametrize("head_s", [-1.0, float("inf"), float("nan")])
def test_a_head_that_is_no_time_is_refused(tape: Recording, head_s: float) -> None:
    with pytest.raises(ParameterError, match="head_s is"):
        Replay(tape, NOW, head_s=head_s)


def test_a_file_that_is_no_tape_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="there is no tape"):
        read_tape(tmp_path / "nowhere.parquet")
    (tmp_path / "text.parquet").write_text("hello")
    with pytest.raises(FeedError, match="is no tape"):
        read_tape(tmp_path / "text.parquet")
    table = pq.read_table(BUNDLED)
    pq.write_table(table.drop_columns(["price"]), tmp_path / "columns.parquet")
    with pytest.raises(FeedError, match="lacks price"):
        read_tape(tmp_path / "columns.parquet")
    pq.write_table(table.slice(0, 0), tmp_path / "empty.parquet")
    with pytest.raises(FeedError, match="lacks any trade"):
        read_tape(tmp_path / "empty.parquet")


def test_a_tape_says_of_which_venue_its_symbols_are(tape: Recording, tmp_path: Path) -> None:
    assert tape.instruments == ("binance-usdm:BTCUSDT", "binance-usdm:ETHUSDT")  # the bundled file says nothing
    path, table = tmp_path / "other.parquet", pq.read_table(BUNDLED).slice(0, 10)
    pq.write_table(table.replace_schema_metadata({"venue": "okx"}), path)
    assert read_tape(path).instruments == tuple(f"okx:{symbol}" for symbol in read_tape(path).symbols)
    pq.write_table(table.replace_schema_metadata({"venue": "O K X"}), path)
    with pytest.raises(FeedError, match="venue 'O K X': needs small letters"):
        read_tape(path)


def test_the_columns_the_replay_needs_are_on_the_tape() -> None:
    schema = pq.read_schema(BUNDLED)
    assert set(COLUMNS) <= set(schema.names)
    assert {"price_text", "quantity_text", "first_id", "last_id", "event_ns", "receive_ns"} <= set(schema.names)
