"""How files may be packed, what an archive may hold, and what is refused before it costs anything."""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from typing import Final

import pyarrow as pa
import pytest

from alphastream.errors import UploadError
from alphastream.uploads import inspect, read
from alphastream.uploads.containers import MAX_MEMBERS
from alphastream.uploads.packing import MAX_PIECES
from tests.uploads.test_errors import ROW, TICKS, refused

MB: Final = 2**20
ROWS: Final = ROW * 20_000


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return bytes(sink.getvalue())


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstd,
}


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize("ending", PACKERS)
def test_packed_files_are_read_like_plain_ones(ending: str) -> None:
    plain = read("BTCUSD.csv", TICKS + ROWS)
    packed = read(f"BTCUSD.csv.{ending}", PACKERS[ending](TICKS + ROWS))
    assert packed.symbols == plain.symbols
    assert all(packed.frames[symbol].equals(plain.frames[symbol]) for symbol in plain.symbols)


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz", "zst"])
def test_pieces_packed_one_after_the_other_are_one_file(ending: str) -> None:
    """bgzip, and whoever appends to a packed file, writes pieces; gzip may end in zeros."""
    pack = PACKERS[ending]
    padding = bytes(100) if ending == "gz" else b""
    upload = read(f"BTC.csv.{ending}", pack(TICKS) + pack(ROWS) + pack(ROWS) + padding)
    assert sum(map(len, upload.frames.values())) == (TICKS + ROWS + ROWS).count(b"\n") - 1


@pytest.mark.parametrize("ending", PACKERS)
def test_packed_files_that_end_too_early_are_refused(ending: str) -> None:
    packed = PACKERS[ending](TICKS + ROWS)
    assert "cut off or damaged" in str(refused(packed[: len(packed) // 2], f"a.csv.{ending}"))


@pytest.mark.parametrize("ending", PACKERS)
def test_bombs_are_unpacked_in_blocks(ending: str) -> None:
    """Some kilobytes that would be 100 MB: refused at the limit, and not held."""
    bomb = PACKERS[ending](TICKS) + PACKERS[ending](ROW * (4 * MB // len(ROW))) * 25
    tracemalloc.start()
    with pytest.raises(UploadError, match=r"more comes out of the file than the [2-9]\.\d MB"):
        read(f"a.csv.{ending}", bomb, max_bytes=2 * MB)
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert held < 40 * MB


def test_very_many_pieces_are_refused() -> None:
    """Twenty bytes each, of nothing: they would be unpacked for minutes."""
    empty = gzip.compress(b"")
    assert "more than 100,000 pieces" in str(refused(empty * (MAX_PIECES + 1), "a.csv.gz"))


@pytest.mark.parametrize("outer", PACKERS)
@pytest.mark.parametrize("inner", [*PACKERS, "zip", "tar"])
def test_archives_inside_are_refused_in_words(inner: str, outer: str) -> None:
    if inner == "tar":
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            member = tarfile.TarInfo("a.csv")
            member.size = len(TICKS + ROW)
            archive.addfile(member, io.BytesIO(TICKS + ROW))
        content = buffer.getvalue()
    else:
        content = zipped({"a.csv": TICKS + ROW}) if inner == "zip" else PACKERS[inner](TICKS + ROW)
    error = refused(PACKERS[outer](content), f"a.{inner}.{outer}")
    assert "inside is a" in str(error)
    assert "unpack it" in str(error)


def test_zip_of_many_files_is_refused_by_their_number() -> None:
    few = {f"{at}.csv": b"" for at in range(MAX_MEMBERS + 1)}
    assert "holds 2,001 files, at most 2,000 are read" in str(refused(zipped(few), "a.zip"))
    many = {f"{at}.csv": b"" for at in range(60_000)}
    assert "holds a list of files of" in str(refused(zipped(many), "a.zip"))


def test_files_beside_the_tables_are_not_counted() -> None:
    members = {f"notes/{at}.pdf": b"" for at in range(MAX_MEMBERS)} | {"BTCUSDT.csv": TICKS + ROW}
    assert len(inspect("a.zip", zipped(members)).columns) == 4


def overlapping(count: int, content: bytes) -> bytes:
    """A zip whose list names the same bytes again and again (after Fifield's zip bomb)."""
    data = zipped({"a.csv": content})
    begin = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    entry = data[begin:end]
    tail = bytearray(data[end:])
    tail[8:20] = struct.pack("<HHII", count, count, count * len(entry), begin)
    return data[:begin] + entry * count + bytes(tail)


def test_files_that_overlap_are_refused() -> None:
    error = refused(overlapping(1000, TICKS + ROWS), "a.zip")
    assert "the files inside overlap" in str(error)


@pytest.mark.parametrize("name", ["a\nb\x1b[31m.csv", "x" * 5_000 + ".csv", "\u202egnp.csv"])
def test_names_of_files_inside_are_shown_in_one_line(name: str) -> None:
    error = refused(zipped({name: TICKS + b"2024-08-08,BTC,x,1\n"}), "a.zip")
    assert str(error).isprintable()
    assert len(str(error)) < 300
    assert error.line == 2


def test_file_inside_without_a_name_is_refused() -> None:
    data = bytearray(zipped({"a": TICKS + ROW}))
    data[data.find(b"PK\1\2") + 46] = 0  # its name, which ends at a zero
    assert "a.zip" in str(refused(bytes(data), "a.zip"))
