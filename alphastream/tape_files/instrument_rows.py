"""Rows of the table of instruments. An instrument's number is a digest of its name.

So a name that was altered is noticed, and each block, whose checksum covers that number, proves whose ticks it holds.
"""

import hashlib
import sqlite3
from typing import Final

from alphastream.instruments import split
from alphastream.tape.columns import INT64_MAX
from alphastream.tape.ring import Series

TABLE: Final = """
CREATE TABLE instruments(
    id INTEGER PRIMARY KEY, venue TEXT NOT NULL, symbol TEXT NOT NULL, epoch INTEGER NOT NULL,
    UNIQUE(venue, symbol, epoch));
"""


def digest(*parts: object) -> int:
    """A positive number that stands for these."""
    text = "\n".join(map(str, parts))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") & INT64_MAX


def number_of(series: Series) -> int:
    """The number of an instrument."""
    return digest(*split(series.symbol), series.epoch)


def insert(connection: sqlite3.Connection, series: Series) -> int:
    """Write an instrument down; its number."""
    number = number_of(series)
    values = (number, *split(series.symbol), series.epoch)
    connection.execute("INSERT INTO instruments VALUES (?, ?, ?, ?)", values)
    return number


def load(connection: sqlite3.Connection) -> dict[Series, int]:
    """Every instrument and its number; sqlite3.DatabaseError where a name is not what was written."""
    found: dict[Series, int] = {}
    for number, venue, symbol, epoch in connection.execute("SELECT id, venue, symbol, epoch FROM instruments"):
        series = series_of(number, venue, symbol, epoch)
        if series is None:
            raise sqlite3.DatabaseError(f"the name of the instrument {venue}:{symbol} was altered")
        found[series] = number
    return found


def series_of(number: int, venue: str, symbol: str, epoch: int) -> Series | None:
    """Whose number that is; None where it is not of that name."""
    if number != digest(venue, symbol, epoch):
        return None
    return Series(f"{venue}:{symbol}" if venue else symbol, epoch)
