"""The Coinbase codec: recorded and constructed frames, damaged ones, requests, REST answers, heartbeats, books."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from alphastream.errors import FeedError, ParameterError
from alphastream.events import Tick
from alphastream.feeds import FEEDS, Codec, Instrument, WireSymbol
from alphastream.feeds.coinbase.trades import Promises
from alphastream.feeds.market import BookUpdate, MarketCodec
from alphastream.instruments import InstrumentId
from tests.feeds import recordings

BTC, ETH = InstrumentId("coinbase", "BTC-USD"), InstrumentId("coinbase", "ETH-USD")
MATCH = (  # the example of the venue's documents
    b'{"type":"match","trade_id":10,"sequence":50,"maker_order_id":"ac928c66-ca53-498f-9c13-a110027a60e8",'
    b'"taker_order_id":"132fb6ae-456b-4654-b4e0-d681ac05cea1","time":"2014-11-07T08:19:27.028459Z",'
    b'"product_id":"BTC-USD","size":"5.23512","price":"400.23","side":"sell"}'
)
TICK = Tick("coinbase:BTC-USD", 10, 400.23, 5.23512, 1_415_348_367_028_459_000, 5, False)


@pytest.fixture
def codec() -> Codec:
    return FEEDS["coinbase"].fresh()


@pytest.fixture
def market(codec: Codec) -> MarketCodec:
    assert codec.market is not None
    return codec.market


def match(**changes: Any) -> bytes:
    return msgspec.json.encode({**msgspec.json.decode(MATCH), **changes})


def beat(last_trade_id: int, product_id: str = "BTC-USD") -> bytes:
    message = {"type": "heartbeat", "sequence": 90, "last_trade_id": last_trade_id, "product_id": product_id}
    return msgspec.json.encode({**message, "time": "2014-11-07T08:19:28.464459Z"})


def in_ns(time: str) -> int:
    since = datetime.fromisoformat(time) - datetime(1970, 1, 1, tzinfo=UTC)
    return since // timedelta(microseconds=1) * 1_000


def test_the_example_of_the_documents(codec: Codec) -> None:
    assert codec.parse(MATCH, 5) == [TICK]
    assert codec.parse(match(side="buy"), 5)[0].buyer_is_maker is True
    assert codec.parse(match(unheard_of=[{}], client_oid=None), 5) == [TICK]
    assert (codec.rejected, codec.endings) == ({}, 0)


def test_a_trade_of_before_the_connection_was_seen_by_nobody(codec: Codec) -> None:
    """It may be hours old: as one that has just come it would be a delay, and a price of now."""
    (columns,) = codec.parse_columns([match(type="last_match"), match(trade_id=11)], [5, 6]).values()
    assert (columns.id.tolist(), columns.receive_ns.tolist()) == ([10, 11], [0, 6])


def test_every_recorded_trade_is_parsed_and_nothing_else(codec: Codec) -> None:
    frames = recordings.trades(codec)
    messages = [message for frame in frames if "trade_id" in (message := msgspec.json.decode(frame))]
    assert len(messages) == 107
    groups = codec.parse_columns(frames, range(len(frames)))
    found = {tick for name, ticks in groups.items() for tick in ticks.ticks(name)}
    assert {(t.symbol, t.id, t.price, t.quantity, t.time_ns, t.buyer_is_maker) for t in found} == {
        (
            f"coinbase:{each['product_id']}",
            each["trade_id"],
            float(Decimal(each["price"])),
            float(Decimal(each["size"])),
            in_ns(each["time"]),
            each["side"] == "buy",
        )
        for each in messages
    }
    assert codec.rejected == {}
    for ticks in groups.values():  # the ids of each product have no hole
        assert ticks.id.tolist() == list(range(ticks.id[0], ticks.id[0] + len(ticks)))


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (b"", "not_json"),
        (MATCH[:-20], "not_json"),
        (b"[" * 100_000, "not_json"),
        (b"null", "foreign"),
        (b"[]", "foreign"),
        (b'{"type":"ticker","product_id":"BTC-USD"}', "foreign"),
        (b'{"type":["match"]}', "foreign"),
        (match(price=None), "wrong_type"),
        (match(side="none"), "wrong_type"),
        (match(trade_id="many"), "wrong_type"),
        (match(product_id=None), "wrong_type"),
        (b'{"type":"heartbeat"}', "wrong_type"),
        (match(price="NaN"), "absurd"),
        (match(size="0.00000000"), "absurd"),
        (match(trade_id=-1), "absurd"),
        (match(trade_id=2**63), "absurd"),
        (match(time="yesterday"), "absurd"),
        (match(time="1969-12-31T23:59:59.000000Z"), "absurd"),
        (match(product_id=""), "absurd"),
        (b'{"type":"error","message":"Failed to subscribe","reason":"BTC-EURO is not a valid product"}', "error_reply"),
    ],
)
def test_what_is_no_trade_is_counted_by_kind(codec: Codec, frame: bytes, kind: str) -> None:
    assert codec.parse(frame) == []
    assert codec.rejected == {kind: 1}


def test_answers_and_heartbeats_are_neither_trade_nor_trouble(codec: Codec) -> None:
    answer = b'{"type":"subscriptions","channels":[{"name":"matches","product_ids":["BTC-USD"]}]}'
    assert codec.parse_columns([answer, MATCH, beat(10), beat(10)], range(4)).keys() == {BTC}
    assert (codec.rejected, codec.endings) == ({}, 0)


def test_a_trade_that_a_heartbeat_named_and_that_did_not_come_asks_for_another_connection(codec: Codec) -> None:
    codec.parse_columns([match(type="last_match"), beat(12)], range(2))
    assert codec.endings == 0  # it may still be on its way
    codec.parse_columns([match(trade_id=11), match(trade_id=12), beat(13), beat(13)], range(4))
    assert codec.endings == 1
    codec.parse_columns([beat(14), beat(15)], range(2))
    assert codec.endings == 1  # said once
    codec.parse_columns([match(trade_id=15), beat(15), beat(16), beat(16)], range(4))
    assert codec.endings == 2
    assert codec.rejected == {}


def test_promises_of_products_do_not_mix_or_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alphastream.feeds.coinbase.trades.MAX_NAMES", 10)
    promises = Promises()
    promises.kept("A", 5)
    assert [promises.is_broken(symbol, 5) for symbol in "ABAB"] == [False, False, False, True]
    for number in range(100):
        promises.is_broken(f"S{number}", number)
    assert len(vars(promises)["_promised"]) <= 11


def test_frames_that_subscribe(codec: Codec) -> None:
    assert codec.stream_url([BTC, ETH]) == "wss://ws-feed.exchange.coinbase.com"
    assert [msgspec.json.decode(frame) for frame in codec.opening([BTC, ETH, BTC])] == [
        {"type": "subscribe", "product_ids": [product], "channels": ["matches", "heartbeat"]}
        for product in ("BTC-USD", "ETH-USD")
    ]
    assert msgspec.json.decode(codec.subscribe([BTC, ETH], 7))["product_ids"] == ["BTC-USD", "ETH-USD"]
    assert msgspec.json.decode(codec.unsubscribe([BTC], 8))["type"] == "unsubscribe"


@pytest.mark.parametrize("names", [[], ["BTC/USD"], ["BTC USD"], ["BTC-"], ["币-USD"], ["A", "B:C"]])
def test_what_cannot_be_a_product_is_refused(codec: Codec, names: list[str]) -> None:
    with pytest.raises(ParameterError):
        codec.stream_url([InstrumentId("coinbase", name) for name in names])


def test_too_many_and_those_of_another_venue_are_refused_in_words(codec: Codec) -> None:
    with pytest.raises(ParameterError, match="81 symbols given, one connection carries 80"):
        codec.stream_url([InstrumentId("coinbase", f"A{number}-USD") for number in range(81)])
    with pytest.raises(ParameterError, match=r"okx:BTC-USDT is not of Coinbase Exchange: .* coinbase:BTC-USD"):
        codec.past_trades(InstrumentId("okx", "BTC-USDT"), 1, 1, 0)


@pytest.mark.parametrize("typed", ["btcusd", " BTC-USD", "btc/usd", "Btc_Usd"])
def test_spelling(codec: Codec, typed: str) -> None:
    assert codec.spelt(typed) == "BTC-USD"
    assert [codec.spelt(each) for each in ("ethbtc", "usdcusd", "USDT-USDC", "ko", "batusd", "bnbusd")] == [
        *("ETH-BTC", "USDC-USD", "USDT-USDC", "KO", "BAT-USD", "BNB-USD"),
    ]


def test_past_trades_are_asked_for_by_the_id_after_them(codec: Codec) -> None:
    request = codec.past_trades(BTC, 1_000, 300, 0)
    assert request is not None
    assert request.url == "https://api.exchange.coinbase.com/products/BTC-USD/trades?limit=300&after=1300"
    body = (
        b'[{"time":"2014-11-07T22:19:28.578544Z","trade_id":75,"price":"10.5","size":"0.01","side":"buy"},'
        b'{"time":"2014-11-07T01:08:43.6Z","trade_id":74,"price":"12.0","size":"0.25","side":"sell"},'
        b'{"time":"2014-11-07T01:08:43.6Z","trade_id":73,"price":"12.0","size":"0","side":"sell"}]'
    )
    assert codec.parse_past_trades(BTC, body) == [
        Tick(BTC, 74, 12.0, 0.25, 1_415_322_523_600_000_000, 0, False),
        Tick(BTC, 75, 10.5, 0.01, 1_415_398_768_578_544_000, 0, True),
    ]
    assert codec.rejected == {"absurd": 1}


def test_products(codec: Codec) -> None:
    product = {
        "id": "BTC-USD",
        "base_currency": "BTC",
        "quote_currency": "USD",
        "quote_increment": "0.01000000",
        "base_increment": "0.00000001",
        "min_market_funds": "1",
        "status": "online",
        "post_only": False,
        "limit_only": True,
        "cancel_only": False,
        "trading_disabled": False,
        "auction_mode": False,
    }
    rows = [
        product,
        {**product, "id": "A-USD", "status": "delisted"},
        {**product, "id": "B-USD", "post_only": True},
        {**product, "id": "C-USD", "trading_disabled": True, "cancel_only": True},
    ]
    listed = codec.parse_listing(msgspec.json.encode(rows))
    assert listed[BTC] == Instrument(
        WireSymbol("BTC-USD"), 0.01, 1e-8, 2, 1.0, "TRADING", base="BTC", quote="USD", kind="spot"
    )
    assert [rules.status for rules in listed.values()] == ["TRADING", "delisted", "post_only", "trading_disabled"]
    for wrong in ({"id": ""}, {"id": "X", "quote_increment": "fine"}):
        with pytest.raises(FeedError, match="answered products with what cannot be"):
            codec.parse_listing(msgspec.json.encode([wrong]))


def test_server_time(codec: Codec) -> None:
    body = b'{"iso":"2015-01-07T23:47:25.201Z","epoch":1420674445.201}'
    assert codec.parse_server_time(body) == 1_420_674_445_201_000_000
    with pytest.raises(FeedError, match="answered time with what cannot be"):
        codec.parse_server_time(b'{"iso":"now"}')


def test_where_books_come_from(market: MarketCodec) -> None:
    (route,) = market.routes([BTC, ETH])
    assert route.url == "wss://ws-feed.exchange.coinbase.com"
    assert [msgspec.json.decode(frame) for frame in route.opening] == [
        {"type": "subscribe", "product_ids": [product], "channels": ["level2_batch"]}
        for product in ("BTC-USD", "ETH-USD")
    ]
    assert route.kinds == {"books"}
    assert (market.completeness, market.depth, market.has_funding) == ("unknown", 0, False)
    assert market.snapshot(BTC) is market.mark_request(BTC) is market.past_funding(BTC, 0, 1) is None
    for parse in (
        lambda: market.parse_snapshot(BTC, b"{}", 1),
        lambda: market.parse_marks(b"{}", 1),
        lambda: market.parse_past_funding(BTC, b"{}"),
    ):
        with pytest.raises(FeedError, match="asked for"):
            parse()


def test_a_book_and_its_changes(market: MarketCodec) -> None:
    frames = [
        b'{"type":"snapshot","product_id":"BTC-USD","bids":[["10101.10","0.45054140"]],"asks":[["10102.55","0.577"]]}',
        b'{"type":"l2update","product_id":"BTC-USD","time":"2019-08-14T20:42:27.265000Z","changes":'
        b'[["buy","10101.80","0.162567"],["sell","10102.55","0.00000000"],["buy","10101.80","0"]]}',
    ]
    assert market.parse(frames, [7, 8]) == [
        BookUpdate(BTC, True, ((10101.1, 0.4505414),), ((10102.55, 0.577),), 7, 7),
        BookUpdate(
            *(BTC, False, ((10101.8, 0.162567), (10101.8, 0.0)), ((10102.55, 0.0),), 1_565_815_347_265_000_000, 8)
        ),
    ]
    assert market.follows(BookUpdate(BTC, False, (), (), 0, 0), -1, is_first=True) == "next"
    assert market.checksum([], [], None) is None
    assert market.rejected == {}


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (b"{", "not_json"),
        (MATCH, "foreign"),
        (b"[]", "foreign"),
        (b'{"type":"error","message":"Failed to subscribe","reason":"x is not a valid product"}', "error_reply"),
        (b'{"type":"snapshot","product_id":"BTC-USD","bids":[["1"]],"asks":[]}', "wrong_type"),
        (b'{"type":"snapshot","product_id":"BTC-USD","bids":[["NaN","1"]],"asks":[]}', "absurd"),
        (b'{"type":"snapshot","product_id":"BTC-USD","bids":[],"asks":[["1","-1"]]}', "absurd"),
        (b'{"type":"snapshot","product_id":"","bids":[],"asks":[]}', "absurd"),
        (b'{"type":"l2update","product_id":"BTC-USD","time":"now","changes":[]}', "absurd"),
        (b'{"type":"l2update","product_id":"BTC-USD","time":"0021-04-17T16:43:39Z","changes":[]}', "absurd"),
        (b'{"type":"l2update","product_id":"BTC-USD","time":"2300-04-17T16:43:39Z","changes":[]}', "absurd"),
        (b'{"type":"l2update","product_id":"BTC-USD","time":"now","changes":[["hold","1","1"]]}', "wrong_type"),
    ],
)
def test_what_is_no_book_is_counted_by_kind(market: MarketCodec, frame: bytes, kind: str) -> None:
    assert market.parse([frame], [1]) == []
    assert market.rejected == {kind: 1}


def test_recorded_books_never_cross(codec: Codec, market: MarketCodec) -> None:
    frames = recordings.market(codec)
    books: dict[str, tuple[dict[float, float], dict[float, float]]] = {}
    for event in market.parse(frames, range(len(frames))):
        assert isinstance(event, BookUpdate)
        if event.is_snapshot:
            books[event.instrument] = ({}, {})
        for side, levels in zip(books[event.instrument], (event.bids, event.asks), strict=True):
            for price, quantity in levels:
                side.pop(price, None) if quantity == 0 else side.update({price: quantity})
        bids, asks = books[event.instrument]
        assert max(bids) < min(asks)
    assert {name: (len(bids), len(asks)) for name, (bids, asks) in books.items()}.keys() == {
        *("coinbase:SKL-GBP", "coinbase:BAND-GBP"),
    }
    assert market.rejected == {}
