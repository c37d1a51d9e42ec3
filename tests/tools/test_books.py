"""Books, quotes, mark prices and funding of the local exchange, read with the codecs of its venues."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import websocket

from alphastream.books import OrderBook
from alphastream.core.units import HOUR, MS, SECOND
from alphastream.feeds import FEEDS, Codec
from alphastream.feeds.codec import Request
from alphastream.feeds.market import BookUpdate, MarketCodec, MarketEvent, MarkPrice, Quote
from alphastream.instruments import InstrumentId
from tools.exchange import Duplicate, LocalExchange, Mute, SkipIds, Stepped, Tape
from tools.exchange.client import connect, get, next_is_the_answer
from tools.exchange.faults import Fault
from tools.exchange.handle import Handle
from tools.exchange.protocols import PROTOCOLS

BTC = InstrumentId("binance-usdm", "BTCUSDT")
each_venue = pytest.mark.parametrize("venue", [name for name in PROTOCOLS if name.startswith("binance-")])
PREMIUM = "/fapi/v1/premiumIndex?symbol=BTCUSDT"


class Client:
    """A client of all routes of a venue's market codec."""

    def __init__(self, exchange: LocalExchange, codec: Codec) -> None:
        market = codec.market
        assert market is not None
        self.market: MarketCodec = market
        self.exchange = exchange
        self.sockets: list[websocket.WebSocket] = []

    def read(self) -> list[MarketEvent]:
        """Everything that has been sent by now, route by route."""
        frames = []
        for socket in self.sockets:
            socket.send('{"method":"LIST_SUBSCRIPTIONS","id":99}')
            while not (frame := str(socket.recv())).startswith('{"result":'):
                frames.append(frame.encode())
        return self.market.parse(frames, [1] * len(frames))

    def ask(self, request: Request | None) -> bytes:
        assert request is not None
        return json.dumps(get(self.exchange, request.url.removeprefix(self.exchange.rest_url))).encode()

    def snapshot(self, instrument: InstrumentId) -> BookUpdate:
        return self.market.parse_snapshot(instrument, self.ask(self.market.snapshot(instrument)), 1)


@contextmanager
def client_of(exchange: LocalExchange, venue: str = "binance-usdm") -> Iterator[Client]:
    at: Handle = exchange.at(venue)
    client = Client(exchange, FEEDS[venue].fresh(at.ws_url, at.rest_url))
    instruments = [InstrumentId(venue, symbol) for symbol in at.symbols]
    routes = client.market.routes(instruments)
    with connect(exchange, routes[0].url.removeprefix(exchange.ws_url)) as first:
        client.sockets.append(first)
        if len(routes) == 1:
            yield client
            return
        with connect(exchange, routes[1].url.removeprefix(exchange.ws_url)) as second:
            client.sockets.append(second)
            yield client


def played(tape: Tape, venue: str = "binance-usdm", *faults: Fault, start_ns: int | None = None) -> LocalExchange:
    """An exchange that lets a test ask as often as it likes."""
    limits = replace(PROTOCOLS[venue].limits, messages_per_second=10_000, weight_per_minute=10**6)
    return LocalExchange(tape, market=venue, pace=Stepped(start_ns), faults=faults, limits=limits)


@each_venue
def test_books_begun_early_and_late_become_equal(tape: Tape, venue: str) -> None:
    with played(tape, venue) as exchange, client_of(exchange, venue) as client:
        btc = InstrumentId(venue, "BTCUSDT")
        early, late = (OrderBook(client.market, client.market.depth, is_asked_for=True) for _ in range(2))
        quote: Quote | None = None

        def play(*books: OrderBook) -> int:
            nonlocal quote
            exchange.step(150)
            events = [event for event in client.read() if event.instrument == btc]
            for event in events:
                if isinstance(event, Quote):
                    quote = event
                    assert event.bid < event.ask
                elif isinstance(event, BookUpdate):
                    for book in books:
                        assert book.apply(event) or not book.in_sequence
            return sum(isinstance(event, BookUpdate) for event in events)

        play(early)  # changes that come before the snapshot wait for it
        early.begin(client.snapshot(btc))
        changes = sum(play(early, late) for _ in range(10))
        snapshot = client.snapshot(btc)
        late.begin(snapshot)
        assert quote is not None
        best = (snapshot.bids[0], snapshot.asks[0])
        assert best == ((quote.bid, quote.bid_quantity), (quote.ask, quote.ask_quantity))
        changes += sum(play(early, late) for _ in range(3))
        assert changes > 100
        assert early.in_sequence
        assert late.in_sequence
        assert early.gaps == late.gaps == 0
        assert early.best(1_000) == late.best(1_000)
        assert min(map(len, early.best(1_000))) >= 25
        assert client.market.rejected == {}


