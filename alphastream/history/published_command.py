"""``python -m alphastream.history import``: files and folders of the archive, and recordings, into a history."""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TextIO

import numpy as np
import pyarrow as pa

from alphastream.errors import FeedError, UploadError
from alphastream.history.holes import holes_of
from alphastream.history.incoming import Incoming
from alphastream.history.layout import Kind
from alphastream.history.places import Place
from alphastream.history.published import VENUES, PublishedFile, candidates, recognise
from alphastream.history.published_import import Imported, import_file, kept_as
from alphastream.history.tables import SCHEMAS, times
from alphastream.tape.recordings import read_tape

RECORDING: Final = "recording"
"""Host under which recordings are kept, as in ``binance-usdm@recording``: their ids may be made up."""

_STEP: Final = 0.02  # of a file: so often a screen is told


def add_arguments(parser: ArgumentParser) -> None:
    """Say what the command takes, but for the history's place."""
    parser.add_argument(
        "paths",
        nargs="+",
        type=Path,
        metavar="PATH",
        help="published files (aggTrades, trades, klines, bookTicker, fundingRate; zip or CSV), folders of them, "
        "or recordings (.parquet)",
    )
    parser.add_argument("--into", metavar="PLACE", help="folder or URL of the history, as --history")
    parser.add_argument("--venue", choices=VENUES, help="of files outside the folders of the archive")


def run(
    place: Place,
    paths: Sequence[Path],
    venue: str | None = None,
    into: str | None = None,
    progress: TextIO | None = None,
) -> int:
    """Import files; one that cannot be is told, the others go on.

    Parameters
    ----------
    venue : of files whose folders do not say it.
    into : where the history is, instead of ``place``.
    progress : where to tell what happens; stderr where it is left out.

    Returns
    -------
    exit code : 0, or 1 where a file could not be imported.

    Raises
    ------
    ParameterError : a path does not exist, or a folder holds nothing that is published.
    StorageError : the history cannot be read or written.
    """
    place = place if into is None else Place(into)
    screen = _Screen(progress or sys.stderr)
    found, failed = _found(paths, venue, screen)
    new: dict[tuple[Kind, str], int] = {}
    for number, (path, file) in enumerate(found, 1):
        screen.begin(f"[{number}/{len(found)}] {path.name}")
        try:
            done = _recording(place, path) if file is None else [import_file(place, file, screen.share)]
        except (UploadError, FeedError) as error:
            failed += 1
            screen.end(f"not imported: {error}")
            continue
        screen.end("; ".join(map(_said, done)))
        for each in done:
            new[each.kind, each.instrument] = new.get((each.kind, each.instrument), 0) + each.new
    for (kind, instrument), count in sorted(new.items()):
        holes = str(holes_of(place, kind, instrument))
        sys.stdout.write(f"{instrument} {kind}: {count:,} new{f'; {holes}' if holes else ''}\n")
    if failed:
        screen.begin(f"{failed:,} {'file' if failed == 1 else 'files'}")
        screen.end("not imported, see above")
    return 1 if failed else 0


def _found(
    paths: Sequence[Path], venue: str | None, screen: "_Screen"
) -> tuple[list[tuple[Path, PublishedFile | None]], int]:
    """The published files by instrument, kind and time, then the recordings; and how many are neither."""
    published: list[PublishedFile] = []
    recordings: list[Path] = []
    failed = 0
    for path in candidates(paths):
        if path.suffix == ".parquet":
            recordings.append(path)
            continue
        try:
            published.append(recognise(path, venue))
        except UploadError as error:
            failed += 1
            screen.begin(path.name)
            screen.end(f"not imported: {error}")
    published.sort(key=lambda file: (kept_as(file), file.interval_ns, file.start_ns, file.end_ns, file.path))
    return [*((file.path, file) for file in published), *((path, None) for path in recordings)], failed


def _recording(place: Place, path: Path) -> list[Imported]:
    """Import a Parquet file of scripts/make_tape.py, such as the bundled ones."""
    tape = read_tape(path)
    done = []
    for symbol, ticks in tape.columns().items():
        instrument = f"{tape.venue}@{RECORDING}:{symbol}"
        received = times(np.zeros(len(ticks.id), np.int64))  # the recorder's clock may be any
        arrays = [ticks.id, ticks.price, ticks.quantity, times(ticks.time_ns), received, ticks.buyer_is_maker]
        with Incoming(place, "ticks", instrument) as incoming:
            incoming.add(pa.table([pa.array(array) for array in arrays], schema=SCHEMAS["ticks"]))
        done.append(Imported("ticks", instrument, incoming.new, incoming.held))
    return done


def _said(done: Imported) -> str:
    if done.passed_over:
        return f"{done.instrument} {done.kind}: is in already"
    more = f", {done.held:,} held already" if done.held else ""
    more += f", {done.left_out:,} without a trade left out" if done.left_out else ""
    return f"{done.instrument} {done.kind}: {done.new:,} new{more}"


class _Screen:
    """Tells what happens: on a terminal as it goes, elsewhere a line a file."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._is_terminal = stream, stream.isatty()
        self._name, self._told = "", -1.0

    def begin(self, name: str) -> None:
        self._name, self._told = name, -1.0

    def share(self, doing: str, share: float) -> None:
        if self._is_terminal and abs(share - self._told) >= _STEP:
            self._told = share
            self._stream.write(f"\r{self._name}: {doing} {min(share, 1.0):4.0%}\x1b[K")
            self._stream.flush()

    def end(self, text: str) -> None:
        start = "\r\x1b[K" if self._is_terminal else ""
        self._stream.write(f"{start}{self._name}: {text}\n")
        self._stream.flush()
