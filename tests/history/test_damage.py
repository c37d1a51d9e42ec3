"""Damaged files: whatever happens to the bytes, they are read as they were written or refused in one sentence."""

import bz2
import gzip
import io
import lzma
import random
import zipfile
from collections.abc import Callable, Iterator

import pytest

from alphastream.errors import UploadError
from alphastream.history.upload import Upload, inspect, read
from tests.history.test_errors import ROW, TICKS, refused
from tests.history.test_formats import EXPECTED, load

HITS = 25  # places where each packed sample is cut, and where a bit of it is turned


def packed_zip(name: str, content: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


PACKED: dict[str, Callable[[str, bytes], bytes]] = {
    "gz": lambda name, content: gzip.compress(content, mtime=1),
    "zip": packed_zip,
    "stored.zip": lambda name, content: packed_zip(name, content, zipfile.ZIP_STORED),
    "bzip2.zip": lambda name, content: packed_zip(name, content, zipfile.ZIP_BZIP2),
    "lzma.zip": lambda name, content: packed_zip(name, content, zipfile.ZIP_LZMA),
    "bz2": lambda name, content: bz2.compress(content),
    "xz": lambda name, content: lzma.compress(content),
}


def damaged(data: bytes, seed: str) -> Iterator[bytes]:
    """The same bytes cut short, and with one bit turned, at places that are the same in every run."""
    draw = random.Random(seed)
    for _ in range(HITS):
        yield data[: draw.randrange(len(data))]
        turned = bytearray(data)
        turned[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        yield bytes(turned)


def read_or_refused(name: str, data: bytes) -> Upload | None:
    """What both entrances make of a file; None where they refuse it."""
    upload = None
    for entrance in (inspect, read):
        said = ""
        try:
            seen = entrance(name, data)
        except UploadError as error:
            said = str(error)
        else:
            upload = seen if isinstance(seen, Upload) else None
        assert not said or (said.startswith(name) and "()" not in said)
    return upload


@pytest.mark.parametrize("packing", PACKED)
@pytest.mark.parametrize("name", EXPECTED)
def test_damaged_archives_are_read_whole_or_refused(name: str, packing: str) -> None:
    whole = read(name, load(name))
    packed = PACKED[packing](name, load(name))
    for data in damaged(packed, name + packing):
        upload = read_or_refused(f"{name}.{packing}", data)
        if upload is not None:
            assert upload.symbols == whole.symbols
            assert all(upload.frames[symbol].equals(whole.frames[symbol]) for symbol in whole.symbols)


def test_directory_that_makes_a_member_begin_before_the_file() -> None:
    data = bytearray(packed_zip("a.csv", TICKS + ROW))
    data[data.rfind(b"PK\x05\x06") + 18] = 0x80  # where the directory begins: 8 MB behind the end
    assert "cut off or damaged" in str(refused(bytes(data), "a.zip"))


@pytest.mark.parametrize(("method", "word"), [(zipfile.ZIP_BZIP2, "bzip2"), (zipfile.ZIP_LZMA, "lzma")])
def test_zips_of_other_methods_are_refused_before_they_are_unpacked(method: int, word: str) -> None:
    """These methods unpack whatever they are given at one go: 400 bytes may fill gigabytes."""
    error = refused(packed_zip("a.csv", TICKS + ROW, method), "a.zip")
    assert f"a.csv is packed with {word}: pack it with deflate" in str(error)


def test_unknown_method_of_a_zip_is_named() -> None:
    data = bytearray(packed_zip("a.csv", TICKS + ROW))
    data[data.find(b"PK\x01\x02") + 10] = 77
    assert "packed with method 77" in str(refused(bytes(data), "a.zip"))


@pytest.mark.parametrize("packing", ["gz", "zip", "bz2", "xz"])
def test_archives_in_archives_are_refused_in_words(packing: str) -> None:
    inside = PACKED[packing]("a.csv", TICKS + ROW)
    assert "holds no CSV, but a.csv." in str(refused(packed_zip(f"a.csv.{packing}", inside), "a.zip"))
    read_or_refused("a.csv.gz", gzip.compress(inside))


@pytest.mark.parametrize("size", [4, 40, 400])
def test_parquet_is_refused_however_short(size: int) -> None:
    assert "a Parquet file" in str(refused((b"PAR1" + bytes(600))[:size], "a.csv"))
