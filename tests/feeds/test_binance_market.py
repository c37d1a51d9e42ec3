"""Quotes, books and funding of Binance: recorded frames exactly, the rules of sequence, REST answers."""

import json
import math
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alphastream.core.units import HOUR, MS
from alphastream.errors import FeedError, ParameterError
from alphastream.feeds import FEEDS
from alphastream.feeds.market import BookUpdate, FundingPayment, MarketCodec, MarketEvent, MarkPrice, Quote
from alphastream.instruments import InstrumentId

RECORDED = Path(__file__).parents[1] / "data" / "binance"
BTC = InstrumentId("binance-usdm", "BTCUSDT")
ETH = InstrumentId("binance-usdm", "ETHUSDT")
SPOT_BTC = InstrumentId("binance-spot", "BTCUSDT")
VENUES = ("binance-usdm", "binance-spot", "binance-us")
AT = 1_800_000_000_000_000_000

TICKER: dict[str, Any] = {
    "e": "bookTicker",
    "u": 400900217,
    "s": "BTCUSDT",
    "b": "25.35",
    "B": "31.21",
    "a": "25.36",
    "A": "40.66",
    "T": 1568014460891,
    "E": 1568014460893,
}
DEPTH: dict[str, Any] = {
    "e": "depthUpdate",
    "E": 1568014460893,
    "T": 1568014460891,
    "s": "BTCUSDT",
    "U": 157,
    "u": 160,
    "pu": 149,
    "b": [["0.0024", "10"]],
    "a": [["0.0026", "100"], ["0.0027", "0"]],
}
MARK: dict[str, Any] = {
    "e": "markPriceUpdate",
    "E": 1562305380000,
    "s": "BTCUSDT",
    "p": "11794.15000000",
    "i": "11784.62659091",
    "P": "11784.25641265",
    "r": "0.00038167",
    "T": 1562306400000,
}


def market(venue: str) -> MarketCodec:
    codec = FEEDS[venue].fresh().market
    assert codec is not None
    return codec


def wrapped(**fields: Any) -> bytes:
    return msgspec.json.encode({"stream": "of a test", "data": fields})


def read_by_hand(venue: str, frame: bytes, at_ns: int) -> MarketEvent:
    data = json.loads(frame)["data"]
    name = InstrumentId(venue, data["s"])
    if "B" in data:
        bid, bid_quantity, ask, ask_quantity = (float(data[key]) for key in "bBaA")
        time_ns = data["T"] * MS if "T" in data else at_ns
        return Quote(name, bid, bid_quantity, ask, ask_quantity, time_ns, at_ns, data["u"])
    if data["e"] == "markPriceUpdate":
        rate = float(data["r"]) if data["r"] else math.nan
        mark, index = float(data["p"]), float(data["i"])
        return MarkPrice(name, mark, data["E"] * MS, at_ns, index, rate, data["T"] * MS)
    bids, asks = (tuple((float(price), float(quantity)) for price, quantity in data[side]) for side in "ba")
    time_ns = data.get("T", data["E"]) * MS
    return BookUpdate(name, False, bids, asks, time_ns, at_ns, data["U"], data["u"], data.get("pu", -1))


@pytest.mark.parametrize(("venue", "counts"), [*zip(VENUES, ((41, 119), (52, 98), (38, 122)), strict=True)])
def test_every_recorded_frame_is_read_to_the_letter(venue: str, counts: tuple[int, int]) -> None:
    codec = market(venue)
    frames = (RECORDED / f"{venue.removeprefix('binance-')}_market.jsonl").read_bytes().splitlines()
    receive_ns = [AT + number for number in range(len(frames))]
    events = codec.parse(frames, receive_ns)
    assert repr(events) == repr([read_by_hand(venue, *each) for each in zip(frames, receive_ns, strict=True)])
    assert tuple(sum(isinstance(event, kind) for event in events) for kind in (Quote, BookUpdate)) == counts
    assert codec.rejected == {}


