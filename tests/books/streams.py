"""A seeded venue that keeps a book, and the rules of its numbers."""

import zlib
from collections.abc import Sequence
from typing import Final, Literal

import numpy as np

from alphastream.feeds.codec import Instrument
from alphastream.feeds.market import BookUpdate, Level
from alphastream.instruments import InstrumentId

NAME: Final = InstrumentId("binance-usdm", "BTCUSDT")
TICK: Final = 0.1


class Numbered:
    """Updates carry the number of the one before, as Binance's futures do."""

    completeness: Literal["sequence", "checksum", "unknown"] = "sequence"

    def follows(self, update: BookUpdate, last: int, *, is_first: bool) -> Literal["next", "old", "gap"]:
        """Compare the numbers."""
        if update.last <= last:
            return "old"
        fits = update.first <= last + 1 if is_first else update.previous == last
        return "next" if fits else "gap"

    def checksum(self, bids: Sequence[Level], asks: Sequence[Level], rules: Instrument | None) -> int | None:
        """Say that there is none."""


class Checksummed(Numbered):
    """Updates carry no number and a checksum over the ten best levels, as Kraken's do."""

    completeness: Literal["sequence", "checksum", "unknown"] = "checksum"

    def follows(self, update: BookUpdate, last: int, *, is_first: bool) -> Literal["next", "old", "gap"]:
        """Take each: nothing else is known."""
        return "next"

    def checksum(self, bids: Sequence[Level], asks: Sequence[Level], rules: Instrument | None) -> int | None:
        """Form it over the text of the levels."""
        return zlib.crc32(repr((list(bids[:10]), list(asks[:10]))).encode())


class Unproved(Checksummed):
    """Nothing tells that an update is missing, as on Coinbase."""

    completeness: Literal["sequence", "checksum", "unknown"] = "unknown"

    def checksum(self, bids: Sequence[Level], asks: Sequence[Level], rules: Instrument | None) -> int | None:
        """Say that there is none."""


class Venue:
    """A book that changes at random about a mid that wanders, and the messages it sends.

    Attributes
    ----------
    bids, asks : quantity by price, plain dictionaries.
    """

    def __init__(self, seed: int, name: InstrumentId = NAME) -> None:
        self._random = np.random.default_rng(seed)
        self._name = name
        self._mid = 600_000
        self._last = 1_000
        self.time_ns = 1_700_000_000_000_000_000
        self.bids = {round((self._mid - n) * TICK, 1): 1.0 + n for n in range(1, 40)}
        self.asks = {round((self._mid + n) * TICK, 1): 1.0 + n for n in range(1, 40)}

    def snapshot(self, levels: int = 10**9) -> BookUpdate:
        """Return the best levels."""
        bids, asks = self.best(levels)
        return BookUpdate(self._name, True, bids, asks, self.time_ns, self.time_ns + 5, last=self._last)

    def best(self, levels: int = 10**9) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """Sort the book."""
        return tuple(sorted(self.bids.items(), reverse=True)[:levels]), tuple(sorted(self.asks.items())[:levels])

    def update(self) -> BookUpdate:
        """Change some levels and tell which."""
        draw = self._random
        self._mid += int(draw.integers(-2, 3))
        changes: tuple[list[Level], list[Level]] = [], []
        for side, levels, sign in ((0, self.bids, -1), (1, self.asks, 1)):
            crossed = [price for price in levels if sign * (price / TICK - self._mid) < 0.5]
            near = self._mid + sign * (1 + draw.geometric(0.1, size=int(draw.integers(1, 6))))
            for price in (*crossed, *(round(int(at) * TICK, 1) for at in near)):
                quantity = 0.0 if price in crossed or draw.random() < 0.4 else round(float(draw.random()) + 0.001, 3)
                if quantity:
                    levels[price] = quantity
                else:
                    levels.pop(price, None)
                changes[side].append((price, quantity))
        self.time_ns += int(draw.integers(1, 100)) * 1_000_000
        first, previous, self._last = self._last + 1, self._last, self._last + int(draw.integers(3, 9))
        times = (self.time_ns, self.time_ns + 5)
        return BookUpdate(self._name, False, tuple(changes[0]), tuple(changes[1]), *times, first, self._last, previous)
