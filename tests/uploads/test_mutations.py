"""Mutated files of every dialect: read as they say, or refused in one sentence; nothing else, and no invented price.

``make mutations`` tries ten thousand. What once failed has a test of its own, at the end or in ``test_damage``.
"""

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alphastream.errors import UploadError
from alphastream.uploads import Upload, combine, inspect, read
from alphastream.uploads.forms.encodings import encoding_of, utf16_of
from tests.uploads.test_damage import PACKED
from tests.uploads.test_errors import ROW, TICKS, refused
from tests.uploads.test_formats import check_shape

EXAMPLES: Final = int(os.environ.get("MUTATIONS", "60"))
SEEDS: Final = {path.name: path.read_bytes() for path in sorted(Path("tests/data/uploads").iterdir())}
PRICES: Final = ("price", "open", "high", "low", "close")
NUMBER: Final = re.compile(r"[+-]?(?:\d[\d.,'\u2019_ \u00a0\u202f\u2009]*|\.\d+)(?:[eE][+-]?\d+)?")
SCALES: Final = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9}

Mutation = Callable[[bytes], bytes]


def _at(data: bytes, share: float) -> int:
    return int(share * len(data))


def flip(share: float, bit: int) -> Mutation:
    """One bit turned."""

    def mutate(data: bytes) -> bytes:
        if not data:
            return data
        at = min(_at(data, share), len(data) - 1)
        return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]

    return mutate


def delete(share: float, count: int) -> Mutation:
    """Some bytes less."""
    return lambda data: data[: _at(data, share)] + data[_at(data, share) + count :]


def insert(share: float, what: bytes) -> Mutation:
    """Some bytes more."""
    return lambda data: data[: _at(data, share)] + what + data[_at(data, share) :]


def duplicate(share: float, count: int) -> Mutation:
    """Some bytes twice."""
    return lambda data: data[: _at(data, share) + count] + data[_at(data, share) :]


def truncate(share: float) -> Mutation:
    """The end is missing."""
    return lambda data: data[: _at(data, share)]


def on_lines(change: Callable[[list[bytes]], list[bytes]]) -> Mutation:
    """A change of whole lines."""
    return lambda data: b"\n".join(change(data.split(b"\n")))


def swap_lines(first: float, second: float) -> Mutation:
    """Two lines exchanged."""

    def change(lines: list[bytes]) -> list[bytes]:
        one, other = int(first * len(lines)), int(second * len(lines))
        lines[one], lines[other] = lines[other], lines[one]
        return lines

    return on_lines(change)


def repeat_line(share: float, times: int) -> Mutation:
    """One line several times."""

    def change(lines: list[bytes]) -> list[bytes]:
        at = int(share * len(lines))
        return lines[:at] + lines[at : at + 1] * times + lines[at:]

    return on_lines(change)


def exchange(old: bytes, new: bytes) -> Mutation:
    """Every separator, quotation mark, point or word exchanged for another."""
    return lambda data: data.replace(old, new)


def redigit(share: float, digit: bytes) -> Mutation:
    """The next digit becomes another."""

    def mutate(data: bytes) -> bytes:
        found = re.compile(rb"\d").search(data, _at(data, share))
        return data if found is None else data[: found.start()] + digit + data[found.end() :]

    return mutate


def splice(share: float, other: str, other_share: float) -> Mutation:
    """The beginning of one file and the end of another."""
    return lambda data: data[: _at(data, share)] + SEEDS[other][_at(SEEDS[other], other_share) :]


def restructure(sign: bytes, offset: int, byte: int) -> Mutation:
    """One byte of a zip's lists changed: sizes, methods, offsets, lengths of names."""

    def mutate(data: bytes) -> bytes:
        at = data.find(sign) + offset
        return data if sign not in data or at >= len(data) else data[:at] + bytes([byte]) + data[at + 1 :]

    return mutate


SHARES = st.floats(0, 1, exclude_max=True)
NASTY = st.sampled_from(
    [
        *(b"\0", b'"', b'"a\n', b"\r", b"\r\n", b"\n\n", b",", b";", b"\t", b"|", b"{", b"[" * 2000, b"\\ud800", b"#"),
        *(b"\xff\xfe", b"\xff", b"-", b"nan", b"inf", b"1e400", b"9" * 40, b"1e-400", b"'", b" ", b"\xc2\xa0", b"null"),
        *(b"=1+1", "\u0661".encode(), b"1899-12-30", b"9999-12-31", b"0001-01-01", b"1,234.5", b"1.234,5", b"12:30"),
        *(b"-0", b"."),
    ]
)
EXCHANGED = [
    (old, new)
    for old in (b",", b";", b"\t", b".", b'"', b"-", b"\n", b":", b" ")
    for new in (b",", b";", b"\t", b".", b"")
]
MUTATIONS = st.one_of(
    st.builds(flip, SHARES, st.integers(0, 7)),
    st.builds(delete, SHARES, st.integers(1, 40)),
    st.builds(insert, SHARES, NASTY | st.binary(min_size=1, max_size=4)),
    st.builds(duplicate, SHARES, st.integers(1, 80)),
    st.builds(truncate, SHARES),
    st.builds(swap_lines, SHARES, SHARES),
    st.builds(repeat_line, SHARES, st.integers(1, 12)),
    st.sampled_from(EXCHANGED).map(lambda pair: exchange(*pair)),
    st.builds(redigit, SHARES, st.sampled_from([b"%d" % digit for digit in range(10)])),
    st.builds(splice, SHARES, st.sampled_from(list(SEEDS)), SHARES),
)

