"""Copy a data folder while the app or the recorder writes into it.

    python -m scripts.backup var /backup/2026-11-29

Tick files are copied by SQLite itself, in one transaction: the copy is what was durable at one moment. Rules, alerts
and paper runs are lines at the end of a file; a line that was being written is left out when the copy is read. Files of
the history are copied after those that list them, so that none is missing that counts. The target appears when all of
it is there and every tick file of it was checked.
"""

import argparse
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

MADE_ANEW: Final = (".lock", "-wal", "-shm", "-journal", ".migrating", ".part")
"""Ends of files that belong to a running process."""
DATABASE: Final = ".db"


def backup(source: Path, target: Path) -> list[Path]:
    """Copy a folder and return what was copied, relative to it.

    Raises
    ------
    SystemExit
        Source or target are not as they need to be, or a copy is not sound.
    """
    if not source.is_dir():
        raise SystemExit(f"{source} is no folder: name the one of ALPHASTREAM_DATA_DIR")
    if target.exists():
        raise SystemExit(f"{target} exists already: name a folder that does not")
    if target.resolve().is_relative_to(source.resolve()):
        raise SystemExit(f"{target} lies in {source}: name a folder elsewhere, on another disk")
    unfinished = target.with_name(f"{target.name}.partial")
    shutil.rmtree(unfinished, ignore_errors=True)
    copied = []
    for path in _in_order(source):
        copied.append(path.relative_to(source))
        place = unfinished / copied[-1]
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == DATABASE:
            _copy_database(path, place)
        else:
            shutil.copy2(path, place)
    unfinished.mkdir(parents=True, exist_ok=True)
    unfinished.rename(target)
    return copied


def _in_order(source: Path) -> Iterator[Path]:
    """Yield what is to be copied: databases before the rest is listed, which then has every file that they name."""
    for is_database in (True, False):
        for path in sorted(source.rglob("*")):
            if path.is_file() and not path.name.endswith(MADE_ANEW) and (path.suffix == DATABASE) == is_database:
                yield path


def _copy_database(path: Path, place: Path) -> None:
    uri = f"{path.resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=30.0)) as old, closing(sqlite3.connect(place)) as new:
        old.backup(new)  # all pages in one step: a writer that goes on meanwhile does not make it begin again
        new.execute("PRAGMA journal_mode = DELETE")
        (sound,) = new.execute("PRAGMA quick_check").fetchone()
    if sound != "ok":
        raise SystemExit(f"the copy of {path} is not sound: {sound}")


def main(argv: Sequence[str] | None = None) -> None:
    """Copy, and say what."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="the folder of ALPHASTREAM_DATA_DIR, var by default")
    parser.add_argument("target", type=Path, help="a folder that does not exist yet")
    given = parser.parse_args(argv)
    for name in backup(given.source, given.target):
        print(f"{name}  {(given.target / name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
