"""Rows of the tables of runs: which ids of an instrument are held, and which were lost."""

import sqlite3
from typing import Literal

from alphastream.errors import ParameterError
from alphastream.tape.id_ranges import IdRuns

Table = Literal["runs", "lost"]


def load(connection: sqlite3.Connection, table: Table, instrument: int) -> IdRuns:
    """The runs of an instrument; sqlite3.DatabaseError where they contradict each other."""
    query = f"SELECT first_id, last_id FROM {table} WHERE instrument_id = ? ORDER BY first_id"
    try:
        return IdRuns(connection.execute(query, (instrument,)).fetchall())
    except (ParameterError, TypeError) as error:
        raise sqlite3.DatabaseError(f"{table} contradict each other: {error}") from error


def save(connection: sqlite3.Connection, table: Table, instrument: int, before: IdRuns, after: IdRuns) -> None:
    """Write only the runs that changed."""
    old, new = dict(before.pairs()), dict(after.pairs())
    gone = [(instrument, first) for first in old.keys() - new.keys()]
    changed = [(instrument, first, last) for first, last in new.items() if old.get(first) != last]
    connection.executemany(f"DELETE FROM {table} WHERE instrument_id = ? AND first_id = ?", gone)
    connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)", changed)
