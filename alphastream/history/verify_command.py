"""``python -m alphastream.history verify``: every file is read and compared with what it says of itself."""

import json
import sys
import time
from argparse import ArgumentParser
from typing import Final

from alphastream.errors import StorageError
from alphastream.history import reading
from alphastream.history.files import prove
from alphastream.history.holes import holes_of
from alphastream.history.layout import KINDS, partition_of
from alphastream.history.places import Found, Place
from alphastream.history.screen import Screen

_NOTE: Final = "verify/unfinished.json"  # what a run that was broken off has proved
_NOTED_EVERY_S: Final = 5.0


def add_arguments(parser: ArgumentParser) -> None:
    """Say what the command takes, but for the history's place."""
    parser.add_argument("--kind", choices=KINDS, help="of this kind only")


def run(place: Place, kind: str | None = None) -> int:
    """Prove all files; 1 where one is damaged, which is told, and the others are proved all the same.

    A run that is broken off goes on where it was.
    """
    kinds = [each for each in KINDS if kind in (None, each)]
    files = [found for each in kinds for found in place.find(each)]
    proved = _noted(place)
    waiting = [found for found in files if proved.get(found.path) != [found.size, found.changed]]
    screen = Screen(sum(found.size for found in waiting))
    if len(waiting) < len(files):
        screen.say(f"{len(files) - len(waiting):,} files were proved before this run")
    damaged, rows, noted = set(), 0, time.monotonic()
    for found in waiting:
        try:
            rows += _proved(place, found)
            proved[found.path] = [found.size, found.changed]
        except StorageError as error:
            damaged.add(found.path)
            screen.say(f"damaged: {error}")
        screen.step(found.path, found.size)
        if time.monotonic() > noted + _NOTED_EVERY_S:
            _note(place, proved)
            noted = time.monotonic()
    place.remove(_NOTE)
    if not damaged:
        for each in kinds:
            for instrument in reading.instruments(place, each):
                if holes := str(holes_of(place, each, instrument)):
                    sys.stdout.write(f"{instrument} {each}: {holes}\n")
    sys.stdout.write(f"{len(waiting):,} files, {rows:,} rows proved, {len(damaged):,} damaged\n")
    return int(bool(damaged))


def _proved(place: Place, found: Found) -> int:
    """Prove a file and that it lies where it belongs; its rows."""
    with reading.opened(place, found.path) as file:
        said = prove(file, place.url(found.path))
    partition = partition_of(found.path)
    if partition is None or (partition.kind, partition.instrument) != (said.kind, said.instrument):
        raise StorageError(
            f"{place.url(found.path)}: it is of {said.kind} of {said.instrument}: move it to their folder"
        )
    return said.rows


def _noted(place: Place) -> dict[str, list[float]]:
    try:
        with place.arrow.open_input_stream(place.full(_NOTE)) as stream:
            noted = json.loads(stream.read())
    except FileNotFoundError:
        return {}
    except ValueError:  # not a note of ours: prove everything
        return {}
    return noted if isinstance(noted, dict) else {}


def _note(place: Place, proved: dict[str, list[float]]) -> None:
    with place.writing(_NOTE) as stream:
        stream.write(json.dumps(proved).encode())
