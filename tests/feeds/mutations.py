"""Frames as no venue sends them."""

import random
from collections.abc import Iterator, Sequence

PIECES = (b'"', b",", b"}", b"]", b"[", b"-", b"0", b"9" * 20, b"e999", b"NaN", b"null", b'""', b"\xff")


def mutated(frames: Sequence[bytes], count: int, seed: int = 1) -> Iterator[bytes]:
    """Yield frames with up to four pieces replaced, taken out or put in."""
    chance = random.Random(seed)
    for _ in range(count):
        frame = bytearray(chance.choice(frames))
        for _ in range(chance.randint(1, 4)):
            at, length = chance.randrange(len(frame) + 1), chance.choice((0, 1, 1, 3, 20))
            frame[at : at + length] = chance.choice((b"", chance.choice(PIECES), chance.randbytes(2)))
        yield bytes(frame)
