"""Packed files unpacked block by block: gzip, bzip2, xz and zstd, one packed piece after the other."""

import bz2
import io
import lzma
import zlib
from collections.abc import Callable
from typing import BinaryIO, Final, Protocol

import pyarrow as pa

MAX_PIECES: Final = 100_000  # bgzip cuts a file into pieces of 64 kB; pieces of nothing would take hours
_BLOCK_BYTES: Final = 2**16
_XZ_MEMORY: Final = 2**27  # bytes; xz -9 needs 65 MB to unpack


class TooManyPiecesError(Exception):
    """A file consists of more packed pieces than are read."""


class _Unpacker(Protocol):
    """What bz2 and lzma have in common."""

    @property
    def eof(self) -> bool:
        """Whether a piece has ended."""

    @property
    def unused_data(self) -> bytes:
        """What comes behind that piece."""

    @property
    def needs_input(self) -> bool:
        """Whether nothing more comes out without new bytes."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Some unpacked bytes, at most ``max_length``."""


class _Gunzip:
    """zlib with the manners of bz2 and lzma."""

    def __init__(self) -> None:
        self._unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._unpacker.eof

    @property
    def unused_data(self) -> bytes:
        return self._unpacker.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._unpacker.unconsumed_tail

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._unpacker.decompress(self._unpacker.unconsumed_tail + data, max_length)


_UNPACKERS: Final[dict[str, Callable[[], _Unpacker]]] = {
    "gzip": _Gunzip,
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY),
}
_SIGNS: Final = {"gzip": b"\x1f\x8b", "bzip2": b"BZh", "xz": b"\xfd7zXZ\0", "zstd": b"\x28\xb5\x2f\xfd"}


def packing_of(beginning: bytes) -> str | None:
    """How a file is packed that begins like this, or None.

    >>> packing_of(b"\\x1f\\x8b\\x08"), packing_of(b"BZH,close"), packing_of(b"BZh91AY&SY")
    ('gzip', None, 'bzip2')
    """
    packing = next((packing for packing, sign in _SIGNS.items() if beginning.startswith(sign)), None)
    if packing == "bzip2" and not beginning[3:4].isdigit():
        return None
    return packing


def unpacked(stream: BinaryIO, packing: str) -> BinaryIO:
    """The bytes that were packed, read as they are asked for.

    Raises
    ------
    EOFError, OSError, ValueError, zlib.error, lzma.LZMAError
        While it is read: the bytes are damaged, or end too early.
    TooManyPiecesError
        While it is read: there are more than ``MAX_PIECES`` pieces.
    """
    if packing == "zstd":
        return pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), "zstd")  # type: ignore[no-any-return]
    return _Unpacked(stream, _UNPACKERS[packing])  # type: ignore[return-value]


class _Unpacked(io.RawIOBase):
    """Pieces one after the other; zeros behind a piece are padding, as gzip has it."""

    def __init__(self, stream: BinaryIO, begin: Callable[[], _Unpacker]) -> None:
        self._stream = stream
        self._begin = begin
        self._unpacker = begin()
        self._pieces = 1

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = b""
        while True:
            if self._unpacker.eof:
                data = self._next_piece()
                if not data:
                    return 0
            ended = False
            if not data and self._unpacker.needs_input:
                data = self._stream.read(_BLOCK_BYTES)
                ended = not data
            some = self._unpacker.decompress(data, len(buffer))
            data = b""
            if some:
                buffer[: len(some)] = some
                return len(some)
            if ended and not self._unpacker.eof:
                raise EOFError("it ends too early")

    def _next_piece(self) -> bytes:
        data = self._unpacker.unused_data.lstrip(b"\0")
        while not data:
            block = self._stream.read(_BLOCK_BYTES)
            if not block:
                return b""
            data = block.lstrip(b"\0")
        self._pieces += 1
        if self._pieces > MAX_PIECES:
            raise TooManyPiecesError
        self._unpacker = self._begin()
        return data
