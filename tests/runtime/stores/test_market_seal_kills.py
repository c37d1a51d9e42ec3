"""Writers of books killed by SIGKILL while they seal: every read is complete and has each sample once.

``make kills`` kills fifty.
"""

import os
import random
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from runtime.stores.market_store import MarketStore
from tests.runtime.stores.killed_market_sealer import NAMES, books, quotes
from tests.runtime.stores.test_kills import kill_a_writer

KILLS: Final = int(os.environ.get("KILLS", "20")) // 4
FIRST_SEED: Final = int(os.environ.get("SEED", "0"))
KILLS_A_FILE: Final = 5
ALL: Final = (0, 2**63 - 1)


def check(store: MarketStore) -> int:
    """See that what is held is contiguous and was written, and return how many samples of each are there at least."""
    counts = []
    for name in NAMES:
        for found, truth in ((store.samples(name, *ALL), books), (store.quotes(name, *ALL), quotes)):
            for held, wanted in zip(found.arrays(), truth(np.arange(len(found))).arrays(), strict=True):
                assert not len(found) or np.array_equal(held, wanted)
            counts.append(len(found))
    return min(counts)


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + -(-KILLS // KILLS_A_FILE)))
def test_killed_sealers_lose_nothing_and_leave_nothing_twice(seed: int, tmp_path: Path) -> None:
    draw, path, history = random.Random(seed), tmp_path / "books.db", tmp_path / "history"
    durable = -1
    with MarketStore(path, history=history) as store:  # there is something to seal at once
        for first in range(0, 5_000, 1_000):
            for name in NAMES:
                store.add(name, books(np.arange(first, first + 1_000)))
                store.add(name, quotes(np.arange(first, first + 1_000)))
    for _ in range(KILLS_A_FILE):
        is_over = threading.Event()
        failed: list[BaseException] = []

        def read(is_over: threading.Event = is_over, failed: list[BaseException] = failed) -> None:
            try:
                with MarketStore(path, history=history, read_only=True) as store:
                    while not is_over.is_set():
                        check(store)
            except BaseException as error:  # noqa: BLE001 (told by the thread of the test)
                failed.append(error)

        reading = threading.Thread(target=read)
        reading.start()
        durable = max(durable, kill_a_writer(path, draw, "killed_market_sealer"))
        is_over.set()
        reading.join()
        assert not failed
        with MarketStore(path, history=history, read_only=True) as store:
            assert check(store) > durable
    with MarketStore(path, history=history) as store:
        store.seal(0)  # removes what kills have left behind
        assert check(store) > durable
        assert store.health.notices == ()
    with closing(sqlite3.connect(path)) as connection:
        counted = {file for (file,) in connection.execute("SELECT file FROM sealed")}
    assert counted == {each.relative_to(history).as_posix() for each in history.rglob("*.p*") if each.is_file()}
    with MarketStore(path, history=history) as store:
        store.seal(ALL[1])
        assert check(store) > durable
