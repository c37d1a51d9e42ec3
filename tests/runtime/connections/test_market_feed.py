"""Books of a feed equal those of the venue whatever happens on the way, and no trouble of one touches another."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alphastream.errors import ParameterError
from alphastream.feeds import quiet
from alphastream.instruments import InstrumentId
from runtime.connections import market_feed, market_keeping
from runtime.connections.market_feed import MarketFeed
from runtime.connections.rest import RefusedError
from runtime.stores.market_store import MarketStore
from tests.runtime.connections.feed_runs import until
from tests.runtime.connections.small_venue import SECOND, SmallVenue, served

BTC, ETH, SOL = (InstrumentId("binance-usdm", symbol) for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT"))
ALL = (0, 2**63 - 1)


@contextmanager
def running(venue: SmallVenue, path: Path, **options: Any) -> Iterator[MarketFeed]:
    """Run a feed of all instruments but SOL; it leaves no thread."""
    known = {"backoff_base_s": 0.02, "backoff_cap_s": 0.1, "every_ms": 1, "levels": 5, "seed": 1}
    with served(venue) as codec, MarketStore(path / "books.db") as store:
        feed = MarketFeed(
            codec, [name for name in venue.books if name != SOL], store, transport=venue.transport, **(known | options)
        )
        feed.start()
        try:
            yield feed
        finally:
            feed.stop()
            assert feed.health.state == "stopped"
            until(lambda: not [each for each in threading.enumerate() if each.name.startswith("market-")][1:])


@contextmanager
def ticking(venue: SmallVenue, every_s: float = 0.002) -> Iterator[None]:
    """Change the books all the time."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(every_s):
            venue.tick()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def equals(feed: MarketFeed, venue: SmallVenue, name: InstrumentId) -> bool:
    """Say whether a kept book is in sequence and that of the venue."""
    view, (bids, asks) = feed.book(name), venue.books[name].best()
    if view is None or not view.in_sequence:
        return False
    held = [
        tuple(zip(price.tolist(), quantity.tolist(), strict=True))
        for price, quantity in ((view.bid_price, view.bid_quantity), (view.ask_price, view.ask_quantity))
    ]
    return held == [bids, asks]


def known(feed: MarketFeed, *names: InstrumentId) -> Callable[[], bool]:
    return lambda: all((view := feed.book(name)) is not None and view.in_sequence for name in names)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(market_feed, "RESYNC_S", (0.01, 0.1))
    monkeypatch.setattr(market_feed, "GRACE_S", 0.3)


@pytest.mark.parametrize("sends", [False, True])
def test_books_equal_those_of_the_venue_under_lost_and_repeated_updates_and_breaks(sends: bool, tmp_path: Path) -> None:
    venue = SmallVenue([BTC, ETH], sends=sends)
    with running(venue, tmp_path) as feed:
        with ticking(venue):
            until(known(feed, BTC, ETH))
            for n in range(12):
                gaps = feed.health.instruments[BTC].resyncs
                with venue.lock:
                    venue.doubles.add(ETH)
                    venue.skips.add(BTC)
                until(lambda gaps=gaps: feed.health.instruments[BTC].resyncs > gaps)  # type: ignore[misc]
                if n % 4 == 3:
                    venue.cut()
                    until(lambda: known(feed, BTC, ETH)() and feed.health.state == "live")
        until(lambda: equals(feed, venue, BTC) and equals(feed, venue, ETH))
        health = feed.health
        assert health.instruments[BTC].resyncs >= 12
        assert health.reconnects >= 3


@pytest.mark.parametrize("sends", [False, True])
def test_the_trouble_of_one_does_not_touch_another(sends: bool, tmp_path: Path) -> None:
    venue = SmallVenue([BTC, ETH], sends=sends)
    with running(venue, tmp_path) as feed, ticking(venue):
        until(known(feed, BTC, ETH))
        venue.no_snapshots.add(BTC)
        for _ in range(3):
            with venue.lock:
                venue.skips.add(BTC)
            until(lambda: BTC not in venue.skips)
            time.sleep(0.05)
        assert feed.health.instruments[ETH].resyncs == 0
        assert known(feed, ETH)()
        if not sends:
            assert "updates are missing" in feed.health.instruments[BTC].reason
            assert feed.health.state == "live"
            assert "are made right: binance-usdm:BTCUSDT" in feed.health.reason
        venue.no_snapshots.clear()
        until(known(feed, BTC, ETH))
        assert feed.health.instruments[ETH].resyncs == 0


