"""Moving what the files of a data folder hold to the history at once: ``python -m alphastream.history seal``."""

import os
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from alphastream.errors import StorageError
from alphastream.history.layout import moment
from alphastream.history.market_files import FOLDER
from alphastream.history.market_rows import APPLICATION_ID
from alphastream.history.places import Place
from alphastream.tape_files.reading import is_tape_file, owner_of
from runtime.stores.market_store import MarketStore
from storage import TickStore

NOW: Final = "now"


def seal_folder(folder: Path, history: str, until: str, say: Callable[[str], None]) -> int:
    """Move ticks, books, quotes and mark prices from before a time; how many rows were moved.

    Parameters
    ----------
    until : ISO text (UTC where it names no zone), or "now".
    say : is told how far it is.

    Raises
    ------
    HeldError : another process writes a file; the message names it. What was moved before stays moved.
    StorageError : a file or the history cannot be read or written.
    """
    until_ns = time.time_ns() if until == NOW else moment(until, 0)
    total = 0
    for path in filter(is_tape_file, sorted(folder.glob("*.db"))):
        with TickStore(path, history=history) as store:
            moved = store.seal(until_ns, partial(_tell, say, path.name, "ticks"))
        say(f"{path.name}: {moved:,} ticks from before {until} are in {history} now")
        total += moved
    for path in sorted((folder / FOLDER).glob("*.db")):
        if owner_of(path) != APPLICATION_ID:
            continue
        with MarketStore(path, history=history) as kept:
            moved = kept.seal(until_ns, partial(_tell, say, f"books of {path.name}", "samples"))
        say(f"books of {path.name}: {moved:,} samples from before {until} are in {history} now")
        total += moved
    return total


def _tell(say: Callable[[str], None], name: str, rows: str, count: int) -> None:
    say(f"{name}: {count:,} {rows} so far")


def add_arguments(parser: ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("until", metavar="UNTIL", help="move what is from before: such as 2026-11-01, or now")
    usual = os.environ.get("ALPHASTREAM_DATA_DIR", "var")
    parser.add_argument("--folder", default=usual, help="the data folder, which no other process writes (%(default)s)")


def run(place: Place, until: str, folder: str) -> int:
    """Seal; its exit code."""
    data = Path(folder)
    if not data.is_dir():
        raise StorageError(f"{data} is no folder: name the data folder that an app or a recorder has written")
    seal_folder(data, str(place), until, lambda words: print(words, file=sys.stderr))  # noqa: T201 (a command)
    return 0
