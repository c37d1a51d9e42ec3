"""Signals in their file: what is written comes back, by SQL as well, whatever happens to the file."""

import dataclasses
import math
import sqlite3
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from alphastream.arbitrage import Signal
from alphastream.errors import StorageError
from runtime.stores import signal_store
from runtime.stores.signal_store import SignalStore
from storage import TickStore

SECOND = 10**9
BEGIN = 1_723_161_255 * SECOND
ONE = Signal(
    "BTC/USDT",
    "binance-usdm:BTCUSDT",
    "binance-spot:BTCUSDT",
    BEGIN,
    BEGIN + SECOND // 2,
    BEGIN + SECOND,
    0.0003,
    0.0008,
    0.25,
    15_000.0,
    20_000_000,
    "quotes",
)


def test_signals_come_back_and_answer_sql(tmp_path: Path) -> None:
    store = SignalStore(tmp_path / "new" / "arbitrage.db")
    assert store.newest(5) == []
    of_trades = dataclasses.replace(ONE, opened_ns=BEGIN + 5, quantity=math.inf, value=math.inf, prices="trades")
    assert store.append([ONE, of_trades])
    assert store.append([])
    assert store.append([ONE])  # once more after a doubtful write: one signal
    back = store.newest(5)
    assert [dataclasses.replace(each, net=round(each.net, 12), gross=round(each.gross, 12)) for each in back] == [
        of_trades,
        ONE,
    ]
    assert store.newest(1) == back[:1]
    with closing(sqlite3.connect(store.path)) as connection:
        row = connection.execute(
            "SELECT exchange_a, exchange_b, asset, profit_pct, volume_usd, timestamp, duration_s, error_ms "
            "FROM arbitrage_signals WHERE prices = 'quotes'"
        ).fetchone()
    assert row == (
        *("binance-usdm", "binance-spot", "BTC/USDT", pytest.approx(0.03), 15_000.0),
        *("2024-08-08T23:54:15.000+00:00", 1.0, 20.0),
    )
    store.close()
    store.close()
    again = SignalStore(store.path)
    assert again.newest(5) == back
    again.close()


def test_signals_stand_beside_ticks_in_sql(tmp_path: Path) -> None:
    store = SignalStore(tmp_path / "arbitrage.db")
    store.append([ONE])
    query = "SELECT exchange_a, profit_pct, timestamp FROM arbitrage_signals WHERE asset = 'BTC/USDT'"
    with TickStore(tmp_path / "ticks.db") as ticks:
        answer = ticks.sql(query, beside=store.tables()).to_pylist()
    assert [(row["exchange_a"], round(row["profit_pct"], 9)) for row in answer] == [("binance-usdm", 0.03)]
    assert answer[0]["timestamp"] == pd.Timestamp(BEGIN, tz="UTC")
    store.close()
    assert SignalStore(tmp_path / "none.db").tables()["arbitrage_signals"].num_rows == 0


def test_an_open_signal_is_not_kept(tmp_path: Path) -> None:
    store = SignalStore(tmp_path / "arbitrage.db")
    with pytest.raises(StorageError, match="is open"):
        store.append([dataclasses.replace(ONE, closed_ns=None)])
    store.close()


def test_a_damaged_file_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "arbitrage.db"
    path.write_bytes(b"no database at all, but long enough to be looked at" * 50)
    store = SignalStore(path)
    with pytest.raises(StorageError):
        store.append([ONE])
    assert store.append([ONE])
    assert store.notice is not None
    assert len(store.newest(9)) == 1
    assert len(list(tmp_path.glob("arbitrage.db.damaged-*"))) == 1
    store.close()


def test_one_process_writes(tmp_path: Path) -> None:
    first, second = SignalStore(tmp_path / "arbitrage.db"), SignalStore(tmp_path / "arbitrage.db")
    assert first.append([ONE])
    assert not second.append([dataclasses.replace(ONE, opened_ns=BEGIN + 1)])
    assert second.notice is not None
    assert len(second.newest(9)) == 1
    first.close()
    assert second.append([dataclasses.replace(ONE, opened_ns=BEGIN + 1)])
    assert len(second.newest(9)) == 2
    second.close()


def test_the_oldest_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal_store, "KEPT", 10)
    monkeypatch.setattr(signal_store, "_PRUNE_EVERY", 20)
    store = SignalStore(tmp_path / "arbitrage.db")
    for row in range(40):
        store.append([dataclasses.replace(ONE, opened_ns=BEGIN + row)])
    assert [each.opened_ns - BEGIN for each in store.newest(99)] == list(range(39, 29, -1))
    store.close()
