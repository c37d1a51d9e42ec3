"""Writers killed by SIGKILL while they seal: every read is complete and has each tick once, also meanwhile.

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

from alphastream.core.types import Ints
from alphastream.history import open_tape
from alphastream.tape.columns import TickColumns
from storage import TickStore
from tests.runtime.stores.killed_sealer import FIRST_ID, NAMES, ORIGIN, known
from tests.runtime.stores.test_kills import kill_a_writer

KILLS: Final = int(os.environ.get("KILLS", "20")) // 4
FIRST_SEED: Final = int(os.environ.get("SEED", "0"))
KILLS_A_FILE: Final = 5
ALL: Final = (0, 2**63 - 1)


def check(found: TickColumns, name: str) -> Ints:
    """See that each tick is there once and as it was written; return the ids, ascending."""
    ids = np.sort(found.id)
    assert (np.diff(ids) > 0).all(), "a tick twice"
    for held, wanted in zip(found.arrays(), known(found.id, name).arrays(), strict=True):
        assert np.array_equal(held, wanted)
    return ids


class Reader:
    """Reads on a thread, by a store and by the library, until it is told to end: nothing that was there is missing."""

    def __init__(self, path: Path) -> None:
        self._path, self._is_over = path, threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.reads = 0
        self.failed: BaseException | None = None

    def __enter__(self) -> "Reader":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            held = dict.fromkeys(NAMES, np.empty(0, np.int64))
            with TickStore(self._path, origin=ORIGIN, history=self._path.parent / "history", read_only=True) as store:
                tape = open_tape(self._path.parent)
                while not self._is_over.is_set():
                    for name in NAMES:
                        for found in (store.columns(name, *ALL), tape.ticks(name)):
                            ids = check(found, name)
                            assert np.isin(held[name], ids).all(), "a tick is missing that was there"
                            held[name] = ids
                    self.reads += 1
        except BaseException as error:  # noqa: BLE001 (told by the thread of the test)
            self.failed = error


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + -(-KILLS // KILLS_A_FILE)))
def test_killed_sealers_lose_nothing_and_leave_nothing_twice(seed: int, tmp_path: Path) -> None:
    draw, path, history = random.Random(seed), tmp_path / "binance-usdm.db", tmp_path / "history"
    durable, reads = FIRST_ID - 1, 0
    with TickStore(path, origin=ORIGIN, history=history) as store:
        for name in NAMES:
            store.take({name: known(FIRST_ID + np.arange(20_000), name)})  # there is something to seal at once
    for _ in range(KILLS_A_FILE):
        with Reader(path) as reader:
            durable = max(durable, kill_a_writer(path, draw, "killed_sealer"))
        assert reader.failed is None
        reads += reader.reads
        with TickStore(path, origin=ORIGIN, history=history, read_only=True) as store:
            for name in NAMES:
                ids = check(store.columns(name, *ALL), name)
                assert np.isin(np.arange(FIRST_ID, durable + 1), ids).all()
                held = store.coverage(name)
                assert held is not None
                assert held.ticks == len(ids)
    assert reads
    with TickStore(path, origin=ORIGIN, history=history) as store:
        store.seal(0)  # removes what kills have left behind
        for name in NAMES:
            for first, last in store.gaps(name):
                store.take({name: known(np.arange(first, last + 1), name)})
            ids = check(store.columns(name, *ALL), name)
            assert len(ids) == ids[-1] - FIRST_ID + 1
        assert store.health.notices == ()
        store.flush()
    tape = open_tape(tmp_path)
    (row,) = tape.sql("SELECT count(*) AS n, count(DISTINCT (symbol, id)) AS once FROM ticks").to_pylist()
    assert row["n"] == row["once"] >= 2 * (durable - FIRST_ID + 1)
    with closing(sqlite3.connect(path)) as connection:
        counted = {file for (file,) in connection.execute("SELECT file FROM sealed")}
    assert counted == {each.relative_to(history).as_posix() for each in history.rglob("*.p*") if each.is_file()}
    with TickStore(path, origin=ORIGIN, history=history) as store:
        store.seal(ALL[1])
        assert all(
            np.array_equal(check(store.columns(name, *ALL), name), check(tape.ticks(name), name)) for name in NAMES
        )
