"""Ticks, and what a file of them holds."""

import math
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from alphastream.events import Tick
from alphastream.tape.blocks import decode
from alphastream.tape.id_ranges import IdRuns
from alphastream.tape_files.block_rows import parsed

BTC, ETH = "BTCUSDT", "ETHUSDT"
FIRST_SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE symbols(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE ticks(
    symbol_id INTEGER NOT NULL, trade_id INTEGER NOT NULL, price REAL NOT NULL, quantity REAL NOT NULL,
    time_ns INTEGER NOT NULL, receive_ns INTEGER NOT NULL, buyer_is_maker INTEGER NOT NULL,
    PRIMARY KEY(symbol_id, trade_id)) WITHOUT ROWID;
CREATE INDEX ticks_by_time ON ticks(symbol_id, time_ns);
CREATE TABLE runs(
    symbol_id INTEGER NOT NULL, first_id INTEGER NOT NULL, last_id INTEGER NOT NULL,
    PRIMARY KEY(symbol_id, first_id)) WITHOUT ROWID;
PRAGMA application_id = 0x414C5053;
PRAGMA user_version = 1;
INSERT INTO symbols VALUES (1, 'BTCUSDT'), (2, 'ETHUSDT');
"""
"""A file of a row a tick, as it was before blocks."""


def tick(trade_id: int, *, symbol: str = BTC, price: float = 84551.1, time_ns: int | None = None) -> Tick:
    """A trade, at the nanosecond of its id unless told otherwise."""
    return Tick(symbol, trade_id, price, 0.03, trade_id if time_ns is None else time_ns, 7, trade_id % 3 == 0)


def ticks(first: int, last: int, symbol: str = BTC) -> list[Tick]:
    return [tick(i, symbol=symbol) for i in range(first, last + 1)]


def costly(first: int, last: int) -> list[Tick]:
    """Ticks whose prices take eight bytes each in the file, however they are packed."""
    return [tick(i, price=84551.1 * math.sin(i) ** 2) for i in range(first, last + 1)]


def ids(found: Sequence[Tick]) -> list[int]:
    return [t.id for t in found]


def until(condition: Callable[[], bool], within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def runs_and_ids(path: Path, symbol: str = BTC) -> tuple[IdRuns, list[int]]:
    """The runs the file claims and the ids it holds, read past the store."""
    with closing(sqlite3.connect(path)) as connection:
        (number,) = connection.execute("SELECT id FROM instruments WHERE symbol = ?", (symbol,)).fetchone()
        pairs = connection.execute(
            "SELECT first_id, last_id FROM runs WHERE instrument_id = ? ORDER BY 1", (number,)
        ).fetchall()
        bodies = connection.execute(
            "SELECT body FROM blocks JOIN bodies ON id = body_id WHERE instrument_id = ?", (number,)
        ).fetchall()
    return IdRuns(pairs), sorted(number for (body,) in bodies for number in decode(parsed(0, body)[1]).id.tolist())
