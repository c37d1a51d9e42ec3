"""What was uploaded, unpacked: a plain file, one packed with gzip, bzip2, xz or zstd, or a zip of one or many files.

Sizes are refused before anything is read (``check_size``), by what an archive declares, and again by what really
comes out of it, so that a small archive cannot fill the memory.
"""

import io
import lzma
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import BinaryIO, Final

from alphastream.errors import UploadError
from alphastream.uploads.packing import MAX_PIECES, TooManyPiecesError, packing_of, unpacked

MAX_BYTES: Final = 256 * 2**20
UNPACKED: Final = 8  # an archive may hold this many times max_bytes; published trades shrink four- to sixfold
RATIO: Final = 32  # and this many times its own size, where that is more than max_bytes; NDJSON shrinks twentyfold
MAX_MEMBERS: Final = 2_000
_NAME_LENGTH: Final = 120  # characters of a member's name, its end
_CHUNK_BYTES: Final = 2**20  # are unpacked at a time
_DIRECTORY_BYTES: Final = 2**21  # a zip's list of 2,000 members, with a thousand bytes for each
TABLES: Final = (
    *(".csv", ".txt", ".tsv", ".dat", ".ndjson", ".jsonl", ".json"),
    *(".parquet", ".pq", ".feather", ".arrow"),
)
_FOREIGN: Final = (
    (b"%PDF", "a PDF document"),
    (b"SQLite format 3", "a SQLite database"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"7z\xbc\xaf", "a 7-zip archive"),
    (b"Rar!", "a rar archive"),
)
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_TAR: Final = (257, b"ustar")  # where it says so
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # zipfile unpacks others at one go, however much it is
_OTHER_METHODS: Final = {9: "deflate64", zipfile.ZIP_BZIP2: "bzip2", zipfile.ZIP_LZMA: "lzma", 93: "zstd"}
# What zipfile and the unpackers raise for damaged bytes: an offset before the file's beginning is a ValueError or an
# OSError, a method or a version that zipfile does not know a NotImplementedError (a RuntimeError).
_BROKEN: Final = (
    zipfile.BadZipFile,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    OSError,
    ValueError,
    RuntimeError,
)


@dataclass(frozen=True, slots=True)
class Part:
    """One readable file: the upload itself or a member of an archive.

    Parameters
    ----------
    file : name for messages, "trades.zip/BTCUSDT.csv" for a member.
    most : bytes that may come out of it.
    most_cells : bytes that its cells may take, where it is packed in itself (Parquet, Arrow).
    plain : the upload's own stream, where nothing was packed.
    """

    file: str
    most: int
    most_cells: int
    _opener: Callable[[], BinaryIO]
    plain: BinaryIO | None = None

    @property
    def name(self) -> str:
        """The last part of the name, where a symbol may stand."""
        return PurePosixPath(self.file).name

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """The unpacked bytes, from the beginning each time. A broken archive raises UploadError while it is read."""
        with _unpacking(self.file):
            stream = self._opener()
        with stream:
            yield io.BufferedReader(_Unpacked(stream, self.file, self.most), _CHUNK_BYTES)

    @contextmanager
    def anywhere(self) -> Iterator[BinaryIO]:
        """The unpacked bytes as a stream that can be read at any place; what was packed is unpacked to disk."""
        if self.plain is not None:
            self.plain.seek(0)
            yield self.plain
            return
        with tempfile.TemporaryFile() as unpacked_file:
            with self.open() as stream:
                shutil.copyfileobj(stream, unpacked_file, _CHUNK_BYTES)
            unpacked_file.seek(0)
            yield unpacked_file


def check_size(name: str, size: int, max_bytes: int = MAX_BYTES) -> None:
    """Refuse a file that is too large, by its size alone.

    Parameters
    ----------
    size : bytes of the file.
    max_bytes : bytes that are read at most.
    """
    if size > max_bytes:
        seen, most = readable_size(size), readable_size(max_bytes)
        raise UploadError(f"{seen} is too large: at most {most}; cut it into days or zip it", file=name)


