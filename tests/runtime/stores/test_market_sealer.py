"""Old samples go to files of a history: they are read as before, each once, whatever happens in between."""

import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphastream.books import BookColumns, MarkColumns, QuoteColumns
from alphastream.errors import StorageError
from alphastream.history.places import Place
from alphastream.instruments import InstrumentId
from runtime.stores import market_sealer, market_tails, sealing_thread
from runtime.stores.market_store import MarketStore, market_path
from tests.runtime.connections.feed_runs import until

BTC, ETH = InstrumentId("binance-usdm", "BTCUSDT"), InstrumentId("binance-usdm", "ETHUSDT")
SECOND = 1_000_000_000
DAY = 86_400 * SECOND
T0 = 19_700 * DAY
STEP = 600 * SECOND  # 144 samples a day
ALL = (0, 2**63 - 1)


def books(numbers: "np.ndarray[tuple[int], np.dtype[np.int64]]", levels: int = 3) -> BookColumns:
    columns = BookColumns.empty(levels, len(numbers))
    columns.time_ns[:] = T0 + numbers * STEP
    columns.receive_ns[:] = columns.time_ns + 5 + numbers
    for place, side in enumerate((columns.bid_price, columns.bid_quantity, columns.ask_price)):
        side[:] = numbers[:, None] * (place + 1) + np.arange(levels) / 8
    return columns  # ask_quantity is missing


