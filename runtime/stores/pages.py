"""The pages of an SQLite file read without SQLite, so that one bad page hides nothing but what lies on it.

Every leaf of a b-tree stands for itself here: neither the header, nor the schema, nor an inner page is needed to find
its rows. What a row says is not believed before a checksum fits: that is for the caller. Read are pages of 4,096
bytes, as SQLite makes them, and the frames of a write-ahead log as far as SQLite itself would.

Source: https://www.sqlite.org/fileformat2.html
"""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

PAGE: Final = 4_096
_TABLE_LEAF: Final = 13
_INDEX_INNER, _INDEX_LEAF = 2, 10  # tables without rowid are indexes: inner pages of theirs hold rows as well
_PAGES_AT_ONCE: Final = 256
_FILE_HEADER: Final = 100  # bytes of page 1 before its b-tree
_LARGEST_IN_TABLE: Final = PAGE - 35  # bytes of a row that stay on its leaf
_LARGEST_IN_INDEX: Final = (PAGE - 12) * 64 // 255 - 23
_SMALLEST: Final = (PAGE - 12) * 32 // 255 - 23
_INT_BYTES: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}  # by serial type
_LOG_HEADER: Final = struct.Struct(">8I")  # magic, version, page size, sequence, two salts, two checksums
_FRAME_HEADER: Final = struct.Struct(">6I")  # page, pages after a commit (0: none), two salts, two checksums
_LOG_MAGIC: Final = {0x377F0682: "<u4", 0x377F0683: ">u4"}  # order of the bytes in checksums

Value = int | str | bytes | None


class Cell(NamedTuple):
    """A row of a b-tree: where it lies, its rowid (None in an index), and its values, None in place of a long one."""

    page: int
    rowid: int | None
    values: tuple[Value, ...]
    start: int  # of the payload in the page
    size: int  # of the payload
    head: int  # bytes of the payload before the first value


class Pages:
    """The newest committed state of every page of a file, whatever state they are in.

    Parameters
    ----------
    path : the file; its write-ahead log is looked for beside it. Either may be missing.

    Raises
    ------
    OSError : one of them cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._file = self._log = -1
        try:
            self._file = _open(path)
            self._log = _open(path.with_name(f"{path.name}-wal"))
            self.count = os.fstat(self._file).st_size // PAGE if self._file >= 0 else 0
            self._logged = _committed(self._log) if self._log >= 0 else {}
        except BaseException:
            self.close()
            raise
        self.count = max(self.count, *self._logged, 0)

    def close(self) -> None:
        """Close both files."""
        for number in (self._file, self._log):
            if number >= 0:
                os.close(number)
        self._file = self._log = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __getitem__(self, number: int) -> bytes:
        """A page, counted from 1; shorter than a page where the file ends before."""
        if number in self._logged:
            return os.pread(self._log, PAGE, self._logged[number])
        return os.pread(self._file, PAGE, (number - 1) * PAGE) if self._file >= 0 and number > 0 else b""

    def cells(self) -> Iterator[Cell]:
        """Every row on every leaf that is in use; values that are not on the page are None."""
        unused = self._unused()
        for number in self._leaves():
            if number not in unused:
                yield from _cells(number, self[number])

    def body(self, cell: Cell) -> bytes:
        """The values of a row from the first one on, over the pages that follow; shorter where one is lost."""
        local = _local(cell.size, _LARGEST_IN_TABLE)
        data, left = self[cell.page], cell.size - local
        parts = [data[cell.start : cell.start + local]]
        following = data[cell.start + local : cell.start + local + 4]
        for _ in range(-(-left // (PAGE - 4))):
            number = int.from_bytes(following, "big")
            if not 0 < number <= self.count:
                break
            data = self[number]
            following = data[:4]
            parts.append(data[4 : 4 + left])
            left -= PAGE - 4
        return b"".join(parts)[cell.head :]

    def _leaves(self) -> Iterator[int]:
        """Numbers of the pages that may hold rows."""
        for first in range(1, self.count + 1, _PAGES_AT_ONCE):
            data = os.pread(self._file, _PAGES_AT_ONCE * PAGE, (first - 1) * PAGE) if self._file >= 0 else b""
            kinds = np.frombuffer(data[: len(data) // PAGE * PAGE], np.uint8)[::PAGE]
            found = set((np.flatnonzero(np.isin(kinds, (_INDEX_INNER, _INDEX_LEAF, _TABLE_LEAF))) + first).tolist())
            last = min(first + _PAGES_AT_ONCE - 1, self.count)
            yield from sorted(found | {number for number in range(first, last + 1) if number in self._logged} | {1})

    def _unused(self) -> set[int]:
        """Pages of the free list, which still hold rows that were deleted; none where the list contradicts itself."""
        header = self[1]
        if len(header) < PAGE:
            return set()
        trunk, count = struct.unpack_from(">2I", header, 32)
        found: set[int] = set()
        while trunk:
            page = self[trunk] if 1 < trunk <= self.count and trunk not in found else b""
            if len(page) < PAGE:
                return set()
            found.add(trunk)
            following, leaves = struct.unpack_from(">2I", page)
            if leaves > PAGE // 4 - 2:
                return set()
            found.update(struct.unpack_from(f">{leaves}I", page, 8))
            trunk = following
        return found if len(found) == count else set()


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        return -1


def _cells(number: int, page: bytes) -> Iterator[Cell]:
    head = _FILE_HEADER if number == 1 else 0
    if len(page) < PAGE or page[head] not in (_INDEX_INNER, _INDEX_LEAF, _TABLE_LEAF):
        return
    kind = page[head]
    pointers = head + (12 if kind == _INDEX_INNER else 8)
    count = min(int.from_bytes(page[head + 3 : head + 5], "big"), (PAGE - pointers) // 2)
    for place in struct.unpack_from(f">{count}H", page, pointers):
        try:
            yield _cell(number, page, kind, place + (4 if kind == _INDEX_INNER else 0))
        except (IndexError, ValueError):  # not a row: what lies here was overwritten
            continue


def _cell(number: int, page: bytes, kind: int, at: int) -> Cell:
    size, at = _varint(page, at)
    rowid = None
    if kind == _TABLE_LEAF:
        rowid, at = _varint(page, at)
    local = _local(size, _LARGEST_IN_TABLE if kind == _TABLE_LEAF else _LARGEST_IN_INDEX)
    here = min(PAGE, at + local)
    head, place = _varint(page, at)
    values: list[Value] = []
    value = at + head
    while place < at + head:
        serial, place = _varint(page, place)
        length = _INT_BYTES.get(serial, 0) if serial < 12 else (serial - 12) // 2
        if serial in (7, 10, 11):
            raise ValueError(f"serial type {serial}: a tick file has no such values")
        values.append(_value(serial, page[value : value + length]) if value + length <= here else None)
        value += length
    if value - at != size:
        raise ValueError(f"{value - at} bytes of values in a row of {size}")
    return Cell(number, rowid, tuple(values), at, size, head)


def _value(serial: int, data: bytes) -> Value:
    if serial in _INT_BYTES:
        return int.from_bytes(data, "big", signed=True)
    if serial in (8, 9):
        return serial - 8
    if serial == 0:
        return None
    return data.decode() if serial % 2 else data


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of SQLite's variable length, and where it ends."""
    value = 0
    for place in range(at, at + 8):
        value = value << 7 | data[place] & 0x7F
        if data[place] < 0x80:
            return value, place + 1
    value = value << 8 | data[at + 8]
    return value - 2**64 if value >= 2**63 else value, at + 9


