"""Ticks, and what a file of them holds."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from alphastream.events import Tick
from alphastream.tape.id_ranges import IdRuns

BTC, ETH = "BTCUSDT", "ETHUSDT"


def tick(trade_id: int, *, symbol: str = BTC, price: float = 84551.1, time_ns: int | None = None) -> Tick:
    """A trade, at the nanosecond of its id unless told otherwise."""
    return Tick(symbol, trade_id, price, 0.03, trade_id if time_ns is None else time_ns, 7, trade_id % 3 == 0)


def ticks(first: int, last: int, symbol: str = BTC) -> list[Tick]:
    return [tick(i, symbol=symbol) for i in range(first, last + 1)]


def ids(found: list[Tick]) -> list[int]:
    return [t.id for t in found]


def until(condition: Callable[[], bool], within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def runs_and_ids(path: Path, symbol: str = BTC) -> tuple[IdRuns, list[int]]:
    """The runs the file claims and the ids it holds, read past the store."""
    with closing(sqlite3.connect(path)) as connection:
        (symbol_id,) = connection.execute("SELECT id FROM symbols WHERE name = ?", (symbol,)).fetchone()
        pairs = connection.execute(
            "SELECT first_id, last_id FROM runs WHERE symbol_id = ? ORDER BY 1", (symbol_id,)
        ).fetchall()
        found = connection.execute("SELECT trade_id FROM ticks WHERE symbol_id = ? ORDER BY 1", (symbol_id,)).fetchall()
    return IdRuns(pairs), [row[0] for row in found]