def most_unpacked(size: int, max_bytes: int = MAX_BYTES) -> int:
    """Bytes that may come out of an archive, of all its members together.

    As many as a plain file may have; more only where the archive is large itself, so that nobody fills the memory with
    a few megabytes of zeros.

    Parameters
    ----------
    size : bytes of the archive.
    max_bytes : bytes of an upload that are read at most.

    Examples
    --------
    >>> [readable_size(most_unpacked(megabytes * 2**20, 200 * 2**20)) for megabytes in (1, 20, 200)]
    ['200.0 MB', '640.0 MB', '1.6 GB']
    """
    return min(max(max_bytes, RATIO * size), UNPACKED * max_bytes)


def readable_size(size: int) -> str:
    """Bytes in the unit a person would use.

    >>> readable_size(5 * 2**30), readable_size(300)
    ('5.0 GB', '300 bytes')
    """
    for unit, scale in (("GB", 2**30), ("MB", 2**20), ("kB", 2**10)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size} bytes"


def parts_of(name: str, data: bytes | BinaryIO, max_bytes: int = MAX_BYTES) -> list[Part]:
    """The readable files in an upload, in the order of their names.

    Parameters
    ----------
    data : the bytes, or a seekable binary stream; a stream is read in place, never copied whole.
    """
    stream = _stream(name, data)
    size = stream.seek(0, io.SEEK_END)
    check_size(name, size, max_bytes)
    most = most_unpacked(size, max_bytes)
    stream.seek(0)
    magic = stream.read(16)
    for sign, what in _FOREIGN:
        if magic.startswith(sign):
            raise UploadError(f"this is {what}: a CSV (plain, .gz or .zip) is needed", file=name)
    if magic.startswith(_ZIP):
        return _members(name, stream, size, most)
    packing = packing_of(magic)
    if packing is not None:
        return [Part(name, most, most, lambda: unpacked(_rewound(stream), packing))]
    return [Part(name, max_bytes, most, lambda: _rewound(stream), stream)]


def _stream(name: str, data: bytes | BinaryIO) -> BinaryIO:
    if isinstance(data, bytes):
        return io.BytesIO(data)
    if not data.seekable():
        raise UploadError("the stream cannot be read twice: save it as a file first", file=name)
    return data


def _members(name: str, stream: BinaryIO, size: int, most: int) -> list[Part]:
    listed = _Listed(stream, name)
    with _unpacking(name):
        archive = zipfile.ZipFile(listed)
    listed.most = None
    everything = [info for info in archive.infolist() if not info.filename.endswith("/")]
    if any(info.filename == "[Content_Types].xml" for info in everything):
        raise UploadError("this is a spreadsheet: save the sheet as CSV and upload that", file=name)
    infos = [info for info in everything if _is_text(info.filename)]
    if not infos:
        inside = ", ".join(map(_shown, everything[:5])) or "nothing"
        raise UploadError(f"the zip holds no CSV, but {inside}: a CSV inside is needed", file=name)
    if len(infos) > MAX_MEMBERS:
        raise UploadError(_too_many(f"{len(infos):,} files"), file=name)
    _refuse_packing(name, infos)
    _refuse_bomb(name, infos, size, most)
    infos.sort(key=lambda info: info.filename)
    return [
        Part(
            f"{name}/{_shown(info)}",
            info.file_size,
            min(most, RATIO * info.file_size),
            partial(_extract, archive, info),
        )
        for info in infos
    ]


def _shown(info: zipfile.ZipInfo) -> str:
    """A member's name for messages: it may hold whatever its maker liked."""
    return "".join(char if char.isprintable() else "?" for char in info.filename[-_NAME_LENGTH:])


def _too_many(seen: str) -> str:
    return f"the zip holds {seen}, at most {MAX_MEMBERS:,} are read: zip fewer, or write them into one file"