def _local(size: int, largest: int) -> int:
    """Bytes of a payload that lie on its leaf."""
    if size <= largest:
        return size
    kept = _SMALLEST + (size - _SMALLEST) % (PAGE - 4)
    return kept if kept <= largest else _SMALLEST


class _Sum:
    """SQLite's checksum of ``pairs`` pairs of words: s0 += a + s1, s1 += b + s0, all modulo 2^32."""

    def __init__(self, pairs: int) -> None:
        step = [(1, 1), (1, 2)]  # what a pair of words does to both sums
        rows = np.empty((2, 2 * pairs), dtype=np.uint32)
        power = [(1, 0), (0, 1)]
        for pair in range(pairs - 1, -1, -1):
            for n, (left, right) in enumerate(power):
                rows[n, 2 * pair : 2 * pair + 2] = (left + right) % 2**32, right
            power = [
                tuple(sum(a * step[k][column] for k, a in enumerate(row)) % 2**32 for column in (0, 1))  # type: ignore[misc]
                for row in power
            ]
        self._words, self._sums = rows, np.array(power, dtype=np.uint32)

    def after(self, sums: npt.NDArray[np.uint32], data: bytes, order: str) -> npt.NDArray[np.uint32]:
        words = np.frombuffer(data, order).astype(np.uint32)
        added: npt.NDArray[np.uint32] = self._sums @ sums + self._words @ words
        return added


def _committed(log: int) -> dict[int, int]:
    """Where the newest committed state of each page lies in a write-ahead log."""
    header = os.pread(log, _LOG_HEADER.size, 0)
    if len(header) < _LOG_HEADER.size:
        return {}
    magic, _, size, _, *salts_and_sums = _LOG_HEADER.unpack(header)
    salts = salts_and_sums[:2]
    order = _LOG_MAGIC.get(magic)
    if order is None or size != PAGE:
        return {}
    frame_sum = _Sum((8 + PAGE) // 8)
    sums = _Sum(3).after(np.zeros(2, dtype=np.uint32), header[:24], order)
    if sums.tolist() != salts_and_sums[2:]:
        return {}
    committed: dict[int, int] = {}
    waiting: dict[int, int] = {}
    at = _LOG_HEADER.size
    while len(frame := os.pread(log, _FRAME_HEADER.size + PAGE, at)) == _FRAME_HEADER.size + PAGE:
        number, pages, *rest = _FRAME_HEADER.unpack_from(frame)
        sums = frame_sum.after(sums, frame[:8] + frame[_FRAME_HEADER.size :], order)
        if not number or rest != [*salts, *sums.tolist()]:
            break
        waiting[number] = at + _FRAME_HEADER.size
        if pages:
            committed.update(waiting)
            waiting.clear()
        at += len(frame)
    return committed