LISTS = st.builds(
    restructure, st.sampled_from([b"PK\1\2", b"PK\3\4", b"PK\5\6"]), st.integers(4, 45), st.integers(0, 255)
)


def numbers_in(text: str) -> set[float]:
    """What the numbers of a text can mean: either decimal mark, thousands, K, M or B, fixed point, single precision."""
    found: set[float] = set()
    for match in NUMBER.finditer(text):
        cell = re.sub(r"['\u2019_ \u00a0\u202f\u2009]", "", match.group())
        scale = SCALES.get(text[match.end() : match.end() + 1].lower(), 1.0)
        spellings = {cell.replace(",", ""), cell.replace(".", "").replace(",", "."), *re.split(r"[,.]", cell)}
        spellings |= {*cell.split(","), *cell.split("."), *match.group().split(), *re.split(r"[ ,]", match.group())}
        for spelling in spellings:
            try:
                value = abs(float(spelling))
            except ValueError:
                continue
            found |= {value, value * scale, value * 1e-9}
            if value < 1e38:
                found.add(float(str(np.float32(value))))  # of single precision: the digits it had
    return found


def is_said(price: float, text: str, numbers: set[float]) -> bool:
    """Whether a price is a number of the text, or the middle or an adjustment of numbers in one line."""
    if any(np.isclose(price, number, rtol=1e-12, atol=0) for number in numbers):
        return True
    for line in text.splitlines():
        cells = np.array(sorted(numbers_in(line)))
        cells = cells[(cells > 0) & np.isfinite(cells)]
        middles = (cells[:, None] + cells) / 2
        ratios = cells[:, None] / cells
        if np.isclose(middles, price, rtol=1e-12, atol=0).any():
            return True
        if any(np.isclose(ratios * cell, price, rtol=1e-12, atol=0).any() for cell in cells):
            return True
    return False


def read_or_refused(name: str, data: bytes) -> Upload | None:
    """What the entrances make of a file; None where one refuses it. Any other exception is a defect."""
    said = ""
    try:
        inspect(name, data)
        upload = read(name, data)
        combine(upload, upload)
    except UploadError as error:
        said = str(error)
    if not said:
        return upload
    assert said.startswith(name)
    assert "\n" not in said
    assert len(said) < 3_000
    return None


def check_prices(upload: Upload, text: str) -> None:
    """Every price stands in the text."""
    numbers = numbers_in(text)
    for symbol, frame in upload.frames.items():
        for column in PRICES:
            if column in frame:
                for price in np.unique(frame[column].to_numpy()):
                    assert price in numbers or is_said(price, text, numbers), f"{symbol} {column} {price!r}"


def text_of(data: bytes) -> str:
    """The mutated text, whatever it is worth."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    wide = utf16_of(data) if b"\0" in data else None
    return data.decode(wide or encoding_of(data) or "utf-8", "replace")


@given(st.sampled_from(list(SEEDS)), st.lists(MUTATIONS, min_size=1, max_size=4))
@settings(deadline=None, max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
def test_mutated_files_are_read_as_they_say_or_refused(name: str, mutations: Sequence[Mutation]) -> None:
    data = SEEDS[name]
    for mutate in mutations:
        data = mutate(data)
    upload = read_or_refused(name, data)
    if upload is not None:
        check_shape(upload)
        check_prices(upload, text_of(data))


@given(
    st.sampled_from(list(SEEDS)),
    st.sampled_from(["gz", "zip", "bz2", "xz"]),
    st.lists(MUTATIONS | LISTS, min_size=1, max_size=3),
)
@settings(deadline=None, max_examples=EXAMPLES // 3, suppress_health_check=[HealthCheck.too_slow])
def test_mutated_archives_are_read_as_they_say_or_refused(
    name: str, packing: str, mutations: Sequence[Mutation]
) -> None:
    data = PACKED[packing](name, SEEDS[name])
    for mutate in mutations:
        data = mutate(data)
    upload = read_or_refused(f"{name}.{packing}", data)
    if upload is not None:
        check_prices(upload, text_of(SEEDS[name]) + "\n" + text_of(data))


@pytest.mark.parametrize("column", ["price", "size", "timestamp"])
def test_long_cells_are_shown_in_part(column: str) -> None:
    cell = {"price": b"55108.7", "size": b"0.004", "timestamp": b"2024-08-08 00:00:00"}[column]
    error = refused(TICKS + ROW + ROW.replace(cell, b"[" * 5_000))
    assert error.column == column
    assert "[...'" in str(error)
    assert len(str(error)) < 300
