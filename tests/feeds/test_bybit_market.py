"""Quotes, books, mark prices and funding of Bybit: constructed frames, answers, continuity."""

import math
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alphastream.errors import FeedError
from alphastream.feeds import FEEDS
from alphastream.feeds.market import BookUpdate, MarketCodec, MarkPrice, Quote
from alphastream.instruments import InstrumentId
from tests.feeds.test_bybit import answer

DATA = Path(__file__).parents[1] / "data" / "bybit"
BTC = InstrumentId("bybit-linear", "BTCUSDT")
TS = 1687940967466


@pytest.fixture
def market() -> MarketCodec:
    codec = FEEDS["bybit-linear"].fresh().market
    assert codec is not None
    return codec


def book(topic: str = "orderbook.200.BTCUSDT", kind: str = "delta", **changes: Any) -> bytes:
    data = {"s": "BTCUSDT", "b": [["30247.20", "30.028"], ["30245.40", "0"]], "a": [["30248.70", "0.5"]],
            "u": 177400507, "seq": 66544703342} | changes  # fmt: skip
    return msgspec.json.encode({"topic": topic, "type": kind, "ts": TS, "data": data, "cts": TS - 2})


def ticker(kind: str = "delta", **fields: str) -> bytes:
    data = {"symbol": "BTCUSDT", **fields}
    return msgspec.json.encode({"topic": "tickers.BTCUSDT", "type": kind, "data": data, "cs": 1, "ts": TS})


def test_books_and_quotes(market: MarketCodec) -> None:
    sides = ((30247.2, 30.028), (30245.4, 0.0)), ((30248.7, 0.5),)
    at = (TS - 2) * 10**6
    frames = [book(), book(kind="snapshot"), book(u=1), book("orderbook.1.BTCUSDT", "snapshot", b=[["30247.20", "3"]])]
    assert market.parse(frames, [1, 2, 3, 4]) == [
        BookUpdate(BTC, False, *sides, at, 1, 177400507, 177400507),
        BookUpdate(BTC, True, *sides, at, 2, 177400507, 177400507),
        BookUpdate(BTC, True, *sides, at, 3, 1, 1),  # the venue has begun anew
        Quote(BTC, 30247.2, 3.0, 30248.7, 0.5, at, 4, 66544703342),
    ]
    assert market.parse([book("orderbook.1.BTCUSDT", "snapshot", a=[])], [1]) == []
    assert market.rejected == {}


@pytest.mark.parametrize(("u", "verdict"), [(11, "next"), (12, "gap"), (10, "old"), (3, "old")])
@pytest.mark.parametrize("is_first", [True, False])
def test_updates_follow_one_by_one(market: MarketCodec, u: int, verdict: str, is_first: bool) -> None:
    (update,) = market.parse([book(u=u)], [1])
    assert isinstance(update, BookUpdate)
    assert market.follows(update, 10, is_first=is_first) == verdict


def test_a_field_that_is_absent_is_not_said(market: MarketCodec) -> None:
    whole = ticker("snapshot", markPrice="17217.33", indexPrice="17227.36", fundingRate="-0.000212",
                   nextFundingTime="1673280000000", fundingIntervalHour="4", openInterest="1")  # fmt: skip
    first, second, third = market.parse(
        [whole, ticker(markPrice="17218.00"), ticker(fundingRate="0.0001"), ticker(bid1Size="3")], [1, 2, 3, 4]
    )
    assert first == MarkPrice(
        BTC, 17217.33, TS * 10**6, 1, 17227.36, -0.000212, 1_673_280_000_000_000_000, 4 * 3600 * 10**9
    )
    assert isinstance(second, MarkPrice)
    assert isinstance(third, MarkPrice)
    assert (second.mark, second.next_funding_ns, second.interval_ns) == (17218.0, 0, 0)
    assert math.isnan(second.index)
    assert math.isnan(second.funding_rate)
    assert (math.isnan(third.mark), third.funding_rate) == (True, 0.0001)
    assert market.rejected == {}


