"""Books of a feed equal those of the local exchange, which speaks the venues' protocols, under its faults."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from alphastream.feeds import FEEDS, Instrument, quiet
from alphastream.feeds.market import BookUpdate
from alphastream.instruments import InstrumentId
from runtime.connections import market_feed, rest_queue
from runtime.connections.market_feed import MarketFeed
from runtime.connections.rest import RefusedError, RestClient
from runtime.connections.transport_choice import transport_named
from runtime.stores.market_store import MarketStore
from tests.runtime.connections.feed_runs import until
from tools.exchange import Drop, Duplicate, LocalExchange, Mute, Refuse429, Reorder, SkipIds, Stepped
from tools.exchange.faults import Fault
from tools.exchange.protocols import PROTOCOLS

ALL = (0, 2**63 - 1)
each_venue = pytest.mark.parametrize("venue", [name for name in PROTOCOLS if FEEDS[name].market is not None])


@contextmanager
def exchange_of(venue: str, *faults: Fault) -> Iterator[LocalExchange]:
    limits = replace(PROTOCOLS[venue].limits, weight_per_minute=10**6, messages_per_second=10_000)
    with LocalExchange(market=venue, pace=Stepped(), loop=True, faults=faults, limits=limits) as exchange:
        yield exchange


@contextmanager
def running(exchange: LocalExchange, venue: str, path: Path) -> Iterator[MarketFeed]:
    at = exchange.at(venue)
    codec = FEEDS[venue].fresh(at.ws_url, at.rest_url)
    names = [InstrumentId(venue, symbol) for symbol in at.symbols]
    listed: dict[str, Instrument] = {}
    with suppress(RefusedError):
        for request in codec.listing():
            listed |= codec.parse_listing(RestClient().get(request.url))
    with MarketStore(path / "books.db") as store:
        feed = MarketFeed(
            codec,
            names,
            store,
            rules=lambda: listed,
            every_ms=10,
            backoff_base_s=0.05,
            backoff_cap_s=0.2,
            stall_s=5.0,
            seed=1,
        )
        feed.start()
        try:
            yield feed
        finally:
            feed.stop()


@contextmanager
def trading(exchange: LocalExchange) -> Iterator[None]:
    """Play trades all the time, fifty at once."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(0.02):
            exchange.step(50)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def whole_book(exchange: LocalExchange, name: InstrumentId) -> BookUpdate:
    """Return what the exchange tells who comes now and wants a whole book, by REST or by a connection."""
    at = exchange.at(name.venue)
    codec = FEEDS[name.venue].fresh(at.ws_url, at.rest_url)
    for asked in codec.listing():  # some learn from it what sizes mean
        codec.parse_listing(RestClient().get(asked.url))
    market = codec.market
    assert market is not None
    request = market.snapshot(name)
    if request is not None:
        return market.parse_snapshot(name, RestClient().get(request.url), 1)
    route = next(route for route in market.routes([name]) if "books" in route.kinds)
    transport = transport_named("auto")(2.0)
    try:
        transport.open(route.url)
        for frame in route.opening:
            transport.send(frame)
        while True:
            for event in market.parse(*transport.recv_many(2.0)):
                if isinstance(event, BookUpdate) and event.is_snapshot:
                    return event
    finally:
        transport.close()


def equals(feed: MarketFeed, exchange: LocalExchange, name: InstrumentId) -> bool:
    """Say whether a kept book is in sequence and what the exchange tells who asks for the whole book."""
    truth, view = whole_book(exchange, name), feed.book(name)
    return (
        view is not None
        and view.in_sequence
        and list(zip(view.bid_price, view.bid_quantity, strict=True)) == list(truth.bids)
        and list(zip(view.ask_price, view.ask_quantity, strict=True)) == list(truth.asks)
    )


