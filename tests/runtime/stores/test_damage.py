"""Blocks that are not what was written: found, set aside, listed as gaps, and taken again."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from alphastream.tape.id_ranges import IdRuns
from storage import Gap, TickStore
from tests.runtime.stores.tape_files import BTC, ETH, costly, ids, runs_and_ids, tick, ticks, until


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of ten blocks of 100 ticks, and one of another instrument."""
    monkeypatch.setattr("alphastream.tape_files.block_rows.BLOCK_TICKS", 100)
    path = tmp_path / "ticks.db"
    with TickStore(path) as store:
        store.append([*costly(1, 1000), *ticks(5001, 5050, ETH)])
    return path


def alter(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.create_function("flip", 1, lambda body: body[:80] + bytes([body[80] ^ 4]) + body[81:])
        assert connection.execute(statement).rowcount > 0


FLIPPED = "UPDATE bodies SET body = flip(body) WHERE id = {}"
DAMAGE = [
    FLIPPED,
    "DELETE FROM bodies WHERE id = {}",
    "UPDATE bodies SET body = x'' WHERE id = {}",
    "UPDATE bodies SET body = 'text' WHERE id = {}",
    "DELETE FROM blocks WHERE body_id = {}",
    "UPDATE blocks SET last_ns = last_ns + 1 WHERE body_id = {}",
    "UPDATE blocks SET last_id = 4611686018427387904 WHERE body_id = {}",
    "UPDATE blocks SET ticks = 7 WHERE body_id = {}",
    "UPDATE blocks SET instrument_id = 2 WHERE body_id = {}",
    "UPDATE blocks SET checksum = 'none' WHERE body_id = {}",
]


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize(("block", "gap"), [(1, Gap(1, 100)), (5, Gap(401, 500)), (10, Gap(901, 1000))])
def test_a_damaged_block_is_a_gap_that_can_be_filled(path: Path, damage: str, block: int, gap: Gap) -> None:
    alter(path, damage.format(block))
    with TickStore(path) as store:
        until(lambda: store.health.damaged == 100)
        assert store.gaps(BTC) == [gap]
        rest = [i for i in range(1, 1001) if not gap.first_id <= i <= gap.last_id]
        assert ids(store.window(BTC, 0, 2000)) == rest
        assert ids(store.window(ETH, 0, 9000)) == list(range(5001, 5051))
    with TickStore(path) as store:
        assert store.gaps(BTC) == [gap], "it stays one when the file is opened again"
        assert store.health.damaged == 0
        assert store.append(costly(*gap)) == 100
        assert store.gaps(BTC) == []
        store.flush()
        assert store.window(BTC, 0, 2000) == costly(1, 1000)
    assert runs_and_ids(path) == (IdRuns([(1, 1000)]), list(range(1, 1001)))


def test_damage_that_comes_while_the_store_is_open_is_found_by_who_reads_it(path: Path) -> None:
    with TickStore(path) as store:
        store.append(ticks(1001, 1001))
        until(lambda: not store._writer._unchecked)
        assert store.health.damaged == 0
        alter(path, FLIPPED.format(5))
        assert len(store.window(BTC, 0, 2000)) == 901
        until(lambda: store.health.damaged == 100)
        assert store.gaps(BTC) == [Gap(401, 500)]
        cursor = store.since(BTC).cursor
        assert store.append(costly(401, 500)) == 100
        assert store.gaps(BTC) == []
        store.flush()
        assert ids(store.since(BTC, cursor)) == [], "what readers have seen is not shown again"
    assert runs_and_ids(path) == (IdRuns([(1, 1001)]), list(range(1, 1002)))


def test_runs_that_are_not_those_of_the_blocks_are_made_anew(path: Path) -> None:
    alter(path, "UPDATE runs SET last_id = 900 WHERE first_id = 1")
    with TickStore(path) as store:
        assert (store.gaps(BTC), store.health.damaged) == ([], 0)
        assert ids(store.window(BTC, 0, 2000)) == list(range(1, 1001))
    assert runs_and_ids(path)[0] == IdRuns([(1, 1000)])


def test_what_was_set_aside_stays_in_the_file(path: Path) -> None:
    alter(path, FLIPPED.format(5))
    with TickStore(path) as store:
        until(lambda: store.health.damaged == 100)
    with closing(sqlite3.connect(path)) as connection:
        kept = connection.execute("SELECT first_id, last_id, ticks, length(body) FROM damaged_blocks").fetchall()
    assert [(first, last, count) for first, last, count, _ in kept] == [(401, 500, 100)]
    assert kept[0][3] > 100


def test_a_reader_leaves_a_damaged_block_out(path: Path) -> None:
    alter(path, FLIPPED.format(5))
    before = path.read_bytes()
    with TickStore(path, read_only=True) as reader:
        assert len(reader.window(BTC, 0, 2000)) == 900
        assert reader.gaps(BTC) == [Gap(401, 500)]
    assert path.read_bytes() == before


def test_a_reader_that_meets_damage_later_knows_it_then(path: Path) -> None:
    with TickStore(path, read_only=True, ring_ticks=10) as reader:
        assert reader.gaps(BTC) == []
        alter(path, FLIPPED.format(5))
        for _ in range(2):
            assert len(reader.window(BTC, 0, 2000)) == 900
            assert reader.gaps(BTC) == [Gap(401, 500)]
            assert reader.health.damaged == 100


def test_small_blocks_are_put_together(tmp_path: Path) -> None:
    path = tmp_path / "ticks.db"

    def blocks() -> int:
        with closing(sqlite3.connect(path)) as connection:
            return int(connection.execute("SELECT count(*) FROM blocks").fetchone()[0])

    with TickStore(path) as store:
        for number in range(1, 41):
            store.append([tick(2 * number), tick(2 * number - 1)])
            store.flush()
        until(lambda: blocks() <= 9)
        assert store.window(BTC, 0, 100) == ticks(1, 80)
    assert runs_and_ids(path) == (IdRuns([(1, 80)]), list(range(1, 81)))


def test_damaged_blocks_are_not_put_together(tmp_path: Path) -> None:
    path = tmp_path / "ticks.db"
    with TickStore(path) as store:
        for number in range(1, 31):
            store.append([tick(number)])
            store.flush()
    alter(path, FLIPPED.format(7))
    with TickStore(path) as store:
        for number in range(31, 71):
            store.append([tick(number)])
            store.flush()
        until(lambda: store.health.damaged == 1)
        assert store.gaps(BTC) == [Gap(7, 7)]
        assert store.append([tick(7)]) == 1
    assert runs_and_ids(path) == (IdRuns([(1, 70)]), list(range(1, 71)))


def test_damage_in_what_was_written_since_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "ticks.db"
    with TickStore(path) as store:
        store.append(ticks(1, 100))
        store.flush()
        alter(path, FLIPPED.format(1))
        assert store.window(BTC, 0, 2000) == []
        until(lambda: store.gaps(BTC) == [Gap(1, 100)])
        store.append(ticks(1, 101))
        store.flush()
        assert store.window(BTC, 0, 2000) == ticks(1, 101)
