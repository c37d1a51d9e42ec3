"""The hot side of books, quotes, mark prices and funding: files of this machine, read beside who writes them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from alphastream.errors import ParameterError
from alphastream.history import market_rows
from alphastream.history.files import in_order
from alphastream.history.layout import Kind
from alphastream.history.market_rows import APPLICATION_ID, KINDS, Block
from alphastream.history.places import Found
from alphastream.history.sealed_files import SealedFiles
from alphastream.history.tables import table_of
from alphastream.history.tape_files import name_in_history
from alphastream.tape_files import reading
from alphastream.tape_files.reading import Connection

FOLDER: Final = "books"
"""Name of the folder, beside the tape files, of the files of books."""
_KINDS: Final = {name: kind for kind, name in KINDS.items()}


class MarketFiles:
    """The files of books of a folder.

    Parameters
    ----------
    folder : where processes record: files of books are in ``books`` below it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER

    def _paths(self) -> list[Path]:
        return [path for path in sorted(self._folder.glob("*.db")) if reading.owner_of(path) == APPLICATION_ID]

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._paths())

    @contextmanager
    def snapshot(self) -> Iterator["MarketSnapshot"]:
        """Hold one moment of each file.

        Raises
        ------
        StorageError : a file cannot be read.
        """
        with reading.one_moment(self._paths(), market_rows.verify) as files:
            yield MarketSnapshot(files)


class MarketSnapshot:
    """One moment of files of books."""

    def __init__(self, files: dict[Path, Connection]) -> None:
        self._held: dict[tuple[str, str], list[tuple[Connection, str]]] = {}  # by kind and name in a history
        self._files = SealedFiles(_KINDS, files, market_rows.verify)
        for path, connection in files.items():
            for kind, name in market_rows.series(connection):
                try:
                    known = name_in_history(path, name)
                except ParameterError:  # kept without a venue: a history has no place for it
                    continue
                self._held.setdefault((kind, known), []).append((connection, name))

    def counting(self, files: Sequence[Found]) -> list[Found]:
        """Return those of a listing that count: see ``SealedFiles``."""
        return self._files.counting(files)

    def instruments(self, kind: Kind) -> Sequence[str]:
        """Return what it holds rows of, ``venue:symbol``."""
        return sorted(name for held, name in self._held if held == kind)

    def about(self, instrument: str, start_ns: int, end_ns: int) -> int:
        """Return how many ticks it holds: none."""
        return 0

    def span(self, kind: Kind, instrument: str) -> tuple[int, int] | None:
        """Return the first and the last time it holds, UTC ns; None where it holds nothing."""
        times: list[int] = []
        for connection, name in self._held.get((kind, instrument), []):
            if kind == "funding":
                times += [each.time_ns for each in market_rows.funding(connection, "instrument = ?", name)]
            else:
                blocks = _blocks(connection, kind, name)
                times += [time_ns for block in blocks for time_ns in (block.first_ns, block.last_ns)]
        return (min(times), max(times)) if times else None

    def parts(self, kind: Kind, instrument: str, start_ns: int, end_ns: int) -> Sequence[tuple[int, pa.Table]]:
        """Return rows with start_ns <= time < end_ns; what is damaged is left out, as everywhere with samples."""
        found = []
        for connection, name in self._held.get((kind, instrument), []):
            if kind == "funding":
                wanted = "instrument = ? AND time_ns >= ? AND time_ns < ?"
                payments = market_rows.funding(connection, wanted, name, start_ns, end_ns)
                found.append((0, table_of(kind, payments)))
                continue
            blocks = _blocks(connection, kind, name, start_ns, end_ns)
            samples, _ = market_rows.read(connection, blocks, _KINDS[kind])
            if samples:
                joined: Any = _KINDS[kind].joined(samples)
                found.append((0, in_order(kind, table_of(kind, joined.between(start_ns, end_ns)))))
        return found


def _blocks(connection: Connection, kind: str, name: str, start_ns: int = 0, end_ns: int = 2**63 - 1) -> list[Block]:
    wanted = "kind = ? AND instrument = ? AND last_ns >= ? AND first_ns < ?"
    return market_rows.keys(connection, wanted, kind, name, start_ns, end_ns)
