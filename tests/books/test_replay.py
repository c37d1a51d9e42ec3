"""A book after many updates equals what pandas makes of them: five thousand, or a million by ``make books``."""

import os
from array import array
from typing import Final

import numpy as np
import pandas as pd

from alphastream.books import OrderBook
from alphastream.feeds.market import BookUpdate
from tests.books.streams import Numbered, Venue

BOOK_UPDATES: Final = int(os.environ.get("BOOK_UPDATES", "5000"))
FIRST_SEED: Final = int(os.environ.get("SEED", "0"))
_COMPARED: Final = 10  # times on the way
_LOSS_EVERY: Final = 700  # updates


class Replay:
    """Every level that was told, and the last quantity of each by pandas."""

    def __init__(self) -> None:
        self._told = array("d"), array("d"), array("d")
        self._book = pd.Series(dtype=np.float64)

    def add(self, update: BookUpdate) -> None:
        """Take note of the levels of an update."""
        for sign, levels in ((1.0, update.bids), (-1.0, update.asks)):
            for price, quantity in levels:
                for column, value in zip(self._told, (sign, price, quantity), strict=True):
                    column.append(value)

    def book(self) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
        """Return all levels, best first."""
        frame = pd.DataFrame(dict(zip(("sign", "price", "quantity"), map(np.array, self._told), strict=True)))
        last = frame.groupby(["sign", "price"])["quantity"].last()
        held = last if self._book.empty else last.combine_first(self._book)
        self._book = held[held > 0]
        self._told = array("d"), array("d"), array("d")
        bids, asks = (self._book.xs(sign).sort_index(ascending=sign < 0) for sign in (1.0, -1.0))
        return _levels(bids), _levels(asks)


def _levels(side: "pd.Series[float]") -> list[tuple[float, float]]:
    return list(zip(side.index.tolist(), side.tolist(), strict=True))


def test_a_book_equals_its_replay() -> None:
    venue, book, replay = Venue(FIRST_SEED), OrderBook(Numbered(), 0, is_asked_for=True), Replay()
    replay.add(snapshot := venue.snapshot())
    book.begin(snapshot)
    for number in range(1, BOOK_UPDATES + 1):
        replay.add(update := venue.update())
        assert book.apply(update)
        if number % (BOOK_UPDATES // _COMPARED) == 0:
            assert book.best(10**9) == replay.book() == tuple(map(list, venue.best()))
    assert book.gaps == 0


def test_a_book_that_loses_updates_equals_its_venue_again_after_each_snapshot() -> None:
    venue, book = Venue(FIRST_SEED + 1), OrderBook(Numbered(), 0, is_asked_for=True)
    random = np.random.default_rng(FIRST_SEED)
    book.begin(venue.snapshot())
    losses = 0
    for number in range(1, BOOK_UPDATES + 1):
        update = venue.update()
        draw = random.random()
        if draw < 1 / _LOSS_EVERY:
            continue
        book.apply(update)
        if draw > 1 - 1 / _LOSS_EVERY:
            book.apply(update)
        if not book.in_sequence:
            losses += 1
            assert "updates are missing" in book.reason
            snapshot = venue.snapshot()
            for _ in range(int(random.integers(0, 4))):
                book.apply(venue.update())
            assert book.begin(snapshot), "updates that came while the snapshot was under way are applied to it"
        if number % 1_000 == 0:
            assert book.best(10**9) == tuple(map(list, venue.best()))
    assert book.gaps == losses > 0
