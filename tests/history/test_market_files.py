"""Books, quotes, mark prices and funding by the library: what was sealed and what was not, each row once."""

import threading
from pathlib import Path

import numpy as np

from alphastream.books import BookColumns
from alphastream.feeds.market import FundingPayment
from alphastream.history import open_tape
from alphastream.history.tables import times_of
from alphastream.instruments import InstrumentId
from runtime.stores.market_store import MarketStore, market_path

BTC = InstrumentId("binance-usdm", "BTCUSDT")
SECOND = 1_000_000_000
DAY = 86_400 * SECOND
T0 = 19_700 * DAY
STEP = 600 * SECOND


def books(first: int, last: int) -> BookColumns:
    numbers = np.arange(first, last)
    columns = BookColumns.empty(2, len(numbers))
    columns.time_ns[:] = columns.receive_ns[:] = T0 + numbers * STEP
    columns.bid_price[:] = numbers[:, None]
    return columns


def fill(store: MarketStore, first: int, last: int) -> None:
    for start in range(first, last, 10):
        store.add(BTC, books(start, min(start + 10, last)))
        store.add_funding([FundingPayment(BTC, T0 + start * STEP, start / 7, 2.0)])
    store.flush()


def test_hot_and_cold_are_read_together(tmp_path: Path) -> None:
    path = market_path(tmp_path / "binance-usdm@127.0.0.1.db")
    name = "binance-usdm@127.0.0.1:BTCUSDT"
    with MarketStore(path, history=tmp_path / "history") as store:
        fill(store, 0, 400)
        assert store.seal(T0 + 2 * DAY) > 0
        tape = open_tape(tmp_path)
        assert tape.instruments("books") == tape.instruments("funding") == [name]
        assert tape.span(name, "books") == (T0, T0 + 399 * STEP)
        rows = tape.rows("books", name)
        assert np.array_equal(times_of(rows["time"]), books(0, 400).time_ns)
        assert [side[0] for side in rows["bid_price"].to_pylist()] == list(range(400))
        assert tape.rows("funding", name, T0 + 390 * STEP).to_pylist()[0]["rate"] == 390 / 7
        (row,) = tape.sql("SELECT count(*) AS n, max(bid_price[1]) AS best FROM books").to_pylist()
        assert row == {"n": 400, "best": 399.0}
        assert open_tape(tmp_path / "history").rows("books", name).num_rows == 400


def test_each_row_is_read_once_while_it_is_sealed(tmp_path: Path) -> None:
    with MarketStore(market_path(tmp_path / "binance-usdm.db"), history=tmp_path / "history") as store:
        fill(store, 0, 800)
        is_over = threading.Event()

        def seal() -> None:
            for day in range(1, 6):
                store.seal(T0 + day * DAY)
            is_over.set()

        sealing = threading.Thread(target=seal)
        sealing.start()
        tape = open_tape(tmp_path)
        while not is_over.is_set():
            assert np.array_equal(times_of(tape.rows("books", BTC)["time"]), books(0, 800).time_ns)
        sealing.join()