def test_a_stream_that_falls_silent_is_noticed_by_itself(tmp_path: Path) -> None:
    venue = SmallVenue([BTC, ETH])
    venue.mutes = {(BTC, "quotes"), (ETH, "quotes")}
    with running(venue, tmp_path, stall_s=0.5) as feed, ticking(venue):
        until(lambda: "no quotes for 0.5 s although the connection is open" in feed.health.reason)
        assert feed.health.state == "stalled"
        assert feed.quote(BTC) is None
        assert "marks:" not in feed.health.reason, "the other connection goes on"
        venue.mutes.clear()
        until(lambda: feed.health.state == "live" and known(feed, BTC, ETH)())
        assert feed.quote(BTC) is not None


def test_an_instrument_that_goes_quiet_gets_a_connection_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quiet, "LEAST_S", 0.5)
    venue = SmallVenue([BTC, ETH])
    with running(venue, tmp_path) as feed, ticking(venue):
        until(lambda: feed.health.instruments[BTC].updates > 100 and known(feed, BTC, ETH)())
        with venue.lock:
            venue.mutes = {(BTC, "books")}
        until(lambda: "no books for" in feed.health.instruments[BTC].reason or venue.opened[f"books+quotes/{BTC}"])
        with venue.lock:
            venue.mutes = set()
        until(known(feed, BTC, ETH))
        assert venue.opened[f"books+quotes/{BTC}"] == 1
        assert feed.health.instruments[ETH].resyncs == 0


def test_instruments_come_and_go_without_a_break_of_others(tmp_path: Path) -> None:
    venue = SmallVenue([BTC, ETH, SOL])
    with running(venue, tmp_path) as feed, ticking(venue):
        until(known(feed, BTC, ETH))
        feed.add(SOL)
        until(known(feed, BTC, ETH, SOL))
        feed.remove(SOL)
        feed.remove(BTC)
        assert feed.instruments == (ETH,)
        assert feed.book(BTC) is None
        until(lambda: not any(str(SOL) in connection.url for connection in venue.connections))
        assert feed.health.instruments[ETH].resyncs == 0
        with pytest.raises(ParameterError):
            feed.add(InstrumentId("okx", "BTC-USDT"))


def test_samples_marks_and_payments_are_kept(tmp_path: Path) -> None:
    venue = SmallVenue([BTC])
    venue.funding = [(n * 8 * 3_600 * SECOND, n * 1e-4) for n in range(3)]
    with running(venue, tmp_path) as feed:
        with ticking(venue):
            until(lambda: len(feed.samples(BTC, *ALL)) > 20)
            until(lambda: (mark := feed.mark(BTC)) is not None and mark.funding_rate == 1e-4 and mark.index == 60_001.0)
        until(lambda: equals(feed, venue, BTC))
        time.sleep(0.1)
        samples = feed.samples(BTC, *ALL)
        view = feed.book(BTC)
        assert view is not None
        assert np.array_equal(samples.bid_price[-1], view.bid_price[:5])
        assert (np.diff(samples.receive_ns) >= 1_000_000).all()
    with MarketStore(tmp_path / "books.db", read_only=True) as store:
        assert len(store.samples(BTC, *ALL)) >= len(samples)
        assert len(store.quotes(BTC, *ALL)) > 10
        assert len(store.marks(BTC, *ALL)) >= 1
        assert [each.rate for each in store.funding(BTC, *ALL)] == [0.0, 1e-4, 2e-4]


