"""Files of a row a tick become files of blocks: all of it or nothing."""

import logging
import math
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from alphastream.errors import StorageError
from alphastream.events import Tick
from alphastream.tape.id_ranges import IdRuns
from storage import TickStore
from tests.runtime.stores.tape_files import BTC, ETH, FIRST_SCHEMA, runs_and_ids, tick

SENT = {
    BTC: [tick(i, price=84551.1 * math.sin(i) ** 2, time_ns=i // 3) for i in (*range(1, 51), *range(60, 2001))],
    ETH: [Tick(ETH, i, 5e-324 * i, 1.7976931348623157e308, 2**63 - 2, i, i % 2 == 0) for i in range(2**62, 2**62 + 9)],
}


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("runtime.stores.migration._ROWS_A_PAGE", 700)
    path = tmp_path / "ticks.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(FIRST_SCHEMA)
        for number, found in enumerate(SENT.values(), start=1):
            connection.executemany(
                "INSERT INTO ticks VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(number, t.id, t.price, t.quantity, t.time_ns, t.receive_ns, t.buyer_is_maker) for t in found],
            )
            held = IdRuns()
            for each in found:
                held.add(each.id)
            connection.executemany("INSERT INTO runs VALUES (?, ?, ?)", [(number, *pair) for pair in held.pairs()])
    return path


def test_every_number_is_what_it_was(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="runtime.stores.migration"), TickStore(path) as store:
        for symbol, sent in SENT.items():
            assert store.window(symbol, 0, 2**63) == sent
        assert store.gaps(BTC) == [(51, 59)]
        assert store.append([tick(55, time_ns=17)]) == 1
    assert "2000 of 2000 ticks, 100 %" in caplog.text
    assert runs_and_ids(path)[0] == IdRuns([(1, 50), (55, 55), (60, 2000)])
    assert sorted(each.name for each in path.parent.iterdir()) == ["ticks.db", "ticks.db.lock"]


def test_a_reader_says_who_rewrites_the_file(path: Path) -> None:
    with pytest.raises(StorageError, match="schema version 1: open it once to write"):
        TickStore(path, read_only=True)


def test_what_does_not_fit_beside_it_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("alphastream.tape_files.block_rows.insert", full)
        with pytest.raises(
            StorageError, match=r"could not be rewritten .* \(database or disk is full\): it is as it was"
        ):
            TickStore(path)
    assert path.read_bytes()[:1000] == before[:1000]
    assert not path.with_name("ticks.db.migrating").exists()
    with TickStore(path) as store:
        assert store.window(BTC, 0, 2**63) == SENT[BTC]


def test_a_file_that_another_program_reads_is_not_rewritten(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM ticks").fetchone()
        with closing(sqlite3.connect(path, isolation_level=None)) as writer:
            writer.execute("UPDATE ticks SET receive_ns = 8 WHERE symbol_id = 1 AND trade_id = 1")
            with pytest.raises(StorageError, match="is read by another program"):
                TickStore(path)
    with TickStore(path) as store:
        first, *others = store.window(BTC, 0, 2**63)
        assert (first.receive_ns, others) == (8, SENT[BTC][1:])


def test_a_rewriting_that_was_killed_begins_anew(path: Path) -> None:
    path.with_name("ticks.db.migrating").write_bytes(b"half of it")
    with TickStore(path) as store:
        assert store.window(ETH, 0, 2**63) == SENT[ETH]


def test_ids_that_are_not_those_it_claims_are_a_sentence(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM ticks WHERE trade_id = 1000")
    with pytest.raises(StorageError, match="is damaged: the ids of BTCUSDT are not those"):
        TickStore(path)
