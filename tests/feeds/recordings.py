"""Recorded frames of every venue: trades in ``<kind>.jsonl``, quotes and books in ``<kind>_market.jsonl``.

They stand in a folder of tests/data for each family; the kind is what follows the family in a codec's name, and a venue
that is its whole family has ``trades.jsonl`` and ``market.jsonl``.
"""

import random
from functools import cache
from pathlib import Path
from typing import Final

from alphastream.feeds import Codec

DATA: Final = Path(__file__).parents[1] / "data"


def trades(codec: Codec) -> list[bytes]:
    """Frames of a connection that carries trades."""
    family, _, kind = codec.name.partition("-")
    return _lines(DATA / family / f"{kind or 'trades'}.jsonl")


def market(codec: Codec) -> list[bytes]:
    """Frames of the connections that carry quotes, books and mark prices."""
    family, _, kind = codec.name.partition("-")
    return _lines(DATA / family / f"{kind}_market.jsonl".lstrip("_"))


@cache
def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines()


def mutated(frame: bytes, chance: random.Random) -> bytes:
    """A frame with some bytes altered, cut out, doubled or put in."""
    changed = bytearray(frame)
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        at, length = chance.randrange(len(changed) + 1), chance.choice((1, 1, 2, 8, 40))
        kind = chance.randrange(5)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del changed[at : at + length]
        elif kind == 2:
            changed[at:at] = changed[at : at + length]
        elif kind == 3:
            changed[at:at] = chance.choice((b'"', b",", b"}", b"[", b"-", b"9" * 19, b"e999", b"NaN", b"null"))
        else:
            changed[at:at] = chance.randbytes(length)
    return bytes(changed)
