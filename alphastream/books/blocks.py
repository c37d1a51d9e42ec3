"""Sampled books, quotes and mark prices of one instrument as one block of bytes; see ``alphastream.tape.blocks``.

Prices are kept as differences, down the levels and from sample to sample, quantities as they are, in as few bytes as
hold them all: from one sample to the next most levels are the same or have moved by a place, which zstd finds itself.
What ``decode`` gives is bit for bit what ``encode`` was given, but for the bits of NaN.
"""

import struct
from dataclasses import fields
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from alphastream.books.columns import BookColumns, MarkColumns, QuoteColumns
from alphastream.core.types import Floats, Ints
from alphastream.errors import DamagedBlockError, ParameterError
from alphastream.tape.blocks import DECIMALS, TIME_DIGITS, differences, numbers, sums, whole_numbers

Columns = BookColumns | QuoteColumns | MarkColumns
C = TypeVar("C", bound=Columns)

KINDS: Final[tuple[type[Columns], ...]] = (BookColumns, QuoteColumns, MarkColumns)
MOST_ROWS: Final = 2**16  # in one block
MOST_LEVELS: Final = 2**10
_FORMAT: Final = 1
_HEADER: Final = struct.Struct("<BBHI")  # format, place in KINDS, levels, rows
_WIDTHS: Final = (1, 2, 4, 8)  # bytes of a quantity
_CODEC: Final = pa.Codec("zstd", compression_level=3)


def encode(columns: Columns) -> bytes:
    """Return columns as a block: at least one row, at most ``MOST_ROWS``."""
    rows, levels = len(columns), columns.levels if isinstance(columns, BookColumns) else 1
    if not (0 < rows <= MOST_ROWS and 0 < levels <= MOST_LEVELS):
        raise ParameterError(f"{rows} rows of {levels} levels: a block holds 1 to {MOST_ROWS} of 1 to {MOST_LEVELS}")
    forms, parts = bytearray(), list[bytes]()
    for name, column in zip(_names(type(columns)), columns.arrays(), strict=True):
        if name.endswith("_ns"):
            digits = next(each for each in TIME_DIGITS if not (column % 10**each).any())
            forms += bytes((digits, 8))
            parts.append(_planes(differences(column // 10**digits)))
            continue
        is_missing = np.isnan(column)
        decimals, whole = whole_numbers(np.where(is_missing, 0.0, column))
        width = 8
        if column.ndim == 1:
            parts.append(_planes(differences(whole)))
        elif name.endswith("price"):
            parts.append(_planes(_steps(whole)))
        else:
            width = next(each for each in _WIDTHS if each == 8 or not (whole >> (8 * each)).any())
            parts.append(whole.astype(f"<u{width}").tobytes())
        forms += bytes((decimals, width))
        parts.append(np.packbits(is_missing).tobytes())
    packed: bytes = _CODEC.compress(b"".join(parts), asbytes=True)
    return _HEADER.pack(_FORMAT, KINDS.index(type(columns)), levels, rows) + bytes(forms) + packed


def decode(block: bytes, kind: type[C]) -> C:
    """Return the columns of a block.

    Raises
    ------
    DamagedBlockError : these bytes are no block of such columns that ``encode`` made.
    """
    try:
        form, place, levels, rows = _HEADER.unpack_from(block)
        if form != _FORMAT:
            raise DamagedBlockError(f"a block of format {form}: this program knows format {_FORMAT}")
        if place >= len(KINDS) or KINDS[place] is not kind:
            raise DamagedBlockError(f"a block that holds no {kind.__name__}")
        if not (0 < rows <= MOST_ROWS and 0 < levels <= MOST_LEVELS):
            raise DamagedBlockError(f"a block of {rows} rows of {levels} levels")
        names = _names(kind)
        forms = block[_HEADER.size : _HEADER.size + 2 * len(names)]
        shapes = [_shape(kind, name, rows, levels) for name in names]
        sizes = [_size(name, shape, width) for name, shape, width in zip(names, shapes, forms[1::2], strict=True)]
        raw = _CODEC.decompress(
            memoryview(block)[_HEADER.size + len(forms) :], decompressed_size=sum(sizes), asbytes=True
        )
    except (struct.error, pa.ArrowException, OSError, ValueError, MemoryError) as error:
        raise DamagedBlockError(f"a block of {len(block)} bytes that cannot be unpacked: {error}") from error
    columns: list[Any] = []
    at = 0
    for n, (name, shape, size) in enumerate(zip(names, shapes, sizes, strict=True)):
        columns.append(_column(name, shape, raw[at : at + size], forms[2 * n], forms[2 * n + 1]))
        at += size
    found: C = kind(*columns)
    return found


def _column(name: str, shape: tuple[int, ...], raw: bytes, form: int, width: int) -> npt.NDArray[Any]:
    count = int(np.prod(shape))
    if name.endswith("_ns"):
        if form not in TIME_DIGITS:
            raise DamagedBlockError("a block whose times have no known form")
        times: Ints = sums(_unplaned(raw)) * 10**form
        return times
    if form not in DECIMALS:
        raise DamagedBlockError("a block whose columns have no known form")
    values, mask = raw[: count * width], raw[count * width :]
    if len(shape) == 1:
        whole = sums(_unplaned(values))
    elif name.endswith("price"):
        whole = _unstepped(_unplaned(values).reshape(shape))
    else:
        whole = np.frombuffer(values, f"<u{width}").astype(np.int64).reshape(shape)
    is_missing = np.unpackbits(np.frombuffer(mask, np.uint8), count=count).reshape(shape).astype(np.bool_)
    found: Floats = np.where(is_missing, np.nan, numbers(np.ascontiguousarray(whole), form))
    return found


def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _shape(kind: type[Any], name: str, rows: int, levels: int) -> tuple[int, ...]:
    return (rows, levels) if kind is BookColumns and not name.endswith("_ns") else (rows,)


def _size(name: str, shape: tuple[int, ...], width: int) -> int:
    count = int(np.prod(shape))
    if width not in _WIDTHS or (width != 8 and not (len(shape) == 2 and name.endswith("quantity"))):
        raise DamagedBlockError("a block whose columns have no known width")
    return count * width + (0 if name.endswith("_ns") else (count + 7) // 8)


def _steps(whole: Ints) -> Ints:
    """The best price as a difference from the sample before, each other one from the level above."""
    steps = np.diff(whole, axis=1, prepend=0)
    steps[:, 0] = np.diff(whole[:, 0], prepend=0)
    coded: Ints = (steps << 1) ^ (steps >> 63)
    return coded


def _unstepped(coded: Ints) -> Ints:
    steps = (coded.view(np.uint64) >> np.uint64(1)).view(np.int64) ^ -(coded & 1)
    steps[:, 0] = np.cumsum(steps[:, 0])
    whole: Ints = np.cumsum(steps, axis=1)
    return whole


def _planes(values: Ints) -> bytes:
    """All bytes of one rank together: of small differences most are zeros."""
    return np.ascontiguousarray(values).reshape(-1, 1).view(np.uint8).T.tobytes()


def _unplaned(raw: bytes) -> Ints:
    planes = np.frombuffer(raw, np.uint8).reshape(8, -1)
    return np.ascontiguousarray(planes.T).view(np.int64)[:, 0]
