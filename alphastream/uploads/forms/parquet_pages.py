"""Pages of a Parquet file: what each unpacks to by its own header, which is what Arrow takes memory for.

The end of the file says it as well, but nothing holds both together: a damaged or hostile file says little there.
"""

import struct
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import pyarrow as pa

Value = int | None | dict[int, "Value"]

_HEADER_BYTES: Final = 2**8  # usually some thirty; smallest and largest values of a page may stand in it
_LONGEST_HEADER: Final = 2**24  # Arrow reads no longer one
_UNPACKED_SIZE, _PACKED_SIZE, _DATA, _DATA_V2 = 2, 3, 5, 8  # fields of PageHeader
_COUNT: Final = 1  # field of DataPageHeader and DataPageHeaderV2: values in the page
_DEEPEST: Final = 8
_LENGTHS: Final = {3: 1, 7: 8}  # kinds of fixed length in Thrift's compact protocol: a byte, a double
_TRUE, _FALSE, _BYTES, _LIST, _SET, _MAP, _STRUCT = 1, 2, 8, 9, 10, 11, 12


def unpacked_size(stream: BinaryIO, metadata: Any) -> int:
    """Bytes that all pages of a file take once they are unpacked.

    Parameters
    ----------
    stream : the file, read at any place.
    metadata : its ``pyarrow.parquet.FileMetaData``.

    Raises
    ------
    pyarrow.ArrowInvalid
        A page has no header that can be read.

    References
    ----------
    parquet.thrift, ``PageHeader``; Thrift's compact protocol.
    """
    groups = (metadata.row_group(at) for at in range(metadata.num_row_groups))
    columns = (group.column(at) for group in groups for at in range(group.num_columns))
    return sum(size for column in columns for size in _sizes(stream, column))


def _sizes(stream: BinaryIO, column: Any) -> Iterator[int]:
    """Unpacked sizes of the pages of one column in one group of rows."""
    begin, end = column.data_page_offset, column.total_compressed_size
    if column.has_dictionary_page and column.dictionary_page_offset is not None:
        begin = min(begin, column.dictionary_page_offset)
    end += begin
    left = column.num_values
    while begin < end and left > 0:
        header, length = _header(stream, begin)
        unpacked, packed = header.get(_UNPACKED_SIZE), header.get(_PACKED_SIZE)
        if not isinstance(unpacked, int) or not isinstance(packed, int) or min(unpacked, packed) < 0:
            raise pa.ArrowInvalid("a page does not say how long it is")
        yield unpacked
        for field in (_DATA, _DATA_V2):
            data = header.get(field)
            count = data.get(_COUNT) if isinstance(data, dict) else None
            left -= count if isinstance(count, int) else 0
        begin += length + packed


def _header(stream: BinaryIO, begin: int) -> tuple[dict[int, Value], int]:
    """A page's header, and its length in bytes."""
    size = _HEADER_BYTES
    while True:
        stream.seek(begin)
        data = stream.read(size)
        reader = _Compact(data)
        try:
            return reader.fields(0), reader.at
        except (IndexError, struct.error) as error:
            if len(data) < size or size >= _LONGEST_HEADER:
                raise pa.ArrowInvalid("a page has no header") from error
            size *= 2**4


class _Compact:
    """Thrift's compact protocol; numbers and tables are kept, all else is passed over."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def fields(self, depth: int) -> dict[int, Value]:
        """A table: its fields by their numbers."""
        if depth > _DEEPEST:
            raise pa.ArrowInvalid("a page's header is nested too deep")
        found: dict[int, Value] = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._signed()
            kind = head & 15
            found[number] = None if kind in (_TRUE, _FALSE) else self._value(kind, depth)
        return found

    def _value(self, kind: int, depth: int) -> Value:
        if kind in (4, 5, 6):
            return self._signed()
        if kind == _STRUCT:
            return self.fields(depth + 1)
        if kind in _LENGTHS:
            self._pass(_LENGTHS[kind])
        elif kind == _BYTES:
            self._pass(self._unsigned())
        elif kind in (_LIST, _SET):
            head = self._byte()
            count = head >> 4 if head >> 4 < 15 else self._unsigned()
            for _ in range(count):
                self._element(head & 15, depth)
        elif kind == _MAP:
            count = self._unsigned()
            kinds = self._byte() if count else 0
            for _ in range(count):
                self._element(kinds >> 4, depth)
                self._element(kinds & 15, depth)
        else:
            raise pa.ArrowInvalid("a page's header holds what no header holds")
        return None

    def _element(self, kind: int, depth: int) -> None:
        """A value in a list, where a truth takes a byte."""
        if kind in (_TRUE, _FALSE):
            self._pass(1)
        else:
            self._value(kind, depth + 1)

    def _byte(self) -> int:
        self.at += 1
        return self._data[self.at - 1]

    def _pass(self, count: int) -> None:
        self.at += count
        if self.at > len(self._data):
            raise IndexError(self.at)

    def _unsigned(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
            if shift > 63:
                raise pa.ArrowInvalid("a page's header holds a number that is too long")

    def _signed(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)
