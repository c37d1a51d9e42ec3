"""Files of books damaged at random: what is read was written, the rest is left out or moved aside."""

import os
import shutil
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from alphastream.books import BookColumns
from alphastream.errors import StorageError
from alphastream.instruments import InstrumentId
from runtime.stores.market_store import MarketStore
from tests.runtime.connections.feed_runs import until

BTC, ETH = InstrumentId("binance-usdm", "BTCUSDT"), InstrumentId("binance-usdm", "ETHUSDT")
DAMAGED_FILES: Final = int(os.environ.get("DAMAGED_FILES", "30"))
FIRST_SEED: Final = int(os.environ.get("SEED", "0"))
BLOCKS, ROWS = 30, 60


def samples(block: int) -> BookColumns:
    random = np.random.default_rng(block)
    columns = BookColumns.empty(5, ROWS)
    columns.time_ns[:] = (block * ROWS + np.arange(ROWS)) * 10**9
    columns.receive_ns[:] = columns.time_ns + 7
    for side in (columns.bid_price, columns.bid_quantity, columns.ask_price, columns.ask_quantity):
        side[:] = random.integers(1, 10**6, side.shape) / 100
    return columns


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "books.db"
    for block in range(BLOCKS):
        with MarketStore(path) as store:
            store.add((BTC, ETH)[block % 2], samples(block))
    return path


def is_readable(store: MarketStore) -> bool:
    try:
        store.samples(BTC, 0, 2**63 - 1)
        store.samples(ETH, 0, 2**63 - 1)
    except StorageError:  # until the writer has moved the file aside
        return False
    return True


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + DAMAGED_FILES))
def test_what_is_read_of_a_damaged_file_was_written(sound: Path, tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    path = tmp_path / "books.db"
    shutil.copy(sound, path)
    data = bytearray(path.read_bytes())
    for _ in range(int(random.integers(1, 4))):
        at, length = int(random.integers(0, len(data))), int(random.choice([1, 8, 600, 5_000]))
        data[at : at + length] = random.bytes(len(data[at : at + length]))
    is_cut = random.random() < 0.2
    if is_cut:
        del data[int(random.integers(0, len(data))) :]
    path.write_bytes(data)
    with MarketStore(path, flush_s=0.01) as store:
        until(lambda: is_readable(store))
        until(lambda: not store._unchecked)
        until(lambda: is_readable(store))
        kept = 0
        for place, name in enumerate((BTC, ETH)):
            found = store.samples(name, 0, 2**63 - 1)
            blocks = (found.time_ns // 10**9) // ROWS
            assert (blocks % 2 == place).all()
            for block in np.unique(blocks).tolist():
                held, truth = found.rows(blocks == block), samples(block)
                for one, other in zip(held.arrays(), truth.arrays(), strict=True):
                    assert np.array_equal(one, other)
            kept += len(np.unique(blocks))
        assert kept > 0 or is_cut, "a few bytes hide a few blocks"
        store.add(BTC, samples(BLOCKS))
        until(lambda: store.health.pending == 0)
        last = store.samples(BTC, BLOCKS * ROWS * 10**9, 2**63 - 1)
        assert np.array_equal(last.bid_price, samples(BLOCKS).bid_price)
