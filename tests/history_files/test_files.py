"""Files of a history: what is written is read back bit for bit, sorted, pruned, and merged where files overlap."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alphastream.errors import DamagedFileError, ParameterError
from alphastream.history import open_tape
from alphastream.history.files import FileWriter, prove, write
from alphastream.history.layout import Partition, moment, partition_of, parts
from alphastream.history.places import Place
from alphastream.history.reading import opened
from alphastream.history.tables import table_of
from alphastream.tape.columns import TickColumns
from tests.history_files.trades import BTC, NOON, same, ticks


def test_ticks_come_back_bit_for_bit(tmp_path: Path) -> None:
    wanted = ticks(500_000)  # some fourteen hours: two days
    stored = write(Place(tmp_path), "ticks", BTC, wanted)
    tape = open_tape(tmp_path)
    assert same(tape.ticks(BTC), wanted)
    assert tape.instruments() == [BTC]
    assert tape.span(BTC) == (wanted.time_ns[0], wanted.time_ns[-1])
    assert [file.path.rpartition("/")[0] for file in stored] == [
        f"ticks/venue=binance-usdm/symbol=BTCUSDT/date=2026-11-0{day}" for day in (2, 3)
    ]
    assert sum(file.summary.rows for file in stored) == len(wanted)


def test_prices_that_no_decimal_says_come_back_too(tmp_path: Path) -> None:
    odd = ticks(1_000)
    odd = replace(odd, price=odd.price * np.pi, quantity=np.nextafter(odd.quantity, 2), receive_ns=odd.receive_ns + 1)
    write(Place(tmp_path), "ticks", BTC, odd)
    assert same(open_tape(tmp_path).ticks(BTC), odd)


def test_a_day_of_ticks_takes_at_most_seven_bytes_each(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    wanted = ticks(300_000)  # as recorded: most trades in the millisecond or at the price of the one before
    gaps = rng.integers(0, 200, len(wanted)) * (rng.random(len(wanted)) < 0.4)
    wanted = replace(wanted, time_ns=NOON + np.cumsum(gaps) * 1_000_000)
    moves = rng.choice([-0.1, 0.0, 0.0, 0.1], len(wanted))
    arrivals = np.maximum.accumulate(wanted.time_ns + 30_000_000 + rng.exponential(3e6, len(wanted)).astype(np.int64))
    price = np.round(60_000 + np.cumsum(moves), 1)
    stored = write(Place(tmp_path), "ticks", BTC, replace(wanted, price=price, receive_ns=arrivals))
    assert sum(file.size for file in stored) <= 7 * len(wanted)


def test_times_are_kept_in_the_unit_they_need(tmp_path: Path) -> None:
    place, wanted = Place(tmp_path), ticks(100)
    partition = Partition.of("ticks", BTC, date(2026, 11, 2))
    finer = replace(wanted, time_ns=wanted.time_ns + 86_399 * 10**9 // 100_000 + 1)
    for name, columns, unit in (("a", wanted, "ms"), ("b", finer, "ns")):
        (stored,) = write(place, "ticks", BTC, columns, name)
        with opened(place, stored.path) as file:
            assert str(file.schema_arrow.field("time").type) == f"timestamp[{unit}]"
    both = open_tape(tmp_path).ticks(BTC)
    assert sorted(both.time_ns.tolist()) == sorted([*wanted.time_ns.tolist(), *finer.time_ns.tolist()])
    with FileWriter(place, partition, "c") as writer:
        writer.add(table_of("ticks", wanted))
        with pytest.raises(ParameterError, match="do not fit those before"):
            writer.add(table_of("ticks", finer))


def test_a_range_reads_its_row_groups_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ticks(400_000)
    write(Place(tmp_path), "ticks", BTC, wanted)
    read: list[int] = []
    real = pq.ParquetFile.read_row_groups

    def watched(file: pq.ParquetFile, groups: list[int], columns: list[str] | None) -> pa.Table:
        read.extend(groups)
        return real(file, groups, columns)

    monkeypatch.setattr(pq.ParquetFile, "read_row_groups", watched)
    start, end = int(wanted.time_ns[1_000]), int(wanted.time_ns[4_000])
    found = open_tape(tmp_path).ticks(BTC, start, end)
    assert same(found, wanted.rows((wanted.time_ns >= start) & (wanted.time_ns < end)))
    assert read == [0]


def test_rows_are_sorted_and_a_tie_keeps_the_order_of_ids(tmp_path: Path) -> None:
    wanted = ticks(10_000)
    order = np.random.default_rng(2).permutation(len(wanted))
    write(Place(tmp_path), "ticks", BTC, wanted.rows(order))
    assert same(open_tape(tmp_path).ticks(BTC), wanted)


def test_late_files_join_the_day_and_what_two_files_hold_counts_once(tmp_path: Path) -> None:
    wanted = ticks(3_000)
    place = Place(tmp_path)
    write(place, "ticks", BTC, wanted.rows(wanted.id % 7 != 0), "on-time")
    write(place, "ticks", BTC, wanted.rows((wanted.id % 7 == 0) | (wanted.id % 5 == 0)), "late")
    assert same(open_tape(tmp_path).ticks(BTC), wanted)


def test_ids_that_began_anew_are_other_trades(tmp_path: Path) -> None:
    before, after = ticks(2_000), ticks(2_000, seed=9)  # equal ids, and here and there equal times
    place = Place(tmp_path)
    write(place, "ticks", BTC, before, "a", epoch=0)
    write(place, "ticks", BTC, after, "b", epoch=1)
    assert len(open_tape(tmp_path).ticks(BTC)) == 4_000
    both = TickColumns.joined([before, before])  # one file that says a trade twice
    write(place, "ticks", "okx:BTC-USDT", both, "a")
    write(place, "ticks", "okx:BTC-USDT", before, "b")
    assert len(open_tape(tmp_path).ticks("okx:BTC-USDT")) == 4_000


def test_an_exception_leaves_no_file(tmp_path: Path) -> None:
    partition = Partition.of("ticks", BTC, date(2026, 11, 2))

    def break_off() -> None:
        with FileWriter(Place(tmp_path), partition, "x") as file:
            file.add(table_of("ticks", ticks(10)))
            assert [path.suffix for path in tmp_path.rglob("*.*")] == [".part"]
            assert open_tape(tmp_path).ticks(BTC).id.size == 0
            file.add(table_of("quotes", ticks(10)))

    with pytest.raises(ParameterError):
        break_off()
    assert not list(tmp_path.rglob("*.*"))


def test_a_file_proves_what_was_written(tmp_path: Path) -> None:
    place = Place(tmp_path)
    (stored,) = write(place, "ticks", BTC, ticks(1_000), "x")
    with opened(place, stored.path) as file:
        assert prove(file, stored.path) == stored.summary
    altered = pq.read_table(tmp_path / stored.path)
    metadata = pq.ParquetFile(tmp_path / stored.path).metadata.metadata
    prices = altered["price"].to_numpy().copy()
    prices[500] += 0.1
    altered = altered.set_column(1, "price", pa.array(prices)).replace_schema_metadata(metadata)
    pq.write_table(altered, tmp_path / stored.path)
    with opened(place, stored.path) as file, pytest.raises(DamagedFileError, match="checksum is"):
        prove(file, stored.path)


def test_names_in_paths_are_read_back(tmp_path: Path) -> None:
    for name in (
        "kraken-spot:XBT/USD",
        "binance-usdm:币安人生USDT",
        "binance-usdm@127.0.0.1:BTCUSDT",
        "hyperliquid:xyz:A=1 %2F",
    ):
        (stored,) = write(Place(tmp_path), "ticks", name, ticks(5))
        found = partition_of(stored.path)
        assert found is not None
        assert found.instrument == name
        assert open_tape(tmp_path).ticks(name).id.size == 5
    assert len(open_tape(tmp_path).instruments()) == 4
    assert parts("binance-usdm@127.0.0.1:BTCUSDT") == ("binance-usdm@127.0.0.1", "BTCUSDT")
    for wrong in ("BTCUSDT", "../x:A", "Binance:A", "okx:", "a@b/c:X"):
        with pytest.raises(ParameterError, match="names no instrument"):
            parts(wrong)


def test_times_are_said_in_three_ways(tmp_path: Path) -> None:
    write(Place(tmp_path), "ticks", BTC, ticks(5_000))
    tape = open_tape(tmp_path)
    by_number = tape.ticks(BTC, NOON + 60_000_000_000, NOON + 120_000_000_000)
    assert len(by_number) > 100
    assert same(tape.ticks(BTC, "2026-11-02T12:01", "2026-11-02T13:02+01:00"), by_number)
    assert same(
        tape.ticks(BTC, datetime(2026, 11, 2, 12, 1, tzinfo=UTC), datetime(2026, 11, 2, 12, 2, tzinfo=UTC)), by_number
    )
    with pytest.raises(ParameterError, match="is no time"):
        moment("yesterday", 0)
    with pytest.raises(ParameterError, match="has no ticks of okx:ETH-USDT: it has binance-usdm:BTCUSDT"):
        tape.span("okx:ETH-USDT")