def test_the_best_levels_are_the_quote_where_none_is_sent(tmp_path: Path) -> None:
    venue = SmallVenue([BTC], sends=True, has_quotes=False)
    with running(venue, tmp_path) as feed:
        with ticking(venue):
            until(lambda: feed.health.instruments[BTC].updates > 20)
        until(lambda: equals(feed, venue, BTC))
        quote, (bids, asks) = feed.quote(BTC), venue.books[BTC].best(1)
        assert quote is not None
        assert ((quote.bid, quote.bid_quantity), (quote.ask, quote.ask_quantity)) == (bids[0], asks[0])


def test_a_thin_book_is_asked_for_again_while_it_goes_on(tmp_path: Path) -> None:
    venue = SmallVenue([BTC], depth=20)
    with running(venue, tmp_path) as feed:
        with ticking(venue):
            until(lambda: venue.asked[BTC] >= 4)
        until(lambda: (view := feed.book(BTC)) is not None and view.time_ns == venue.books[BTC].time_ns)
        view, (bids, _) = feed.book(BTC), venue.books[BTC].best()
        assert view is not None
        assert feed.health.instruments[BTC].resyncs == 0
        assert list(zip(view.bid_price, view.bid_quantity, strict=True)) == list(bids[: len(view.bid_price)])


def test_an_announced_end_and_foreign_messages_are_told(tmp_path: Path) -> None:
    venue = SmallVenue([BTC])
    with running(venue, tmp_path) as feed, ticking(venue):
        until(known(feed, BTC))
        with venue.lock:
            venue.send(BTC, "books", b"what")
            venue.send(BTC, "books", b"bye")
        until(lambda: feed.health.reconnects == 1 and known(feed, BTC)())
        assert feed.health.rejected == {"not_json": 1}
        until(lambda: venue.said[b"hello"] > 6)


def test_a_refusal_of_the_place_is_told(tmp_path: Path) -> None:
    venue = SmallVenue([BTC])
    venue.refusal = RefusedError(451, {})
    with running(venue, tmp_path) as feed:
        until(lambda: feed.health.state == "blocked")
        assert "asked again in an hour" in feed.health.reason


def test_a_store_that_takes_nothing_does_not_stop_the_books(tmp_path: Path) -> None:
    venue = SmallVenue([BTC])
    with served(venue) as codec, MarketStore(tmp_path / "books.db") as store:
        feed = MarketFeed(codec, [BTC], store, transport=venue.transport, every_ms=1)
        feed.start()
        store.close()
        with ticking(venue):
            until(lambda: "was closed" in feed.health.reason)
            until(known(feed, BTC))
        feed.stop()


def test_nothing_is_opened_once_it_is_to_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    venue = SmallVenue([BTC, ETH])
    with running(venue, tmp_path) as feed:
        until(known(feed, BTC, ETH))
        inside, go_on, steps = threading.Event(), threading.Event(), list[str]()

        def claim() -> None:
            inside.set()
            assert go_on.wait(60)

        monkeypatch.setattr(feed._keeping, "claim", claim)
        assert inside.wait(60)
        monkeypatch.setattr(feed, "_step", lambda *_: steps.append("a step"))
        stopping = threading.Thread(target=feed.stop)
        stopping.start()
        until(feed._stop.is_set)
        lines = feed._lines.all()
        feed.add(SOL)
        go_on.set()
        stopping.join()
        assert steps == []
        assert feed._lines.all() == lines


def test_who_follows_keeps_nothing_until_the_other_process_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(market_keeping, "CLAIM_EVERY_S", 0.05)
    venue = SmallVenue([BTC])
    path = tmp_path / "books.db"
    other = MarketStore(path)
    with served(venue) as codec, MarketStore(path, read_only=True) as store, ticking(venue):
        feed = MarketFeed(codec, [BTC], store, transport=venue.transport, every_ms=1)
        feed.start()
        until(known(feed, BTC))
        assert len(feed.samples(BTC, *ALL)) == 0
        other.close()
        until(lambda: len(feed.samples(BTC, *ALL)) > 3)
        assert not store.follows
        feed.stop()
