"""A file of books that SQLite cannot read any more: what is sound goes into a new file, the old one is kept beside it.

Every body says whose block it is and proves it by a checksum, so it does not matter how it was found.
"""

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from alphastream.books.blocks import Columns
from alphastream.errors import StorageError
from alphastream.feeds.market import FundingPayment
from alphastream.history import market_rows
from alphastream.history.market_rows import Block
from alphastream.tape_files import schema, sealed_rows
from alphastream.tape_files.instrument_rows import digest
from alphastream.tape_files.sealed_rows import SealedFile
from runtime.stores import salvage
from runtime.stores.pages import Cell, Pages


class Salvaged(NamedTuple):
    """What was found: blocks, samples in them, payments."""

    blocks: int
    samples: int
    payments: int


def replace_damaged(path: Path) -> tuple[Path | None, Salvaged]:
    """Put what is sound of a file in its place; where the damaged file lies now, and what was found.

    A kill before the end leaves the file as it was, or is made good by ``salvage.put_in_place``.

    Raises
    ------
    sqlite3.Error, OSError : it cannot be read, or the new file not written.
    """
    unfinished = path.with_name(f"{path.name}.salvaging")
    unfinished.unlink(missing_ok=True)
    try:
        with Pages(path) as pages, closing(sqlite3.connect(unfinished, isolation_level=None)) as new:
            new.execute("PRAGMA synchronous = FULL")
            new.executescript(market_rows.SQL)
            new.execute("BEGIN")
            found = _copy(pages, new, path)
            new.execute("COMMIT")
        os.replace(unfinished, path.with_name(f"{path.name}.salvaged-{time.time_ns() // 1_000_000}"))
    finally:
        unfinished.unlink(missing_ok=True)
    return salvage.put_in_place(path), found


def _copy(pages: Pages, new: sqlite3.Connection, path: Path) -> Salvaged:
    origin: schema.Origin | None = None
    sound: dict[int, tuple[Block, Columns]] = {}  # by number, the version with most samples
    payments: dict[tuple[str, int], FundingPayment] = {}
    sealed: list[SealedFile] = []
    for cell in pages.cells():
        match cell:
            case Cell(rowid=int(number), values=(None, bytes() | None)):
                found = market_rows.proved(number, pages.body(cell))
                if found is not None and (number not in sound or sound[number][0].samples < found[0].samples):
                    sound[number] = found
            case Cell(rowid=int(number), values=(None, int(), str(), int(), int(), int(), str())):
                if row := SealedFile.of((number, *cell.values[1:])):
                    sealed.append(row)
            case Cell(rowid=None, values=(str(), int(), str(), str(), int())):
                payment = market_rows.payment_of(cell.values)
                if payment is not None:
                    payments[payment.instrument, payment.time_ns] = payment
            case Cell(rowid=int(number), values=(str(venue), str(host))):
                if number == digest(venue, host):
                    origin = schema.Origin(venue, host)
    if origin is not None:
        try:
            schema.claim(new, path, origin)
        except StorageError as error:  # the new file is empty: nobody else can have claimed it
            raise sqlite3.DatabaseError(str(error)) from error
    if sealed:
        market_rows.make_room_for_sealed(new)
        sealed_rows.insert(new, sealed)
    for row in sealed:  # blocks that were sealed lie about still
        for number in row.ids:
            sound.pop(number, None)
    for number, (block, columns) in sound.items():
        market_rows.put(new, block.instrument, number, columns)
    market_rows.put_funding(new, list(payments.values()))
    return Salvaged(len(sound), sum(block.samples for block, _ in sound.values()), len(payments))