@pytest.mark.parametrize(
    ("sent", "rejected"),
    [
        (book(b=[["NaN", "1"]]), {"absurd": 1}),
        (book(b=[["1", "-1"]]), {"absurd": 1}),
        (book(u=-1), {"absurd": 1}),
        (book(s=" "), {"absurd": 1}),
        (book(b=[["1"]]), {"wrong_type": 1}),
        (ticker(markPrice="0"), {"absurd": 1}),
        (ticker(fundingRate="inf"), {"absurd": 1}),
        (ticker(nextFundingTime="-5"), {"absurd": 1}),
        (ticker(fundingIntervalHour="9999999"), {"absurd": 1}),
        (ticker(markPrice="much"), {"wrong_type": 1}),
        (b'{"success":true,"ret_msg":"pong","op":"ping"}', {}),
        (b'{"success":false,"ret_msg":"no","op":"subscribe"}', {"error_reply": 1}),
        (b"{", {"not_json": 1}),
        (b"[]", {"foreign": 1}),
    ],
)
def test_what_cannot_be_is_counted(market: MarketCodec, sent: bytes, rejected: dict[str, int]) -> None:
    assert market.parse([sent], [1]) == []
    assert market.rejected == rejected


@pytest.mark.parametrize(("kind", "topics"), [("linear", 3), ("spot", 2)])
def test_one_connection_carries_all_that_is_not_trades(kind: str, topics: int) -> None:
    codec = FEEDS[f"bybit-{kind}"].market
    assert codec is not None
    frames = (DATA / f"{kind}_market.jsonl").read_bytes().splitlines()
    assert len(codec.parse(frames, range(1, len(frames) + 1))) >= len(frames) - 3
    (route,) = codec.routes([InstrumentId(codec.name, f"S{number}USDT") for number in range(7)])
    sent = [msgspec.json.decode(each)["args"] for each in route.opening]
    assert max(map(len, sent)) == 10
    assert sum(map(len, sent)) == 7 * topics
    assert ("marks" in route.kinds) == (kind == "linear") == codec.has_funding
    assert codec.routes([]) == ()


def test_books_come_by_the_connection(market: MarketCodec) -> None:
    assert market.snapshot(BTC) is None
    with pytest.raises(FeedError, match="none was asked for"):
        market.parse_snapshot(BTC, b"{}", 1)
    assert market.checksum([], [], None) is None
    assert (market.completeness, market.depth) == ("sequence", 200)


def test_the_interval_is_in_minutes(market: MarketCodec) -> None:
    request = market.mark_request(BTC)
    assert request is not None
    assert request.url.endswith("/v5/market/instruments-info?category=linear&symbol=BTCUSDT")
    row = {"symbol": "BTCUSDT", "status": "Trading", "fundingInterval": 240}
    dated = {"symbol": "BTCUSDT-26DEC25", "status": "Trading", "fundingInterval": 0}
    (found,) = market.parse_marks(answer({"list": [row, dated]}), 7)
    assert (found.instrument, found.interval_ns, found.receive_ns) == (BTC, 4 * 3600 * 10**9, 7)
    assert math.isnan(found.mark)
    with pytest.raises(FeedError, match="instruments-info"):
        market.parse_marks(b"{}", 7)
    spot = FEEDS["bybit-spot"].market
    assert spot is not None
    assert spot.mark_request(InstrumentId("bybit-spot", "BTCUSDT")) is None
    assert spot.past_funding(InstrumentId("bybit-spot", "BTCUSDT"), 0, 1) is None


def test_funding_that_was_paid(market: MarketCodec) -> None:
    request = market.past_funding(BTC, 1_000_000_001, 5_000_000_000)
    assert request is not None
    assert request.url.endswith("/funding/history?category=linear&symbol=BTCUSDT&startTime=1001&endTime=4999&limit=200")
    rows = [{"symbol": "BTCUSDT", "fundingRate": rate, "fundingRateTimestamp": at}
            for rate, at in (("0.0001", "4000"), ("-0.00003", "2000"))]  # fmt: skip
    found = market.parse_past_funding(BTC, answer({"category": "linear", "list": rows}))
    assert [(each.time_ns, each.rate) for each in found] == [(2_000_000_000, -0.00003), (4_000_000_000, 0.0001)]
    for broken in ({**rows[0], "fundingRate": "inf"}, {**rows[0], "symbol": "ETHUSDT"}):
        with pytest.raises(FeedError, match="funding/history"):
            market.parse_past_funding(BTC, answer({"list": [broken]}))