def become_equal(feed: MarketFeed, exchange: LocalExchange) -> bool:
    """Play on trade by trade: the exchange tells a change 100 ms late, so books are equal right after it told one."""
    for name in feed.instruments:
        for _ in range(400):
            exchange.step(1)
            if any(equals(feed, exchange, name) for _ in range(3)):
                break
        else:
            return False
    return True


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(market_feed, "RESYNC_S", (0.02, 0.2))
    monkeypatch.setattr(market_feed, "GRACE_S", 0.3)
    monkeypatch.setattr(rest_queue, "SHARE", 1_000.0)  # the exchange of these tests allows as much as is asked


@each_venue
def test_books_equal_those_of_the_exchange_under_faults(venue: str, tmp_path: Path) -> None:
    """A checksum over ten levels tells a loss that it covers; where nothing proves a loss, none is played here."""
    market = FEEDS[venue].market
    assert market is not None
    completeness = market.completeness
    with exchange_of(venue) as exchange, running(exchange, venue, tmp_path) as feed:
        btc, eth = feed.instruments
        has_numbers = completeness == "sequence"

        def losses() -> int:
            return sum(health.resyncs for health in feed.health.instruments.values())

        def all_in_sequence() -> bool:
            return all(health.in_sequence for health in feed.health.instruments.values())

        def strike(fault: Fault) -> None:
            """Until a book is lost and made right: a connection that is struck may bring what is heard elsewhere."""
            before = losses()
            for _ in range(20):
                exchange.inject(fault)
                with suppress(AssertionError):
                    until(lambda: losses() > before, 1.0)
                    break
            until(lambda: losses() > before and all_in_sequence(), 20.0)

        with trading(exchange):
            until(all_in_sequence, 20.0)
            exchange.inject(Duplicate(on="books", after=1, count=5))
            for _ in range(0 if completeness == "unknown" else 4):
                strike(SkipIds(on="books", after=10, count=2 if has_numbers else 40))
            if has_numbers:
                strike(Reorder(on="books", after=1, count=3))
            exchange.inject(Drop())
            until(lambda: feed.health.reconnects >= 1 and all_in_sequence(), 20.0)
            until(lambda: feed.quote(btc) is not None and feed.quote(eth) is not None, 20.0)
            until(lambda: len(feed.samples(btc, *ALL)) > 20, 20.0)
            exchange.heal()
        assert become_equal(feed, exchange)
        assert feed.health.rejected == {}
        assert (feed.mark(btc) is not None) == market.has_funding
        samples = feed.samples(btc, *ALL)
        known = samples.rows(~np.isnan(samples.bid_price[:, 0]))
        assert len(known) > 5
        assert (known.bid_price[:, 0] < known.ask_price[:, 0]).all()


def test_a_muted_book_is_heard_elsewhere_and_the_other_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quiet, "LEAST_S", 1.0)
    with (
        exchange_of("binance-usdm") as exchange,
        running(exchange, "binance-usdm", tmp_path) as feed,
        trading(exchange),
    ):
        btc, eth = feed.instruments
        until(lambda: feed.health.instruments[btc].updates > 60 and feed.health.instruments[eth].in_sequence, 20.0)
        exchange.inject(Mute(on="books", symbol="BTCUSDT", times=2))  # the two that are open
        until(lambda: feed.health.instruments[btc].resyncs >= 1 and feed.health.instruments[btc].in_sequence, 30.0)
        updates = feed.health.instruments[btc].updates
        until(lambda: feed.health.instruments[btc].updates > updates + 20, 30.0)
        assert feed.health.instruments[eth].resyncs == 0


def test_whole_books_that_are_refused_leave_quotes_and_marks_as_they_are(tmp_path: Path) -> None:
    refusal = Refuse429(on=("rest",), times=None, retry_after_s=1)
    venue = "binance-usdm"
    with exchange_of(venue, refusal) as exchange, running(exchange, venue, tmp_path) as feed, trading(exchange):
        btc, _ = feed.instruments
        until(lambda: feed.quote(btc) is not None and feed.mark(btc) is not None, 20.0)
        assert not feed.health.instruments[btc].in_sequence
        until(lambda: feed.health.state == "live", 20.0)