def test_recorded_changes_of_books_follow_each_other() -> None:
    for venue in VENUES:
        codec = market(venue)
        frames = (RECORDED / f"{venue.removeprefix('binance-')}_market.jsonl").read_bytes().splitlines()
        lasts: dict[str, int] = {}
        followed = 0
        for event in codec.parse(frames, [AT] * len(frames)):
            if isinstance(event, BookUpdate):
                if event.instrument in lasts:
                    assert codec.follows(event, lasts[event.instrument], is_first=False) == "next"
                    followed += 1
                lasts[event.instrument] = event.last
        assert followed > 50


def test_keys_may_come_in_any_order_with_others_between_and_without_an_envelope() -> None:
    codec = market("binance-usdm")
    for fields in (TICKER, DEPTH, MARK):
        plain = codec.parse([wrapped(**fields)], [AT])
        mixed = dict(reversed([*fields.items(), ("zz", {"a": [1, "2"]}), ("st", 1)]))
        assert codec.parse([wrapped(**mixed), msgspec.json.encode(fields)], [AT, AT]) == plain * 2
    assert codec.rejected == {}


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (b"{", "not_json"),
        (b'{"s":"\xff"}', "not_json"),
        (wrapped(e="aggTrade", a=1, s="BTCUSDT", p="1", q="1", T=1, m=True), "foreign"),
        (b"[1]", "foreign"),
        (wrapped(e=["bookTicker"]), "foreign"),
        (b'{"code":2,"msg":"Invalid request"}', "error_reply"),
        (wrapped(**{**TICKER, "b": None}), "wrong_type"),
        (wrapped(**{**TICKER, "b": []}), "wrong_type"),
        (wrapped(**{key: value for key, value in TICKER.items() if key != "A"}), "wrong_type"),
        (wrapped(**{**TICKER, "b": "-1"}), "absurd"),
        (wrapped(**{**TICKER, "a": "inf"}), "absurd"),
        (wrapped(**{**TICKER, "B": "nan"}), "absurd"),
        (wrapped(**{**TICKER, "u": 2**63}), "absurd"),
        (wrapped(**{**TICKER, "T": 2**62}), "absurd"),
        (wrapped(**{**TICKER, "s": " "}), "absurd"),
        (wrapped(**{**DEPTH, "b": [["0", "1"]]}), "absurd"),
        (wrapped(**{**DEPTH, "b": [["1"]]}), "wrong_type"),
        (wrapped(**{**DEPTH, "a": "1.5"}), "wrong_type"),
        (wrapped(**{key: value for key, value in DEPTH.items() if key != "U"}), "wrong_type"),
        (wrapped(**{**MARK, "p": "0"}), "absurd"),
        (wrapped(**{**MARK, "r": "soon"}), "absurd"),
    ],
)
def test_what_is_none_of_ours_is_counted_and_takes_no_other_along(frame: bytes, kind: str) -> None:
    codec = market("binance-usdm")
    assert len(codec.parse([wrapped(**TICKER), frame, wrapped(**DEPTH)], [AT] * 3)) == 2
    assert codec.rejected == {kind: 1}


def test_acknowledgements_are_nothing_and_a_shutdown_is_an_ending() -> None:
    codec = market("binance-spot")
    assert codec.parse([b'{"result":null,"id":1}', b'{"e":"serverShutdown","E":1}'], [AT, AT]) == []
    assert (codec.rejected, codec.endings) == ({}, 1)


def update(first: int, last: int, previous: int = -1) -> BookUpdate:
    return BookUpdate(BTC, False, (), (), 1, 1, first, last, previous)


