"""A scan cut into chunks of some hundred pairs, which name the prices they are of."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import pyarrow as pa

from alphastream.compute import Backend, JobCancelled, named_arrays, open_arrays, run
from alphastream.core.types import Floats, Ints
from alphastream.errors import AlphaStreamError
from alphastream.scan.block import FIELDS, Block
from alphastream.scan.panel import Panel, pairs_between
from alphastream.scan.sample import Method

Found = tuple[Floats, list[str]]

_PAIRS: Final = 500  # a chunk: tens of milliseconds, so that progress moves and a cancellation is heard
_CELLS: Final = 1 << 22  # of a block: its prepared columns are six times that, 200 MB
_FEWEST: Final = 8  # columns that are prepared together, however many rows they have
_LEVELS: Final = "levels"  # arrays of a panel
_SYMBOLS: Final = "symbols"
_BETWEEN: Final = "\0"


class ScanCancelled(AlphaStreamError):
    """A scan stopped because its caller asked for it."""

    def __init__(self, done: int, total: int) -> None:
        super().__init__(f"the scan was cancelled after {done:,} of {total:,} pairs: start it again for a table")
        self.done = done
        self.total = total


@dataclass(frozen=True, slots=True)
class Scan:
    """What all chunks of a scan have in common.

    Parameters
    ----------
    prices : name of the panel's arrays.
    log : whether its levels are logarithms.
    method : how pairs are tested.
    better : take the better direction of a pair and double its p-value.
    """

    prices: str
    log: bool
    method: Method
    better: bool


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of a scan.

    Parameters
    ----------
    scan : of which.
    blocks : first block and the one after the last; a block is the pairs between two groups of the panel.
    pairs : first pair and the one after the last of a single block; of several, all.
    size : how many there are.
    """

    scan: Scan
    blocks: tuple[int, int]
    pairs: tuple[int, int]
    size: int


class _Prepared:
    """A panel where its chunks are worked on, and the last large block: chunks of one block follow on each other."""

    def __init__(self, scan: Scan) -> None:
        arrays = open_arrays(scan.prices)
        symbols = arrays[_SYMBOLS].tobytes().decode().split(_BETWEEN)
        self._scan, self._panel = scan, Panel(symbols, arrays[_LEVELS], scan.log)
        self._groups = _Groups.of(self._panel)
        self._lock = threading.Lock()
        self._last: tuple[int, Block] | None = None

    def test(self, blocks: tuple[int, int], pairs: tuple[int, int]) -> list[Found]:
        """Numbers and notes of a chunk."""
        if blocks[1] - blocks[0] > 1:
            return [self._block(place).test(*self._groups.pairs(place)) for place in range(*blocks)]
        with self._lock:
            if self._last is None or self._last[0] != blocks[0]:
                self._last = blocks[0], self._block(blocks[0])
            block = self._last[1]
        y, x = self._groups.pairs(blocks[0])
        return [block.test(y[slice(*pairs)], x[slice(*pairs)])]

    def _block(self, place: int) -> Block:
        left, right = self._groups.ends(place)
        mask, members = self._panel.common_rows(left, right), np.union1d(left, right)
        return Block.of(self._panel, mask, members, self._scan.method, self._scan.better)


@dataclass(frozen=True, slots=True, eq=False)
class _Groups:
    """The columns of a panel in groups; every two of them, and each with itself, are a block."""

    columns: list[Ints]
    lefts: Ints
    rights: Ints

    @classmethod
    def of(cls, panel: Panel) -> "_Groups":
        columns = panel.groups(max(_CELLS // panel.levels.shape[1], _FEWEST))
        return cls(columns, *np.triu_indices(len(columns)))

    def ends(self, place: int) -> tuple[Ints, Ints]:
        return self.columns[self.lefts[place]], self.columns[self.rights[place]]

    def pairs(self, place: int) -> tuple[Ints, Ints]:
        return pairs_between(*self.ends(place))

    def sizes(self) -> list[int]:
        """Pairs of each block."""
        members = np.array([group.size for group in self.columns])
        left, right = members[self.lefts], members[self.rights]
        own = self.lefts == self.rights
        return [int(size) for size in np.where(own, left * (left - 1) // 2, left * right)]


_opening = threading.Lock()
_prepared = lru_cache(maxsize=2)(_Prepared)


def examine(chunk: Pairs) -> pa.Table:
    """Test the pairs of a chunk: ``FIELDS`` as a list a row, and the notes."""
    with _opening:
        prepared = _prepared(chunk.scan)
    found = prepared.test(chunk.blocks, chunk.pairs)
    numbers = np.concatenate([each for each, _ in found]).reshape(-1)
    notes = pa.array([note for _, several in found for note in several], pa.string())
    return pa.table({"numbers": pa.FixedSizeListArray.from_arrays(pa.array(numbers), len(FIELDS)), "notes": notes})


def chunks(panel: Panel, scan: Scan) -> Iterator[Pairs]:
    """Every pair of a panel, about 500 a chunk: parts of a large block, or several small ones."""
    first = gathered = 0
    sizes = _Groups.of(panel).sizes()
    for place, size in enumerate(sizes):
        if gathered and (size >= _PAIRS or gathered >= _PAIRS):
            yield Pairs(scan, (first, place), (0, gathered), gathered)
            gathered = 0
        if size >= _PAIRS:
            for start in range(0, size, _PAIRS):
                stop = min(start + _PAIRS, size)
                yield Pairs(scan, (place, place + 1), (start, stop), stop - start)
        else:
            first = first if gathered else place
            gathered += size
    if gathered:
        yield Pairs(scan, (first, len(sizes)), (0, gathered), gathered)


def every_pair(
    panel: Panel,
    method: Method,
    better: bool,
    backend: str | Backend,
    workers: int | None,
    folder: str | None,
    progress: Callable[[int, int], None] | None,
    cancelled: Callable[[], bool] | None,
) -> Found:
    """Test every pair of a panel, in an order that depends on the panel alone.

    Raises
    ------
    ScanCancelled
        When ``cancelled`` says so.
    """
    symbols = np.frombuffer(_BETWEEN.join(panel.symbols).encode(), dtype=np.uint8)
    with named_arrays({_LEVELS: panel.levels, _SYMBOLS: symbols}, backend, folder) as name:
        parts = chunks(panel, Scan(name, panel.log, method, better))
        try:
            found = run(
                examine,
                parts,
                backend,
                workers=workers,
                folder=folder,
                size=_size,
                progress=progress,
                cancelled=cancelled,
            )
        except JobCancelled as stopped:
            raise ScanCancelled(stopped.done, stopped.total) from stopped
        finally:
            _prepared.cache_clear()
    table = pa.concat_tables(found).combine_chunks()
    numbers = table["numbers"].chunk(0).values.to_numpy().reshape(-1, len(FIELDS))
    return numbers, table["notes"].to_pylist()


def _size(chunk: Pairs) -> int:
    return chunk.size
