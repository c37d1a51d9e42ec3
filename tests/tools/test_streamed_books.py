"""Books of venues that send them whole by the connection, kept from what the local exchange sends."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
import websocket

from alphastream.books import OrderBook
from alphastream.feeds import FEEDS, Codec
from alphastream.feeds.codec import Instrument
from alphastream.feeds.market import BookUpdate, MarketCodec, Quote
from alphastream.instruments import InstrumentId
from tools.exchange import LocalExchange, SkipIds, Stepped, Tape
from tools.exchange.client import connect, get
from tools.exchange.faults import Fault
from tools.exchange.protocols import PROTOCOLS

ALL: Final = 10_000


def market_of(codec: Codec) -> MarketCodec:
    assert codec.market is not None
    return codec.market


def is_streamed(venue: str) -> bool:
    """Say whether a venue sends whole books without being asked."""
    codec = FEEDS[venue]
    btc = InstrumentId(venue, PROTOCOLS[venue].spelt("BTCUSDT"))
    return codec.market is not None and codec.market.snapshot(btc) is None


STREAMED: Final = [venue for venue in PROTOCOLS if is_streamed(venue)]


class Reader:
    """Keeps the books that one connection sends."""

    def __init__(self, socket: websocket.WebSocket, market: MarketCodec, rules: dict[str, Instrument]) -> None:
        self._socket, self._market = socket, market
        self.books: dict[InstrumentId, OrderBook] = {
            InstrumentId.parse(name): OrderBook(market, market.depth, is_asked_for=False, instrument=each)
            for name, each in rules.items()
        }
        self.quotes: dict[str, Quote] = {}

    def read(self) -> None:
        """Take all that comes until nothing has come for a while."""
        self._socket.settimeout(0.3)
        while True:
            try:
                message: Any = self._socket.recv()
            except websocket.WebSocketTimeoutException:
                return
            for event in self._market.parse([message.encode()], [5]):
                if isinstance(event, BookUpdate):
                    self.books[event.instrument].apply(event)
                elif isinstance(event, Quote):
                    self.quotes[event.instrument] = event


@contextmanager
def reader(exchange: LocalExchange, codec: Codec) -> Iterator[Reader]:
    """Subscribe to the books of all symbols of the tape."""
    rules: dict[str, Instrument] = {}
    for request in codec.listing():
        body = json.dumps(get(exchange, request.url.removeprefix(exchange.rest_url))).encode()
        rules |= codec.parse_listing(body)
    names = [InstrumentId(codec.name, symbol) for symbol in exchange.symbols]
    route = next(route for route in market_of(codec).routes(names) if "books" in route.kinds)
    with connect(exchange, route.url.removeprefix(exchange.ws_url)) as socket:
        for opening in route.opening:
            socket.send(opening)
        yield Reader(socket, market_of(codec), {name: rules[name] for name in names})


@contextmanager
def venue_with(tape: Tape, venue: str, *faults: Fault) -> Iterator[tuple[LocalExchange, Codec]]:
    with LocalExchange(tape, market=venue, pace=Stepped(), faults=faults) as exchange:
        at = exchange.at(venue)
        yield exchange, FEEDS[venue].fresh(at.ws_url, at.rest_url)


@pytest.mark.parametrize("venue", STREAMED)
def test_books_begun_early_and_late_become_equal(tape: Tape, venue: str) -> None:
    with venue_with(tape, venue) as (exchange, codec), reader(exchange, codec) as early:
        early.read()
        exchange.step(600)
        early.read()
        with reader(exchange, codec) as late:
            late.read()
            exchange.step(600)
            early.read()
            late.read()
        for name, book in early.books.items():
            assert (book.state, book.reason, book.gaps) == ("in sequence", "", 0)
            assert book.updates > 10
            assert book.best(ALL) == late.books[name].best(ALL)
            (bid, *_), (ask, *_) = book.best(1)
            assert bid[0] < ask[0]
        assert market_of(codec).rejected == {}
        routes = market_of(codec).routes([*early.books])
        assert bool(early.quotes) is any({"books", "quotes"} <= route.kinds for route in routes)


@pytest.mark.parametrize("venue", [each for each in STREAMED if market_of(FEEDS[each]).completeness != "unknown"])
def test_a_change_that_is_missing_is_noticed(tape: Tape, venue: str) -> None:
    fault = SkipIds(on="books", after=20, count=5)  # a checksum is over the best levels only
    with venue_with(tape, venue, fault) as (exchange, codec), reader(exchange, codec) as kept:
        kept.read()
        exchange.step(1_000)
        kept.read()
        gaps = [book.gaps for book in kept.books.values()]
        assert max(gaps) == 1  # five in a row may be of one symbol or of both
