"""The Kraken codec: constructed and recorded frames, damaged ones, requests, REST answers, books and their checksum."""

import zlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphastream.errors import FeedError, ParameterError
from alphastream.events import Tick
from alphastream.feeds import FEEDS, Codec, Instrument, WireSymbol
from alphastream.feeds.kraken.market import KrakenMarket
from alphastream.feeds.market import BookUpdate, Level, MarketCodec, Quote
from alphastream.instruments import InstrumentId
from tests.feeds import recordings

BTC, ETH = InstrumentId("kraken", "BTC/USD"), InstrumentId("kraken", "ETH/USD")
AT = 1_696_613_755_440_295_000
TRADE: dict[str, Any] = {
    "symbol": "BTC/USD",
    "side": "buy",
    "price": 105944.2,
    "qty": 0.00027625,
    "ord_type": "limit",
    "trade_id": 10218208,
    "timestamp": "2023-10-06T17:35:55.440295Z",
}
RULES = Instrument(WireSymbol("BTC/USD"), 0.1, 1e-8, 1, 0.5, "TRADING")
# The example of the venue's guide to the checksum of a book.
ASKS = "45285.2 .001 45286.4 1.54571953 45286.6 1.54571109 45289.6 1.54560911 45290.2 .1589066 45291.8 1.54553491 "
ASKS += "45294.7 .04454749 45296.1 .3538 45297.5 .09945542 45299.5 .18772827"
BIDS = "45283.5 .1 45283.4 1.54582015 45282.1 .1 45281 .1 45280.3 1.54592586 45279 .0799 45277.6 .03310103 "
BIDS += "45277.5 .3 45277.3 1.54602737 45276.6 .15445238"


@pytest.fixture
def codec() -> Codec:
    return FEEDS["kraken"].fresh()


@pytest.fixture
def market(codec: Codec) -> MarketCodec:
    assert codec.market is not None
    return codec.market


def levels(text: str) -> list[Level]:
    numbers = [float(word) for word in text.split()]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def trades(*rows: Any, channel: object = "trade") -> bytes:
    return msgspec.json.encode({"channel": channel, "type": "update", "data": rows})


def trade(**changes: Any) -> bytes:
    return trades({**TRADE, **changes})


def book(**changes: Any) -> bytes:
    data = {"symbol": "BTC/USD", "bids": [], "asks": [{"price": 105944.2, "qty": 0}], "checksum": 2114181697, **changes}
    return msgspec.json.encode({"channel": "book", "type": changes.get("type", "update"), "data": [data]})


def test_the_example_of_the_documents(codec: Codec) -> None:
    assert codec.parse(trade(), 5) == [Tick(BTC, 10218208, 105944.2, 0.00027625, AT, 5, False)]
    assert codec.parse(trade(side="sell", new=[{}]), 5)[0].buyer_is_maker is True
    assert codec.rejected == {}


def test_every_constructed_frame_is_parsed_to_the_digit(codec: Codec) -> None:
    frames = recordings.trades(codec)
    groups = codec.parse_columns(frames, range(len(frames)))
    second = 1_696_613_755 * 10**9
    assert {name: ticks.ticks(name) for name, ticks in groups.items()} == {
        BTC: [
            Tick(BTC, 61231490, 27895.8, 0.00027625, second + 440_295_000, 3, False),
            Tick(BTC, 61231491, 27895.7, 1.2, second + 612_004_000, 4, True),
            Tick(BTC, 61231492, 27890.0, 3.0, second + 30_000_009_000, 10, True),
        ],
        ETH: [
            Tick(ETH, 41120007, 1641.09, 2.45, second + 800_001_000, 5, True),
            Tick(ETH, 41120008, 1641.0, 1e-8, second + 1_000_000_000, 6, False),
            Tick(ETH, 41120009, 1641.1, 0.5, second + 2_000_000_000, 8, False),
            Tick(ETH, 41120010, 1641.11, 13355.87450757, second + 2_000_000_000, 8, False),
            Tick(ETH, 41120011, 1641.1, 1e-5, second + 2_000_001_000, 8, True),
        ],
    }
    assert codec.rejected == {}