@pytest.mark.parametrize(
    ("fault", "gaps"), [(SkipIds(on="books", after=20), 1), (Duplicate(on="books", after=20, count=3), 0)]
)
@each_venue
def test_a_change_that_is_missing_is_noticed_and_one_too_many_is_none(
    tape: Tape, venue: str, fault: Fault, gaps: int
) -> None:
    with played(tape, venue, fault) as exchange, client_of(exchange, venue) as client:
        books = {
            symbol: OrderBook(client.market, client.market.depth, is_asked_for=True) for symbol in exchange.symbols
        }
        for symbol, book in books.items():
            book.begin(client.snapshot(InstrumentId(venue, symbol)))
        exchange.step(1_000)
        events = [event for event in client.read() if isinstance(event, BookUpdate)]
        for event in events:
            books[event.instrument.symbol].apply(event)
        assert len(events) > 40
        assert sum(book.gaps for book in books.values()) == gaps
        for symbol, book in books.items():
            if not book.in_sequence:
                book.begin(client.snapshot(InstrumentId(venue, symbol)))
            assert book.in_sequence


def test_one_kind_of_event_can_fall_silent(tape: Tape) -> None:
    with played(tape, "binance-usdm", Mute(on="books", symbol="BTCUSDT")) as exchange, client_of(exchange) as client:
        exchange.step(500)
        heard = {(type(event), event.instrument.symbol) for event in client.read()}
    everything = {(kind, symbol) for kind in (Quote, BookUpdate, MarkPrice) for symbol in ("BTCUSDT", "ETHUSDT")}
    assert heard == everything - {(BookUpdate, "BTCUSDT")}


def test_futures_have_a_route_for_books_and_one_for_trades_and_marks(short_tape: Tape) -> None:
    with LocalExchange(short_tape, pace=Stepped()) as exchange:
        with connect(exchange, "/public/ws/btcusdt@aggTrade") as public:
            exchange.step(20)
            assert next_is_the_answer(public)
        with connect(exchange, "/market/ws/btcusdt@bookTicker/btcusdt@depth@100ms") as market:
            exchange.step(20)
            assert next_is_the_answer(market)


def test_mark_prices_come_each_second_and_tell_each_payment_to_come(tape: Tape) -> None:
    midnight_ns = 19_943 * 24 * HOUR
    with (
        played(tape, start_ns=midnight_ns - 10 * SECOND) as exchange,
        client_of(exchange) as client,
    ):
        told = client.market.parse_marks(client.ask(client.market.mark_request(BTC)), 1)
        intervals = {mark.instrument.symbol: mark.interval_ns for mark in told}
        marks: list[MarkPrice] = []
        while not marks or marks[-1].time_ns < midnight_ns + 5 * SECOND:
            exchange.step(50)
            marks += [event for event in client.read() if isinstance(event, MarkPrice)]
        for symbol, interval in (("BTCUSDT", 8 * HOUR), ("ETHUSDT", 4 * HOUR)):
            instrument = InstrumentId("binance-usdm", symbol)
            own = [mark for mark in marks if mark.instrument == instrument]
            assert intervals[symbol] == interval
            assert {mark.next_funding_ns for mark in own} == {midnight_ns, midnight_ns + interval}
            seconds = [mark.time_ns // SECOND for mark in own]
            assert len(set(seconds)) == len(seconds) > 10
            body = client.ask(client.market.past_funding(instrument, midnight_ns - 3 * interval, midnight_ns + HOUR))
            paid = client.market.parse_past_funding(instrument, body)
            assert [payment.time_ns for payment in paid] == [midnight_ns - n * interval for n in (3, 2, 1, 0)]
            before = [mark for mark in own if mark.time_ns < midnight_ns][-1]
            after = next(mark for mark in own if mark.time_ns >= midnight_ns)
            assert (paid[-1].rate, paid[-1].mark) == (before.funding_rate, after.mark)
            assert client.ask(client.market.past_funding(instrument, 0, midnight_ns)) != body
        rest = client.market.parse_marks(json.dumps(get(exchange, PREMIUM)).encode(), 1)
        newest = [mark for mark in marks if mark.instrument == BTC][-1]
        assert [(mark.funding_rate, mark.next_funding_ns) for mark in rest] == [
            (newest.funding_rate, newest.next_funding_ns)
        ]
        assert rest[0].time_ns // MS >= newest.time_ns // MS


def test_the_same_trades_give_the_same_books(short_tape: Tape) -> None:
    def book() -> object:
        with LocalExchange(short_tape, pace=Stepped(10**18)) as exchange:
            get(exchange, "/fapi/v1/depth?symbol=BTCUSDT")
            exchange.step(80)
            return get(exchange, "/fapi/v1/depth?symbol=BTCUSDT&limit=50")

    assert book() == book()
