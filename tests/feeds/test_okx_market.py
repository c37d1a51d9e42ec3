"""Quotes, books, mark prices and funding of OKX: constructed and recorded frames, answers, continuity."""

import math
from pathlib import Path

import msgspec
import pytest

from alphastream.errors import FeedError
from alphastream.feeds import FEEDS, Codec
from alphastream.feeds.market import BookUpdate, MarketCodec, MarkPrice, Quote
from tests.feeds.okx_frames import BTC, LISTING, SWAP, answer, book, funding, index, mark, push, quote

RECORDED = Path(__file__).parents[1] / "data" / "okx"


@pytest.fixture
def codec() -> Codec:
    return FEEDS["okx"].fresh(rest_url="http://127.0.0.1:1")  # its contracts are nobody else's


@pytest.fixture
def market(codec: Codec) -> MarketCodec:
    codec.parse_listing(LISTING)
    assert codec.market is not None
    return codec.market


def test_market_frames_become_events(market: MarketCodec) -> None:
    frames = [quote(), book(), book(action="snapshot", previous=-1), mark(), index(), funding(), b"pong"]
    found = market.parse(frames, range(1, 8))
    assert found[0] == Quote(SWAP, 111234.4, 0.081, 111234.5, 0.123, 1_785_548_167_559_000_000, 1, 123456789)
    levels = {"bids": ((8476.97, 2.565),), "asks": ((8476.98, 4.15), (8477.0, 0.0))}
    at = 1_597_026_383_085_000_000
    assert found[1] == BookUpdate(SWAP, False, levels["bids"], levels["asks"], at, 2, 20, 20, 10)
    assert found[2] == BookUpdate(SWAP, True, levels["bids"], levels["asks"], at, 3, 20, 20, -1)
    assert market.rejected == {}
    marks = [event for event in found if isinstance(event, MarkPrice)]
    assert (marks[0].mark, marks[0].receive_ns, math.isnan(marks[0].index)) == (50123.4, 4, True)
    assert (marks[1].index, marks[1].instrument, math.isnan(marks[1].mark)) == (50120.1, SWAP, True)
    last = marks[2]
    assert (last.funding_rate, last.next_funding_ns) == (0.0001, 1_800_003_600_000_000_000)
    assert last.interval_ns == 4 * 3600 * 10**9


def test_recorded_books_have_their_levels_and_no_numbers(market: MarketCodec) -> None:
    frames = (RECORDED / "market.jsonl").read_bytes().splitlines()
    events = market.parse(frames, range(1, len(frames) + 1))
    assert len(events) == len(frames)
    for event, frame in zip(events, frames, strict=True):
        row = msgspec.json.decode(frame)["data"][0]
        assert isinstance(event, BookUpdate)
        assert event.bids == tuple((float(price), float(size)) for price, size, *_ in row["bids"])
        assert (event.last, event.checksum) == (-1, None)
    assert market.rejected == {}


def test_books_of_a_contract_that_is_not_known_are_left_out(codec: Codec) -> None:
    market = codec.market
    assert market is not None
    assert market.parse([book(), quote(), quote("BTC-USDT")], [1, 2, 3])[0].receive_ns == 3
    assert market.rejected == {"size_unknown": 2}
    with pytest.raises(FeedError, match="what a contract of BTC-USDT-SWAP is worth"):
        market.parse_snapshot(SWAP, answer({"asks": [], "bids": [], "ts": "1", "seqId": 1}), 1)


@pytest.mark.parametrize(
    ("frame", "rejected"),
    [
        (book().replace(b'"415"', b'"-1"'), {"absurd": 1}),
        (book().replace(b'"8476.97"', b'"NaN"'), {"absurd": 1}),
        (book(symbol=" "), {"absurd": 1}),
        (book().replace(b'["8476.97"', b'[["x"]'), {"wrong_type": 1}),
        (mark().replace(b"50123.4", b"0"), {"absurd": 1}),
        (funding(nextFundingTime="1800003600000"), {"absurd": 1}),
        (funding(fundingRate="inf"), {"absurd": 1}),
        (funding(fundingTime=""), {"wrong_type": 1}),
        (b'{"event":"error","code":"60012","msg":"no"}', {"error_reply": 1}),
        (b"{", {"not_json": 1}),
    ],
)
def test_what_cannot_be_is_counted(market: MarketCodec, frame: bytes, rejected: dict[str, int]) -> None:
    assert market.parse([frame], [1]) == []
    assert market.rejected == rejected


def test_a_book_with_an_empty_side_is_no_quote(market: MarketCodec) -> None:
    one_sided = push("bbo-tbt", "BTC-USDT", {"asks": [], "bids": [["1", "1", "0", "1"]], "ts": "1", "seqId": 3})
    assert market.parse([one_sided], [1]) == []
    assert market.rejected == {}