def test_one_bad_trade_of_a_frame_takes_no_other_along(codec: Codec) -> None:
    frame = trades(TRADE, {**TRADE, "price": None}, {**TRADE, "trade_id": 1}, {**TRADE, "qty": 0}, 7)
    assert [tick.id for tick in codec.parse(frame)] == [10218208, 1]
    assert codec.rejected == {"wrong_type": 2, "absurd": 1}


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (b"", "not_json"),
        (trade()[:-9], "not_json"),
        (b"[" * 100_000, "not_json"),
        (b"null", "foreign"),
        (b"[]", "foreign"),
        (b"{}", "foreign"),
        (trades(TRADE, channel="ohlc"), "foreign"),
        (trades(TRADE, channel=["trade"]), "foreign"),
        (trades(), "wrong_type"),
        (b'{"channel":"trade","data":{}}', "wrong_type"),
        (trade(price="12,5"), "wrong_type"),
        (trade(side="none"), "wrong_type"),
        (trade(trade_id=1.5), "wrong_type"),
        (trade(price=-1), "absurd"),
        (trade(qty=0.0), "absurd"),
        (trade(trade_id=-1), "absurd"),
        (trade(trade_id=2**63), "absurd"),
        (trade(timestamp="1969-12-31T23:59:59.000000Z"), "absurd"),
        (trade(timestamp=""), "absurd"),
        (trade(symbol=""), "absurd"),
        (
            b'{"error":"Currency pair not supported BTC/EURO","method":"subscribe","success":false,'
            b'"symbol":"BTC/EURO","time_in":"2023-10-06T17:35:55.440295Z","time_out":"2023-10-06T17:35:55.440302Z"}',
            "error_reply",
        ),
    ],
)
def test_what_is_no_trade_is_counted_by_kind(codec: Codec, frame: bytes, kind: str) -> None:
    assert codec.parse(frame) == []
    assert codec.rejected == {kind: 1}


def test_frames_that_subscribe(codec: Codec) -> None:
    assert codec.stream_url([BTC, ETH]) == "wss://ws.kraken.com/v2"
    params = {"channel": "trade", "snapshot": False, "symbol": ["BTC/USD", "ETH/USD"]}
    (opening,) = codec.opening([BTC, ETH, BTC])
    assert msgspec.json.decode(opening) == {"method": "subscribe", "params": params, "req_id": 0}
    assert msgspec.json.decode(codec.subscribe([BTC, ETH], 7)) == {"method": "subscribe", "params": params, "req_id": 7}
    assert msgspec.json.decode(codec.unsubscribe([BTC], 8)) == {
        "method": "unsubscribe",
        "params": {"channel": "trade", "symbol": ["BTC/USD"]},
        "req_id": 8,
    }
    assert codec.keepalive is not None
    assert msgspec.json.decode(codec.keepalive.payload) == {"method": "ping"}


@pytest.mark.parametrize("names", [[], ["BTC-USD"], ["BTC USD"], ["BTC/"], ["币/USD"]])
def test_what_cannot_be_a_pair_is_refused(codec: Codec, names: list[str]) -> None:
    with pytest.raises(ParameterError):
        codec.stream_url([InstrumentId("kraken", name) for name in names])


def test_one_of_another_venue_is_refused_in_words(codec: Codec) -> None:
    with pytest.raises(ParameterError, match=r"okx:BTC-USDT is not of Kraken spot: .* kraken:BTC/USD"):
        codec.past_trades(InstrumentId("okx", "BTC-USDT"), 1, 1, AT)


@pytest.mark.parametrize("typed", ["btcusd", " XBT/USD", "xbtusd", "btc-usd", "Xbt_Usd"])
def test_spelling(codec: Codec, typed: str) -> None:
    assert codec.spelt(typed) == "BTC/USD"
    assert [codec.spelt(each) for each in ("xdgusd", "ethxbt", "DOGE/BTC", "ko")] == [
        *("DOGE/USD", "ETH/BTC", "DOGE/BTC", "KO"),
    ]


def test_past_trades_are_asked_for_by_the_time_before_them(codec: Codec) -> None:
    request = codec.past_trades(InstrumentId("kraken", "DOGE/BTC"), 5, 300, AT)
    assert request is not None
    assert request.url == (
        f"https://api.kraken.com/0/public/Trades?pair=XDGXBT&since={AT - 1_000}&count=1000"  # from the same µs on
    )
    assert codec.past_trades(BTC, 5, 300, 0) is None