@pytest.mark.parametrize(
    ("venue", "change", "last", "is_first", "expected"),
    [
        # futures: the first spans the snapshot's number, the others name the one before
        ("binance-usdm", update(95, 99, 90), 100, True, "old"),
        ("binance-usdm", update(95, 100, 90), 100, True, "next"),
        ("binance-usdm", update(95, 105, 90), 100, True, "next"),
        ("binance-usdm", update(100, 105, 90), 100, True, "next"),
        ("binance-usdm", update(104, 105, 100), 100, True, "next"),  # the change right after the snapshot
        ("binance-usdm", update(104, 105, 103), 100, True, "gap"),
        ("binance-usdm", update(101, 105, 101), 100, True, "gap"),
        ("binance-usdm", update(140, 150, 105), 105, False, "next"),
        ("binance-usdm", update(106, 150, 104), 105, False, "gap"),
        ("binance-usdm", update(101, 105, 100), 105, False, "old"),
        ("binance-usdm", update(90, 99, 80), 105, False, "old"),
        # spot: what begins at or before the number that is due continues
        ("binance-spot", update(95, 100), 100, True, "old"),
        ("binance-spot", update(95, 101), 100, True, "next"),
        ("binance-spot", update(101, 105), 100, True, "next"),
        ("binance-spot", update(102, 105), 100, True, "gap"),
        ("binance-spot", update(106, 108), 105, False, "next"),
        ("binance-spot", update(104, 108), 105, False, "next"),
        ("binance-spot", update(107, 108), 105, False, "gap"),
        ("binance-spot", update(101, 105), 105, False, "old"),
        # Binance.US: only the first may overlap
        ("binance-us", update(95, 100), 100, True, "old"),
        ("binance-us", update(95, 101), 100, True, "next"),
        ("binance-us", update(101, 101), 100, True, "next"),
        ("binance-us", update(102, 105), 100, True, "gap"),
        ("binance-us", update(106, 108), 105, False, "next"),
        ("binance-us", update(104, 108), 105, False, "gap"),
        ("binance-us", update(107, 108), 105, False, "gap"),
        ("binance-us", update(101, 105), 105, False, "old"),
    ],
)
def test_updates_follow_by_the_rule_of_the_venue(
    venue: str, change: BookUpdate, last: int, is_first: bool, expected: str
) -> None:
    assert market(venue).follows(change, last, is_first=is_first) == expected


def test_routes_name_the_streams_and_no_more_of_them_than_a_connection_carries() -> None:
    quotes, marks = market("binance-usdm").routes([BTC, BTC])
    assert quotes.url == "wss://fstream.binance.com/public/stream?streams=btcusdt@bookTicker/btcusdt@depth@100ms"
    assert marks.url == "wss://fstream.binance.com/market/stream?streams=btcusdt@markPrice@1s"
    assert [sorted(route.kinds) for route in (quotes, marks)] == [["books", "quotes"], ["marks"]]
    (spot,) = market("binance-spot").routes([SPOT_BTC])
    assert spot.url == ("wss://data-stream.binance.vision/stream?streams=btcusdt@bookTicker/btcusdt@depth@100ms")
    many = market("binance-us").routes([InstrumentId("binance-us", f"A{number}USD") for number in range(150)])
    streams = [route.url.partition("streams=")[2].split("/") for route in many]
    assert [len(names) for names in streams] == [200, 100]
    assert len(set().union(*streams)) == 300
    for wrong in ([], [SPOT_BTC], [InstrumentId("binance-usdm", "BTC/USDT")]):
        with pytest.raises(ParameterError):
            market("binance-usdm").routes(wrong)


def test_a_snapshot_is_a_book_with_the_number_it_is_as_of() -> None:
    codec = market("binance-usdm")
    request = codec.snapshot(BTC)
    assert request is not None
    assert (request.url, request.weight) == ("https://fapi.binance.com/fapi/v1/depth?symbol=BTCUSDT&limit=1000", 20)
    body = b'{"lastUpdateId":7,"E":2000,"T":1000,"bids":[["4.0","431"],["3.9","1"]],"asks":[["4.1","12"]]}'
    expected = BookUpdate(BTC, True, ((4.0, 431.0), (3.9, 1.0)), ((4.1, 12.0),), 1_000 * MS, AT, last=7)
    assert codec.parse_snapshot(BTC, body, AT) == expected
    weights = [
        request.weight
        for venue in VENUES[1:]
        if (request := market(venue).snapshot(InstrumentId(venue, "BTCUSDT"))) is not None
    ]
    assert weights == [50, 10]
    spot = market("binance-spot").parse_snapshot(SPOT_BTC, b'{"lastUpdateId":7,"bids":[],"asks":[]}', AT)
    assert spot.time_ns == AT
    with pytest.raises(FeedError, match="depth"):
        codec.parse_snapshot(BTC, b'{"lastUpdateId":7,"bids":[["0","1"]],"asks":[]}', AT)


