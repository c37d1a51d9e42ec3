"""A MarketFeed beside a local exchange that speaks as the venue does: its books equal the venue's whatever happens."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest

from alphastream.core.units import HOUR
from alphastream.feeds import FEEDS
from alphastream.instruments import InstrumentId
from runtime.connections import market_feed
from runtime.connections.market_feed import MarketFeed
from runtime.connections.rest import RefusedError, RestClient
from runtime.stores.market_store import MarketStore
from tests.runtime.connections.feed_runs import until
from tools.exchange import Drop, Duplicate, LateAnswer, LocalExchange, Mute, RealTime, Refuse451, SkipIds, Stall
from tools.exchange.faults import Fault
from tools.exchange.protocols import PROTOCOLS

VENUES = [name for name in PROTOCOLS if FEEDS[name].market is not None]
each_venue = pytest.mark.parametrize("venue", VENUES)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(market_feed, "RESYNC_S", (0.05, 0.5))
    monkeypatch.setattr(market_feed, "GRACE_S", 0.3)


@contextmanager
def running(exchange: LocalExchange, venue: str, path: Path, stall_s: float = 5.0) -> Iterator[MarketFeed]:
    at = exchange.at(venue)
    codec = FEEDS[venue].fresh(at.ws_url, at.rest_url)
    instruments = [InstrumentId(venue, symbol) for symbol in at.symbols]
    with suppress(RefusedError):  # some learn from it what sizes mean; in the product the feed of trades asks
        for request in codec.listing():
            codec.parse_listing(RestClient().get(request.url))
    with MarketStore(path / f"{venue}.db") as store:
        feed = MarketFeed(
            codec, instruments, store, every_ms=1, stall_s=stall_s, backoff_base_s=0.05, backoff_cap_s=0.2, seed=1
        )
        feed.start()
        try:
            yield feed
        finally:
            feed.stop()


def in_sequence(feed: MarketFeed) -> bool:
    return all((view := feed.book(name)) is not None and view.in_sequence for name in feed.instruments)


def equals(feed: MarketFeed, exchange: LocalExchange, name: InstrumentId) -> bool:
    """Say whether a kept book is in sequence and, as deep as the venue sends it, that of the venue."""
    view, truth = feed.book(name), exchange.at(name.venue).book(name.symbol)
    market = FEEDS[name.venue].market
    assert market is not None
    if view is None or not view.in_sequence:
        return False
    held = ((view.bid_price, view.bid_quantity), (view.ask_price, view.ask_quantity))
    for (price, quantity), levels in zip(held, (truth.bids, truth.asks), strict=True):
        wanted = np.array([[float(text) for text in level] for level in levels[: market.depth or None]])
        if len(price) != len(wanted) or not np.allclose(np.column_stack((price, quantity)), wanted, rtol=1e-12):
            return False
    return True


@pytest.mark.parametrize(
    "faults",
    [
        [],
        [SkipIds(on="books", after=8), Duplicate(on="books", after=12, count=5)],
        [Drop(after=100), LateAnswer(path="/depth", delay_s=0.3, times=3)],
        [Stall(after=60, seconds=0.5)],
    ],
    ids=["none", "skipped and doubled", "dropped, late snapshots", "stalled"],
)
@each_venue
def test_books_equal_those_of_the_venue(venue: str, faults: list[Fault], tmp_path: Path) -> None:
    with (
        LocalExchange(market=venue, pace=RealTime(speed=8), loop=True, faults=faults) as exchange,
        running(exchange, venue, tmp_path) as feed,
    ):
        until(lambda: in_sequence(feed))
        updates = sum(each.updates for each in feed.health.instruments.values())
        until(lambda: sum(each.updates for each in feed.health.instruments.values()) > updates + 40, 20.0)
        until(lambda: in_sequence(feed))
        exchange.heal()
        exchange.close_market()
        for name in feed.instruments:
            until(lambda name=name: equals(feed, exchange, name))  # type: ignore[misc]
            quote, view = feed.quote(name), feed.book(name)
            assert quote is not None
            assert view is not None
            assert (quote.bid, quote.ask) == (view.bid_price[0], view.ask_price[0])
        assert feed.health.rejected == {}


def test_books_that_fall_silent_are_noticed_while_quotes_go_on(tmp_path: Path) -> None:
    with (
        LocalExchange(pace=RealTime(speed=8), loop=True) as exchange,
        running(exchange, "binance-usdm", tmp_path, stall_s=1.0) as feed,
    ):
        until(lambda: in_sequence(feed))
        before = len(exchange.requests)
        exchange.inject(Mute(on="books", symbol="BTCUSDT"))
        exchange.inject(Mute(on="books", symbol="ETHUSDT"))
        until(lambda: any("/public/" in request for request in exchange.requests[before:]), 20.0)
        until(lambda: in_sequence(feed), 20.0)


def test_marks_say_how_often_each_perpetual_pays(tmp_path: Path) -> None:
    with (
        LocalExchange(pace=RealTime(speed=8), loop=True) as exchange,
        running(exchange, "binance-usdm", tmp_path) as feed,
    ):
        intervals = {"BTCUSDT": 8 * HOUR, "ETHUSDT": 4 * HOUR}

        def told() -> dict[str, int]:
            marks = [mark for name in feed.instruments if (mark := feed.mark(name)) is not None]
            return {mark.instrument.symbol: mark.interval_ns for mark in marks}

        until(lambda: told() == intervals)


def test_a_refused_venue_leaves_the_other_complete(tmp_path: Path) -> None:
    venues = ("binance-usdm", "binance-spot")
    faults: dict[str, list[Fault]] = {"binance-usdm": [Refuse451()]}
    with (
        LocalExchange(market=venues, pace=RealTime(speed=8), loop=True, faults=faults) as exchange,
        running(exchange, "binance-usdm", tmp_path) as refused,
        running(exchange, "binance-spot", tmp_path) as healthy,
    ):
        until(lambda: in_sequence(healthy))
        until(lambda: "451" in refused.health.reason)
        assert all((view := refused.book(name)) is None or not view.in_sequence for name in refused.instruments)
        exchange.close_market()
        for name in healthy.instruments:
            until(lambda name=name: equals(healthy, exchange, name))  # type: ignore[misc]
        assert all(each.resyncs == 0 for each in healthy.health.instruments.values())
