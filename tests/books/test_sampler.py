"""Samples are taken on change, not too often, and say where a book was not known."""

import msgspec
import numpy as np

from alphastream.books import OrderBook
from alphastream.books.sampler import BookSampler, LatestSampler
from alphastream.core.units import MS
from tests.books.streams import Numbered, Venue


def test_samples_are_the_book_as_it_was() -> None:
    venue, book = Venue(1), OrderBook(Numbered(), 0, is_asked_for=True)
    sampler = BookSampler(book, 5, 100 * MS)
    book.begin(venue.snapshot())
    truth: dict[int, object] = {}
    for _ in range(500):
        book.apply(venue.update())
        sampler.look(book.receive_ns)
        truth[book.time_ns] = venue.best(5)
    columns = sampler.drain()
    assert columns is not None
    assert sampler.drain() is None
    assert len(columns) > 100
    assert (np.diff(columns.receive_ns) >= 100 * MS).all()
    for n, time_ns in enumerate(columns.time_ns.tolist()):
        bids, asks = (
            tuple(zip(price[n].tolist(), quantity[n].tolist(), strict=True))
            for price, quantity in (
                (columns.bid_price, columns.bid_quantity),
                (columns.ask_price, columns.ask_quantity),
            )
        )
        assert (bids, asks) == truth[time_ns]


def test_the_last_change_of_a_burst_is_taken_when_it_is_time() -> None:
    venue, book = Venue(2), OrderBook(Numbered(), 0, is_asked_for=True)
    sampler = BookSampler(book, 2, 100 * MS)
    book.begin(venue.snapshot())
    begun_ns = book.receive_ns
    sampler.look(begun_ns)
    update = venue.update()
    best = venue.best(1)[0][0]
    change = msgspec.structs.replace(update, bids=((best[0], best[1] + 1),), asks=())
    book.apply(change)
    sampler.look(begun_ns + 10 * MS)
    for later_ns in (100, 200, 300):
        sampler.look(begun_ns + later_ns * MS)
    columns = sampler.drain()
    assert columns is not None
    assert columns.bid_quantity[:, 0].tolist() == [columns.bid_quantity[0, 0], best[1] + 1]


def test_a_lost_book_is_a_row_of_missing_levels() -> None:
    venue, book = Venue(3), OrderBook(Numbered(), 0, is_asked_for=True)
    sampler = BookSampler(book, 2, MS)
    book.begin(venue.snapshot())
    begun_ns = book.receive_ns
    sampler.look(begun_ns)
    book.lose("the connection was lost")
    for later in (5, 10, 15):
        sampler.look(begun_ns + later * MS)
    book.begin(venue.snapshot())
    sampler.look(begun_ns + 20 * MS)
    columns = sampler.drain()
    assert columns is not None
    assert np.isnan(columns.bid_price).all(axis=1).tolist() == [False, True, False]
    assert columns.receive_ns[1] == begun_ns + 5 * MS


def test_quotes_are_taken_when_they_differ() -> None:
    sampler = LatestSampler(10)
    for time, bid in ((0, 1.0), (5, 2.0), (9, 3.0), (20, 3.0), (40, 3.0), (60, 4.0)):
        sampler.note((time, time, bid))
    assert sampler.drain() == [(0, 0, 1.0), (20, 20, 3.0), (60, 60, 4.0)]
    sampler.note((61, 61, 5.0))
    assert sampler.drain() == []
    sampler.look(70)
    assert sampler.drain() == [(61, 61, 5.0)]
