"""A book kept in sequence equals the book of the venue, whatever happens on the way."""

import msgspec
import numpy as np
import pytest

from alphastream.books import BookView, OrderBook
from tests.books.streams import Checksummed, Numbered, Unproved, Venue


def test_updates_that_came_before_the_snapshot_are_applied_to_it() -> None:
    venue, book = Venue(1), OrderBook(Numbered(), 0, is_asked_for=True)
    assert book.state == "waiting"
    assert book.view().reason == "no snapshot has come yet"
    early = [venue.update() for _ in range(5)]
    snapshot = venue.snapshot()
    late = [venue.update() for _ in range(5)]
    for update in (*early, *late):
        book.apply(update)
    assert book.begin(snapshot)
    assert book.in_sequence
    assert book.best(10**6) == tuple(map(list, venue.best()))


def test_a_missing_update_is_a_gap_that_a_newer_snapshot_heals() -> None:
    venue, book = Venue(2), OrderBook(Numbered(), 0, is_asked_for=True)
    book.begin(venue.snapshot())
    assert book.apply(venue.update())
    old = venue.snapshot()
    venue.update()
    update = venue.update()
    assert not book.apply(update)
    assert book.state == "out of sequence"
    assert book.view().reason == f"updates are missing between {old.last} and {update.first}"
    book.begin(old)
    assert not book.in_sequence, "a snapshot from before the loss proves nothing"
    snapshot = venue.snapshot()
    late = venue.update()
    book.apply(late)
    assert book.begin(snapshot)
    assert book.gaps == 2
    assert book.best(10**6) == tuple(map(list, venue.best()))


def test_an_update_that_comes_twice_changes_nothing() -> None:
    venue, book = Venue(3), OrderBook(Numbered(), 0, is_asked_for=True)
    book.begin(venue.snapshot())
    updates = [venue.update() for _ in range(20)]
    for update in updates:
        book.apply(update)
        book.apply(updates[0])
    assert book.in_sequence
    assert book.best(10**6) == tuple(map(list, venue.best()))


def test_a_wrong_checksum_is_a_loss() -> None:
    venue, rules = Venue(4), Checksummed()
    book = OrderBook(rules, 0, is_asked_for=False)
    assert book.apply(venue.snapshot())
    for _ in range(10):
        update = venue.update()
        assert book.apply(msgspec.structs.replace(update, checksum=rules.checksum(*venue.best(10), None)))
    venue.update()
    update = venue.update()
    assert not book.apply(msgspec.structs.replace(update, checksum=rules.checksum(*venue.best(10), None)))
    assert book.reason.startswith("its checksum is ")
    assert not book.apply(venue.update()), "what comes after a loss is not applied"
    assert book.apply(venue.snapshot())


def test_a_crossed_book_is_a_loss_where_nothing_else_proves_it() -> None:
    venue = Venue(5)
    snapshot = venue.snapshot()
    crossing = msgspec.structs.replace(venue.update(), bids=((snapshot.asks[0][0], 1.0),), asks=(), previous=1_000)
    unproved, proved = OrderBook(Unproved(), 0, is_asked_for=False), OrderBook(Numbered(), 0, is_asked_for=False)
    for book in (unproved, proved):
        book.apply(snapshot)
        book.apply(crossing)
    assert "is not below the best offer" in unproved.reason
    assert proved.in_sequence


def test_a_book_that_is_sent_is_cut_to_its_depth() -> None:
    venue, book = Venue(6), OrderBook(Numbered(), 10, is_asked_for=False)
    book.apply(venue.snapshot(10))
    best = venue.best(10)[0][0][0]
    book.apply(msgspec.structs.replace(venue.update(), bids=((best + 0.05, 2.0),), asks=()))
    view = book.view()
    assert len(view.bid_price) == 10
    assert view.bid_price[0] == best + 0.05


@pytest.mark.parametrize("seed", range(3))
def test_what_a_book_that_is_asked_for_holds_is_known_without_holes(seed: int) -> None:
    venue, book = Venue(seed), OrderBook(Numbered(), 20, is_asked_for=True)
    book.begin(venue.snapshot(20))
    for _ in range(2_000):
        book.apply(venue.update())
        if book.is_thin:
            book.refresh()
            late = venue.update()
            assert book.apply(late), "it goes on while a snapshot is under way"
            book.begin(venue.snapshot(20))
        assert book.in_sequence
        for held, there in zip(book.best(10**6), venue.best(), strict=True):
            assert len(held) <= 40
            assert held == list(there[: len(held)])


def test_a_lost_connection_makes_a_book_unsure_until_a_snapshot() -> None:
    venue, book = Venue(7), OrderBook(Numbered(), 0, is_asked_for=True)
    book.begin(venue.snapshot())
    book.lose("the connection was lost")
    view: BookView = book.view(1)
    assert (view.in_sequence, view.reason) == (False, "the connection was lost")
    assert np.array_equal(view.bid_price, [venue.best()[0][0][0]]), "its levels stay readable"
    venue.update()
    book.apply(venue.update())
    assert book.begin(venue.snapshot())