def numbered(last: int, previous: int) -> BookUpdate:
    return BookUpdate(BTC, False, (), (), 1, 1, last, last, previous)


@pytest.mark.parametrize(
    ("last", "previous", "held", "is_first", "verdict"),
    [
        (15, 10, 10, False, "next"),
        (10, 10, 10, False, "next"),  # nothing has changed for a minute
        (3, 10, 10, False, "next"),  # the venue counts anew
        (15, 11, 10, False, "gap"),
        (9, 8, 10, False, "old"),
        (15, 8, 10, True, "next"),  # the snapshot was asked for: it lies within
        (10, 8, 10, True, "old"),
        (15, 11, 10, True, "gap"),
        (15, 8, 10, False, "gap"),
    ],
)
def test_updates_follow_by_the_number_before(
    market: MarketCodec, last: int, previous: int, held: int, is_first: bool, verdict: str
) -> None:
    assert market.follows(numbered(last, previous), held, is_first=is_first) == verdict


def test_the_venues_checksum_proves_nothing(market: MarketCodec) -> None:
    assert market.completeness == "sequence"
    assert market.checksum([(1.0, 1.0)], [(2.0, 1.0)], None) is None
    assert [event.checksum for event in market.parse([book()], [1]) if isinstance(event, BookUpdate)] == [None]


def test_one_connection_carries_all_that_is_not_trades(market: MarketCodec) -> None:
    (route,) = market.routes([BTC, SWAP, BTC])
    assert route.kinds == {"quotes", "books", "marks"}
    sent = [(each["channel"], each["instId"]) for each in msgspec.json.decode(route.opening[0])["args"]]
    assert sent == [
        ("bbo-tbt", "BTC-USDT"),
        ("books", "BTC-USDT"),
        ("bbo-tbt", "BTC-USDT-SWAP"),
        ("books", "BTC-USDT-SWAP"),
        ("mark-price", "BTC-USDT-SWAP"),
        ("funding-rate", "BTC-USDT-SWAP"),
        ("index-tickers", "BTC-USDT"),
    ]
    assert market.routes([BTC])[0].kinds == {"quotes", "books"}
    assert market.routes([]) == ()


def test_a_book_that_was_asked_for(market: MarketCodec) -> None:
    request = market.snapshot(SWAP)
    assert request is not None
    assert request.url.endswith("/api/v5/market/books?instId=BTC-USDT-SWAP&sz=400")
    row = {"asks": [["101", "5", "0", "1"]], "bids": [["100", "3", "0", "1"]], "ts": "1597026383085", "seqId": 77}
    found = market.parse_snapshot(SWAP, answer(row), 9)
    assert found == BookUpdate(SWAP, True, ((100.0, 0.03),), ((101.0, 0.05),), 1_597_026_383_085_000_000, 9, 77, 77)
    unnumbered = {key: value for key, value in row.items() if key != "seqId"}
    for body in (answer(), answer(unnumbered), answer({**row, "ts": "0"}), b"[]"):
        with pytest.raises(FeedError, match="books"):
            market.parse_snapshot(SWAP, body, 9)


def test_funding_that_was_paid(market: MarketCodec) -> None:
    request = market.past_funding(SWAP, 1_000_000_001, 5_000_000_000)
    assert request is not None
    assert request.url.endswith("/funding-rate-history?instId=BTC-USDT-SWAP&before=1000&after=5000&limit=400")
    assert market.past_funding(BTC, 0, 1) is None
    paid = {"instId": "BTC-USDT-SWAP", "fundingRate": "0.0002", "realizedRate": "0.00017", "fundingTime": "4000"}
    older = {"instId": "BTC-USDT-SWAP", "fundingRate": "-0.0001", "fundingTime": "2000"}
    found = market.parse_past_funding(SWAP, answer(paid, older))
    assert [(each.instrument, each.time_ns, each.rate) for each in found] == [
        (SWAP, 2_000_000_000, -0.0001),
        (SWAP, 4_000_000_000, 0.00017),
    ]
    assert all(math.isnan(each.mark) for each in found)
    for broken in ({**paid, "realizedRate": "x"}, {**paid, "fundingTime": "0"}, {**paid, "instId": "ETH-USDT-SWAP"}):
        with pytest.raises(FeedError, match="funding-rate-history"):
            market.parse_past_funding(SWAP, answer(broken))


def test_the_rate_that_will_be_paid_can_be_asked_for(market: MarketCodec) -> None:
    request = market.mark_request(SWAP)
    assert request is not None
    assert request.url.endswith("/api/v5/public/funding-rate?instId=BTC-USDT-SWAP")
    assert market.mark_request(BTC) is None
    (found,) = market.parse_marks(answer(msgspec.json.decode(funding())["data"][0]), 3)
    assert (found.instrument, found.funding_rate, found.interval_ns) == (SWAP, 0.0001, 14_400_000_000_000)
