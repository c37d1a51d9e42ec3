"""The file of sampled books, quotes, mark prices and funding: kept, found again, told where it is damaged."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from alphastream.books import BookColumns, MarkColumns, QuoteColumns
from alphastream.errors import StorageError
from alphastream.feeds.market import FundingPayment
from alphastream.history import market_rows
from alphastream.instruments import InstrumentId
from runtime.stores import market_tails
from runtime.stores.market_store import MarketStore, market_path
from storage import Origin, TickStore
from tests.runtime.connections.feed_runs import until

BTC, ETH = InstrumentId("binance-usdm", "BTCUSDT"), InstrumentId("binance-usdm", "ETHUSDT")
SECOND = 1_000_000_000
T0 = 1_700_000_000 * SECOND
ALL = (0, 2**63 - 1)


def books(rows: int, from_s: int = 0, levels: int = 3) -> BookColumns:
    columns = BookColumns.empty(levels, rows)
    columns.time_ns[:] = T0 + (from_s + np.arange(rows)) * SECOND
    columns.receive_ns[:] = columns.time_ns + 5
    columns.bid_price[:] = 100.0 - np.arange(levels) + from_s
    columns.bid_quantity[:] = np.arange(rows)[:, None] + 0.5
    return columns


def same(left: BookColumns, right: BookColumns) -> None:
    for one, other in zip(left.arrays(), right.arrays(), strict=True):
        assert np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return market_path(tmp_path / "binance-usdm.db")


def test_what_was_added_is_there_before_and_after_it_is_durable(path: Path) -> None:
    with MarketStore(path, flush_s=60.0) as store:
        store.add(BTC, books(10))
        store.add(ETH, books(4, 2))
        same(store.samples(BTC, *ALL), books(10))
        store.flush()
        store.add(BTC, books(5, 10))
        whole = BookColumns.joined([books(10), books(5, 10)])
        same(store.samples(BTC, *ALL), whole)
        store.flush()
        same(store.samples(BTC, *ALL), whole)
        assert store.health.written == 19
        assert store.health.pending == 0
    with MarketStore(path, read_only=True) as store:
        same(store.samples(BTC, *ALL), whole)
        same(store.samples(ETH, T0 + 3 * SECOND, T0 + 5 * SECOND), books(4, 2).rows(slice(1, 3)))
        assert store.instruments(BookColumns) == [BTC, ETH]
        assert len(store.samples("okx:BTC-USDT", *ALL)) == 0


def test_blocks_are_filled_up_and_then_left_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(market_tails, "BLOCK_SAMPLES", 30)
    with MarketStore(path, flush_s=60.0) as store:
        for start in range(0, 100, 10):
            store.add(BTC, books(10, start))
            store.flush()
        whole = store.samples(BTC, *ALL)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT samples FROM blocks ORDER BY id").fetchall() == [(30,), (30,), (30,), (10,)]
    assert len(whole) == 100
    with MarketStore(path, flush_s=60.0) as store:
        store.add(BTC, books(10, 100))
        store.flush()
        assert np.array_equal(store.samples(BTC, *ALL).time_ns, T0 + np.arange(110) * SECOND)


def test_a_reader_follows_the_writer_from_before_the_file_was_there(path: Path) -> None:
    with MarketStore(path, read_only=True) as reader:
        assert len(reader.samples(BTC, *ALL)) == 0
        assert reader.tables()["books"].num_rows == 0
        with MarketStore(path, flush_s=0.01) as writer:
            writer.add(BTC, books(3))
            until(lambda: len(reader.samples(BTC, *ALL)) == 3)
            with pytest.raises(StorageError, match="already open"):
                reader.claim()
            with pytest.raises(StorageError, match="read_only"):
                reader.add(BTC, books(3))
        reader.claim()
        reader.add(BTC, books(3, 3))
        assert len(reader.samples(BTC, *ALL)) == 6


def test_quotes_marks_and_funding_answer_sql_beside_the_ticks(path: Path, tmp_path: Path) -> None:
    with MarketStore(path) as store, TickStore(tmp_path / "binance-usdm.db") as ticks:
        store.add(BTC, books(2))
        store.add(BTC, QuoteColumns.of([(T0, T0 + 1, 100.0, 1.0, 101.0, 2.0)]))
        store.add(BTC, MarkColumns.of([(T0, T0, 100.5, np.nan, 1e-4, T0 + 8 * 3_600 * SECOND, 8 * 3_600 * SECOND)]))
        payments = [FundingPayment(BTC, T0 + n * SECOND, n * 1e-4) for n in (2, 1)]
        store.add_funding(payments)
        store.add_funding(payments[:1])
        assert [each.rate for each in store.funding(BTC, T0, T0 + 2 * SECOND)] == [1e-4]
        store.flush()
        store.add_funding(payments[:1])
        assert [each.rate for each in store.funding(BTC, *ALL)] == [1e-4, 2e-4]
        query = "SELECT symbol, bid_price[1] - bid_price[2], len(ask_price) FROM books"
        assert [tuple(row.values()) for row in store.sql(query).to_pylist()] == [("BTCUSDT", 1.0, 3)] * 2
        (row,) = store.sql("SELECT ask - bid AS spread, interval_hours FROM quotes, marks").to_pylist()
        assert row == {"spread": 1.0, "interval_hours": 8.0}
        both = "SELECT (SELECT count(*) FROM ticks) AS ticks, (SELECT sum(rate) FROM funding) AS paid"
        (row,) = ticks.sql(both, beside=store.tables()).to_pylist()
        assert row == {"ticks": 0, "paid": pytest.approx(3e-4)}


def test_old_blocks_go_and_payments_stay(path: Path) -> None:
    with MarketStore(path) as store:
        store.add(BTC, books(3))
        store.add_funding([FundingPayment(BTC, T0, 1e-4)])
    with MarketStore(path, retention_ns=SECOND, flush_s=0.01) as store:
        until(lambda: not len(store.samples(BTC, *ALL)))
        assert len(store.funding(BTC, *ALL)) == 1


def alter_body(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE bodies SET body = substr(body, 1, length(body) - 3) || x'0102ff' WHERE id = 1")


def alter_key(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE blocks SET first_ns = first_ns + 1 WHERE id = 1")


def alter_kind_of_number(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE blocks SET samples = 'many' WHERE id = 1")


def lose_body(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM bodies WHERE id = 1")


def alter_name(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE blocks SET instrument = CAST(x'ff41' AS TEXT) WHERE id = 1")


@pytest.mark.parametrize("damage", [alter_body, alter_key, alter_name, alter_kind_of_number, lose_body])
def test_a_damaged_block_is_set_aside_and_the_others_are_read(
    path: Path, damage: Callable[[sqlite3.Connection], None]
) -> None:
    for start in (0, 10):
        with MarketStore(path) as store:
            store.add(BTC, books(10, start))
    with closing(sqlite3.connect(path)) as connection:
        damage(connection)
        connection.commit()
    with MarketStore(path, read_only=True) as store:
        same(store.samples(BTC, *ALL), books(10, 10))
    with MarketStore(path, flush_s=0.01) as store:
        same(store.samples(BTC, *ALL), books(10, 10))
        until(lambda: not store._unchecked)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM damaged_blocks").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM blocks").fetchone() == (1,)


def test_a_file_that_cannot_be_read_is_moved_aside(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"SQLite format 3\0" + os.urandom(8_000))
    with MarketStore(path) as store:
        store.add(BTC, books(3))
        store.flush()
        (notice,) = store.health.notices
    assert "0 samples in 0 sound blocks were salvaged" in notice
    assert [each.name for each in path.parent.glob("*damaged*")] != []


def test_a_file_without_its_first_page_keeps_all_that_lies_on_others(path: Path) -> None:
    origin, payments = Origin("binance-usdm", "127.0.0.1"), [FundingPayment(BTC, T0 + n, n / 3.0) for n in range(5)]
    for start in range(0, 100, 10):
        with MarketStore(path, origin=origin) as store:
            store.add(BTC, books(10, start))
            store.add_funding(payments)
    data = bytearray(path.read_bytes())
    data[:4_096] = os.urandom(4_096)
    path.write_bytes(data)
    with MarketStore(path) as store:
        same(store.samples(BTC, *ALL), BookColumns.joined([books(10, start) for start in range(0, 100, 10)]))
        assert [each.rate for each in store.funding(BTC, *ALL)] == [each.rate for each in payments]
        (notice,) = store.health.notices
        assert "100 samples in 10 sound blocks were salvaged" in notice
    with pytest.raises(StorageError, match="name another file"):
        MarketStore(path, origin=Origin("binance-usdm", "fstream.binance.com"))


def test_a_file_of_ticks_or_of_another_origin_is_refused(path: Path, tmp_path: Path) -> None:
    tape = tmp_path / "ticks.db"
    with TickStore(tape):
        pass
    with pytest.raises(StorageError, match="of another kind"):
        MarketStore(tape)
    with MarketStore(path, origin=Origin("binance-usdm", "fstream.binance.com")):
        pass
    with pytest.raises(StorageError, match="name another file"):
        MarketStore(path, origin=Origin("binance-usdm", "127.0.0.1"))


def test_samples_go_on_in_a_new_file_where_the_old_one_was_deleted(path: Path) -> None:
    with MarketStore(path, flush_s=60.0) as store:
        store.add(BTC, books(3))
        store.flush()
        path.unlink()
        store.add(BTC, books(3, 3))
        store.flush()
        assert len(store.samples(BTC, *ALL)) == 6
    with MarketStore(path, read_only=True) as store:
        assert len(store.samples(BTC, *ALL)) == 6, "the block that still grew is in the new file as a whole"


def test_a_block_that_grows_is_there_once_after_a_salvage(path: Path) -> None:
    with MarketStore(path, flush_s=60.0) as store:
        for start in (0, 5):
            store.add(BTC, books(5, start))
            store.flush()
        store._connections.is_broken = True  # as a reader or the writer would say
        store.add(BTC, books(5, 10))
        store.flush()
        same(store.samples(BTC, *ALL), BookColumns.joined([books(5, start) for start in (0, 5, 10)]))
    with MarketStore(path, read_only=True) as store:
        same(store.samples(BTC, *ALL), BookColumns.joined([books(5, start) for start in (0, 5, 10)]))


def test_what_came_just_now_is_read_without_the_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(market_tails, "BLOCK_SAMPLES", 10)
    with MarketStore(path) as store:
        store.add(BTC, books(10, 0))
    with MarketStore(path, flush_s=60.0) as store:
        for start in range(10, 55, 5):
            store.add(BTC, books(5, start))
            store.flush()
        whole = store.samples(BTC, *ALL)
        assert np.array_equal(whole.time_ns, T0 + np.arange(55) * SECOND)

        def fail(*_: object) -> None:
            raise AssertionError("the file is read")

        with monkeypatch.context() as patch:
            patch.setattr(market_rows, "read", fail)
            recent = store.samples(BTC, T0 + 42 * SECOND, 2**63 - 1)
            assert np.array_equal(recent.time_ns, T0 + np.arange(42, 55) * SECOND)
            with pytest.raises(AssertionError, match="is read"):
                store.samples(BTC, T0 + 15 * SECOND, 2**63 - 1)


def test_samples_wait_while_the_file_cannot_be_written(path: Path) -> None:
    with MarketStore(path, flush_s=0.01) as store:
        with closing(sqlite3.connect(path)) as other:
            other.execute("BEGIN IMMEDIATE")
            store.add(BTC, books(3))
            until(lambda: store.health.last_error is not None)
            assert store.health.pending == 3
            assert len(store.samples(BTC, *ALL)) == 3
        until(lambda: store.health.pending == 0)
        until(lambda: store.health.last_error is None)
