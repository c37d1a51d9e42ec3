"""Damaged files: whatever happens to the bytes, they are read as they were written or refused in one sentence."""

import bz2
import gzip
import io
import lzma
import random
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator

import pytest

from alphastream.errors import UploadError
from alphastream.uploads import Upload, inspect, read
from alphastream.uploads.containers import most_unpacked, parts_of
from tests.uploads.test_errors import ROW, TICKS, refused
from tests.uploads.test_formats import EXPECTED, load

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
def test_broken_parquet_is_refused_however_short(size: int) -> None:
    assert "cut off or damaged (Parquet" in str(refused((b"PAR1" + bytes(600))[:size], "a.csv"))


MB = 2**20
BOMB = gzip.compress(TICKS + ROW * (40 * MB // len(ROW)), 1)


def claiming_less(data: bytes, size: int) -> bytes:
    """The same zip of one member, whose directory says that so many bytes come out."""
    lying = bytearray(data)
    at = lying.find(b"PK\x01\x02") + 24
    lying[at : at + 4] = size.to_bytes(4, "little")
    return bytes(lying)


@pytest.mark.parametrize("packing", ["gz", "zip"])
def test_unpacking_stops_at_the_limit_and_takes_no_more_memory(packing: str) -> None:
    """40 MB of rows in some hundred kilobytes: what is unpacked is counted, and never held beyond a buffer."""
    rows = TICKS + ROW * (40 * MB // len(ROW))
    packed = BOMB if packing == "gz" else claiming_less(packed_zip("a.csv", rows), 7 * MB)
    limit = 8 * MB
    assert most_unpacked(len(packed), limit) == limit
    (part,) = parts_of("a", packed, limit)
    out = []

    def drain() -> None:
        with part.open() as stream:
            while chunk := stream.read(2**16):
                out.append(len(chunk))

    tracemalloc.start()
    with pytest.raises(UploadError, match=r"cut off or damaged|more comes out"):
        drain()
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 5 * MB < sum(out) <= limit
    assert held < 6 * MB


def test_small_gzip_of_a_huge_file_says_what_is_read() -> None:
    """It was read up to eight times the limit, whatever its own size."""
    with pytest.raises(UploadError, match=r"more comes out of the file than the 8\.0 MB.*: upload fewer days"):
        read("a.csv.gz", BOMB, max_bytes=8 * MB)


def test_members_of_a_zip_share_one_limit() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for day in range(1, 4):
            archive.writestr(f"BTCUSDT-2024-08-0{day}.csv", TICKS + ROW * (3 * MB // len(ROW)))
    with pytest.raises(UploadError, match=r"the zip of .* kB unpacks to 9\.0 MB, at most 8\.0 MB are read"):
        read("a.zip", buffer.getvalue(), max_bytes=8 * MB)


def test_large_archives_may_hold_several_times_their_size() -> None:
    assert most_unpacked(40 * MB, 200 * MB) == 32 * 40 * MB
    assert most_unpacked(200 * MB, 200 * MB) == 8 * 200 * MB
    with pytest.raises(UploadError, match="too large"):
        read("a.csv.gz", bytes(2 * MB), max_bytes=MB)


TICK = b'{"symbol":"BTC","ts":1723075200,"price":1}\n'
LATE = 8_000  # rows enough for the damage to lie behind the part of the file that is looked at first


@pytest.mark.parametrize("before", [1, LATE])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("half", ["cut", "lone"])
def test_half_a_utf16_character_is_named_by_line(half: str, encoding: str, before: int) -> None:
    """The file ends in the middle of two bytes, or has a low surrogate without its high one."""
    text = ("\ufeff" + TICKS.decode() + ROW.decode() * before).encode(encoding)
    lone = "\udc00".encode(encoding, "surrogatepass")
    error = refused(text[:-1] if half == "cut" else text + lone + text[2:], "a.txt")
    assert error.line == before + (1 if half == "cut" else 2)
    assert "half a UTF-16 character" in str(error)


def test_bad_cell_before_half_a_character_is_named() -> None:
    text = ("\ufeff" + TICKS.decode() + "2024-08-08,BTC,x,1\n" + ROW.decode() * 200_000).encode("utf-16-le")[:-1]
    error = refused(text, "a.txt")
    assert error.line is not None
    assert error.column == "price" or "half a UTF-16 character" in str(error)


@pytest.mark.parametrize("before", [1, LATE])
@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        (b'"BTC"', b'"B\xffC"', "0xFF is not UTF-8"),
        (b'"BTC"', b'"B\\qC"', "no JSON object"),
        (b'"BTC"', b'"B\\ud800C"', "no JSON object"),
        (b":1}", b":" + b"[" * 10_000 + b"]" * 10_000 + b"}", "recursion"),
    ],
)
def test_damaged_json_is_named_by_line(old: bytes, new: bytes, word: str, before: int) -> None:
    error = refused(TICK * before + TICK.replace(old, new), "t.ndjson")
    assert error.line == before + 1
    assert word in str(error)


@pytest.mark.parametrize("before", [1, LATE])
def test_endless_cell_is_named_by_line(before: int) -> None:
    error = refused(TICKS + ROW * before + b"a" * 200_000 + b"\n" + ROW)
    assert error.line == before + 2
    assert "field larger than field limit" in str(error)


@pytest.mark.parametrize("bad", [b"?", b"1.2.3", "\u0661\u0662".encode(), b"true"])
def test_bad_cell_without_a_header_is_named(bad: bytes) -> None:
    row = b"1722470400,3201.5,3244.8,3230.1,3218.0,5120.25\n"
    error = refused(row + row.replace(b"3201.5", bad) + row.replace(b"1722470400", b"1722474000"), "ETH-USD.csv")
    assert error.line == 2
    assert error.column is not None
    assert "a number is needed" in str(error)


@pytest.mark.parametrize("bad", [b"1.7E+40", b"1e99", b"1.72307520012345678901234567890E+09", b"9" * 30, b"1e-400"])
def test_times_that_overflow_are_named(bad: bytes) -> None:
    for first in (b"1723075200", b"1723075200.5"):
        error = refused(b"time,price\n" + first + b",1\n" + bad + b",1\n", "BTC.csv")
        assert (error.line, error.column) == (3, "time")


@pytest.mark.parametrize("bad", [b"1e400", b"9" * 400, b"1e-400"])
def test_prices_that_overflow_are_named(bad: bytes) -> None:
    error = refused(TICKS + ROW + ROW.replace(b"55108.7", bad))
    assert (error.line, error.column) == (3, "price")


def test_columns_get_different_names_whatever_the_header_says() -> None:
    layout = inspect("BTC.csv", b"time,price,a,a,a (2),a\n1723075200,1,1,1,1,1\n")
    assert len(set(layout.columns)) == 6
    assert layout.columns[2:5] == ("a", "a (2)", "a (2) (2)")


def test_header_lines_that_name_only_the_time_break_nothing() -> None:
    """Found by mutation: the field names were looked for among no lines."""
    read_or_refused("BTC.csv", b"Date,\nTicker,\n2024-08-08,1\n")


def test_quotation_mark_that_is_never_closed_is_named_by_line() -> None:
    """Found by mutation: what Arrow says of it goes over two lines."""
    row = b'"2024-08-08","BTC","55108.7","0.004"\n'
    error = refused(TICKS + row + row.replace(b'0.004"', b"0.004%") + row)
    assert error.line == 3
    assert "a quotation mark that is never closed" in str(error)
