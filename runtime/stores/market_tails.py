"""Samples that are not durable yet, and those of the block that still grows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from alphastream.books.blocks import Columns
from alphastream.core.units import HOUR

BLOCK_SAMPLES: Final = 2_000
_LONGEST_NS: Final = HOUR  # retention deletes whole blocks


@dataclass(slots=True, eq=False)
class Tail:
    """A block that grows; it is written anew, with what has come, until it is full.

    Parameters
    ----------
    number : of the block.
    kind, instrument : whose samples.
    """

    number: int
    kind: type[Columns]
    instrument: str
    parts: list[Columns] = field(default_factory=list)
    samples: int = 0
    durable: int = 0
    is_full: bool = False

    def add(self, columns: Columns) -> None:
        """Take samples in."""
        self.parts.append(columns)
        self.samples += len(columns)
        span_ns = int(columns.time_ns[-1]) - int(self.parts[0].time_ns[0])
        self.is_full = self.samples >= BLOCK_SAMPLES or span_ns > _LONGEST_NS

    def columns(self) -> Columns:
        """Return the samples; they are put together so that the next call finds one part."""
        joined: Columns = self.kind.joined(self.parts)  # type: ignore[arg-type]  # parts are of this kind
        self.parts = [joined]
        return joined


class Tails:
    """The tails of all instruments, and of each the newest block that is full, for who reads what came just now.

    For the holder of the store's lock.
    """

    def __init__(self) -> None:
        self._until_ns: dict[tuple[type[Columns], str], int] = {}  # newest time of what is in the file alone
        self._growing: dict[tuple[type[Columns], str], Tail] = {}
        self._full: list[Tail] = []
        self._numbers = count(1)

    def begin(self, number: int, until_ns: Mapping[tuple[type[Columns], str], int], *, keep_numbers: bool) -> None:
        """Go on in a file that was just opened.

        Parameters
        ----------
        number : that no block in it has.
        until_ns : newest time in it, by kind and instrument.
        keep_numbers : it may hold earlier versions of blocks that are held here, which are written over; else its
            blocks are others.
        """
        self._until_ns = dict(until_ns)
        self._numbers = count(max(number, *(tail.number + 1 for tail in self), 1) if keep_numbers else number)
        for tail in self:
            tail.durable = 0
            tail.number = tail.number if keep_numbers else next(self._numbers)

    def __iter__(self) -> Iterator[Tail]:
        yield from self._full
        yield from self._growing.values()

    @property
    def pending(self) -> int:
        """Samples that are not durable."""
        return sum(tail.samples - tail.durable for tail in self)

    def add(self, instrument: str, columns: Columns) -> None:
        """Take samples in."""
        key = (type(columns), instrument)
        tail = self._growing.get(key)
        if tail is None:
            tail = self._growing[key] = Tail(next(self._numbers), *key)
        tail.add(columns)
        if tail.is_full:
            self._full.append(self._growing.pop(key))

    def written(self, durable: list[tuple[Tail, int]]) -> int:
        """Take note of what has become durable, and let go of full ones; how many samples that were."""
        new = 0
        for tail, samples in durable:
            new += samples - tail.durable
            tail.durable = samples
        newest = {(tail.kind, tail.instrument): tail for tail in self._full}
        for tail in list(self._full):
            key = tail.kind, tail.instrument
            if tail.durable == tail.samples and newest[key] is not tail:
                self._full.remove(tail)
                self._until_ns[key] = max(self._until_ns.get(key, 0), int(tail.columns().time_ns.max()))
        return new

    def reaches(self, kind: type[Any], instrument: str, from_ns: int) -> bool:
        """Say whether all from a time on is held here."""
        return self._until_ns.get((kind, instrument), -1) < from_ns

    def drop(self, most: int) -> int:
        """Give up the oldest while more than so many samples wait; how many were given up."""
        dropped = 0
        while self.pending > most and (waiting := next((t for t in self._full if t.durable < t.samples), None)):
            dropped += waiting.samples - waiting.durable
            self._full.remove(waiting)
        return dropped

    def held(self, kind: type[Any], instrument: str) -> list[Tail]:
        """Return the tails of an instrument, oldest first."""
        return [tail for tail in self if tail.kind is kind and tail.instrument == instrument]

    def instruments(self, kind: type[Columns]) -> set[str]:
        """Return who has samples in here."""
        return {tail.instrument for tail in self if tail.kind is kind}
