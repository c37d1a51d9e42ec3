"""What was recorded and is in no file of the history yet, as a reader of the history needs it."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Protocol

import pyarrow as pa

from alphastream.history.layout import Kind
from alphastream.history.places import Found


class HotSnapshot(Protocol):
    """One moment of the hot side: what it holds fits the files that it says were sealed."""

    def counting(self, files: Sequence[Found]) -> list[Found]:
        """Return those of a listing that count: one that was not sealed yet at that moment does not.

        The listing was taken after the moment.
        """

    def instruments(self, kind: Kind) -> Sequence[str]:
        """Return what it holds rows of, ``venue:symbol``."""

    def about(self, instrument: str, start_ns: int, end_ns: int) -> int:
        """Return how many ticks with start_ns <= time < end_ns it holds, more or less, without reading them."""

    def span(self, kind: Kind, instrument: str) -> tuple[int, int] | None:
        """Return the first and the last time it holds, UTC ns; None where it holds nothing."""

    def parts(self, kind: Kind, instrument: str, start_ns: int, end_ns: int) -> Sequence[tuple[int, pa.Table]]:
        """Return rows with start_ns <= time < end_ns, with ``SCHEMAS[kind]`` and sorted by time, then id.

        One part an epoch (see ``Summary``); what is not counted in epochs is one of epoch 0.
        """


class Hot(Protocol):
    """The hot side of a history, such as a tape file."""

    def snapshot(self) -> AbstractContextManager[HotSnapshot]:
        """Hold one moment while it is read."""


class HotOfKinds:
    """Several hot sides as one, such as the tape files and the files of books of a folder."""

    def __init__(self, *sides: Hot) -> None:
        self._sides = sides

    @contextmanager
    def snapshot(self) -> Iterator[HotSnapshot]:
        """Hold one moment of each side; raises as theirs."""
        with ExitStack() as held:
            yield _SnapshotOfKinds([held.enter_context(side.snapshot()) for side in self._sides])


class _SnapshotOfKinds:
    """One moment of several hot sides."""

    def __init__(self, sides: Sequence[HotSnapshot]) -> None:
        self._sides = sides

    def counting(self, files: Sequence[Found]) -> list[Found]:
        for side in self._sides:
            files = side.counting(files)
        return list(files)

    def instruments(self, kind: Kind) -> Sequence[str]:
        return sorted({name for side in self._sides for name in side.instruments(kind)})

    def about(self, instrument: str, start_ns: int, end_ns: int) -> int:
        return sum(side.about(instrument, start_ns, end_ns) for side in self._sides)

    def span(self, kind: Kind, instrument: str) -> tuple[int, int] | None:
        spans = [span for side in self._sides if (span := side.span(kind, instrument)) is not None]
        return (min(first for first, _ in spans), max(last for _, last in spans)) if spans else None

    def parts(self, kind: Kind, instrument: str, start_ns: int, end_ns: int) -> Sequence[tuple[int, pa.Table]]:
        return [part for side in self._sides for part in side.parts(kind, instrument, start_ns, end_ns)]