def test_past_trades(codec: Codec) -> None:
    rows = (
        b'["30243.40000","0.34507674",1688669597.8277369,"b","m","",61044952],'
        b'["30243.30000","0.00376960",1688669598.2804112,"s","l","",61044953,"new"],'
        b'["30243.30000","0.00000000",1688669598.2804112,"s","l","",61044954],'
        b'["30243.3","1","NaN","s","l","",61044955],["30243.3","1",1e999999999,"s","l","",61044956]'
    )
    body = b'{"error":[],"result":{"XXBTZUSD":[' + rows + b'],"last":"1688671969993150842"}}'
    assert codec.parse_past_trades(BTC, body) == [
        Tick(BTC, 61044952, 30243.4, 0.34507674, 1_688_669_597_827_736_900, 0, False),
        Tick(BTC, 61044953, 30243.3, 0.0037696, 1_688_669_598_280_411_200, 0, True),
    ]
    assert codec.rejected == {"absurd": 3}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error":["EQuery:Unknown asset pair"]}', "refused Trades: EQuery:Unknown asset pair"),
        (b'{"error":["EAPI:Rate limit exceeded"],"result":null}', "EAPI:Rate limit exceeded"),
        (b'{"error":[],"result":{"last":"1"}}', "0 pairs, needs one"),
        (b'{"error":[],"result":{"A":[],"B":[],"last":"1"}}', "2 pairs, needs one"),
        (b'{"error":[],"result":{"A":[["1"]],"last":"1"}}', "answered Trades with"),
        (b'{"error":[]}', "answered Trades with"),
        (b"<html>", "answered Trades with"),
    ],
)
def test_wrong_answers_are_one_clear_error(codec: Codec, body: bytes, said: str) -> None:
    with pytest.raises(FeedError, match=said):
        codec.parse_past_trades(BTC, body)


def test_pairs(codec: Codec) -> None:
    pair = {
        "altname": "XBTUSD",
        "wsname": "XBT/USD",
        "base": "XXBT",
        "quote": "ZUSD",
        "pair_decimals": 1,
        "lot_decimals": 8,
        "ordermin": "0.0001",
        "costmin": "0.5",
        "tick_size": "0.1",
        "status": "online",
    }
    rows = {
        "XXBTZUSD": pair,
        "XDGUSD": {**pair, "wsname": "XDG/USD", "tick_size": "0.0000001", "pair_decimals": 7, "status": "limit_only"},
        "A": {**pair, "wsname": "A/USD", "status": "post_only"},
        "DARK": {"altname": "DARK"},
    }
    listed = codec.parse_listing(msgspec.json.encode({"error": [], "result": rows}))
    assert listed == {
        BTC: Instrument(WireSymbol("BTC/USD"), 0.1, 1e-8, 1, 0.5, "TRADING", base="BTC", quote="USD", kind="spot"),
        "kraken:DOGE/USD": Instrument(
            WireSymbol("DOGE/USD"), 1e-7, 1e-8, 7, 0.5, "TRADING", base="DOGE", quote="USD", kind="spot"
        ),
        "kraken:A/USD": Instrument(
            WireSymbol("A/USD"), 0.1, 1e-8, 1, 0.5, "post_only", base="A", quote="USD", kind="spot"
        ),
    }
    for wrong in ({"wsname": " "}, {"wsname": "X/Y", "tick_size": "fine"}, {"wsname": "X/Y", "lot_decimals": 10**18}):
        with pytest.raises(FeedError, match="answered AssetPairs with what cannot be"):
            codec.parse_listing(msgspec.json.encode({"error": [], "result": {"X": wrong}}))


def test_the_clock_tells_whole_seconds_so_half_of_one_is_added(codec: Codec) -> None:
    body = b'{"error":[],"result":{"unixtime":1616336594,"rfc1123":"Sun, 21 Mar 21 14:23:14 +0000"}}'
    assert codec.parse_server_time(body) == 1_616_336_594_500_000_000


def test_where_quotes_and_books_come_from(market: MarketCodec) -> None:
    (route,) = market.routes([BTC, ETH])
    assert route.url == "wss://ws.kraken.com/v2"
    assert [msgspec.json.decode(frame)["params"] for frame in route.opening] == [
        {"channel": "ticker", "event_trigger": "bbo", "symbol": ["BTC/USD", "ETH/USD"]},
        {"channel": "book", "depth": 500, "symbol": ["BTC/USD", "ETH/USD"]},
    ]
    assert route.kinds == {"quotes", "books"}
    assert (market.completeness, market.depth, market.has_funding) == ("checksum", 500, False)
    assert market.snapshot(BTC) is market.mark_request(BTC) is market.past_funding(BTC, 0, 1) is None


