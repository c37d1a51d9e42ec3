"""What happens to files of lines: single bits, cuts, zeros, lines out of place, other line ends."""

import os
import random
from collections.abc import Callable
from typing import Final

DAMAGED_FILES: Final = int(os.environ.get("DAMAGED_FILES", "30"))
FIRST_SEED: Final = int(os.environ.get("SEED", "0"))
SEEDS: Final = range(FIRST_SEED, FIRST_SEED + DAMAGED_FILES)
HUGE: Final = 2_000_000

Damage = Callable[[bytes, random.Random], bytes]


def _at(data: bytes, draw: random.Random) -> int:
    return draw.randrange(max(1, len(data)))


def _bytes_changed(data: bytes, draw: random.Random, change: Callable[[int], int]) -> bytes:
    if not data:
        return data
    at = _at(data, draw)
    return data[:at] + bytes([change(data[at])]) + data[at + 1 :]


def flip_a_bit(data: bytes, draw: random.Random) -> bytes:
    return _bytes_changed(data, draw, lambda byte: byte ^ 1 << draw.randrange(8))


def change_a_digit(data: bytes, draw: random.Random) -> bytes:
    digits = [at for at, byte in enumerate(data) if 48 <= byte <= 57]
    if not digits:
        return data
    at = draw.choice(digits)
    return data[:at] + str((data[at] - 48 + draw.randrange(1, 10)) % 10).encode() + data[at + 1 :]


def insert_a_digit(data: bytes, draw: random.Random) -> bytes:
    at = _at(data, draw)
    return data[:at] + str(draw.randrange(10)).encode() + data[at:]


def scatter(data: bytes, draw: random.Random) -> bytes:
    for _ in range(draw.randrange(2, 100)):
        data = _bytes_changed(data, draw, lambda _: draw.randrange(256))
    return data


def cut_out(data: bytes, draw: random.Random) -> bytes:
    at = _at(data, draw)
    return data[:at] + data[at + draw.choice((1, 2, 7, 40, 400)) :]


def truncate(data: bytes, draw: random.Random) -> bytes:
    return data[: _at(data, draw)]


def insert_zeros(data: bytes, draw: random.Random) -> bytes:
    at = draw.choice((_at(data, draw), len(data)))
    return data[:at] + bytes(draw.choice((1, 16, 4_096))) + data[at:]


def overwrite_with_zeros(data: bytes, draw: random.Random) -> bytes:
    at, count = _at(data, draw), draw.choice((1, 64, 512))
    return data[:at] + bytes(len(data[at : at + count])) + data[at + count :]


def insert_a_line(data: bytes, draw: random.Random) -> bytes:
    line = draw.choice((b"", b"[]", b"{}", b"null", b'{"crc32":"00000000"}', draw.randbytes(60), b"9" * HUGE))
    return _lines_changed(data, lambda lines: lines.insert(draw.randrange(len(lines) + 1), line + b"\n"))


def swap_lines(data: bytes, draw: random.Random) -> bytes:
    def change(lines: list[bytes]) -> None:
        one, other = draw.randrange(len(lines)), draw.randrange(len(lines))
        lines[one], lines[other] = lines[other], lines[one]

    return _lines_changed(data, change)


def double_a_line(data: bytes, draw: random.Random) -> bytes:
    return _lines_changed(data, lambda lines: lines.insert(draw.randrange(len(lines) + 1), draw.choice(lines)))


def drop_a_line(data: bytes, draw: random.Random) -> bytes:
    return _lines_changed(data, lambda lines: lines.pop(draw.randrange(len(lines))))


def join_lines(data: bytes, draw: random.Random) -> bytes:
    ends = [at for at, byte in enumerate(data) if byte == 10]
    at = draw.choice(ends) if ends else 0
    return data[:at] + data[at + 1 :]


def _lines_changed(data: bytes, change: Callable[[list[bytes]], object]) -> bytes:
    lines = data.splitlines(keepends=True)
    if lines:
        change(lines)
    return b"".join(lines)


def end_lines_as_elsewhere(data: bytes, _draw: random.Random) -> bytes:
    return data.replace(b"\n", b"\r\n")


def empty(_data: bytes, _draw: random.Random) -> bytes:
    return b""


DAMAGES: Final[tuple[Damage, ...]] = (
    flip_a_bit,
    change_a_digit,
    insert_a_digit,
    scatter,
    cut_out,
    truncate,
    insert_zeros,
    overwrite_with_zeros,
    insert_a_line,
    swap_lines,
    double_a_line,
    drop_a_line,
    join_lines,
    end_lines_as_elsewhere,
    empty,
)


def damaged(data: bytes, seed: int) -> bytes:
    """One kind after the other; now and then several at once."""
    draw = random.Random(seed)
    data = DAMAGES[seed % len(DAMAGES)](data, draw)
    for _ in range(draw.choice((0, 0, 0, 2))):
        data = draw.choice(DAMAGES)(data, draw)
    return data
