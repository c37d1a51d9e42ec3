"""Files of the first schema, a row a tick, become files of blocks: once, when they are opened to be written.

The new file is made beside the old one and takes its name in one step, when it holds every tick of it.
"""

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import numpy as np

from alphastream.errors import DamagedFileError, StorageError
from alphastream.instruments import split
from alphastream.tape.columns import TickColumns
from alphastream.tape.id_ranges import IdRuns
from alphastream.tape.ring import Series
from alphastream.tape_files import block_rows, instrument_rows, schema

log = logging.getLogger(__name__)

_ROWS_A_PAGE: Final = 50_000
# 18 significant digits name every double without loss; SQLite's own cast to text stops at 15.
_PAGE: Final = """
SELECT count(*), group_concat(trade_id), group_concat(printf('%!.18g', price)),
       group_concat(printf('%!.18g', quantity)), group_concat(time_ns), group_concat(receive_ns),
       group_concat(buyer_is_maker)
FROM (SELECT * FROM ticks WHERE symbol_id = ? AND trade_id > ? ORDER BY trade_id LIMIT ?)
"""
_running: Final[dict[Path, tuple[int, int]]] = {}  # ticks copied and all ticks of the files that are rewritten now


def rewriting() -> str | None:
    """What this process is rewriting and how far it is, in a sentence; None where it does not."""
    for path, (done, total) in tuple(_running.items()):
        return (
            f"{path.name} is rewritten for this version of the program, once: {done:,} of {total:,} trades so far. "
            "Trades are shown and recorded when that has ended"
        )
    return None


def migrate(path: Path, venue: str = "") -> None:
    """Rewrite a file of the first schema.

    Parameters
    ----------
    path : the file. It is replaced when all of it has been copied, and not touched before.
    venue : of its symbols, "" where nobody knows.

    Raises
    ------
    sqlite3.Error, OSError : it cannot be read, or the new file not written.
    DamagedFileError : what it holds contradicts itself.
    StorageError : another program has it open.
    """
    unfinished = path.with_name(f"{path.name}.migrating")
    unfinished.unlink(missing_ok=True)
    try:
        with (
            closing(sqlite3.connect(path, isolation_level=None)) as old,
            closing(sqlite3.connect(unfinished, isolation_level=None)) as new,
        ):
            # What stays in the log would be laid over the new file.
            if old.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                raise StorageError(
                    f"{path} is read by another program, so it cannot be rewritten: end that program first"
                )
            old.execute("BEGIN IMMEDIATE")  # nobody else writes meanwhile
            new.executescript(schema.SQL)
            new.execute("BEGIN")
            _copy(old, new, path, venue)
            new.execute("COMMIT")
            old.execute("ROLLBACK")
        os.replace(unfinished, path)
    finally:
        _running.pop(path, None)
        unfinished.unlink(missing_ok=True)


def _copy(old: sqlite3.Connection, new: sqlite3.Connection, path: Path, venue: str) -> None:
    (total,) = old.execute("SELECT count(*) FROM ticks").fetchone()
    log.info("migrating %s: %d ticks from rows to blocks; the old file stays until this has ended", path, total)
    done = 0
    _running[path] = done, total
    for instrument, name in old.execute("SELECT id, name FROM symbols ORDER BY id").fetchall():
        of, symbol = split(name)
        venue_of = of or venue
        number = instrument_rows.insert(new, Series(f"{venue_of}:{symbol}" if venue_of else symbol, 0))
        held = IdRuns()
        for ticks in _pages(old, instrument):
            block_rows.insert(new, number, ticks)
            held.extend(ticks.id)
            done += len(ticks)
            _running[path] = done, total
            log.info("migrating %s: %d of %d ticks, %.0f %%", path, done, total, 100 * done / total)
        pairs = old.execute("SELECT first_id, last_id FROM runs WHERE symbol_id = ? ORDER BY 1", (instrument,))
        if held != IdRuns(pairs.fetchall()):
            raise DamagedFileError(
                f"{path} is damaged: the ids of {name} are not those that it claims to hold: move it away or name "
                "another file"
            )
        new.executemany("INSERT INTO runs VALUES (?, ?, ?)", [(number, first, last) for first, last in held.pairs()])


def _pages(old: sqlite3.Connection, instrument: int) -> Iterator[TickColumns]:
    """Ticks of an instrument by ascending id."""
    after = -1
    while True:
        count, ids, *rest = old.execute(_PAGE, (instrument, after, _ROWS_A_PAGE)).fetchone()
        if not count:
            return
        prices, quantities, times, received, sides = rest
        page = TickColumns(
            np.fromstring(ids, dtype=np.int64, sep=","),
            np.fromstring(prices, dtype=np.float64, sep=","),
            np.fromstring(quantities, dtype=np.float64, sep=","),
            np.fromstring(times, dtype=np.int64, sep=","),
            np.fromstring(received, dtype=np.int64, sep=","),
            np.fromstring(sides, dtype=np.int8, sep=",").astype(np.bool_),
        )
        after = int(page.id[-1])
        yield page