def test_quotes_and_books(market: MarketCodec) -> None:
    ticker = {"symbol": "BTC/USD", "bid": 45283.5, "bid_qty": 0.1, "ask": 45285, "ask_qty": 0.001, "last": 45283.5}
    frames = [
        trades({**ticker, "timestamp": "2023-10-06T17:35:55.440295Z"}, ticker, channel="ticker"),
        book(type="snapshot", bids=[{"price": 1, "qty": 2.5}, {"price": 1, "qty": 0}]),
        book(timestamp="2023-10-06T17:35:55.440295Z"),
        b'{"channel":"heartbeat"}',
    ]
    assert market.parse(frames, [6, 7, 8, 9]) == [
        Quote(BTC, 45283.5, 0.1, 45285.0, 0.001, AT, 6),
        Quote(BTC, 45283.5, 0.1, 45285.0, 0.001, 6, 6),
        BookUpdate(BTC, True, ((1.0, 2.5), (1.0, 0.0)), ((105944.2, 0.0),), 7, 7, checksum=2114181697),
        BookUpdate(BTC, False, (), ((105944.2, 0.0),), AT, 8, checksum=2114181697),
    ]
    assert market.rejected == {}


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (b"{", "not_json"),
        (trade(), "foreign"),
        (b'{"success":false,"error":"Malformed request"}', "error_reply"),
        (book(asks=[[1, 2]]), "wrong_type"),
        (book(bids=[{"price": -1, "qty": 2}]), "absurd"),
        (book(checksum=2**32), "absurd"),
        (book(timestamp="now"), "absurd"),
        (book(symbol=""), "absurd"),
        (trades({"symbol": "A/B", "bid": 1, "bid_qty": 1, "ask": 0, "ask_qty": 1}, channel="ticker"), "absurd"),
    ],
)
def test_what_is_no_book_is_counted_by_kind(market: MarketCodec, frame: bytes, kind: str) -> None:
    assert market.parse([frame], [1]) == []
    assert market.rejected == {kind: 1}


def test_the_checksum_of_the_documents(market: MarketCodec) -> None:
    bids, asks = levels(BIDS), levels(ASKS)
    assert market.checksum(bids, asks, RULES) == 3310070434
    worse: list[Level] = [(1.0, 5.0)]
    assert market.checksum(bids + worse, [*asks, (10.0**6, 5.0)], RULES) == 3310070434  # ten levels a side
    assert market.checksum(bids[1:], asks, RULES) != 3310070434


def test_a_checksum_that_cannot_be_known_is_none(market: MarketCodec) -> None:
    assert market.checksum(levels(BIDS), levels(ASKS), None) is None
    assert market.checksum([], [], RULES) is None
    assert market.checksum([(1.0, 2_000_000_000.12345678)], [], RULES) is None  # more digits than a float has
    assert market.checksum([(1e308, 1e308)], [], RULES) is None


@given(
    st.lists(st.tuples(st.integers(1, 10**9), st.integers(1, 10**14)), min_size=1, max_size=10),
    st.integers(0, 10),
    st.integers(0, 8),
)
def test_floats_give_the_digits_that_were_written(
    steps: list[tuple[int, int]], price_decimals: int, size_decimals: int
) -> None:
    rules = Instrument(WireSymbol("A/B"), 0.0, 10.0**-size_decimals, price_decimals, 0.0, "TRADING")
    written = [(f"{price}e-{price_decimals}", f"{size}e-{size_decimals}") for price, size in steps]
    text = "".join(f"{price}{size}" for price, size in steps)
    market = KrakenMarket("wss://x")
    checksum = market.checksum([], [(float(price), float(size)) for price, size in written], rules)
    assert checksum == zlib.crc32(text.encode())


def test_recorded_books_have_the_checksums_that_the_venue_sent(codec: Codec, market: MarketCodec) -> None:
    frames = recordings.market(codec)
    rules = {
        InstrumentId("kraken", name): Instrument(WireSymbol(name), 0.0, 1e-8, digits, 0.0, "TRADING")
        for name, digits in (("BTC/CHF", 5), ("OCEAN/BTC", 9))
    }
    books: dict[str, tuple[dict[float, float], dict[float, float]]] = {}
    checked = 0
    for event in market.parse(frames, range(1, len(frames) + 1)):
        if isinstance(event, Quote):
            continue
        assert isinstance(event, BookUpdate)
        if event.is_snapshot:
            books[event.instrument] = ({}, {})
        for side, changed in zip(books[event.instrument], (event.bids, event.asks), strict=True):
            for price, quantity in changed:
                side.pop(price, None) if quantity == 0 else side.update({price: quantity})
        bids, asks = books[event.instrument]
        best = (sorted(bids.items(), reverse=True), sorted(asks.items()))
        assert market.checksum(*best, rules[event.instrument]) == event.checksum
        checked += 1
    assert checked == 439