def quotes(numbers: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> QuoteColumns:
    times = T0 + numbers * STEP
    return QuoteColumns(times, times + 3, numbers / 7, numbers / 3, numbers / 5, numbers / 11)


def marks(numbers: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> MarkColumns:
    times = T0 + numbers * STEP
    nothing = np.full(len(numbers), np.nan)
    next_ns = np.where(numbers % 2, times + 8 * 3_600 * SECOND, 0)
    intervals = np.where(numbers % 2, 8 * 3_600 * SECOND + 1, 0)
    return MarkColumns(times, times + 4, numbers / 9, nothing, numbers / 1e6, next_ns, intervals)


def check(store: MarketStore, name: InstrumentId, rows: int, levels: int = 3) -> None:
    numbers = np.arange(rows)
    found = (store.samples(name, *ALL), store.quotes(name, *ALL), store.marks(name, *ALL))
    for held, wanted in zip(found, (books(numbers, levels), quotes(numbers), marks(numbers)), strict=True):
        for one, other in zip(held.arrays(), wanted.arrays(), strict=True):
            assert np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


def fill(store: MarketStore, first: int, last: int) -> None:
    for start in range(first, last, 10):
        numbers = np.arange(start, min(start + 10, last))
        for name in (BTC, ETH):
            for columns in (books(numbers), quotes(numbers), marks(numbers)):
                store.add(name, columns)


def counts(path: Path) -> tuple[int, int]:
    """Blocks in the file, and files that it says were sealed."""
    with closing(sqlite3.connect(path)) as connection:
        (blocks,) = connection.execute("SELECT count(*) FROM blocks").fetchone()
        return int(blocks), int(connection.execute("SELECT count(*) FROM sealed").fetchone()[0])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return market_path(tmp_path / "binance-usdm.db")


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(market_tails, "BLOCK_SAMPLES", 30)


def test_sealed_samples_are_read_as_before(path: Path, tmp_path: Path) -> None:
    history = tmp_path / "history"
    with MarketStore(path, history=history) as store:
        fill(store, 0, 400)
        store.flush()
        moved: list[int] = []
        assert store.seal(T0 + 2 * DAY, moved.append) == moved[-1] > 6 * 200
        check(store, BTC, 400)
        assert store.instruments(MarkColumns) == [BTC, ETH]
        part = store.quotes(ETH, T0 + 3 * STEP, T0 + 5 * STEP)
        assert np.array_equal(part.time_ns, T0 + np.arange(3, 5) * STEP)
        fill(store, 400, 500)
    with MarketStore(path, history=history, read_only=True) as store:
        check(store, ETH, 500)
    with MarketStore(path, history=history) as store:
        check(store, BTC, 500)
        blocks, files = counts(path)
        assert files > 0
        assert store.seal(2**62) > 0
        assert counts(path)[0] == 0 < blocks
        check(store, BTC, 500)
        fill(store, 500, 600)
        store.flush()
        check(store, ETH, 600)
        assert store.seal(0) == 0
    names = sorted(each.relative_to(history).as_posix() for each in history.rglob("*.parquet"))
    assert names[0].startswith("books/venue=binance-usdm/symbol=BTCUSDT/date=2023-12-09/sealed-")
    assert {name.split("/")[0] for name in names} == {"books", "marks", "quotes"}


def test_blocks_older_than_the_retention_go_to_the_history_by_themselves(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing_thread, "FIRST_LOOK_S", 0.01)
    with MarketStore(path) as store:
        fill(store, 0, 100)
    with MarketStore(path, history=tmp_path / "history", retention_ns=SECOND, flush_s=0.01) as store:
        until(lambda: store.health.sealed == 600)
        check(store, ETH, 100)
        assert counts(path)[0] == 0


def test_a_history_that_cannot_be_written_is_told_and_nothing_is_lost(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing_thread, "FIRST_LOOK_S", 0.01)
    monkeypatch.setattr(sealing_thread, "LOOK_EVERY_S", 0.01)
    with MarketStore(path) as store:
        fill(store, 0, 60)
    history = tmp_path / "history"
    history.write_text("a file, and no folder")
    with MarketStore(path, history=history, retention_ns=SECOND, flush_s=0.01) as store:
        until(lambda: store.health.sealing_error is not None)
        assert str(history) in str(store.health.sealing_error)
        check(store, BTC, 60)
        history.unlink()
        until(lambda: store.health.sealed == 360)
        until(lambda: store.health.sealing_error is None)
        check(store, BTC, 60)


@pytest.mark.parametrize("step", ["announced", "written", "counted"])
def test_what_ends_between_two_steps_is_made_good(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    history = tmp_path / "history"

    def fail(*_: object) -> None:
        raise StorageError("the end")

    with MarketStore(path, history=history) as store:
        fill(store, 0, 200)
        store.flush()
        with monkeypatch.context() as patch:
            if step == "announced":
                patch.setattr(market_sealer, "write", fail)
            elif step == "written":
                patch.setattr(market_sealer.MarketSealer, "_count", fail)
            else:
                patch.setattr(market_sealer.log, "info", fail)
            with pytest.raises(StorageError, match="the end"):
                store.seal(T0 + DAY)
        check(store, BTC, 200)
    with MarketStore(path, history=history) as store:
        check(store, BTC, 200)
        store.seal(T0 + DAY)
        check(store, BTC, 200)
        check(store, ETH, 200)
    written = {each.relative_to(history).as_posix() for each in history.rglob("*.parquet")}
    with closing(sqlite3.connect(path)) as connection:
        assert written == {file for (file,) in connection.execute("SELECT file FROM sealed")}
        assert connection.execute("SELECT count(*) FROM sealing").fetchone() == (0,)


def test_readers_see_each_sample_once_while_it_is_sealed(path: Path, tmp_path: Path) -> None:
    history = tmp_path / "history"
    with MarketStore(path, history=history, flush_s=0.01) as store:
        fill(store, 0, 700)
        store.flush()
        is_over = threading.Event()

        def seal() -> None:
            for day in range(1, 5):
                store.seal(T0 + day * DAY)
            is_over.set()

        sealing = threading.Thread(target=seal)
        sealing.start()
        with MarketStore(path, history=history, read_only=True) as reader:
            while not is_over.is_set():
                check(store, BTC, 700)
                check(reader, ETH, 700)
        sealing.join()
        check(store, BTC, 700)


@settings(max_examples=15, deadline=None)
@given(moves=st.lists(st.tuples(st.integers(1, 200), st.integers(-1, 900), st.booleans()), min_size=1, max_size=5))
def test_any_times_of_sealing_leave_the_same_samples(
    moves: list[tuple[int, int, bool]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("sealing")
    path, history, rows = market_path(folder / "binance-usdm.db"), folder / "history", 0
    store = MarketStore(path, history=history)
    for more, sealed, opens_anew in moves:
        fill(store, rows, rows + more)
        rows += more
        store.flush()
        store.seal(T0 + sealed * STEP)
        if opens_anew:
            store.close()
            store = MarketStore(path, history=history)
        check(store, BTC, rows)
    store.close()


def test_a_damaged_file_keeps_its_sealed_samples(path: Path, tmp_path: Path) -> None:
    history = tmp_path / "history"
    with MarketStore(path, history=history) as store:
        fill(store, 0, 300)
        store.flush()
        store.seal(T0 + DAY)
    with path.open("r+b") as file:
        file.write(b"\xff" * 60)  # the header
    with MarketStore(path, history=history) as store:
        check(store, BTC, 300)
        assert len(store.health.notices) == 1
        store.seal(T0 + 2 * DAY)
        check(store, ETH, 300)


def test_files_that_were_taken_away_are_told(path: Path, tmp_path: Path) -> None:
    history = tmp_path / "history"
    with MarketStore(path, history=history) as store:
        fill(store, 0, 160)
        store.flush()
        store.seal(T0 + DAY)
        shutil.rmtree(history)
        assert 0 < len(store.quotes(BTC, *ALL)) < 160
        store.quotes(BTC, *ALL)
        assert len(store.health.notices) == 1
        assert "is not there" in store.health.notices[0]
    with MarketStore(path) as store, pytest.raises(StorageError, match="without a history"):
        store.seal(T0)
    assert not Place(history).find()
