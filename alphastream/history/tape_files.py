"""The hot side of a history: tape files of this machine, read beside the process that writes them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from alphastream.errors import ParameterError, StorageError
from alphastream.history.files import in_order
from alphastream.history.layout import Kind, parts
from alphastream.history.places import Found
from alphastream.history.sealed_files import SealedFiles
from alphastream.history.tables import table_of
from alphastream.instruments import split
from alphastream.tape.columns import TickColumns, empty
from alphastream.tape.ring import Series
from alphastream.tape_files import block_rows, reading, schema
from alphastream.tape_files.reading import Connection


def name_in_history(path: Path, symbol: str) -> str:
    """Return what the instrument of a tape file is called in a history: with the host, where the file's name has one.

    Raises
    ------
    ParameterError : it has no venue.

    Examples
    --------
    >>> name_in_history(Path("var/okx@127.0.0.1.db"), "okx:BTC-USDT"), name_in_history(Path("x.db"), "okx:BTC-USDT")
    ('okx@127.0.0.1:BTC-USDT', 'okx:BTC-USDT')
    """
    venue, rest = split(symbol)
    if path.stem.startswith(f"{venue}@"):
        venue = path.stem
    return ":".join(parts(f"{venue}:{rest}"))


class TapeFiles:
    """The tape files of a folder.

    Parameters
    ----------
    folder : where processes record.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __bool__(self) -> bool:
        """Whether there are any."""
        return any(map(reading.is_tape_file, self._folder.glob("*.db")))

    @contextmanager
    def snapshot(self) -> Iterator["TapeSnapshot"]:
        """Hold one moment of each file.

        Raises
        ------
        StorageError : a file cannot be read.
        """
        with reading.one_moment(filter(reading.is_tape_file, sorted(self._folder.glob("*.db")))) as files:
            yield TapeSnapshot(files)


class TapeSnapshot:
    """One moment of tape files."""

    def __init__(self, files: dict[Path, Connection]) -> None:
        self._series: dict[str, list[tuple[Connection, Series, int]]] = {}
        self._files = SealedFiles(("ticks",), files, schema.verify)
        for path, connection in files.items():
            for series, number in sorted(reading.instruments(connection).items()):
                try:
                    name = name_in_history(path, series.symbol)
                except ParameterError:  # recorded without a venue: a history has no place for it
                    continue
                self._series.setdefault(name, []).append((connection, series, number))

    def counting(self, files: Sequence[Found]) -> list[Found]:
        """Return those of a listing that count: see ``SealedFiles``."""
        return self._files.counting(files)

    def instruments(self, kind: Kind) -> Sequence[str]:
        """Return what it holds rows of, ``venue:symbol``."""
        return sorted(self._series) if kind == "ticks" else []

    def about(self, instrument: str, start_ns: int, end_ns: int) -> int:
        """Return how many ticks of a time it holds, by what blocks say of themselves."""
        return sum(
            block_rows.ticks_about(block_rows.keys_of(connection, number), start_ns, end_ns)
            for connection, _, number in self._held("ticks", instrument)
        )

    def span(self, kind: Kind, instrument: str) -> tuple[int, int] | None:
        """Return the first and the last time it holds, UTC ns; None where it holds nothing."""
        blocks = [
            block
            for connection, _, number in self._held(kind, instrument)
            for block in block_rows.keys_of(connection, number)
        ]
        return (min(block.first_ns for block in blocks), max(block.last_ns for block in blocks)) if blocks else None

    def parts(self, kind: Kind, instrument: str, start_ns: int, end_ns: int) -> Sequence[tuple[int, pa.Table]]:
        """Return rows with start_ns <= time < end_ns, one part an epoch.

        Raises
        ------
        StorageError : a block is damaged.
        """
        found = []
        for connection, series, number in self._held(kind, instrument):
            blocks = block_rows.keys_of(connection, number, "last_ns >= ? AND first_ns < ?", start_ns, end_ns)
            columns, damaged = block_rows.read(connection, number, blocks)
            if damaged:
                raise StorageError(
                    f"{len(damaged)} blocks of {instrument} are damaged: the process that records sets them aside, "
                    "read again then"
                )
            ticks = TickColumns.merged([*columns, empty()])
            ticks = ticks.rows((ticks.time_ns >= start_ns) & (ticks.time_ns < end_ns))
            if len(ticks):
                found.append((series.epoch, in_order("ticks", table_of("ticks", ticks))))
        return found

    def _held(self, kind: Kind, instrument: str) -> list[tuple[Connection, Series, int]]:
        return self._series.get(instrument, []) if kind == "ticks" else []
