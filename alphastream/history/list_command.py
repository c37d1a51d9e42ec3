"""``python -m alphastream.history list``: what is held, a line an instrument and kind."""

import sys
from argparse import ArgumentParser
from datetime import UTC, datetime

from alphastream.history import reading
from alphastream.history.layout import KINDS, day_of
from alphastream.history.places import Place


def add_arguments(parser: ArgumentParser) -> None:
    """Say what the command takes, but for the history's place."""
    parser.add_argument("--kind", choices=KINDS, help="of this kind only")


def run(place: Place, kind: str | None = None) -> int:
    """Write the list to stdout; 1 where nothing is held.

    Raises
    ------
    StorageError, DamagedFileError : a file cannot be read.
    """
    is_empty = True
    for each in KINDS:
        if kind not in (None, each):
            continue
        for instrument in reading.instruments(place, each):
            held = [
                found
                for day in reading.days(place, each, instrument)
                for found in reading.files(place, each, instrument, day)
            ]
            if not held:
                continue
            said = [reading.summary(place, found) for found in held]
            rows, size = sum(one.rows for one in said), sum(found.size for found in held)
            days = len({day_of(one.first_ns) for one in said})
            first, last = min(one.first_ns for one in said), max(one.last_ns for one in said)
            sys.stdout.write(
                f"{each:8} {instrument:32} {_text(first)} to {_text(last)}  "
                f"{days:,} day{'s'[: days != 1]}  {len(held):,} file{'s'[: len(held) != 1]}  "
                f"{rows:,} rows  {size:,} bytes ({size / rows:.1f} a row)\n"
            )
            is_empty = False
    if is_empty:
        sys.stderr.write(f"{place} holds nothing\n")
    return int(is_empty)


def _text(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M:%S")