def _refuse_packing(name: str, infos: list[zipfile.ZipInfo]) -> None:
    if any(info.flag_bits & 1 for info in infos):
        raise UploadError("the zip is encrypted: unpack it with its password and upload the CSV", file=name)
    for info in infos:
        if info.compress_type not in _METHODS:
            method = _OTHER_METHODS.get(info.compress_type, f"method {info.compress_type}")
            raise UploadError(
                f"{_shown(info)} is packed with {method}: pack it with deflate, as zip programs usually do",
                file=name,
            )


def _refuse_bomb(name: str, infos: list[zipfile.ZipInfo], size: int, most: int) -> None:
    """Refuse members that overlap, and more bytes than may come out."""
    if sum(info.compress_size for info in infos) > size:
        raise UploadError(
            f"the files inside overlap: together they are larger than the zip of {readable_size(size)}; zip them again",
            file=name,
        )
    declared = sum(info.file_size for info in infos)
    if declared > most:
        raise UploadError(
            f"the zip of {readable_size(size)} unpacks to {readable_size(declared)}, at most {readable_size(most)} are "
            "read: upload fewer days",
            file=name,
        )


def _is_text(member: str) -> bool:
    path = PurePosixPath(member)
    return path.suffix.lower() in TABLES and not path.name.startswith(".") and "__MACOSX" not in path.parts


def _extract(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> BinaryIO:
    return archive.open(info)  # type: ignore[return-value]


def _rewound(stream: BinaryIO) -> BinaryIO:
    stream.seek(0)
    return _Lent(stream)  # type: ignore[return-value]


class _Lent(io.RawIOBase):
    """A stream whose closing leaves the person's own stream open."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        chunk = self._stream.read(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)


class _Listed(_Lent):
    """A zip whose list of files is not read where it is too long; zipfile reads a list at one go, and file by file.

    Parameters
    ----------
    most : bytes that are read at one go at most; None once the list is known.
    """

    def __init__(self, stream: BinaryIO, name: str) -> None:
        super().__init__(stream)
        self._name = name
        self.most: int | None = _DIRECTORY_BYTES

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def read(self, size: int = -1, /) -> bytes:
        if self.most is not None and size > self.most:
            raise UploadError(_too_many(f"a list of files of {readable_size(size)}"), file=self._name)
        return self._stream.read(size)


@contextmanager
def _unpacking(file: str) -> Iterator[None]:
    """Turn whatever damaged bytes make an archive raise into the one error a page shows."""
    try:
        yield
    except UploadError:
        raise
    except TooManyPiecesError:
        raise UploadError(
            f"the file is packed in more than {MAX_PIECES:,} pieces: unpack it and pack it again", file=file
        ) from None
    except _BROKEN as error:
        reason = str(error) or "it ends too early"
        raise UploadError(f"the file is cut off or damaged ({reason}): download it again", file=file) from error


def _refuse_archive(file: str, beginning: bytes) -> None:
    """Refuse what is an archive still, after it was unpacked."""
    foreign = next((what for sign, what in _FOREIGN if beginning.startswith(sign)), None)
    packing = packing_of(beginning)
    at, tar = _TAR
    if beginning.startswith(_ZIP):
        foreign = "a zip"
    elif packing is not None:
        foreign = f"a file packed with {packing}"
    elif beginning[at : at + len(tar)] == tar:
        foreign = "a tar archive"
    if foreign is not None:
        raise UploadError(f"inside is {foreign}: unpack it and upload the CSV, plain, packed once or zipped", file=file)


class _Unpacked(_Lent):
    """What comes out of a file: damage becomes an UploadError, and no more is given than may be."""

    def __init__(self, stream: BinaryIO, file: str, most: int) -> None:
        super().__init__(stream)
        self._file = file
        self._most = most
        self._left = most
        self._begun = False

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        with _unpacking(self._file):
            count = super().readinto(memoryview(buffer)[:_CHUNK_BYTES])
        if not self._begun:
            _refuse_archive(self._file, bytes(buffer[: min(count, 512)]))
            self._begun = True
        self._left -= count
        if self._left < 0:
            raise UploadError(
                f"more comes out of the file than the {readable_size(self._most)} that are allowed or declared: "
                "upload fewer days",
                file=self._file,
            )
        return count