def test_mark_prices_say_what_is_paid_next() -> None:
    codec = market("binance-usdm")

    def told(**changes: Any) -> MarkPrice:
        (mark,) = codec.parse([wrapped(**{**MARK, **changes})], [AT])
        assert isinstance(mark, MarkPrice)
        return mark

    assert told() == MarkPrice(
        BTC, 11794.15, 1562305380000 * MS, AT, 11784.62659091, 0.00038167, 1562306400000 * MS, interval_ns=0
    )
    expiring = told(s="BTCUSDT_261225", r="", T=0)
    assert math.isnan(expiring.funding_rate)
    assert (expiring.next_funding_ns, expiring.interval_ns) == (0, 0)
    assert codec.mark_request(expiring.instrument) is None
    premium = {
        "symbol": "ETHUSDT",
        "markPrice": "3120.5",
        "indexPrice": "3121",
        "lastFundingRate": "-0.0001",
        "nextFundingTime": 1562306400000,
        "time": 1562305380000,
    }
    expected = MarkPrice(ETH, 3120.5, 1562305380000 * MS, AT, 3121.0, -0.0001, 1562306400000 * MS)
    for body in (premium, [premium]):
        assert codec.parse_marks(msgspec.json.encode(body), AT) == [expected]


def test_how_often_a_perpetual_pays_is_told_of_those_not_named_too() -> None:
    codec = market("binance-usdm")
    rows = [{"symbol": "ETHUSDT", "adjustedFundingRateCap": "0.03", "fundingIntervalHours": 4, "disclaimer": False}]
    body = msgspec.json.encode(rows)
    assert [mark.instrument for mark in codec.parse_marks(body, AT)] == [ETH]
    for instrument in (BTC, ETH):
        request = codec.mark_request(instrument)
        assert request is not None
        assert request.url == "https://fapi.binance.com/fapi/v1/fundingInfo"
    marks = codec.parse_marks(body, AT)
    assert {mark.instrument: mark.interval_ns for mark in marks} == {BTC: 8 * HOUR, ETH: 4 * HOUR}
    assert all(math.isnan(mark.mark) and mark.next_funding_ns == 0 for mark in marks)


def test_past_funding_is_asked_for_and_read() -> None:
    codec = market("binance-usdm")
    request = codec.past_funding(BTC, 1_000_000_001, 9_000_000_001)
    assert request is not None
    assert request.url == (
        "https://fapi.binance.com/fapi/v1/fundingRate?symbol=BTCUSDT&startTime=1001&endTime=9000&limit=1000"
    )
    rows = [
        {"symbol": "BTCUSDT", "fundingRate": "0.00010000", "fundingTime": 1570636800000, "markPrice": "34287.54"},
        {"symbol": "BTCUSDT", "fundingRate": "-0.03750000", "fundingTime": 1570608000003, "markPrice": ""},
    ]
    older, newer = codec.parse_past_funding(BTC, msgspec.json.encode(rows))
    assert newer == FundingPayment(BTC, 1570636800000 * MS, 0.0001, 34287.54)
    assert (older.time_ns, older.rate, math.isnan(older.mark)) == (1570608000003 * MS, -0.0375, True)


def test_spot_has_no_funding() -> None:
    for venue in ("binance-spot", "binance-us"):
        codec, btc = market(venue), InstrumentId(venue, "BTCUSDT")
        assert not codec.has_funding
        assert codec.mark_request(btc) is codec.past_funding(btc, 0, AT) is None


def test_the_listing_says_what_is_traded_for_what() -> None:
    rows = [
        {"symbol": "BTCUSDT", "baseAsset": "BTC", "quoteAsset": "USDT", "contractType": "PERPETUAL"},
        {"symbol": "BTCUSDT_261225", "baseAsset": "BTC", "quoteAsset": "USDT", "contractType": "CURRENT_QUARTER"},
        {"symbol": "ETHBTC", "baseAsset": "ETH", "quoteAsset": "BTC"},
    ]
    listed = FEEDS["binance-usdm"].parse_listing(msgspec.json.encode({"symbols": rows})).values()
    assert [(each.base, each.quote, each.kind) for each in listed] == [
        ("BTC", "USDT", "perpetual"),
        ("BTC", "USDT", "future"),
        ("ETH", "BTC", "spot"),
    ]
