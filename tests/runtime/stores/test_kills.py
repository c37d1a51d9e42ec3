"""Writers killed by SIGKILL, again and again on one file: what was durable is there as it was, what is gone is told.

``make kills`` kills two hundred.
"""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from runtime.stores.market_store import MarketStore
from storage import TickStore
from tests.runtime.stores import killed_market_writer
from tests.runtime.stores.known_tape import FIRST_ID, PENDING, RETAINED, SYMBOLS, check_honest, known
from tests.runtime.stores.tape_files import FIRST_SCHEMA

ROOT = Path(__file__).parents[3]
KILLS: Final = int(os.environ.get("KILLS", "20"))
FIRST_SEED: Final = int(os.environ.get("SEED", "0"))
KILLS_A_FILE: Final = 5


def kill_a_writer(path: Path, draw: random.Random, module: str = "killed_writer") -> int:
    """Let a process write for a while, kill it, and return up to which trade it had called all durable; -1: none."""
    command = [sys.executable, "-m", f"tests.runtime.stores.{module}", str(path), str(draw.randrange(10**6))]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            first = child.stdout.readline()
            assert first == "open\n"
            time.sleep(draw.choice((0.0, draw.uniform(0.0, 0.05), draw.uniform(0.0, 0.6))))
        finally:
            child.send_signal(signal.SIGKILL)
        said = child.stdout.read().splitlines(keepends=True)
    return max((int(line) for line in said if line.endswith("\n")), default=-1)


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + -(-KILLS // KILLS_A_FILE)))
def test_killed_writers_lose_nothing_that_was_durable(seed: int, tmp_path: Path) -> None:
    draw, path = random.Random(seed), tmp_path / "ticks.db"
    durable, oldest = -1, 0
    for _ in range(KILLS_A_FILE):
        durable = max(durable, kill_a_writer(path, draw))
        with TickStore(path, read_only=True) as store:
            found = check_honest(store)
        for ids in found.values():
            oldest = max(oldest, max(ids) + PENDING - FIRST_ID - RETAINED)  # what was pending counted as newest
            wanted = set(range(FIRST_ID + oldest, FIRST_ID + durable + 1))
            assert wanted <= ids
        assert durable < 0 or set(found) == set(SYMBOLS)
    with TickStore(path, flush_s=0.001) as store:
        check_honest(store)
        for symbol in SYMBOLS:
            for first, last in store.gaps(symbol):
                store.take({symbol: known(np.arange(first, last + 1), symbol)})
            assert store.gaps(symbol) == []
        store.flush()
    with TickStore(path) as store:
        for symbol, ids in check_honest(store).items():
            assert ids == set(range(min(ids), max(ids) + 1)), symbol


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + -(-KILLS // (2 * KILLS_A_FILE))))
def test_killed_writers_of_books_lose_nothing_that_was_durable(seed: int, tmp_path: Path) -> None:
    draw, path = random.Random(seed), tmp_path / "books.db"
    durable = -1
    for _ in range(KILLS_A_FILE):
        durable = max(durable, kill_a_writer(path, draw, "killed_market_writer"))
        with MarketStore(path, read_only=True) as store:
            for name in killed_market_writer.NAMES:
                found = store.samples(name, 0, 2**63 - 1)
                numbers = found.time_ns // killed_market_writer.MS
                assert np.array_equal(numbers, np.arange(len(numbers)))
                assert len(numbers) > durable
                for held, truth in zip(found.arrays(), killed_market_writer.known(numbers).arrays(), strict=True):
                    assert not len(numbers) or np.array_equal(held, truth)
            for payment in store.funding(killed_market_writer.NAMES[0], 0, 2**63 - 1):
                assert payment.rate == payment.time_ns // killed_market_writer.MS / 7
    with MarketStore(path) as store:
        assert store.health.notices == ()


MIGRATED: Final = 30_000  # trades of the file that is rewritten
REWRITE: Final = "import sys; from storage import TickStore; print('open', flush=True); TickStore(sys.argv[1]).close()"


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + -(-KILLS // 40)))
def test_a_file_whose_rewriting_is_killed_loses_nothing(seed: int, tmp_path: Path) -> None:
    draw, path = random.Random(seed), tmp_path / "ticks.db"
    ids = FIRST_ID + np.arange(MIGRATED)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(FIRST_SCHEMA)
        connection.execute("BEGIN")
        rows = zip(*(column.tolist() for column in known(ids, "BTCUSDT").arrays()), strict=True)
        connection.executemany("INSERT INTO ticks VALUES (1, ?, ?, ?, ?, ?, ?)", rows)
        connection.execute("INSERT INTO runs VALUES (1, ?, ?)", (int(ids[0]), int(ids[-1])))
        connection.execute("COMMIT")
    for _ in range(4):
        with subprocess.Popen(
            [sys.executable, "-c", REWRITE, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as child:
            try:
                assert child.stdout is not None
                assert child.stdout.readline() == "open\n"
                time.sleep(draw.uniform(0.0, 0.25))
            finally:
                child.send_signal(signal.SIGKILL)
    with TickStore(path) as store:
        assert check_honest(store)["BTCUSDT"] == set(ids.tolist())
    assert sorted(each.name for each in tmp_path.iterdir()) == ["ticks.db", "ticks.db.lock"]
